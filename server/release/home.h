/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each tenant has for itself: its artifacts, its uploads, its published repository
 * with the online keys of it.
 *
 *	DIR/artifacts, DIR/signer, DIR/delta		of the default tenant
 *	DIR/tenants/NAME/artifacts, .../signer, ..	of every other one
 *
 * A signer is a process of its own for each tenant, which was handed the directory of
 * that tenant's keys and no other: what one tenant's keys sign is worth nothing in
 * another's repository, and artifacts of the same content are two files, so that a
 * digest alone opens nobody else's. Publisher and uploads hold a view of the store that
 * reaches one tenant's rows (store_tenant.h).
 *
 * Homes are opened at the start, and soon after a tenant was made while the server runs
 * (homes_look()); they last until homes_free().
 */
#ifndef OTA_SERVER_HOME_H
#define OTA_SERVER_HOME_H

#include "publish.h"
#include "upload.h"

#include <stdatomic.h>

struct home {
	char tenant[TENANT_MAX_LEN + 1];
	struct store *store;	/* the tenant's view */
	char scratch[PATH_MAX]; /* a directory of whoever makes its deltas */
	struct artifacts *artifacts;
	struct uploads uploads;
	struct signer *signer;
	struct publisher *publisher;
	atomic_size_t max_streams; /* as the tenant's row had it at the last look */
	struct tenant_settings settings; /* homes_settings() */
	struct home *next;
};

/* For hub.h; 0: no limit. */
static inline size_t home_max_streams(const struct home *h)
{
	return atomic_load(&h->max_streams);
}

struct homes_config {
	struct store *store; /* all borrowed */
	struct worker *worker;
	const struct clock *clock;
	const struct log *log;
	struct loop *loop; /* the main one: homes are opened and closed there */
	const char *root;  /* DIR; copied, as is the next */
	const char *signer_program;
	uint64_t timestamp_life_ms, snapshot_life_ms; /* of publisher_config */
	uint64_t (*targets_floor)(void *ctx, const char *tenant); /* likewise */
	void *floor_ctx;
	bool demo;
};

struct homes;

/* With the home of the default tenant; waits. */
struct homes *homes_new(const struct homes_config *c, struct err *e) MUST_USE;
/* In the main loop's thread, after the worker: nobody asks any more. */
void homes_free(struct homes *h);
AUTO_PTR_DEFINE(homes)

/* Opens what is missing; waits, in the main loop's thread before it runs. */
int homes_open_all(struct homes *h, struct err *e) MUST_USE;

/* The tenant's home, or NULL: there is no such tenant, or it was made just now. Any
 * thread. */
struct home *homes_find(struct homes *h, const char *tenant);

/* What the tenant says for itself; of one without a home nothing. NULL hs: likewise. Any
 * thread. */
struct tenant_settings homes_settings(struct homes *hs, const char *tenant);
/* A change that was stored, unless a newer one is known. Any thread. */
void homes_put_settings(struct homes *hs, const char *tenant,
			const struct tenant_settings *s);

/* Looks for tenants that have no home yet or other limits, and opens it without holding the loop up; in
 * the main loop's thread. What cannot be opened is logged, and tried at the next look. */
void homes_look(struct homes *h);

/* The same from any thread, soon. */
void homes_look_soon(struct homes *h);

/* Of every home, one after the other, until fn returns non-zero, which is returned. */
int homes_each(struct homes *h, int (*fn)(void *ctx, struct home *home), void *ctx);

#endif
