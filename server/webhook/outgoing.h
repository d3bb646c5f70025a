/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message of a webhook on its way: made, signed, posted, and its answer read as far
 * as it matters. In the thread of the net's loop.
 *
 *	POST URL
 *	webhook-id: evt_default_1234
 *	webhook-timestamp: 1700000000
 *	webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=
 *
 *	{"type":"deployment","timestamp":"2026-11-23T14:41:07Z","id":1234,"data":{..}}
 */
#ifndef OTA_SERVER_WEBHOOK_OUTGOING_H
#define OTA_SERVER_WEBHOOK_OUTGOING_H

#include "../../common/base/clock.h"
#include "../../common/json/json.h"
#include "../../common/net/net.h"
#include "policy.h"

struct outgoing;

struct outgoing_config {
	struct net *net;
	const struct clock *clock;
	uint64_t timeout_ms;
};

/* Comes once, from the loop; the message is gone when it returns. */
typedef void outgoing_done(void *ctx, const struct event *v,
			   const struct webhook_outcome *o);

/* data: the event's document, NULL is null; taken, also on failure. */
int outgoing_send(const struct outgoing_config *c, const struct webhook *w,
		  const struct event *v, struct json *data,
		  const uint8_t key[WEBHOOK_KEY_LEN], outgoing_done *done, void *ctx,
		  struct outgoing **ret, struct err *e) MUST_USE;

/* Drops it, done() does not come. NULL is fine. */
void outgoing_free(struct outgoing *m);

#endif
