/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contact with the server: the poll and what hangs on it, on one channel, one after the
 * other:
 *
 *	poll ──> configData (asked for, or something changed)
 *	     ──> cancelAction, confirmationBase (consent.c) or deploymentBase
 *
 * Any failure ends the round; the next one begins from the poll. While an update is
 * under way this goes on beside it, so that a cancel is noticed, and deployments are
 * not looked at.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

static bool may_begin(const struct agent *a)
{
	return a->state == AGENT_POLLING;
}

void contact_schedule(struct agent *a)
{
	uint64_t wait =
	    poll_wait_ms(a->contact.sleep_ms, a->spec.poll_ms, agent_random(a));

	if (a->contact.again)
		wait = 0;
	else if (a->contact.retry && a->contact.retry_ms < wait)
		wait = a->contact.retry_ms;
	a->contact.again = a->contact.retry = false;
	agent_timer(a, AGENT_TIMER_POLL, (int64_t)wait);
}

static void done(struct agent *a)
{
	a->contact.active = false;
	if (a->state == AGENT_POLLING)
		agent_move(a, AGENT_IDLE, "nothing to do");
	contact_schedule(a);
}

/* The round ended early. Beside an update nothing depends on it. */
void contact_failed(struct agent *a, const char *what, const struct net_head *h,
		    const struct err *e)
{
	uint64_t wait;

	a->contact.active = false;
	a->contact.again = a->contact.retry = false;
	a->contact.failures++;
	agent_log_failure(a, LOG_WARN, what, e);
	wait = backoff_ms(&a->spec.backoff, a->contact.failures,
			  h != NULL ? h->retry_after_ms : 0, agent_random(a));
	if (a->state == AGENT_POLLING)
		agent_move(a, AGENT_BACKING_OFF, "the server was not reached");
	agent_timer(a, AGENT_TIMER_POLL, (int64_t)wait);
}

static int check(const struct net_head *h, const struct err *why, const char *what,
		 struct err *e)
{
	if (why->code != ERR_NONE) {
		*e = *why;
		return -1;
	}
	return agent_check_status(h, what, e);
}

/* ---- cancelAction ---- */

/* Once the slot is armed the bootloader decides, and its end is reported as any
 * other. */
static bool is_too_late(const struct agent *a, const char *id)
{
	const struct memory_deployment *d = &a->memory.deployment;
	enum slot_state s = a->record.slots[d->slot].state;

	return strcmp(d->id, id) == 0 && d->transaction == a->record.transaction &&
	       s != SLOT_WRITING && s != SLOT_WRITTEN;
}

static void on_cancel(struct agent *a, const struct net_head *h, const struct buf *body,
		      const struct err *why)
{
	struct err e = ERR_INIT;
	char id[12];

	if (check(h, why, "cancelAction", &e) < 0 ||
	    ddi_cancel_parse(body->data, body->len, id, &e) < 0) {
		contact_failed(a, "ask what to cancel", h, &e);
		return;
	}
	log_info(a->spec.log, "agent", "the server cancels a deployment", "id", id,
		 NULL);
	if (is_too_late(a, id)) {
		report_cancel(a, id, false, "too late: the new firmware is armed");
	} else {
		if (agent_is_updating(a) && strcmp(a->update.id, id) == 0)
			update_cancel(a, "cancelled by the server");
		report_cancel(a, id, true, "stopped; the running firmware stays");
	}
	done(a);
}

/* ---- deploymentBase ---- */

static void on_deployment(struct agent *a, const struct net_head *h,
			  const struct buf *body, const struct err *why)
{
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	a->contact.active = false;
	if (d == NULL)
		(void)err_nomem(&e);
	if (d == NULL || check(h, why, "deploymentBase", &e) < 0 ||
	    ddi_deployment_parse(body->data, body->len, d, &e) < 0) {
		contact_failed(a, "ask what to install", h, &e);
	} else {
		contact_schedule(a);
		update_begin(a, d);
		if (a->state == AGENT_POLLING)
			agent_move(a, AGENT_IDLE, "nothing to do");
	}
	free(d);
}

static void ask(struct agent *a, const char *url, exchange_fn fn, const char *what)
{
	struct err e = ERR_INIT;

	if (agent_get(a, AGENT_CALL, url, ANSWER_MAX_BYTES, fn, &e) < 0)
		contact_failed(a, what, NULL, &e);
}

static void after_config(struct agent *a)
{
	const struct ddi_poll *p = &a->contact.poll;

	if (consent_look(a, p->confirmation_base, done))
		return;
	if (p->cancel_action[0] != '\0')
		ask(a, p->cancel_action, on_cancel, "ask what to cancel");
	else if (p->deployment_base[0] != '\0' && may_begin(a))
		ask(a, p->deployment_base, on_deployment, "ask what to install");
	else
		done(a);
}

/* ---- configData ---- */

static void add(struct ddi_config_data *c, const char *key, const char *value)
{
	struct ddi_attribute *at = &c->attributes[c->n_attributes];

	if (text_copy(at->key, sizeof(at->key), key, "", NULL) == 0 &&
	    text_copy(at->value, sizeof(at->value), value, "", NULL) == 0)
		c->n_attributes++;
}

static void add_number(struct ddi_config_data *c, const char *key, uint64_t value)
{
	char text[24];

	if (text_format(text, sizeof(text), NULL, "%llu", (unsigned long long)value) ==
	    0)
		add(c, key, text);
}

static void add_slot(struct ddi_config_data *c, const struct slot *s, char letter)
{
	char key[32], hash[2 * SHA256_LEN + 1];
	bool known = s->version[0] != '\0';

	hex_encode(s->root_hash, SHA256_LEN, hash);
	(void)snprintf(key, sizeof(key), "slot.%c.state", letter);
	add(c, key, slot_state_name(s->state));
	(void)snprintf(key, sizeof(key), "slot.%c.version", letter);
	add(c, key, s->version);
	(void)snprintf(key, sizeof(key), "slot.%c.tries", letter);
	add_number(c, key, s->tries);
	(void)snprintf(key, sizeof(key), "slot.%c.reason", letter);
	add(c, key, s->reason != REASON_NONE ? slot_reason_name(s->reason) : "");
	(void)snprintf(key, sizeof(key), "slot.%c.root_hash", letter);
	add(c, key, known ? hash : "");
}

/* As many as an attribute takes; the rest in another one. */
static void add_capabilities(const struct agent *a, struct ddi_config_data *c)
{
	static const char *const keys[] = {"agent.capabilities",
					   "agent.capabilities.2"};
	char texts[N_ELEMS(keys)][DDI_ATTR_LEN + 1] = {"", ""};
	struct capabilities all;
	size_t at = 0;

	agent_capabilities(a, &all);
	for (size_t i = 0; i < all.n; i++) {
		size_t len = strlen(texts[at]);

		if (len + 1 + strlen(all.words[i]) > DDI_ATTR_LEN &&
		    at + 1 < N_ELEMS(keys))
			len = strlen(texts[++at]);
		(void)snprintf(texts[at] + len, sizeof(texts[at]) - len, "%s%s",
			       len > 0 ? "," : "", all.words[i]);
	}
	for (size_t i = 0; i < N_ELEMS(keys); i++)
		add(c, keys[i], texts[i]);
}

static void fill_attributes(const struct agent *a, struct ddi_config_data *c)
{
	char boot_id[2 * BOOT_ID_LEN + 1];
	const char booted[2] = {slot_letter(a->handover.slot), '\0'};

	hex_encode(a->handover.boot_id, BOOT_ID_LEN, boot_id);
	add(c, "product", a->spec.product);
	add(c, "hardware", a->spec.hardware);
	add(c, "version", a->handover.version);
	add(c, "agent.version", a->spec.agent_version);
	add_capabilities(a, c);
	add_number(c, "delta.memory", delta_takes(a) ? a->spec.delta_memory_bytes : 0);
	add(c, "boot.id", boot_id);
	add_number(c, "boot.count", a->handover.boot_count);
	add_number(c, "security.version", a->handover.security_version);
	add_number(c, "security.floor", a->record.floor);
	add(c, "clock", agent_time(a).from_system ? "system" : "floor");
	add(c, "slot.booted", booted);
	add_slot(c, &a->record.slots[0], 'a');
	add_slot(c, &a->record.slots[1], 'b');
}

/* Attributes tell the slots' state: with them the server knows what an event that
 * belongs to no deployment would have told it. */
static void acknowledge(struct agent *a)
{
	struct slot_record r = a->record;
	struct err e = ERR_INIT;

	if (a->contact.ack_events == 0 || a->memory.deployment.id[0] != '\0')
		return;
	record_ack_events(&r, a->contact.ack_events);
	if (r.sequence != a->record.sequence && agent_store_record(a, &r, &e) < 0)
		agent_log_failure(a, LOG_ERROR, "acknowledge events", &e);
}

static void on_config(struct agent *a, const struct net_head *h, const struct buf *body,
		      const struct err *why)
{
	struct err e = ERR_INIT;

	(void)body;
	if (check(h, why, "configData", &e) < 0) {
		a->contact.config_wanted = true;
		contact_failed(a, "tell the server about this device", h, &e);
		return;
	}
	acknowledge(a);
	after_config(a);
}

static uint32_t last_event(const struct slot_record *r)
{
	size_t n = record_n_events(r);

	return n > 0 ? r->events[n - 1].id : 0;
}

static int put_config(struct agent *a, const char *url, struct err *e)
{
	struct ddi_config_data *c = calloc(1, sizeof(*c));
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX_BYTES);
	struct net_request r = {.method = "PUT",
				.url = url,
				.range_start = -1,
				.range_end = -1,
				.max_bytes = ANSWER_MAX_BYTES,
				.timeout_ms = CALL_TIMEOUT_MS};
	int result;

	if (c == NULL)
		return err_nomem(e);
	fill_attributes(a, c);
	result = ddi_config_write(c, &text, e);
	free(c);
	if (result < 0)
		return -1;
	r.body = text.data;
	r.body_len = text.len;
	a->contact.ack_events = last_event(&a->record);
	return agent_request(a, AGENT_CALL, &r, "Content-Type: application/json",
			     ANSWER_MAX_BYTES, on_config, e);
}

static void after_poll(struct agent *a)
{
	const struct ddi_poll *p = &a->contact.poll;
	struct err e = ERR_INIT;
	char url[DDI_URL_LEN];

	if (p->config_data[0] == '\0' && !a->contact.config_wanted) {
		after_config(a);
		return;
	}
	a->contact.config_wanted = false;
	if ((p->config_data[0] != '\0'
		 ? text_copy(url, sizeof(url), p->config_data, "link", &e)
		 : text_format(url, sizeof(url), &e, "%s/configData", a->spec.base)) <
		0 ||
	    put_config(a, url, &e) < 0)
		contact_failed(a, "tell the server about this device", NULL, &e);
}

/* ---- the poll ---- */

static void on_poll(struct agent *a, const struct net_head *h, const struct buf *body,
		    const struct err *why)
{
	struct contact *c = &a->contact;
	struct err e = ERR_INIT;

	if (check(h, why, "poll", &e) < 0 ||
	    ddi_poll_parse(body->data, body->len, &c->poll, &e) < 0) {
		contact_failed(a, "poll", h, &e);
		return;
	}
	c->failures = 0;
	c->sleep_ms = c->poll.sleep_ms;
	if (!a->health.reached)
		log_info(a->spec.log, "agent", "the server was reached", NULL);
	health_reached(a);
	stream_start(a);
	after_poll(a);
}

void contact_start(struct agent *a)
{
	struct err e = ERR_INIT;

	if (a->spec.base == NULL || a->contact.active)
		return;
	a->contact.active = true;
	if (a->state == AGENT_IDLE || a->state == AGENT_BACKING_OFF)
		agent_move(a, AGENT_POLLING, "poll");
	if (agent_get(a, AGENT_CALL, a->spec.base, ANSWER_MAX_BYTES, on_poll, &e) < 0)
		contact_failed(a, "poll", NULL, &e);
	else
		report_send(a);
}

void contact_soon(struct agent *a)
{
	if (a->contact.active)
		a->contact.again = true;
	else
		agent_timer(a, AGENT_TIMER_POLL, 0);
}

/* A round that is under way will not offer the update again, and must not put the next
 * one off. */
void contact_retry(struct agent *a, uint64_t wait_ms)
{
	if (a->contact.active) {
		a->contact.retry = true;
		a->contact.retry_ms = wait_ms;
	} else {
		agent_timer(a, AGENT_TIMER_POLL, (int64_t)wait_ms);
	}
}

void contact_deployment_ended(struct agent *a)
{
	a->contact.config_wanted = true;
	if (a->spec.base != NULL)
		contact_schedule(a);
}
