/* SPDX-License-Identifier: Apache-2.0 */
/* Management API: the deltas between releases, made and to be made. */
#include "api.h"

#include "../../common/base/text.h"

static struct json *number_or_null(uint64_t n)
{
	return n == 0 ? json_new_null() : json_new_int((int64_t)n);
}

static struct json *text_or_null(const char *text)
{
	return text[0] == '\0' ? json_new_null() : json_new_text(text);
}

/* Against as many full payloads. */
static int64_t saved(const struct fleet_delta *d)
{
	uint64_t size = d->head_size + d->body_size;

	return size < d->full_size ? (int64_t)(d->n_used * (d->full_size - size)) : 0;
}

static struct json *render_delta(const void *item, uint64_t *ret_key, struct err *e)
{
	const struct fleet_delta *d = item;
	AUTO_PTR(json) struct json *o = json_new_object();

	*ret_key = d->id;
	if (json_set(o, "id", json_new_int((int64_t)d->id), e) < 0 ||
	    json_set(o, "product", json_new_text(d->product), e) < 0 ||
	    json_set(o, "from", json_new_text(d->from), e) < 0 ||
	    json_set(o, "from_version", json_new_text(d->from_version), e) < 0 ||
	    json_set(o, "to", json_new_text(d->to), e) < 0 ||
	    json_set(o, "to_version", json_new_text(d->to_version), e) < 0 ||
	    json_set(o, "state", json_new_text(delta_progress_name(d->state)), e) < 0 ||
	    json_set(o, "detail", text_or_null(d->detail), e) < 0 ||
	    json_set(o, "withdrawn", json_new_bool(d->withdrawn), e) < 0 ||
	    json_set(o, "unwraps", json_new_bool(d->unwraps), e) < 0 ||
	    json_set(o, "needs", text_or_null(d->needs), e) < 0 ||
	    json_set(o, "size", number_or_null(d->head_size + d->body_size), e) < 0 ||
	    json_set(o, "full_size", json_new_int((int64_t)d->full_size), e) < 0 ||
	    json_set(o, "cpu_ms", number_or_null(d->cpu_ms), e) < 0 ||
	    json_set(o, "created_at", json_new_int(d->created_at), e) < 0 ||
	    json_set(o, "made_at", number_or_null((uint64_t)d->made_at), e) < 0 ||
	    json_set(o, "devices", json_new_int((int64_t)d->n_used), e) < 0 ||
	    json_set(o, "saved", json_new_int(saved(d)), e) < 0)
		return NULL;
	return TAKE(o);
}

static void got_deltas(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (!api_failed(a, c))
		api_reply_items(a, c, sizeof(struct fleet_delta), render_delta);
}

void handle_deltas_list(struct api_call *a)
{
	const char *product = http_query(a->http, "product");
	struct store_call *c = api_store(a, STORE_DELTA_LIST, got_deltas);
	struct err e = ERR_INIT;

	if (c == NULL)
		return;
	if (api_page(a, &c->in.page, true, &e) < 0 ||
	    (product != NULL && text_copy(c->in.page.text, sizeof(c->in.page.text),
					  product, "product", &e) < 0)) {
		store_call_free(c);
		api_fail(a, &e);
		return;
	}
	api_submit(a, c);
}
