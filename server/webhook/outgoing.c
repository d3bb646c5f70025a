/* SPDX-License-Identifier: Apache-2.0 */
#include "outgoing.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX (256u * 1024)
#define ANSWER_MAX (64u * 1024)

struct outgoing {
	struct net_call *call;
	const struct clock *clock;
	struct event event;
	outgoing_done *done;
	void *ctx;
	int64_t begun_ms;
	uint8_t front[WEBHOOK_EXCERPT_MAX_LEN]; /* of the answer's body */
	size_t front_len;
};

static int keep_front(void *ctx, const void *data, size_t len, struct err *e)
{
	struct outgoing *m = ctx;
	size_t room = sizeof(m->front) - m->front_len;

	(void)e;
	if (len > room)
		len = room;
	memcpy(m->front + m->front_len, data, len);
	m->front_len += len;
	return 0;
}

/* A status is an answer, also if the body behind it was too long or cut off. */
static void on_end(void *ctx, const struct net_head *h, const struct err *e)
{
	struct outgoing *m = ctx;
	char excerpt[WEBHOOK_EXCERPT_MAX_LEN + 1];
	const struct webhook_outcome o = {
	    .status = h->status >= 200 ? h->status : 0,
	    .err = *e,
	    .retry_after_ms = h->retry_after_ms,
	    .duration_ms = (unsigned)(clock_mono_ms(m->clock) - m->begun_ms),
	    .excerpt = excerpt,
	};

	webhook_excerpt(m->front, m->front_len, excerpt);
	m->done(m->ctx, &m->event, &o);
	free(m);
}

static int write_body(const struct event *v, struct json *taken, struct buf *ret,
		      struct err *e)
{
	AUTO_PTR(json) struct json *data = taken == NULL ? json_new_null() : taken;
	AUTO_PTR(json) struct json *o = json_new_object();
	char at[TIME_TEXT_LEN + 1];

	time_format(v->at, at);
	if (o == NULL ||
	    json_set(o, "type", json_new_text(event_type_name(v->type)), e) < 0 ||
	    json_set(o, "timestamp", json_new_text(at), e) < 0 ||
	    json_set(o, "id", json_new_int((int64_t)v->id), e) < 0 ||
	    json_set(o, "data", TAKE(data), e) < 0)
		return -1;
	return json_write(o, ret, e);
}

#define ID_MAX_LEN (TENANT_MAX_LEN + 32)
#define N_HEADERS 4

struct headers {
	char id[32 + ID_MAX_LEN], timestamp[64];
	char signature[32 + WEBHOOK_SIGNATURE_LEN];
	const char *list[N_HEADERS + 1];
};

static int write_headers(struct headers *h, const struct webhook *w,
			 const struct event *v, int64_t unix_s, const struct buf *body,
			 const uint8_t key[WEBHOOK_KEY_LEN], struct err *e)
{
	char signature[WEBHOOK_SIGNATURE_LEN + 1], id[ID_MAX_LEN];

	if (text_format(id, sizeof(id), e, "evt_%s_%llu", w->tenant,
			(unsigned long long)v->id) < 0 ||
	    webhook_sign(key, id, unix_s, body->data, body->len, signature, e) < 0 ||
	    text_format(h->id, sizeof(h->id), e, "webhook-id: %s", id) < 0 ||
	    text_format(h->timestamp, sizeof(h->timestamp), e,
			"webhook-timestamp: %lld", (long long)unix_s) < 0 ||
	    text_format(h->signature, sizeof(h->signature), e, "webhook-signature: %s",
			signature) < 0)
		return -1;
	h->list[0] = "Content-Type: application/json";
	h->list[1] = h->id;
	h->list[2] = h->timestamp;
	h->list[3] = h->signature;
	h->list[4] = NULL;
	return 0;
}

static int post(struct outgoing *m, const struct outgoing_config *c,
		const struct webhook *w, const struct buf *body,
		const uint8_t key[WEBHOOK_KEY_LEN], struct err *e)
{
	struct headers headers;
	const struct net_request r = {
	    .method = "POST",
	    .url = w->url,
	    .headers = headers.list,
	    .body = body->data,
	    .body_len = body->len,
	    .range_start = -1,
	    .range_end = -1,
	    .max_bytes = ANSWER_MAX,
	    .timeout_ms = c->timeout_ms,
	    .on_data = keep_front,
	    .on_end = on_end,
	    .ctx = m,
	};

	if (write_headers(&headers, w, &m->event, clock_utc_ms(c->clock) / 1000, body,
			  key, e) < 0)
		return -1;
	return net_start(c->net, &r, &m->call, e);
}

int outgoing_send(const struct outgoing_config *c, const struct webhook *w,
		  const struct event *v, struct json *data,
		  const uint8_t key[WEBHOOK_KEY_LEN], outgoing_done *done, void *ctx,
		  struct outgoing **ret, struct err *e)
{
	AUTO(buf) struct buf body = BUF_INIT(BODY_MAX);
	struct outgoing *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		json_free(data);
		return err_nomem(e);
	}
	*m = (struct outgoing){.clock = c->clock,
			       .event = *v,
			       .done = done,
			       .ctx = ctx,
			       .begun_ms = clock_mono_ms(c->clock)};
	if (write_body(v, data, &body, e) < 0 || post(m, c, w, &body, key, e) < 0) {
		free(m);
		return -1;
	}
	*ret = m;
	return 0;
}

void outgoing_free(struct outgoing *m)
{
	if (m == NULL)
		return;
	net_cancel(m->call);
	free(m);
}
