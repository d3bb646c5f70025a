/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback: what a device says of an action. Read leniently: a refused report leaves a
 * device looping, so what is too long is cut and an extension that makes no sense is
 * not used. */
#include "link.h"

#include "../base/text.h"

#include <string.h>

static const char *const execution_names[N_DDI_EXECUTIONS] = {
    [DDI_CLOSED] = "closed",	   [DDI_PROCEEDING] = "proceeding",
    [DDI_SCHEDULED] = "scheduled", [DDI_RESUMED] = "resumed",
    [DDI_DOWNLOAD] = "download",   [DDI_DOWNLOADED] = "downloaded",
    [DDI_REJECTED] = "rejected",   [DDI_CANCELED] = "canceled",
};

static const char *const finished_names[] = {
    [DDI_NONE] = "none", [DDI_SUCCESS] = "success", [DDI_FAILURE] = "failure"};

const char *ddi_execution_name(enum ddi_execution x)
{
	return (unsigned)x < N_DDI_EXECUTIONS ? execution_names[x] : "?";
}

/* ---- writing ---- */

static int set_u64(struct json *object, const char *key, uint64_t v, struct err *e)
{
	return json_set(object, key, json_new_int((int64_t)v), e);
}

static int write_result(struct json *status, const struct ddi_feedback *f,
			struct err *e)
{
	struct json *result = ddi_set_object(status, "result", e);
	struct json *progress;

	if (result == NULL ||
	    ddi_set_text(result, "finished", finished_names[f->finished], e) < 0)
		return -1;
	if (f->progress_of == 0)
		return 0;
	progress = ddi_set_object(result, "progress", e);
	if (progress == NULL || set_u64(progress, "cnt", f->progress_cnt, e) < 0)
		return -1;
	return set_u64(progress, "of", f->progress_of, e);
}

static int write_details(struct json *status, const struct ddi_feedback *f,
			 struct err *e)
{
	struct json *list = ddi_set_list(status, "details", e);

	if (list == NULL)
		return -1;
	for (size_t i = 0; i < f->n_details; i++) {
		if (json_append(list, json_new_text(f->details[i]), e) < 0)
			return -1;
	}
	return 0;
}

static int write_proof(struct json *status, const struct ddi_proof *p, struct err *e)
{
	const char slot[2] = {p->slot, '\0'};
	struct json *proof;

	if (!p->present)
		return 0;
	proof = ddi_set_object(status, "ota:proof", e);
	if (proof == NULL ||
	    json_set(proof, "rootHash", json_new_hex(p->root_hash, SHA256_LEN), e) <
		0 ||
	    json_set(proof, "bootId", json_new_hex(p->boot_id, sizeof(p->boot_id)), e) <
		0 ||
	    ddi_set_text(proof, "slot", slot, e) < 0)
		return -1;
	return set_u64(proof, "counter", p->counter, e);
}

static int write_agent(struct json *status, const struct ddi_feedback *f, struct err *e)
{
	struct json *agent, *list;

	if (f->agent_version[0] == '\0')
		return 0;
	agent = ddi_set_object(status, "ota:agent", e);
	if (agent == NULL || ddi_set_text(agent, "version", f->agent_version, e) < 0)
		return -1;
	list = ddi_set_list(agent, "capabilities", e);
	if (list == NULL)
		return -1;
	for (size_t i = 0; i < f->n_capabilities; i++) {
		if (json_append(list, json_new_text(f->capabilities[i]), e) < 0)
			return -1;
	}
	return 0;
}

static int write_event(struct json *status, uint32_t event_id, struct err *e)
{
	struct json *event;

	if (event_id == 0)
		return 0;
	event = ddi_set_object(status, "ota:event", e);
	return event == NULL ? -1 : set_u64(event, "id", event_id, e);
}

static int write_delta(struct json *status, const char *name, struct err *e)
{
	struct json *delta;

	if (name[0] == '\0')
		return 0;
	delta = ddi_set_object(status, "ota:delta", e);
	return delta == NULL ? -1 : ddi_set_text(delta, "name", name, e);
}

int ddi_feedback_write(const struct ddi_feedback *f, const char *id, struct buf *ret,
		       struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *status;

	if (root == NULL)
		return err_nomem(e);
	if (ddi_set_text(root, "id", id, e) < 0)
		return -1;
	status = ddi_set_object(root, "status", e);
	if (status == NULL ||
	    ddi_set_text(status, "execution", ddi_execution_name(f->execution), e) <
		0 ||
	    write_result(status, f, e) < 0 || write_details(status, f, e) < 0)
		return -1;
	if (f->has_code && json_set(status, "code", json_new_int(f->code), e) < 0)
		return -1;
	if (write_proof(status, &f->proof, e) < 0 || write_agent(status, f, e) < 0 ||
	    write_event(status, f->event_id, e) < 0 ||
	    write_delta(status, f->delta, e) < 0)
		return -1;
	return json_write(root, ret, e);
}

/* ---- reading ---- */

static int read_result(const struct json *status, struct ddi_feedback *ret,
		       struct err *e)
{
	const struct json *result, *progress;
	const char *finished;
	size_t i = 0;
	uint64_t cnt = 0, of = 0;

	ret->finished = DDI_NONE;
	if (json_get(status, "result") == NULL && ret->execution != DDI_CLOSED)
		return 0; /* says no more than that it goes on */
	if (json_get_object(status, "result", &result, e) < 0 ||
	    json_get_text(result, "finished", &finished, e) < 0 ||
	    ddi_name_index(finished_names, N_ELEMS(finished_names), finished,
			   "success, failure or none", &i, e) < 0)
		return -1;
	ret->finished = (enum ddi_finished)i;
	progress = json_get(result, "progress");
	if (progress != NULL && json_is_object(progress) &&
	    json_opt_u64(progress, "cnt", &cnt, NULL) == 0 &&
	    json_opt_u64(progress, "of", &of, NULL) == 0) {
		ret->progress_cnt = cnt;
		ret->progress_of = of;
	}
	return 0;
}

static void read_proof(const struct json *status, struct ddi_proof *ret)
{
	const struct json *p = ddi_extension(status, "ota:proof");
	const char *slot;

	if (p == NULL ||
	    json_get_hex(p, "rootHash", ret->root_hash, SHA256_LEN, NULL) < 0 ||
	    json_get_hex(p, "bootId", ret->boot_id, sizeof(ret->boot_id), NULL) < 0 ||
	    json_get_text(p, "slot", &slot, NULL) < 0 ||
	    json_get_u64(p, "counter", &ret->counter, NULL) < 0 || strlen(slot) != 1 ||
	    slot[0] < 'A' || slot[0] > 'Z') {
		*ret = (struct ddi_proof){0};
		return;
	}
	ret->slot = slot[0];
	ret->present = true;
}

static void read_agent(const struct json *status, struct ddi_feedback *ret)
{
	const struct json *agent = ddi_extension(status, "ota:agent");
	const struct json *list =
	    agent != NULL ? json_get(agent, "capabilities") : NULL;
	const char *version = "";

	if (agent == NULL || json_opt_text(agent, "version", &version, NULL) < 0)
		return;
	ddi_copy_cut(ret->agent_version, sizeof(ret->agent_version), version);
	if (list == NULL || !json_is_array(list))
		return;
	for (size_t i = 0;
	     i < json_len(list) && ret->n_capabilities < N_ELEMS(ret->capabilities);
	     i++) {
		const char *text = json_text(json_at(list, i));

		if (text != NULL)
			ddi_copy_cut(ret->capabilities[ret->n_capabilities++],
				     sizeof(ret->capabilities[0]), text);
	}
}

static void read_event(const struct json *status, struct ddi_feedback *ret)
{
	const struct json *event = ddi_extension(status, "ota:event");
	uint64_t id = 0;

	if (event != NULL && json_opt_u64(event, "id", &id, NULL) == 0 &&
	    id <= UINT32_MAX)
		ret->event_id = (uint32_t)id;
}

static void read_delta(const struct json *status, struct ddi_feedback *ret)
{
	const struct json *delta = ddi_extension(status, "ota:delta");
	const char *name = "";

	if (delta != NULL && json_opt_text(delta, "name", &name, NULL) == 0 &&
	    strlen(name) < sizeof(ret->delta))
		memcpy(ret->delta, name, strlen(name) + 1);
}

static int read_feedback(const struct json *root, struct ddi_feedback *ret,
			 struct err *e)
{
	const struct json *status, *code;
	const char *execution;
	size_t i = 0;

	if (json_get_object(root, "status", &status, e) < 0 ||
	    json_get_text(status, "execution", &execution, e) < 0 ||
	    ddi_name_index(execution_names, N_DDI_EXECUTIONS, execution, "an execution",
			   &i, e) < 0)
		return -1;
	ret->execution = (enum ddi_execution)i;
	if (read_result(status, ret, e) < 0)
		return -1;
	code = json_get(status, "code");
	ret->has_code = code != NULL && json_is_int(code);
	ret->code = ret->has_code ? json_int(code) : 0;
	ret->n_details = ddi_get_details(status, ret->details);
	read_proof(status, &ret->proof);
	read_agent(status, ret);
	read_event(status, ret);
	read_delta(status, ret);
	return 0;
}

int ddi_feedback_parse(const void *data, size_t len, struct ddi_feedback *ret,
		       struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse_lenient(data, len, e);

	*ret = (struct ddi_feedback){0};
	if (root == NULL || read_feedback(root, ret, e) < 0)
		return err_wrap(e, "feedback");
	return 0;
}
