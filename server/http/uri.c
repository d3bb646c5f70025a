/* SPDX-License-Identifier: Apache-2.0 */
#include "uri.h"

#include "../../common/base/text.h"

#include <stdint.h>
#include <string.h>

static bool is_clean(const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t len = strlen(text);

	while (len > 0) {
		size_t n = utf8_len(s, len);

		if (n == 0 || *s < 0x20 || *s == 0x7f)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

bool uri_decode(const char *text, size_t len, bool plus, char *ret_text)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return false;
		ret_text[n++] = c;
	}
	ret_text[n] = '\0';
	return is_clean(ret_text);
}

bool uri_decode_segment(const char *text, size_t len, char *ret_text)
{
	return uri_decode(text, len, false, ret_text) && ret_text[0] != '\0' &&
	       strcmp(ret_text, ".") != 0 && strcmp(ret_text, "..") != 0 &&
	       strpbrk(ret_text, "/\\") == NULL;
}

int uri_query_get(const char *query, const char *name, char *ret_value)
{
	size_t name_len = strlen(name);
	int found = 0;

	while (*query != '\0') {
		size_t len = strcspn(query, "&");
		size_t key_len = strcspn(query, "=&");

		if (key_len == name_len && memcmp(query, name, name_len) == 0) {
			size_t skip = key_len < len ? key_len + 1 : key_len;

			if (found ||
			    !uri_decode(query + skip, len - skip, true, ret_value))
				return -1;
			found = 1;
		}
		query += len + (query[len] == '&');
	}
	return found;
}

/* True if `name` begins one of the pairs that follow in the query. */
static bool comes_again(const char *rest, const char *name, size_t len)
{
	while (*rest == '&') {
		rest++;
		if (strcspn(rest, "=&") == len && memcmp(rest, name, len) == 0)
			return true;
		rest += strcspn(rest, "&");
	}
	return false;
}

bool uri_query_is_good(const char *query)
{
	char decoded[URI_MAX_QUERY + 1];

	if (strlen(query) > URI_MAX_QUERY)
		return false;
	while (*query != '\0') {
		size_t len = strcspn(query, "&");
		size_t key_len = strcspn(query, "=&");

		/* Names are compared as sent, so they must not be escaped at all. */
		if (key_len == 0 || memchr(query, '%', key_len) != NULL ||
		    !uri_decode(query, len, true, decoded) ||
		    comes_again(query + len, query, key_len))
			return false;
		query += len + (query[len] == '&');
	}
	return true;
}
