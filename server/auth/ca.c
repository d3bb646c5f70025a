/* SPDX-License-Identifier: Apache-2.0 */
#include "ca.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"
#include "../../common/crypto/x509.h"

#include <string.h>

#define CA_NAME "OTA server CA"
#define CA_DAYS 3650
#define LEAF_DAYS 90
#define MAX_NAMES 32u
#define MAX_PEM ((size_t)64 * 1024)

struct ca {
	const struct clock *clock;
	char *key_path, *cert_path, *server_path;
	struct privkey *key;
	char *cert; /* PEM */
	uint8_t fingerprint[SHA256_LEN];
	char *names[MAX_NAMES];
	size_t n_names;
};

static const char *const always[] = {"localhost", "127.0.0.1", "::1"};

static int add_name(struct ca *ca, const char *name, struct err *e)
{
	for (size_t i = 0; i < ca->n_names; i++) {
		if (strcmp(ca->names[i], name) == 0)
			return 0;
	}
	if (!text_is_name(name, 253, "-.:*"))
		return err_set(e, ERR_CONFIG, "\"%s\" is not a name for a certificate",
			       name);
	if (ca->n_names == MAX_NAMES)
		return err_set(e, ERR_CONFIG, "more than %u names for a certificate",
			       MAX_NAMES);
	ca->names[ca->n_names] = strdup(name);
	if (ca->names[ca->n_names] == NULL)
		return err_nomem(e);
	ca->n_names++;
	return 0;
}

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The key on disk, or a new one. */
static int load_key(struct ca *ca, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(MAX_PEM);
	int rc;

	if (file_exists(ca->key_path)) {
		if (file_read(ca->key_path, &pem, e) < 0)
			return -1;
		ca->key = privkey_from_pem(buf_str(&pem), e);
		rc = ca->key != NULL ? 0 : err_wrap(e, "%s", ca->key_path);
	} else if (file_exists(ca->cert_path)) {
		return err_set(
		    e, ERR_CONFIG,
		    "%s is missing: put it back, or remove %s to start with a new CA "
		    "that every device must be given",
		    ca->key_path, ca->cert_path);
	} else {
		ca->key = privkey_generate(KEY_ECDSA_P256, e);
		rc = ca->key == NULL || privkey_to_pem(ca->key, &pem, e) < 0
			 ? -1
			 : file_create(ca->key_path, pem.data, pem.len, 0600, e);
	}
	if (pem.data != NULL)
		explicit_bzero(pem.data, pem.len);
	return rc;
}

static int load_cert(struct ca *ca, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(MAX_PEM);

	if (file_exists(ca->cert_path)) {
		if (file_read(ca->cert_path, &pem, e) < 0)
			return -1;
	} else if (x509_make_ca(ca->key, CA_NAME, clock_utc_ms(ca->clock), CA_DAYS,
				&pem, e) < 0 ||
		   file_create(ca->cert_path, pem.data, pem.len, 0644, e) < 0) {
		return -1;
	}
	if (x509_fingerprint(buf_str(&pem), ca->fingerprint, e) < 0)
		return err_wrap(e, "%s", ca->cert_path);
	ca->cert = buf_take(&pem, NULL, e);
	return ca->cert != NULL ? 0 : -1;
}

static int write_names(const struct ca *ca, struct buf *ret, struct err *e)
{
	if (buf_add_str(ret, "names:", e) < 0)
		return -1;
	for (size_t i = 0; i < ca->n_names; i++) {
		if (buf_printf(ret, e, " %s", ca->names[i]) < 0)
			return -1;
	}
	return buf_add_str(ret, "\n", e);
}

/* True if server.pem is for our names and in the first two thirds of its life. Whatever
 * is wrong with it, a new one mends it. */
static bool leaf_is_good(const struct ca *ca)
{
	AUTO(buf) struct buf names = BUF_INIT(MAX_PEM);
	AUTO(buf) struct buf pem = BUF_INIT(MAX_PEM);
	int64_t from, to, now = clock_utc_ms(ca->clock);
	bool good;

	good = write_names(ca, &names, NULL) == 0 &&
	       file_read(ca->server_path, &pem, NULL) == 0 &&
	       strncmp(buf_str(&pem), buf_str(&names), names.len) == 0 &&
	       strstr(buf_str(&pem), ca->cert) != NULL &&
	       x509_validity(buf_str(&pem), &from, &to, NULL) == 0 && now >= from &&
	       now < from + (to - from) / 3 * 2;
	if (pem.data != NULL)
		explicit_bzero(pem.data, pem.len);
	return good;
}

static int make_leaf(const struct ca *ca, struct buf *ret, struct err *e)
{
	AUTO_PTR(privkey) struct privkey *key = privkey_generate(KEY_ECDSA_P256, e);
	AUTO_PTR(pubkey)
	struct pubkey *public = key != NULL ? privkey_public(key, e) : NULL;

	if (public == NULL || write_names(ca, ret, e) < 0 ||
	    x509_make_server(ca->key, ca->cert, public, (const char *const *)ca->names,
			     ca->n_names, clock_utc_ms(ca->clock), LEAF_DAYS, ret,
			     e) < 0 ||
	    buf_add_str(ret, ca->cert, e) < 0)
		return -1;
	return privkey_to_pem(key, ret, e);
}

int ca_renew(struct ca *ca, bool *ret_renewed, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(MAX_PEM);
	int rc;

	*ret_renewed = false;
	if (leaf_is_good(ca))
		return 0;
	rc = make_leaf(ca, &pem, e);
	if (rc == 0)
		rc = file_replace(ca->server_path, pem.data, pem.len, 0600, e);
	if (pem.data != NULL)
		explicit_bzero(pem.data, pem.len);
	if (rc < 0)
		return err_wrap(e, "renew the server's certificate");
	*ret_renewed = true;
	return 0;
}

static int set_up(struct ca *ca, const char *dir, const char *const *names,
		  size_t n_names, struct err *e)
{
	bool renewed;

	ca->key_path = join(dir, "ca.key");
	ca->cert_path = join(dir, "ca.pem");
	ca->server_path = join(dir, "server.pem");
	if (ca->key_path == NULL || ca->cert_path == NULL || ca->server_path == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < N_ELEMS(always); i++) {
		if (add_name(ca, always[i], e) < 0)
			return -1;
	}
	for (size_t i = 0; i < n_names; i++) {
		if (add_name(ca, names[i], e) < 0)
			return -1;
	}
	if (dir_make(dir, 0700, e) < 0 || load_key(ca, e) < 0 || load_cert(ca, e) < 0)
		return -1;
	return ca_renew(ca, &renewed, e);
}

struct ca *ca_open(const char *dir, const char *const *names, size_t n_names,
		   const struct clock *clock, struct err *e)
{
	AUTO_PTR(ca) struct ca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	ca->clock = clock;
	if (set_up(ca, dir, names, n_names, e) < 0) {
		(void)err_wrap(e, "the server's own CA");
		return NULL;
	}
	return TAKE(ca);
}

void ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < ca->n_names; i++)
		free(ca->names[i]);
	privkey_free(ca->key);
	free(ca->cert);
	free(ca->key_path);
	free(ca->cert_path);
	free(ca->server_path);
	free(ca);
}

const char *ca_cert_path(const struct ca *ca)
{
	return ca->cert_path;
}

const char *ca_server_path(const struct ca *ca)
{
	return ca->server_path;
}

const uint8_t *ca_fingerprint(const struct ca *ca)
{
	return ca->fingerprint;
}
