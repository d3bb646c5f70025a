/* SPDX-License-Identifier: Apache-2.0 */
/* The TUF client against repositories that are not honest: one function an attack. */
#include "tuf_world.h"

#define RELEASE "release/gateway/1.0.0.json"

static const enum who by_root_a[] = {ROOT_A};
static const enum who by_snapshot[] = {SNAPSHOT};
static const enum who by_timestamp[] = {TIMESTAMP};
static const enum who by_stranger[] = {STRANGER};
static const enum who by_delta[] = {DELTA};

static void older_timestamp(struct world *w)
{
	AUTO(buf) struct buf old = BUF_INIT(1u << 16);
	struct file *f = files_need(&w->store, "timestamp.json");

	assert_int_equal(buf_add(&old, f->data.data, f->data.len, NULL), 0);
	repo_publish(w);
	assert_int_equal(world_refresh(w, NULL), 0);
	assert_int_equal(world_trusts(w, "timestamp"), 2);
	repo_put(w, "timestamp.json", &old);
}

static void newer_timestamp_of_an_older_snapshot(struct world *w)
{
	repo_publish(w);
	assert_int_equal(world_refresh(w, NULL), 0);
	assert_int_equal(world_trusts(w, "snapshot"), 2);
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":1}}}",
			by_timestamp, 1);
}

static void snapshot_of_older_targets(struct world *w)
{
	repo_put_signed(w, "7.snapshot.json",
			"{\"_type\":\"snapshot\"," FAR ",\"version\":7,"
			"\"meta\":{\"targets.json\":{\"version\":1}}}",
			by_snapshot, 1);
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_timestamp, 1);
}

static void snapshot_that_lists_targets_no_more(struct world *w)
{
	repo_put_signed(w, "7.snapshot.json",
			"{\"_type\":\"snapshot\"," FAR ",\"version\":7,"
			"\"meta\":{\"other.json\":{\"version\":1}}}",
			by_snapshot, 1);
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_timestamp, 1);
}

static void root_that_skips_a_version(struct world *w)
{
	struct repo_root_spec spec = world_spec(w, 3);

	repo_put_root(w, &spec, by_root_a, 1);
	repo_put(w, "2.root.json", &files_need(&w->repo, "3.root.json")->data);
}

static void root_that_repeats_its_version(struct world *w)
{
	repo_put(w, "2.root.json", &files_need(&w->repo, "1.root.json")->data);
}

static void root_by_a_stranger(struct world *w)
{
	struct repo_root_spec spec = world_spec(w, 2);

	spec.root = (struct repo_role_keys){
	    (const struct pubkey *const *)&w->pub[STRANGER], 1, 1};
	repo_put_root(w, &spec, by_stranger, 1);
}

static void root_not_signed_by_its_new_keys(struct world *w)
{
	struct repo_root_spec spec = world_spec(w, 2);

	spec.root =
	    (struct repo_role_keys){(const struct pubkey *const *)&w->pub[NEXT], 1, 1};
	repo_put_root(w, &spec, by_root_a, 1);
}

static void root_that_has_expired(struct world *w)
{
	struct repo_root_spec spec = world_spec(w, 2);

	spec.expires_utc_ms = w->now - 1000;
	repo_put_root(w, &spec, by_root_a, 1);
}

static void time_passes(struct world *w)
{
	w->now += 8 * DAY_MS; /* the timestamp lives for 7 */
}

static void snapshot_has_expired(struct world *w)
{
	repo_put_signed(w, "7.snapshot.json",
			"{\"_type\":\"snapshot\",\"expires\":\"2026-11-01T00:00:00Z\","
			"\"spec_version\":\"1.0.0\",\"version\":7,"
			"\"meta\":{\"targets.json\":{\"version\":2}}}",
			by_snapshot, 1);
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_timestamp, 1);
}

static void targets_have_expired(struct world *w)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(1u << 16);

	OK(repo_draft_targets_remove(w->targets.data, w->targets.len, RELEASE,
				     w->now - DAY_MS, &draft, &e));
	buf_clear(&w->targets);
	OK(repo_sign(draft.data, draft.len, w->key[TARGETS], &w->targets, &e));
	repo_publish(w);
}

static void snapshot_from_another_moment(struct world *w)
{
	repo_publish(w);
	repo_put(w, "2.snapshot.json", &files_need(&w->repo, "1.snapshot.json")->data);
}

static void targets_from_another_moment(struct world *w)
{
	AUTO(buf) struct buf old = BUF_INIT(1u << 16);

	assert_int_equal(buf_add(&old, w->targets.data, w->targets.len, NULL), 0);
	world_add_target(w, "release/gateway/2.0.0.json", TARGETS);
	repo_publish(w);
	repo_put(w, "3.targets.json", &old);
}

static void targets_by_the_online_keys(struct world *w)
{
	world_add_target(w, "release/gateway/6.6.6.json", SNAPSHOT);
	repo_publish(w);
}

static void targets_by_nobody(struct world *w)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(1u << 16);

	OK(repo_draft_targets_remove(w->targets.data, w->targets.len, RELEASE,
				     w->now + DAY_MS, &draft, &e));
	buf_clear(&w->targets);
	OK(buf_add(&w->targets, draft.data, draft.len, &e));
	repo_publish(w);
}

static void timestamp_by_a_stranger(struct world *w)
{
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_stranger, 1);
}

static void timestamp_of_another_type(struct world *w)
{
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"snapshot\"," FAR ",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_timestamp, 1);
}

static void timestamp_of_a_later_specification(struct world *w)
{
	repo_put_signed(w, "timestamp.json",
			"{\"_type\":\"timestamp\",\"expires\":\"2036-01-01T00:00:00Z\","
			"\"spec_version\":\"2.0.0\",\"version\":9,"
			"\"meta\":{\"snapshot.json\":{\"version\":7}}}",
			by_timestamp, 1);
}

static void timestamp_altered(struct world *w)
{
	struct file *f;
	char *digit;

	repo_publish(w);
	f = files_need(&w->repo, "timestamp.json");
	digit = text_after(f, "\"version\":");
	*digit = '3';
}

static void timestamp_cut_short(struct world *w)
{
	files_need(&w->repo, "timestamp.json")->data.len -= 1;
}

static void timestamp_without_end(struct world *w)
{
	AUTO(buf) struct buf blanks = BUF_INIT(1u << 20);

	for (size_t i = 0; i <= TUF_TIMESTAMP_MAX_BYTES; i++)
		assert_int_equal(buf_add(&blanks, " ", 1, NULL), 0);
	repo_put(w, "timestamp.json", &blanks);
}

static void targets_longer_than_the_snapshot_says(struct world *w)
{
	struct file *f;

	world_add_target(w, "release/gateway/2.0.0.json", TARGETS);
	repo_publish(w);
	f = files_need(&w->repo, "3.targets.json");
	assert_int_equal(buf_add(&f->data, " ", 1, NULL), 0);
}

static void captive_portal(struct world *w)
{
	files_put(&w->repo, "2.root.json", "<html>Welcome!</html>", 21);
}

static void no_timestamp(struct world *w)
{
	files_del(&w->repo, "timestamp.json");
}

/* A root 2 whose timestamp role has the given threshold and ids; body made by hand. */
static void put_root_with_timestamp_role(struct world *w, const char *ids,
					 unsigned threshold)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf body = BUF_INIT(1u << 16);
	AUTO(buf) struct buf a = BUF_INIT(256), t = BUF_INIT(1024);
	char *pem = t.cap == 0 ? NULL : calloc(1, 2048), *out = pem;

	assert_non_null(pem);
	OK(pubkey_to_text(w->pub[ROOT_A], &a, &e));
	OK(pubkey_to_text(w->pub[DELTA], &t, &e));
	for (const char *in = buf_str(&t); *in != '\0'; in++) {
		if (*in == '\n')
			*out++ = '\\';
		*out++ = *in == '\n' ? 'n' : *in;
	}
	OK(buf_printf(&body, &e,
		      "{\"_type\":\"root\"," FAR
		      ",\"version\":2,\"consistent_snapshot\":true,"
		      "\"keys\":{\"r\":{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\","
		      "\"keyval\":{\"public\":\"%s\"}},",
		      buf_str(&a)));
	for (int i = 1; i <= 2; i++)
		OK(buf_printf(&body, &e,
			      "\"t%d\":{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-sha2-"
			      "nistp256\",\"keyval\":{\"public\":\"%s\"}}%s",
			      i, pem, i == 1 ? "," : "},\"roles\":{"));
	for (int i = 0; i < 3; i++)
		OK(buf_printf(&body, &e, "\"%s\":{\"keyids\":[\"r\"],\"threshold\":1},",
			      (const char *[]){"root", "targets", "snapshot"}[i]));
	OK(buf_printf(&body, &e, "\"timestamp\":{\"keyids\":[%s],\"threshold\":%u}}}",
		      ids, threshold));
	free(pem);
	/* repo_sign() names the key by its hash: the old root knows it by that, the new
	 * by "r". */
	repo_put_signed(w, "2.root.json", buf_str(&body), by_root_a, 1);
	struct file *f = files_need(&w->repo, "2.root.json");
	const char *id = text_after(f, "\"keyid\":\"");
	AUTO(buf) struct buf both = BUF_INIT(1u << 16);
	const char *sig = text_after(f, "\"sig\":\"");

	OK(buf_printf(&both, &e,
		      "{\"signatures\":[{\"keyid\":\"%.64s\",\"sig\":\"%.128s\"},"
		      "{\"keyid\":\"r\",\"sig\":\"%.128s\"}],\"signed\":%s}",
		      id, sig, sig, buf_str(&body)));
	repo_put(w, "2.root.json", &both);
}

/* timestamp.json signed by DELTA's key once, the signature listed under t1 and t2. */
static void put_timestamp_signed_twice(struct world *w)
{
	static const char body[] = "{\"_type\":\"timestamp\"," FAR ",\"version\":9,"
				   "\"meta\":{\"snapshot.json\":{\"version\":1}}}";
	struct err e = ERR_INIT;
	AUTO(buf) struct buf both = BUF_INIT(1u << 16);
	struct file *f;
	const char *sig;
	int len;

	repo_put_signed(w, "timestamp.json", body, by_delta, 1);
	f = files_need(&w->repo, "timestamp.json");
	sig = text_after(f, "\"sig\":\"");
	len = (int)strcspn(sig, "\"");
	OK(buf_printf(&both, &e,
		      "{\"signatures\":[{\"keyid\":\"t1\",\"sig\":\"%.*s\"},"
		      "{\"keyid\":\"t2\",\"sig\":\"%.*s\"}],\"signed\":%s}",
		      len, sig, len, sig, body));
	repo_put(w, "timestamp.json", &both);
}

static void one_key_under_two_names(struct world *w)
{
	put_root_with_timestamp_role(w, "\"t1\",\"t2\"", 2);
	put_timestamp_signed_twice(w);
}

static void threshold_of_zero(struct world *w)
{
	put_root_with_timestamp_role(w, "\"t1\"", 0);
}

static void threshold_that_is_not_reached(struct world *w)
{
	const struct pubkey *both[] = {w->pub[TIMESTAMP], w->pub[NEXT]};
	struct repo_root_spec spec = world_spec(w, 2);

	spec.timestamp = (struct repo_role_keys){both, 2, 2};
	repo_put_root(w, &spec, by_root_a, 1);
	repo_publish(w);
}

static const struct attack {
	const char *what;
	void (*make)(struct world *w);
	enum err_code refused_as;
	uint64_t root,
	    timestamp; /* what is trusted afterwards; 0: as before the attack */
} attacks[] = {
    {"an older timestamp", older_timestamp, ERR_ROLLBACK, 1, 2},
    {"a newer timestamp of an older snapshot", newer_timestamp_of_an_older_snapshot,
     ERR_ROLLBACK, 1, 2},
    {"a snapshot of older targets", snapshot_of_older_targets, ERR_ROLLBACK, 1, 9},
    {"a snapshot without targets", snapshot_that_lists_targets_no_more, ERR_ROLLBACK, 1,
     9},
    {"a root that skips a version", root_that_skips_a_version, ERR_ROLLBACK, 1, 1},
    {"a root that repeats its version", root_that_repeats_its_version, ERR_ROLLBACK, 1,
     1},
    {"a root by a stranger", root_by_a_stranger, ERR_SIGNATURE, 1, 1},
    {"a root not signed by its own keys", root_not_signed_by_its_new_keys,
     ERR_SIGNATURE, 1, 1},
    {"a root that has expired", root_that_has_expired, ERR_EXPIRED, 2, 1},
    {"a timestamp that has expired", time_passes, ERR_EXPIRED, 1, 1},
    {"a snapshot that has expired", snapshot_has_expired, ERR_EXPIRED, 1, 9},
    {"targets that have expired", targets_have_expired, ERR_EXPIRED, 1, 2},
    {"a snapshot from another moment", snapshot_from_another_moment, ERR_DIGEST, 1, 2},
    {"targets from another moment", targets_from_another_moment, ERR_DIGEST, 1, 2},
    {"targets by the online keys", targets_by_the_online_keys, ERR_SIGNATURE, 1, 2},
    {"targets by nobody", targets_by_nobody, ERR_UNSIGNED, 1, 2},
    {"a timestamp by a stranger", timestamp_by_a_stranger, ERR_SIGNATURE, 1, 1},
    {"a timestamp that is a snapshot", timestamp_of_another_type, ERR_FORMAT, 1, 1},
    {"a timestamp of specification 2", timestamp_of_a_later_specification,
     ERR_UNSUPPORTED, 1, 1},
    {"a timestamp altered", timestamp_altered, ERR_SIGNATURE, 1, 1},
    {"a timestamp cut short", timestamp_cut_short, ERR_FORMAT, 1, 1},
    {"a timestamp without end", timestamp_without_end, ERR_LIMIT, 1, 1},
    {"targets longer than signed", targets_longer_than_the_snapshot_says, ERR_LIMIT, 1,
     2},
    {"a page where a root should be", captive_portal, ERR_FORMAT, 1, 1},
    {"no timestamp", no_timestamp, ERR_NOT_FOUND, 1, 1},
    {"one key under two names", one_key_under_two_names, ERR_SIGNATURE, 2, 0},
    {"a threshold of zero", threshold_of_zero, ERR_FORMAT, 1, 1},
    {"a threshold not reached", threshold_that_is_not_reached, ERR_SIGNATURE, 2, 0},
};

static void every_attack_is_refused_and_what_was_trusted_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(attacks); i++) {
		const struct attack *a = &attacks[i];
		struct world w;
		struct err e = ERR_INIT;
		uint64_t timestamp;

		world_init(&w);
		OK(world_refresh(&w, &e));
		a->make(&w);
		if (world_refresh(&w, &e) != -1)
			fail_msg("%s: was not refused", a->what);
		if (e.code != a->refused_as)
			fail_msg("%s: refused as %s, not %s: %s", a->what,
				 err_slug(e.code), err_slug(a->refused_as), e.text);
		if (world_trusts(&w, "root") != a->root)
			fail_msg("%s: root is %llu", a->what,
				 (unsigned long long)world_trusts(&w, "root"));
		timestamp = world_trusts(&w, "timestamp");
		if (timestamp != a->timestamp)
			fail_msg("%s: timestamp is %llu", a->what,
				 (unsigned long long)timestamp);
		world_fini(&w);
	}
}

static void
a_timestamp_of_the_same_version_with_other_content_changes_nothing(void **state)
{
	struct world w;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf before = BUF_INIT(1u << 16);
	struct file *f;

	(void)state;
	world_init(&w);
	OK(world_refresh(&w, &e));
	f = files_need(&w.store, "timestamp.json");
	OK(buf_add(&before, f->data.data, f->data.len, &e));
	repo_put_signed(&w, "timestamp.json",
			"{\"_type\":\"timestamp\"," FAR ",\"version\":1,"
			"\"meta\":{\"snapshot.json\":{\"version\":100}}}",
			by_timestamp, 1);
	OK(world_refresh(&w, &e));
	assert_string_equal(w.asked, "2.root.json timestamp.json");
	f = files_need(&w.store, "timestamp.json");
	assert_int_equal(f->data.len, before.len);
	assert_memory_equal(f->data.data, before.data, before.len);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_attack_is_refused_and_what_was_trusted_stays),
	    cmocka_unit_test(
		a_timestamp_of_the_same_version_with_other_content_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
