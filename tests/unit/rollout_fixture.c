/* SPDX-License-Identifier: Apache-2.0 */
#include "rollout_fixture.h"

struct rollout make_rollout(struct store *s, unsigned priority, unsigned n_waves)
{
	struct store_call *c = verb(STORE_ROLLOUT_CREATE);
	struct rollout o;
	struct err e = ERR_INIT;

	strcpy(c->in.rollout.name, "spring");
	strcpy(c->in.rollout.release, "r1");
	strcpy(c->in.rollout.author, "ann");
	c->in.rollout.priority = priority;
	c->in.rollout.n_waves = n_waves;
	c->in.rollout.payload_bytes = 1000;
	OK(buf_add_str(&c->blob, "{\"plan\":1}", &e));
	store_call_event_of(c, EVENT_ROLLOUT, NULL);
	must(s, c);
	o = c->out.rollout;
	store_call_free(c);
	return o;
}

struct store_call *update_call(struct rollout o)
{
	struct store_call *c = verb(STORE_ROLLOUT_UPDATE);
	struct err e = ERR_INIT;

	c->in.rollout = o;
	OK(buf_add_str(&c->blob, "{}", &e));
	return c;
}

struct rollout get_rollout(struct store *s, uint64_t id,
			   struct rollout_wave ret_waves[ROLLOUT_MAX_WAVES])
{
	struct store_call *c = verb(STORE_ROLLOUT_GET);
	struct rollout o;

	c->in.rollout_id = id;
	must(s, c);
	o = c->out.rollout;
	memcpy(ret_waves, c->items, c->n_items * sizeof(ret_waves[0]));
	store_call_free(c);
	return o;
}

void fill_step(struct store *s, uint64_t id, enum fill_step step,
	       const char *const *devices, size_t n, unsigned wave, const char *site)
{
	struct store_call *c = verb(STORE_ROLLOUT_FILL);
	struct rollout_member *m = store_call_items(c, n, sizeof(*m), NULL);

	for (size_t i = 0; i < n; i++) {
		strcpy(m[i].device, devices[i]);
		strcpy(m[i].site, site);
		m[i].wave = wave;
		m[i].place = (int64_t)i + 1;
	}
	c->in.rollout_fill.id = id;
	c->in.rollout_fill.step = step;
	done(s, c);
}

void apply_state(struct store *s, uint64_t id, int state, bool offers)
{
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];
	struct rollout o = get_rollout(s, id, waves);
	struct store_call *c = verb(STORE_ROLLOUT_APPLY);
	struct rollout_wave *w = store_call_items(c, o.n_waves, sizeof(*w), NULL);

	for (unsigned i = 0; i < o.n_waves; i++) {
		w[i].wave = i;
		w[i].state = 1;
		w[i].started_at = w[i].clock_at = 500;
	}
	c->in.rollout_apply.id = id;
	c->in.rollout_apply.expect_revision = o.revision;
	c->in.rollout_apply.state = state;
	c->in.rollout_apply.offers = offers;
	c->in.rollout_apply.active = true;
	strcpy(c->in.rollout_apply.decision.detail, "because");
	done(s, c);
}

/* Three devices in wave 0 of a running rollout; the last is of another site. */
const char *const trio[] = {"a", "b", "c"};

struct rollout running_rollout(struct store *s, unsigned priority)
{
	struct rollout o = make_rollout(s, priority, 2);

	fill_step(s, o.id, FILL_CLEAR, NULL, 0, 0, "");
	fill_step(s, o.id, FILL_ADD, trio, 2, 0, "north");
	fill_step(s, o.id, FILL_ADD, trio + 2, 1, 0, "south");
	fill_step(s, o.id, FILL_END, NULL, 0, 0, "");
	apply_state(s, o.id, RUNNING, true);
	return o;
}

void make_trio(struct store *s)
{
	for (size_t i = 0; i < 3; i++)
		make_device(s, trio[i]);
	make_release(s, "r1", "1.0");
	make_release(s, "r2", "2.0");
}

struct store_call *assign_members(uint64_t id, const char *const *devices, size_t n)
{
	struct store_call *c = verb(STORE_ROLLOUT_ASSIGN);
	struct rollout_task *t = store_call_items(c, n, sizeof(*t), NULL);

	for (size_t i = 0; i < n; i++)
		strcpy(t[i].device, devices[i]);
	c->in.rollout_assign.id = id;
	return c;
}

size_t assign_all(struct store *s, uint64_t id)
{
	struct store_call *c = assign_members(id, trio, 3);
	const struct rollout_task *t;
	size_t n = 0;

	must(s, c);
	t = c->items;
	for (size_t i = 0; i < c->n_items; i++)
		n += t[i].assigned;
	store_call_free(c);
	return n;
}

struct rollout_look look(struct store *s, const char *device)
{
	struct store_call *c = verb(STORE_ROLLOUT_LOOK);
	struct rollout_look l;

	strcpy(c->in.rollout_look.device, device);
	must(s, c);
	l = c->out.rollout_look;
	store_call_free(c);
	return l;
}

struct store_call *offer_call(struct store *s, const char *device)
{
	struct deployment d = get_deployment(s, look(s, device).member.deployment);
	struct store_call *c = move_call(&d, d.state);

	c->in.move.offering = true;
	return c;
}

void offer(struct store *s, const char *device)
{
	done(s, offer_call(s, device));
}

void refuse_offer(struct store *s, const char *device, enum err_code code)
{
	struct store_call *c = offer_call(s, device);

	must_fail(s, c, code);
	store_call_free(c);
}

uint64_t counted(struct store *s, uint64_t id, enum member_status status)
{
	struct rollout_wave waves[ROLLOUT_MAX_WAVES];

	(void)get_rollout(s, id, waves);
	return waves[0].counts[status];
}
