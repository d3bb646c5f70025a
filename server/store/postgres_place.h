/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a PostgreSQL database is, and how far its place is trusted.
 *
 * By default a connection is TLS with the server's certificate and name checked
 * (sslmode=verify-full): who can stand between server and database could else read every
 * token's hash and assign releases. A weaker mode is taken only for Unix sockets, or if
 * the operator says so in so many words.
 */
#ifndef OTA_SERVER_STORE_POSTGRES_PLACE_H
#define OTA_SERVER_STORE_POSTGRES_PLACE_H

#include "../../common/base/err.h"

struct postgres_place {
	const char *url;     /* postgresql://... */
	bool allow_insecure; /* take a weaker sslmode */
	bool read_only;
};

/* ERR_CONFIG: the URL is not understood, or its sslmode is too weak. Says nothing of
 * whether the database is there. */
int postgres_place_check(const struct postgres_place *p, struct err *e) MUST_USE;

/* Both end with a NULL, for PQconnectStartParams(). */
struct postgres_params {
	char *keys[64], *values[64];
	size_t n;
};

/* postgres_params_fini() afterwards; values may be secrets. */
int postgres_params_make(const struct postgres_place *p, struct postgres_params *ret,
			 struct err *e) MUST_USE;
void postgres_params_fini(struct postgres_params *p);

#endif
