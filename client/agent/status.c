/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's state for people and scripts: what `ota-client status --json` prints. */
#include "internal.h"

#include "../../common/base/text.h"

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, json_new_text(text), e);
}

static int add_slot(struct json *list, const struct agent *a, unsigned i, struct err *e)
{
	const struct slot *s = &a->record.slots[i];
	const char name[2] = {slot_letter(i), '\0'};
	struct json *o = json_new_object();

	if (json_append(list, o, e) < 0 || set_text(o, "name", name, e) < 0 ||
	    set_text(o, "state", slot_state_name(s->state), e) < 0 ||
	    set_text(o, "version", s->version, e) < 0 ||
	    json_set(o, "tries", json_new_int(s->tries), e) < 0 ||
	    set_text(o, "reason",
		     s->reason != REASON_NONE ? slot_reason_name(s->reason) : "",
		     e) < 0 ||
	    json_set(o, "booted", json_new_bool(a->running == i), e) < 0)
		return -1;
	return json_set(o, "root_hash", json_new_hex(s->root_hash, SHA256_LEN), e);
}

static int add_update(struct json *root, const struct agent *a, struct err *e)
{
	const struct update *u = &a->update;
	const char *id = u->id[0] != '\0' ? u->id : a->memory.deployment.id;
	struct json *o;

	if (!agent_is_updating(a) && id[0] == '\0')
		return 0;
	o = json_new_object();
	if (json_set(root, "update", o, e) < 0 ||
	    set_text(o, "deployment", id, e) < 0 ||
	    json_set(o, "bundle", json_new_bool(u->bundle != NULL), e) < 0 ||
	    set_text(o, "version", u->manifest != NULL ? u->manifest->version : "", e) <
		0)
		return -1;
	if (u->install != NULL &&
	    set_text(o, "payload", u->by_delta ? "delta" : "full", e) < 0)
		return -1;
	return json_set(o, "percent", json_new_int(write_percent(a)), e);
}

static int add_consent(struct json *root, const struct agent *a, struct err *e)
{
	struct json *o;

	if (a->consent.id[0] == '\0')
		return 0;
	o = json_new_object();
	if (json_set(root, "consent", o, e) < 0 ||
	    set_text(o, "deployment", a->consent.id, e) < 0)
		return -1;
	return set_text(o, "version", a->consent.version, e);
}

static int add_error(struct json *root, const struct agent *a, struct err *e)
{
	struct json *o;

	if (a->last_error.code == ERR_NONE)
		return 0;
	o = json_new_object();
	if (json_set(root, "last_error", o, e) < 0 ||
	    set_text(o, "code", err_slug(a->last_error.code), e) < 0)
		return -1;
	return set_text(o, "text", a->last_error.text, e);
}

static int fill(struct json *root, const struct agent *a, struct err *e)
{
	struct json *slots = json_new_array();

	if (json_set(root, "slots", slots, e) < 0 ||
	    set_text(root, "state", agent_state_name(a->state), e) < 0 ||
	    set_text(root, "agent_version", a->spec.agent_version, e) < 0 ||
	    set_text(root, "product", a->spec.product, e) < 0 ||
	    set_text(root, "hardware", a->spec.hardware, e) < 0 ||
	    set_text(root, "version", a->handover.version, e) < 0 ||
	    json_set(root, "boot_count", json_new_int(a->record.boot_count), e) < 0 ||
	    json_set(root, "security_floor", json_new_int(a->record.floor), e) < 0 ||
	    json_set(root, "server_reached", json_new_bool(a->health.reached), e) < 0 ||
	    json_set(root, "event_stream", json_new_bool(a->stream.active), e) < 0 ||
	    json_set(root, "unacknowledged_events",
		     json_new_int((int64_t)record_n_events(&a->record)), e) < 0)
		return -1;
	for (unsigned i = 0; i < N_SLOTS; i++) {
		if (add_slot(slots, a, i, e) < 0)
			return -1;
	}
	if (add_update(root, a, e) < 0 || add_consent(root, a, e) < 0)
		return -1;
	return add_error(root, a, e);
}

struct json *agent_status(const struct agent *a, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();

	if (root == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return fill(root, a, e) < 0 ? NULL : TAKE(root);
}
