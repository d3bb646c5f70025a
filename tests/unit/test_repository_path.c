/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../server/api/repository_path.h"
#include "../../server/release/roles.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void metadata_is_named_as_a_consistent_snapshot_names_it(void **state)
{
	static const struct {
		const char *file;
		enum metadata_role role;
		uint64_t version;
	} good[] = {
	    {"timestamp.json", ROLE_TIMESTAMP, 0},
	    {"1.root.json", ROLE_ROOT, 1},
	    {"1795449270.snapshot.json", ROLE_SNAPSHOT, 1795449270},
	    {"9223372036854775807.targets.json", ROLE_TARGETS, INT64_MAX},
	};
	enum metadata_role role;
	uint64_t version;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(good); i++) {
		assert_int_equal(
		    repository_parse_metadata(good[i].file, &role, &version), 0);
		assert_int_equal(role, good[i].role);
		assert_int_equal(version, good[i].version);
	}
}

static void no_other_name_is_metadata(void **state)
{
	static const char *const bad[] = {
	    "",
	    ".",
	    "root.json",
	    "snapshot.json",
	    "targets.json",
	    "1.timestamp.json",
	    "0.root.json",
	    "01.root.json",
	    "-1.root.json",
	    "1.root.jso",
	    "1.root.json ",
	    "1..root.json",
	    "1.ROOT.json",
	    "1root.json",
	    "9223372036854775808.root.json",
	    "1.root.json.json",
	    "99999999999999999999999999.root.json",
	    "timestamp.json.",
	};
	enum metadata_role role;
	uint64_t version;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		if (repository_parse_metadata(bad[i], &role, &version) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void a_target_is_found_by_the_hash_in_its_name(void **state)
{
	static const char *const bad[] = {
	    "",
	    "/",
	    HASH ".1.0.json",
	    "release/gateway/" HASH,
	    "release/" HASH "x1.0.json",
	    "release/gateway/0011.1.0.json",
	    "release/gateway/zz" HASH ".json",
	    "release/gateway/" HASH ".1.0.json/",
	};
	uint8_t hash[SHA256_LEN];

	(void)state;
	assert_int_equal(
	    repository_parse_target("release/gateway/" HASH ".1.0.json", hash), 0);
	assert_int_equal(hash[1], 0x11);
	assert_int_equal(repository_parse_target(NULL, hash), -1);
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		if (repository_parse_target(bad[i], hash) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void online_roles_are_named_after_their_products(void **state)
{
	static const char *const bad[] = {
	    "delta.json",     "0.delta.json",	"01.delta.json",    "4.delta-.json",
	    "4.deltas.json",  "4.delta-A.json", "4.delta-a/b.json", "4.delta-gateway",
	    "4.targets.json", "4..json",	"4.json",	    ""};
	struct online_role r;

	(void)state;
	assert_int_equal(repository_parse_role("7.delta.json", &r), 0);
	assert_string_equal(r.name, "delta");
	assert_int_equal(r.version, 7);
	assert_int_equal(repository_parse_role("12.delta-gateway.v2.json", &r), 0);
	assert_string_equal(r.name, "delta-gateway.v2");
	assert_int_equal(r.version, 12);
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		if (repository_parse_role(bad[i], &r) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void
only_a_delta_to_this_version_of_this_product_tells_where_it_leads_from(void **state)
{
	static const struct {
		const char *name, *from; /* NULL: none of ours */
		bool unwraps;
	} rows[] = {
	    {"delta/gateway/1.0.0:2.0.0", "1.0.0", false},
	    {"delta/gateway/1.0.0-rc.1+b:2.0.0", "1.0.0-rc.1+b", false},
	    {"delta/gateway/1.0.0:2.0.0:unwrapped", "1.0.0", true},
	    {"delta/gateway/1.0.0:2.0.0:unwrapped:unwrapped", NULL, false},
	    {"delta/gateway/1.0.0:unwrapped", NULL, false},
	    {"delta/gateway/1.0.0:2.0.1", NULL, false},
	    {"delta/camera/1.0.0:2.0.0", NULL, false},
	    {"delta/gateway/1.0.0:2.0.0:2.0.0", NULL, false},
	    {"delta/gateway/x/1.0.0:2.0.0", NULL, false},
	    {"delta/gateway/2.0.0", NULL, false},
	    {"release/gateway/2.0.0.json", NULL, false},
	    {":", NULL, false},
	    {"", NULL, false},
	};
	char from[VERSION_MAX_LEN + 1], name[2 * DELTA_TARGET_MAX_LEN];
	bool unwraps = false;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		bool is =
		    delta_target_from(rows[i].name, "gateway", "2.0.0", from, &unwraps);

		if (is != (rows[i].from != NULL) ||
		    (is &&
		     (strcmp(from, rows[i].from) != 0 || unwraps != rows[i].unwraps)))
			fail_msg("%s: %s", rows[i].name, is ? from : "none");
	}
	memset(name, 'a', sizeof(name));
	memcpy(name, "delta/gateway/", 14);
	strcpy(name + sizeof(name) - 7, ":2.0.0");
	assert_false(delta_target_from(name, "gateway", "2.0.0", from, &unwraps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(metadata_is_named_as_a_consistent_snapshot_names_it),
	    cmocka_unit_test(no_other_name_is_metadata),
	    cmocka_unit_test(online_roles_are_named_after_their_products),
	    cmocka_unit_test(
		only_a_delta_to_this_version_of_this_product_tells_where_it_leads_from),
	    cmocka_unit_test(a_target_is_found_by_the_hash_in_its_name),
	};

	return cmocka_run_group_tests_name("repository path", tests, NULL, NULL);
}
