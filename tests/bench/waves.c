/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollout over a whole fleet costs the engine: makes one over all devices of a database, looks
 * at it as the engine does, and prints milliseconds.
 *
 *	waves DATABASE
 *
 *	choose	who is a member, in which order and wave; stored; wave 1 (1 %) gets its deployments
 *	report	every device of wave 1 is offered its deployment and ends it
 *	decide	a look that ends in a stored decision: the wave is done, and is watched from here on
 *	look	a look that finds nothing to do
 */
#include "../../common/base/clock.h"
#include "../../server/rollout/plan.h"
#include "../../server/rollout/tend.h"
#include "../../server/rollout/view.h"
#include "../../server/store/sqlite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 5
#define RELEASE "00000000000000a1"

static const char plan_text[] = "{\"name\":\"bench\",\"release\":\"" RELEASE
				"\",\"selection\":\"\",\"accepts\":\"reported\","
				"\"waves\":[{\"percent\":1,\"soak_ms\":86400000},{"
				"\"percent\":10},{\"percent\":100}]}";

static int64_t began_us;

static int64_t now_us(void)
{
	return clock_mono_ms(&clock_system) * 1000;
}

static void say(const char *what, uint64_t n)
{
	(void)printf("| %s | %" PRIu64 " | %" PRId64 " |\n", what, n,
		     (now_us() - began_us) / 1000);
	began_us = now_us();
}

static struct store_call *call(enum store_verb v)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, NULL);

	if (c == NULL)
		abort();
	c->deadline_ms = 0;
	return c;
}

static int run(struct store *s, struct store_call *c, struct err *e)
{
	return store_wait(s, c, e);
}

static int make_release(struct store *s, struct release *r, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call(STORE_RELEASE_CREATE);

	*r = (struct release){.security_version = 1, .n_hardware = 1, .n_images = 1};
	(void)snprintf(r->id, sizeof(r->id), "%s", RELEASE);
	(void)snprintf(r->product, sizeof(r->product), "gateway");
	(void)snprintf(r->version, sizeof(r->version), "9.0.0");
	(void)snprintf(r->hardware[0], sizeof(r->hardware[0]), "revA");
	(void)snprintf(r->images[0].name, sizeof(r->images[0].name), "rootfs");
	r->images[0].size = r->body_size = 1 << 20;
	c->in.release = *r;
	return run(s, c, e);
}

static int make_rollout(struct store *s, const struct release *r, uint64_t *ret_id,
			struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call(STORE_ROLLOUT_CREATE);
	AUTO_PTR(json) struct json *o = json_parse(plan_text, strlen(plan_text), e);
	AUTO_FREE struct rollout_plan *p = calloc(1, sizeof(*p));

	if (o == NULL || p == NULL || plan_read(o, p, e) < 0 ||
	    rollout_row_fill(c, p, r, e) < 0)
		return -1;
	(void)snprintf(c->in.rollout.author, sizeof(c->in.rollout.author), "bench");
	if (run(s, c, e) < 0)
		return -1;
	*ret_id = c->out.rollout.id;
	return 0;
}

static struct rollout_view *read_view(struct store *s, uint64_t id, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call(STORE_ROLLOUT_GET);
	const struct freeze none = {.on = false};

	c->in.rollout_id = id;
	return run(s, c, e) < 0 ? NULL : rollout_view_of(c, &none, e);
}

static int start(struct store *s, uint64_t id, struct err *e)
{
	AUTO_PTR(rollout_view) struct rollout_view *v = read_view(s, id, e);
	AUTO_PTR(store_call) struct store_call *c = call(STORE_ROLLOUT_APPLY);

	return v == NULL ||
		       rollout_command(&v->plan, &v->progress, ROLLOUT_EVENT_SUBMIT,
				       c->now_ms, e) < 0 ||
		       rollout_view_apply(v, c, "bench", -1, -1, "", e) < 0 ||
		       run(s, c, e) < 0
		   ? -1
		   : 0;
}

/* ---- the engine's looks ---- */

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static int keep(void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static int take_lead(struct tending *t, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call(STORE_LEAD_TAKE);

	(void)snprintf(c->in.lead.holder, sizeof(c->in.lead.holder), "bench");
	c->in.lead.lease_ms = 3600000;
	c->in.lead.force = true;
	if (run(t->config->store, c, e) < 0)
		return -1;
	t->epoch = c->out.epoch;
	return 0;
}

static int look(struct tending *t, uint64_t id, struct err *e)
{
	struct rollout_ref ref = {.id = id};
	int64_t again;

	(void)snprintf(ref.tenant, sizeof(ref.tenant), "%s", TENANT_DEFAULT);
	return tend_rollout(t, &ref, &again, e);
}

/* ---- the devices of wave 1 ---- */

static int end_one(struct store *s, uint64_t deployment, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *got = call(STORE_DEPLOYMENT_GET);
	AUTO_PTR(store_call) struct store_call *c = call(STORE_DEPLOYMENT_MOVE);

	got->in.deployment_id = deployment;
	if (run(s, got, e) < 0)
		return -1;
	c->in.move.id = deployment;
	c->in.move.expect_revision = got->out.deployment.revision;
	c->in.move.state = DEPLOYMENT_CONFIRMED;
	c->in.move.grade = GRADE_REPORTED;
	c->in.move.offered = c->in.move.offering = true;
	return run(s, c, e);
}

static int end_wave(struct store *s, uint64_t id, uint64_t *ret_n, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = call(STORE_ROLLOUT_UNSHOWN);
	const struct rollout_candidate *d;

	*ret_n = 0;
	c->in.rollout_unshown.id = id;
	do {
		if (run(s, c, e) < 0)
			return -1;
		d = c->items;
		for (size_t i = 0; i < c->n_items; i++) {
			if (end_one(s, d[i].deployment, e) < 0)
				return -1;
		}
		*ret_n += c->n_items;
		if (c->n_items > 0)
			c->in.rollout_unshown.after = d[c->n_items - 1].deployment;
	} while (c->more);
	return 0;
}

static uint64_t n_members(const struct rollout_view *v)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < v->plan.n_waves; w++)
		n += v->progress.waves[w].counts.members;
	return n;
}

static int measure(struct tending *t, struct err *e)
{
	struct store *s = t->config->store;
	AUTO_FREE struct release *r = calloc(1, sizeof(*r));
	struct rollout_view *v;
	uint64_t id, n;

	if (r == NULL || make_release(s, r, e) < 0 || make_rollout(s, r, &id, e) < 0 ||
	    start(s, id, e) < 0 || take_lead(t, e) < 0)
		return -1;
	began_us = now_us();
	if (look(t, id, e) < 0 || (v = read_view(s, id, e)) == NULL)
		return -1;
	n = n_members(v);
	rollout_view_free(v);
	say("choose all members, assign wave 1", n);
	if (end_wave(s, id, &n, e) < 0)
		return -1;
	say("wave 1 reports", n);
	if (look(t, id, e) < 0 || (v = read_view(s, id, e)) == NULL)
		return -1;
	n = v->progress.waves[0].state == WAVE_SOAKING;
	rollout_view_free(v);
	say("a wave decision, stored", n);
	if (n != 1)
		return err_set(e, ERR_INTERNAL, "wave 1 is not done");
	for (int i = 0; i < RUNS; i++) {
		if (look(t, id, e) < 0)
			return -1;
	}
	say("looks that find nothing to do", RUNS);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct store *s = argc == 2 ? store_sqlite_open(argv[1], NULL, &e) : NULL;
	const struct engine_config config = {.store = s,
					     .clock = &clock_system,
					     .exclusive = true,
					     .settle_ms = 1,
					     .join_ms = 60000,
					     .retry_ms = 60000};
	struct tending t = {.config = &config, .stopping = never, .keep_lead = keep};
	int rc;

	if (s == NULL) {
		(void)fprintf(stderr, "usage: waves DATABASE: %s\n", e.text);
		return 2;
	}
	(void)printf("| the engine | n | ms |\n| --- | --- | --- |\n");
	rc = measure(&t, &e);
	tend_fini(&t);
	store_close(s);
	if (rc < 0)
		(void)fprintf(stderr, "waves: %s\n", e.text);
	return rc < 0 ? 1 : 0;
}
