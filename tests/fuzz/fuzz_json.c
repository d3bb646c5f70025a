/* SPDX-License-Identifier: Apache-2.0 */
/* The three readers on any bytes; what the strict one takes has one canonical form, and
 * that form reads as itself, unless a string holds a control character (then it is no
 * JSON). */
#include "../../common/json/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool has_control(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] < 0x20)
			return true;
	}
	return false;
}

static void check_canonical(const struct json *j)
{
	AUTO(buf) struct buf once = BUF_INIT(1 << 20);
	AUTO(buf) struct buf twice = BUF_INIT(1 << 20);
	AUTO_PTR(json) struct json *again = NULL;

	must(json_write_canonical(j, &once, NULL) == 0);
	if (has_control(&once))
		return;
	again = json_parse_strict(once.data, once.len, NULL);
	must(again != NULL);
	must(json_write_canonical(again, &twice, NULL) == 0);
	must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_PTR(json) struct json *strict = NULL;
	AUTO_PTR(json) struct json *message = NULL;
	AUTO_PTR(json) struct json *lenient = NULL;

	if (len > 64 * 1024)
		return 0;
	strict = json_parse_strict(data, len, NULL);
	message = json_parse(data, len, NULL);
	lenient = json_parse_lenient(data, len, NULL);
	must(strict == NULL || message != NULL);
	must(message == NULL || lenient != NULL);
	if (strict != NULL)
		check_canonical(strict);
	return 0;
}
