/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of what an operator says of devices, of products, and of versions over time. */
#include "scope.h"
#include "sql_make.h"
#include "verbs.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- devices ---- */

static int put_operator_attribute(struct conn *db, const struct store_call *c,
				  const struct attribute *a, struct err *e)
{
	char key[VERSION_KEY_MAX_LEN + 1];
	const char *id = c->in.patch.id;

	if (a->remove)
		return query_run(db, SQL_OPERATOR_ATTRIBUTE_DELETE, e,
				 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(a->key)));
	return query_run(db, SQL_OPERATOR_ATTRIBUTE_PUT, e,
			 ARGS(ARG_T(c->tenant), ARG_T(id), ARG_T(a->key),
			      ARG_T(a->value),
			      ARG_T(version_key_or_none(a->value, key))));
}

int device_put_tags(struct conn *db, const char *tenant, const char *id,
		    const char *tags, struct err *e)
{
	char tag[TAG_MAX_LEN + 1];

	if (query_run(db, SQL_TAG_CLEAR, e, ARGS(ARG_T(tenant), ARG_T(id))) < 0)
		return -1;
	while (*tags != '\0') {
		size_t len = strcspn(tags, " ");

		if (text_format(tag, sizeof(tag), e, "%.*s", (int)len, tags) < 0 ||
		    query_run(db, SQL_TAG_PUT, e,
			      ARGS(ARG_T(tenant), ARG_T(id), ARG_T(tag))) < 0)
			return -1;
		tags += len + (tags[len] == ' ');
	}
	return 0;
}

int device_put_said(struct conn *db, const char *tenant, const struct device *d,
		    struct err *e)
{
	char folded[DEVICE_TEXT_MAX_LEN + 1];

	text_fold(d->name, folded, sizeof(folded));
	return query_run(db, SQL_DEVICE_PATCH, e,
			 ARGS(ARG_T(tenant), ARG_T(d->id), ARG_T(d->name),
			      ARG_T(folded), ARG_T(d->site), ARG_T(d->tags),
			      ARG_I(d->pin), ARG_T(d->pin_release),
			      ARG_T(d->pin_reason)));
}

static int check_pin(struct conn *db, const struct store_call *c, const char *release,
		     struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_RELEASE_EXISTS, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(release))) < 0)
		return -1;
	return step_one(&q, "release", release, e);
}

static void apply_patch(struct device *d, const struct device_patch *p)
{
	if (p->set_name)
		memcpy(d->name, p->name, sizeof(d->name));
	if (p->set_site)
		memcpy(d->site, p->site, sizeof(d->site));
	if (p->set_tags)
		memcpy(d->tags, p->tags, sizeof(d->tags));
	if (!p->set_pin)
		return;
	d->pin = p->pin;
	memcpy(d->pin_release, p->pin_release, sizeof(d->pin_release));
	memcpy(d->pin_reason, p->pin_reason, sizeof(d->pin_reason));
}

int verb_DEVICE_PATCH(struct conn *db, struct store_call *c, struct err *e)
{
	const struct device_patch *p = &c->in.patch;
	const struct attribute *a = c->items;
	struct device d;

	if (device_load_by_id(db, c->tenant, p->id, &d, e) < 0)
		return -1;
	if (p->expect_revision != 0 && p->expect_revision != d.revision)
		return err_set(e, ERR_PRECONDITION, "device \"%s\" changed in between",
			       d.id);
	if (p->set_pin && p->pin == PIN_RELEASE &&
	    check_pin(db, c, p->pin_release, e) < 0)
		return -1;
	apply_patch(&d, p);
	if (device_put_said(db, c->tenant, &d, e) < 0 ||
	    (p->set_tags && device_put_tags(db, c->tenant, d.id, d.tags, e) < 0))
		return -1;
	for (size_t i = 0; i < c->n_items; i++) {
		if (put_operator_attribute(db, c, &a[i], e) < 0)
			return -1;
	}
	if (attribute_check_count(db, c->tenant, d.id, e) < 0)
		return -1;
	return device_load_by_id(db, c->tenant, p->id, &c->out.device, e);
}

/* ---- keys of what an earlier schema stored ---- */

#define REKEY_BATCH 500

struct old_row {
	char tenant[TENANT_MAX_LEN + 1];
	char id[DEVICE_ID_MAX_LEN + 1];
	char a[ATTRIBUTE_MAX_LEN + 1], b[ATTRIBUTE_MAX_LEN + 1];
};

static int load_old(struct conn *db, const char *tenant, const struct query *q,
		    void *ret, struct err *e)
{
	struct old_row *r = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_text(q, 0, r->tenant, sizeof(r->tenant));
	query_text(q, 1, r->id, sizeof(r->id));
	query_text(q, 2, r->a, sizeof(r->a));
	query_text(q, 3, r->b, sizeof(r->b));
	return 0;
}

static int load_batch(struct conn *db, struct store_call *c, enum sql which,
		      struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, which, &q, e, ARGS(ARG_I(REKEY_BATCH))) < 0)
		return -1;
	return load_items(&q, c, REKEY_BATCH, sizeof(struct old_row), load_old, e);
}

static int rekey_devices(struct conn *db, struct store_call *c, struct err *e)
{
	char version[VERSION_KEY_MAX_LEN + 1], agent[VERSION_KEY_MAX_LEN + 1];
	const struct old_row *r;

	if (load_batch(db, c, SQL_REKEY_DEVICES, e) < 0)
		return -1;
	r = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_REKEY_DEVICE, e,
			      ARGS(ARG_T(r[i].tenant), ARG_T(r[i].id),
				   ARG_T(version_key_or_none(r[i].a, version)),
				   ARG_T(version_key_or_none(r[i].b, agent)))) < 0)
			return -1;
	}
	c->out.count.n += c->n_items;
	return 0;
}

static int rekey_attributes(struct conn *db, struct store_call *c, struct err *e)
{
	char key[VERSION_KEY_MAX_LEN + 1];
	const struct old_row *r;

	if (load_batch(db, c, SQL_REKEY_ATTRIBUTES, e) < 0)
		return -1;
	r = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_REKEY_ATTRIBUTE, e,
			      ARGS(ARG_T(r[i].tenant), ARG_T(r[i].id), ARG_T(r[i].a),
				   ARG_T(version_key_or_none(r[i].b, key)))) < 0)
			return -1;
	}
	c->out.count.n += c->n_items;
	return 0;
}

int verb_DEVICE_REKEY(struct conn *db, struct store_call *c, struct err *e)
{
	c->out.count = (struct device_count){.exact = true};
	if (rekey_devices(db, c, e) < 0)
		return -1;
	return rekey_attributes(db, c, e);
}

/* ---- products ---- */

static int load_product(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	char list[PRODUCT_MAX_HARDWARE * (HARDWARE_MAX_LEN + 1) + 1];
	struct product *p = ret;

	(void)db;
	(void)tenant;
	*p = (struct product){.n_hardware = 0};
	query_text(q, 0, p->name, sizeof(p->name));
	query_text(q, 1, p->about, sizeof(p->about));
	query_text(q, 2, list, sizeof(list));
	for (const char *at = list; *at != '\0' && p->n_hardware < PRODUCT_MAX_HARDWARE;
	     at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (text_format(p->hardware[p->n_hardware++], HARDWARE_MAX_LEN + 1, e,
				"%.*s", (int)len, at) < 0)
			return -1;
		at += len;
	}
	p->support_ends_at = query_int(q, 3);
	p->created_at = query_int(q, 4);
	p->updated_at = query_int(q, 5);
	p->revision = (uint64_t)query_int(q, 6);
	return 0;
}

int verb_PRODUCT_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(
		db, SQL_PRODUCT_LIST, &q, e,
		ARGS(ARG_T(c->tenant), ARG_T(c->in.page.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct product), load_product, e);
}

static int get_product(struct conn *db, struct store_call *c, const char *name,
		       struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_PRODUCT_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_T(name))) < 0 ||
	    step_one(&q, "product", name, e) < 0)
		return -1;
	return load_product(db, c->tenant, &q, &c->out.product, e);
}

int verb_PRODUCT_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return get_product(db, c, c->in.name, e);
}

int verb_PRODUCT_PUT(struct conn *db, struct store_call *c, struct err *e)
{
	const struct product p = c->in.product; /* out shares its place with nothing */
	AUTO(buf)
	struct buf list = BUF_INIT(PRODUCT_MAX_HARDWARE * (HARDWARE_MAX_LEN + 1));

	for (size_t i = 0; i < p.n_hardware; i++) {
		if (buf_printf(&list, e, "%s%s", i > 0 ? " " : "", p.hardware[i]) < 0)
			return -1;
	}
	if (query_run(db, SQL_PRODUCT_PUT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(p.name), ARG_T(p.about),
			   ARG_T(buf_str(&list)), ARG_I(p.support_ends_at),
			   ARG_I(c->now_ms))) < 0)
		return -1;
	return get_product(db, c, p.name, e);
}

int verb_PRODUCT_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	if (query_run(db, SQL_PRODUCT_DELETE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(c->in.name))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no product \"%s\"",
			       c->in.name);
	return 0;
}

/* ---- versions over time ---- */

int verb_VERSION_SAMPLE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct version_count *v = c->items;
	int64_t at = c->in.sample.at;

	for (size_t i = 0; i < c->n_items; i++) {
		if (query_run(db, SQL_SAMPLE_PUT, e,
			      ARGS(ARG_T(c->tenant), ARG_I(at), ARG_T(v[i].product),
				   ARG_T(v[i].version), ARG_I(v[i].grade),
				   ARG_I(v[i].state), ARG_I(v[i].n_devices))) < 0)
			return -1;
	}
	return query_run(db, SQL_SAMPLE_PRUNE, e,
			 ARGS(ARG_T(c->tenant),
			      ARG_I(at - SAMPLE_KEEP_DAYS * 24 * SAMPLE_HOUR_MS),
			      ARG_I(at - SAMPLE_KEEP_HOURS * SAMPLE_HOUR_MS)));
}

static int load_point(struct conn *db, const char *tenant, const struct query *q,
		      void *ret, struct err *e)
{
	struct version_point *p = ret;

	(void)db;
	(void)tenant;
	(void)e;
	p->at = query_int(q, 0);
	query_text(q, 1, p->count.product, sizeof(p->count.product));
	query_text(q, 2, p->count.version, sizeof(p->count.version));
	p->count.grade = (enum grade)query_int(q, 3);
	p->count.state = (enum device_state)query_int(q, 4);
	p->count.n_devices = (uint64_t)query_int(q, 5);
	return 0;
}

int verb_VERSION_HISTORY(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = c->in.history.limit;

	if (query_open(db, SQL_SAMPLE_LIST, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.history.after),
			    ARG_T(c->in.history.product), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct version_point), load_point, e);
}

/* ---- who is behind ---- */

static int count_behind(struct conn *db, const struct store_call *c,
			struct newest_release *n, struct err *e)
{
	AUTO(sql_make) struct sql_make m;
	AUTO(query) struct query q = QUERY_INIT;
	char key[VERSION_KEY_MAX_LEN + 1];
	bool row;

	sql_make_init(&m);
	sql_make_add(&m, "SELECT count(*) FROM device d WHERE d.tenant = ");
	sql_make_text(&m, c->tenant);
	sql_make_add(&m, " AND d.product = ");
	sql_make_text(&m, n->product);
	sql_make_add(&m, " AND d.version_key <> '' AND d.version_key < ");
	sql_make_text(&m, version_key_or_none(n->version, key));
	scope_add(&m, db, c);
	if (sql_make_open(&m, db, &q, e) < 0 || query_step(&q, &row, e) < 0)
		return -1;
	n->n_behind = (uint64_t)query_int(&q, 0);
	return 0;
}

/* Rows come by product, in the order of their release: the first of equal versions
 * stays. */
static int find_newest(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	struct newest_release *n = store_call_items(c, STORE_LIST_MAX, sizeof(*n), e);
	struct newest_release r = {.n_behind = 0};
	bool row;

	if (n == NULL ||
	    query_open(db, SQL_RELEASE_VERSIONS, &q, e, ARGS(ARG_T(c->tenant))) < 0)
		return -1;
	c->n_items = 0;
	for (;;) {
		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_text(&q, 0, r.product, sizeof(r.product));
		query_text(&q, 1, r.version, sizeof(r.version));
		query_text(&q, 2, r.release, sizeof(r.release));
		if (c->n_items == 0 ||
		    strcmp(n[c->n_items - 1].product, r.product) != 0) {
			if (c->n_items == STORE_LIST_MAX)
				return 0;
			n[c->n_items++] = r;
		} else if (version_compare(r.version, n[c->n_items - 1].version) > 0) {
			n[c->n_items - 1] = r;
		}
	}
}

int verb_RELEASE_NEWEST(struct conn *db, struct store_call *c, struct err *e)
{
	struct newest_release *n;

	if (find_newest(db, c, e) < 0)
		return -1;
	n = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (count_behind(db, c, &n[i], e) < 0)
			return -1;
	}
	return 0;
}
