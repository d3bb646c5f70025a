/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL server of its own for a test program (tests/postgres.sh). */
#ifndef OTA_TESTS_POSTGRES_SERVER_H
#define OTA_TESTS_POSTGRES_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pg_server {
	char dir[64];
	pid_t pid;
	int log_fd; /* its standard error, after it was ready */
	unsigned n_databases;
	unsigned port; /* 0: the socket alone; else on 127.0.0.1 too */
};

/* Makes the directory; the caller may put server.crt and server.key there. */
void pg_server_make(struct pg_server *s);
/* A port that nobody has at the moment. */
unsigned pg_server_free_port(void);
/* Starts it, or starts it again. False: PostgreSQL is not installed. Fails the test if it
 * does not come up. */
bool pg_server_start(struct pg_server *s);
/* Ends it at once, as a crash would; what was committed stays. */
void pg_server_stop(struct pg_server *s);
/* Stops it and removes everything. */
void pg_server_fini(struct pg_server *s);

/* Makes one more database and says its URL. */
void pg_server_new_database(struct pg_server *s, char *ret_url, size_t room);
/* Runs SQL in the database "postgres". */
void pg_server_run(const struct pg_server *s, const char *sql);

#endif
