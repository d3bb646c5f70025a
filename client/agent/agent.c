/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include "../../common/base/text.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define ARMED_AGAIN 6 /* as patient as after so many failures */
#define TO(state) (1u << AGENT_##state)

/* The allowed edges. Every change of state goes through agent_move(), which looks
 * here. */
static const unsigned edges[N_AGENT_STATES] = {
    [AGENT_OFF] = TO(IDLE) | TO(CHECKING) | TO(BACKING_OFF),
    [AGENT_IDLE] = TO(POLLING) | TO(REFRESHING) | TO(REBOOTING),
    [AGENT_POLLING] = TO(IDLE) | TO(BACKING_OFF) | TO(REFRESHING) | TO(ASKING),
    [AGENT_ASKING] = TO(REFRESHING) | TO(IDLE),
    [AGENT_REFRESHING] = TO(FETCHING) | TO(BACKING_OFF) | TO(IDLE),
    [AGENT_FETCHING] = TO(INSTALLING) | TO(BACKING_OFF) | TO(IDLE),
    [AGENT_INSTALLING] = TO(VERIFYING) | TO(FETCHING) | TO(BACKING_OFF) | TO(IDLE),
    [AGENT_VERIFYING] = TO(ARMING) | TO(FETCHING) | TO(BACKING_OFF) | TO(IDLE),
    [AGENT_ARMING] = TO(REBOOTING) | TO(BACKING_OFF) | TO(IDLE),
    [AGENT_REBOOTING] = 0,
    [AGENT_CHECKING] = TO(CONFIRMING) | TO(REJECTING),
    [AGENT_CONFIRMING] = TO(IDLE) | TO(REJECTING),
    [AGENT_REJECTING] = TO(REBOOTING),
    [AGENT_BACKING_OFF] = TO(POLLING) | TO(REFRESHING) | TO(REBOOTING),
};

static const char *const names[N_AGENT_STATES] = {
    [AGENT_OFF] = "OFF",
    [AGENT_IDLE] = "IDLE",
    [AGENT_POLLING] = "POLLING",
    [AGENT_ASKING] = "ASKING",
    [AGENT_REFRESHING] = "REFRESHING",
    [AGENT_FETCHING] = "FETCHING",
    [AGENT_INSTALLING] = "INSTALLING",
    [AGENT_VERIFYING] = "VERIFYING",
    [AGENT_ARMING] = "ARMING",
    [AGENT_REBOOTING] = "REBOOTING",
    [AGENT_CHECKING] = "CHECKING",
    [AGENT_CONFIRMING] = "CONFIRMING",
    [AGENT_REJECTING] = "REJECTING",
    [AGENT_BACKING_OFF] = "BACKING_OFF",
};

const char *agent_state_name(enum agent_state s)
{
	return (unsigned)s < N_AGENT_STATES ? names[s] : "?";
}

enum agent_state agent_state(const struct agent *a)
{
	return a->state;
}

const struct err *agent_last_error(const struct agent *a)
{
	return &a->last_error;
}

void agent_move(struct agent *a, enum agent_state to, const char *why)
{
	enum log_level level =
	    to == AGENT_POLLING || a->state == AGENT_POLLING ? LOG_DEBUG : LOG_INFO;

	assert((edges[a->state] & 1u << to) != 0);
	log_event(a->spec.log, level, "agent", why, "from", names[a->state], "to",
		  names[to], NULL);
	a->state = to;
	if (a->spec.ops->changed != NULL)
		a->spec.ops->changed(a->spec.ctx, to);
}

bool agent_is_updating(const struct agent *a)
{
	const unsigned updating = TO(ASKING) | TO(REFRESHING) | TO(FETCHING) |
				  TO(INSTALLING) | TO(VERIFYING) | TO(ARMING) |
				  TO(REBOOTING);

	return (updating & 1u << a->state) != 0;
}

/* ---- helpers ---- */

void agent_log_failure(struct agent *a, enum log_level level, const char *what,
		       const struct err *e)
{
	a->last_error = *e;
	(void)err_wrap(&a->last_error, "%s", what);
	log_failure(a->spec.log, level, "agent", what, e);
}

void agent_timer(struct agent *a, enum agent_timer t, int64_t after_ms)
{
	a->spec.ops->timer_set(a->spec.ctx, t, after_ms);
}

uint32_t agent_random(struct agent *a)
{
	return a->spec.ops->random(a->spec.ctx);
}

int64_t agent_mono(const struct agent *a)
{
	return clock_mono_ms(&a->spec.clock);
}

int agent_store_record(struct agent *a, const struct slot_record *r, struct err *e)
{
	struct slot_record stored;

	if (boot_store(a->spec.boot, r, e) == 0) {
		a->record = *r;
		return 0;
	}
	/* It may have reached the medium all the same. */
	if (boot_load(a->spec.boot, &stored, NULL) == 0)
		a->record = stored;
	return -1;
}

int agent_save(struct agent *a, struct err *e)
{
	return memory_save(&a->spec.files, &a->memory, e);
}

/* ---- requests ---- */

/* The token goes to the configured server and nowhere else. */
static bool is_ours(const struct agent *a, const char *url)
{
	size_t len = a->spec.origin != NULL ? strlen(a->spec.origin) : 0;

	return len > 0 && strncmp(url, a->spec.origin, len) == 0 && url[len] == '/';
}

struct effective_time agent_time(const struct agent *a)
{
	return effective_time(clock_utc_ms(&a->spec.clock), a->memory.floor_utc_ms);
}

int agent_request(struct agent *a, enum agent_channel ch, struct net_request *r,
		  const char *extra, size_t max_body, exchange_fn done, struct err *e)
{
	struct exchange *x = &a->exchanges[ch];
	char authorization[256];
	const char *headers[4] = {NULL};
	size_t n = 0;

	if (x->active)
		return err_set(e, ERR_CONFLICT, "a request is under way already");
	if (a->spec.token != NULL && is_ours(a, r->url)) {
		if (text_format(authorization, sizeof(authorization), e,
				"Authorization: TargetToken %s", a->spec.token) < 0)
			return err_set(e, ERR_CONFIG, "the device token is too long");
		headers[n++] = authorization;
	}
	if (extra != NULL)
		headers[n++] = extra;
	r->headers = headers;
	r->any_date = !agent_time(a).from_system;
	buf_fini(&x->body);
	buf_init(&x->body, max_body);
	x->done = done;
	if (a->spec.ops->http_start(a->spec.ctx, ch, r, e) < 0)
		return -1;
	x->active = true;
	return 0;
}

int agent_get(struct agent *a, enum agent_channel ch, const char *url, size_t max_body,
	      exchange_fn done, struct err *e)
{
	struct net_request r = {.method = "GET",
				.url = url,
				.range_start = -1,
				.range_end = -1,
				.max_bytes = max_body,
				.timeout_ms = CALL_TIMEOUT_MS};

	return agent_request(a, ch, &r,
			     "Accept: application/json, application/hal+json", max_body,
			     done, e);
}

void agent_drop(struct agent *a, enum agent_channel ch)
{
	if (a->exchanges[ch].active)
		a->spec.ops->http_cancel(a->spec.ctx, ch);
	a->exchanges[ch].active = false;
}

static const struct {
	int status;
	enum err_code code;
} statuses[] = {
    {401, ERR_AUTH}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND}, {409, ERR_CONFLICT},
    {410, ERR_GONE}, {416, ERR_RANGE},	   {429, ERR_RATE},	 {503, ERR_BUSY},
};

bool agent_is_page(const struct net_head *h)
{
	return h->content_type != NULL &&
	       strncasecmp(h->content_type, "text/html", 9) == 0;
}

int agent_check_status(const struct net_head *h, const char *what, struct err *e)
{
	enum err_code code = ERR_UNREACHABLE;

	if ((h->status == 200 || h->status == 206) && agent_is_page(h))
		return err_set(e, ERR_UNREACHABLE, "%s: a web page came instead", what);
	if (h->status == 200 || h->status == 206)
		return 0;
	for (size_t i = 0; i < N_ELEMS(statuses); i++) {
		if (statuses[i].status == h->status)
			code = statuses[i].code;
	}
	return err_set(e, code, "%s: the server answered %d", what, h->status);
}

int agent_on_head(struct agent *a, enum agent_channel ch, const struct net_head *h,
		  struct err *e)
{
	if (ch == AGENT_FETCH && a->state == AGENT_INSTALLING)
		return write_head(a, h, e);
	if (ch == AGENT_EVENTS)
		return agent_check_status(h, "event stream", e);
	return 0;
}

int agent_on_data(struct agent *a, enum agent_channel ch, const void *data, size_t len,
		  struct err *e)
{
	if (ch == AGENT_EVENTS)
		return stream_data(a, data, len, e);
	if (ch == AGENT_FETCH && a->state == AGENT_INSTALLING)
		return write_data(a, data, len, e);
	return buf_add(&a->exchanges[ch].body, data, len, e);
}

void agent_on_end(struct agent *a, enum agent_channel ch, const struct net_head *h,
		  const struct err *e)
{
	struct exchange *x = &a->exchanges[ch];
	struct buf body = x->body; /* ours now: done may start the next exchange */

	if (!x->active)
		return;
	x->active = false;
	x->body = BUF_INIT(0);
	x->done(a, h, &body, e);
	buf_fini(&body);
}

void agent_on_timer(struct agent *a, enum agent_timer t)
{
	static void (*const fn[N_AGENT_TIMERS])(struct agent *) = {
	    [AGENT_TIMER_POLL] = contact_start,
	    [AGENT_TIMER_STEP] = write_step,
	    [AGENT_TIMER_REPORT] = report_send,
	    [AGENT_TIMER_EVENTS] = stream_timer,
	    [AGENT_TIMER_HEALTH] = health_timer,
	    [AGENT_TIMER_CONFIRM] = health_deadline,
	    [AGENT_TIMER_WATCHDOG] = health_watchdog,
	    [AGENT_TIMER_REBOOT] = reboot_now,
	};

	fn[t](a);
}

/* ---- life ---- */

struct agent *agent_new(const struct agent_spec *spec, struct err *e)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	a->spec = *spec;
	return a;
}

void agent_free(struct agent *a)
{
	if (a == NULL)
		return;
	for (unsigned ch = 0; ch < N_AGENT_CHANNELS; ch++) {
		agent_drop(a, (enum agent_channel)ch);
		buf_fini(&a->exchanges[ch].body);
	}
	if (a->health.running)
		a->spec.ops->command_cancel(a->spec.ctx);
	update_clear(a);
	free(a);
}

bool agent_is_armed(const struct agent *a)
{
	unsigned other = 1 - a->running;
	enum slot_state s;

	if (a->running >= N_SLOTS)
		return false;
	s = a->record.slots[other].state;
	/* TRYING, and not running: the bootloader counted a try and passed it over. */
	return (s == SLOT_PENDING || s == SLOT_TRYING) &&
	       a->record.slots[other].priority > a->record.slots[a->running].priority;
}

/* Which slot runs, by the hand-over. Without one (the offline command line) nothing
 * does, and what would boot is left alone. */
static int load_running(struct agent *a, struct err *e)
{
	struct boot *b = a->spec.boot;
	unsigned good = 1;

	a->running = NO_SLOT;
	a->target = 0;
	if (boot_handover(b, &a->handover, e) == 0) {
		if (a->handover.slot >= N_SLOTS)
			return err_set(e, ERR_FORMAT, "the hand-over names slot %u",
				       a->handover.slot);
		a->running = a->handover.slot;
		a->target = 1 - a->running;
		return 0;
	}
	if (!a->spec.without_handover)
		return -1;
	if (record_best_good(&a->record, &good))
		a->target = 1 - good;
	return 0;
}

/* An unreadable memory costs the tie to a deployment, not the device. */
static int load(struct agent *a, struct err *e)
{
	struct boot *b = a->spec.boot;
	struct err why = ERR_INIT;

	if (boot_load(b, &a->record, e) < 0 || load_running(a, e) < 0)
		return err_wrap(e, "start the agent");
	if (memory_load(&a->spec.files, &a->memory, &why) < 0)
		log_failure(a->spec.log, LOG_ERROR, "agent",
			    "what was remembered is lost", &why);
	if (a->memory.floor_utc_ms < CLOCK_BUILD_FLOOR_MS)
		a->memory.floor_utc_ms = CLOCK_BUILD_FLOOR_MS;
	a->reporter.counter = a->memory.n_reports;
	return 0;
}

int agent_start(struct agent *a, struct err *e)
{
	if (load(a, e) < 0)
		return -1;
	a->contact.config_wanted = true;
	health_watchdog(a);
	if (a->running < N_SLOTS && a->record.slots[a->running].state == SLOT_TRYING) {
		agent_move(a, AGENT_CHECKING, "new firmware runs: is it healthy");
		health_begin(a);
	} else if (agent_is_armed(a)) {
		/* The bootloader could not try it, or this is another process in the
		 * same boot. Not at once again: that could go on for ever. */
		agent_move(a, AGENT_BACKING_OFF,
			   "the armed slot was not tried: later again");
		agent_timer(a, AGENT_TIMER_REBOOT,
			    (int64_t)backoff_ms(&a->spec.backoff, ARMED_AGAIN, 0,
						agent_random(a)));
	} else {
		agent_move(a, AGENT_IDLE, "started");
	}
	health_raise_floor(a);
	report_begin(a);
	if (a->spec.base != NULL)
		agent_timer(a, AGENT_TIMER_POLL, 0);
	return 0;
}

int agent_poll_now(struct agent *a, struct err *e)
{
	if (a->spec.base == NULL)
		return err_set(e, ERR_CONFLICT, "no server is configured");
	contact_soon(a);
	return 0;
}

int agent_install_bundle(struct agent *a, struct dev *bundle, struct err *e)
{
	if (a->state != AGENT_IDLE && a->state != AGENT_BACKING_OFF) {
		dev_close(bundle);
		return err_set(e, ERR_CONFLICT, "the agent is busy: %s",
			       names[a->state]);
	}
	return update_begin_bundle(a, bundle, e);
}
