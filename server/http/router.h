/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a method and a path to a row of the route table.
 *
 * Patterns are matched segment by segment on the path as it was sent; what a parameter
 * takes is decoded afterwards, so an encoded slash never makes a new segment. Where two
 * patterns fit, the one that is literal at the first difference wins, whatever the
 * order of the table:
 *
 *	/api/v1/devices/new  before  /api/v1/devices/{id}  before  /{path*}
 */
#ifndef OTA_HTTP_ROUTER_H
#define OTA_HTTP_ROUTER_H

#include "http.h"

#define ROUTER_MAX_SEGMENTS 16u
#define ROUTER_MAX_PARAMS 6u

struct router;

/* The routes stay the caller's and must outlive the router. ERR_CONFIG for a malformed
 * pattern and for two rows that cannot be told apart. */
struct router *router_new(const struct http_route *routes, size_t n_routes,
			  struct err *e) MUST_USE;
void router_free(struct router *r);
AUTO_PTR_DEFINE(router)

struct route_match {
	const struct http_route *route; /* NULL: none */
	char allow[64]; /* methods that fit this path; a {name*} pattern does not count
			 */
	size_t n_params;
	/* into the router; not terminated: name_lens */
	const char *names[ROUTER_MAX_PARAMS];
	size_t name_lens[ROUTER_MAX_PARAMS];
	const char *values[ROUTER_MAX_PARAMS]; /* as sent, into the path */
	size_t value_lens[ROUTER_MAX_PARAMS];
};

/* path[0..len) without the query. HEAD is found under GET. */
void router_find(const struct router *r, const char *method, const char *path,
		 size_t len, struct route_match *ret);

#endif
