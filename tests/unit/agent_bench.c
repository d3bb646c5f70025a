/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_bench.h"

#define MAX_EVENTS 200000
#define PIECE 9001u

/* ---- files ---- */

static int file_get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	struct file *f = files_find(&((struct bench *)ctx)->files, name);

	if (f == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s", name);
	return buf_add(ret, f->data.data, f->data.len, e);
}

static int file_put(void *ctx, const char *name, const void *data, size_t len,
		    struct err *e)
{
	struct bench *b = ctx;

	if (b->puts_left == 0)
		return err_set(e, ERR_NO_SPACE, "the medium is full");
	b->puts_left -= b->puts_left > 0;
	files_put(&b->files, name, data, len);
	return 0;
}

static int file_del(void *ctx, const char *name, struct err *e)
{
	(void)e;
	files_del(&((struct bench *)ctx)->files, name);
	return 0;
}

/* ---- the bootloader ---- */

static struct bench *of(struct boot *boot)
{
	return (struct bench *)((char *)boot - offsetof(struct bench, boot));
}

static int fake_load(struct boot *boot, struct slot_record *ret, struct err *e)
{
	return boot_load(of(boot)->model, ret, e);
}

static int fake_store(struct boot *boot, const struct slot_record *r, struct err *e)
{
	struct bench *b = of(boot);

	if (b->stores_left == 0)
		return err_set(e, ERR_IO, "the medium does not take it");
	b->stores_left -= b->stores_left > 0;
	return boot_store(b->model, r, e);
}

static int fake_handover(struct boot *boot, struct handover *ret, struct err *e)
{
	if (of(boot)->handover.slot == NO_SLOT)
		return err_set(e, ERR_NOT_FOUND, "not started by the bootloader");
	*ret = of(boot)->handover;
	return 0;
}

static int fake_feed(struct boot *boot, struct err *e)
{
	(void)e;
	of(boot)->n_fed++;
	return 0;
}

static int fake_reboot(struct boot *boot, struct err *e)
{
	(void)e;
	of(boot)->n_reboots++;
	of(boot)->rebooted = true;
	return 0;
}

static void fake_close(struct boot *boot)
{
	(void)boot;
}

static const struct boot_ops fake_boot = {
    "fake", fake_load, fake_store, fake_handover, fake_feed, fake_reboot, fake_close};

unsigned bench_boot(struct bench *b)
{
	struct slot_record r = bench_record(b);
	struct err e = ERR_INIT;
	unsigned slot = NO_SLOT;
	enum boot_choice choice;

	while ((choice = record_choose(&r, &slot)) == BOOT_EXHAUST) {
		OK(record_reject(&r, slot, REASON_EXHAUSTED, &e));
		OK(boot_store(b->model, &r, &e));
	}
	assert_true(choice == BOOT_SLOT || choice == BOOT_TRY);
	if (choice == BOOT_TRY)
		OK(record_boot_try(&r, slot, &e));
	else
		OK(record_boot_good(&r, slot, &e));
	OK(boot_store(b->model, &r, &e));
	OK(device_check_slot(b->d, slot, slot == 0 ? &b->d->v1 : &b->d->v2, &e));
	b->handover =
	    (struct handover){.slot = slot,
			      .boot_count = r.boot_count,
			      .tries = r.slots[slot].tries,
			      .security_version = r.slots[slot].security_version};
	memcpy(b->handover.root_hash, r.slots[slot].root_hash, SHA256_LEN);
	memset(b->handover.boot_id, (int)r.boot_count, BOOT_ID_LEN);
	strcpy(b->handover.version, r.slots[slot].version);
	b->rebooted = false;
	return slot;
}

/* ---- the agent's ops ---- */

static int http_start(void *ctx, enum agent_channel ch, const struct net_request *r,
		      struct err *e)
{
	struct bench *b = ctx;
	struct bench_call *c = &b->calls[ch];
	char range[32] = "";

	(void)e;
	assert_false(c->active);
	*c = (struct bench_call){.active = true,
				 .cut_at = SIZE_MAX,
				 .range_start = r->range_start,
				 .head = {.content_length = -1, .range_start = -1}};
	(void)snprintf(c->line, sizeof(c->line), "%s %s", r->method, r->url);
	if (r->headers[0] != NULL && strncmp(r->headers[0], "Authorization", 13) == 0)
		(void)snprintf(c->authorization, sizeof(c->authorization), "%s",
			       r->headers[0]);
	if (r->range_start >= 0)
		(void)snprintf(range, sizeof(range), "from %lld",
			       (long long)r->range_start);
	bench_serve(b, c, r, range);
	return 0;
}

static void http_pause(void *ctx, enum agent_channel ch, bool paused)
{
	((struct bench *)ctx)->calls[ch].paused = paused;
}

static void http_cancel(void *ctx, enum agent_channel ch)
{
	struct bench_call *c = &((struct bench *)ctx)->calls[ch];

	free(c->owned);
	*c = (struct bench_call){.active = false};
}

static void timer_set(void *ctx, enum agent_timer t, int64_t after_ms)
{
	struct bench *b = ctx;

	b->due[t] = after_ms < 0 ? -1 : b->mono + after_ms;
}

static int target_open(void *ctx, unsigned slot, struct install_slot *ret,
		       struct dev **ret_journal, struct err *e)
{
	struct bench *b = ctx;

	(void)e;
	assert_false(b->target_open);
	assert_int_not_equal(slot, b->handover.slot);
	b->target_open = true;
	*ret = (struct install_slot){.images = {{"firmware", b->d->images[slot][0]},
						{"rootfs", b->d->images[slot][1]}},
				     .n_images = 2,
				     .descriptor = b->d->descriptors[slot]};
	*ret_journal = b->d->journal;
	return 0;
}

static void target_close(void *ctx)
{
	assert_true(((struct bench *)ctx)->target_open);
	((struct bench *)ctx)->target_open = false;
}

static int base_open(void *ctx, unsigned slot, struct install_slot *ret, struct err *e)
{
	struct bench *b = ctx;

	assert_true(b->target_open);
	assert_int_equal(slot, b->handover.slot);
	if (b->base_is_gone)
		return err_set(e, ERR_IO, "slot A: no such device");
	*ret = (struct install_slot){.images = {{"firmware", b->d->images[slot][0]},
						{"rootfs", b->d->images[slot][1]}},
				     .n_images = 2,
				     .descriptor = b->d->descriptors[slot]};
	return 0;
}

static int command_start(void *ctx, const char *command, uint64_t timeout_ms,
			 struct err *e)
{
	struct bench *b = ctx;

	(void)timeout_ms;
	(void)e;
	assert_false(b->command_runs);
	b->command_runs = true;
	strcat(b->commands, command);
	strcat(b->commands, "|");
	return 0;
}

static void command_cancel(void *ctx)
{
	((struct bench *)ctx)->command_runs = false;
}

static uint32_t no_random(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct agent_ops fake_ops = {
    .http_start = http_start,
    .http_pause = http_pause,
    .http_cancel = http_cancel,
    .timer_set = timer_set,
    .target_open = target_open,
    .target_close = target_close,
    .base_open = base_open,
    .command_start = command_start,
    .command_cancel = command_cancel,
    .random = no_random,
};

static int64_t get_utc(void *ctx)
{
	return ((struct bench *)ctx)->utc;
}

static int64_t get_mono(void *ctx)
{
	return ((struct bench *)ctx)->mono;
}

/* ---- events ---- */

static void end_call(struct bench *b, unsigned ch, const struct err *e)
{
	struct bench_call c = b->calls[ch];

	b->calls[ch].active = false;
	agent_on_end(b->a, (enum agent_channel)ch, &c.head, e);
	free(c.owned);
}

static bool deliver_head(struct bench *b, unsigned ch)
{
	struct bench_call *c = &b->calls[ch];
	struct err e = ERR_INIT;

	c->headed = true;
	if (agent_on_head(b->a, (enum agent_channel)ch, &c->head, &e) == 0)
		return true;
	end_call(b, ch, &e);
	return false;
}

static void deliver_data(struct bench *b, unsigned ch)
{
	struct bench_call *c = &b->calls[ch];
	size_t limit = c->len < c->cut_at ? c->len : c->cut_at;
	size_t n = limit - c->sent < PIECE ? limit - c->sent : PIECE;
	struct err e = ERR_INIT;

	if (n == 0) {
		if (c->cut_at < c->len)
			(void)err_set(&e, ERR_UNREACHABLE, "cut short");
		end_call(b, ch, &e);
		return;
	}
	c->sent += n;
	if (strstr(c->line, "/body") != NULL)
		b->n_body_bytes += n;
	if (agent_on_data(b->a, (enum agent_channel)ch, c->data + c->sent - n, n, &e) <
	    0)
		end_call(b, ch, &e);
}

/* One event of a call; false if none is ready. */
static bool deliver(struct bench *b)
{
	for (unsigned i = 0; i < N_AGENT_CHANNELS; i++) {
		unsigned ch =
		    b->turn++ % N_AGENT_CHANNELS; /* in turn, as on a network */
		struct bench_call *c = &b->calls[ch];
		struct err e = ERR_INIT;

		if (!c->active || c->paused || (c->silent && c->headed))
			continue;
		if (c->unreachable) {
			(void)err_set(&e, ERR_UNREACHABLE, "no route to host");
			end_call(b, ch, &e);
		} else if (!c->headed) {
			(void)deliver_head(b, ch);
		} else {
			deliver_data(b, ch);
		}
		return true;
	}
	return false;
}

static bool run_command(struct bench *b)
{
	int status;

	if (!b->command_runs)
		return false;
	status = b->n_runs < N_ELEMS(b->statuses) ? b->statuses[b->n_runs] : 0;
	if (status == -2)
		return false;
	b->n_runs++;
	b->command_runs = false;
	agent_on_command_end(b->a, status, status < 0 ? "timed out" : NULL);
	return true;
}

static bool fire_timer(struct bench *b, int64_t until)
{
	int first = -1;

	for (int i = 0; i < N_AGENT_TIMERS; i++) {
		if (b->due[i] >= 0 && (first < 0 || b->due[i] < b->due[first]))
			first = i;
	}
	if (first < 0 || b->due[first] > until)
		return false;
	if (b->due[first] > b->mono) {
		b->utc += b->due[first] - b->mono;
		b->mono = b->due[first];
	}
	b->due[first] = -1;
	agent_on_timer(b->a, (enum agent_timer)first);
	return true;
}

/* Timers that are due come between the pieces of an answer, as on a loop. */
static bool one_event(struct bench *b, int64_t until)
{
	if (b->rebooted)
		return false;
	return fire_timer(b, b->mono) || deliver(b) || run_command(b) ||
	       fire_timer(b, until);
}

typedef bool (*condition)(const struct bench *b, const void *what);

static void until(struct bench *b, condition met, const void *what, const char *name)
{
	for (int i = 0; i < MAX_EVENTS; i++) {
		if (met(b, what))
			return;
		if (!one_event(b, INT64_MAX))
			break;
	}
	if (!met(b, what))
		fail_msg("never: %s; state %s; asked:\n%s\nheard:\n%s", name,
			 agent_state_name(agent_state(b->a)), b->asked, b->heard);
}

static bool is_state(const struct bench *b, const void *what)
{
	return agent_state(b->a) == *(const enum agent_state *)what;
}

static bool has_rebooted(const struct bench *b, const void *what)
{
	(void)what;
	return b->rebooted;
}

static bool has_heard(const struct bench *b, const void *what)
{
	return strstr(b->heard, what) != NULL;
}

static bool has_asked(const struct bench *b, const void *what)
{
	return strstr(b->asked, what) != NULL;
}

void bench_until(struct bench *b, enum agent_state s)
{
	until(b, is_state, &s, agent_state_name(s));
}

void bench_until_reboot(struct bench *b)
{
	until(b, has_rebooted, NULL, "reboot");
}

void bench_until_heard(struct bench *b, const char *text)
{
	until(b, has_heard, text, text);
}

void bench_until_asked(struct bench *b, const char *text)
{
	until(b, has_asked, text, text);
}

void bench_for(struct bench *b, int64_t ms)
{
	int64_t end = b->mono + ms;

	for (int i = 0; i < MAX_EVENTS && one_event(b, end); i++)
		;
	b->utc += end - b->mono;
	b->mono = end;
}

/* ---- life ---- */

static void publish(struct bench *b)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	const struct install_material *m = &b->d->v2.material;
	uint8_t hash[SHA256_LEN];

	OK(sha256(m->manifest, m->manifest_len, hash, &e));
	OK(repo_draft_targets_add(b->w.targets.data, b->w.targets.len, BENCH_TARGET,
				  m->manifest_len, hash, b->w.now + YEAR_MS, &draft,
				  &e));
	buf_clear(&b->w.targets);
	OK(repo_sign(draft.data, draft.len, b->w.key[TARGETS], &b->w.targets, &e));
	repo_publish(&b->w);
}

void bench_init(struct bench *b)
{
	static const char *const commands[] = {"check one", "check two"};
	struct slot_record record;
	struct err e = ERR_INIT;

	memset(b, 0, sizeof(*b));
	b->d = device_new();
	world_init(&b->w);
	publish(b);
	b->puts_left = b->stores_left = -1;
	b->boot.ops = &fake_boot;
	b->utc = b->w.now;
	b->mono = 1000;
	b->closes = true;
	b->update = "forced";
	b->spec = (struct agent_spec){.ops = &fake_ops,
				      .ctx = b,
				      .clock = {get_utc, get_mono, b},
				      .boot = &b->boot,
				      .trust = world_store(&b->w),
				      .files = {file_get, file_put, file_del, b},
				      .agent_version = "0.1.0",
				      .product = "gateway",
				      .hardware = "revA",
				      .boot_keys = &b->d->keys,
				      .origin = BENCH_ORIGIN,
				      .base = BENCH_BASE,
				      .token = "secret",
				      .poll_ms = 300000,
				      .delta_memory_bytes = 2u << 20,
				      .backoff = {1000, 600000},
				      .health_commands = commands,
				      .n_health_commands = 2,
				      .settle_ms = 5000,
				      .health_timeout_ms = 1000,
				      .health_retries = 1,
				      .confirm_deadline_ms = 300000,
				      .watchdog_ms = 9000,
				      .reboot_delay_ms = 5000};
	for (int i = 0; i < N_AGENT_TIMERS; i++)
		b->due[i] = -1;
	OK(device_open(b->d, &b->model, &record, &e));
	(void)bench_boot(b);
}

void bench_stop(struct bench *b)
{
	agent_free(b->a);
	b->a = NULL;
	for (int i = 0; i < N_AGENT_TIMERS; i++)
		b->due[i] = -1;
	for (int i = 0; i < N_AGENT_CHANNELS; i++)
		assert_false(b->calls[i].active);
	assert_false(b->target_open);
	b->command_runs = false;
}

void bench_fini(struct bench *b)
{
	bench_stop(b);
	boot_close(b->model);
	world_fini(&b->w);
	files_clear(&b->files);
	device_free(b->d);
}

void bench_start(struct bench *b)
{
	struct err e = ERR_INIT;

	if (b->a != NULL)
		bench_stop(b);
	b->a = agent_new(&b->spec, &e);
	assert_non_null(b->a);
	OK(agent_start(b->a, &e));
}

struct slot_record bench_record(struct bench *b)
{
	struct slot_record r;
	struct err e = ERR_INIT;

	OK(boot_load(b->model, &r, &e));
	return r;
}

bool bench_heard(const struct bench *b, const char *text)
{
	return strstr(b->heard, text) != NULL;
}

unsigned bench_count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

void bench_offer(struct bench *b)
{
	bench_init(b);
	b->deployment = ID;
}

void bench_arm(struct bench *b)
{
	bench_offer(b);
	bench_start(b);
	bench_until_reboot(b);
	bench_stop(b);
	assert_int_equal(bench_boot(b), 1);
}
