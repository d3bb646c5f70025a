/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648 section 4). */
#ifndef OTA_BASE_BASE64_H
#define OTA_BASE_BASE64_H

#include "buf.h"

/* ret_text needs this and a NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)
void base64_encode(const void *data, size_t len, char *ret_text);

/* Appends what exactly `len` characters of text mean. Strict: padded, no blanks, unused
 * bits zero; so that one value has one text. ERR_FORMAT else. */
int base64_decode(const char *text, size_t len, struct buf *ret,
		  struct err *e) MUST_USE;

#endif
