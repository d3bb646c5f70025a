/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF client and an honest repository: refresh, rotation, first trust,
 * delegations. */
#include "tuf_world.h"

#define RELEASE "release/gateway/1.0.0.json"

static const enum who by_root_a[] = {ROOT_A};
static const enum who by_root_b[] = {ROOT_B};
static const enum who by_snapshot[] = {SNAPSHOT};
static const enum who by_timestamp[] = {TIMESTAMP};

/* ------------------------------------------------------------------ the honest way */

static void
a_first_refresh_asks_for_the_files_in_the_order_of_the_specification(void **state)
{
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	assert_string_equal(
	    w.asked, "2.root.json timestamp.json 1.snapshot.json 2.targets.json");
	assert_int_equal(world_trusts(&w, "root"), 1);
	assert_int_equal(world_trusts(&w, "timestamp"), 1);
	assert_int_equal(world_trusts(&w, "snapshot"), 1);
	assert_int_equal(world_trusts(&w, "targets"), 2);
	world_fini(&w);
}

static void a_second_refresh_asks_for_no_more_than_root_and_timestamp(void **state)
{
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	OK(world_refresh(&w, &e));
	assert_string_equal(w.asked, "2.root.json timestamp.json");
	world_fini(&w);
}

static void a_timestamp_renewed_alone_costs_no_snapshot(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf next = BUF_INIT(1u << 16);
	struct file *snapshot;

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	snapshot = files_need(&w.repo, "1.snapshot.json");
	OK(repo_make_timestamp(snapshot->data.data, snapshot->data.len, 2,
			       w.now + 9 * DAY_MS, w.key[TIMESTAMP], &next, &e));
	repo_put(&w, "timestamp.json", &next);
	OK(world_refresh(&w, &e));
	assert_string_equal(w.asked, "2.root.json timestamp.json");
	assert_int_equal(world_trusts(&w, "timestamp"), 2);
	world_fini(&w);
}

static void what_is_trusted_is_stored_byte_for_byte(void **state)
{
	static const char *const pairs[][2] = {
	    {"timestamp.json", "timestamp.json"},
	    {"1.snapshot.json", "snapshot.json"},
	    {"2.targets.json", "targets.json"},
	    {"1.root.json", "root.json"},
	};
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	for (size_t i = 0; i < N_ELEMS(pairs); i++) {
		struct file *served = files_need(&w.repo, pairs[i][0]);
		struct file *stored = files_need(&w.store, pairs[i][1]);

		assert_non_null(stored);
		assert_int_equal(stored->data.len, served->data.len);
		assert_memory_equal(stored->data.data, served->data.data,
				    served->data.len);
	}
	world_fini(&w);
}

static void a_listed_target_is_found_and_its_bytes_are_checked(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_target t;

	(void)state;
	world_init(&w);
	OK(world_find(&w, RELEASE, &t, &e));
	assert_string_equal(t.name, RELEASE);
	assert_int_equal(t.length, strlen(RELEASE));
	assert_int_equal(strncmp(t.path, "release/gateway/", 16), 0);
	assert_string_equal(t.path + 16 + 64, ".1.0.0.json");
	OK(tuf_target_check(&t, RELEASE, strlen(RELEASE), &e));
	FAILS(tuf_target_check(&t, RELEASE, strlen(RELEASE) - 1, &e), ERR_DIGEST);
	FAILS(tuf_target_check(&t, "Release/gateway/1.0.0.json", strlen(RELEASE), &e),
	      ERR_DIGEST);
	FAILS(world_find(&w, "release/gateway/9.json", &t, &e), ERR_NOT_FOUND);
	world_fini(&w);
}

static void a_withdrawn_release_is_not_found_any_more(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_target t;
	AUTO(buf) struct buf draft = BUF_INIT(1u << 16);

	(void)state;
	world_init(&w);
	OK(world_find(&w, RELEASE, &t, &e));
	OK(repo_draft_targets_remove(w.targets.data, w.targets.len, RELEASE,
				     w.now + YEAR_MS, &draft, &e));
	buf_clear(&w.targets);
	OK(repo_sign(draft.data, draft.len, w.key[TARGETS], &w.targets, &e));
	repo_publish(&w);
	FAILS(world_find(&w, RELEASE, &t, &e), ERR_NOT_FOUND);
	world_fini(&w);
}

/* ------------------------------------------------------------------ rotation */

static void fast_forwarded_versions_end_with_the_keys_that_made_them(void **state)
{
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	w.snapshot_version = w.timestamp_version = 9007199254740990;
	repo_publish(&w); /* a thief's, as high as it goes */
	OK(world_refresh(&w, &e));
	assert_true(world_trusts(&w, "timestamp") == 9007199254740991);

	struct repo_root_spec spec = world_spec(&w, 2);
	const struct pubkey *next[] = {w.pub[NEXT]};

	spec.timestamp = (struct repo_role_keys){next, 1, 1};
	repo_put_root(&w, &spec, by_root_a, 1);
	w.snapshot_version = 4;
	w.timestamp_version = 4;
	repo_publish(&w);
	struct file *f = files_need(&w.repo, "5.snapshot.json");
	AUTO(buf) struct buf t = BUF_INIT(1u << 16);

	OK(repo_make_timestamp(f->data.data, f->data.len, 5, w.now + DAY_MS,
			       w.key[NEXT], &t, &e));
	repo_put(&w, "timestamp.json", &t);
	OK(world_refresh(&w, &e));
	assert_int_equal(world_trusts(&w, "timestamp"), 5);
	assert_int_equal(world_trusts(&w, "snapshot"), 5);
	world_fini(&w);
}

static void a_key_that_is_only_added_leaves_what_is_trusted(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	const struct pubkey *both[2];

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	struct repo_root_spec spec = world_spec(&w, 2);

	both[0] = w.pub[TIMESTAMP];
	both[1] = w.pub[NEXT];
	spec.timestamp = (struct repo_role_keys){both, 2, 1};
	repo_put_root(&w, &spec, by_root_a, 1);
	OK(world_refresh(&w, &e));
	assert_string_equal(w.asked, "2.root.json 3.root.json timestamp.json");
	world_fini(&w);
}

/* Twenty roots in five years; from each to the next one of the two root keys is
 * replaced, and each of them has long expired but for the last. */
static void a_device_that_slept_for_five_years_follows_twenty_rotations(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	struct privkey *old[2];
	struct pubkey *pub[2];

	(void)state;
	world_init(&w);
	old[0] = w.key[ROOT_A];
	old[1] = w.key[ROOT_B];
	pub[0] = w.pub[ROOT_A];
	pub[1] = w.pub[ROOT_B];
	w.key[ROOT_A] = w.key[ROOT_B] = NULL;
	w.pub[ROOT_A] = w.pub[ROOT_B] = NULL;
	for (uint64_t version = 2; version <= 21; version++) {
		AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
		struct privkey *fresh = privkey_generate(KEY_ED25519, &e);
		size_t slot = version % 2;
		const struct privkey *signers[3] = {old[0], old[1], fresh};
		char path[32];

		w.now += YEAR_MS / 4;
		privkey_free(w.key[ROOT_A]); /* the one retired a round ago */
		w.key[ROOT_A] = old[slot];
		pubkey_free(pub[slot]);
		old[slot] = fresh;
		pub[slot] = privkey_public(fresh, &e);
		struct repo_root_spec spec = world_spec(&w, version);

		spec.root =
		    (struct repo_role_keys){(const struct pubkey *const *)pub, 2, 2};
		spec.expires_utc_ms = w.now + YEAR_MS / 2;
		OK(repo_make_root(&spec, signers, 3, &root, &e));
		snprintf(path, sizeof(path), "%llu.root.json",
			 (unsigned long long)version);
		repo_put(&w, path, &root);
	}
	world_add_target(&w, "release/gateway/5.0.0.json", TARGETS);
	repo_publish(&w);
	OK(world_refresh(&w, &e));
	assert_int_equal(world_trusts(&w, "root"), 21);
	for (int i = 0; i < 2; i++) {
		privkey_free(old[i]);
		pubkey_free(pub[i]);
	}
	world_fini(&w);
}

static void a_refresh_cut_off_at_any_store_goes_on_from_there(void **state)
{
	struct err e = ERR_INIT;
	int cuts = 0;

	(void)state;
	for (;; cuts++) {
		struct world w;
		struct tuf_target t;

		world_init(&w);
		struct repo_root_spec spec = world_spec(&w, 2);

		repo_put_root(&w, &spec, by_root_a, 1);
		w.puts_left = cuts;
		if (world_refresh(&w, &e) == 0) {
			world_fini(&w);
			break;
		}
		assert_int_equal(e.code, ERR_NO_SPACE);
		w.puts_left = -1;
		OK(world_find(&w, RELEASE, &t, &e));
		world_fini(&w);
	}
	assert_int_equal(cuts, 4); /* root, timestamp, snapshot, targets */
}

static void a_search_for_newer_roots_has_an_end(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_client *c;
	unsigned n = 0;

	(void)state;
	world_init(&w);
	c = world_client(&w, &e);
	assert_non_null(c);
	OK(tuf_client_refresh(c, &e));
	for (uint64_t version = 2;; version++, n++) {
		struct repo_root_spec spec = world_spec(&w, version);
		AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
		const struct privkey *signer = w.key[ROOT_A];

		OK(repo_make_root(&spec, &signer, 1, &root, &e));
		if (tuf_client_give(c, root.data, root.len, &e) != 0)
			break;
	}
	assert_int_equal(n, TUF_MAX_ROOTS);
	assert_int_equal(e.code, ERR_LIMIT);
	tuf_client_free(c);
	world_fini(&w);
}

/* ------------------------------------------------------------------ first trust,
 * offline */

static void without_a_root_nothing_begins(void **state)
{
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	files_clear(&w.store);
	assert_null(world_client(&w, &e));
	assert_int_equal(e.code, ERR_UNTRUSTED);
	world_fini(&w);
}

static void a_second_first_root_is_refused(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	struct file *f;

	(void)state;
	world_init(&w);
	struct tuf_store store = world_store(&w);
	struct repo_root_spec spec = world_spec(&w, 1);

	f = files_need(&w.repo, "1.root.json");
	OK(tuf_init(&store, f->data.data, f->data.len,
		    &e)); /* the same again is fine */
	spec.expires_utc_ms += 1000;
	repo_put_root(&w, &spec, by_root_a, 1);
	f = files_need(&w.repo, "1.root.json");
	FAILS(tuf_init(&store, f->data.data, f->data.len, &e), ERR_CONFLICT);
	files_clear(&w.store);
	spec.root =
	    (struct repo_role_keys){(const struct pubkey *const *)&w.pub[NEXT], 1, 1};
	repo_put_root(&w, &spec, by_root_b, 1);
	f = files_need(&w.repo, "1.root.json");
	FAILS(tuf_init(&store, f->data.data, f->data.len, &e), ERR_SIGNATURE);
	assert_int_equal(w.store.n, 0);
	world_fini(&w);
}

static void a_bundle_may_be_old_but_its_targets_may_not_have_expired(void **state)
{
	struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w);
	w.now += 100 * DAY_MS;
	FAILS(world_refresh(&w, &e), ERR_EXPIRED);
	w.offline = true;
	OK(world_refresh(&w, &e));
	w.now += YEAR_MS;
	FAILS(world_refresh(&w, &e), ERR_EXPIRED);
	world_fini(&w);
}

/* ------------------------------------------------------------------ delegations */

struct role {
	const char *name;
	const char *targets;  /* JSON members of "targets" */
	const char *children; /* JSON elements of "roles" */
	enum who signer;
};

#define LINE(name) "\"" name "\":{\"length\":1,\"hashes\":{\"sha256\":\"" ZEROS "\"}}"
#define ZEROS                                                                          \
	"00000000000000000000000000000000"                                             \
	"00000000000000000000000000000000"
#define CHILD(name, paths, terminating)                                                \
	"{\"name\":\"" name "\",\"keyids\":[\"k\"],\"threshold\":1,\"paths\":[" paths  \
	"],\"terminating\":" terminating "}"

/* Serves these roles (the first is "targets"); delegations are to the key of NEXT, an
 * Ed25519 key. */
static void repo_put_roles(struct world *w, const struct role *roles, size_t n)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf meta = BUF_INIT(1u << 20), public = BUF_INIT(1024);
	AUTO(buf) struct buf body = BUF_INIT(1u << 20);
	char path[400];

	OK(pubkey_to_text(w->pub[NEXT], &public, &e));
	for (size_t i = 0; i < n; i++) {
		buf_clear(&body);
		OK(buf_printf(
		    &body, &e,
		    "{\"_type\":\"targets\"," FAR ",\"version\":5,\"targets\":{%s},"
		    "\"delegations\":{\"keys\":{\"k\":{\"keytype\":\"ed25519\","
		    "\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"%s\"}}},"
		    "\"roles\":[%s]}}",
		    roles[i].targets, buf_str(&public), roles[i].children));
		snprintf(path, sizeof(path), "5.%s.json", roles[i].name);
		repo_put_signed(w, path, buf_str(&body), &roles[i].signer, 1);
		struct file *f = files_need(&w->repo, path);
		char *id = text_after(f, "\"keyid\":\"");

		if (i > 0) { /* delegators call the key "k" */
			size_t len = strcspn(id, "\"");

			memmove(id + 1, id + len, strlen(id + len) + 1);
			id[0] = 'k';
			f->data.len -= len - 1;
		}
		OK(buf_printf(&meta, &e, "%s\"%s.json\":{\"version\":5}",
			      i == 0 ? "" : ",", roles[i].name));
	}
	buf_clear(&body);
	OK(buf_printf(&body, &e,
		      "{\"_type\":\"snapshot\"," FAR ",\"version\":50,\"meta\":{%s}}",
		      buf_str(&meta)));
	repo_put_signed(w, "50.snapshot.json", buf_str(&body), by_snapshot, 1);
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":50,"
			"\"meta\":{\"snapshot.json\":{\"version\":50}}}",
			by_timestamp, 1);
}

#define TREE(...)                                                                      \
	(const struct role[])                                                          \
	{                                                                              \
		__VA_ARGS__                                                            \
	}

static const struct search {
	const char *what;
	const struct role *roles;
	size_t n_roles;
	bool any_names;
	const char *name;
	enum err_code result;
	const char *visited; /* what is asked for below 5.targets.json */
} searches[] = {
    {"roles are visited in pre-order",
     TREE(
	 {"targets", "", CHILD("A", "\"*\"", "false") "," CHILD("B", "\"*\"", "false"),
	  TARGETS},
	 {"A", "", CHILD("C", "\"*\"", "false") "," CHILD("D", "\"*\"", "false"), NEXT},
	 {"B", "", "", NEXT}, {"C", "", "", NEXT}, {"D", "", "", NEXT}),
     5, true, "x", ERR_NOT_FOUND, " 5.A.json 5.C.json 5.D.json 5.B.json"},
    {"a terminating role ends the search",
     TREE({"targets", "", CHILD("A", "\"*\"", "false") "," CHILD("B", "\"*\"", "false"),
	   TARGETS},
	  {"A", "", CHILD("C", "\"*\"", "true") "," CHILD("D", "\"*\"", "false"), NEXT},
	  {"B", LINE("x"), "", NEXT}, {"C", "", "", NEXT}, {"D", LINE("x"), "", NEXT}),
     5, true, "x", ERR_NOT_FOUND, " 5.A.json 5.C.json"},
    {"a cycle is walked once",
     TREE({"targets", "", CHILD("A", "\"*\"", "false"), TARGETS},
	  {"A", "", CHILD("B", "\"*\"", "false"), NEXT},
	  {"B", "", CHILD("A", "\"*\"", "false"), NEXT}),
     3, true, "x", ERR_NOT_FOUND, " 5.A.json 5.B.json"},
    {"a pattern does not cross a slash",
     TREE({"targets", "",
	   CHILD("A", "\"*\"", "false") "," CHILD("B", "\"*/*\"", "false"), TARGETS},
	  {"A", LINE("d/x"), "", NEXT}, {"B", LINE("d/x"), "", NEXT}),
     3, true, "d/x", ERR_NONE, " 5.B.json"},
    {"the first that lists it wins",
     TREE({"targets", LINE("x"), CHILD("A", "\"*\"", "false"), TARGETS},
	  {"A", LINE("x"), "", NEXT}),
     2, true, "x", ERR_NONE, ""},
    {"a role signed by another key is refused",
     TREE({"targets", "", CHILD("A", "\"*\"", "false"), TARGETS},
	  {"A", LINE("x"), "", STRANGER}),
     2, true, "x", ERR_SIGNATURE, " 5.A.json"},
    {"a product's role lists its product's releases",
     TREE({"targets", "", CHILD("gateway", "\"release/*/*\"", "false"), TARGETS},
	  {"gateway", LINE("release/gateway/2"), "", NEXT}),
     2, false, "release/gateway/2", ERR_NONE, " 5.gateway.json"},
    {"a product's role cannot speak for another product",
     TREE({"targets", "", CHILD("gateway", "\"release/*/*\"", "false"), TARGETS},
	  {"gateway", LINE("release/meter/2"), "", NEXT}),
     2, false, "release/meter/2", ERR_NOT_FOUND, " 5.gateway.json"},
    {"the online role cannot list a release, whatever was delegated to it",
     TREE({"targets", "", CHILD("delta", "\"*\",\"*/*\",\"*/*/*\"", "false"), TARGETS},
	  {"delta", LINE("release/gateway/2"), "", NEXT}),
     2, false, "release/gateway/2", ERR_NOT_FOUND, ""},
    {"nor can a role that it delegates to",
     TREE({"targets", "", CHILD("delta", "\"*/*/*\"", "false"), TARGETS},
	  {"delta", "", CHILD("gateway", "\"*/*/*\"", "false"), NEXT},
	  {"gateway", LINE("release/gateway/2"), "", NEXT}),
     3, false, "release/gateway/2", ERR_NOT_FOUND, ""},
    {"the online role lists deltas",
     TREE({"targets", "", CHILD("delta", "\"delta/*/*\"", "false"), TARGETS},
	  {"delta", LINE("delta/gateway/1-2"), "", NEXT}),
     2, false, "delta/gateway/1-2", ERR_NONE, " 5.delta.json"},
    {"a delta in the top-level role is passed over",
     TREE({"targets", LINE("delta/gateway/1-2"), "", TARGETS}), 1, false,
     "delta/gateway/1-2", ERR_NOT_FOUND, ""},
    {"a name of neither kind is refused", TREE({"targets", LINE("x"), "", TARGETS}), 1,
     false, "x", ERR_UNTRUSTED, ""},
};

static void the_search_for_a_target_follows_the_delegations(void **state)
{
	static const char start[] =
	    "2.root.json timestamp.json 50.snapshot.json 5.targets.json";

	(void)state;
	for (size_t i = 0; i < N_ELEMS(searches); i++) {
		const struct search *s = &searches[i];
		struct world w;
		struct err e = ERR_INIT;
		struct tuf_target t;
		int result;

		world_init(&w);
		w.any_names = s->any_names;
		repo_put_roles(&w, s->roles, s->n_roles);
		result = world_find(&w, s->name, &t, &e);
		if ((result == 0) != (s->result == ERR_NONE) || e.code != s->result)
			fail_msg("%s: %s: %s", s->what, err_slug(e.code), e.text);
		if (strncmp(w.asked, start, strlen(start)) != 0 ||
		    strcmp(w.asked + strlen(start), s->visited) != 0)
			fail_msg("%s: asked for %s", s->what, w.asked);
		world_fini(&w);
	}
}

static void a_delegated_role_is_fetched_once_and_then_read_from_the_store(void **state)
{
	const struct role roles[] = {
	    {"targets", "", CHILD("A", "\"*\"", "false"), TARGETS},
	    {"A", LINE("x"), "", NEXT},
	};
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_target t;

	(void)state;
	world_init(&w);
	w.any_names = true;
	repo_put_roles(&w, roles, N_ELEMS(roles));
	OK(world_find(&w, "x", &t, &e));
	OK(world_find(&w, "x", &t, &e));
	assert_string_equal(w.asked, "2.root.json timestamp.json");
	world_fini(&w);
}

static void no_more_than_32_delegated_roles_are_visited(void **state)
{
	static char names[40][8], children[40][256];
	struct role roles[40] = {{"targets", "", children[0], TARGETS}};
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_target t;

	(void)state;
	world_init(&w);
	w.any_names = true;
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "r%d", i);
		snprintf(children[i], sizeof(children[i]),
			 "{\"name\":\"r%d\",\"keyids\":[\"k\"],\"threshold\":1,"
			 "\"paths\":[\"*\"],\"terminating\":false}",
			 i + 1);
		if (i > 0)
			roles[i] = (struct role){names[i], "", children[i], NEXT};
	}
	children[39][0] = '\0';
	repo_put_roles(&w, roles, 40);
	FAILS(world_find(&w, "x", &t, &e), ERR_LIMIT);
	assert_non_null(strstr(w.asked, " 5.r32.json"));
	assert_null(strstr(w.asked, " 5.r33.json"));
	world_fini(&w);
}

static void
a_role_name_is_quoted_in_requests_and_never_a_path_in_the_store(void **state)
{
	const struct role roles[] = {
	    {"targets", "", CHILD("../a?#", "\"*\"", "false"), TARGETS},
	    {"../a?#", LINE("x"), "", NEXT},
	};
	struct world w;
	struct err e = ERR_INIT;
	struct tuf_target t;
	struct file *f;

	(void)state;
	world_init(&w);
	w.any_names = true;
	repo_put_roles(&w, roles, N_ELEMS(roles));
	f = files_need(&w.repo, "5.../a?#.json");
	files_put(&w.repo, "5...%2Fa%3F%23.json", f->data.data, f->data.len);
	OK(world_find(&w, "x", &t, &e));
	for (size_t i = 0; i < w.store.n; i++)
		assert_null(strchr(w.store.items[i].name, '/'));
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_first_refresh_asks_for_the_files_in_the_order_of_the_specification),
	    cmocka_unit_test(a_second_refresh_asks_for_no_more_than_root_and_timestamp),
	    cmocka_unit_test(a_timestamp_renewed_alone_costs_no_snapshot),
	    cmocka_unit_test(what_is_trusted_is_stored_byte_for_byte),
	    cmocka_unit_test(a_listed_target_is_found_and_its_bytes_are_checked),
	    cmocka_unit_test(a_withdrawn_release_is_not_found_any_more),
	    cmocka_unit_test(fast_forwarded_versions_end_with_the_keys_that_made_them),
	    cmocka_unit_test(a_key_that_is_only_added_leaves_what_is_trusted),
	    cmocka_unit_test(
		a_device_that_slept_for_five_years_follows_twenty_rotations),
	    cmocka_unit_test(a_refresh_cut_off_at_any_store_goes_on_from_there),
	    cmocka_unit_test(a_search_for_newer_roots_has_an_end),
	    cmocka_unit_test(without_a_root_nothing_begins),
	    cmocka_unit_test(a_second_first_root_is_refused),
	    cmocka_unit_test(a_bundle_may_be_old_but_its_targets_may_not_have_expired),
	    cmocka_unit_test(the_search_for_a_target_follows_the_delegations),
	    cmocka_unit_test(
		a_delegated_role_is_fetched_once_and_then_read_from_the_store),
	    cmocka_unit_test(no_more_than_32_delegated_roles_are_visited),
	    cmocka_unit_test(
		a_role_name_is_quoted_in_requests_and_never_a_path_in_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
