/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: what went wrong, by what it has in common. */
#include "api.h"

#include "../../common/base/text.h"
#include "../fleet/failure.h"

#include <string.h>

#define SHOWN_MAX 200u

static void got_failures(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *list = json_new_array();
	struct failure *items = c->items;
	struct err e = ERR_INIT;
	size_t n;

	if (api_failed(a, c))
		return;
	n = failure_merge(items, c->n_items);
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		if (json_append(list, render_failure(&items[i], &e), &e) < 0) {
			api_fail(a, &e);
			return;
		}
	}
	if (json_set(o, "items", TAKE(list), &e) < 0 ||
	    json_set(o, "complete", json_new_bool(!c->more && n <= SHOWN_MAX), &e) < 0)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, TAKE(o));
}

static int read_query(struct api_call *a, struct store_call *c, struct err *e)
{
	const char *since = http_query(a->http, "from_at");
	const char *release = http_query(a->http, "release");
	uint64_t from_at = 0;

	if (since != NULL && (parse_u64(since, &from_at, e) < 0 || from_at > INT64_MAX))
		return err_set(e, ERR_FORMAT, "from_at: milliseconds since 1970");
	c->in.failures.since = (int64_t)from_at;
	if (release == NULL)
		return 0;
	return text_copy(c->in.failures.release, sizeof(c->in.failures.release),
			 release, "release", e);
}

void handle_failures_list(struct api_call *a)
{
	struct store_call *c = api_store(a, STORE_FAILURE_LIST, got_failures);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (read_query(a, c, &e) < 0) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
