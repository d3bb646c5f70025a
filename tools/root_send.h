/* SPDX-License-Identifier: Apache-2.0 */
/* Roots to the server: one it has is left, the first one claims the repository. */
#ifndef OTA_TOOLS_ROOT_SEND_H
#define OTA_TOOLS_ROOT_SEND_H

#include "api.h"

/* The newest that the server has, 0: none. */
int root_known(const struct api *a, uint64_t *ret, struct err *e) MUST_USE;
int root_send(const struct api *a, const struct buf *root, struct err *e) MUST_USE;

#endif
