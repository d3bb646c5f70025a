/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/bytes.h"
#include "example.h"
#include "vector.h"

static void a_descriptor_is_verified_and_read_back_as_signed(void **state)
{
	AUTO_PTR(privkey) struct privkey *key = example_boot_key();
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	AUTO(example) struct example x;
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	public = privkey_public(key, &e);
	OK(descriptor_verify(x.descriptor, &(struct boot_keys){{NULL, public}}, 1, &d,
			     &e));
	assert_string_equal(d.product, "gateway");
	assert_string_equal(d.hardware[1], "revB");
	assert_int_equal(d.n_images, 2);
	assert_int_equal(d.key_index, 1);
	OK(descriptor_check_matches(&d, &x.manifest, &e));
}

static void the_documents_vector_is_what_we_sign(void **state)
{
	AUTO(buf) struct buf vector = BUF_INIT(DESCRIPTOR_LEN);
	AUTO(example) struct example x;

	(void)state;
	example_init(&x);
	vector_read("descriptor.md", 0, &vector);
	assert_int_equal(vector.len, DESCRIPTOR_LEN);
	assert_memory_equal(vector.data, x.descriptor, DESCRIPTOR_LEN);
}

static void a_key_that_is_missing_retired_or_another_does_not_verify(void **state)
{
	AUTO_PTR(privkey) struct privkey *key = example_boot_key();
	AUTO_PTR(privkey) struct privkey *other = NULL, *ecdsa = NULL;
	AUTO_PTR(pubkey) struct pubkey *public = NULL, *stranger = NULL, *p256 = NULL;
	AUTO(example) struct example x;
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	public = privkey_public(key, &e);
	other = privkey_generate(KEY_ED25519, &e);
	stranger = privkey_public(other, &e);
	ecdsa = privkey_generate(KEY_ECDSA_P256, &e);
	p256 = privkey_public(ecdsa, &e);
	FAILS(descriptor_verify(x.descriptor, &(struct boot_keys){{public}}, 0, &d, &e),
	      ERR_UNTRUSTED);
	FAILS(descriptor_verify(x.descriptor, &(struct boot_keys){{NULL, public}}, 2,
				&d, &e),
	      ERR_UNTRUSTED);
	FAILS(descriptor_verify(x.descriptor, &(struct boot_keys){{NULL, p256}}, 0, &d,
				&e),
	      ERR_UNTRUSTED);
	FAILS(descriptor_verify(x.descriptor, &(struct boot_keys){{NULL, stranger}}, 0,
				&d, &e),
	      ERR_SIGNATURE);
}

static void every_changed_bit_is_noticed_by_the_signature(void **state)
{
	AUTO_PTR(privkey) struct privkey *key = example_boot_key();
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	AUTO(example) struct example x;
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	public = privkey_public(key, &e);
	for (size_t i = 0; i < DESCRIPTOR_LEN; i++) {
		x.descriptor[i] ^= (uint8_t)(1u << i % 8);
		if (descriptor_verify(
			x.descriptor,
			&(struct boot_keys){{public, public, public, public}}, 0, &d,
			&e) == 0)
			fail_msg("byte %zu: taken", i);
		x.descriptor[i] ^= (uint8_t)(1u << i % 8);
	}
}

/* The form by itself, as if the key had signed it. */
static void a_wrong_field_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT},	{8, 2, ERR_UNSUPPORTED},
	    {12, 1, ERR_UNSUPPORTED},	{15, 0x80, ERR_UNSUPPORTED},
	    {10, 0, ERR_FORMAT},	{10, 5, ERR_FORMAT},
	    {10, 1, ERR_FORMAT}, /* the second image is not zero then */
	    {10, 3, ERR_FORMAT}, /* the third has no name */
	    {11, 4, ERR_FORMAT},	{20, 1, ERR_FORMAT},
	    {23, 1, ERR_FORMAT},	{24, 0, ERR_FORMAT},
	    {24, '/', ERR_FORMAT},	{24 + 63, 'x', ERR_FORMAT},
	    {88, 0, ERR_FORMAT},	{88 + 10, 'x', ERR_FORMAT},
	    {152, 0, ERR_FORMAT},	{152 + 3, 'B', ERR_FORMAT}, /* twice */
	    {152 + 5, 'B', ERR_FORMAT}, {152 + 96, 'x', ERR_FORMAT},
	    {280, 0, ERR_FORMAT},	{280 + 31, 'x', ERR_FORMAT},
	    {280 + 39, 1, ERR_FORMAT},	{280 + 208, 'x', ERR_FORMAT},
	    {696, 1, ERR_FORMAT},	{959, 1, ERR_FORMAT},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(example) struct example x;
		struct descriptor d;

		example_init(&x);
		x.descriptor[rows[i].at] = rows[i].value;
		e = ERR_INIT;
		if (descriptor_parse(x.descriptor, &d, &e) == 0)
			fail_msg("byte %zu: taken", rows[i].at);
		if (e.code != rows[i].code)
			fail_msg("byte %zu: %s", rows[i].at, e.text);
	}
}

static void two_images_of_one_name_or_none_of_a_size_are_refused(void **state)
{
	AUTO(example) struct example x;
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	store_le64(x.descriptor + 280 + 32, 0);
	FAILS(descriptor_parse(x.descriptor, &d, &e), ERR_FORMAT);
	store_le64(x.descriptor + 280 + 32, IMAGE_MAX_BYTES + 1);
	FAILS(descriptor_parse(x.descriptor, &d, &e), ERR_FORMAT);
	store_le64(x.descriptor + 280 + 32, IMAGE_MAX_BYTES);
	OK(descriptor_parse(x.descriptor, &d, &e));
	memcpy(x.descriptor + 280, x.descriptor + 280 + 104, 32);
	FAILS(descriptor_parse(x.descriptor, &d, &e), ERR_FORMAT);
}

static void a_slot_without_a_descriptor_says_so(void **state)
{
	uint8_t blank[DESCRIPTOR_LEN];
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	memset(blank, 0xff, sizeof(blank));
	FAILS(descriptor_verify(blank, &(struct boot_keys){{NULL}}, 0, &d, &e),
	      ERR_FORMAT);
	assert_string_equal(e.text, "slot descriptor: there is none");
}

static void only_what_would_be_read_is_signed(void **state)
{
	AUTO_PTR(privkey) struct privkey *ecdsa = NULL;
	AUTO_PTR(privkey) struct privkey *key = example_boot_key();
	AUTO(example) struct example x;
	uint8_t data[DESCRIPTOR_LEN];
	struct descriptor d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	example_descriptor_of(&x.manifest, &d);
	ecdsa = privkey_generate(KEY_ECDSA_P256, &e);
	FAILS(descriptor_sign(&d, ecdsa, data, &e), ERR_USAGE);
	d.key_index = MAX_BOOT_KEYS;
	FAILS(descriptor_sign(&d, key, data, &e), ERR_FORMAT);
	d.key_index = 0;
	d.n_hardware = 0;
	FAILS(descriptor_sign(&d, key, data, &e), ERR_FORMAT);
	d.n_hardware = MAX_HARDWARE + 1;
	FAILS(descriptor_sign(&d, key, data, &e), ERR_USAGE);
}

static void each_field_is_compared_with_the_manifest(void **state)
{
	AUTO(example) struct example x;
	struct descriptor good, d;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	example_descriptor_of(&x.manifest, &good);
	OK(descriptor_check_matches(&good, &x.manifest, &e));
	const struct {
		void *field;
		size_t len;
	} rows[] = {
	    {d.product, 1},	      {d.version, 1},
	    {&d.security_version, 4}, {&d.n_hardware, 1},
	    {d.hardware[1], 1},	      {&d.n_images, 1},
	    {d.images[1].name, 1},    {&d.images[1].size, 1},
	    {d.images[0].salt, 1},    {d.images[0].root_hash, 32},
	};
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		d = good;
		((uint8_t *)rows[i].field)[0] ^= 1;
		FAILS(descriptor_check_matches(&d, &x.manifest, &e), ERR_DIGEST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_descriptor_is_verified_and_read_back_as_signed),
	    cmocka_unit_test(the_documents_vector_is_what_we_sign),
	    cmocka_unit_test(a_key_that_is_missing_retired_or_another_does_not_verify),
	    cmocka_unit_test(every_changed_bit_is_noticed_by_the_signature),
	    cmocka_unit_test(a_wrong_field_is_refused),
	    cmocka_unit_test(two_images_of_one_name_or_none_of_a_size_are_refused),
	    cmocka_unit_test(a_slot_without_a_descriptor_says_so),
	    cmocka_unit_test(only_what_would_be_read_is_signed),
	    cmocka_unit_test(each_field_is_compared_with_the_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
