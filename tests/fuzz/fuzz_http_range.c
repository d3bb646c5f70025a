/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: Range, If-Range, If-None-Match, If-Match, for a content of 1000 bytes with the
 * tag "t". */
#include "../../server/http/range.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text;
	struct conditions c = {.is_get = true};
	struct range r;
	int status;

	if (text == NULL)
		return 0;
	c.range = strsep(&rest, "\n");
	c.if_range = strsep(&rest, "\n");
	c.if_none_match = strsep(&rest, "\n");
	c.if_match = rest;
	status = conditions_judge(&c, "\"t\"", SIZE, &r);
	if (status == 206 && (r.len == 0 || r.first >= SIZE || r.len > SIZE - r.first))
		abort();
	if (status == 200 && (r.first != 0 || r.len != SIZE))
		abort();
	if (status != 200 && status != 206 && status != 304 && status != 412 &&
	    status != 416)
		abort();
	free(text);
	return 0;
}
