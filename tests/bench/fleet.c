/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"
#include "live.h"

#include "../../common/base/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES ((size_t)16 << 20)
#define REQUEST_MAX_BYTES 8192u

struct fleet;

struct unit {
	struct fleet *fleet;
	struct live_device device;
	struct talk *talk;
	struct loop_timer *timer;
	uint64_t dice;
};

struct fleet {
	const struct fleet_options *o;
	struct json *list; /* owns what the units' devices point to */
	struct loop *loop;
	struct talk_world *world;
	struct loop_signal *ends[2];
	struct unit *units;
	size_t n_units;
	struct buf request;
};

/* Half of `about` to one and a half of it: devices are no soldiers. */
static int64_t around(struct unit *u, uint64_t about)
{
	u->dice ^= u->dice << 13; /* xorshift64 (Marsaglia 2003) */
	u->dice ^= u->dice >> 7;
	u->dice ^= u->dice << 17;
	return (int64_t)(about / 2 + (about == 0 ? 0 : u->dice % about));
}

static void wait_for_turn(struct unit *u)
{
	const struct fleet_options *o = u->fleet->o;
	bool idle = u->device.step == LIVE_POLL;

	loop_timer_set(u->timer, around(u, idle ? o->every_ms : o->pace_ms));
}

static void answered(void *ctx, const struct talk_answer *a)
{
	struct unit *u = ctx;

	live_answer(&u->device, a->status, a->body, a->len);
	wait_for_turn(u);
}

/* What cannot be asked now is asked again later. */
static void take_turn(void *ctx)
{
	struct unit *u = ctx;
	struct fleet *f = u->fleet;
	struct err e = ERR_INIT;

	buf_clear(&f->request);
	if (live_request(&u->device, f->o->host, f->o->tenant, &f->request, &e) == 0 &&
	    talk_ask(u->talk, buf_str(&f->request), f->request.len, true, &e) == 0)
		return;
	live_answer(&u->device, 0, "", 0);
	wait_for_turn(u);
}

static void end(void *ctx)
{
	loop_stop(((struct fleet *)ctx)->loop);
}

static int read_device(const struct json *row, struct live_device *ret, struct err *e)
{
	if (json_get_text(row, "id", &ret->id, e) < 0 ||
	    json_get_text(row, "token", &ret->token, e) < 0)
		return -1;
	ret->attributes = json_get(row, "attributes");
	if (ret->attributes != NULL && !json_is_object(ret->attributes))
		return err_set(e, ERR_FORMAT, "field \"attributes\": no object");
	return 0;
}

static int make_unit(struct fleet *f, size_t i, struct err *e)
{
	struct unit *u = &f->units[i];

	u->fleet = f;
	u->dice = 0x9e3779b97f4a7c15u * (i + 1);
	u->talk = talk_new(f->world, 0, answered, u, e);
	u->timer = loop_timer_new(f->loop, take_turn, u, e);
	if (u->talk == NULL || u->timer == NULL)
		return -1;
	if (read_device(json_at(f->list, i), &u->device, e) < 0)
		return err_wrap(e, "%s: device %zu", f->o->file, i + 1);
	loop_timer_set(u->timer, (int64_t)(i * f->o->every_ms / f->n_units));
	return 0;
}

static int read_fleet(struct fleet *f, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX_BYTES);

	if (file_read(f->o->file, &text, e) < 0)
		return -1;
	f->list = json_parse(text.data, text.len, e);
	if (f->list == NULL)
		return err_wrap(e, "%s", f->o->file);
	f->n_units = json_is_array(f->list) ? json_len(f->list) : 0;
	if (f->n_units == 0)
		return err_set(e, ERR_FORMAT, "%s: no list of devices", f->o->file);
	f->units = calloc(f->n_units, sizeof(*f->units));
	return f->units == NULL ? err_nomem(e) : 0;
}

static int make(struct fleet *f, const struct talk_config *config, struct err *e)
{
	f->loop = loop_new(e);
	if (f->loop == NULL)
		return -1;
	f->ends[0] = loop_signal_new(f->loop, SIGINT, end, f, e);
	f->ends[1] = loop_signal_new(f->loop, SIGTERM, end, f, e);
	f->world = talk_world_new(config, f->loop, e);
	if (f->ends[0] == NULL || f->ends[1] == NULL || f->world == NULL)
		return -1;
	for (size_t i = 0; i < f->n_units; i++) {
		if (make_unit(f, i, e) < 0)
			return -1;
	}
	return 0;
}

static void tell(const struct fleet *f)
{
	unsigned updates = 0, failures = 0;

	for (size_t i = 0; i < f->n_units; i++) {
		updates += f->units[i].device.n_updates;
		failures += f->units[i].device.n_failures;
	}
	printf(f->o->json ? "{\"devices\":%zu,\"updates\":%u,\"failures\":%u}\n"
			  : "%zu devices, %u updates ended, %u of them failed\n",
	       f->n_units, updates, failures);
}

static void fleet_fini(struct fleet *f)
{
	for (size_t i = 0; f->units != NULL && i < f->n_units; i++) {
		talk_free(f->units[i].talk);
		loop_timer_free(f->units[i].timer);
	}
	free(f->units);
	talk_world_free(f->world);
	for (size_t i = 0; i < N_ELEMS(f->ends); i++)
		loop_signal_free(f->ends[i]);
	loop_free(f->loop);
	json_free(f->list);
	buf_fini(&f->request);
}

int fleet_run(const struct fleet_options *o, const struct talk_config *config,
	      struct err *e)
{
	struct fleet f = {.o = o, .request = BUF_INIT(REQUEST_MAX_BYTES)};
	int result = -1;

	if (read_fleet(&f, e) == 0 && make(&f, config, e) == 0 &&
	    loop_run(f.loop, e) == 0) {
		tell(&f);
		result = 0;
	}
	fleet_fini(&f);
	return result;
}
