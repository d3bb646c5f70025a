/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log of a store: what is in it, in which order, and under which root. */
#include "../../server/store/audit_entry.h"
#include "store_fixture.h"

#include <stdlib.h>

static struct audit_actor actor(enum audit_kind kind, const char *who)
{
	struct audit_actor by = {.kind = kind, .role = ROLE_ADMIN};

	strcpy(by.who, who);
	strcpy(by.request, "req-1");
	strcpy(by.address, "192.0.2.7");
	return by;
}

static void note_at(struct store *s, int64_t at_ms, const char *who, const char *action,
		    const char *id)
{
	const struct audit_actor by = actor(AUDIT_USER, who);
	struct store_call *c = verb(STORE_AUDIT_NOTE);

	c->now_ms = at_ms;
	store_call_audit(c, &by, action, "device", id, NULL);
	done(s, c);
}

static struct audit_head head_of(struct store *s)
{
	struct store_call *c = verb(STORE_AUDIT_HEAD);
	struct audit_head h;

	must(s, c);
	h = c->out.audit_head;
	store_call_free(c);
	return h;
}

static struct store_call *range(struct store *s, uint64_t from, uint64_t n)
{
	struct store_call *c = verb(STORE_AUDIT_RANGE);

	c->in.audit_range = (struct audit_range){.from = from, .n = n};
	must(s, c);
	return c;
}

static void an_entry_is_canonical_json_with_every_member(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(AUDIT_ENTRY_MAX_LEN);
	struct audit_record r = {.by = actor(AUDIT_USER, "alice")};
	struct err e = ERR_INIT;

	(void)state;
	strcpy(r.action, "device.create");
	strcpy(r.object, "device/dev-1");
	strcpy(r.detail, "he said \"yes\"");
	OK(audit_entry_write("default", 1700000000000, &r, &text, &e));
	assert_string_equal(
	    buf_str(&text),
	    "{\"action\":\"device.create\",\"address\":\"192.0.2.7\",\"at\":"
	    "1700000000000,\"detail\":\"he said \\\"yes\\\"\",\"kind\":\"user\","
	    "\"object\":\"device/dev-1\",\"request\":\"req-1\",\"role\":\"admin\","
	    "\"tenant\":\"default\",\"who\":\"alice\"}");
}

static void the_longest_record_fits_into_an_entry(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(AUDIT_ENTRY_MAX_LEN);
	struct audit_record r = {.by = {.kind = AUDIT_DEVICE}};
	struct err e = ERR_INIT;

	(void)state;
	/* bad UTF-8 becomes three bytes each, quotes become two */
	memset(r.by.who, 0xff, sizeof(r.by.who) - 1);
	memset(r.by.request, 0xff, sizeof(r.by.request) - 1);
	memset(r.by.address, 0xff, sizeof(r.by.address) - 1);
	memset(r.action, 0xff, sizeof(r.action) - 1);
	memset(r.object, 0xff, sizeof(r.object) - 1);
	memset(r.detail, 0xff, sizeof(r.detail) - 1);
	OK(audit_entry_write("default", INT64_C(1) << 52, &r, &text, &e));
}

static void a_write_that_is_undone_takes_its_record_with_it(void **state)
{
	const struct audit_actor by = actor(AUDIT_USER, "alice");
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_CREATE);

	strcpy(c->in.device_new.device.id, "dev-1");
	store_call_audit(c, &by, "device.create", "device", "dev-1", NULL);
	done(s, c);
	assert_int_equal(head_of(s).size, 1);
	c = verb(STORE_DEVICE_CREATE);
	strcpy(c->in.device_new.device.id, "dev-1");
	store_call_audit(c, &by, "device.create", "device", "dev-1", NULL);
	must_fail(s, c, ERR_CONFLICT);
	store_call_free(c);
	assert_int_equal(head_of(s).size, 1);
	note_at(s, 5, "bob", "device.look", "x");
	c = range(s, 0, 0);
	assert_int_equal(c->n_items, 2); /* and no gap in the numbers */
	assert_int_equal(((struct audit_entry *)c->items)[1].index, 1);
	store_call_free(c);
}

static void a_note_without_a_record_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_AUDIT_NOTE);

	must_fail(s, c, ERR_INTERNAL);
	store_call_free(c);
	assert_int_equal(head_of(s).size, 0);
}

static void an_object_that_the_verb_makes_is_named_by_its_id(void **state)
{
	const struct audit_actor by = actor(AUDIT_TOKEN, "ci");
	struct store *s = store_of(state);
	struct store_call *c;

	make_device(s, "dev-1");
	make_release(s, "r1", "1.0");
	c = assign_call("dev-1", "r1");
	store_call_audit(c, &by, "deployment.create", "deployment", NULL, NULL);
	done(s, c);
	c = range(s, 0, 0);
	assert_non_null(strstr(((struct audit_entry *)c->items)[0].text,
			       "\"object\":\"deployment/100001\""));
	store_call_free(c);
}

static void control_characters_do_not_reach_an_entry(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	note_at(s, 1, "eve\n\x1b[2J", "device.look", "a\tb");
	c = range(s, 0, 0);
	assert_non_null(
	    strstr(((struct audit_entry *)c->items)[0].text, "\"who\":\"eve??[2J\""));
	assert_non_null(strstr(((struct audit_entry *)c->items)[0].text,
			       "\"object\":\"device/a?b\""));
	store_call_free(c);
}

#define N_MANY 600

static void append_many(struct store *s)
{
	char id[16];

	for (int i = 0; i < N_MANY; i++) {
		snprintf(id, sizeof(id), "dev-%d", i);
		note_at(s, 1000 + i, i % 3 == 0 ? "alice" : "bob", "device.look", id);
	}
}

static void the_root_is_that_of_the_entries_and_tile_rows_are_its_subtrees(void **state)
{
	struct store *s = store_of(state);
	struct merkle_frontier f = {0};
	struct audit_head h;
	struct store_call *c;
	struct err e = ERR_INIT;
	uint8_t leaf[SHA256_LEN], root[SHA256_LEN], first_256[SHA256_LEN];

	append_many(s);
	for (uint64_t from = 0; from < N_MANY;) {
		const struct audit_entry *v;

		c = range(s, from, 100);
		v = c->items;
		for (size_t i = 0; i < c->n_items; i++, from++) {
			assert_int_equal(v[i].index, from);
			OK(merkle_leaf(v[i].text, v[i].len, leaf, &e));
			assert_memory_equal(leaf, v[i].leaf, SHA256_LEN);
			OK(merkle_append(&f, leaf, NULL, NULL, &e));
			if (f.size == 256)
				OK(merkle_root(&f, first_256, &e));
		}
		store_call_free(c);
	}
	OK(merkle_root(&f, root, &e));
	h = head_of(s);
	assert_int_equal(h.size, N_MANY);
	assert_memory_equal(h.root, root, SHA256_LEN);
	c = verb(STORE_AUDIT_HASHES);
	c->in.audit_range = (struct audit_range){.tile_level = 1, .from = 0, .n = 256};
	must(s, c);
	assert_int_equal(c->blob.len, 2 * SHA256_LEN); /* 600 = 2 * 256 + 88 */
	assert_memory_equal(c->blob.data, first_256, SHA256_LEN);
	c->in.audit_range = (struct audit_range){.from = 512, .n = 256};
	must(s, c);
	assert_int_equal(c->blob.len, 88 * SHA256_LEN);
	store_call_free(c);
}

static size_t listed(struct store *s, const struct audit_filter *f, uint64_t *ret_first,
		     bool *ret_more)
{
	struct store_call *c = verb(STORE_AUDIT_LIST);
	size_t n;

	c->in.audit_filter = *f;
	must(s, c);
	n = c->n_items;
	*ret_more = c->more;
	*ret_first = n > 0 ? ((struct audit_entry *)c->items)[0].index : 0;
	store_call_free(c);
	return n;
}

static void a_list_is_filtered_newest_first_page_after_page(void **state)
{
	static const struct {
		struct audit_filter f;
		size_t n;
		uint64_t first;
		bool more;
	} rows[] = {
	    {{.limit = 10}, 10, 599, true},
	    {{.limit = 10, .after = true, .after_index = 590}, 10, 589, true},
	    {{.limit = 10, .after = true, .after_index = 3}, 3, 2, false},
	    {{.who = "alice"}, 200, 597, false},
	    {{.who = "carol"}, 0, 0, false},
	    {{.object = "device/dev-17"}, 1, 17, false},
	    {{.who = "alice", .object = "device/dev-17"}, 0, 0, false},
	    {{.who = "bob", .action = "device.look", .limit = 3}, 3, 599, true},
	    {{.action = "device.loo"}, 0, 0, false},
	    {{.from_ms = 1010, .to_ms = 1020}, 10, 19, false},
	    {{.from_ms = 1010, .to_ms = 1020, .who = "alice"}, 3, 18, false},
	    {{.to_ms = 1003, .after = true, .after_index = 1}, 1, 0, false},
	};
	struct store *s = store_of(state);
	uint64_t first;
	bool more;

	append_many(s);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		assert_int_equal(listed(s, &rows[i].f, &first, &more), rows[i].n);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(more, rows[i].more);
	}
}

static void a_page_goes_on_where_the_clock_was_set_back(void **state)
{
	struct store *s = store_of(state);
	struct audit_filter f = {.limit = 1};
	uint64_t first, seen = 0;
	bool more = true;

	note_at(s, 5000, "a", "device.look", "x");
	note_at(s, 1000, "a", "device.look", "x");
	note_at(s, 3000, "a", "device.look", "x");
	for (; more; f.after = true, f.after_index = first) {
		assert_int_equal(listed(s, &f, &first, &more), 1);
		seen |= UINT64_C(1) << first;
	}
	assert_int_equal(seen, 7);
}

static void each_tenant_has_a_log_of_its_own(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_AUDIT_HEAD);

	note_at(s, 1, "a", "device.look", "x");
	strcpy(c->tenant, "other");
	must(s, c);
	assert_int_equal(c->out.audit_head.size, 0);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(a_write_that_is_undone_takes_its_record_with_it)                             \
	X(a_note_without_a_record_is_refused)                                          \
	X(an_object_that_the_verb_makes_is_named_by_its_id)                            \
	X(control_characters_do_not_reach_an_entry)                                    \
	X(the_root_is_that_of_the_entries_and_tile_rows_are_its_subtrees)              \
	X(a_list_is_filtered_newest_first_page_after_page)                             \
	X(a_page_goes_on_where_the_clock_was_set_back)                                 \
	X(each_tenant_has_a_log_of_its_own)

int main(void)
{
	const struct CMUnitTest pure[] = {
	    cmocka_unit_test(an_entry_is_canonical_json_with_every_member),
	    cmocka_unit_test(the_longest_record_fits_into_an_entry),
	};
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return cmocka_run_group_tests_name("audit entries", pure, NULL, NULL) +
	       store_run_everywhere("audit", cases, N_ELEMS(cases));
}
