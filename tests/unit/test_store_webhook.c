/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of a store: their cursors, their deliveries, and whose they are. */
#include "store_fixture.h"

#define ID "0123456789abcdef"

static struct store_call *create_call(const char *id)
{
	struct store_call *c = verb(STORE_WEBHOOK_CREATE);
	struct webhook *w = &c->in.webhook;

	strcpy(w->id, id);
	strcpy(w->url, "https://hooks.example.org/ota");
	w->events = 1u << EVENT_DEVICE | 1u << EVENT_RELEASE;
	w->active = true;
	memset(w->sealed, 0xa5, 72);
	w->sealed_len = 72;
	return c;
}

static struct webhook create(struct store *s, const char *id)
{
	struct store_call *c = create_call(id);
	struct webhook w;

	must(s, c);
	w = c->out.webhook;
	store_call_free(c);
	return w;
}

static struct webhook get(struct store *s)
{
	struct store_call *c = verb(STORE_WEBHOOK_GET);
	struct webhook w;

	strcpy(c->in.webhook_page.id, ID);
	must(s, c);
	w = c->out.webhook;
	store_call_free(c);
	return w;
}

static struct store_call *result_call(const struct webhook *w, uint64_t event,
				      int status)
{
	struct store_call *c = verb(STORE_WEBHOOK_RESULT);
	struct webhook_result *r = &c->in.webhook_result;

	strcpy(r->id, w->id);
	r->expect_cursor = w->cursor;
	r->cursor = status == 200 ? event : w->cursor;
	r->attempts = status == 200 ? 0 : w->attempts + 1;
	r->next_at = status == 200 ? 0 : 7000;
	r->has_delivery = true;
	r->delivery = (struct webhook_delivery){.event = event,
						.type = EVENT_RELEASE,
						.attempt = w->attempts + 1,
						.status = status,
						.duration_ms = 12,
						.delivered = status == 200};
	strcpy(r->delivery.excerpt, "thanks");
	return c;
}

static struct store_call *deliveries(struct store *s, uint64_t older_than,
				     unsigned limit)
{
	struct store_call *c = verb(STORE_WEBHOOK_DELIVERIES);

	c->in.webhook_page =
	    (struct webhook_page){.delivery = older_than, .limit = limit};
	strcpy(c->in.webhook_page.id, ID);
	must(s, c);
	return c;
}

static void
a_webhook_comes_back_as_it_was_made_and_begins_at_the_newest_event(void **state)
{
	struct store *s = store_of(state);
	struct webhook w;
	uint64_t before;

	make_device(s, "dev-1");
	before = n_events(s);
	assert_true(before > 0);
	w = create(s, ID);
	assert_string_equal(w.url, "https://hooks.example.org/ota");
	assert_string_equal(w.tenant, TENANT_DEFAULT);
	assert_int_equal(w.events, 1u << EVENT_DEVICE | 1u << EVENT_RELEASE);
	assert_true(w.active);
	assert_int_equal(w.sealed_len, 72);
	assert_int_equal(w.sealed[71], 0xa5);
	assert_true(w.cursor > 0);
	assert_int_equal(w.created_at, 1000);
}

static void a_success_moves_the_cursor_and_a_failure_does_not(void **state)
{
	struct store *s = store_of(state);
	struct webhook w = create(s, ID);

	done(s, result_call(&w, w.cursor + 5, 503));
	assert_int_equal(get(s).cursor, w.cursor);
	assert_int_equal(get(s).attempts, 1);
	assert_int_equal(get(s).next_at, 7000);
	assert_int_equal(get(s).delivered_at, 0);
	done(s, result_call(&w, w.cursor + 5, 200));
	assert_int_equal(get(s).cursor, w.cursor + 5);
	assert_int_equal(get(s).attempts, 0);
	assert_int_equal(get(s).delivered_at, 1000);
}

static void of_two_who_deliver_the_same_one_loses(void **state)
{
	struct store *s = store_of(state);
	struct webhook w = create(s, ID);
	struct store_call *c;

	done(s, result_call(&w, w.cursor + 1, 200));
	c = result_call(&w, w.cursor + 1, 200);
	must_fail(s, c, ERR_PRECONDITION);
	store_call_free(c);
	c = deliveries(s, 0, 0);
	assert_int_equal(c->n_items, 1);
	store_call_free(c);
}

static void given_up_it_says_why_and_is_made_active_again(void **state)
{
	struct store *s = store_of(state);
	struct webhook w = create(s, ID);
	struct store_call *c = result_call(&w, w.cursor + 1, 410);

	c->in.webhook_result.give_up = true;
	strcpy(c->in.webhook_result.reason, "after 1 attempt: the answer was 410");
	done(s, c);
	assert_false(get(s).active);
	assert_string_equal(get(s).reason, "after 1 attempt: the answer was 410");
	c = verb(STORE_WEBHOOK_ACTIVE);
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
	c = verb(STORE_WEBHOOK_UPDATE);
	c->in.webhook_change = (struct webhook_change){
	    .set_active = true, .active = true, .set_url = true};
	strcpy(c->in.webhook_change.id, ID);
	strcpy(c->in.webhook_change.url, "https://other.example.org/");
	done(s, c);
	w = get(s);
	assert_true(w.active && w.attempts == 0 && w.next_at == 0);
	assert_string_equal(w.reason, "");
	assert_string_equal(w.url, "https://other.example.org/");
}

static void deliveries_are_bounded_and_listed_newest_first(void **state)
{
	struct store *s = store_of(state);
	struct webhook w = create(s, ID);
	const struct webhook_delivery *d;
	struct store_call *c;
	uint64_t last;

	for (unsigned i = 0; i < WEBHOOK_KEEP_DELIVERIES + 7; i++) {
		done(s, result_call(&w, w.cursor + 1, 200));
		w = get(s);
	}
	c = deliveries(s, 0, 150);
	d = c->items;
	assert_int_equal(c->n_items, 150);
	assert_true(c->more);
	assert_int_equal(d[0].event, w.cursor);
	assert_string_equal(d[0].excerpt, "thanks");
	assert_true(d[0].id > d[1].id);
	last = d[149].id;
	store_call_free(c);
	c = deliveries(s, last, 150);
	assert_int_equal(c->n_items, WEBHOOK_KEEP_DELIVERIES - 150);
	assert_false(c->more);
	store_call_free(c);
	c = verb(STORE_WEBHOOK_DELIVERY_GET);
	c->in.webhook_page.delivery = last;
	strcpy(c->in.webhook_page.id, ID);
	must(s, c);
	assert_int_equal(c->out.webhook_delivery.id, last);
	c->in.webhook_page.delivery = 1;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void a_deleted_webhook_takes_its_deliveries_along(void **state)
{
	struct store *s = store_of(state);
	struct webhook w = create(s, ID);
	struct store_call *c;

	done(s, result_call(&w, w.cursor + 1, 200));
	c = verb(STORE_WEBHOOK_DELETE);
	strcpy(c->in.webhook_page.id, ID);
	must(s, c);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	(void)create(s, ID);
	c = deliveries(s, 0, 0);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

static void another_tenants_webhook_is_not_there(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	(void)create(s, ID);
	c = verb(STORE_WEBHOOK_GET);
	strcpy(c->tenant, "other");
	strcpy(c->in.webhook_page.id, ID);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_WEBHOOK_DELETE);
	strcpy(c->tenant, "other");
	strcpy(c->in.webhook_page.id, ID);
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
	c = verb(STORE_WEBHOOK_LIST);
	strcpy(c->tenant, "other");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
	assert_true(get(s).active);
}

static void there_is_a_limit_for_a_tenant(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	char id[WEBHOOK_ID_LEN + 1];

	for (unsigned i = 0; i < WEBHOOK_MAX_PER_TENANT; i++) {
		snprintf(id, sizeof(id), "%016u", i);
		(void)create(s, id);
	}
	c = create_call(ID);
	must_fail(s, c, ERR_LIMIT);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(a_webhook_comes_back_as_it_was_made_and_begins_at_the_newest_event)          \
	X(a_success_moves_the_cursor_and_a_failure_does_not)                           \
	X(of_two_who_deliver_the_same_one_loses)                                       \
	X(given_up_it_says_why_and_is_made_active_again)                               \
	X(deliveries_are_bounded_and_listed_newest_first)                              \
	X(a_deleted_webhook_takes_its_deliveries_along)                                \
	X(another_tenants_webhook_is_not_there)                                        \
	X(there_is_a_limit_for_a_tenant)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("webhooks", cases, N_ELEMS(cases));
}
