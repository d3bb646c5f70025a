/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include "../../common/base/bytes.h"
#include "../../common/base/file.h"
#include "../../common/crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define MAGIC "OTATKEY1"
#define MAGIC_LEN 8u
#define NAME_LEN 16u
#define SECRET_LEN 32u
#define RECORD_LEN (NAME_LEN + 2 * SECRET_LEN + 8)

struct key {
	uint8_t name[NAME_LEN];
	uint8_t aes[SECRET_LEN];
	uint8_t hmac[SECRET_LEN];
	int64_t made_utc_ms;
};

struct tickets {
	char *path;
	const struct clock *clock;
	pthread_rwlock_t lock; /* guards the keys */
	struct key keys[TICKET_MAX_KEYS];
	size_t n_keys;
};

static void key_store(const struct key *k, uint8_t *ret)
{
	memcpy(ret, k->name, NAME_LEN);
	memcpy(ret + NAME_LEN, k->aes, SECRET_LEN);
	memcpy(ret + NAME_LEN + SECRET_LEN, k->hmac, SECRET_LEN);
	store_le64(ret + NAME_LEN + 2 * SECRET_LEN, (uint64_t)k->made_utc_ms);
}

static void key_load(const uint8_t *data, struct key *ret)
{
	memcpy(ret->name, data, NAME_LEN);
	memcpy(ret->aes, data + NAME_LEN, SECRET_LEN);
	memcpy(ret->hmac, data + NAME_LEN + SECRET_LEN, SECRET_LEN);
	ret->made_utc_ms = (int64_t)load_le64(data + NAME_LEN + 2 * SECRET_LEN);
}

/* Takes what is whole and not too old; anything else is as good as no file. */
static void load(struct tickets *t)
{
	AUTO(buf) struct buf b = BUF_INIT(MAGIC_LEN + TICKET_MAX_KEYS * RECORD_LEN);
	int64_t now = clock_utc_ms(t->clock);

	if (t->path == NULL || file_read(t->path, &b, NULL) < 0 || b.len < MAGIC_LEN ||
	    memcmp(b.data, MAGIC, MAGIC_LEN) != 0 ||
	    (b.len - MAGIC_LEN) % RECORD_LEN != 0)
		return;
	for (size_t at = MAGIC_LEN; at < b.len; at += RECORD_LEN) {
		struct key *k = &t->keys[t->n_keys];

		key_load(b.data + at, k);
		if (k->made_utc_ms <= now &&
		    now - k->made_utc_ms <
			TICKET_KEY_LIFE_MS * (int64_t)TICKET_MAX_KEYS)
			t->n_keys++;
	}
	OPENSSL_cleanse(b.data, b.len);
}

static int save(const struct tickets *t, struct err *e)
{
	uint8_t data[MAGIC_LEN + TICKET_MAX_KEYS * RECORD_LEN] = MAGIC;
	size_t len = MAGIC_LEN;
	int rc;

	if (t->path == NULL)
		return 0;
	for (size_t i = 0; i < t->n_keys; i++, len += RECORD_LEN)
		key_store(&t->keys[i], data + len);
	rc = file_replace(t->path, data, len, 0600, e);
	OPENSSL_cleanse(data, sizeof(data));
	return rc < 0 ? err_wrap(e, "store the ticket keys") : 0;
}

static int add_key(struct tickets *t, struct err *e)
{
	struct key k = {.made_utc_ms = clock_utc_ms(t->clock)};

	if (random_bytes(k.name, sizeof(k.name), e) < 0 ||
	    random_bytes(k.aes, sizeof(k.aes), e) < 0 ||
	    random_bytes(k.hmac, sizeof(k.hmac), e) < 0)
		return err_wrap(e, "make a ticket key");
	(void)pthread_rwlock_wrlock(&t->lock);
	memmove(t->keys + 1, t->keys, (TICKET_MAX_KEYS - 1) * sizeof(k));
	t->keys[0] = k;
	if (t->n_keys < TICKET_MAX_KEYS)
		t->n_keys++;
	(void)pthread_rwlock_unlock(&t->lock);
	OPENSSL_cleanse(&k, sizeof(k));
	return 0;
}

int tickets_rotate(struct tickets *t, struct err *e)
{
	int64_t age;

	(void)pthread_rwlock_rdlock(&t->lock);
	age =
	    t->n_keys > 0 ? clock_utc_ms(t->clock) - t->keys[0].made_utc_ms : INT64_MAX;
	(void)pthread_rwlock_unlock(&t->lock);
	if (age >= 0 && age < TICKET_KEY_LIFE_MS)
		return 0;
	return add_key(t, e) < 0 || save(t, e) < 0 ? -1 : 0;
}

struct tickets *tickets_open(const char *path, const struct clock *clock, struct err *e)
{
	struct tickets *t = calloc(1, sizeof(*t));

	if (t != NULL && path != NULL)
		t->path = strdup(path);
	if (t == NULL || (path != NULL && t->path == NULL)) {
		free(t);
		(void)err_nomem(e);
		return NULL;
	}
	t->clock = clock;
	(void)pthread_rwlock_init(&t->lock, NULL);
	load(t);
	if (tickets_rotate(t, e) < 0) {
		tickets_free(t);
		return NULL;
	}
	return t;
}

void tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	(void)pthread_rwlock_destroy(&t->lock);
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
	free(t->path);
	free(t);
}

static int set_keys(const struct key *k, uint8_t *iv, EVP_CIPHER_CTX *cipher,
		    EVP_MAC_CTX *mac, int sealing)
{
	char sha256[] = "SHA256";
	struct key copy = *k; /* OSSL_PARAM takes no const */
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, copy.hmac,
					      SECRET_LEN),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
	    OSSL_PARAM_construct_end(),
	};
	int ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, copy.aes, iv,
				   sealing) == 1 &&
		 EVP_MAC_CTX_set_params(mac, params) == 1;

	OPENSSL_cleanse(&copy, sizeof(copy));
	return ok ? 0 : -1;
}

/* A ticket of TLS 1.3 serves once (RFC 8446, C.4): each resumption hands out the next, or
 * every second connection of a device would cost a whole handshake. One of TLS 1.2 is
 * renewed when its key is no longer the newest. */
static int opened(const SSL *ssl, size_t key_index)
{
	return SSL_version(ssl) >= TLS1_3_VERSION || key_index > 0 ? 2 : 1;
}

/* OpenSSL's question while it seals (1: done) or opens a ticket (0: key unknown, 1:
 * done, 2: done and a fresh ticket is due); -1: failure. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	int answer = 0;

	(void)pthread_rwlock_rdlock(&t->lock);
	for (size_t i = 0; i < t->n_keys && answer == 0; i++) {
		const struct key *k = &t->keys[i];

		if (sealing) {
			memcpy(name, k->name, NAME_LEN);
			if (random_bytes(iv, EVP_MAX_IV_LENGTH, NULL) < 0)
				answer = -1;
		} else if (memcmp(name, k->name, NAME_LEN) != 0) {
			continue;
		}
		if (answer == 0)
			answer = set_keys(k, iv, cipher, mac, sealing) < 0 ? -1
				 : sealing				   ? 1
					   : opened(ssl, i);
	}
	(void)pthread_rwlock_unlock(&t->lock);
	return answer;
}

void tickets_attach(struct tickets *t, SSL_CTX *ctx)
{
	(void)SSL_CTX_set_app_data(ctx, t);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
