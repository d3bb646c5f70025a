/* SPDX-License-Identifier: Apache-2.0 */
/* TUF metadata as structs, the repository's signing side, and the store in a directory.
 */
#include "testing.h"

#include "../../common/base/file.h"
#include "../../common/tuf/metadata.h"
#include "../../common/tuf/tuf.h"
#include "../../common/tuf/verify.h"
#include "../../publish/repo/repo.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY                                                                            \
	"{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":"      \
	"\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"}}"
#define COMMON                                                                         \
	"\"spec_version\":\"1.0.0\",\"version\":3,\"expires\":\"2036-01-01T00:00:"     \
	"00Z\""
#define HASH                                                                           \
	"\"hashes\":{\"sha256\":"                                                      \
	"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"
#define SIGNED(body) "{\"signatures\":[],\"signed\":" body "}"
#define ROLES(timestamp)                                                               \
	"\"roles\":{\"root\":{\"keyids\":[\"k\"],\"threshold\":1},\"targets\":{"       \
	"\"keyids\":[\"k\"],\"threshold\":1},\"snapshot\":{\"keyids\":[\"k\"],"        \
	"\"threshold\":1},\"timestamp\":" timestamp "}"
#define ROOT(keys, timestamp)                                                          \
	SIGNED("{\"_type\":\"root\"," COMMON ",\"keys\":{" keys                        \
	       "}," ROLES(timestamp) "}")
#define TARGETS(targets, more)                                                         \
	SIGNED("{\"_type\":\"targets\"," COMMON ",\"targets\":{" targets "}" more "}")
#define DELEGATED(role)                                                                \
	",\"delegations\":{\"keys\":{\"k\":" KEY "},\"roles\":[" role "]}"
#define ROLE_HEAD "\"keyids\":[\"k\"],\"threshold\":1,\"terminating\":false"

static int parse(const char *text, char kind, struct err *e)
{
	struct tuf_envelope env = {0};
	void *made = NULL;

	if (tuf_envelope_parse(text, strlen(text), &env, e) != 0)
		return -1;
	if (kind == 'r')
		tuf_root_free(made = tuf_root_parse(&env, e));
	else if (kind == 't')
		tuf_timestamp_free(made = tuf_timestamp_parse(&env, e));
	else if (kind == 's')
		tuf_snapshot_free(made = tuf_snapshot_parse(&env, e));
	else
		tuf_targets_free(made = tuf_targets_parse(&env, e));
	tuf_envelope_fini(&env);
	return made == NULL ? -1 : 0;
}

static const struct {
	const char *what;
	char kind;
	const char *text;
	enum err_code result;
} inputs[] = {
    {"a root", 'r', ROOT("\"k\":" KEY, "{\"keyids\":[\"k\"],\"threshold\":1}"),
     ERR_NONE},
    {"a root with unknown members", 'r',
     ROOT("\"k\":" KEY, "{\"keyids\":[\"k\"],\"threshold\":1,\"more\":[1]}"), ERR_NONE},
    {"a key of an unknown scheme beside it", 'r',
     ROOT("\"k\":" KEY ",\"q\":{\"keytype\":\"lattice\",\"scheme\":\"x\",\"keyval\":{"
	  "\"public\":\"?\"}}",
	  "{\"keyids\":[\"k\",\"q\"],\"threshold\":1}"),
     ERR_NONE},
    {"an id without a key", 'r',
     ROOT("\"k\":" KEY, "{\"keyids\":[\"nobody\"],\"threshold\":1}"), ERR_NONE},
    {"a threshold of 0", 'r',
     ROOT("\"k\":" KEY, "{\"keyids\":[\"k\"],\"threshold\":0}"), ERR_FORMAT},
    {"a negative threshold", 'r',
     ROOT("\"k\":" KEY, "{\"keyids\":[\"k\"],\"threshold\":-1}"), ERR_FORMAT},
    {"a key id that is a number", 'r',
     ROOT("\"k\":" KEY, "{\"keyids\":[1],\"threshold\":1}"), ERR_FORMAT},
    {"a key without its public half", 'r',
     ROOT("\"k\":{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{}}",
	  "{\"keyids\":[\"k\"],\"threshold\":1}"),
     ERR_FORMAT},
    {"a root without roles", 'r', SIGNED("{\"_type\":\"root\"," COMMON ",\"keys\":{}}"),
     ERR_FORMAT},
    {"targets called a root", 'r', TARGETS("", ""), ERR_FORMAT},
    {"version 0", 'd',
     SIGNED("{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":0,"
	    "\"expires\":\"2036-01-01T00:00:00Z\",\"targets\":{}}"),
     ERR_FORMAT},
    {"a time that is none", 'd',
     SIGNED("{\"_type\":\"targets\",\"spec_version\":\"1.0\",\"version\":1,"
	    "\"expires\":\"tomorrow\",\"targets\":{}}"),
     ERR_FORMAT},
    {"a later specification", 'd',
     SIGNED("{\"_type\":\"targets\",\"spec_version\":\"10.0\",\"version\":1,"
	    "\"expires\":\"2036-01-01T00:00:00Z\",\"targets\":{}}"),
     ERR_UNSUPPORTED},
    {"targets", 'd', TARGETS("\"a\":{\"length\":1," HASH "}", ""), ERR_NONE},
    {"a target without a hash", 'd', TARGETS("\"a\":{\"length\":1}", ""), ERR_FORMAT},
    {"a target with a hash we do not know", 'd',
     TARGETS("\"a\":{\"length\":1,\"hashes\":{\"md5\":\"00\"}}", ""), ERR_UNSUPPORTED},
    {"a target with a short hash", 'd',
     TARGETS("\"a\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}}", ""), ERR_FORMAT},
    {"a target with a negative length", 'd',
     TARGETS("\"a\":{\"length\":-1," HASH "}", ""), ERR_FORMAT},
    {"a target without a name", 'd', TARGETS("\"\":{\"length\":1," HASH "}", ""),
     ERR_LIMIT},
    {"the same target twice", 'd',
     TARGETS("\"a\":{\"length\":1," HASH "},\"a\":{\"length\":2," HASH "}", ""),
     ERR_FORMAT},
    {"a delegation", 'd',
     TARGETS("", DELEGATED("{\"name\":\"A\",\"paths\":[\"*\"]," ROLE_HEAD "}")),
     ERR_NONE},
    {"a delegation by paths and by hashes", 'd',
     TARGETS("", DELEGATED("{\"name\":\"A\",\"paths\":[\"*\"],\"path_hash_prefixes\":[]"
			   "," ROLE_HEAD "}")),
     ERR_FORMAT},
    {"a delegation by nothing", 'd',
     TARGETS("", DELEGATED("{\"name\":\"A\"," ROLE_HEAD "}")), ERR_FORMAT},
    {"a delegation to root", 'd',
     TARGETS("", DELEGATED("{\"name\":\"root\",\"paths\":[\"*\"]," ROLE_HEAD "}")),
     ERR_FORMAT},
    {"a delegation with a number for a path", 'd',
     TARGETS("", DELEGATED("{\"name\":\"A\",\"paths\":[1]," ROLE_HEAD "}")),
     ERR_FORMAT},
    {"a timestamp without a snapshot", 't',
     SIGNED("{\"_type\":\"timestamp\"," COMMON ",\"meta\":{}}"), ERR_FORMAT},
    {"a snapshot of version 0", 's',
     SIGNED("{\"_type\":\"snapshot\"," COMMON
	    ",\"meta\":{\"targets.json\":{\"version\":0}}}"),
     ERR_FORMAT},
    {"an integer beyond 2^53", 't',
     SIGNED("{\"_type\":\"timestamp\"," COMMON
	    ",\"meta\":{\"snapshot.json\":{\"version\":9007199254740992}}}"),
     ERR_FORMAT},
    {"no signatures member", 't', "{\"signed\":{}}", ERR_FORMAT},
    {"an array", 't', "[]", ERR_FORMAT},
    {"nothing", 't', "", ERR_FORMAT},
};

static void metadata_is_taken_or_refused_by_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(inputs); i++) {
		struct err e = ERR_INIT;
		int result = parse(inputs[i].text, inputs[i].kind, &e);

		if ((result == 0) != (inputs[i].result == ERR_NONE) ||
		    (result != 0 && e.code != inputs[i].result))
			fail_msg("%s: %d %s: %s", inputs[i].what, result,
				 err_slug(e.code), e.text);
		if (result != 0)
			assert_true(e.text[0] != '\0');
	}
}

static void patterns_follow_the_shell_and_stop_at_a_slash(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
	    {"*", "a", true},
	    {"*", "a/b", false},
	    {"*/*", "a/b", true},
	    {"release/*/*", "release/gw/1.json", true},
	    {"release/*", "release", false},
	    {"a?c", "abc", true},
	    {"a?c", "a/c", false},
	    {"*.json", "x.json", true},
	    {"*.json", "x.jsonx", false},
	    {"*.json", "x.json.json", true},
	    {"", "a", false},
	    {"*", "", true},
	    {"a*b*c", "aXbYbZc", true},
	    {"a*b", "a/b", false},
	    {"*/b", "a/x/b", false},
	    {"**", "ab", true},
	    {"[ab]", "a", false},
	    {"[ab]", "[ab]", true},
	    {"a\\*", "a\\x", true},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct err e = ERR_INIT;
		AUTO_PTR(json) struct json *paths = json_new_array();
		struct tuf_delegation d = {.name = "A"};

		OK(json_append(paths, json_new_text(rows[i].pattern), &e));
		d.paths = paths;
		if (tuf_delegation_matches(&d, rows[i].name) != rows[i].matches)
			fail_msg("%s against %s", rows[i].pattern, rows[i].name);
	}
}

/* Time out of proportion would end this program by the test's time limit. */
static void a_pattern_of_many_stars_is_no_burden(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *paths = json_new_array();
	struct tuf_delegation d = {.name = "A"};
	char pattern[402] = {0}, name[256] = {0};

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[400] = 'b';
	memset(name, 'a', 255);
	OK(json_append(paths, json_new_text(pattern), &e));
	d.paths = paths;
	assert_false(tuf_delegation_matches(&d, name));
}

static void hash_prefixes_choose_a_bin(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *some = json_new_array();
	AUTO_PTR(json) struct json *other = json_new_array();
	struct tuf_delegation d = {.name = "A"};

	(void)state; /* SHA-256("abc") = ba7816bf.. */
	OK(json_append(some, json_new_text("00"), &e));
	OK(json_append(some, json_new_text("ba78"), &e));
	OK(json_append(other, json_new_text("bb"), &e));
	OK(json_append(other, json_new_text(""), &e));
	d.prefixes = some;
	assert_true(tuf_delegation_matches(&d, "abc"));
	d.prefixes = other;
	assert_false(tuf_delegation_matches(&d, "abc"));
}

static void a_key_that_signs_again_replaces_its_signature(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ECDSA_P256, &e);
	AUTO(buf) struct buf draft = BUF_INIT(8192), once = BUF_INIT(8192);
	AUTO(buf) struct buf twice = BUF_INIT(8192);
	struct tuf_envelope env = {0};

	(void)state;
	OK(repo_draft_targets_empty(1893456000000, &draft, &e));
	OK(repo_sign(draft.data, draft.len, key, &once, &e));
	OK(repo_sign(once.data, once.len, key, &twice, &e));
	OK(tuf_envelope_parse(twice.data, twice.len, &env, &e));
	assert_int_equal(json_len(env.signatures), 1);
	tuf_envelope_fini(&env);
}

static void drafts_count_up_and_say_what_they_cannot_do(void **state)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf first = BUF_INIT(8192), second = BUF_INIT(8192);
	AUTO(buf) struct buf third = BUF_INIT(8192);
	uint8_t hash[SHA256_LEN] = {1};
	uint64_t version = 0;
	int64_t expires = 0;

	(void)state;
	OK(repo_draft_targets_empty(1893456000000, &first, &e));
	OK(repo_draft_targets_add(first.data, first.len, "release/a/1.json", 5, hash,
				  1893456001000, &second, &e));
	OK(repo_peek(second.data, second.len, "targets", &version, &expires, &e));
	assert_int_equal(version, 2);
	assert_int_equal(expires, 1893456001000);
	FAILS(repo_draft_targets_add(second.data, second.len, "release/a/1.json", 5,
				     hash, 1893456001000, &third, &e),
	      ERR_CONFLICT);
	FAILS(repo_draft_targets_remove(second.data, second.len, "release/a/2.json",
					1893456001000, &third, &e),
	      ERR_NOT_FOUND);
	FAILS(repo_peek(second.data, second.len, "root", &version, &expires, &e),
	      ERR_FORMAT);
	FAILS(repo_draft_targets_add("{}", 2, "x", 5, hash, 1893456001000, &third, &e),
	      ERR_FORMAT);
}

static void a_root_whose_threshold_nobody_can_reach_is_not_made(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ED25519, &e);
	AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, &e);
	const struct pubkey *keys[] = {public};
	const struct privkey *signers[] = {key};
	struct repo_role_keys one = {keys, 1, 1}, two = {keys, 1, 2},
			      none = {keys, 1, 0};
	struct repo_root_spec spec = {one, one, one, one, 1, 1893456000000, false};
	AUTO(buf) struct buf root = BUF_INIT(1u << 16);

	(void)state;
	OK(repo_make_root(&spec, signers, 1, &root, &e));
	spec.snapshot = two;
	FAILS(repo_make_root(&spec, signers, 1, &root, &e), ERR_USAGE);
	spec.snapshot = none;
	FAILS(repo_make_root(&spec, signers, 1, &root, &e), ERR_USAGE);
}

static void a_directory_keeps_what_is_put_and_refuses_paths(void **state)
{
	char dir[] = "/tmp/ota-test-tuf-XXXXXX", path[64];
	struct err e = ERR_INIT;
	struct tuf_store store;
	AUTO(buf) struct buf got = BUF_INIT(64);

	(void)state;
	assert_non_null(mkdtemp(dir));
	tuf_store_dir(dir, &store);
	FAILS(store.get(store.ctx, "root.json", &got, &e), ERR_NOT_FOUND);
	OK(store.put(store.ctx, "root.json", "one", 3, &e));
	OK(store.put(store.ctx, "root.json", "two", 3, &e));
	OK(store.get(store.ctx, "root.json", &got, &e));
	assert_string_equal(buf_str(&got), "two");
	FAILS(store.put(store.ctx, "../root.json", "two", 3, &e), ERR_INTERNAL);
	OK(store.del(store.ctx, "root.json", &e));
	OK(store.del(store.ctx, "root.json", &e)); /* gone is gone */
	snprintf(path, sizeof(path), "%s/root.json", dir);
	assert_false(file_exists(path));
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(metadata_is_taken_or_refused_by_the_rules),
	    cmocka_unit_test(patterns_follow_the_shell_and_stop_at_a_slash),
	    cmocka_unit_test(a_pattern_of_many_stars_is_no_burden),
	    cmocka_unit_test(hash_prefixes_choose_a_bin),
	    cmocka_unit_test(a_key_that_signs_again_replaces_its_signature),
	    cmocka_unit_test(drafts_count_up_and_say_what_they_cannot_do),
	    cmocka_unit_test(a_root_whose_threshold_nobody_can_reach_is_not_made),
	    cmocka_unit_test(a_directory_keeps_what_is_put_and_refuses_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
