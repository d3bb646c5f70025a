/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of devices and their attributes. */
#include "scope.h"
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

#define DEVICE_FLOOR_KEY "security.floor" /* client/agent/contact.c */

void device_load(const struct query *q, struct device *d)
{
	query_text(q, 0, d->id, sizeof(d->id));
	query_text(q, 1, d->name, sizeof(d->name));
	query_text(q, 2, d->product, sizeof(d->product));
	query_text(q, 3, d->hardware, sizeof(d->hardware));
	query_text(q, 4, d->version, sizeof(d->version));
	d->grade = (enum grade)query_int(q, 5);
	d->state = (enum device_state)query_int(q, 6);
	query_text(q, 7, d->agent_version, sizeof(d->agent_version));
	query_text(q, 8, d->capabilities, sizeof(d->capabilities));
	query_text(q, 9, d->address, sizeof(d->address));
	query_text(q, 10, d->slots, sizeof(d->slots));
	d->wants_attributes = query_int(q, 11) != 0;
	d->created_at = query_int(q, 12);
	d->seen_at = query_int(q, 13);
	d->open_deployment = (uint64_t)query_int(q, 14);
	d->latest_deployment = (uint64_t)query_int(q, 15);
	d->installed_deployment = (uint64_t)query_int(q, 16);
	d->revision = (uint64_t)query_int(q, 17);
	query_text(q, 18, d->site, sizeof(d->site));
	query_text(q, 19, d->tags, sizeof(d->tags));
	d->pin = (enum pin)query_int(q, 20);
	query_text(q, 21, d->pin_release, sizeof(d->pin_release));
	query_text(q, 22, d->pin_reason, sizeof(d->pin_reason));
	d->security_floor = (uint32_t)query_int(q, 23);
}

/* What is no version has no key, and so no place in an order. */
const char *version_key_or_none(const char *version,
				char ret_key[VERSION_KEY_MAX_LEN + 1])
{
	if (version_key(version, ret_key, NULL) < 0)
		ret_key[0] = '\0';
	return ret_key;
}

int device_load_by_id(struct conn *db, const char *tenant, const char *id,
		      struct device *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DEVICE_GET, &q, e, ARGS(ARG_T(tenant), ARG_T(id))) < 0 ||
	    step_one(&q, "device", id, e) < 0)
		return -1;
	device_load(&q, ret);
	return 0;
}

/* The statement that just ran must have met the device. */
static int check_met(struct conn *db, const char *id, struct err *e)
{
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no device \"%.128s\"", id);
	return 0;
}

int verb_DEVICE_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	struct device d = c->in.device_new.device;
	char id[DEVICE_ID_MAX_LEN + 1], name[DEVICE_TEXT_MAX_LEN + 1];

	text_fold(d.id, id, sizeof(id));
	text_fold(d.name, name, sizeof(name));
	audit_complete_object(c, d.id);
	if (tenant_take_device(db, c, e) < 0)
		return -1;
	if (query_run(db, SQL_DEVICE_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(d.id), ARG_T(d.name),
			   ARG_T(d.product), ARG_T(d.hardware),
			   ARG_B(c->in.device_new.token_hash, SHA256_LEN),
			   ARG_I(c->now_ms), ARG_T(id), ARG_T(name))) < 0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_CONFLICT,
				      "there is a device \"%s\" already", d.id);
		return -1;
	}
	return device_load_by_id(db, c->tenant, d.id, &c->out.device, e);
}

int verb_DEVICE_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return device_load_by_id(db, c->tenant, c->in.device_id, &c->out.device, e);
}

int verb_DEVICE_BY_TOKEN(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_DEVICE_BY_TOKEN, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_B(c->in.hash, SHA256_LEN))) < 0 ||
	    step_one(&q, "device with this", "token", e) < 0)
		return -1;
	device_load(&q, &c->out.device);
	return 0;
}

static int load_attribute(struct conn *db, const char *tenant, const struct query *q,
			  void *ret, struct err *e)
{
	struct attribute *a = ret;

	(void)db;
	(void)tenant;
	(void)e;
	*a = (struct attribute){.remove = false};
	query_text(q, 0, a->key, sizeof(a->key));
	query_text(q, 1, a->value, sizeof(a->value));
	a->by_operator = query_int(q, 2) != 0;
	return 0;
}

int verb_DEVICE_ATTRIBUTES(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ATTRIBUTE_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.device_id))) < 0)
		return -1;
	return load_items(&q, c, DEVICE_MAX_ATTRIBUTES, sizeof(struct attribute),
			  load_attribute, e);
}

static int put_attribute(struct conn *db, const struct store_call *c,
			 const struct attribute *a, struct err *e)
{
	const char *id = c->in.attributes.id;
	char key[VERSION_KEY_MAX_LEN + 1];

	if (a->remove)
		return query_run(db, SQL_ATTRIBUTE_DELETE, e,
				 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(a->key)));
	return query_run(db, SQL_ATTRIBUTE_PUT, e,
			 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(a->key),
			      ARG_T(a->value),
			      ARG_T(version_key_or_none(a->value, key))));
}

int attribute_check_count(struct conn *db, const char *tenant, const char *device,
			  struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_ATTRIBUTE_COUNT, &q, e,
		       ARGS(ARG_T(tenant), ARG_T(device))) < 0 ||
	    query_step(&q, &row, e) < 0)
		return -1;
	if (query_int(&q, 0) > DEVICE_MAX_ATTRIBUTES)
		return err_set(e, ERR_RATE, "a device has at most %d attributes",
			       DEVICE_MAX_ATTRIBUTES);
	return 0;
}

static int put_attributes(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct attribute *a = c->items;

	if (c->in.attributes.replace &&
	    (query_run(db, SQL_ATTRIBUTE_CLEAR, e,
		       ARGS(ARG_T(c->tenant), ARG_T(c->in.attributes.id))) < 0 ||
	     component_forget_reported(db, c, e) < 0))
		return -1;
	for (size_t i = 0; i < c->n_items; i++) {
		if (put_attribute(db, c, &a[i], e) < 0 ||
		    component_take_attribute(db, c, &a[i], e) < 0)
			return -1;
	}
	return attribute_check_count(db, c->tenant, c->in.attributes.id, e);
}

/* The agent (`ota-client`) says its floor; what is no number says nothing. */
static int put_floor(struct conn *db, const struct store_call *c, struct err *e)
{
	const struct attribute *a = c->items;
	uint64_t floor;

	for (size_t i = 0; i < c->n_items; i++) {
		if (a[i].remove || strcmp(a[i].key, DEVICE_FLOOR_KEY) != 0 ||
		    parse_u64(a[i].value, &floor, NULL) < 0 || floor > UINT32_MAX)
			continue;
		return query_run(
		    db, SQL_DEVICE_FLOOR, e,
		    ARGS(ARG_T(c->tenant), ARG_T(c->in.attributes.id), ARG_I(floor)));
	}
	return 0;
}

static int put_capabilities(struct conn *db, const struct store_call *c, struct err *e)
{
	const char *words = c->in.attributes.capabilities;

	if (words[0] == '\0')
		return 0;
	return query_run(db, SQL_DEVICE_AGENT, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.attributes.id), ARG_T(""),
			      ARG_T(words), ARG_T("")));
}

int verb_DEVICE_SET_ATTRIBUTES(struct conn *db, struct store_call *c, struct err *e)
{
	const char *id = c->in.attributes.id;
	char version[VERSION_KEY_MAX_LEN + 1], agent[VERSION_KEY_MAX_LEN + 1];

	if (query_run(
		db, SQL_DEVICE_REPORTED, e,
		ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(c->in.attributes.slots),
		     ARG_T(c->in.attributes.product), ARG_T(c->in.attributes.hardware),
		     ARG_T(c->in.attributes.version),
		     ARG_T(c->in.attributes.agent_version),
		     ARG_T(version_key_or_none(c->in.attributes.version, version)),
		     ARG_T(version_key_or_none(c->in.attributes.agent_version,
					       agent)))) < 0 ||
	    check_met(db, id, e) < 0 || put_attributes(db, c, e) < 0 ||
	    put_floor(db, c, e) < 0 || put_capabilities(db, c, e) < 0)
		return -1;
	return device_load_by_id(db, c->tenant, id, &c->out.device, e);
}

int verb_DEVICE_SEEN(struct conn *db, struct store_call *c, struct err *e)
{
	const struct seen *s = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_DEVICE_SEEN, e,
			      ARGS(ARG_T(s[i].tenant), ARG_T(s[i].id), ARG_I(s[i].at),
				   ARG_T(s[i].address))) < 0)
			return -1;
	}
	return 0;
}

int verb_DEVICE_SET_TOKEN(struct conn *db, struct store_call *c, struct err *e)
{
	const char *id = c->in.device_token.id;

	if (query_run(db, SQL_DEVICE_SET_TOKEN, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id),
			   ARG_B(c->in.device_token.token_hash, SHA256_LEN))) < 0)
		return -1;
	return check_met(db, id, e);
}

int verb_DEVICE_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	if (member_forget(db, c, c->in.device_id, e) < 0 ||
	    query_run(db, SQL_DEVICE_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(c->in.device_id))) < 0 ||
	    check_met(db, c->in.device_id, e) < 0)
		return -1;
	return tenant_give_device(db, c, e);
}

static int load_version_count(struct conn *db, const char *tenant,
			      const struct query *q, void *ret, struct err *e)
{
	struct version_count *v = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, v->product, sizeof(v->product));
	query_text(q, 1, v->version, sizeof(v->version));
	v->grade = (enum grade)query_int(q, 2);
	v->state = (enum device_state)query_int(q, 3);
	v->n_devices = (uint64_t)query_int(q, 4);
	return 0;
}

int verb_VERSION_COUNTS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT d.product, d.version, d.grade, d.state, count(*) "
			 "FROM device d WHERE d.tenant = ");
	sql_make_text(&m, c->tenant);
	scope_add(&m, db, c);
	sql_make_add(&m, " GROUP BY d.product, d.version, d.grade, d.state");
	if (sql_make_open(&m, db, &q, e) < 0)
		return -1;
	return load_items(&q, c, STORE_LIST_MAX, sizeof(struct version_count),
			  load_version_count, e);
}
