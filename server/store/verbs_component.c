/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of a device's parts: what it says of them, and what was proven. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

static int load_component(struct conn *db, const char *tenant, const struct query *q,
			  void *ret, struct err *e)
{
	struct component *p = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, p->name, sizeof(p->name));
	query_text(q, 1, p->version, sizeof(p->version));
	p->grade = (enum grade)query_int(q, 2);
	return 0;
}

int verb_DEVICE_COMPONENTS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_COMPONENT_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.device_id),
			    ARG_I(DEVICE_MAX_COMPONENTS + 1))) < 0)
		return -1;
	return load_items(&q, c, DEVICE_MAX_COMPONENTS, sizeof(struct component),
			  load_component, e);
}

/* "component.NAME.version": whether it is that, and NAME. */
static bool names_component(const char *key, char ret_name[COMPONENT_NAME_MAX_LEN + 1])
{
	static const char begin[] = "component.", end[] = ".version";
	const size_t n_begin = sizeof(begin) - 1, n_end = sizeof(end) - 1;
	size_t len = strlen(key);

	if (len <= n_begin + n_end || strncmp(key, begin, n_begin) != 0 ||
	    strcmp(key + len - n_end, end) != 0)
		return false;
	len -= n_begin + n_end;
	if (len > COMPONENT_NAME_MAX_LEN)
		return false;
	memcpy(ret_name, key + n_begin, len);
	ret_name[len] = '\0';
	return text_is_name(ret_name, COMPONENT_NAME_MAX_LEN, "._:-");
}

int component_take_attribute(struct conn *db, const struct store_call *c,
			     const struct attribute *a, struct err *e)
{
	char name[COMPONENT_NAME_MAX_LEN + 1], key[VERSION_KEY_MAX_LEN + 1];
	const char *id = c->in.attributes.id;

	if (!names_component(a->key, name))
		return 0;
	if (a->remove || a->value[0] == '\0')
		return query_run(db, SQL_COMPONENT_FORGET, e,
				 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(name)));
	return query_run(db, SQL_COMPONENT_REPORTED, e,
			 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(name), ARG_T(a->value),
			      ARG_T(version_key_or_none(a->value, key))));
}

int component_forget_reported(struct conn *db, const struct store_call *c,
			      struct err *e)
{
	return query_run(db, SQL_COMPONENT_FORGET_REPORTED, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.attributes.id)));
}

int component_take_installed(struct conn *db, const struct store_call *c,
			     const char *device, struct err *e)
{
	const struct deployment_move *m = &c->in.move;
	char key[VERSION_KEY_MAX_LEN + 1];

	if (!m->device.set_version)
		return 0;
	if (query_run(db, SQL_COMPONENT_FORGET_PROVEN, e,
		      ARGS(ARG_T(c->tenant), ARG_T(device))) < 0)
		return -1;
	return query_run(db, SQL_COMPONENT_INSTALLED, e,
			 ARGS(ARG_T(c->tenant), ARG_T(device), ARG_I(m->id),
			      ARG_T(m->device.version),
			      ARG_T(version_key_or_none(m->device.version, key)),
			      ARG_I(m->grade)));
}
