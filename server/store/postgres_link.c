/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres_link.h"

#include "../../common/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define MIN_SERVER_VERSION 140000
#define CONNECT_LIMIT_MS 5000
#define RETRY_EVERY_MS 1000

/* ---- losing and making the connection ---- */

static void one_line(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	for (char *at = text; *at != '\0'; at++)
		*at = *at == '\n' ? ' ' : *at;
}

int pg_link_lose(struct pg_link *l, const char *why, struct err *e)
{
	(void)err_set(&l->why, ERR_BUSY, "%s", why);
	one_line(l->why.text);
	PQfinish(l->pg);
	l->pg = NULL;
	if (!l->log_lost)
		log_failure(l->log, LOG_ERROR, "store", "the database is away",
			    &l->why);
	l->log_lost = true;
	return err_set(e, ERR_BUSY, "the database is away");
}

int pg_link_lose_broken(struct pg_link *l, struct err *e)
{
	char why[ERR_TEXT_LEN];

	(void)snprintf(why, sizeof(why), "%s", PQerrorMessage(l->pg));
	return pg_link_lose(l, why[0] == '\0' ? "the connection ended" : why, e);
}

/* 1: ready; 0: the time is over; -1: poll() failed. */
static int wait_for(PGconn *pg, short events, int64_t until_ms)
{
	struct pollfd p = {.fd = PQsocket(pg), .events = events};
	int64_t left;
	int n;

	do {
		left = until_ms - clock_mono_ms(&clock_system);
		n = left <= 0 ? 0 : poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int connect_in_time(struct pg_link *l, struct err *e)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + CONNECT_LIMIT_MS;
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;

	while (s != PGRES_POLLING_OK) {
		if (PQstatus(l->pg) == CONNECTION_BAD || s == PGRES_POLLING_FAILED)
			return pg_link_lose_broken(l, e);
		if (wait_for(l->pg, s == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			     until_ms) <= 0)
			return pg_link_lose(l, "connecting took too long", e);
		s = PQconnectPoll(l->pg);
	}
	if (PQserverVersion(l->pg) < MIN_SERVER_VERSION)
		return pg_link_lose(l, "it is older than PostgreSQL 14", e);
	return 0;
}

static void drop_notice(void *ctx, const PGresult *r)
{
	(void)ctx;
	(void)r;
}

static bool is_readable(PGconn *pg)
{
	struct pollfd p = {.fd = PQsocket(pg), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* A server that stopped has said so on the idle connection: words first, then the end. */
static bool has_ended(PGconn *pg)
{
	for (int i = 0; i < 4 && is_readable(pg); i++) {
		if (PQconsumeInput(pg) == 0)
			return true;
		(void)PQisBusy(pg); /* reads the words */
	}
	return PQstatus(pg) == CONNECTION_BAD;
}

/* ---- making it ---- */

int pg_link_open(struct pg_link *l, struct err *e)
{
	int64_t now_ms = clock_mono_ms(&clock_system);

	if (now_ms < l->retry_at_ms)
		return err_set(e, ERR_BUSY, "the database is away");
	l->retry_at_ms = now_ms + RETRY_EVERY_MS;
	l->pg = PQconnectStartParams((const char *const *)l->params.keys,
				     (const char *const *)l->params.values, 0);
	if (l->pg == NULL)
		return err_nomem(e);
	(void)PQsetNoticeReceiver(l->pg, drop_notice, NULL);
	return connect_in_time(l, e);
}

void pg_link_welcome(struct pg_link *l)
{
	if (l->log_lost)
		log_info(l->log, "store", "the database is back", NULL);
	l->log_lost = false;
	l->retry_at_ms = 0;
}

bool pg_link_is_up(struct pg_link *l)
{
	struct err told = ERR_INIT;

	if (l->pg != NULL && has_ended(l->pg)) {
		(void)pg_link_lose_broken(l, &told);
		l->retry_at_ms = 0;
	}
	return l->pg != NULL;
}

int pg_link_init(struct pg_link *l, const struct postgres_place *p,
		 const struct log *log, struct err *e)
{
	*l = (struct pg_link){.log = log};
	return postgres_params_make(p, &l->params, e);
}

void pg_link_fini(struct pg_link *l)
{
	PQfinish(l->pg);
	l->pg = NULL;
	postgres_params_fini(&l->params);
}

/* ---- errors ---- */

struct state_row {
	const char *prefix; /* of the SQLSTATE */
	enum err_code code;
	bool lose; /* the connection is of no more use */
};

/* The first that fits. */
static const struct state_row states[] = {
    {"23", ERR_CONFLICT, false},     /* constraints */
    {"53100", ERR_NO_SPACE, false},  /* disk full */
    {"53200", ERR_NO_MEMORY, false}, /* out of memory */
    {"53", ERR_BUSY, true},	     /* too many connections */
    {"40", ERR_BUSY, false},	     /* serialization, deadlock */
    {"55P03", ERR_BUSY, false},	     /* lock not available */
    {"57014", ERR_BUSY, false},	     /* cancelled by an administrator */
    {"57", ERR_BUSY, true},	     /* shutting down, crashed, starting */
    {"25006", ERR_BUSY, true},	     /* became a standby */
    {"25P03", ERR_BUSY, true},	     /* idle for too long */
    {"0A000", ERR_BUSY, true},	     /* a table changed under a statement */
    {"08", ERR_BUSY, true},	     /* connection */
    {"28", ERR_BUSY, true},	     /* authentication */
    {"XX001", ERR_FORMAT, false},    /* damaged */
    {"XX002", ERR_FORMAT, false},    /* damaged */
    {"58", ERR_IO, false},	     /* the server's own files */
};

int pg_link_fail(struct pg_link *l, const PGresult *r, struct err *e)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (text == NULL)
		text = PQresultErrorMessage(r);
	for (size_t i = 0; state != NULL && i < N_ELEMS(states); i++) {
		const struct state_row *s = &states[i];

		if (strncmp(state, s->prefix, strlen(s->prefix)) != 0)
			continue;
		if (s->lose)
			return pg_link_lose(l, text, e);
		return err_set(e, s->code, "store: %.200s (postgres %s)", text, state);
	}
	return err_set(e, ERR_INTERNAL, "store: %.200s (postgres %s)", text,
		       state == NULL ? "?" : state);
}

int pg_link_result(struct pg_link *l, int64_t until_ms, PGresult **ret, struct err *e)
{
	while (PQisBusy(l->pg) != 0) {
		if (wait_for(l->pg, POLLIN, until_ms) <= 0)
			return pg_link_lose(l, "an answer took too long", e);
		if (PQconsumeInput(l->pg) == 0)
			return pg_link_lose_broken(l, e);
	}
	*ret = PQgetResult(l->pg);
	if (*ret == NULL && PQstatus(l->pg) == CONNECTION_BAD)
		return pg_link_lose_broken(l, e);
	return 0;
}
