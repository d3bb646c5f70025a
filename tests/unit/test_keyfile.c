/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/keyfile.h"
#include "../../common/json/json.h"

#include "testing.h"

#include <sys/stat.h>

struct place {
	char dir[32];
	char path[64];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	*state = p;
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/ota-key-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	(void)snprintf(p->path, sizeof(p->path), "%s/k.key", p->dir);
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;
	int result;

	(void)unlink(p->path);
	result = rmdir(p->dir);
	free(p);
	return result;
}

static void check_round_trip(const char *path, enum key_scheme scheme, const char *pass)
{
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(scheme, &e);
	AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, &e);
	AUTO_PTR(privkey) struct privkey *again = NULL;
	AUTO_PTR(pubkey) struct pubkey *seen = NULL;
	struct keyfile_info info;
	uint8_t sig[SIG_MAX_LEN];
	size_t len;

	OK(keyfile_write(path, key, "timestamp", false, pass, &e));
	again = keyfile_read(path, pass, false, &info, &e);
	if (again == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(info.scheme, scheme);
	assert_string_equal(info.role, "timestamp");
	assert_false(info.demo);
	OK(sign_message(again, "m", 1, sig, &len, &e));
	OK(verify_message(public, "m", 1, sig, len, &e));
	seen = keyfile_read_public(path, NULL, &e);
	assert_non_null(seen);
	assert_true(pubkey_equal(public, seen));
	assert_int_equal(unlink(path), 0);
}

static void a_key_comes_back_with_its_passphrase(void **state)
{
	const struct place *p = *state;

	check_round_trip(p->path, KEY_ED25519, "correct horse");
	check_round_trip(p->path, KEY_ECDSA_P256, "");
}

static void write_key(const char *path, bool demo, const char *pass)
{
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ED25519, &e);

	OK(keyfile_write(path, key, "targets", demo, pass, &e));
}

static void refused(const char *path, const char *pass, bool allow_demo,
		    enum err_code code)
{
	struct err e = ERR_INIT;
	AUTO_PTR(privkey)
	struct privkey *key = keyfile_read(path, pass, allow_demo, NULL, &e);

	assert_null(key);
	if (e.code != code)
		fail_msg("%s, not %s: %s", err_slug(e.code), err_slug(code), e.text);
}

static void a_wrong_passphrase_opens_nothing(void **state)
{
	const struct place *p = *state;

	write_key(p->path, false, "right");
	refused(p->path, "wrong", false, ERR_AUTH);
	refused(p->path, "", false, ERR_AUTH);
}

static void the_file_is_for_its_owner_alone_and_never_overwritten(void **state)
{
	const struct place *p = *state;
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ED25519, &e);
	struct stat st;

	write_key(p->path, false, "pass");
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	FAILS(keyfile_write(p->path, key, "root", false, "pass", &e), ERR_CONFLICT);
}

static void a_demo_key_is_refused_where_demo_is_not_allowed(void **state)
{
	const struct place *p = *state;
	struct err e = ERR_INIT;
	struct keyfile_info info;
	AUTO_PTR(privkey) struct privkey *key = NULL;

	write_key(p->path, true, "");
	refused(p->path, "", false, ERR_UNTRUSTED);
	key = keyfile_read(p->path, "", true, &info, &e);
	assert_non_null(key);
	assert_true(info.demo);
}

static void an_offline_key_needs_a_passphrase(void **state)
{
	const struct place *p = *state;
	struct err e = ERR_INIT;
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ED25519, &e);

	FAILS(keyfile_write(p->path, key, "root", false, "", &e), ERR_USAGE);
	FAILS(keyfile_write(p->path, key, "targets", false, "", &e), ERR_USAGE);
	FAILS(keyfile_write(p->path, key, "boot", false, "", &e), ERR_USAGE);
	FAILS(keyfile_write(p->path, key, "a role", false, "x", &e), ERR_USAGE);
	assert_false(file_exists(p->path));
}

/* Rewrites the file with one member replaced. */
static void alter(const char *path, const char *object, const char *member,
		  struct json *value)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf text = BUF_INIT(20000);
	AUTO_PTR(json) struct json *j = NULL;
	AUTO_PTR(json) struct json *sub = NULL;

	OK(file_read(path, &text, &e));
	j = json_parse_strict(text.data, text.len, &e);
	assert_non_null(j);
	if (object == NULL) {
		OK(json_set(j, member, value, &e));
	} else {
		sub = json_clone(json_get(j, object));
		OK(json_set(sub, member, value, &e));
		OK(json_set(j, object, TAKE(sub), &e));
	}
	buf_clear(&text);
	OK(json_write(j, &text, &e));
	OK(file_replace(path, text.data, text.len, 0600, &e));
}

static void nothing_in_the_file_can_be_altered(void **state)
{
	static const char other_key[] =
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
	const struct place *p = *state;

	write_key(p->path, true, "");
	alter(p->path, NULL, "demo", json_new_bool(false));
	refused(p->path, "", false, ERR_AUTH);
	assert_int_equal(unlink(p->path), 0);
	write_key(p->path, true, "");
	alter(p->path, NULL, "role", json_new_text("root"));
	refused(p->path, "", true, ERR_AUTH);
	assert_int_equal(unlink(p->path), 0);
	write_key(p->path, true, "");
	alter(p->path, NULL, "public", json_new_text(other_key));
	refused(p->path, "", true, ERR_AUTH);
}

static void a_file_that_asks_for_too_much_is_refused(void **state)
{
	static const struct {
		const char *object;
		const char *member;
		int64_t value;
		enum err_code code;
	} rows[] = {
	    {"kdf", "mem", (1ll << 30) + 1, ERR_LIMIT},
	    {"kdf", "mem", 0, ERR_LIMIT},
	    {"kdf", "ops", 17, ERR_LIMIT},
	    {"kdf", "ops", 0, ERR_LIMIT},
	    {"kdf", "name", 1, ERR_FORMAT},
	    {NULL, "format", 2, ERR_UNSUPPORTED},
	    {NULL, "sealed", 1, ERR_FORMAT},
	    {NULL, "surprise", 1, ERR_UNSUPPORTED},
	};
	const struct place *p = *state;

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		write_key(p->path, true, "");
		alter(p->path, rows[i].object, rows[i].member,
		      json_new_int(rows[i].value));
		refused(p->path, "", true, rows[i].code);
		assert_int_equal(unlink(p->path), 0);
	}
}

static void what_is_no_key_file_is_refused(void **state)
{
	static const char *const rows[] = {"", "[]", "{}", "{\"_type\":\"ota-key\"}",
					   "-----BEGIN PRIVATE KEY-----\n"};
	const struct place *p = *state;
	struct err e = ERR_INIT;

	refused(p->path, "", true, ERR_NOT_FOUND);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		OK(file_replace(p->path, rows[i], strlen(rows[i]), 0600, &e));
		refused(p->path, "", true, ERR_FORMAT);
		assert_null(keyfile_read_public(p->path, NULL, &e));
	}
}

/* The JSON block of docs/formats/keyfile.md, as a file. */
static void copy_vector(const char *path)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf text = BUF_INIT(1 << 20);
	const char *docs = getenv("OTA_TEST_DOCS");
	char doc[1024];
	const char *from;
	const char *to;

	OK(text_format(doc, sizeof(doc), &e, "%s/formats/keyfile.md",
		       docs != NULL ? docs : "docs"));
	OK(file_read(doc, &text, &e));
	from = strstr(buf_str(&text), "```json\n");
	assert_non_null(from);
	from += strlen("```json\n");
	to = strstr(from, "```");
	assert_non_null(to);
	OK(file_replace(path, from, (size_t)(to - from), 0600, &e));
}

static void the_vector_in_the_document_opens_to_the_key_it_names(void **state)
{
	const struct place *p = *state;
	struct err e = ERR_INIT;
	struct keyfile_info info;
	AUTO_PTR(privkey) struct privkey *key = NULL;
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	AUTO(buf) struct buf text = BUF_INIT(100);

	copy_vector(p->path);
	key = keyfile_read(p->path, "test vector", false, &info, &e);
	if (key == NULL)
		fail_msg("%s", e.text);
	assert_string_equal(info.role, "targets");
	public = privkey_public(key, &e);
	OK(pubkey_to_text(public, &text, &e));
	assert_string_equal(
	    buf_str(&text),
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_key_comes_back_with_its_passphrase,
					    make_place, drop_place),
	    cmocka_unit_test_setup_teardown(a_wrong_passphrase_opens_nothing,
					    make_place, drop_place),
	    cmocka_unit_test_setup_teardown(
		the_file_is_for_its_owner_alone_and_never_overwritten, make_place,
		drop_place),
	    cmocka_unit_test_setup_teardown(
		a_demo_key_is_refused_where_demo_is_not_allowed, make_place,
		drop_place),
	    cmocka_unit_test_setup_teardown(an_offline_key_needs_a_passphrase,
					    make_place, drop_place),
	    cmocka_unit_test_setup_teardown(nothing_in_the_file_can_be_altered,
					    make_place, drop_place),
	    cmocka_unit_test_setup_teardown(a_file_that_asks_for_too_much_is_refused,
					    make_place, drop_place),
	    cmocka_unit_test_setup_teardown(what_is_no_key_file_is_refused, make_place,
					    drop_place),
	    cmocka_unit_test_setup_teardown(
		the_vector_in_the_document_opens_to_the_key_it_names, make_place,
		drop_place),
	};

	return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
