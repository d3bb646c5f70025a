/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: who is told of events, and what came of it.
 *
 * Each has a cursor of its own into the tenant's events: an event is delivered after
 * those before it, and the cursor moves in the transaction that stores the delivery. So
 * nothing is lost or overtaken by a crash; what was sent just before one is sent again,
 * with the same webhook-id.
 */
#ifndef OTA_SERVER_STORE_MODEL_WEBHOOK_H
#define OTA_SERVER_STORE_MODEL_WEBHOOK_H

#include "model.h"

#define WEBHOOK_ID_LEN 16 /* given by the caller: random hex */
#define WEBHOOK_URL_MAX_LEN 500
#define WEBHOOK_SECRET_MAX_LEN 64 /* bytes of the key; sealed it is longer */
#define WEBHOOK_SEALED_MAX_LEN 128
#define WEBHOOK_EXCERPT_MAX_LEN 200
#define WEBHOOK_MAX_PER_TENANT 50
#define WEBHOOK_KEEP_DELIVERIES 200 /* the newest of each */

struct webhook {
	char id[WEBHOOK_ID_LEN + 1];
	char tenant[TENANT_MAX_LEN + 1]; /* out only: of whom it is */
	char url[WEBHOOK_URL_MAX_LEN + 1];
	uint64_t events; /* bit of each enum event_type that it wants */
	bool active;
	char reason[DETAIL_MAX_LEN + 1]; /* why the server made it inactive, or "" */
	uint8_t sealed[WEBHOOK_SEALED_MAX_LEN];
	size_t sealed_len;
	uint64_t cursor;   /* the last event that is done with */
	unsigned attempts; /* at the next one, so far */
	int64_t next_at;   /* not before */
	int64_t created_at;
	int64_t delivered_at; /* the last success */
};

struct webhook_delivery {
	uint64_t id;
	uint64_t event;
	enum event_type type;
	int64_t at;
	unsigned attempt; /* 1.. */
	bool replay;	  /* asked for by a person */
	int status;	  /* of the answer; 0: none came */
	unsigned duration_ms;
	bool delivered;
	char error[DETAIL_MAX_LEN + 1]; /* why not, or "" */
	char
	    excerpt[WEBHOOK_EXCERPT_MAX_LEN + 1]; /* of the answer's body, plain text */
};

struct webhook_change {
	char id[WEBHOOK_ID_LEN + 1];
	bool set_url, set_events, set_active;
	char url[WEBHOOK_URL_MAX_LEN + 1];
	uint64_t events;
	bool active; /* true begins anew: no attempts, no reason */
};

/* What an attempt did. */
struct webhook_result {
	char id[WEBHOOK_ID_LEN + 1];
	uint64_t expect_cursor;
	uint64_t cursor;
	unsigned attempts;
	int64_t next_at;
	bool give_up; /* it becomes inactive, for this reason */
	char reason[DETAIL_MAX_LEN + 1];
	bool has_delivery;
	struct webhook_delivery delivery; /* its id is given by the store */
};

struct webhook_page {
	char id[WEBHOOK_ID_LEN + 1];
	uint64_t
	    delivery; /* WEBHOOK_DELIVERY_GET: this; else older than this; 0: all */
	unsigned limit;
};

/* Columns as STORE_VERBS has them; the functions stand in verbs_webhook.c. */
/* clang-format off */
#define STORE_VERBS_WEBHOOK(X)                                                          \
	X(WEBHOOK_CREATE, STORE_WRITE)	/* in.webhook, from the newest event on -> out.webhook; ERR_LIMIT beyond WEBHOOK_MAX_PER_TENANT */ \
	X(WEBHOOK_GET, STORE_READ)	/* in.webhook_page.id -> out.webhook */         \
	X(WEBHOOK_LIST, STORE_READ)	/* -> items of struct webhook, oldest first */  \
	X(WEBHOOK_ACTIVE, STORE_READ)	/* -> items of struct webhook: the active ones of all tenants */ \
	X(WEBHOOK_UPDATE, STORE_WRITE)	/* in.webhook_change -> out.webhook */          \
	X(WEBHOOK_DELETE, STORE_WRITE)	/* in.webhook_page.id; its deliveries go too */ \
	X(WEBHOOK_RESULT, STORE_WRITE)	/* in.webhook_result -> out.webhook; ERR_PRECONDITION: another was quicker, or it is gone */ \
	X(WEBHOOK_REPLAYED, STORE_WRITE) /* in.webhook_result's delivery alone */       \
	X(WEBHOOK_DELIVERIES, STORE_READ) /* in.webhook_page -> items of struct webhook_delivery, newest first */ \
	X(WEBHOOK_DELIVERY_GET, STORE_READ) /* in.webhook_page -> out.webhook_delivery */
/* clang-format on */

#endif
