/* SPDX-License-Identifier: Apache-2.0 */
/* One console's stream: a cursor into the store's events, and the pump that follows it.
 * For hub.c. Everything happens in the thread of the request's loop. */
#ifndef OTA_SERVER_EVENT_STREAM_H
#define OTA_SERVER_EVENT_STREAM_H

#include "../http/http.h"
#include "../store/store.h"

struct console {
	struct console *next; /* the port's */
	struct store *store;
	char tenant[TENANT_MAX_LEN + 1];
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	struct loop *loop;
	struct http_stream *http; /* NULL once it is closed */
	uint64_t cursor;	  /* the last event that was sent */
	bool starting;		  /* the cursor is not known yet */
	bool asked;		  /* somebody gave a Last-Event-ID */
	bool busy;		  /* a store call is under way */
	bool more;		  /* woken while busy */
	struct event events[32];
	size_t n_events, at;
	bool page_more;
};

/* Shows the tenant what is within the scope. Begins at Last-Event-ID or at the newest event. Call console_wake() next. */
void console_init(struct console *c, struct store *s, struct loop *l,
		  const char *tenant, const char *scope, const char *last_event_id);

/* There may be new events. */
void console_wake(struct console *c);

/* The HTTP stream is gone; c is freed now, or when its store call comes back. */
void console_closed(struct console *c);

#endif
