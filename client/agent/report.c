/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server is told of a deployment.
 *
 * An end (success, failure, the answer to a cancel) is sent until it is acknowledged:
 * 200, or 404, 409, 410, 400, which say that the server has no use for it. Ends need no
 * queue on the medium: each follows from something that is stored, and is derived again
 * after a restart,
 *
 *	success, rollback	from the slot record and memory.deployment, which keep
 *				until the acknowledgement (then the record's events are
 *				acknowledged too)
 *	refused			from memory.failed with told = false
 *	cancel			from the server, which goes on asking
 *
 * Progress is volatile: only the newest one is kept, and it yields to ends.
 *
 * The counter of a proof is reserved in blocks before it is used, so it never comes
 * twice with another content: not after a crash either.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

static void set_detail(struct report *r, const char *text)
{
	(void)snprintf(r->details[r->n_details++], DDI_TEXT_LEN, "%.500s", text);
}

bool report_is_idle(const struct agent *a)
{
	const struct reporter *q = &a->reporter;

	return q->n_finals == 0 && !q->has_latest && !q->sending;
}

/* A newer end of the same deployment takes the place of an older one that is not on its
 * way. */
static void add_final(struct agent *a, const struct report *r)
{
	struct reporter *q = &a->reporter;
	size_t first = q->sending && q->sending_final ? 1 : 0;
	size_t at = q->n_finals;

	for (size_t i = 0; i < q->n_finals; i++) {
		if (q->finals[i].cancel == r->cancel &&
		    strcmp(q->finals[i].id, r->id) == 0)
			at = i;
	}
	if (at < first)
		return;
	if (at == MAX_FINAL_REPORTS)
		at--; /* it comes back with the next offer or restart */
	q->finals[at] = *r;
	if (at == q->n_finals)
		q->n_finals++;
	if (!q->sending && q->has_latest && strcmp(q->latest.id, r->id) == 0)
		q->has_latest = false;
	report_send(a);
}

static struct report make(const char *id, enum ddi_execution x, enum ddi_finished f)
{
	struct report r = {.execution = x, .finished = f};

	(void)snprintf(r.id, sizeof(r.id), "%.11s", id);
	return r;
}

void report_progress(struct agent *a, enum ddi_execution x, int percent,
		     const char *detail)
{
	const char *id =
	    a->update.id[0] != '\0' ? a->update.id : a->memory.deployment.id;
	struct report r = make(id, x, DDI_NONE);

	if (id[0] == '\0' || a->spec.base == NULL)
		return;
	if (percent >= 0) {
		r.cnt = (uint64_t)percent;
		r.of = 100;
	}
	set_detail(&r, detail);
	if (a->reporter.sending && !a->reporter.sending_final &&
	    a->reporter.has_latest) {
		a->reporter.next = r;
		a->reporter.has_next = true;
		return;
	}
	a->reporter.latest = r;
	a->reporter.has_latest = true;
	report_send(a);
}

void report_failure(struct agent *a, const char *id, const char *reason)
{
	struct report r = make(id, DDI_CLOSED, DDI_FAILURE);

	set_detail(&r, reason);
	add_final(a, &r);
}

void report_cancel(struct agent *a, const char *id, bool cancelled, const char *detail)
{
	struct report r = make(id, DDI_CLOSED, cancelled ? DDI_SUCCESS : DDI_FAILURE);

	r.cancel = true;
	set_detail(&r, detail);
	add_final(a, &r);
}

/* ---- proofs ---- */

static int next_counter(struct agent *a, uint64_t *ret, struct err *e)
{
	struct reporter *q = &a->reporter;

	if (q->counter == a->memory.n_reports) {
		a->memory.n_reports += MEMORY_COUNTER_BLOCK;
		if (agent_save(a, e) < 0) {
			a->memory.n_reports -= MEMORY_COUNTER_BLOCK;
			return -1;
		}
	}
	*ret = q->counter++;
	return 0;
}

/* From the bootloader's hand-over and nothing else. */
static int prove(struct agent *a, struct ddi_proof *ret, struct err *e)
{
	*ret = (struct ddi_proof){.slot = slot_letter(a->running)};
	memcpy(ret->root_hash, a->handover.root_hash, SHA256_LEN);
	memcpy(ret->boot_id, a->handover.boot_id, BOOT_ID_LEN);
	if (next_counter(a, &ret->counter, e) < 0)
		return -1;
	ret->present = true;
	return 0;
}

static uint32_t last_event(const struct slot_record *r)
{
	size_t n = record_n_events(r);

	return n > 0 ? r->events[n - 1].id : 0;
}

/* An end says once more that its delta failed: what was said on the way may be lost. */
static void add_delta(const struct agent *a, struct report *r)
{
	if (r->n_details < N_ELEMS(r->details) &&
	    strcmp(a->memory.delta.id, r->id) == 0)
		set_detail(r, a->memory.delta.reason);
}

void report_success(struct agent *a, const char *id, const char *detail)
{
	struct report r = make(id, DDI_CLOSED, DDI_SUCCESS);
	struct err e = ERR_INIT;

	if (a->running >= N_SLOTS || prove(a, &r.proof, &e) < 0) {
		agent_log_failure(a, LOG_ERROR, "prove what runs", &e);
		agent_timer(a, AGENT_TIMER_REPORT, (int64_t)a->spec.backoff.max_ms);
		return;
	}
	r.ends_deployment = true;
	r.event_id = last_event(&a->record);
	set_detail(&r, detail);
	add_delta(a, &r);
	if (strcmp(a->memory.deployment.id, id) == 0)
		memcpy(r.delta, a->memory.deployment.delta, sizeof(r.delta));
	add_final(a, &r);
}

/* ---- what the record says ---- */

static void rollback_text(const struct agent *a, char ret[DDI_TEXT_LEN])
{
	const struct memory_deployment *d = &a->memory.deployment;
	const struct slot *s = &a->record.slots[d->slot];

	(void)snprintf(ret, DDI_TEXT_LEN, "rolled back: slot %c is %s: %s",
		       slot_letter(d->slot), slot_state_name(s->state),
		       slot_reason_name(s->reason));
}

static void report_rollback(struct agent *a, const char *id)
{
	struct report r = make(id, DDI_CLOSED, DDI_FAILURE);
	char text[DDI_TEXT_LEN];

	rollback_text(a, text);
	set_detail(&r, text);
	if (a->memory.deployment.detail[0] != '\0')
		set_detail(&r, a->memory.deployment.detail);
	add_delta(a, &r);
	r.ends_deployment = true;
	r.event_id = last_event(&a->record);
	add_final(a, &r);
}

void report_keep(struct agent *a)
{
	const struct memory_deployment *d = &a->memory.deployment;
	char text[DDI_TEXT_LEN];

	if (d->id[0] == '\0' || a->record.slots[d->slot].state != SLOT_BAD)
		return;
	rollback_text(a, text);
	memory_add_failed(&a->memory, d->id, text);
}

static void report_overtaken(struct agent *a, const char *id)
{
	struct report r = make(id, DDI_CLOSED, DDI_FAILURE);

	set_detail(&r, "another release was installed on the device in between");
	r.ends_deployment = true;
	add_final(a, &r);
}

static bool runs_it(const struct agent *a, const struct memory_deployment *d)
{
	return a->running == d->slot &&
	       memcmp(a->handover.root_hash, d->descriptor_sha256, SHA256_LEN) == 0;
}

void report_outcome(struct agent *a)
{
	const struct memory_deployment *d = &a->memory.deployment;
	const struct slot *s = &a->record.slots[d->slot];
	char text[DDI_TEXT_LEN];

	if (d->id[0] == '\0' || d->transaction == 0)
		return;
	if (d->transaction != a->record.transaction) {
		report_overtaken(a, d->id);
	} else if (s->state == SLOT_BAD) {
		report_rollback(a, d->id);
	} else if (s->state == SLOT_GOOD && runs_it(a, d)) {
		(void)snprintf(text, sizeof(text), "slot %c runs release %s, confirmed",
			       slot_letter(a->running), s->version);
		report_success(a, d->id, text);
	}
}

/* Without a server there is nobody to acknowledge: saying it in the log is all. */
static void acknowledge_here(struct agent *a)
{
	struct slot_record r = a->record;
	struct err e = ERR_INIT;

	record_ack_events(&r, last_event(&a->record));
	if (r.sequence != a->record.sequence && agent_store_record(a, &r, &e) < 0)
		agent_log_failure(a, LOG_ERROR, "acknowledge events", &e);
}

static void log_rollbacks(struct agent *a)
{
	for (size_t i = 0; i < record_n_events(&a->record); i++) {
		const struct slot_event *ev = &a->record.events[i];
		const char slot[2] = {slot_letter(ev->slot), '\0'};

		if (ev->to_state == SLOT_BAD)
			log_warn(a->spec.log, "agent", "a slot was given up", "slot",
				 slot, "reason", slot_reason_name(ev->reason), NULL);
	}
}

void report_begin(struct agent *a)
{
	log_rollbacks(a);
	if (a->spec.base == NULL) {
		/* The command line that installs a file is not who has to tell them. */
		if (a->state != AGENT_CHECKING && !a->spec.without_handover)
			acknowledge_here(a);
		return;
	}
	report_outcome(a);
	for (size_t i = 0; i < a->memory.n_failed; i++) {
		if (!a->memory.failed[i].told)
			report_failure(a, a->memory.failed[i].id,
				       a->memory.failed[i].reason);
	}
}

/* ---- acknowledged ---- */

static void acknowledge(struct agent *a, const struct report *r)
{
	struct memory_failed *f = memory_find_failed(&a->memory, r->id);
	struct slot_record next = a->record;
	struct err e = ERR_INIT;

	if (r->ends_deployment && r->finished == DDI_FAILURE) {
		memory_add_failed(&a->memory, r->id, r->details[0]);
		f = memory_find_failed(&a->memory, r->id);
	}
	if (f != NULL && !r->cancel)
		f->told = true;
	if (r->ends_deployment && strcmp(a->memory.deployment.id, r->id) == 0)
		a->memory.deployment = (struct memory_deployment){0};
	record_ack_events(&next, r->event_id);
	/* The record first: a deployment forgotten with its events still there would be
	 * told as attributes only; the other way round it is told twice. */
	if ((next.sequence != a->record.sequence &&
	     agent_store_record(a, &next, &e) < 0) ||
	    agent_save(a, &e) < 0)
		agent_log_failure(a, LOG_ERROR, "note what the server acknowledged",
				  &e);
}

/* ---- sending ---- */

static int write_text(const struct agent *a, const struct report *r, struct buf *ret,
		      struct err *e)
{
	struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct capabilities can;
	int result;

	if (f == NULL)
		return err_nomem(e);
	f->execution = r->execution;
	f->finished = r->finished;
	f->progress_cnt = r->cnt;
	f->progress_of = r->of;
	f->n_details = r->n_details;
	memcpy(f->details, r->details, sizeof(r->details));
	f->proof = r->proof;
	f->event_id = r->event_id;
	memcpy(f->delta, r->delta, sizeof(f->delta));
	(void)snprintf(f->agent_version, sizeof(f->agent_version), "%.32s",
		       a->spec.agent_version);
	agent_capabilities(a, &can);
	f->n_capabilities = can.n;
	memcpy(f->capabilities, can.words, sizeof(can.words));
	result = ddi_feedback_write(f, r->id, ret, e);
	free(f);
	return result;
}

static void drop_final(struct reporter *q)
{
	memmove(&q->finals[0], &q->finals[1], (--q->n_finals) * sizeof(q->finals[0]));
}

static void retry(struct agent *a, uint64_t retry_after_ms)
{
	a->reporter.failures++;
	agent_timer(a, AGENT_TIMER_REPORT,
		    (int64_t)backoff_ms(&a->spec.backoff, a->reporter.failures,
					retry_after_ms, agent_random(a)));
}

/* Taken, or of no use to the server: not to be sent again. A web page is neither. */
static bool is_settled(const struct net_head *h)
{
	if (agent_is_page(h))
		return false;
	return (h->status >= 200 && h->status < 300) || h->status == 400 ||
	       h->status == 404 || h->status == 409 || h->status == 410;
}

/* The server closed what is still being worked on. */
static void stop_if_gone(struct agent *a, int status)
{
	if (status == 410 && agent_is_updating(a) && a->state != AGENT_REBOOTING &&
	    strcmp(a->update.id, a->reporter.latest.id) == 0)
		update_cancel(a, "the server closed the deployment");
}

static void take_next(struct reporter *q)
{
	q->has_latest = q->has_next;
	q->latest = q->next;
	q->has_next = false;
}

static void on_reported(struct agent *a, const struct net_head *h,
			const struct buf *body, const struct err *why)
{
	struct reporter *q = &a->reporter;
	bool settled = why->code == ERR_NONE && is_settled(h);
	struct err e = *why;

	(void)body;
	q->sending = false;
	if (why->code != ERR_NONE || agent_check_status(h, "feedback", &e) < 0)
		log_failure(a->spec.log, LOG_WARN, "agent", "report", &e);
	if (!q->sending_final) {
		stop_if_gone(a, why->code == ERR_NONE ? h->status : 0);
		take_next(q);
	} else if (settled) {
		struct report r = q->finals[0];

		drop_final(q);
		acknowledge(a, &r);
	}
	if (!settled && (q->n_finals > 0 || q->has_latest)) {
		retry(a, h->retry_after_ms);
		return;
	}
	q->failures = settled ? 0 : q->failures;
	report_send(a);
	if (a->state == AGENT_REBOOTING && report_is_idle(a))
		agent_timer(a, AGENT_TIMER_REBOOT, 0);
}

static int send_report(struct agent *a, const struct report *r, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX_BYTES);
	char url[DDI_URL_LEN];
	struct net_request request = {.method = "POST",
				      .url = url,
				      .range_start = -1,
				      .range_end = -1,
				      .max_bytes = ANSWER_MAX_BYTES,
				      .timeout_ms = CALL_TIMEOUT_MS};

	if (text_format(url, sizeof(url), e, "%s/%s/%s/feedback", a->spec.base,
			r->cancel ? "cancelAction" : "deploymentBase", r->id) < 0 ||
	    write_text(a, r, &text, e) < 0)
		return -1;
	request.body = text.data;
	request.body_len = text.len;
	return agent_request(a, AGENT_REPORT, &request,
			     "Content-Type: application/json", ANSWER_MAX_BYTES,
			     on_reported, e);
}

void report_send(struct agent *a)
{
	struct reporter *q = &a->reporter;
	struct err e = ERR_INIT;

	if (q->sending || a->spec.base == NULL || (q->n_finals == 0 && !q->has_latest))
		return;
	q->sending_final = q->n_finals > 0;
	q->sending = true;
	if (send_report(a, q->sending_final ? &q->finals[0] : &q->latest, &e) == 0)
		return;
	q->sending = false;
	agent_log_failure(a, LOG_WARN, "report", &e);
	retry(a, 0);
}
