/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "render_fleet.h"

#include "../../common/base/text.h"

#include <string.h>

#define LINE_MAX_LEN 513 /* as ddi.h cuts them */

/* Members are added through a row each; the first that fails ends it. */
static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, text[0] == '\0' ? json_new_null() : json_new_text(text),
			e);
}

static int set_int(struct json *o, const char *key, uint64_t v, struct err *e)
{
	return json_set(o, key, json_new_int((int64_t)v), e);
}

static int set_id(struct json *o, const char *key, uint64_t id, struct err *e)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	return json_set(o, key, json_new_text(text), e);
}

static int set_time(struct json *o, const char *key, int64_t at, struct err *e)
{
	return json_set(o, key, at == 0 ? json_new_null() : json_new_int(at), e);
}

static int set_slots(struct json *o, const struct device *d, bool with_hashes,
		     struct err *e)
{
	AUTO_PTR(json) struct json *slots = NULL;

	if (d->slots[0] == '\0')
		return json_set(o, "slots", json_new_null(), e);
	slots = json_parse(d->slots, strlen(d->slots), e);
	if (slots == NULL)
		return -1;
	for (size_t i = 0; !with_hashes && i < json_len(slots); i++)
		json_remove((struct json *)(uintptr_t)json_at(slots, i), "root_hash");
	return json_set(o, "slots", TAKE(slots), e);
}

static int set_deployment(struct json *o, const struct deployment *d, struct err *e)
{
	struct json *j = d == NULL ? json_new_null() : render_deployment(d, e);

	return json_set(o, "deployment", j, e);
}

struct json *render_device(const struct device *d, const struct deployment *deployment,
			   bool with_hashes, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "id", d->id, e) < 0 ||
	    set_text(o, "name", d->name, e) < 0 ||
	    set_text(o, "product", d->product, e) < 0 ||
	    set_text(o, "hardware", d->hardware, e) < 0 ||
	    set_text(o, "version", d->version, e) < 0 ||
	    set_text(o, "grade", grade_name(d->grade), e) < 0 ||
	    set_text(o, "state", device_state_name(d->state), e) < 0 ||
	    set_text(o, "agent_version", d->agent_version, e) < 0 ||
	    set_text(o, "address", d->address, e) < 0 || render_said(o, d, e) < 0 ||
	    set_time(o, "created_at", d->created_at, e) < 0 ||
	    set_time(o, "seen_at", d->seen_at, e) < 0 ||
	    set_slots(o, d, with_hashes, e) < 0 || set_deployment(o, deployment, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_attributes(const struct attribute *a, size_t n, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	for (size_t i = 0; i < n; i++) {
		if (json_set(o, a[i].key, json_new_text(a[i].value), e) < 0)
			return NULL;
	}
	return TAKE(o);
}

struct json *render_components(const struct component *p, size_t n, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < n; i++) {
		AUTO_PTR(json) struct json *o = json_new_object();

		if (o == NULL || set_text(o, "name", p[i].name, e) < 0 ||
		    set_text(o, "version", p[i].version, e) < 0 ||
		    set_text(o, "grade", grade_name(p[i].grade), e) < 0 ||
		    json_append(list, TAKE(o), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *render_images(const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < r->n_images; i++) {
		const struct image *m = &r->images[i];
		AUTO_PTR(json) struct json *o = json_new_object();

		if (o == NULL || set_text(o, "name", m->name, e) < 0 ||
		    set_int(o, "size", m->size, e) < 0 ||
		    json_set(o, "root_hash", json_new_hex(m->root_hash, SHA256_LEN),
			     e) < 0 ||
		    json_append(list, TAKE(o), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *render_hardware(const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < r->n_hardware; i++) {
		if (json_append(list, json_new_text(r->hardware[i]), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *render_files(const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < r->n_files; i++) {
		const struct release_file *f = &r->files[i];
		AUTO_PTR(json) struct json *o = json_new_object();

		if (o == NULL || set_text(o, "name", f->name, e) < 0 ||
		    set_text(o, "part", file_part_name(f->part), e) < 0 ||
		    set_int(o, "size", f->size, e) < 0 ||
		    json_set(o, "sha256", json_new_hex(f->sha256, SHA256_LEN), e) < 0 ||
		    json_append(list, TAKE(o), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static uint64_t release_size(const struct release *r)
{
	uint64_t all = r->head_size + r->body_size;

	for (size_t i = 0; i < r->n_files; i++)
		all += r->files[i].size;
	return all;
}

/* null: it is as good as published. */
static struct json *render_withdrawal(const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *o = NULL;

	if (r->withdrawn_at == 0)
		return json_new_null();
	o = json_new_object();
	if (o == NULL || set_time(o, "at", r->withdrawn_at, e) < 0 ||
	    set_text(o, "by", r->withdrawn_by, e) < 0 ||
	    set_text(o, "reason", r->withdrawn_reason, e) < 0 ||
	    set_time(o, "unlisted_at", r->unlisted_at, e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *render_release(const struct release *r, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_text(o, "id", r->id, e) < 0 ||
	    set_text(o, "product", r->product, e) < 0 ||
	    set_text(o, "version", r->version, e) < 0 ||
	    set_int(o, "security_version", r->security_version, e) < 0 ||
	    set_int(o, "raise_floor_to", r->raise_floor_to, e) < 0 ||
	    json_set(o, "hardware", render_hardware(r, e), e) < 0 ||
	    set_text(o, "notes", r->notes, e) < 0 ||
	    set_int(o, "size", release_size(r), e) < 0 ||
	    json_set(o, "security_only", json_new_bool(r->security_only), e) < 0 ||
	    json_set(o, "images", render_images(r, e), e) < 0 ||
	    json_set(o, "files", render_files(r, e), e) < 0 ||
	    set_time(o, "created_at", r->created_at, e) < 0 ||
	    set_text(o, "state", r->withdrawn_at == 0 ? "published" : "withdrawn", e) <
		0 ||
	    json_set(o, "withdrawn", render_withdrawal(r, e), e) < 0 ||
	    json_set(o, "manifest_sha256", json_new_hex(r->manifest_sha256, SHA256_LEN),
		     e) < 0)
		return NULL;
	return TAKE(o);
}

static int set_proof(struct json *o, const struct proof *p, struct err *e)
{
	AUTO_PTR(json) struct json *j = NULL;
	const char slot[2] = {p->slot, '\0'};

	if (!p->present)
		return json_set(o, "proof", json_new_null(), e);
	j = json_new_object();
	if (j == NULL ||
	    json_set(j, "root_hash", json_new_hex(p->root_hash, SHA256_LEN), e) < 0 ||
	    json_set(j, "boot_id", json_new_hex(p->boot_id, sizeof(p->boot_id)), e) <
		0 ||
	    set_text(j, "slot", slot, e) < 0 ||
	    set_int(j, "counter", p->counter, e) < 0)
		return -1;
	return json_set(o, "proof", TAKE(j), e);
}

struct json *render_deployment(const struct deployment *d, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || set_id(o, "id", d->id, e) < 0 ||
	    set_text(o, "device", d->device, e) < 0 ||
	    set_text(o, "release", d->release, e) < 0 ||
	    set_text(o, "product", d->product, e) < 0 ||
	    set_text(o, "version", d->version, e) < 0 ||
	    set_text(o, "state", deployment_state_name(d->state), e) < 0 ||
	    set_text(o, "kind", deployment_kind_name(d->kind), e) < 0 ||
	    set_time(o, "force_at", d->force_at, e) < 0 ||
	    set_time(o, "not_before", d->not_before, e) < 0 ||
	    set_text(o, "consent", consent_name(d->consent), e) < 0 ||
	    set_text(o, "detail", d->detail, e) < 0 ||
	    set_int(o, "progress", d->progress, e) < 0 ||
	    set_time(o, "created_at", d->created_at, e) < 0 ||
	    set_time(o, "updated_at", d->updated_at, e) < 0 ||
	    set_proof(o, &d->proof, e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *render_lines(const char *text, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	char line[LINE_MAX_LEN];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		(void)snprintf(line, sizeof(line), "%.*s",
			       (int)(len < sizeof(line) ? len : sizeof(line) - 1),
			       text);
		if (json_append(list, json_new_text(line), e) < 0)
			return NULL;
		text += len + (text[len] == '\n');
	}
	return TAKE(list);
}

struct json *render_statuses(const struct status *s, size_t n, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < n; i++) {
		AUTO_PTR(json) struct json *o = json_new_object();

		if (o == NULL || set_time(o, "at", s[i].at, e) < 0 ||
		    set_text(o, "execution", s[i].execution, e) < 0 ||
		    set_text(o, "finished", s[i].finished, e) < 0 ||
		    json_set(o, "details", render_lines(s[i].details, e), e) < 0 ||
		    json_append(list, TAKE(o), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

const char *attribute_value(const struct attribute *a, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (!a[i].remove && strcmp(a[i].key, key) == 0)
			return a[i].value;
	}
	return NULL;
}

static const char *slot_value(const struct attribute *a, size_t n, char slot,
			      const char *field)
{
	char key[32];
	const char *v;

	(void)snprintf(key, sizeof(key), "slot.%c.%s", slot, field);
	v = attribute_value(a, n, key);
	return v == NULL ? "" : v;
}

static struct json *render_slot(const struct attribute *a, size_t n, char slot,
				struct err *e)
{
	const char *booted = attribute_value(a, n, "slot.booted");
	const char name[2] = {(char)(slot - 'a' + 'A'), '\0'};
	AUTO_PTR(json) struct json *o = json_new_object();
	uint64_t tries = 0;

	if (parse_u64(slot_value(a, n, slot, "tries"), &tries, NULL) < 0)
		tries = 0; /* absent or nonsense: a device's word, shown and not used */
	if (o == NULL || set_text(o, "name", name, e) < 0 ||
	    set_text(o, "state", slot_value(a, n, slot, "state"), e) < 0 ||
	    set_text(o, "version", slot_value(a, n, slot, "version"), e) < 0 ||
	    set_int(o, "tries", tries, e) < 0 ||
	    set_text(o, "reason", slot_value(a, n, slot, "reason"), e) < 0 ||
	    json_set(o, "booted",
		     json_new_bool(booted != NULL && strcmp(booted, name) == 0),
		     e) < 0 ||
	    set_text(o, "root_hash", slot_value(a, n, slot, "root_hash"), e) < 0)
		return NULL;
	return TAKE(o);
}

int render_slots(const struct attribute *a, size_t n, char ret[SLOTS_TEXT_MAX_LEN + 1],
		 struct err *e)
{
	AUTO_PTR(json) struct json *list = NULL;
	AUTO(buf) struct buf text = BUF_INIT(SLOTS_TEXT_MAX_LEN);
	struct err why = ERR_INIT;

	ret[0] = '\0';
	if (slot_value(a, n, 'a', "state")[0] == '\0' ||
	    slot_value(a, n, 'b', "state")[0] == '\0')
		return 0;
	list = json_new_array();
	if (list == NULL || json_append(list, render_slot(a, n, 'a', e), e) < 0 ||
	    json_append(list, render_slot(a, n, 'b', e), e) < 0)
		return -1;
	if (json_write(list, &text, &why) < 0) {
		if (why.code == ERR_LIMIT) /* no slot says so much: shown without */
			return 0;
		*e = why;
		return -1;
	}
	return text_copy(ret, SLOTS_TEXT_MAX_LEN + 1, buf_str(&text), "slots", e);
}

struct json *render_freeze(const struct freeze *f, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "frozen", json_new_bool(f->on), e) < 0)
		return NULL;
	if (f->on &&
	    (set_text(o, "reason", f->reason, e) < 0 ||
	     set_text(o, "by", f->by, e) < 0 ||
	     set_time(o, "since_at", f->since, e) < 0 ||
	     json_set(o, "cancel_running", json_new_bool(f->cancel_running), e) < 0))
		return NULL;
	return TAKE(o);
}
