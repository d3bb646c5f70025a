/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/base64.h"
#include "../../common/base/file.h"
#include "../../common/crypto/seal.h"

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void what_was_sealed_opens_with_the_same_key_and_label_only(void **state)
{
	const struct seal_key k = {{1, 2, 3}}, other = {{1, 2, 4}};
	AUTO(buf) struct buf sealed = BUF_INIT(256);
	AUTO(buf) struct buf open = BUF_INIT(256);
	struct err e = ERR_INIT;

	(void)state;
	OK(seal(&k, "webhook/a", "secret", 6, &sealed, &e));
	assert_int_equal(sealed.len, 6 + SEAL_EXTRA_LEN);
	OK(unseal(&k, "webhook/a", sealed.data, sealed.len, &open, &e));
	assert_string_equal(buf_str(&open), "secret");
	FAILS(unseal(&other, "webhook/a", sealed.data, sealed.len, &open, &e),
	      ERR_UNTRUSTED);
	FAILS(unseal(&k, "webhook/b", sealed.data, sealed.len, &open, &e),
	      ERR_UNTRUSTED);
	FAILS(unseal(&k, "webhook/a", sealed.data, sealed.len - 1, &open, &e),
	      ERR_UNTRUSTED);
	FAILS(unseal(&k, "webhook/a", sealed.data, 3, &open, &e), ERR_UNTRUSTED);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		FAILS(unseal(&k, "webhook/a", sealed.data, sealed.len, &open, &e),
		      ERR_UNTRUSTED);
		sealed.data[i] ^= 1;
	}
}

static void a_key_is_born_once_and_is_its_owners_alone(void **state)
{
	char dir[] = "/tmp/ota-seal-XXXXXX", path[64];
	struct seal_key a, b;
	struct stat st;
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	FAILS(seal_key_open(path, false, &a, &e), ERR_NOT_FOUND);
	OK(seal_key_open(path, true, &a, &e));
	OK(seal_key_open(path, true, &b, &e));
	assert_memory_equal(a.bytes, b.bytes, SEAL_KEY_LEN);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	OK(file_replace(path, "short", 5, 0600, &e));
	FAILS(seal_key_open(path, true, &a, &e), ERR_FORMAT);
	unlink(path);
	rmdir(dir);
}

static void base64_has_one_text_for_a_value(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {{"", ""},
		    {"f", "Zg=="},
		    {"fo", "Zm8="},
		    {"foo", "Zm9v"},
		    {"foob", "Zm9vYg=="},
		    {"fooba", "Zm9vYmE="},
		    {"foobar", "Zm9vYmFy"},
		    {"\xfb\xff", "+/8="}};
	static const char *const bad[] = {"Zg=",  "Zg",	      "Zh==",  "Zm9=", "Z===",
					  "====", "Zg==Zg==", "Zm 8=", "Zm8-", "=Zg="};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf back = BUF_INIT(64);
		char text[32];

		base64_encode(rows[i].bytes, strlen(rows[i].bytes), text);
		assert_string_equal(text, rows[i].text);
		OK(base64_decode(text, strlen(text), &back, &e));
		assert_string_equal(buf_str(&back), rows[i].bytes);
	}
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		AUTO(buf) struct buf back = BUF_INIT(64);

		FAILS(base64_decode(bad[i], strlen(bad[i]), &back, &e), ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_sealed_opens_with_the_same_key_and_label_only),
	    cmocka_unit_test(a_key_is_born_once_and_is_its_owners_alone),
	    cmocka_unit_test(base64_has_one_text_for_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
