/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"
#include "../../common/crypto/sign.h"

#include "testing.h"

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
	char text[2 * 128 + 1];

	assert_true(len <= 128);
	hex_encode(data, len, text);
	assert_string_equal(text, expected);
}

static void sha256_gives_the_fips_180_vectors(void **state)
{
	static const struct {
		const char *text;
		const char *digest;
	} rows[] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct err e = ERR_INIT;
	uint8_t out[SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		size_t len = strlen(rows[i].text);

		OK(sha256(rows[i].text, len, out, &e));
		assert_hex(out, sizeof(out), rows[i].digest);
		OK(sha256_two(rows[i].text, len / 2, rows[i].text + len / 2,
			      len - len / 2, out, &e));
		assert_hex(out, sizeof(out), rows[i].digest);
	}
}

static void a_digest_starts_anew_after_its_end(void **state)
{
	static const struct {
		enum digest_kind kind;
		size_t len;
		const char *abc;
	} rows[] = {
	    {DIGEST_SHA256, SHA256_LEN,
	     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {DIGEST_SHA1, SHA1_LEN, "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {DIGEST_MD5, MD5_LEN, "900150983cd24fb0d6963f7d28e17f72"},
	};
	struct err e = ERR_INIT;
	uint8_t out[DIGEST_MAX_LEN];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO_PTR(digest) struct digest *d = digest_new(rows[i].kind, &e);

		assert_non_null(d);
		for (int round = 0; round < 3; round++) {
			OK(digest_add(d, "a", 1, &e));
			OK(digest_add(d, "", 0, &e));
			OK(digest_add(d, "bc", 2, &e));
			OK(digest_end(d, out, &e));
			assert_hex(out, rows[i].len, rows[i].abc);
		}
	}
}

static void a_million_letters_are_hashed_in_pieces(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, &e);
	uint8_t out[SHA256_LEN];
	char piece[1000];

	(void)state;
	assert_non_null(d);
	memset(piece, 'a', sizeof(piece));
	for (int i = 0; i < 1000; i++)
		OK(digest_add(d, piece, sizeof(piece), &e));
	OK(digest_end(d, out, &e));
	assert_hex(out, sizeof(out),
		   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void hmac_gives_the_rfc_4231_vectors(void **state)
{
	struct err e = ERR_INIT;
	uint8_t key[20];
	uint8_t out[SHA256_LEN];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	OK(hmac_sha256(key, sizeof(key), "Hi There", 8, out, &e));
	assert_hex(out, sizeof(out),
		   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	OK(hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out, &e));
	assert_hex(out, sizeof(out),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	OK(hmac_sha256(NULL, 0, "", 0, out, &e));
	assert_hex(out, sizeof(out),
		   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void random_bytes_do_not_repeat(void **state)
{
	struct err e = ERR_INIT;
	uint8_t a[32] = {0};
	uint8_t b[32] = {0};

	(void)state;
	OK(random_bytes(a, sizeof(a), &e));
	OK(random_bytes(b, sizeof(b), &e));
	assert_memory_not_equal(a, b, sizeof(a));
}

struct rfc8032_row {
	const char *seed;
	const char *public;
	const char *message;
	const char *sig;
};

static const struct rfc8032_row rfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
     "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
     "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
     "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void check_rfc8032_row(const struct rfc8032_row *row)
{
	struct err e = ERR_INIT;
	uint8_t seed[ED25519_SEED_LEN];
	uint8_t message[2];
	size_t len = strlen(row->message) / 2;
	uint8_t sig[SIG_MAX_LEN];
	size_t sig_len;
	AUTO(buf) struct buf text = BUF_INIT(100);
	AUTO_PTR(privkey) struct privkey *key = NULL;
	AUTO_PTR(pubkey) struct pubkey *public = NULL;

	OK(hex_decode(row->seed, seed, sizeof(seed), &e));
	OK(hex_decode(row->message, message, len, &e));
	key = privkey_from_ed25519_seed(seed, &e);
	public = privkey_public(key, &e);
	assert_non_null(public);
	OK(pubkey_to_text(public, &text, &e));
	assert_string_equal(buf_str(&text), row->public);
	OK(sign_message(key, message, len, sig, &sig_len, &e));
	assert_int_equal(sig_len, ED25519_SIG_LEN);
	assert_hex(sig, sig_len, row->sig);
	OK(verify_message(public, message, len, sig, sig_len, &e));
}

static void ed25519_gives_the_rfc_8032_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(rfc8032); i++)
		check_rfc8032_row(&rfc8032[i]);
}

static void a_signature_holds_for_one_message_and_one_key(void **state)
{
	static const enum key_scheme schemes[] = {KEY_ED25519, KEY_ECDSA_P256};
	struct err e = ERR_INIT;
	uint8_t sig[SIG_MAX_LEN];
	size_t len;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(schemes); i++) {
		AUTO_PTR(privkey)
		struct privkey *key = privkey_generate(schemes[i], &e);
		AUTO_PTR(privkey)
		struct privkey *other = privkey_generate(schemes[i], &e);
		AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, &e);
		AUTO_PTR(pubkey) struct pubkey *stranger = privkey_public(other, &e);

		OK(sign_message(key, "hello", 5, sig, &len, &e));
		OK(verify_message(public, "hello", 5, sig, len, &e));
		FAILS(verify_message(public, "hellO", 5, sig, len, &e), ERR_SIGNATURE);
		FAILS(verify_message(stranger, "hello", 5, sig, len, &e),
		      ERR_SIGNATURE);
		FAILS(verify_message(public, "hello", 5, sig, len - 1, &e),
		      ERR_SIGNATURE);
		FAILS(verify_message(public, "hello", 5, sig, 0, &e), ERR_SIGNATURE);
		sig[len / 2] ^= 1;
		FAILS(verify_message(public, "hello", 5, sig, len, &e), ERR_SIGNATURE);
	}
}

static void a_key_survives_its_texts(void **state)
{
	static const enum key_scheme schemes[] = {KEY_ED25519, KEY_ECDSA_P256};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(schemes); i++) {
		AUTO(buf) struct buf pem = BUF_INIT(1000);
		AUTO(buf) struct buf text = BUF_INIT(1000);
		AUTO_PTR(privkey)
		struct privkey *key = privkey_generate(schemes[i], &e);
		AUTO_PTR(pubkey) struct pubkey *public = privkey_public(key, &e);
		AUTO_PTR(privkey) struct privkey *again = NULL;
		AUTO_PTR(pubkey) struct pubkey *public_again = NULL;
		uint8_t print[32];
		uint8_t print_again[32];

		OK(privkey_to_pem(key, &pem, &e));
		again = privkey_from_pem(buf_str(&pem), &e);
		assert_non_null(again);
		OK(pubkey_to_text(public, &text, &e));
		public_again = pubkey_from_text(schemes[i], buf_str(&text), &e);
		assert_non_null(public_again);
		assert_true(pubkey_equal(public, public_again));
		assert_int_equal(pubkey_scheme(public_again), schemes[i]);
		OK(pubkey_fingerprint(public, print, &e));
		OK(pubkey_fingerprint(public_again, print_again, &e));
		assert_memory_equal(print, print_again, 32);
	}
}

/* PEM SubjectPublicKeyInfo of the key of RFC 8032's first vector. */
static const char ed25519_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

static void keys_are_equal_by_material_not_by_spelling(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(pubkey)
	struct pubkey *hex = pubkey_from_text(
	    KEY_ED25519,
	    "D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A", &e);
	AUTO_PTR(pubkey)
	struct pubkey *pem = pubkey_from_text(KEY_ED25519, ed25519_pem, &e);
	AUTO_PTR(privkey) struct privkey *other = privkey_generate(KEY_ED25519, &e);
	AUTO_PTR(pubkey) struct pubkey *stranger = privkey_public(other, &e);

	(void)state;
	assert_non_null(hex);
	assert_non_null(pem);
	assert_true(pubkey_equal(hex, pem));
	assert_false(pubkey_equal(hex, stranger));
}

static const char rsa_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC4NSM2k41J8MP8O2EniK5CGO6S\n"
    "ZFrEM6GnLG6t9t3mNRe+y3wsSjKlxvtm/bHuMMD3q7AavISfsdMRiE7rUgyZdIx0\n"
    "VJdzGJg57UBKQ/m610K4lJbHFtTayX2+i6Tx115Juw+Dbx8DWovmRZV/F42oM0QL\n"
    "67csANo7an0A1JuW3QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

/* P-256 with a compressed point. */
static const char compressed_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADTLnf9clLhYEWIa/v99LsONXgweCg\n"
    "KNo7qUOxpN1hiO0=\n"
    "-----END PUBLIC KEY-----\n";

static void refused_key(enum key_scheme scheme, const char *text, enum err_code code)
{
	struct err e = ERR_INIT;
	AUTO_PTR(pubkey) struct pubkey *k = pubkey_from_text(scheme, text, &e);

	assert_null(k);
	if (e.code != code)
		fail_msg("%s, not %s: %s", err_slug(e.code), err_slug(code), e.text);
}

static void a_key_of_another_kind_is_refused(void **state)
{
	(void)state;
	refused_key(KEY_ED25519, "", ERR_FORMAT);
	refused_key(KEY_ED25519, "d75a98", ERR_FORMAT);
	refused_key(KEY_ECDSA_P256, "not PEM", ERR_FORMAT);
	refused_key(KEY_ECDSA_P256, ed25519_pem, ERR_FORMAT);
	refused_key(KEY_ECDSA_P256, rsa_pem, ERR_UNSUPPORTED);
	refused_key(KEY_ED25519, rsa_pem, ERR_UNSUPPORTED);
	refused_key(KEY_ECDSA_P256, compressed_pem, ERR_UNSUPPORTED);
	/* Points of small order: anyone can sign for them. */
	refused_key(KEY_ED25519,
		    "0100000000000000000000000000000000000000000000000000000000000000",
		    ERR_FORMAT);
	refused_key(KEY_ED25519,
		    "0000000000000000000000000000000000000000000000000000000000000000",
		    ERR_FORMAT);
}

static void an_encrypted_pem_is_refused_without_asking_anyone(void **state)
{
	static const char pem[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhOvYNfILm3hAICCAAw\n"
	    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGWLKDxvtjSpd2iZPnYlVIoEQGwN\n"
	    "H9xc2zkt1SlTH0LHUQagRSFdk44XDBACpGhsa3BuYaGB4jcoSL0hflxFrVhsDEDG\n"
	    "+ACYv6qpL0AQ6zBGKVU=\n"
	    "-----END ENCRYPTED PRIVATE KEY-----\n";
	struct err e = ERR_INIT;

	(void)state;
	assert_null(privkey_from_pem(pem, &e));
	assert_int_equal(e.code, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_gives_the_fips_180_vectors),
	    cmocka_unit_test(a_digest_starts_anew_after_its_end),
	    cmocka_unit_test(a_million_letters_are_hashed_in_pieces),
	    cmocka_unit_test(hmac_gives_the_rfc_4231_vectors),
	    cmocka_unit_test(random_bytes_do_not_repeat),
	    cmocka_unit_test(ed25519_gives_the_rfc_8032_vectors),
	    cmocka_unit_test(a_signature_holds_for_one_message_and_one_key),
	    cmocka_unit_test(a_key_survives_its_texts),
	    cmocka_unit_test(keys_are_equal_by_material_not_by_spelling),
	    cmocka_unit_test(a_key_of_another_kind_is_refused),
	    cmocka_unit_test(an_encrypted_pem_is_refused_without_asking_anyone),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
