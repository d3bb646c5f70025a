/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a release comes as a delta from the slot that runs, or as its full payload.
 *
 *	offered, and this device has memory for it ──> the delta's head (a TUF target of
 *	its own) and its body
 *		│ its head, its body, its memory, what it makes: anything that does not
 *		│ go away by itself
 *		v
 *	stored: this deployment's delta failed, and why ──> the full payload's head, and
 *	its body from where the delta was given up
 *
 * Where the device takes no full payload over its link (delta_only), a deployment without
 * a delta waits, and one whose delta fails is refused.
 *
 * It is stored before it is acted on, so a delta that takes the device down with it is
 * not tried for ever: a restart finds either no word of it (one more attempt) or that it
 * failed. The reason goes to the server with the next report, and again with the last
 * one. What is wrong with the release itself is found again by the full payload.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_ATTEMPTS 5 /* in a row without getting on */

bool delta_takes(const struct agent *a)
{
	return a->spec.delta_memory_bytes > 0 && a->spec.ops->base_open != NULL;
}

static bool unwraps(const struct agent *a)
{
	return delta_takes(a) && a->spec.unwrap.codecs != NULL;
}

static void PRINTF_LIKE(2, 3) say(struct capabilities *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->n < MAX_CAPABILITIES &&
	    vsnprintf(c->words[c->n], sizeof(c->words[0]), format, args) <
		(int)sizeof(c->words[0]))
		c->n++;
	va_end(args);
}

/* An encoder is told with its exact version: another one makes other bytes. */
static void say_unwrap(const struct agent *a, struct capabilities *ret)
{
	const struct recode_means *m = &a->spec.unwrap;

	for (size_t i = 0; m->codecs[i] != NULL; i++)
		say(ret, "unwrap-%s-%s", m->codecs[i]->name, m->codecs[i]->version());
	say(ret, "unwrap-memory-%llu", (unsigned long long)m->limit.memory_bytes);
	say(ret, "unwrap-scratch-%llu", (unsigned long long)m->limit.scratch_bytes);
}

void agent_capabilities(const struct agent *a, struct capabilities *ret)
{
	*ret = (struct capabilities){{"full", "resume", "offline"}, 3};
	if (!delta_takes(a))
		return;
	say(ret, "delta");
	if (a->spec.delta_only)
		say(ret, "delta-only");
	if (unwraps(a))
		say_unwrap(a, ret);
}

bool delta_must_wait(const struct agent *a, const struct ddi_deployment *d)
{
	return a->spec.delta_only && d->artifacts[0].delta.name[0] == '\0';
}

bool delta_wanted(const struct agent *a)
{
	const struct update *u = &a->update;

	return u->bundle == NULL && u->artifact.delta.name[0] != '\0' &&
	       u->artifact.delta.head[0] != '\0' && u->artifact.delta.body[0] != '\0' &&
	       delta_takes(a) && a->running < N_SLOTS &&
	       strcmp(a->memory.delta.id, u->id) != 0;
}

bool delta_refuses_full(struct agent *a)
{
	bool failed = strcmp(a->memory.delta.id, a->update.id) == 0;
	struct err e = ERR_INIT;

	if (!a->spec.delta_only || a->update.bundle != NULL)
		return false;
	(void)err_set(&e, ERR_UNSUPPORTED, "%s",
		      failed ? a->memory.delta.reason : "there is no delta to take");
	update_refused(a, "install without the full payload", &e);
	return true;
}

/* What the delta is not to blame for: the network, the server, the medium that is
 * written. */
static bool is_at_fault(enum err_code code)
{
	static const enum err_code others[] = {ERR_UNREACHABLE, ERR_TIMEOUT,  ERR_BUSY,
					       ERR_RATE,	ERR_AUTH,     ERR_IO,
					       ERR_NO_SPACE,	ERR_CANCELLED};

	for (size_t i = 0; i < N_ELEMS(others); i++) {
		if (others[i] == code)
			return false;
	}
	return true;
}

/* Before its head is asked for, what fails is the release. */
static bool is_under_way(const struct agent *a)
{
	return a->update.by_delta && a->update.what >= FETCH_HEAD &&
	       (a->state == AGENT_FETCHING || a->state == AGENT_INSTALLING ||
		a->state == AGENT_VERIFYING);
}

static int remember(struct agent *a, const char *what, const struct err *why,
		    struct err *e)
{
	struct memory_failed before = a->memory.delta;

	memory_note_delta(&a->memory, a->update.id, what, why->text);
	if (agent_save(a, e) == 0)
		return 0;
	a->memory.delta = before;
	return -1;
}

bool delta_failed(struct agent *a, const char *what, const struct err *why)
{
	struct err e = ERR_INIT;
	char text[DDI_TEXT_LEN];

	agent_log_failure(a, LOG_WARN, what, why);
	a->update.by_delta = false;
	if (remember(a, what, why, &e) < 0) {
		update_failed(a, "remember that the delta failed", &e);
		return false;
	}
	if (delta_refuses_full(a))
		return false;
	(void)snprintf(text, sizeof(text), "%s; the full payload is taken",
		       a->memory.delta.reason);
	report_progress(a, DDI_PROCEEDING, -1, text);
	return true;
}

bool delta_gives_way(struct agent *a, const char *what, const struct err *why,
		     bool for_good)
{
	bool over =
	    for_good || is_at_fault(why->code) || a->attempts + 1 >= MAX_ATTEMPTS;

	if (!is_under_way(a) || !over)
		return false;
	if (!delta_failed(a, what, why))
		return true;
	write_abandon(a);
	if (a->state != AGENT_FETCHING)
		agent_move(a, AGENT_FETCHING, "the full payload instead of the delta");
	fetch_full_head(a);
	return true;
}
