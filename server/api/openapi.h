/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI 3.1 document of both APIs, made from docs/openapi/ when the server is built.
 */
#ifndef OTA_SERVER_API_OPENAPI_H
#define OTA_SERVER_API_OPENAPI_H

#include <stddef.h>

/* JSON in ASCII, without a NUL behind it. */
extern const char openapi_document[];
extern const size_t openapi_document_len;

#endif
