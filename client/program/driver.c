/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "codecs.h"
#include "command.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define USER_AGENT "ota-client/" OTA_VERSION
#define MIN_RATE_BYTES 100
#define REBOOT_DELAY_MS 5000
#define TOKEN_MAX_BYTES 200
#define DRIVER_URL_LEN 300

struct driver_call {
	struct driver *driver;
	enum agent_channel channel;
	struct net_call *call;
};

struct driver_timer {
	struct driver *driver;
	enum agent_timer which;
	struct loop_timer *timer;
};

struct driver {
	struct driver_spec spec;
	struct recode_codec_list codecs; /* that it unwraps */
	struct loop *loop;
	struct net *net;
	struct agent *agent;
	struct driver_call calls[N_AGENT_CHANNELS];
	struct driver_timer timers[N_AGENT_TIMERS];
	struct command *command; /* the health or soft command that runs, or NULL */
	struct factory factory;
	struct slot_layout slots[N_SLOTS];
	struct dev *media[2 * MAX_IMAGES + 4]; /* open: of the target images, descriptor
						  and journal, of the base without it */
	size_t n_media;
	char trust_dir[PATH_MAX], origin[DRIVER_URL_LEN], base[DRIVER_URL_LEN];
	struct buf token;
	int lock_fd;
	void (*watch)(void *ctx, enum agent_state to);
	void *watch_ctx;
};

/* ---- network ---- */

static int on_head(void *ctx, const struct net_head *h, struct err *e)
{
	struct driver_call *c = ctx;

	return agent_on_head(c->driver->agent, c->channel, h, e);
}

static int on_data(void *ctx, const void *data, size_t len, struct err *e)
{
	struct driver_call *c = ctx;

	return agent_on_data(c->driver->agent, c->channel, data, len, e);
}

static void on_end(void *ctx, const struct net_head *h, const struct err *e)
{
	struct driver_call *c = ctx;

	c->call = NULL;
	agent_on_end(c->driver->agent, c->channel, h, e);
}

static int http_start(void *ctx, enum agent_channel ch, const struct net_request *r,
		      struct err *e)
{
	struct driver *d = ctx;
	struct net_request mine = *r;

	if (d->net == NULL)
		return err_set(e, ERR_CONFIG, "no server is configured");
	mine.on_head = on_head;
	mine.on_data = on_data;
	mine.on_end = on_end;
	mine.ctx = &d->calls[ch];
	return net_start(d->net, &mine, &d->calls[ch].call, e);
}

static void http_pause(void *ctx, enum agent_channel ch, bool paused)
{
	struct driver *d = ctx;

	if (d->calls[ch].call == NULL)
		return;
	if (paused)
		net_pause(d->calls[ch].call);
	else
		net_resume(d->calls[ch].call);
}

static void http_cancel(void *ctx, enum agent_channel ch)
{
	struct driver *d = ctx;

	net_cancel(d->calls[ch].call);
	d->calls[ch].call = NULL;
}

/* ---- time ---- */

static void on_timer(void *ctx)
{
	struct driver_timer *t = ctx;

	agent_on_timer(t->driver->agent, t->which);
}

static void timer_set(void *ctx, enum agent_timer t, int64_t after_ms)
{
	loop_timer_set(((struct driver *)ctx)->timers[t].timer, after_ms);
}

static uint32_t get_random(void *ctx)
{
	uint32_t v = 0;

	(void)ctx;
	/* Only jitter: without a source of entropy the middle will do. */
	if (random_bytes(&v, sizeof(v), NULL) < 0)
		return UINT32_MAX / 2;
	return v;
}

/* ---- media ---- */

static void target_close(void *ctx)
{
	struct driver *d = ctx;

	while (d->n_media > 0)
		dev_close(d->media[--d->n_media]);
}

static int open_media(struct driver *d, unsigned slot, int writable,
		      struct install_slot *ret, struct err *e)
{
	const struct slot_layout *l = &d->slots[slot];

	*ret = (struct install_slot){.n_images = l->n_images};
	for (size_t i = 0; i < l->n_images; i++) {
		if (slot_layout_open_image(l, slot, i, writable, &ret->images[i].dev,
					   e) < 0)
			return -1;
		ret->images[i].name = l->images[i].name;
		d->media[d->n_media++] = ret->images[i].dev;
	}
	if (slot_layout_open_descriptor(l, slot, writable, &ret->descriptor, e) < 0)
		return -1;
	d->media[d->n_media++] = ret->descriptor;
	return 0;
}

static int target_open(void *ctx, unsigned slot, struct install_slot *ret,
		       struct dev **ret_journal, struct err *e)
{
	struct driver *d = ctx;

	/* Once more, as the paths are now: a link may have come to mean the running
	 * slot. */
	if (client_config_slots(d->spec.config, d->slots, e) < 0 ||
	    open_media(d, slot, 1, ret, e) < 0 ||
	    dev_open_file(d->spec.config->journal_path, "journal", 1, ret_journal, e) <
		0) {
		target_close(d);
		return -1;
	}
	d->media[d->n_media++] = *ret_journal;
	return 0;
}

/* Read-only: nothing here could write to the slot that runs. */
static int base_open(void *ctx, unsigned slot, struct install_slot *ret, struct err *e)
{
	return open_media(ctx, slot, 0, ret, e);
}

/* It has no name once it is open: nothing of it outlives the agent. */
static int scratch_open(void *ctx, uint64_t size, struct dev **ret, struct err *e)
{
	struct driver *d = ctx;
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;
	int result;

	if (text_format(path, sizeof(path), e, "%s/unwrap.scratch",
			d->spec.config->state_dir) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return err_sys(e, "%s", path);
	result = dev_open_file(path, "scratch", 1, ret, e);
	(void)unlink(path);
	if (result == 0)
		d->media[d->n_media++] = *ret;
	return result;
}

/* ---- health commands ---- */

static void on_command(void *ctx, int status, const char *why)
{
	struct driver *d = ctx;

	command_free(TAKE(d->command));
	agent_on_command_end(d->agent, status, why);
}

static int command_start(void *ctx, const char *text, uint64_t timeout_ms,
			 struct err *e)
{
	struct driver *d = ctx;

	command_free(TAKE(d->command));
	d->command = command_new(d->loop, text, timeout_ms, on_command, d, e);
	return d->command != NULL ? 0 : -1;
}

static void command_cancel(void *ctx)
{
	command_free(TAKE(((struct driver *)ctx)->command));
}

static void on_changed(void *ctx, enum agent_state to)
{
	struct driver *d = ctx;

	if (d->watch != NULL)
		d->watch(d->watch_ctx, to);
}

static const struct agent_ops ops = {
    .http_start = http_start,
    .http_pause = http_pause,
    .http_cancel = http_cancel,
    .timer_set = timer_set,
    .target_open = target_open,
    .target_close = target_close,
    .base_open = base_open,
    .scratch_open = scratch_open,
    .command_start = command_start,
    .command_cancel = command_cancel,
    .random = get_random,
    .changed = on_changed,
};

/* ---- set-up ---- */

static int check_config(const struct client_config *c,
			struct recode_codec_list *ret_codecs, struct err *e)
{
	const struct {
		const char *value, *name;
	} rows[] = {{c->factory_dir, "[factory] dir"},
		    {c->state_dir, "[state] dir"},
		    {c->journal_path, "[journal] path"}};

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (rows[i].value == NULL)
			return err_set(e, ERR_CONFIG, "%s is missing", rows[i].name);
	}
	if (c->unwrap.codecs != NULL &&
	    recode_codecs_parse(client_codecs, c->unwrap.codecs, ret_codecs, e) < 0)
		return err_wrap(e, "[delta] unwrap");
	if (c->delta_only && c->delta_memory_bytes == 0)
		return err_set(
		    e, ERR_CONFIG,
		    "[delta] only is set, and [delta] memory is 0: nothing could be "
		    "installed");
	return 0;
}

/* TUF's files have a directory of their own; the factory's root is the first one. */
static int open_state(struct driver *d, struct tuf_store *ret_trust, struct err *e)
{
	const char *dir = d->spec.config->state_dir;
	char lock[PATH_MAX];
	bool damaged;

	if (text_format(d->trust_dir, sizeof(d->trust_dir), e, "%s/tuf", dir) < 0 ||
	    text_format(lock, sizeof(lock), e, "%s/agent.lock", dir) < 0 ||
	    dir_make(dir, 0700, e) < 0 || dir_make(d->trust_dir, 0700, e) < 0)
		return err_wrap(e, "state directory");
	if (file_lock(lock, &d->lock_fd, e) < 0)
		return err_wrap(e, "another agent runs on this device");
	tuf_store_dir(d->trust_dir, ret_trust);
	if (tuf_forget_damaged_root(ret_trust, &damaged, e) < 0)
		return err_wrap(e, "trusted root.json");
	if (damaged)
		log_error(
		    d->spec.log, "agent",
		    "the trusted root.json was damaged: trust begins anew with the "
		    "factory's",
		    NULL);
	if (tuf_init(ret_trust, d->factory.root.data, d->factory.root.len, e) < 0)
		return err_wrap(e, "the factory's root.json");
	return 0;
}

static int read_token(struct driver *d, struct err *e)
{
	const char *path = d->spec.config->server.token_file;

	if (path == NULL)
		return 0;
	buf_init(&d->token, TOKEN_MAX_BYTES);
	if (file_read(path, &d->token, e) < 0)
		return err_wrap(e, "[server] token-file");
	while (d->token.len > 0 &&
	       strchr(" \r\n\t", d->token.data[d->token.len - 1]) != NULL)
		d->token.data[--d->token.len] = '\0';
	if (!text_is_name(buf_str(&d->token), 128, "._~+/=-"))
		return err_set(e, ERR_CONFIG, "%s does not hold a token", path);
	return 0;
}

static int set_urls(struct driver *d, struct err *e)
{
	const struct client_config *c = d->spec.config;
	size_t len = strlen(c->server.url);

	if (strncmp(c->server.url, "https://", 8) != 0)
		return err_set(e, ERR_CONFIG,
			       "[server] url \"%.80s\" is not https://HOST:PORT",
			       c->server.url);
	if (c->device_id == NULL || !text_is_name(c->device_id, 64, "._:-"))
		return err_set(e, ERR_CONFIG, "[device] id is missing or not a name");
	while (len > 0 && c->server.url[len - 1] == '/')
		len--;
	if (text_format(d->origin, sizeof(d->origin), e, "%.*s", (int)len,
			c->server.url) < 0)
		return -1;
	return text_format(d->base, sizeof(d->base), e, "%s/%s/controller/v1/%s",
			   d->origin, c->server.tenant, c->device_id);
}

static int open_net(struct driver *d, struct err *e)
{
	struct net_config config = {.ca_file = d->factory.ca_path,
				    .user_agent = USER_AGENT,
				    .connect_timeout_ms =
					d->spec.config->limit.connect_ms,
				    .stall_timeout_ms = d->spec.config->limit.stall_ms,
				    .min_rate_bytes = MIN_RATE_BYTES};

	if (d->spec.offline || d->spec.config->server.url == NULL)
		return 0;
	if (set_urls(d, e) < 0 || read_token(d, e) < 0)
		return -1;
	d->net = net_new(d->loop, &config, e);
	return d->net != NULL ? 0 : -1;
}

static int open_loop(struct driver *d, struct err *e)
{
	d->loop = loop_new(e);
	if (d->loop == NULL)
		return -1;
	for (unsigned i = 0; i < N_AGENT_CHANNELS; i++)
		d->calls[i] = (struct driver_call){d, (enum agent_channel)i, NULL};
	for (unsigned i = 0; i < N_AGENT_TIMERS; i++) {
		d->timers[i] = (struct driver_timer){d, (enum agent_timer)i, NULL};
		d->timers[i].timer =
		    loop_timer_new(d->loop, on_timer, &d->timers[i], e);
		if (d->timers[i].timer == NULL)
			return -1;
	}
	return 0;
}

static void set_health(const struct driver *d, struct agent_spec *s)
{
	const struct client_config *c = d->spec.config;

	s->health_commands = c->health.command.items;
	s->n_health_commands = c->health.command.n_items;
	if (d->spec.health_command != NULL) {
		s->health_commands = &d->spec.health_command;
		s->n_health_commands = 1;
	}
	s->soft_command = c->soft.command;
	s->soft_timeout_ms = c->soft.timeout_ms;
	s->settle_ms = c->health.settle_ms;
	s->health_timeout_ms = c->health.timeout_ms;
	s->health_retries = c->health.retries;
	s->server_deadline_ms = d->net != NULL ? c->health.server_deadline_ms : 0;
	s->confirm_deadline_ms = c->health.confirm_deadline_ms;
	s->watchdog_ms = c->boot.watchdog_ms;
}

static int open_agent(struct driver *d, const struct tuf_store *trust, struct err *e)
{
	const struct client_config *c = d->spec.config;
	struct agent_spec s = {
	    .ops = &ops,
	    .ctx = d,
	    .clock = clock_system,
	    .log = d->spec.log,
	    .boot = d->spec.boot,
	    .without_handover = d->spec.offline,
	    .trust = *trust,
	    .agent_version = OTA_VERSION,
	    .product = d->factory.product,
	    .hardware = d->factory.hardware,
	    .boot_keys = &d->factory.boot_keys,
	    .poll_ms = c->poll.interval_ms,
	    .backoff = {c->poll.retry_first_ms, c->poll.retry_max_ms},
	    .max_rate_bytes = c->limit.rate_bytes,
	    .max_payload_bytes = c->limit.payload_bytes,
	    .max_install_ms = c->limit.fetch_ms,
	    .delta_memory_bytes = c->delta_memory_bytes,
	    .delta_only = c->delta_only,
	    .unwrap = {.codecs = c->unwrap.codecs != NULL ? d->codecs.codecs : NULL,
		       .limit = {c->unwrap.memory_bytes, c->unwrap.scratch_bytes}},
	    .reboot_delay_ms = REBOOT_DELAY_MS};

	tuf_store_dir(c->state_dir, &s.files);
	set_health(d, &s);
	if (d->net != NULL) {
		s.origin = d->origin;
		s.base = d->base;
		s.token = d->token.len > 0 ? buf_str(&d->token) : NULL;
	}
	d->agent = agent_new(&s, e);
	return d->agent != NULL ? 0 : -1;
}

struct driver *driver_new(const struct driver_spec *spec, struct err *e)
{
	AUTO_PTR(driver) struct driver *d = calloc(1, sizeof(*d));
	struct tuf_store trust;

	if (d == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	d->spec = *spec;
	d->lock_fd = -1;
	if (check_config(spec->config, &d->codecs, e) < 0 ||
	    client_config_slots(spec->config, d->slots, e) < 0 ||
	    factory_load(spec->config->factory_dir, &d->factory, e) < 0 ||
	    open_state(d, &trust, e) < 0 || open_loop(d, e) < 0 || open_net(d, e) < 0 ||
	    open_agent(d, &trust, e) < 0)
		return NULL;
	return TAKE(d);
}

void driver_free(struct driver *d)
{
	if (d == NULL)
		return;
	agent_free(d->agent);
	command_free(d->command);
	net_free(d->net);
	for (unsigned i = 0; i < N_AGENT_TIMERS; i++)
		loop_timer_free(d->timers[i].timer);
	loop_free(d->loop);
	target_close(d);
	factory_fini(&d->factory);
	buf_fini(&d->token);
	if (d->lock_fd >= 0)
		(void)close(d->lock_fd);
	free(d);
}

struct agent *driver_agent(struct driver *d)
{
	return d->agent;
}

struct loop *driver_loop(struct driver *d)
{
	return d->loop;
}

void driver_watch(struct driver *d, void (*fn)(void *ctx, enum agent_state to),
		  void *ctx)
{
	d->watch = fn;
	d->watch_ctx = ctx;
}
