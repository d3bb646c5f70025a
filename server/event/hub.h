/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens, to those who watch.
 *
 * Console streams read the store's events after their own cursor, so that a reconnect
 * with Last-Event-ID and a live stream are one path, and nothing is sent that is not
 * stored. The store's watcher only wakes them. Progress and calls are volatile: they come
 * from requests straight to the streams, without an id, at most once a second a device.
 *
 * Device streams carry `event: poll` and nothing else: "there is something for you".
 *
 *	store --watch--> hub (main loop) --wake--> a port in each HTTP thread
 *	handlers: hub_poke(), hub_seen(), .. ------^   `-- its streams
 *
 * Threads: a stream lives in the thread of its request; all else here may be called
 * from any thread.
 */
#ifndef OTA_SERVER_EVENT_HUB_H
#define OTA_SERVER_EVENT_HUB_H

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../http/http.h"
#include "../store/store.h"

struct hub;

/* main_loop: where the store's watcher runs. max_device_streams: of all devices
 * together. */
struct hub *hub_new(struct store *s, struct loop *main_loop, const struct clock *clock,
		    const struct log *log, size_t max_device_streams,
		    struct err *e) MUST_USE;
/* After the HTTP server has stopped: every stream is gone by then. */
void hub_free(struct hub *h);
AUTO_PTR_DEFINE(hub)

/* Whose stream it is and what it may show. All strings are copied. */
struct hub_viewer {
	const char *tenant;
	const char *scope;	/* of store_call.scope; "": the whole tenant */
	const char *user;	/* for hub_end_user() */
	const char *credential; /* for hub_end_credential(): its digest in hex */
	int64_t life_ms;	/* then its client shows its credentials again */
	size_t max_streams;	/* of the tenant, consoles and devices; 0: no limit */
};

/*
 * Answers r with the event stream of the management API; resumes by Last-Event-ID. It
 * ends after life_ms: a stream must not outlive the right to it. Within a scope it
 * carries what is stored and visible there, and nothing volatile. ERR_BUSY beyond the
 * tenant's cap: r is not answered then.
 */
int hub_stream_console(struct hub *h, struct http_request *r,
		       const struct hub_viewer *v, struct err *e) MUST_USE;

/* Ends the streams of a session that was logged out or a token that was revoked. */
void hub_end_credential(struct hub *h, const char *credential);
/* Ends those of somebody whose rights have changed. */
void hub_end_user(struct hub *h, const char *tenant, const char *user);

/* Answers r with a device's stream; an older one of it in the same thread ends.
 * max_streams: as above. ERR_BUSY beyond a cap: r is not answered then. */
int hub_stream_device(struct hub *h, struct http_request *r, const char *tenant,
		      const char *device, size_t max_streams, struct err *e) MUST_USE;

/* Tells a device to poll, if it listens. */
void hub_poke(struct hub *h, const char *tenant, const char *device);

void hub_progress(struct hub *h, const char *tenant, const char *device,
		  uint64_t deployment, unsigned percent, const char *detail);

/* A webhook was sent something, or tried to: its log of deliveries has grown. Volatile; the
 * shape is that of webhooks_config's `tried`, ctx a hub. */
void hub_delivery(void *ctx, const char *tenant, const char *webhook);

/* The device called at at_ms, UTC. Costs nothing while no console listens. */
void hub_seen(struct hub *h, const char *tenant, const char *device, int64_t at_ms);

#endif
