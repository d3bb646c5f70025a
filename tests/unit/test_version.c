/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/format/version.h"

#include "testing.h"

static void a_version_is_opaque_but_plain(void **state)
{
	static const char *const good[] = {"1", "2.0.0", "v1.2~rc1+g12_3-x",
					   "2026-11-23"};
	static const char *const bad[] = {"", "1 0", "1/0", "a\nb", "\xc3\xa4", "1:2"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(good); i++)
		OK(version_check(good[i], &e));
	for (size_t i = 0; i < N_ELEMS(bad); i++)
		FAILS(version_check(bad[i], &e), ERR_FORMAT);
}

static void names_have_an_exact_longest_length(void **state)
{
	static const struct {
		int (*check)(const char *, struct err *);
		size_t max_len;
	} rows[] = {
	    {version_check, VERSION_MAX_LEN},
	    {product_check, PRODUCT_MAX_LEN},
	    {hardware_check, HARDWARE_MAX_LEN},
	    {image_name_check, IMAGE_NAME_MAX_LEN},
	};
	struct err e = ERR_INIT;
	char text[100];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		memset(text, 'a', sizeof(text));
		text[rows[i].max_len] = '\0';
		OK(rows[i].check(text, &e));
		text[rows[i].max_len] = 'a';
		text[rows[i].max_len + 1] = '\0';
		FAILS(rows[i].check(text, &e), ERR_FORMAT);
	}
}

static void a_product_cannot_look_like_a_path_or_an_option(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	OK(product_check("gate-way_2.x", &e));
	FAILS(product_check("../x", &e), ERR_FORMAT);
	FAILS(product_check(".x", &e), ERR_FORMAT);
	FAILS(product_check("-x", &e), ERR_FORMAT);
	FAILS(product_check("a/b", &e), ERR_FORMAT);
	FAILS(product_check("Gateway", &e), ERR_FORMAT);
	OK(hardware_check("revA", &e));
	FAILS(hardware_check("-revA", &e), ERR_FORMAT);
	OK(image_name_check("rootfs", &e));
	FAILS(image_name_check("rootfs:x", &e), ERR_FORMAT);
}

/* Each row is lower than the next; the first block is SemVer's own example (section
 * 11). */
static const char *const ascending[] = {
    "",
    "1",
    "1.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.0.1",
    "1.0.0a",
    "1.0.2",
    "1.0.10",
    "2.0.0~rc1",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "10",
    "99999999999999999999999998",
    "99999999999999999999999999",
    "a",
    "v1.9",
    "v1.10",
};

static void versions_have_one_total_order(void **state)
{
	(void)state;
	for (int i = 0; i < (int)N_ELEMS(ascending); i++) {
		for (int j = 0; j < (int)N_ELEMS(ascending); j++) {
			int order = version_compare(ascending[i], ascending[j]);

			if (order != (i > j) - (i < j))
				fail_msg("\"%s\" and \"%s\": %d", ascending[i],
					 ascending[j], order);
		}
	}
}

static void build_metadata_and_leading_zeros_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(version_compare("1.0.0+a", "1.0.0+b"), 0);
	assert_int_equal(version_compare("1.0.0+a-b", "1.0.0"), 0);
	assert_int_equal(version_compare("1.0.0-rc.1+x", "1.0.0-rc.1"), 0);
	assert_int_equal(version_compare("2026.01.1", "2026.1.01"), 0);
	assert_int_equal(version_compare("1.0.0-", "1.0.0"), -1);
}

static int sign_of(int v)
{
	return (v > 0) - (v < 0);
}

static void a_key_sorts_as_its_version_does(void **state)
{
	static const char *const more[] = {"1.0.0+a", "1.0.0-", "1.0.0-.", "1.0.0--",
					   "-",	      "~",	".",	   "1a1",
					   "1.a.1",   "01.0"};
	const char *all[N_ELEMS(ascending) + N_ELEMS(more)];
	char a[VERSION_KEY_MAX_LEN + 1], b[VERSION_KEY_MAX_LEN + 1];
	size_t n = 0;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 1; i < N_ELEMS(ascending); i++)
		all[n++] = ascending[i];
	for (size_t i = 0; i < N_ELEMS(more); i++)
		all[n++] = more[i];
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			OK(version_key(all[i], a, &e));
			OK(version_key(all[j], b, &e));
			if (sign_of(strcmp(a, b)) != version_compare(all[i], all[j]))
				fail_msg("\"%s\" %s, \"%s\" %s", all[i], a, all[j], b);
		}
	}
}

static void the_longest_key_fits_and_what_is_no_version_has_none(void **state)
{
	static const char *const pieces[] = {"1a", "1.", ".", "-.", "9", "z-", "-1."};
	char text[VERSION_MAX_LEN + 1], key[VERSION_KEY_MAX_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(pieces); i++) {
		for (size_t at = 0; at < VERSION_MAX_LEN; at++)
			text[at] = pieces[i][at % strlen(pieces[i])];
		text[VERSION_MAX_LEN] = '\0';
		OK(version_key(text, key, &e));
		assert_true(strlen(key) <= VERSION_KEY_MAX_LEN);
	}
	OK(version_key("", key, &e));
	assert_string_equal(key, "");
	FAILS(version_key("1 0", key, &e), ERR_FORMAT);
	assert_string_equal(key, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_version_is_opaque_but_plain),
	    cmocka_unit_test(names_have_an_exact_longest_length),
	    cmocka_unit_test(a_product_cannot_look_like_a_path_or_an_option),
	    cmocka_unit_test(versions_have_one_total_order),
	    cmocka_unit_test(build_metadata_and_leading_zeros_do_not_count),
	    cmocka_unit_test(a_key_sorts_as_its_version_does),
	    cmocka_unit_test(the_longest_key_fits_and_what_is_no_version_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
