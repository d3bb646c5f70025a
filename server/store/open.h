/* SPDX-License-Identifier: Apache-2.0 */
/* Which back-end: the embedded one below the data directory, unless a URL names another. */
#ifndef OTA_SERVER_STORE_OPEN_H
#define OTA_SERVER_STORE_OPEN_H

#include "../../common/base/log.h"
#include "store.h"

struct store_place {
	const char *url;  /* NULL or "": the file */
	const char *path; /* the embedded database */
	bool
	    allow_insecure; /* take a connection that does not check the server's name */
	unsigned n_readers; /* connections for reads; 0: a few */
};

enum store_opener {
	STORE_OWNER,   /* the server: makes it, migrates it */
	STORE_VISITOR, /* a command beside it: neither */
	STORE_LOOK     /* changes nothing at all */
};

/*
 * Opens it. Owner: checks it, backs it up (SQLite) and migrates it if its schema is older.
 * ERR_CONFIG: a URL nobody knows, or one that is too careless; ERR_CONFLICT: made by a
 * newer server (names both schemas); ERR_FORMAT: damaged or not a database;
 * ERR_NOT_FOUND, ERR_PRECONDITION: a visitor finds none, or one of an older schema;
 * ERR_BUSY: a database elsewhere is away; ERR_IO, ERR_NO_SPACE. log: migrations, a
 * database that goes and comes back; may be NULL.
 */
struct store *store_open(const struct store_place *p, enum store_opener who,
			 const struct log *log, struct err *e) MUST_USE;

/* True if the place is the file, and not a database elsewhere. */
bool store_place_is_file(const struct store_place *p);

/* What to call it in a message: the file, or the URL without what is secret. */
int store_place_name(const struct store_place *p, struct buf *ret,
		     struct err *e) MUST_USE;

/* The schema this program writes. */
unsigned store_schema(void);

#endif
