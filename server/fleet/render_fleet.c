/* SPDX-License-Identifier: Apache-2.0 */
#include "render_fleet.h"

#include "../../common/base/text.h"

#include <string.h>

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, json_new_text(text), e);
}

static int set_maybe(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, text[0] == '\0' ? json_new_null() : json_new_text(text),
			e);
}

static int set_int(struct json *o, const char *key, int64_t v, struct err *e)
{
	return json_set(o, key, json_new_int(v), e);
}

struct json *render_group(const struct fleet_group *g, const struct device_count *n,
			  struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "name", g->name, e) < 0 ||
	    set_maybe(o, "about", g->about, e) < 0 ||
	    set_maybe(o, "filter", g->is_rule ? g->rule : "", e) < 0 ||
	    set_int(o, "created_at", g->created_at, e) < 0 ||
	    set_int(o, "updated_at", g->updated_at, e) < 0)
		return NULL;
	if (n != NULL && (set_int(o, "devices", (int64_t)n->n, e) < 0 ||
			  json_set(o, "devices_exact", json_new_bool(n->exact), e) < 0))
		return NULL;
	return TAKE(o);
}

struct json *render_product(const struct product *p, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *hardware = json_new_array();
	struct json *ends = p->support_ends_at == 0 ? json_new_null()
						    : json_new_int(p->support_ends_at);

	for (size_t i = 0; i < p->n_hardware; i++) {
		if (json_append(hardware, json_new_text(p->hardware[i]), e) < 0) {
			json_free(ends);
			return NULL;
		}
	}
	if (json_set(o, "support_ends_at", ends, e) < 0 ||
	    set_text(o, "name", p->name, e) < 0 ||
	    set_maybe(o, "about", p->about, e) < 0 ||
	    json_set(o, "hardware", TAKE(hardware), e) < 0 ||
	    set_int(o, "created_at", p->created_at, e) < 0 ||
	    set_int(o, "updated_at", p->updated_at, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_version_count(const struct version_count *v, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "product", v->product, e) < 0 ||
	    set_text(o, "version", v->version, e) < 0 ||
	    set_text(o, "grade", grade_name(v->grade), e) < 0 ||
	    set_text(o, "state", device_state_name(v->state), e) < 0 ||
	    set_int(o, "devices", (int64_t)v->n_devices, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_version_point(const struct version_point *p, struct err *e)
{
	AUTO_PTR(json) struct json *o = render_version_count(&p->count, e);

	if (o == NULL || set_int(o, "at", p->at, e) < 0)
		return NULL;
	return TAKE(o);
}

/* The filter shows who is behind; each of them says why by itself. */
struct json *render_newest(const struct newest_release *n, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char filter[PRODUCT_MAX_LEN + VERSION_MAX_LEN + 64];

	if (text_format(filter, sizeof(filter), e, "product==%s;version=lt=%s",
			n->product, n->version) < 0 ||
	    o == NULL || set_text(o, "product", n->product, e) < 0 ||
	    set_text(o, "version", n->version, e) < 0 ||
	    set_text(o, "release", n->release, e) < 0 ||
	    set_int(o, "behind", (int64_t)n->n_behind, e) < 0 ||
	    set_text(o, "behind_filter", filter, e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *render_tags(const char *tags, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	char tag[TAG_MAX_LEN + 1];

	while (*tags != '\0') {
		size_t len = strcspn(tags, " ");

		if (text_format(tag, sizeof(tag), e, "%.*s", (int)len, tags) < 0 ||
		    json_append(list, json_new_text(tag), e) < 0)
			return NULL;
		tags += len;
		tags += strspn(tags, " ");
	}
	return TAKE(list);
}

static struct json *render_pin(const struct device *d, struct err *e)
{
	AUTO_PTR(json) struct json *o = NULL;

	if (d->pin == PIN_NONE)
		return json_new_null();
	o = json_new_object();
	if (o == NULL || set_maybe(o, "release", d->pin_release, e) < 0 ||
	    set_text(o, "reason", d->pin_reason, e) < 0)
		return NULL;
	return TAKE(o);
}

int render_said(struct json *o, const struct device *d, struct err *e)
{
	if (set_maybe(o, "site", d->site, e) < 0 ||
	    json_set(o, "tags", render_tags(d->tags, e), e) < 0)
		return -1;
	return json_set(o, "pin", render_pin(d, e), e);
}

struct json *render_job(const struct fleet_job *j, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)j->id);
	if (o == NULL || set_text(o, "id", id, e) < 0 ||
	    set_text(o, "action", job_action_name(j->action), e) < 0 ||
	    set_text(o, "state", job_state_name(j->state), e) < 0 ||
	    set_text(o, "filter", j->filter, e) < 0 ||
	    set_maybe(o, "tag", j->tag, e) < 0 ||
	    set_maybe(o, "release", j->release, e) < 0 ||
	    set_maybe(o, "reason", j->reason, e) < 0 ||
	    set_maybe(o, "group", j->group, e) < 0 ||
	    json_set(o, "force", json_new_bool(j->forced), e) < 0 ||
	    set_maybe(o, "by", j->who, e) < 0 ||
	    set_int(o, "done", (int64_t)j->n_done, e) < 0 ||
	    set_int(o, "skipped", (int64_t)j->n_skipped, e) < 0 ||
	    set_maybe(o, "last_device", j->last_id, e) < 0 ||
	    set_maybe(o, "detail", j->detail, e) < 0 ||
	    set_int(o, "created_at", j->created_at, e) < 0 ||
	    set_int(o, "updated_at", j->updated_at, e) < 0)
		return NULL;
	return TAKE(o);
}
