/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors stand in the documents that describe the formats, so that text and code
 * cannot part: the first line after "```hex" up to "```", blanks ignored. */
#ifndef OTA_TESTS_VECTOR_H
#define OTA_TESTS_VECTOR_H

#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include "testing.h"

/* Appends the index-th vector of docs/formats/<doc> to *ret. */
static inline void vector_read(const char *doc, size_t index, struct buf *ret)
{
	AUTO(buf) struct buf text = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;
	const char *docs = getenv("OTA_TEST_DOCS");
	const char *at, *end;
	char path[1024], digits[3] = "";

	OK(text_format(path, sizeof(path), &e, "%s/formats/%s",
		       docs != NULL ? docs : "docs", doc));
	OK(file_read(path, &text, &e));
	at = buf_str(&text) - 1;
	do {
		at = strstr(at + 1, "```hex\n");
		assert_non_null(at);
	} while (index-- > 0);
	at += 7;
	end = strstr(at, "```");
	assert_non_null(end);
	for (; at < end; at++) {
		uint8_t byte;

		if (*at == ' ' || *at == '\n')
			continue;
		digits[0] = *at++;
		digits[1] = *at;
		OK(hex_decode(digits, &byte, 1, &e));
		OK(buf_add(ret, &byte, 1, &e));
	}
}

#endif
