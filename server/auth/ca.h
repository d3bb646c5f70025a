/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's own CA and the certificate it serves with, in one directory:
 *
 *	ca.key		P-256 key, PEM, mode 0600
 *	ca.pem		self-signed, ten years; what devices are given to trust
 *	server.pem	"names: .." line, leaf for those names (90 days), the CA, the
 *			leaf's key; mode 0600
 *
 * The leaf and its key are one file so that they are replaced in one step. The leaf is
 * renewed, with a new key, at two thirds of its life, when the names change, and when
 * the clock says that it is not valid yet; the CA stays. Whoever has a certificate of
 * their own does not need this module.
 *
 * After a crash at any point: a key without its certificate gets one; a certificate is
 * never made before its key is on disk.
 */
#ifndef OTA_AUTH_CA_H
#define OTA_AUTH_CA_H

#include "../../common/base/clock.h"
#include "../../common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct ca;

/* Makes what is missing in dir (created if need be) and renews what is due. The leaf is
 * valid for the names and always for localhost, 127.0.0.1 and ::1. Strings are copied.
 */
struct ca *ca_open(const char *dir, const char *const *names, size_t n_names,
		   const struct clock *clock, struct err *e) MUST_USE;
void ca_free(struct ca *ca);
AUTO_PTR_DEFINE(ca)

/* Call it now and then. *ret_renewed: server.pem is another one now, reload it. Blocks
 * on files. */
int ca_renew(struct ca *ca, bool *ret_renewed, struct err *e) MUST_USE;

const char *ca_cert_path(const struct ca *ca);	 /* ca.pem */
const char *ca_server_path(const struct ca *ca); /* server.pem: certificate and key */
/* SHA-256 of the CA's certificate (DER). */
const uint8_t *ca_fingerprint(const struct ca *ca);

#endif
