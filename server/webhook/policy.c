/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include "../../common/base/base64.h"
#include "../../common/base/bytes.h"
#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SECRET_PREFIX "whsec_"
#define MESSAGE_MAX (1u << 20)

/* ---- what a person gives ---- */

static int bad_url(struct err *e, const char *why)
{
	return err_set(e, ERR_FORMAT, "field \"url\": %s", why);
}

int webhook_url_check(const char *url, struct err *e)
{
	const char *host = url + 8;
	size_t host_len;

	if (strncmp(url, "https://", 8) != 0)
		return bad_url(e, "it must begin with https://");
	if (strlen(url) > WEBHOOK_URL_MAX_LEN)
		return bad_url(e, "it is too long");
	for (const char *at = url; *at != '\0'; at++) {
		if (!isgraph((unsigned char)*at))
			return bad_url(e,
				       "blanks and what is not ASCII must be escaped");
	}
	host_len = strcspn(host, "/?#");
	if (host_len == 0 || host[0] == ':')
		return bad_url(e, "there is no host in it");
	if (memchr(host, '@', host_len) != NULL)
		return bad_url(e, "a name and password in it would be kept in the "
				  "open: the signature says who calls");
	if (strchr(host, '#') != NULL)
		return bad_url(e, "a fragment is not sent");
	return 0;
}

int webhook_event_bit(const char *name, uint64_t *ret, struct err *e)
{
	char all[256] = "";

	for (unsigned t = 0; t < N_EVENT_TYPES; t++) {
		const char *known = event_type_name((enum event_type)t);
		size_t len = strlen(all);

		if (strcmp(known, name) == 0) {
			*ret = UINT64_C(1) << t;
			return 0;
		}
		(void)snprintf(all + len, sizeof(all) - len, "%s%s",
			       len > 0 ? ", " : "", known);
	}
	return err_set(e, ERR_FORMAT, "there are no events \"%.32s\": there are %s",
		       name, all);
}

/* ---- secret and signature ---- */

int webhook_secret_make(uint8_t ret_key[WEBHOOK_KEY_LEN],
			char ret_text[WEBHOOK_SECRET_TEXT_LEN + 1], struct err *e)
{
	if (random_bytes(ret_key, WEBHOOK_KEY_LEN, e) < 0)
		return -1;
	memcpy(ret_text, SECRET_PREFIX, sizeof(SECRET_PREFIX) - 1);
	base64_encode(ret_key, WEBHOOK_KEY_LEN, ret_text + sizeof(SECRET_PREFIX) - 1);
	return 0;
}

int webhook_sign(const uint8_t key[WEBHOOK_KEY_LEN], const char *id, int64_t unix_s,
		 const void *body, size_t len, char ret[WEBHOOK_SIGNATURE_LEN + 1],
		 struct err *e)
{
	AUTO(buf) struct buf signed_bytes = BUF_INIT(MESSAGE_MAX);
	uint8_t mac[SHA256_LEN];

	if (buf_printf(&signed_bytes, e, "%s.%lld.", id, (long long)unix_s) < 0 ||
	    buf_add(&signed_bytes, body, len, e) < 0 ||
	    hmac_sha256(key, WEBHOOK_KEY_LEN, signed_bytes.data, signed_bytes.len, mac,
			e) < 0)
		return -1;
	memcpy(ret, "v1,", 3);
	base64_encode(mac, sizeof(mac), ret + 3);
	return 0;
}

/* ---- what follows from an answer ---- */

int64_t webhook_retry_ms(unsigned attempts, uint32_t chance)
{
	int64_t wait_ms = WEBHOOK_RETRY_FIRST_MS;

	for (unsigned i = 1; i < attempts && wait_ms < WEBHOOK_RETRY_LAST_MS; i++)
		wait_ms *= 4;
	if (wait_ms > WEBHOOK_RETRY_LAST_MS)
		wait_ms = WEBHOOK_RETRY_LAST_MS;
	return wait_ms - wait_ms / 4 + (int64_t)(chance % (uint32_t)(wait_ms / 2 + 1));
}

static void note_failure(const struct webhook_outcome *o, char *ret, size_t room)
{
	if (o->status != 0)
		(void)snprintf(ret, room, "the answer was %d", o->status);
	else
		(void)snprintf(ret, room, "%s", o->err.text);
}

static void give_up(struct webhook_result *r, const char *text, unsigned attempts)
{
	r->give_up = true;
	(void)snprintf(r->reason, sizeof(r->reason), "after %u attempt%s: %.400s",
		       attempts, attempts == 1 ? "" : "s", text);
}

void webhook_judge(const struct webhook *w, const struct event *v,
		   const struct webhook_outcome *o, unsigned max_attempts,
		   int64_t now_ms, uint32_t chance, struct webhook_result *ret)
{
	struct webhook_delivery *d = &ret->delivery;
	int64_t wait_ms;

	*ret = (struct webhook_result){.expect_cursor = w->cursor,
				       .cursor = w->cursor,
				       .attempts = w->attempts + 1,
				       .has_delivery = true};
	memcpy(ret->id, w->id, sizeof(ret->id));
	*d = (struct webhook_delivery){.event = v->id,
				       .type = v->type,
				       .attempt = ret->attempts,
				       .status = o->status,
				       .duration_ms = o->duration_ms,
				       .delivered = o->status / 100 == 2};
	(void)snprintf(d->excerpt, sizeof(d->excerpt), "%s",
		       o->excerpt == NULL ? "" : o->excerpt);
	if (d->delivered) {
		ret->cursor = v->id;
		ret->attempts = 0;
		return;
	}
	note_failure(o, d->error, sizeof(d->error));
	wait_ms = webhook_retry_ms(ret->attempts, chance);
	if (wait_ms < (int64_t)o->retry_after_ms)
		wait_ms = (int64_t)o->retry_after_ms;
	ret->next_at = now_ms + wait_ms;
	if (o->status == 410 || ret->attempts >= max_attempts)
		give_up(ret, d->error, ret->attempts);
}

void webhook_excerpt(const void *data, size_t len,
		     char ret[WEBHOOK_EXCERPT_MAX_LEN + 1])
{
	const uint8_t *p = data;

	if (len > WEBHOOK_EXCERPT_MAX_LEN)
		len = WEBHOOK_EXCERPT_MAX_LEN;
	for (size_t i = 0; i < len; i++)
		ret[i] = p[i] >= ' ' && p[i] < 0x7f ? (char)p[i] : ' ';
	ret[len] = '\0';
}
