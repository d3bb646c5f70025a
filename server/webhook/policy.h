/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a webhook's message looks like, and what follows from its answer. Pure.
 *
 * Messages are those of Standard Webhooks 1.0 (standardwebhooks.com): the headers
 * webhook-id, webhook-timestamp and webhook-signature, the last one
 *
 *	"v1," base64(HMAC-SHA256(key, id "." timestamp "." body))
 *
 * and a secret of the form "whsec_" base64(key). The id stays the same when a message is
 * sent again, the timestamp does not.
 *
 *	answer				what follows
 *	2xx				delivered: on to the next event
 *	410				given up at once: the receiver is gone for good
 *	any other status, none at all	again after a while, n times; then given up
 *	an address that is refused	likewise: the name may point elsewhere again
 */
#ifndef OTA_SERVER_WEBHOOK_POLICY_H
#define OTA_SERVER_WEBHOOK_POLICY_H

#include "../../common/base/buf.h"
#include "../store/model_webhook.h"

#define WEBHOOK_KEY_LEN 32
#define WEBHOOK_SECRET_TEXT_LEN (6 + 44) /* "whsec_" and Base64 of the key */
#define WEBHOOK_SIGNATURE_LEN (3 + 44)	 /* "v1," and Base64 of the MAC */
#define WEBHOOK_RETRY_FIRST_MS 5000
#define WEBHOOK_RETRY_LAST_MS ((int64_t)6 * 60 * 60 * 1000)

/* https, a host, no user, no fragment; ERR_FORMAT says what is wrong. */
int webhook_url_check(const char *url, struct err *e) MUST_USE;

/* The bit of an event's name, "deployment"; ERR_FORMAT lists them all. */
int webhook_event_bit(const char *name, uint64_t *ret, struct err *e) MUST_USE;

/* A new key, and as its owner is shown it. */
int webhook_secret_make(uint8_t ret_key[WEBHOOK_KEY_LEN],
			char ret_text[WEBHOOK_SECRET_TEXT_LEN + 1],
			struct err *e) MUST_USE;

int webhook_sign(const uint8_t key[WEBHOOK_KEY_LEN], const char *id, int64_t unix_s,
		 const void *body, size_t len, char ret[WEBHOOK_SIGNATURE_LEN + 1],
		 struct err *e) MUST_USE;

/* How long to wait after so many attempts: 5 s, four times as long each time, at most
 * six hours, and by chance up to a quarter more or less. */
int64_t webhook_retry_ms(unsigned attempts, uint32_t chance);

/* What came back. */
struct webhook_outcome {
	int status; /* 0: nothing, then err says why */
	struct err err;
	uint64_t retry_after_ms; /* what the answer asked for, or 0 */
	unsigned duration_ms;
	const char *excerpt; /* plain text */
};

/* What an attempt at delivering v means for w; max_attempts at least 1. */
void webhook_judge(const struct webhook *w, const struct event *v,
		   const struct webhook_outcome *o, unsigned max_attempts,
		   int64_t now_ms, uint32_t chance, struct webhook_result *ret);

/* Bytes as one line of plain text: what is not printable ASCII becomes a blank. */
void webhook_excerpt(const void *data, size_t len,
		     char ret[WEBHOOK_EXCERPT_MAX_LEN + 1]);

#endif
