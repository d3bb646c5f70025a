/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub over a real store, one that answers late and one that refuses; in place
 * of server/http a stand-in whose streams write what they are sent onto a tape.
 */
#include "store_fixture.h"

#include "../../server/event/hub.h"

#include <stdlib.h>

#define SOON_MS 120000

struct http_request {
	struct loop *loop;
	const char *last_event_id;
	char tape[16384];
	bool open;
	int refused;
	struct http_stream *stream;
};

struct http_stream {
	struct http_request *r;
	void (*on_close)(void *ctx);
	void *ctx;
};

struct loop *http_loop(struct http_request *r)
{
	return r->loop;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return strcmp(name, "Last-Event-ID") == 0 ? r->last_event_id : NULL;
}

void http_refuse(struct http_request *r, int status, const char *code,
		 const char *detail)
{
	(void)code;
	(void)detail;
	r->refused = status;
}

struct http_stream *http_stream_begin(struct http_request *r,
				      void (*on_close)(void *ctx), void *ctx)
{
	struct http_stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	*s = (struct http_stream){r, on_close, ctx};
	r->stream = s;
	r->open = true;
	return s;
}

/* "id event first-40-of-data;" */
int http_stream_send(struct http_stream *s, const char *id, const char *event,
		     const char *data)
{
	size_t n = strlen(s->r->tape);

	assert_true(n + 80 < sizeof(s->r->tape));
	snprintf(s->r->tape + n, sizeof(s->r->tape) - n, "%s %s %.40s;",
		 id == NULL ? "-" : id, event, data);
	return 0;
}

void http_stream_end(struct http_stream *s)
{
	s->r->open = false;
	s->r->stream = NULL;
	s->on_close(s->ctx);
	free(s);
}

/* ---- a hub whose time stands still ---- */

struct bench {
	struct loop *loop;
	struct hub *hub;
	struct store *store;
	int64_t now_ms;
	bool (*until)(const struct http_request *r);
	const struct http_request *r;
	struct loop_timer *look;
	int looks;
};

static int64_t bench_ms(void *ctx)
{
	return *(int64_t *)ctx;
}

static struct clock clock_of(struct bench *b)
{
	return (struct clock){bench_ms, bench_ms, &b->now_ms};
}

static void look(void *ctx)
{
	struct bench *b = ctx;

	if (b->until(b->r))
		loop_stop(b->loop);
	else if (++b->looks > SOON_MS)
		fail_msg("it did not come; the tape: %s", b->r->tape);
	else
		loop_timer_set(b->look, 1);
}

static void run_until(struct bench *b, const struct http_request *r,
		      bool (*until)(const struct http_request *))
{
	struct err e = ERR_INIT;

	b->until = until;
	b->r = r;
	b->looks = 0;
	loop_timer_set(b->look, 0);
	OK(loop_run(b->loop, &e));
}

static void bench_init(struct bench *b, struct store *s, const struct clock *clock,
		       size_t max_device_streams)
{
	struct err e = ERR_INIT;

	b->store = s;
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	b->look = loop_timer_new(b->loop, look, b, &e);
	assert_non_null(b->look);
	b->hub = hub_new(s, b->loop, clock, NULL, max_device_streams, &e);
	assert_non_null(b->hub);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* Delivers what was sent so far. */
static void settle(struct bench *b)
{
	struct err e = ERR_INIT;

	OK(loop_wake(b->loop, stop, b->loop, &e));
	OK(loop_run(b->loop, &e));
}

/* The store answers everything before it closes; consoles that left wait for that. */
static void bench_fini(struct bench *b, void **state)
{
	struct fixture *f = *state;

	store_watch(b->store, NULL, NULL, NULL);
	settle(b);
	hub_free(b->hub);
	store_close(b->store);
	f->store = NULL;
	settle(b);
	loop_timer_free(b->look);
	loop_free(b->loop);
}

static size_t count(const struct http_request *r, const char *what)
{
	size_t n = 0;

	for (const char *p = r->tape; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void watch_as(struct bench *b, struct http_request *r, const char *tenant,
		     const char *user, const char *credential)
{
	const struct hub_viewer v = {.tenant = tenant,
				     .scope = "",
				     .user = user,
				     .credential = credential,
				     .life_ms = SOON_MS};
	struct err e = ERR_INIT;

	OK(hub_stream_console(b->hub, r, &v, &e));
}

static void watch(struct bench *b, struct http_request *r, const char *credential)
{
	watch_as(b, r, TENANT_DEFAULT, "somebody", credential);
}

/* ---- what is told ---- */

static void a_call_is_told_once_a_second_a_device_and_only_to_who_listens(void **state)
{
	struct bench b = {.now_ms = 100000};
	const struct clock clock = clock_of(&b);
	struct http_request r = {0};

	bench_init(&b, store_of(state), &clock, 1);
	r.loop = b.loop;
	hub_seen(b.hub, TENANT_DEFAULT, "early", 1);
	watch(&b, &r, "");
	hub_seen(b.hub, TENANT_DEFAULT, "a", 2);
	hub_seen(b.hub, TENANT_DEFAULT, "a", 3);
	hub_seen(b.hub, TENANT_DEFAULT, "b", 4);
	b.now_ms += 999;
	hub_seen(b.hub, TENANT_DEFAULT, "a", 5);
	b.now_ms += 1;
	hub_seen(b.hub, TENANT_DEFAULT, "a", 6);
	settle(&b);
	assert_string_equal(r.tape, "- seen {\"device\":\"a\",\"seen_at\":2};"
				    "- seen {\"device\":\"b\",\"seen_at\":4};"
				    "- seen {\"device\":\"a\",\"seen_at\":6};");
	http_stream_end(r.stream);
	hub_seen(b.hub, TENANT_DEFAULT, "c", 7);
	settle(&b);
	assert_int_equal(count(&r, "\"c\""), 0);
	bench_fini(&b, state);
}

static bool has_all_seventy(const struct http_request *r)
{
	return count(r, " device ") >= 70;
}

static void what_is_stored_comes_in_order_page_after_page_and_once(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request r = {.last_event_id = "0"};
	const char *at = r.tape;
	char id[16], want[32];

	bench_init(&b, store_of(state), &clock, 1);
	r.loop = b.loop;
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		make_device(b.store, id);
	}
	watch(&b, &r, "");
	for (int i = 40; i < 70; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		make_device(b.store, id);
	}
	run_until(&b, &r, has_all_seventy);
	for (int i = 0; i < 70; i++) {
		snprintf(want, sizeof(want), "%d device {\"id\":\"d%d\"", i + 1, i);
		if (strncmp(at, want, strlen(want)) != 0)
			fail_msg("%s, not %s", at, want);
		at = strchr(at, ';') + 1;
	}
	assert_string_equal(at, "");
	http_stream_end(r.stream);
	bench_fini(&b, state);
}

static void logging_out_ends_the_streams_of_that_session_alone(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request mine = {0}, other = {0}, token = {0};

	bench_init(&b, store_of(state), &clock, 1);
	mine.loop = other.loop = token.loop = b.loop;
	watch(&b, &mine, "aa");
	watch(&b, &other, "ab");
	watch(&b, &token, "");
	hub_end_credential(b.hub, "aa");
	settle(&b);
	assert_false(mine.open);
	assert_true(other.open && token.open);
	http_stream_end(other.stream);
	http_stream_end(token.stream);
	bench_fini(&b, state);
}

static void a_device_is_poked_on_its_newest_stream_and_takes_one_place(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request old = {0}, new = {0}, other = {0};
	struct err e = ERR_INIT;

	bench_init(&b, store_of(state), &clock, 1);
	old.loop = new.loop = other.loop = b.loop;
	OK(hub_stream_device(b.hub, &old, TENANT_DEFAULT, "a", 0, &e));
	OK(hub_stream_device(b.hub, &new, TENANT_DEFAULT, "a", 0, &e));
	assert_false(old.open);
	FAILS(hub_stream_device(b.hub, &other, TENANT_DEFAULT, "b", 0, &e), ERR_BUSY);
	hub_poke(b.hub, TENANT_DEFAULT, "a");
	hub_poke(b.hub, TENANT_DEFAULT, "b");
	settle(&b);
	assert_string_equal(new.tape, "- poll {};- poll {};");
	http_stream_end(new.stream);
	OK(hub_stream_device(b.hub, &other, TENANT_DEFAULT, "b", 0, &e));
	http_stream_end(other.stream);
	bench_fini(&b, state);
}

/* ---- tenants ---- */

static void what_a_tenants_devices_do_reaches_its_own_people_alone(void **state)
{
	struct bench b = {.now_ms = 100000};
	const struct clock clock = clock_of(&b);
	struct http_request ours = {0}, theirs = {0}, device = {0};
	struct err e = ERR_INIT;

	bench_init(&b, store_of(state), &clock, 2);
	ours.loop = theirs.loop = device.loop = b.loop;
	watch(&b, &ours, "aa");
	watch_as(&b, &theirs, "other", "somebody", "bb");
	OK(hub_stream_device(b.hub, &device, "other", "a", 0, &e));
	hub_seen(b.hub, "other", "a", 1);
	hub_progress(b.hub, "other", "a", 100001, 7, "");
	hub_poke(b.hub, TENANT_DEFAULT, "a"); /* a namesake */
	make_device(b.store, "ours");
	settle(&b);
	assert_int_equal(count(&ours, "\"a\""), 0);
	assert_int_equal(count(&theirs, "\"a\""), 2);
	assert_int_equal(count(&theirs, "ours"), 0);
	assert_string_equal(device.tape, "- poll {};");
	http_stream_end(ours.stream);
	http_stream_end(theirs.stream);
	http_stream_end(device.stream);
	bench_fini(&b, state);
}

static void somebodys_streams_end_in_their_tenant_alone(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request ours = {0}, theirs = {0};

	bench_init(&b, store_of(state), &clock, 1);
	ours.loop = theirs.loop = b.loop;
	watch(&b, &ours, "aa");
	watch_as(&b, &theirs, "other", "somebody", "bb");
	hub_end_user(b.hub, "other", "somebody");
	settle(&b);
	assert_true(ours.open);
	assert_false(theirs.open);
	http_stream_end(ours.stream);
	bench_fini(&b, state);
}

static void a_tenant_has_no_more_streams_than_it_may(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request first = {0}, second = {0}, theirs = {0};
	struct err e = ERR_INIT;

	bench_init(&b, store_of(state), &clock, 9);
	first.loop = second.loop = theirs.loop = b.loop;
	OK(hub_stream_device(b.hub, &first, "small", "a", 1, &e));
	FAILS(hub_stream_device(b.hub, &second, "small", "b", 1, &e), ERR_BUSY);
	OK(hub_stream_device(b.hub, &theirs, "other", "b", 1, &e));
	http_stream_end(first.stream);
	OK(hub_stream_device(b.hub, &second, "small", "b", 1, &e));
	http_stream_end(second.stream);
	http_stream_end(theirs.stream);
	bench_fini(&b, state);
}

/* ---- who leaves, and what fails ---- */

static void a_console_may_leave_while_the_store_is_asked(void **state)
{
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request r = {.last_event_id = "0"}, next = {.last_event_id = "0"};

	bench_init(&b, store_of(state), &clock, 1);
	r.loop = next.loop = b.loop;
	for (int i = 0; i < 70; i++) {
		char id[16];

		snprintf(id, sizeof(id), "d%d", i);
		make_device(b.store, id);
	}
	watch(&b, &r, "");
	http_stream_end(r.stream);
	watch(&b, &next, "");
	run_until(&b, &next, has_all_seventy);
	assert_string_equal(r.tape, "");
	http_stream_end(next.stream);
	bench_fini(&b, state);
}

static bool is_closed(const struct http_request *r)
{
	return !r->open;
}

/* It resumes after the last id it has; going on behind a hole would hide the hole. */
static void a_console_whose_events_cannot_be_read_is_ended(void **state)
{
	struct fixture *f = *state;
	const struct chaos_plan plan = {.seed = 3, .refuse_percent = 100};
	struct bench b = {0};
	const struct clock clock = clock_of(&b);
	struct http_request r = {.last_event_id = "0"};
	struct err e = ERR_INIT;

	make_device(f->store, "a");
	f->store = store_chaos_new(f->store, &plan, &e);
	assert_non_null(f->store);
	bench_init(&b, f->store, &clock, 1);
	r.loop = b.loop;
	watch(&b, &r, "");
	run_until(&b, &r, is_closed);
	assert_string_equal(r.tape, "");
	bench_fini(&b, state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON(setup, name) {#name " (" #setup ")", name, setup, teardown, NULL}
#define ON_BOTH(name) ON(setup_sqlite, name), ON(setup_delayed, name)
	    ON_BOTH(a_call_is_told_once_a_second_a_device_and_only_to_who_listens),
	    ON_BOTH(what_is_stored_comes_in_order_page_after_page_and_once),
	    ON_BOTH(logging_out_ends_the_streams_of_that_session_alone),
	    ON_BOTH(a_device_is_poked_on_its_newest_stream_and_takes_one_place),
	    ON(setup_sqlite, what_a_tenants_devices_do_reaches_its_own_people_alone),
	    ON(setup_sqlite, somebodys_streams_end_in_their_tenant_alone),
	    ON(setup_sqlite, a_tenant_has_no_more_streams_than_it_may),
	    ON(setup_delayed, a_console_may_leave_while_the_store_is_asked),
	    ON(setup_sqlite, a_console_whose_events_cannot_be_read_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
