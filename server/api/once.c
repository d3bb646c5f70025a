/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: a POST that is sent again is answered again, and takes place once.
 *
 *	POST with a key --> ONCE_BEGIN --+-- new: the handler runs
 *	                                 |     its answer --> ONCE_END --> out
 *	                                 |     5xx, 429   --> ONCE_DROP, out: nothing was done
 *	                                 +-- done: the stored answer goes out
 *	                                 +-- open: 409, the first one is under way
 *	                                 `-- another request under this key: 422
 *
 * The answer is stored before it is sent, so who got it can ask for it again for a day,
 * over a restart too. A crash between the change and ONCE_END leaves the key open: what
 * became of the request is then not known, and the caller is told so instead of having
 * it done twice.
 *
 * An answer may hold a secret that is shown once. It is sealed under a key made of the
 * caller's own credential and the idempotency key, neither of which the server keeps:
 * the database alone opens none.
 */
#include "api.h"

#include "../../common/base/text.h"
#include "../../common/crypto/seal.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX_LEN 128
#define KEEP_MS ((int64_t)24 * 60 * 60 * 1000)
#define UNDER_WAY_MS 60000
#define ANSWER_MAX ((size_t)256 << 10)
#define LABEL "idempotent answer"

struct api_once {
	uint8_t key[SHA256_LEN];
	uint8_t request[SHA256_LEN];
	uint8_t owner[SHA256_LEN];
	struct seal_key seal;
	bool open;
	int status; /* of the answer that waits until it is stored */
	char type[ONCE_TYPE_MAX_LEN + 1];
	struct buf text;
};

/* ---- what a key is ---- */

/* The key without quotes (a structured field's string) into ret. */
static int read_key(const char *field, char ret[KEY_MAX_LEN + 1], struct err *e)
{
	size_t len = strlen(field);

	if (len >= 2 && field[0] == '"' && field[len - 1] == '"') {
		field++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		if (field[i] <= 0x20 || field[i] >= 0x7f || field[i] == '"')
			len = 0;
	}
	if (len == 0 || len > KEY_MAX_LEN)
		return err_set(e, ERR_FORMAT,
			       "Idempotency-Key: 1 to %d printable characters without "
			       "blanks and quotes",
			       KEY_MAX_LEN);
	memcpy(ret, field, len);
	ret[len] = '\0';
	return 0;
}

static int digest_text(struct digest *d, const char *text, struct err *e)
{
	return digest_add(d, text, strlen(text) + 1, e); /* the NUL parts them */
}

static int digest_request(struct api_call *a, uint8_t ret[SHA256_LEN], struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);
	size_t len;
	const void *body = http_body(a->http, &len);

	if (d == NULL || digest_text(d, http_method(a->http), e) < 0 ||
	    digest_text(d, http_path(a->http), e) < 0 ||
	    digest_text(d, http_query_text(a->http), e) < 0 ||
	    digest_add(d, body, len, e) < 0)
		return -1;
	return digest_end(d, ret, e);
}

/* The secret that the caller showed: the only thing that opens what is stored. */
static const char *shown_secret(struct api_call *a, char session[SECRET_TEXT_LEN + 1])
{
	const char *field = http_header(a->http, "Authorization");
	const char *cookie = http_header(a->http, "Cookie");

	if (!a->in_session)
		return field == NULL ? "" : field;
	return cookie != NULL && cookie_read_session(cookie, session) ? session : "";
}

static int derive(struct api_call *a, const char *key, struct api_once *o,
		  struct err *e)
{
	char session[SECRET_TEXT_LEN + 1];
	const char *secret = shown_secret(a, session);

	_Static_assert(SEAL_KEY_LEN == SHA256_LEN, "a digest is a key");
	if (hmac_sha256(secret, strlen(secret), key, strlen(key), o->seal.bytes, e) <
		0 ||
	    sha256_two(a->credential, SHA256_LEN, key, strlen(key), o->key, e) < 0 ||
	    api_owner(a, o->owner, e) < 0)
		return -1;
	return digest_request(a, o->request, e);
}

/* ---- the stored answer ---- */

static void fill(struct api_call *a, struct store_call *c)
{
	memcpy(c->in.once.owner, a->once->owner, SHA256_LEN);
	c->in.once.max_keys = ONCE_MAX_KEYS;
	memcpy(c->in.once.key, a->once->key, SHA256_LEN);
	memcpy(c->in.once.request, a->once->request, SHA256_LEN);
	c->in.once.since = c->now_ms - KEEP_MS;
}

static void replay(struct api_call *a, const struct store_call *c)
{
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX);
	const struct once *found = &c->out.once;
	struct err e = ERR_INIT;

	if (c->blob.len > 0 &&
	    unseal(&a->once->seal, LABEL, c->blob.data, c->blob.len, &text, &e) < 0) {
		e.code = ERR_INTERNAL;
		api_fail(a, &e);
		return;
	}
	http_add_header(a->http, "Idempotent-Replayed", "true");
	memcpy(a->once->type, found->type, sizeof(a->once->type));
	api_reply_text(a, found->status, found->type[0] == '\0' ? NULL : a->once->type,
		       buf_str(&text), text.len);
}

static void refuse_open(struct api_call *a, const struct store_call *c)
{
	struct err e = ERR_INIT;

	if (c->now_ms - c->out.once.at < UNDER_WAY_MS)
		(void)err_set(&e, ERR_CONFLICT,
			      "the first request with this Idempotency-Key is under "
			      "way: come back for its answer");
	else
		(void)err_set(&e, ERR_CONFLICT,
			      "the first request with this Idempotency-Key was cut, "
			      "what became of it is not known: look, and use another "
			      "key if it must be done");
	api_fail(a, &e);
}

static void begun(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const struct once *found = &c->out.once;
	struct err e = ERR_INIT;

	if (api_failed(a, c))
		return;
	if (found->state == ONCE_NEW) {
		a->once->open = true;
		a->row->handle(a);
	} else if (memcmp(found->request, a->once->request, SHA256_LEN) != 0) {
		(void)err_set(&e, ERR_REUSED,
			      "this Idempotency-Key was used for another request");
		api_fail(a, &e);
	} else if (found->state == ONCE_OPEN) {
		refuse_open(a, c);
	} else {
		replay(a, c);
	}
}

bool api_once_is_wanted(const struct api_call *a)
{
	return strcmp(a->row->method, "POST") == 0 &&
	       http_header(a->http, "Idempotency-Key") != NULL;
}

void api_once_enter(struct api_call *a)
{
	char key[KEY_MAX_LEN + 1];
	struct err e = ERR_INIT;
	struct store_call *c;

	a->once = calloc(1, sizeof(*a->once));
	if (a->once == NULL)
		(void)err_nomem(&e);
	else
		buf_init(&a->once->text, ANSWER_MAX);
	if (a->once == NULL ||
	    read_key(http_header(a->http, "Idempotency-Key"), key, &e) < 0 ||
	    derive(a, key, a->once, &e) < 0) {
		api_fail(a, &e);
		return;
	}
	c = api_store(a, STORE_ONCE_BEGIN, begun);
	if (c == NULL)
		return;
	fill(a, c);
	store_submit(a->api->store, c); /* no change of the request's: no record */
}

/* ---- the answer on its way out ---- */

/* Nobody waits for it: a key that stays open is told as such. */
static void drop(struct api_call *a)
{
	struct store_call *c =
	    store_call_new(STORE_ONCE_DROP, NULL, store_call_free, NULL, NULL);

	a->once->open = false;
	if (c == NULL)
		return;
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	fill(a, c);
	store_submit(a->api->store, c);
}

/* What was changed is on the disk, whether or not its answer is: it goes out. */
static void ended(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct api_once *o = a->once;

	if (c->err.code != ERR_NONE)
		log_failure(a->api->log, LOG_WARN, "api", "keep an answer", &c->err);
	api_reply_text(a, o->status, o->type[0] == '\0' ? NULL : o->type,
		       buf_str(&o->text), o->text.len);
}

static int keep(struct api_call *a, struct store_call *c, int status, const char *type,
		const void *text, size_t len, struct err *e)
{
	struct api_once *o = a->once;

	fill(a, c);
	c->in.once.status = o->status = status;
	if (text_copy(o->type, sizeof(o->type), type == NULL ? "" : type, "type", e) <
		0 ||
	    buf_add(&o->text, text, len, e) < 0)
		return -1;
	memcpy(c->in.once.type, o->type, sizeof(o->type));
	return seal(&o->seal, LABEL, text, len, &c->blob, e);
}

bool api_once_takes(struct api_call *a, int status, const char *type, const void *text,
		    size_t len)
{
	struct store_call *c;
	struct err e = ERR_INIT;

	if (a->once == NULL || !a->once->open)
		return false;
	if (status >= 500 || status == 429) {
		drop(a);
		return false;
	}
	a->once->open = false;
	c = store_call_new(STORE_ONCE_END, http_loop(a->http), ended, a, &e);
	if (c == NULL)
		return false;
	memcpy(c->tenant, a->tenant, sizeof(c->tenant));
	if (keep(a, c, status, type, text, len, &e) < 0) {
		log_failure(a->api->log, LOG_WARN, "api", "keep an answer", &e);
		store_call_free(c);
		return false;
	}
	store_submit(a->api->store, c);
	return true;
}

void api_once_free(struct api_call *a)
{
	if (a->once == NULL)
		return;
	if (a->once->open) /* answered past us, for want of memory */
		drop(a);
	seal_key_fini(&a->once->seal);
	buf_fini(&a->once->text);
	free(a->once);
}
