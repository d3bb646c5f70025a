/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An update from the offer to its end in this boot: how it begins, and the ways in
 * which it can end before the slot is armed. (A delta ends nothing: delta.c.)
 *
 *	failed		the network, the server, a medium: tried again with growing
 *			patience; the journal and the cache keep what was got so far
 *	altered		what came is not what was signed: once may be an accident on the
 *			way, after that it is refused
 *	refused		it is not for this device, not signed, too old: told to the
 *			server, remembered, and not tried again
 *	cancelled	by the server
 *	held		its slot is written and verified, and it is not time yet: the
 *			maintenance window is not open, it is download-only, or it is
 *			soft and the device in use. When it is offered again without
 *			"skip", and a soft one while the device is free, what is written
 *			is found there and armed
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

#define MAX_ALTERED 2
#define MAX_TOLD_FAILURES 3 /* reports of interruptions: a server counts reports */

void update_clear(struct agent *a)
{
	struct update *u = &a->update;

	agent_drop(a, AGENT_FETCH);
	agent_timer(a, AGENT_TIMER_STEP, -1);
	if (u->asking)
		a->spec.ops->command_cancel(a->spec.ctx);
	tuf_client_free(u->tuf);
	for (unsigned i = 0; i < N_FETCHES; i++)
		buf_fini(&u->parts[i]);
	free(u->manifest);
	install_free(u->install);
	if (u->target_is_open)
		a->spec.ops->target_close(a->spec.ctx);
	buf_fini(&u->pending);
	dev_close(u->bundle);
	*u = (struct update){.percent = -1};
}

/* ---- ends ---- */

void update_failed(struct agent *a, const char *what, const struct err *e)
{
	bool from_bundle = a->update.bundle != NULL;
	char text[DDI_TEXT_LEN];

	if (delta_gives_way(a, what, e, false))
		return;
	agent_log_failure(a, LOG_WARN, what, e);
	a->attempts++;
	if (!from_bundle && a->attempts <= MAX_TOLD_FAILURES &&
	    text_format(text, sizeof(text), NULL,
			"interrupted, goes on later: %s: %.300s", what, e->text) == 0)
		report_progress(a, DDI_PROCEEDING, -1, text);
	update_clear(a);
	if (from_bundle) {
		agent_move(a, AGENT_IDLE, "the bundle was not installed");
		return;
	}
	agent_move(a, AGENT_BACKING_OFF, "the update goes on later");
	contact_retry(a, backoff_ms(&a->spec.backoff, a->attempts, a->retry_after_ms,
				    agent_random(a)));
	a->retry_after_ms = 0;
}

static void forget_deployment(struct agent *a, const char *id)
{
	if (strcmp(a->memory.deployment.id, id) == 0)
		a->memory.deployment = (struct memory_deployment){0};
}

void update_refused(struct agent *a, const char *what, const struct err *e)
{
	char id[12], text[MEMORY_REASON_LEN];
	struct err why = ERR_INIT;

	if (delta_gives_way(a, what, e, true))
		return;
	agent_log_failure(a, LOG_ERROR, what, e);
	memcpy(id, a->update.id, sizeof(id));
	(void)snprintf(text, sizeof(text), "refused: %s: %.180s", what, e->text);
	update_clear(a);
	agent_move(a, AGENT_IDLE, "the update was refused");
	if (id[0] == '\0')
		return;
	forget_deployment(a, id);
	memory_add_failed(&a->memory, id, text);
	if (agent_save(a, &why) < 0)
		log_failure(a->spec.log, LOG_ERROR, "agent", "remember the refusal",
			    &why);
	report_failure(a, id, text);
	contact_deployment_ended(a);
}

void update_altered(struct agent *a, const char *what, const struct err *e)
{
	if (delta_gives_way(a, what, e, true))
		return;
	if (++a->altered >= MAX_ALTERED || a->update.bundle != NULL)
		update_refused(a, what, e);
	else
		update_failed(a, what, e);
}

void update_cancel(struct agent *a, const char *why)
{
	struct err e = ERR_INIT;

	forget_deployment(a, a->update.id);
	if (agent_save(a, &e) < 0)
		agent_log_failure(a, LOG_ERROR, "remember the cancellation", &e);
	update_clear(a);
	agent_move(a, AGENT_IDLE, why);
}

#define HELD "written and verified; to be installed when the server says so"
#define HELD_SOFT "written and verified; to be installed when the device is free"

void update_hold(struct agent *a)
{
	bool soft = a->update.soft;
	const char *what = soft ? HELD_SOFT : HELD;
	struct err e = ERR_INIT;

	memcpy(a->held_id, a->update.id, sizeof(a->held_id));
	report_progress(a, DDI_DOWNLOADED, 100, what);
	forget_deployment(a, a->held_id);
	if (agent_save(a, &e) < 0)
		agent_log_failure(a, LOG_ERROR, "remember what was downloaded", &e);
	update_clear(a);
	agent_move(a, AGENT_IDLE, what);
	contact_deployment_ended(a);
	if (soft)
		contact_soon(a); /* it may be free now */
}

/* ---- beginnings ---- */

/* The server may go on offering what has ended here, until it took the report. */
static bool is_over(struct agent *a, const char *id)
{
	const struct memory_deployment *d = &a->memory.deployment;
	struct memory_failed *f = memory_find_failed(&a->memory, id);

	if (f != NULL) {
		f->told = false;
		report_failure(a, id, f->reason);
		return true;
	}
	if (strcmp(d->id, id) != 0 || d->transaction != a->record.transaction)
		return false;
	if (a->record.slots[d->slot].state == SLOT_WRITING ||
	    a->record.slots[d->slot].state == SLOT_WRITTEN)
		return false;
	report_outcome(a);
	return true;
}

/* Before anything else is asked: is this an offer this agent can take at all. */
static int check_offer(const struct agent *a, const struct ddi_deployment *d,
		       struct err *e)
{
	if (d->n_artifacts != 1 || d->artifacts[0].manifest[0] == '\0' ||
	    d->artifacts[0].payload_head[0] == '\0' ||
	    d->artifacts[0].payload_body[0] == '\0' ||
	    d->artifacts[0].descriptor[0] == '\0')
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "the deployment has no signed manifest (ota:manifest and "
		    "ota:payload): nothing else is installed here");
	if (a->contact.poll.repository[0] == '\0')
		return err_set(e, ERR_UNSUPPORTED,
			       "the server has no repository (ota:repository) to check "
			       "the manifest against");
	return 0;
}

/* A download-only deployment that is offered still: its server has not heard yet. */
static void tell_held(struct agent *a, const struct ddi_deployment *d)
{
	if (d->window != DDI_WINDOW_NONE)
		return;
	update_clear(a);
	memcpy(a->update.id, d->id, sizeof(a->update.id));
	report_progress(a, DDI_DOWNLOADED, 100, HELD);
	update_clear(a);
}

/* What the server lets the agent do now: by download and update, and what was done. */
static bool must_wait(struct agent *a, const struct ddi_deployment *d)
{
	bool held = strcmp(a->held_id, d->id) == 0;

	if (delta_must_wait(a, d)) {
		log_info(
		    a->spec.log, "agent",
		    "the deployment waits for a delta: no full payload is taken here",
		    "id", d->id, NULL);
		return true;
	}
	if (d->update == DDI_ATTEMPT && a->spec.soft_command != NULL)
		return false; /* the command has the say */
	if (d->update != DDI_SKIP) {
		a->held_id[0] = '\0';
		return false;
	}
	if (held)
		tell_held(a, d);
	else if (d->download == DDI_SKIP)
		log_info(a->spec.log, "agent", "the deployment waits for its window",
			 "id", d->id, NULL);
	return held || d->download == DDI_SKIP;
}

static void begin(struct agent *a, const char *why)
{
	agent_move(a, AGENT_REFRESHING, why);
	report_progress(a, DDI_DOWNLOAD, 0, "checks the release");
	fetch_refresh(a);
}

/* ---- soft: the device's own program says when ---- */

static void ask(struct agent *a)
{
	struct err e = ERR_INIT;

	agent_move(a, AGENT_ASKING, "a soft deployment is written: is the device free");
	a->update.asking = true;
	if (a->spec.ops->command_start(a->spec.ctx, a->spec.soft_command,
				       a->spec.soft_timeout_ms, &e) < 0)
		update_asked(a, -1, e.text);
}

void update_asked(struct agent *a, int status, const char *why)
{
	struct err e = ERR_INIT;

	if (!a->update.asking)
		return;
	a->update.asking = false;
	if (status == 0) {
		a->held_id[0] = '\0';
		a->update.hold = false;
		begin(a, "the device is free: its slot is looked at again");
		return;
	}
	/* What cannot be asked is not free: only a forced one goes on then. */
	if (status < 0) {
		(void)err_set(&e, ERR_INTERNAL, "%s", why != NULL ? why : "no status");
		agent_log_failure(a, LOG_WARN, "ask whether the device is free", &e);
	}
	update_clear(a);
	agent_move(a, AGENT_IDLE, "the device is in use: the next poll asks again");
}

void update_begin(struct agent *a, const struct ddi_deployment *d)
{
	struct err e = ERR_INIT;

	if (a->state != AGENT_POLLING || is_over(a, d->id) || must_wait(a, d))
		return;
	if (strcmp(a->attempts_id, d->id) != 0) {
		memcpy(a->attempts_id, d->id, sizeof(a->attempts_id));
		a->attempts = a->altered = 0;
		a->best_blocks = 0;
	}
	update_clear(a);
	memcpy(a->update.id, d->id, sizeof(a->update.id));
	a->update.soft = d->update == DDI_ATTEMPT && a->spec.soft_command != NULL;
	a->update.hold = a->update.soft || d->update == DDI_SKIP;
	a->update.artifact = d->artifacts[0];
	if (check_offer(a, d, &e) < 0) {
		update_refused(a, "look at the deployment", &e);
		return;
	}
	if (a->update.soft && strcmp(a->held_id, d->id) == 0)
		ask(a);
	else
		begin(a, "a deployment: what does the repository say");
}

int update_begin_bundle(struct agent *a, struct dev *bundle, struct err *e)
{
	update_clear(a);
	a->update.bundle = bundle;
	a->attempts = a->altered = 0;
	a->best_blocks = 0;
	a->attempts_id[0] = '\0';
	a->last_error = ERR_INIT;
	if (offline_open(a, e) < 0) {
		update_clear(a);
		return -1;
	}
	agent_move(a, AGENT_REFRESHING, "a bundle: what does its metadata say");
	fetch_refresh(a);
	if (a->last_error.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = a->last_error;
	return -1;
}
