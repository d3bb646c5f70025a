/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INSTALLING, VERIFYING, ARMING: drives client/install with a body that comes in
 * pieces.
 *
 *	answer ──write_data──> pending ──write_step──> install ──> medium
 *	   ^                      │
 *	   └── paused while pending is not empty
 *
 * A step is one event of the loop, and at most STEPS small operations, so that polls,
 * the watchdog and a cancel get their turn however long the install takes.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

#define STEPS 4
#define PENDING_MAX_BYTES (1024u * 1024)
#define PROGRESS_EVERY_MS 1000
#define MAX_MEDIUM_FAILURES 3
#define LEAP_MAX_BYTES (256u * 1024) /* is passed over rather than asked for anew */

/* ---- how an attempt ends ---- */

/* What goes away by itself: somebody else has to act first, or memory is short. */
static bool is_passing(enum err_code code)
{
	return code == ERR_BUSY || code == ERR_NO_MEMORY || code == ERR_UNREACHABLE ||
	       code == ERR_TIMEOUT || code == ERR_INTERNAL;
}

static void end(struct agent *a, const char *what, const struct err *e)
{
	bool medium =
	    e->code == ERR_IO || e->code == ERR_NO_SPACE || e->code == ERR_NOT_FOUND;

	if (e->code == ERR_DIGEST)
		update_altered(a, what, e);
	else if (is_passing(e->code) ||
		 (medium && a->attempts + 1 < MAX_MEDIUM_FAILURES))
		update_failed(a, what, e);
	else
		update_refused(a, what, e);
}

/* ---- progress ---- */

int write_percent(const struct agent *a)
{
	struct install_progress p;

	if (a->update.install == NULL)
		return -1;
	install_progress(a->update.install, &p);
	return p.blocks > 0 ? (int)(p.blocks_done * 100 / p.blocks) : 0;
}

/* At most one a second and one a percent: a server keeps a thousand for an action. */
static void tell_progress(struct agent *a)
{
	struct update *u = &a->update;
	int64_t now = agent_mono(a);
	int percent = write_percent(a);

	if (u->bundle != NULL || percent == u->percent ||
	    (u->percent >= 0 && now - u->percent_at_ms < PROGRESS_EVERY_MS))
		return;
	u->percent = percent;
	u->percent_at_ms = now;
	report_progress(a, DDI_DOWNLOAD, percent,
			a->update.by_delta ? "installs by a delta" : "installs");
}

/* ---- the body's answer ---- */

static void set_paused(struct agent *a, bool paused)
{
	struct update *u = &a->update;

	if (u->paused == paused || !a->exchanges[AGENT_FETCH].active)
		return;
	u->paused = paused;
	a->spec.ops->http_pause(a->spec.ctx, AGENT_FETCH, paused);
}

/* A server (or a proxy before it) may answer with all of it, whatever was asked for:
 * then what is there already is passed over. */
int write_head(struct agent *a, const struct net_head *h, struct err *e)
{
	struct update *u = &a->update;

	if (agent_check_status(h, "payload", e) < 0)
		return -1;
	if (h->status == 200) {
		u->skip = u->body_at;
		return 0;
	}
	if (h->status != 206 || h->range_start < 0 ||
	    (uint64_t)h->range_start != u->body_at)
		return err_set(
		    e, ERR_UNREACHABLE,
		    "payload: the server does not answer with the range from "
		    "%llu that was asked for",
		    (unsigned long long)u->body_at);
	return 0;
}

int write_data(struct agent *a, const void *data, size_t len, struct err *e)
{
	struct update *u = &a->update;
	size_t known = u->skip < len ? (size_t)u->skip : len;

	u->skip -= known;
	len -= known;
	if (len == 0)
		return 0;
	if (len > u->body_size - u->body_at)
		return err_set(e, ERR_LIMIT,
			       "the payload is larger than the %llu bytes of its head",
			       (unsigned long long)u->body_size);
	if (buf_add(&u->pending, (const uint8_t *)data + known, len, e) < 0)
		return -1;
	u->body_at += len;
	set_paused(a, true);
	agent_timer(a, AGENT_TIMER_STEP, 0);
	return 0;
}

static void on_body(struct agent *a, const struct net_head *h, const struct buf *body,
		    const struct err *why)
{
	struct update *u = &a->update;

	(void)body;
	a->retry_after_ms = h->retry_after_ms;
	u->ended = true;
	u->paused = false;
	if (why->code == ERR_NONE || a->state != AGENT_INSTALLING) {
		agent_timer(a, AGENT_TIMER_STEP, 0);
		return;
	}
	/* What is pending is good: it goes in before the next attempt. */
	u->why = *why;
	if (u->pending.len > 0)
		agent_timer(a, AGENT_TIMER_STEP, 0);
	else
		update_failed(a, "fetch the payload", why);
}

static int get_body(struct agent *a, struct err *e)
{
	struct update *u = &a->update;
	struct net_request r = {.method = "GET",
				.url = u->by_delta ? u->artifact.delta.body
						   : u->artifact.payload_body,
				.range_start = (int64_t)u->body_at,
				.range_end = -1,
				.max_bytes = u->body_size,
				.timeout_ms = a->spec.max_install_ms,
				.max_rate_bytes = a->spec.max_rate_bytes};

	u->skip = 0;
	return agent_request(a, AGENT_FETCH, &r, NULL, 0, on_body, e);
}

/* ---- INSTALLING begins ---- */

/* Where the slot that runs cannot be read the delta is of no use, and nothing else is
 * wrong: another code than that of a medium to write. */
static int open_base(struct agent *a, struct err *e)
{
	struct err why = ERR_INIT;

	if (a->spec.ops->base_open(a->spec.ctx, a->running, &a->update.base, &why) == 0)
		return 0;
	return err_set(e, ERR_INCOMPATIBLE, "%s", why.text);
}

/* Without it what needs none goes on. */
static void open_scratch(struct agent *a)
{
	uint64_t size = a->spec.unwrap.limit.scratch_bytes;
	struct err e = ERR_INIT;

	a->update.scratch = NULL;
	if (a->spec.unwrap.codecs == NULL || size == 0 ||
	    a->spec.ops->scratch_open == NULL)
		return;
	if (a->spec.ops->scratch_open(a->spec.ctx, size, &a->update.scratch, &e) < 0)
		agent_log_failure(a, LOG_WARN, "make room to unwrap", &e);
}

static int begin_install(struct agent *a, struct err *e)
{
	struct update *u = &a->update;
	struct install_spec spec = {.slot = a->target,
				    .running = a->running,
				    .boot = a->spec.boot,
				    .record = &a->record,
				    .boot_keys = a->spec.boot_keys,
				    .product = a->spec.product,
				    .hardware = a->spec.hardware,
				    .delta_memory = a->spec.delta_memory_bytes,
				    .unwrap = a->spec.unwrap};
	const struct install_material m = {
	    .manifest = u->parts[FETCH_MANIFEST].data,
	    .manifest_len = u->parts[FETCH_MANIFEST].len,
	    .descriptor = u->parts[FETCH_DESCRIPTOR].data,
	    .descriptor_len = u->parts[FETCH_DESCRIPTOR].len,
	    .head = u->parts[FETCH_HEAD].data,
	    .head_len = u->parts[FETCH_HEAD].len,
	    .is_delta = u->by_delta};
	struct install_progress p;

	if (a->spec.ops->target_open(a->spec.ctx, a->target, &u->media, &u->journal,
				     e) < 0)
		return -1;
	u->target_is_open = true;
	spec.target = u->media;
	spec.journal = u->journal;
	if (u->by_delta && open_base(a, e) < 0)
		return -1;
	if (u->by_delta)
		open_scratch(a);
	spec.base = u->by_delta ? &u->base : NULL;
	spec.scratch = u->by_delta ? u->scratch : NULL;
	u->install = install_new(&spec, e);
	if (u->install == NULL || install_begin(u->install, &m, &u->body_at, e) < 0)
		return -1;
	install_progress(u->install, &p);
	u->body_size = p.body_size;
	return 0;
}

void write_abandon(struct agent *a)
{
	struct update *u = &a->update;

	agent_drop(a, AGENT_FETCH);
	agent_timer(a, AGENT_TIMER_STEP, -1);
	install_free(TAKE(u->install));
	if (u->target_is_open)
		a->spec.ops->target_close(a->spec.ctx);
	u->target_is_open = false;
	buf_fini(&u->pending);
	u->paused = u->ended = false;
	u->why = ERR_INIT;
}

/* The tie between the deployment and what the record will say of the slot. */
static int remember(struct agent *a, struct err *e)
{
	struct memory_deployment *d = &a->memory.deployment;
	const struct update *u = &a->update;

	*d = (struct memory_deployment){.transaction = a->record.transaction,
					.slot = a->target};
	memcpy(d->id, u->id, sizeof(d->id));
	memcpy(d->descriptor_sha256, u->manifest->descriptor_sha256, SHA256_LEN);
	memcpy(d->manifest_sha256, u->manifest_sha256, SHA256_LEN);
	if (u->by_delta)
		memcpy(d->delta, u->artifact.delta.name, sizeof(d->delta));
	return agent_save(a, e);
}

void write_begin(struct agent *a)
{
	struct update *u = &a->update;
	struct err e = ERR_INIT;

	report_keep(a);
	if (begin_install(a, &e) < 0) {
		end(a, "begin to install", &e);
		return;
	}
	if (remember(a, &e) < 0) {
		update_failed(a, "remember the deployment", &e);
		return;
	}
	buf_init(&u->pending, PENDING_MAX_BYTES);
	u->percent = -1;
	agent_move(a, AGENT_INSTALLING,
		   u->body_at > 0 ? "goes on where it was interrupted"
				  : "begins to write");
	if (u->bundle == NULL && u->body_at < u->body_size && get_body(a, &e) < 0) {
		update_failed(a, "fetch the payload", &e);
		return;
	}
	tell_progress(a);
	agent_timer(a, AGENT_TIMER_STEP, 0);
}

/* ---- ARMING ---- */

static void arm(struct agent *a)
{
	struct err e = ERR_INIT;
	char text[64];
	bool from_bundle = a->update.bundle != NULL;

	if (a->state == AGENT_INSTALLING)
		agent_move(a, AGENT_VERIFYING, "every block was there already");
	if (a->update.hold) {
		update_hold(a);
		return;
	}
	agent_move(a, AGENT_ARMING, "read back as signed");
	if (install_arm(a->update.install, DEFAULT_TRIES, &e) < 0) {
		end(a, "arm the slot", &e);
		return;
	}
	(void)snprintf(text, sizeof(text), "slot %c is armed: rebooting",
		       slot_letter(a->target));
	agent_move(a, AGENT_REBOOTING, text);
	if (!from_bundle)
		report_progress(a, DDI_PROCEEDING, 100, text);
	update_clear(a);
	reboot_soon(a);
}

/* ---- steps ---- */

static bool body_is_complete(const struct agent *a)
{
	struct install_progress p;

	install_progress(a->update.install, &p);
	return p.body_checked == p.body_size;
}

static void verify(struct agent *a)
{
	agent_move(a, AGENT_VERIFYING, "every block is written: reads back");
	/* "downloaded" ends a download-only deployment: not before it was read back. */
	if (a->update.bundle == NULL)
		report_progress(a, a->update.hold ? DDI_DOWNLOAD : DDI_DOWNLOADED, 100,
				"reads back what was written");
}

/* The body ended before the install had enough of it. */
static void cut_short(struct agent *a)
{
	struct err e = a->update.why;

	if (e.code == ERR_NONE)
		(void)err_set(&e, ERR_UNREACHABLE, "the payload ended early");
	update_failed(a, "fetch the payload", &e);
}

/* What is pending ends at body_at and begins behind what the install has. Where it wants
 * to go on further behind, what lies between is dropped, or not asked for. */
static int leap(struct agent *a, struct err *e)
{
	struct update *u = &a->update;
	uint64_t wanted = install_body_offset(u->install);

	if (wanted <= u->body_at) {
		uint64_t left = u->body_at - wanted;

		if (left < u->pending.len)
			buf_drop(&u->pending, u->pending.len - (size_t)left);
		return 0;
	}
	buf_clear(&u->pending);
	if (u->bundle == NULL && wanted - u->body_at <= LEAP_MAX_BYTES && !u->ended) {
		u->skip += wanted - u->body_at;
		u->body_at = wanted;
		return 0;
	}
	u->body_at = wanted;
	if (u->bundle != NULL)
		return 0;
	agent_drop(a, AGENT_FETCH);
	u->paused = u->ended = false;
	return get_body(a, e);
}

/* Hands on what is pending. False: there is nothing more for now. */
static bool feed(struct agent *a, struct err *e)
{
	struct update *u = &a->update;

	if (leap(a, e) < 0)
		return false;
	if (u->pending.len == 0 && u->bundle != NULL && offline_body(a, e) < 0)
		return false;
	if (u->pending.len > 0) {
		buf_drop(&u->pending,
			 install_feed(u->install, u->pending.data, u->pending.len));
		return true;
	}
	if (!u->ended)
		set_paused(a, false);
	return false;
}

enum outcome { GO_ON, WAIT, OVER };

static enum outcome step(struct agent *a)
{
	struct update *u = &a->update;
	struct err e = ERR_INIT;
	enum install_want want;

	if (install_step(u->install, &want, &e) < 0) {
		end(a, "write the slot", &e);
		return OVER;
	}
	if (want == INSTALL_WRITTEN) {
		arm(a);
		return OVER;
	}
	if (a->state == AGENT_INSTALLING && body_is_complete(a))
		verify(a);
	if (want == INSTALL_STEP || feed(a, &e))
		return GO_ON;
	if (e.code != ERR_NONE) {
		end(a, u->bundle != NULL ? "read the bundle" : "fetch the payload", &e);
		return OVER;
	}
	if (!u->ended)
		return WAIT;
	cut_short(a);
	return OVER;
}

/* An attempt that came farther than any before it is no reason to wait longer before
 * the next one. What is written and not kept does not count, nor the same way once
 * more: a medium or a line that always fails at one place would be tried for ever. */
static void note_getting_on(struct agent *a)
{
	struct install_progress p;

	install_progress(a->update.install, &p);
	if (p.blocks_kept <= a->best_blocks)
		return;
	a->best_blocks = p.blocks_kept;
	a->attempts = 0;
}

void write_step(struct agent *a)
{
	enum outcome o = GO_ON;

	if (a->state != AGENT_INSTALLING && a->state != AGENT_VERIFYING)
		return;
	for (int i = 0; i < STEPS && o == GO_ON; i++)
		o = step(a);
	if (o == OVER)
		return;
	note_getting_on(a);
	tell_progress(a);
	if (o == GO_ON)
		agent_timer(a, AGENT_TIMER_STEP, 0);
}
