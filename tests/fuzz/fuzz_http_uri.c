/* SPDX-License-Identifier: Apache-2.0 */
/* A path's segment and a query: what decodes never holds a slash, a control character
 * or another path. */
#include "../../server/http/uri.h"

#include <stdlib.h>
#include <string.h>

static void check_text(const char *text, size_t max_len)
{
	if (strlen(text) > max_len)
		abort();
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *out = malloc(size + 1);

	if (text != NULL && out != NULL) {
		size_t len = strlen(text);

		if (uri_decode_segment(text, len, out)) {
			check_text(out, len);
			if (strpbrk(out, "/\\") != NULL || strcmp(out, "..") == 0 ||
			    strcmp(out, ".") == 0 || *out == '\0')
				abort();
		}
		if (uri_query_get(text, "a", out) == 1)
			check_text(out, len);
		else if (uri_query_is_good(text) && uri_query_get(text, "a", out) < 0)
			abort();
	}
	free(text);
	free(out);
	return 0;
}
