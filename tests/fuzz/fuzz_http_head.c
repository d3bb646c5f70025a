/* SPDX-License-Identifier: Apache-2.0 */
/* A head, in one piece and byte by byte: both ways must agree, and what passes is
 * framed once. */
#include "../../server/http/head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal why = {0}, why_slow = {0};
	size_t scanned = 0, head_len = 0, slow_scanned = 0, slow_len = 0;
	enum head_state whole = head_scan(data, size, &scanned, &head_len, &why);
	enum head_state slow = HEAD_MORE;
	struct head h;

	for (size_t len = 1; len <= size && slow == HEAD_MORE; len++)
		slow = head_scan(data, len, &slow_scanned, &slow_len, &why_slow);
	if (slow != whole || why.status != why_slow.status || head_len != slow_len)
		abort();
	if (whole != HEAD_DONE)
		return 0;
	if (head_check(data, head_len, &h, &why) < 0) {
		if (why.status < 400 || why.status > 599 || why.detail == NULL)
			abort();
		return 0;
	}
	if (h.target_len == 0 || h.target[0] != '/' ||
	    memchr(h.target, '\0', h.target_len) != NULL || strlen(h.method) == 0)
		abort();
	return 0;
}
