/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, and the paths under which tiles lie. */
#include "../../common/format/note.h"
#include "../../server/audit/tile_path.h"

#include "testing.h"

#include <stdio.h>

static struct privkey *a_key(uint8_t first)
{
	uint8_t seed[ED25519_SEED_LEN] = {first};
	struct err e = ERR_INIT;
	struct privkey *k = privkey_from_ed25519_seed(seed, &e);

	assert_non_null(k);
	return k;
}

static struct note_key note_key_of(const struct privkey *k, const char *name)
{
	AUTO_PTR(pubkey) struct pubkey *p = NULL;
	struct note_key ret = {{0}, {0}};
	struct err e = ERR_INIT;

	p = privkey_public(k, &e);
	assert_non_null(p);
	strcpy(ret.name, name);
	OK(pubkey_to_ed25519(p, ret.public_key, &e));
	return ret;
}

static struct checkpoint a_checkpoint(void)
{
	struct checkpoint c = {.size = 1042, .targets = 17};

	strcpy(c.origin, "ota-audit/default");
	memset(c.root, 0xab, sizeof(c.root));
	return c;
}

static void a_checkpoint_is_the_text_that_others_read(void **state)
{
	AUTO_PTR(privkey) struct privkey *k = a_key(1);
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	const struct checkpoint c = a_checkpoint();
	struct err e = ERR_INIT;

	(void)state;
	OK(checkpoint_sign(&c, k, &note, &e));
	assert_memory_equal(buf_str(&note),
			    "ota-audit/default\n1042\n"
			    "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
			    "targets 17\n\n\xe2\x80\x94 ota-audit/default ",
			    99);
}

static void a_checkpoint_opens_with_its_key_and_no_other(void **state)
{
	AUTO_PTR(privkey) struct privkey *k = a_key(1), *other = a_key(2);
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	const struct checkpoint c = a_checkpoint();
	const struct note_key good = note_key_of(k, "ota-audit/default"),
			      wrong_key = note_key_of(other, "ota-audit/default"),
			      wrong_name = note_key_of(k, "ota-audit/defaul");
	struct checkpoint back;
	struct err e = ERR_INIT;

	(void)state;
	OK(checkpoint_sign(&c, k, &note, &e));
	OK(checkpoint_open(buf_str(&note), note.len, &good, &back, &e));
	assert_string_equal(back.origin, c.origin);
	assert_int_equal(back.size, 1042);
	assert_int_equal(back.targets, 17);
	assert_memory_equal(back.root, c.root, SHA256_LEN);
	FAILS(checkpoint_open(buf_str(&note), note.len, &wrong_key, &back, &e),
	      ERR_SIGNATURE);
	FAILS(checkpoint_open(buf_str(&note), note.len, &wrong_name, &back, &e),
	      ERR_SIGNATURE);
}

static void signatures_of_witnesses_are_passed_over(void **state)
{
	AUTO_PTR(privkey) struct privkey *k = a_key(1);
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	AUTO(buf) struct buf more = BUF_INIT(NOTE_MAX_BYTES);
	const struct note_key good = note_key_of(k, "ota-audit/default");
	const struct checkpoint c = a_checkpoint();
	struct checkpoint back;
	const char *dash;
	struct err e = ERR_INIT;

	(void)state;
	OK(checkpoint_sign(&c, k, &note, &e));
	dash = strstr(buf_str(&note), "\xe2\x80\x94");
	OK(buf_printf(&more, &e, "%.*s\xe2\x80\x94 witness.example/w AAAAAAAA\n%s",
		      (int)(dash - buf_str(&note)), buf_str(&note), dash));
	OK(checkpoint_open(buf_str(&more), more.len, &good, &back, &e));
}

static void no_byte_of_a_checkpoint_can_be_changed(void **state)
{
	AUTO_PTR(privkey) struct privkey *k = a_key(1);
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	const struct note_key good = note_key_of(k, "ota-audit/default");
	const struct checkpoint c = a_checkpoint();
	struct checkpoint back;
	struct err e = ERR_INIT;

	(void)state;
	OK(checkpoint_sign(&c, k, &note, &e));
	for (size_t i = 0; i < note.len; i++) {
		note.data[i] ^= 1;
		if (checkpoint_open(buf_str(&note), note.len, &good, &back, &e) == 0)
			fail_msg("byte %zu", i);
		note.data[i] ^= 1;
	}
	for (size_t n = 0; n < note.len; n++) {
		if (checkpoint_open(buf_str(&note), n, &good, &back, &e) == 0)
			fail_msg("cut to %zu", n);
	}
}

static void a_vkey_is_read_back_and_carries_its_own_check(void **state)
{
	AUTO_PTR(privkey) struct privkey *k = a_key(1);
	const struct note_key key = note_key_of(k, "ota-audit/default");
	char text[NOTE_VKEY_MAX_LEN + 1];
	struct note_key back;
	struct err e = ERR_INIT;

	(void)state;
	/* made by a transcription of the specification in Python */
	OK(note_vkey_write(&key, text, &e));
	assert_string_equal(
	    text,
	    "ota-audit/default+4cbca519+Ac7MFQfcHd1ylZUcKQiI8JWtuQRNG3PWlubfBl1oO9T8");
	OK(note_vkey_parse(text, &back, &e));
	assert_string_equal(back.name, key.name);
	assert_memory_equal(back.public_key, key.public_key, ED25519_PUBLIC_LEN);
	text[18] ^= 1; /* of the id */
	FAILS(note_vkey_parse(text, &back, &e), ERR_FORMAT);
	FAILS(note_vkey_parse("a+b", &back, &e), ERR_FORMAT);
	FAILS(note_vkey_parse("", &back, &e), ERR_FORMAT);
}

static void a_tile_has_one_path(void **state)
{
	static const struct {
		const char *text;
		struct tile_path p;
	} good[] = {
	    {"0/000", {false, 0, 0, 256}},
	    {"0/067", {false, 0, 67, 256}},
	    {"1/x001/067", {false, 1, 1067, 256}},
	    {"0/x001/x234/067", {false, 0, 1234067, 256}},
	    {"entries/000.p/3", {true, 0, 0, 3}},
	    {"2/000.p/255", {false, 2, 0, 255}},
	};
	static const char *const bad[] = {
	    "",		  "0",		 "0/",
	    "0/0",	  "0/00",	 "0/0000",
	    "7/000",	  "00/000",	 "0/x000/001",
	    "0/x001",	  "0/001/002",	 "0/000.p/",
	    "0/000.p/0",  "0/000.p/256", "0/000.p/1x",
	    "0/000.p/01", "entries/x",	 "leaf/000",
	    "0/000/",	  "0/-01",	 "0/x111/x111/x111/x111/x111/111"};
	struct tile_path p;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(good); i++) {
		OK(tile_path_parse(good[i].text, &p, &e));
		assert_int_equal(p.entries, good[i].p.entries);
		assert_int_equal(p.level, good[i].p.level);
		assert_int_equal(p.index, good[i].p.index);
		assert_int_equal(p.width, good[i].p.width);
	}
	for (size_t i = 0; i < N_ELEMS(bad); i++)
		FAILS(tile_path_parse(bad[i], &p, &e), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_checkpoint_is_the_text_that_others_read),
	    cmocka_unit_test(a_checkpoint_opens_with_its_key_and_no_other),
	    cmocka_unit_test(signatures_of_witnesses_are_passed_over),
	    cmocka_unit_test(no_byte_of_a_checkpoint_can_be_changed),
	    cmocka_unit_test(a_vkey_is_read_back_and_carries_its_own_check),
	    cmocka_unit_test(a_tile_has_one_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
