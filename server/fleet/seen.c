/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

struct seen_cache {
	const struct clock *clock;
	pthread_mutex_t lock;
	struct seen *items;
	size_t n, room;
};

struct seen_cache *seen_cache_new(const struct clock *clock, struct err *e)
{
	struct seen_cache *c = calloc(1, sizeof(*c));

	if (c == NULL || pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		(void)err_nomem(e);
		return NULL;
	}
	c->clock = clock;
	return c;
}

void seen_cache_free(struct seen_cache *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	free(c->items);
	free(c);
}

static bool has_room(struct seen_cache *c)
{
	size_t more = c->room == 0 ? FIRST_ROOM : c->room * 2;
	void *p;

	if (c->n < c->room)
		return true;
	if (more > SEEN_MAX)
		return false;
	p = reallocarray(c->items, more, sizeof(*c->items));
	if (p == NULL)
		return false;
	c->items = p;
	c->room = more;
	return true;
}

int64_t seen_note(struct seen_cache *c, const char *tenant, const char *device,
		  const char *address)
{
	int64_t now_ms = clock_utc_ms(c->clock);
	struct seen *s;

	pthread_mutex_lock(&c->lock);
	if (has_room(c)) {
		s = &c->items[c->n++];
		*s = (struct seen){.at = now_ms};
		(void)snprintf(s->tenant, sizeof(s->tenant), "%s", tenant);
		(void)snprintf(s->id, sizeof(s->id), "%s", device);
		(void)snprintf(s->address, sizeof(s->address), "%s", address);
	}
	pthread_mutex_unlock(&c->lock);
	return now_ms;
}

void seen_flush(struct seen_cache *c, struct store *s)
{
	struct store_call *call;
	struct err ignored =
	    ERR_INIT; /* without memory: the next flush takes them along */

	pthread_mutex_lock(&c->lock);
	call = c->n == 0 ? NULL
			 : store_call_new(STORE_DEVICE_SEEN, NULL, store_call_free,
					  NULL, &ignored);
	if (call != NULL) {
		call->items = c->items;
		call->n_items = c->n;
		c->items = NULL;
		c->n = c->room = 0;
	}
	pthread_mutex_unlock(&c->lock);
	if (call != NULL)
		store_submit(s, call);
}
