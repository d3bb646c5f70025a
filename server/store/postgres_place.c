/* SPDX-License-Identifier: Apache-2.0 */
/* From a URL to libpq's parameters, with what we insist on. */
#include "postgres_place.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

struct pair {
	const char *key, *value;
};

/* Before the URL's own, which win: a peer that fell silent is noticed; after a failover the
 * connection goes to the one that takes writes. */
static const struct pair defaults[] = {
    {"sslmode", "verify-full"},		{"target_session_attrs", "read-write"},
    {"keepalives_idle", "10"},		{"keepalives_interval", "5"},
    {"keepalives_count", "3"},		{"tcp_user_timeout", "15000"},
    {"application_name", "ota-server"},
};
/* Behind the URL's own: what we rely on. */
static const struct pair musts[] = {
    {"client_encoding", "UTF8"},
};

static const char *value_of(const PQconninfoOption *o, const char *key)
{
	for (; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, key) == 0)
			return o->val != NULL && o->val[0] != '\0' ? o->val : NULL;
	}
	return NULL;
}

/* Each of a comma-separated list of hosts is a directory or an abstract socket. */
static bool is_all_sockets(const char *host)
{
	while (host != NULL && (*host == '/' || *host == '@')) {
		host = strchr(host, ',');
		if (host == NULL)
			return true;
		host++;
	}
	return false;
}

static int check_mode(const PQconninfoOption *o, bool allow_insecure, struct err *e)
{
	const char *mode = value_of(o, "sslmode");

	if (value_of(o, "service") != NULL)
		return err_set(e, ERR_CONFIG,
			       "a service file's name in the URL: say "
			       "host and sslmode themselves");
	if (mode == NULL || strcmp(mode, "verify-full") == 0 || allow_insecure ||
	    (is_all_sockets(value_of(o, "host")) && value_of(o, "hostaddr") == NULL))
		return 0;
	return err_set(e, ERR_CONFIG,
		       "sslmode=%.20s does not check whose database it is: use "
		       "verify-full, a Unix socket, or say [store] allow-insecure",
		       mode);
}

static int parse(const struct postgres_place *p, PQconninfoOption **ret, struct err *e)
{
	char *why = NULL;

	*ret = PQconninfoParse(p->url, &why);
	if (*ret != NULL)
		return 0;
	for (char *at = why; at != NULL && *at != '\0'; at++)
		*at = *at == '\n' ? ' ' : *at;
	(void)err_set(e, ERR_CONFIG, "[store] url: %.200s",
		      why == NULL ? "not understood" : why);
	PQfreemem(why);
	return -1;
}

int postgres_place_check(const struct postgres_place *p, struct err *e)
{
	PQconninfoOption *o;
	int rc;

	if (parse(p, &o, e) < 0)
		return -1;
	rc = check_mode(o, p->allow_insecure, e);
	PQconninfoFree(o);
	return rc;
}

void postgres_params_fini(struct postgres_params *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->keys[i]);
		free(p->values[i]);
	}
	p->n = 0;
}

static int add(struct postgres_params *p, const char *key, const char *value,
	       struct err *e)
{
	if (p->n + 1 == N_ELEMS(p->keys))
		return err_set(e, ERR_LIMIT, "too many parameters");
	p->keys[p->n] = strdup(key);
	p->values[p->n] = strdup(value);
	p->n++;
	if (p->keys[p->n - 1] == NULL || p->values[p->n - 1] == NULL)
		return err_nomem(e);
	return 0;
}

static int add_all(struct postgres_params *p, const PQconninfoOption *o, struct err *e)
{
	for (size_t i = 0; i < N_ELEMS(defaults); i++) {
		if (value_of(o, defaults[i].key) == NULL &&
		    add(p, defaults[i].key, defaults[i].value, e) < 0)
			return -1;
	}
	for (; o->keyword != NULL; o++) {
		if (o->val != NULL && o->val[0] != '\0' &&
		    add(p, o->keyword, o->val, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < N_ELEMS(musts); i++) {
		if (add(p, musts[i].key, musts[i].value, e) < 0)
			return -1;
	}
	return 0;
}

int postgres_params_make(const struct postgres_place *p, struct postgres_params *ret,
			 struct err *e)
{
	PQconninfoOption *o;
	int rc;

	*ret = (struct postgres_params){.n = 0};
	if (parse(p, &o, e) < 0)
		return -1;
	rc = check_mode(o, p->allow_insecure, e);
	if (rc == 0)
		rc = add_all(ret, o, e);
	PQconninfoFree(o);
	if (rc < 0)
		postgres_params_fini(ret);
	return rc;
}
