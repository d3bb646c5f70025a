/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of what we issue is the openssl program, as strict as it can be asked to
 * be. */
#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/crypto/x509.h"

#include "testing.h"

#define DAY_MS 86400000ll

static const char *const names[] = {"localhost", "device-gw.example", "127.0.0.1",
				    "::1"};

struct pki {
	struct privkey *ca_key;
	struct privkey *leaf_key;
	struct pubkey *leaf;
	struct buf ca;
	struct buf cert;
};

static void pki_fini(struct pki *p)
{
	privkey_free(p->ca_key);
	privkey_free(p->leaf_key);
	pubkey_free(p->leaf);
	buf_fini(&p->ca);
	buf_fini(&p->cert);
}

static void pki_init(struct pki *p, int64_t now_ms)
{
	struct err e = ERR_INIT;

	p->ca_key = privkey_generate(KEY_ECDSA_P256, &e);
	p->leaf_key = privkey_generate(KEY_ECDSA_P256, &e);
	p->leaf = privkey_public(p->leaf_key, &e);
	p->ca = BUF_INIT(4096);
	p->cert = BUF_INIT(4096);
	OK(x509_make_ca(p->ca_key, "A test's CA", now_ms, 3650, &p->ca, &e));
	OK(x509_make_server(p->ca_key, buf_str(&p->ca), p->leaf, names, N_ELEMS(names),
			    now_ms, 90, &p->cert, &e));
}

static int openssl_says(const char *dir, const char *options)
{
	char command[512];

	(void)snprintf(
	    command, sizeof(command),
	    "openssl verify -x509_strict -purpose sslserver %s -CAfile %s/ca.pem "
	    "%s/cert.pem >/dev/null 2>&1",
	    options, dir, dir);
	return system(command);
}

static void write_in(const char *dir, const char *name, const struct buf *content)
{
	struct err e = ERR_INIT;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	OK(file_replace(path, content->data, content->len, 0600, &e));
}

static void remove_in(const char *dir, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static void a_strict_verifier_takes_the_leaf_for_its_names_only(void **state)
{
	char dir[] = "/tmp/ota-x509-XXXXXX";
	AUTO(pki) struct pki p = {0};

	(void)state;
	if (system("openssl version >/dev/null 2>&1") != 0) {
		print_message("the openssl program is not installed: skipped\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	pki_init(&p, clock_utc_ms(&clock_system));
	write_in(dir, "ca.pem", &p.ca);
	write_in(dir, "cert.pem", &p.cert);
	assert_int_equal(openssl_says(dir, "-verify_hostname localhost"), 0);
	assert_int_equal(openssl_says(dir, "-verify_hostname device-gw.example"), 0);
	assert_int_equal(openssl_says(dir, "-verify_ip 127.0.0.1"), 0);
	assert_int_equal(openssl_says(dir, "-verify_ip ::1"), 0);
	assert_int_not_equal(openssl_says(dir, "-verify_hostname other.example"), 0);
	assert_int_not_equal(openssl_says(dir, "-verify_ip 127.0.0.2"), 0);
	assert_int_not_equal(openssl_says(dir, "-attime 4102444800"), 0);
	remove_in(dir, "ca.pem");
	remove_in(dir, "cert.pem");
	assert_int_equal(rmdir(dir), 0);
}

static void validity_begins_a_little_early(void **state)
{
	const int64_t now = 1795444867000; /* 2026-11-23T14:41:07Z */
	struct err e = ERR_INIT;
	AUTO(pki) struct pki p = {0};
	int64_t from;
	int64_t to;

	(void)state;
	pki_init(&p, now);
	OK(x509_validity(buf_str(&p.cert), &from, &to, &e));
	assert_true(from == now - 300 * 1000);
	assert_true(to == now + 90 * DAY_MS);
	OK(x509_validity(buf_str(&p.ca), &from, &to, &e));
	assert_true(to == now + 3650 * DAY_MS);
	FAILS(x509_validity("nonsense", &from, &to, &e), ERR_FORMAT);
}

static void a_fingerprint_is_that_of_the_whole_certificate(void **state)
{
	struct err e = ERR_INIT;
	AUTO(pki) struct pki p = {0};
	uint8_t of_ca[32];
	uint8_t of_key[32];
	uint8_t whole[32];

	(void)state;
	pki_init(&p, clock_utc_ms(&clock_system));
	OK(pubkey_fingerprint(p.leaf, of_key, &e));
	OK(x509_fingerprint(buf_str(&p.ca), of_ca, &e));
	OK(x509_fingerprint(buf_str(&p.cert), whole, &e));
	assert_memory_not_equal(whole, of_ca, 32);
	assert_memory_not_equal(whole, of_key, 32);
	FAILS(x509_fingerprint("", whole, &e), ERR_FORMAT);
}

static void only_the_cas_own_key_issues(void **state)
{
	static const char *const bad_names[] = {"a b", "x,IP:1.2.3.4", "", "a\nb"};
	struct err e = ERR_INIT;
	AUTO(pki) struct pki p = {0};
	AUTO(buf) struct buf out = BUF_INIT(4096);

	(void)state;
	pki_init(&p, 0);
	FAILS(x509_make_server(p.leaf_key, buf_str(&p.ca), p.leaf, names, 1, 0, 1, &out,
			       &e),
	      ERR_UNTRUSTED);
	FAILS(x509_make_server(p.ca_key, "nonsense", p.leaf, names, 1, 0, 1, &out, &e),
	      ERR_FORMAT);
	FAILS(
	    x509_make_server(p.ca_key, buf_str(&p.ca), p.leaf, NULL, 0, 0, 1, &out, &e),
	    ERR_USAGE);
	for (size_t i = 0; i < N_ELEMS(bad_names); i++)
		FAILS(x509_make_server(p.ca_key, buf_str(&p.ca), p.leaf, &bad_names[i],
				       1, 0, 1, &out, &e),
		      ERR_FORMAT);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_strict_verifier_takes_the_leaf_for_its_names_only),
	    cmocka_unit_test(validity_begins_a_little_early),
	    cmocka_unit_test(a_fingerprint_is_that_of_the_whole_certificate),
	    cmocka_unit_test(only_the_cas_own_key_issues),
	};

	return cmocka_run_group_tests_name("x509", tests, NULL, NULL);
}
