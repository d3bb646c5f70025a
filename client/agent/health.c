/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New firmware on trial: CHECKING, then CONFIRMING or REJECTING; and reboots.
 *
 *	settle ──> each command, with retries ──> server reached, if asked for ──> GOOD
 *
 * The confirm deadline runs from the start. Whoever has not confirmed by then rejects,
 * and stops feeding the watchdog: if even rejecting cannot be stored, the reset comes
 * from outside and the bootloader counts the tries down.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

#define RETRY_MS 1000

static void confirm(struct agent *a);

/* ---- reboots ---- */

void reboot_soon(struct agent *a)
{
	bool quiet = a->spec.base == NULL || report_is_idle(a);

	agent_timer(a, AGENT_TIMER_REBOOT,
		    quiet ? 0 : (int64_t)a->spec.reboot_delay_ms);
	report_send(a);
}

void reboot_now(struct agent *a)
{
	struct boot *b = a->spec.boot;
	struct err e = ERR_INIT;

	if (a->state == AGENT_POLLING) { /* a moment */
		agent_timer(a, AGENT_TIMER_REBOOT, RETRY_MS);
		return;
	}
	if (a->state != AGENT_REBOOTING) {
		if (!agent_is_armed(a) ||
		    (a->state != AGENT_IDLE && a->state != AGENT_BACKING_OFF))
			return; /* overtaken by another update */
		agent_move(a, AGENT_REBOOTING, "the armed slot is tried again");
	}
	if (a->spec.without_handover)
		return;
	log_info(a->spec.log, "agent", "reboots", NULL);
	if (boot_reboot(b, &e) < 0) {
		agent_log_failure(a, LOG_ERROR, "reboot", &e);
		agent_timer(
		    a, AGENT_TIMER_REBOOT,
		    (int64_t)backoff_ms(&a->spec.backoff, 1, 0, agent_random(a)));
	}
}

/* ---- the watchdog ---- */

void health_watchdog(struct agent *a)
{
	struct boot *b = a->spec.boot;
	struct err e = ERR_INIT;

	if (a->spec.watchdog_ms == 0 || a->health.overdue)
		return;
	if (boot_watchdog_feed(b, &e) < 0)
		agent_log_failure(a, LOG_WARN, "feed the watchdog", &e);
	agent_timer(a, AGENT_TIMER_WATCHDOG, (int64_t)(a->spec.watchdog_ms / 3));
}

/* ---- REJECTING ---- */

static void reject(struct agent *a, enum slot_reason why, const char *detail)
{
	struct slot_record r = a->record;
	struct err e = ERR_INIT;

	if (a->health.running)
		a->spec.ops->command_cancel(a->spec.ctx);
	a->health.running = false;
	agent_timer(a, AGENT_TIMER_HEALTH, -1);
	agent_timer(a, AGENT_TIMER_CONFIRM, -1);
	agent_move(a, AGENT_REJECTING, detail);
	/* The firmware that comes back tells the server; this leaves it the words. */
	(void)snprintf(a->memory.deployment.detail, sizeof(a->memory.deployment.detail),
		       "%.200s", detail);
	if (a->memory.deployment.id[0] != '\0' && agent_save(a, &e) < 0)
		agent_log_failure(a, LOG_WARN, "remember why", &e);
	if (record_reject(&r, a->running, why, &e) < 0 ||
	    agent_store_record(a, &r, &e) < 0) {
		agent_log_failure(a, LOG_ERROR, "reject the new firmware", &e);
		a->health.overdue = true; /* the tries run out instead */
	}
	agent_move(a, AGENT_REBOOTING, "back to the firmware before");
	report_progress(a, DDI_PROCEEDING, -1, detail);
	reboot_soon(a);
}

void health_deadline(struct agent *a)
{
	if (a->state != AGENT_CHECKING && a->state != AGENT_CONFIRMING)
		return;
	a->health.overdue = true;
	reject(a, REASON_DEADLINE,
	       a->state == AGENT_CONFIRMING ? "confirming could not be stored in time"
	       : a->health.commands_done
		   ? "not confirmed in time: the server was not reached"
		   : "not confirmed in time: health checks go on");
}

/* ---- CHECKING ---- */

static void reject_server(struct agent *a)
{
	char text[MEMORY_REASON_LEN];

	(void)snprintf(text, sizeof(text),
		       "health: the server was not reached within %llu s",
		       (unsigned long long)(a->spec.server_deadline_ms / 1000));
	reject(a, REASON_HEALTH, text);
}

static void commands_done(struct agent *a)
{
	int64_t left =
	    a->health.began_ms + (int64_t)a->spec.server_deadline_ms - agent_mono(a);

	a->health.commands_done = true;
	if (a->spec.server_deadline_ms == 0 || a->health.reached)
		confirm(a);
	else if (left > 0)
		agent_timer(a, AGENT_TIMER_HEALTH, left);
	else
		reject_server(a);
}

static void run_command(struct agent *a)
{
	struct health *h = &a->health;
	struct err e = ERR_INIT;

	if (h->command == a->spec.n_health_commands) {
		commands_done(a);
		return;
	}
	h->attempt++;
	h->running = true;
	if (a->spec.ops->command_start(a->spec.ctx, a->spec.health_commands[h->command],
				       a->spec.health_timeout_ms, &e) < 0)
		agent_on_command_end(a, -1, e.text);
}

void agent_on_command_end(struct agent *a, int status, const char *why)
{
	struct health *h = &a->health;
	char how[128], text[MEMORY_REASON_LEN];

	if (a->state == AGENT_ASKING)
		update_asked(a, status, why);
	if (!h->running || a->state != AGENT_CHECKING)
		return;
	h->running = false;
	if (status == 0) {
		h->command++;
		h->attempt = 0;
		run_command(a);
		return;
	}
	if (status > 0)
		(void)snprintf(how, sizeof(how), "exited with %d", status);
	else
		(void)snprintf(how, sizeof(how), "%.100s", why);
	(void)snprintf(text, sizeof(text),
		       "health command \"%.80s\" %s (attempt %u of %llu)",
		       a->spec.health_commands[h->command], how, h->attempt,
		       (unsigned long long)a->spec.health_retries + 1);
	log_warn(a->spec.log, "agent", text, NULL);
	if (h->attempt <= a->spec.health_retries)
		agent_timer(a, AGENT_TIMER_HEALTH, RETRY_MS);
	else
		reject(a, REASON_HEALTH, text);
}

void health_begin(struct agent *a)
{
	a->health.began_ms = agent_mono(a);
	agent_timer(a, AGENT_TIMER_HEALTH, (int64_t)a->spec.settle_ms);
	if (a->spec.confirm_deadline_ms > 0)
		agent_timer(a, AGENT_TIMER_CONFIRM,
			    (int64_t)a->spec.confirm_deadline_ms);
	if (a->memory.deployment.id[0] != '\0')
		report_progress(a, DDI_PROCEEDING, 100,
				"the new firmware runs: checks its health");
}

void health_timer(struct agent *a)
{
	if (a->state == AGENT_CONFIRMING)
		confirm(a);
	else if (a->state != AGENT_CHECKING || a->health.running)
		return;
	else if (!a->health.commands_done)
		run_command(a);
	else
		commands_done(a);
}

void health_reached(struct agent *a)
{
	a->health.reached = true;
	if (a->state == AGENT_CHECKING && a->health.commands_done)
		confirm(a);
}

/* ---- CONFIRMING ---- */

/* The manifest of what runs, if it is cached: its descriptor is the one the bootloader
 * verified. */
static bool load_running_manifest(struct agent *a, struct manifest *ret)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);

	return a->spec.files.get(a->spec.files.ctx, fetch_cache_names[FETCH_MANIFEST],
				 &text, NULL) == 0 &&
	       manifest_parse(text.data, text.len, ret, NULL) == 0 &&
	       memcmp(ret->descriptor_sha256, a->handover.root_hash, SHA256_LEN) == 0;
}

/* Only where the manifest says so; a fallback slot normally survives. */
void health_raise_floor(struct agent *a)
{
	struct manifest *m;
	struct slot_record r = a->record;
	struct err e = ERR_INIT;

	if (a->running >= N_SLOTS || r.slots[a->running].state != SLOT_GOOD)
		return;
	m = calloc(1, sizeof(*m));
	if (m != NULL && load_running_manifest(a, m) && m->raise_floor_to > r.floor) {
		if (record_raise_floor(&r, a->running, m->raise_floor_to, &e) < 0 ||
		    agent_store_record(a, &r, &e) < 0)
			agent_log_failure(a, LOG_ERROR, "raise the security floor", &e);
		else
			log_info(a->spec.log, "agent", "the security floor is raised",
				 NULL);
	}
	free(m);
}

static void confirm(struct agent *a)
{
	struct slot_record r = a->record;
	struct err e = ERR_INIT;

	if (a->state == AGENT_CHECKING)
		agent_move(a, AGENT_CONFIRMING, "healthy");
	if (record_confirm(&r, a->running, a->handover.root_hash, &e) < 0) {
		agent_log_failure(a, LOG_ERROR, "confirm the new firmware", &e);
		reject(a, REASON_UNVERIFIED, "what runs is not what was installed");
		return;
	}
	if (agent_store_record(a, &r, &e) < 0) {
		agent_log_failure(a, LOG_ERROR, "confirm the new firmware", &e);
		agent_timer(a, AGENT_TIMER_HEALTH, RETRY_MS);
		return;
	}
	agent_timer(a, AGENT_TIMER_CONFIRM, -1);
	health_raise_floor(a);
	agent_move(a, AGENT_IDLE, "confirmed: this firmware stays");
	report_outcome(a);
	contact_deployment_ended(a);
}
