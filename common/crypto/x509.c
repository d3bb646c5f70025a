/* SPDX-License-Identifier: Apache-2.0 */
#include "x509.h"

#include "digest.h"
#include "openssl_err.h"
#include "pkey.h"

#include "../base/text.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define BACKDATE_S 300 /* a peer's clock may be a little behind */
#define SERIAL_LEN 16

static inline void X509_cleanup_(X509 **c)
{
	X509_free(*c);
}
static inline void X509_NAME_cleanup_(X509_NAME **n)
{
	X509_NAME_free(*n);
}
static inline void GENERAL_NAMES_cleanup_(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}
static inline void BIGNUM_cleanup_(BIGNUM **b)
{
	BN_free(*b);
}
#define AUTO_X509 __attribute__((cleanup(X509_cleanup_)))
#define AUTO_X509_NAME __attribute__((cleanup(X509_NAME_cleanup_)))
#define AUTO_GENERAL_NAMES __attribute__((cleanup(GENERAL_NAMES_cleanup_)))
#define AUTO_BIGNUM __attribute__((cleanup(BIGNUM_cleanup_)))

static X509 *from_pem(const char *pem, struct err *e)
{
	AUTO_BIO BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *cert = b != NULL ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

	if (cert == NULL)
		(void)openssl_failed(e, ERR_FORMAT, "not a certificate in PEM");
	return cert;
}

static int to_pem(X509 *cert, struct buf *ret, struct err *e)
{
	AUTO_BIO BIO *b = BIO_new(BIO_s_mem());

	if (b == NULL || PEM_write_bio_X509(b, cert) != 1)
		return openssl_failed(e, ERR_INTERNAL, "certificate to PEM");
	return bio_to_buf(b, ret, e);
}

/* 127 random bits: RFC 5280 wants a positive number of at most 20 octets. */
static int set_serial(X509 *cert, struct err *e)
{
	uint8_t raw[SERIAL_LEN];
	AUTO_BIGNUM BIGNUM *n = NULL;

	if (random_bytes(raw, sizeof(raw), e) < 0)
		return -1;
	raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40);
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	if (n == NULL || BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) == NULL)
		return openssl_failed(e, ERR_INTERNAL, "certificate serial number");
	return 0;
}

static int set_validity(X509 *cert, int64_t now_utc_ms, int days, struct err *e)
{
	time_t now = (time_t)(now_utc_ms / 1000);

	if (ASN1_TIME_adj(X509_getm_notBefore(cert), now, 0, -BACKDATE_S) == NULL ||
	    ASN1_TIME_adj(X509_getm_notAfter(cert), now, days, 0) == NULL)
		return openssl_failed(e, ERR_INTERNAL, "certificate validity");
	return 0;
}

static int set_common_name(X509_NAME *name, const char *text, struct err *e)
{
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)text,
				       -1, -1, 0) != 1)
		return openssl_failed(e, ERR_FORMAT, "certificate name");
	return 0;
}

/* value in OpenSSL's own notation; never made of what a caller gave. */
static int add_ext(X509 *cert, X509 *issuer, int nid, const char *value, struct err *e)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	int added;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = ext != NULL ? X509_add_ext(cert, ext, -1) : 0;
	X509_EXTENSION_free(ext);
	if (added != 1)
		return openssl_failed(e, ERR_INTERNAL, "certificate extension");
	return 0;
}

static int sign_cert(X509 *cert, const struct privkey *key, struct err *e)
{
	const EVP_MD *md = key->scheme == KEY_ED25519 ? NULL : EVP_sha256();

	if (X509_sign(cert, key->pkey, md) == 0)
		return openssl_failed(e, ERR_INTERNAL, "sign certificate");
	return 0;
}

static X509 *new_cert(int64_t now_utc_ms, int days, EVP_PKEY *pkey, struct err *e)
{
	AUTO_X509 X509 *cert = X509_new();

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(cert, pkey) != 1) {
		(void)openssl_failed(e, ERR_INTERNAL, "new certificate");
		return NULL;
	}
	if (set_serial(cert, e) < 0 || set_validity(cert, now_utc_ms, days, e) < 0)
		return NULL;
	return TAKE(cert);
}

int x509_make_ca(const struct privkey *key, const char *name, int64_t now_utc_ms,
		 int days, struct buf *ret_pem, struct err *e)
{
	AUTO_X509 X509 *cert = new_cert(now_utc_ms, days, key->pkey, e);

	if (cert == NULL || set_common_name(X509_get_subject_name(cert), name, e) < 0)
		return -1;
	if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1)
		return openssl_failed(e, ERR_INTERNAL, "certificate issuer");
	if (add_ext(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0",
		    e) < 0 ||
	    add_ext(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign", e) < 0 ||
	    add_ext(cert, cert, NID_subject_key_identifier, "hash", e) < 0 ||
	    sign_cert(cert, key, e) < 0)
		return -1;
	return to_pem(cert, ret_pem, e);
}

/* The name's bytes are copied. */
static int add_general_name(GENERAL_NAMES *names, int type, const void *data,
			    size_t len, struct err *e)
{
	ASN1_STRING *value =
	    type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
	GENERAL_NAME *g = GENERAL_NAME_new();

	if (value == NULL || g == NULL || ASN1_STRING_set(value, data, (int)len) != 1) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(g);
		return openssl_failed(e, ERR_INTERNAL, "subject alternative name");
	}
	GENERAL_NAME_set0_value(g, type, value);
	if (sk_GENERAL_NAME_push(names, g) == 0) {
		GENERAL_NAME_free(g);
		return openssl_failed(e, ERR_INTERNAL, "subject alternative name");
	}
	return 0;
}

static int add_name(GENERAL_NAMES *names, const char *name, struct err *e)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return add_general_name(names, GEN_IPADD, address, 4, e);
	if (inet_pton(AF_INET6, name, address) == 1)
		return add_general_name(names, GEN_IPADD, address, 16, e);
	if (!text_is_name(name, 253, ".-*_"))
		return err_set(e, ERR_FORMAT,
			       "\"%s\" is neither a host name nor an address", name);
	return add_general_name(names, GEN_DNS, name, strlen(name), e);
}

static int add_alt_names(X509 *cert, const char *const *names, size_t n_names,
			 struct err *e)
{
	AUTO_GENERAL_NAMES GENERAL_NAMES *list = GENERAL_NAMES_new();

	if (list == NULL)
		return err_nomem(e);
	if (n_names == 0)
		return err_set(e, ERR_USAGE, "a server certificate without a name");
	for (size_t i = 0; i < n_names; i++) {
		if (add_name(list, names[i], e) < 0)
			return -1;
	}
	if (X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0,
			      X509V3_ADD_DEFAULT) != 1)
		return openssl_failed(e, ERR_INTERNAL, "subject alternative name");
	return 0;
}

static int add_server_exts(X509 *cert, X509 *ca, struct err *e)
{
	if (add_ext(cert, ca, NID_basic_constraints, "critical,CA:FALSE", e) < 0 ||
	    add_ext(cert, ca, NID_key_usage, "critical,digitalSignature", e) < 0 ||
	    add_ext(cert, ca, NID_ext_key_usage, "serverAuth", e) < 0 ||
	    add_ext(cert, ca, NID_subject_key_identifier, "hash", e) < 0)
		return -1;
	return add_ext(cert, ca, NID_authority_key_identifier, "keyid:always", e);
}

int x509_make_server(const struct privkey *ca_key, const char *ca_pem,
		     const struct pubkey *leaf, const char *const *names,
		     size_t n_names, int64_t now_utc_ms, int days, struct buf *ret_pem,
		     struct err *e)
{
	AUTO_X509 X509 *ca = from_pem(ca_pem, e);
	AUTO_X509 X509 *cert = NULL;

	if (ca == NULL)
		return err_wrap(e, "CA");
	if (X509_check_private_key(ca, ca_key->pkey) != 1)
		return openssl_failed(e, ERR_UNTRUSTED, "the key is not the CA's");
	cert = new_cert(now_utc_ms, days, leaf->pkey, e);
	if (cert == NULL ||
	    set_common_name(X509_get_subject_name(cert), "ota-server", e) < 0)
		return -1;
	if (X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1)
		return openssl_failed(e, ERR_INTERNAL, "certificate issuer");
	if (add_alt_names(cert, names, n_names, e) < 0 ||
	    add_server_exts(cert, ca, e) < 0 || sign_cert(cert, ca_key, e) < 0)
		return -1;
	return to_pem(cert, ret_pem, e);
}

static int time_of(const ASN1_TIME *t, int64_t *ret_ms, struct err *e)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return openssl_failed(e, ERR_FORMAT, "certificate validity");
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}

int x509_validity(const char *pem, int64_t *ret_not_before_ms,
		  int64_t *ret_not_after_ms, struct err *e)
{
	AUTO_X509 X509 *cert = from_pem(pem, e);

	if (cert == NULL ||
	    time_of(X509_get0_notBefore(cert), ret_not_before_ms, e) < 0)
		return -1;
	return time_of(X509_get0_notAfter(cert), ret_not_after_ms, e);
}

int x509_fingerprint(const char *pem, uint8_t ret[32], struct err *e)
{
	AUTO_X509 X509 *cert = from_pem(pem, e);

	if (cert == NULL)
		return -1;
	if (X509_digest(cert, EVP_sha256(), ret, NULL) != 1)
		return openssl_failed(e, ERR_INTERNAL, "certificate fingerprint");
	return 0;
}
