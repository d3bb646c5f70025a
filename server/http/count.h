/* SPDX-License-Identifier: Apache-2.0 */
/* What server/http counts (server/metrics): requests by route, connections, handshakes,
 * bytes. All of it works with NULL metrics and then counts nothing. */
#ifndef OTA_HTTP_COUNT_H
#define OTA_HTTP_COUNT_H

#include "../metrics/metrics.h"
#include "http.h"

struct counts {
	char **routes; /* "GET /api/v1/devices", a route each, and one for all else */
	size_t n_routes;
	struct metric *requests, *duration;
	struct metric *handshakes;
	struct metric *refused;
	struct metric *received, *sent;
	struct metric *streams;
};

/* Why a connection or a request was turned away before a handler saw it. */
enum refusal_reason {
	REFUSED_OVERLOAD,
	REFUSED_BODIES,
	REFUSED_SLOW,
	REFUSED_DEADLINE,
	REFUSED_FORM,
	N_REFUSAL_REASONS
};

int counts_init(struct counts *c, struct metrics *m, const struct http_route *routes,
		size_t n_routes, struct err *e) MUST_USE;
void counts_fini(struct counts *c);

/* An answer's head is sent: route as an index into the table, n_routes for none. */
void counts_answer(struct counts *c, size_t route, int status, uint64_t began_us);
void counts_handshake(struct counts *c, bool resumed);
void counts_refusal(struct counts *c, enum refusal_reason why);

#endif
