/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: what the server needs to be its own CA, and nothing else. P-256
 * keys. */
#ifndef OTA_CRYPTO_X509_H
#define OTA_CRYPTO_X509_H

#include "sign.h"

/* Self-signed CA: CN = name, valid from five minutes ago for `days`. PEM out. */
int x509_make_ca(const struct privkey *key, const char *name, int64_t now_utc_ms,
		 int days, struct buf *ret_pem, struct err *e) MUST_USE;

/* Server leaf for DNS names and IP addresses (subjectAltName), signed by the CA. */
int x509_make_server(const struct privkey *ca_key, const char *ca_pem,
		     const struct pubkey *leaf, const char *const *names,
		     size_t n_names, int64_t now_utc_ms, int days, struct buf *ret_pem,
		     struct err *e) MUST_USE;

/* Validity of the first certificate in a PEM text, UTC ms. */
int x509_validity(const char *pem, int64_t *ret_not_before_ms,
		  int64_t *ret_not_after_ms, struct err *e) MUST_USE;

/* SHA-256 of the DER certificate. */
int x509_fingerprint(const char *pem, uint8_t ret[32], struct err *e) MUST_USE;

#endif
