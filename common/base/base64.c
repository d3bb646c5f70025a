/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <stdbool.h>

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *ret_text)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 |
				(n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(n > 2 ? p[i + 2] : 0);

		*ret_text++ = alphabet[bits >> 18];
		*ret_text++ = alphabet[bits >> 12 & 63];
		*ret_text++ = '=';
		*ret_text++ = '=';
		if (n > 1)
			ret_text[-2] = alphabet[bits >> 6 & 63];
		if (n > 2)
			ret_text[-1] = alphabet[bits & 63];
	}
	*ret_text = '\0';
}

/* 0..63, or -1. */
static int value_of(char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

/* One group of four; the last may end in "=" or "==". */
static int decode_group(const char *text, bool last, struct buf *ret, struct err *e)
{
	size_t n_pad = !last || text[3] != '=' ? 0 : text[2] == '=' ? 2 : 1;
	uint32_t bits = 0;
	uint8_t bytes[3];

	for (size_t i = 0; i < 4; i++) {
		int v = i >= 4 - n_pad ? 0 : value_of(text[i]);

		if (v < 0)
			return err_set(e, ERR_FORMAT, "not Base64");
		bits = bits << 6 | (uint32_t)v;
	}
	if ((bits & ((UINT32_C(1) << (8 * n_pad)) - 1)) != 0)
		return err_set(e, ERR_FORMAT, "not Base64: bits behind its end");
	bytes[0] = (uint8_t)(bits >> 16);
	bytes[1] = (uint8_t)(bits >> 8);
	bytes[2] = (uint8_t)bits;
	return buf_add(ret, bytes, 3 - n_pad, e);
}

int base64_decode(const char *text, size_t len, struct buf *ret, struct err *e)
{
	if (len % 4 != 0)
		return err_set(e, ERR_FORMAT, "not Base64: no multiple of four");
	for (size_t i = 0; i < len; i += 4) {
		if (decode_group(text + i, i + 4 == len, ret, e) < 0)
			return -1;
	}
	return 0;
}
