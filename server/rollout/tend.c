/* SPDX-License-Identifier: Apache-2.0 */
#include "tend.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

/* Moves of one look; the policy needs a few for each wave. */
#define MAX_MOVES 128

/* A rollout in hand. */
struct hand {
	struct tending *t;
	const char *tenant;
	struct tended *known;
	struct rollout_view *view;
	struct freeze freeze;
	struct release release; /* of the view; id "": not read yet */
	int64_t now, again_at;
};

static void look_again(struct hand *h, int64_t at)
{
	if (at < h->again_at)
		h->again_at = at;
}

static struct store_call *ask(const struct hand *h, enum store_verb v, struct err *e)
{
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, e);

	if (c == NULL)
		return NULL;
	(void)snprintf(c->tenant, sizeof(c->tenant), "%s", h->tenant);
	c->now_ms = h->now;
	return c;
}

/* What is done for many devices takes longer than a lease: it is kept on the way. */
static int put(const struct hand *h, struct store_call *c, struct err *e)
{
	if (h->t->keep_lead(h->t->ctx, e) < 0)
		return -1;
	return store_wait(h->t->config->store, c, e);
}

/* ---- reading ---- */

static int read_rollout(struct hand *h, uint64_t id, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *f = NULL;
	AUTO_PTR(store_call) struct store_call *c = NULL;

	h->now = clock_utc_ms(h->t->config->clock);
	f = ask(h, STORE_FREEZE_GET, e);
	c = ask(h, STORE_ROLLOUT_GET, e);
	if (f == NULL || c == NULL || put(h, f, e) < 0)
		return -1;
	h->freeze = f->out.freeze;
	c->in.rollout_id = id;
	if (put(h, c, e) < 0)
		return -1;
	rollout_view_free(h->view);
	h->view = rollout_view_of(c, &h->freeze, e);
	return h->view == NULL ? -1 : 0;
}

static int read_release(struct hand *h, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_RELEASE_GET, e);

	if (c == NULL)
		return -1;
	if (strcmp(h->release.id, h->view->row.release) == 0)
		return 0;
	memcpy(c->in.release_id, h->view->row.release, sizeof(c->in.release_id));
	if (put(h, c, e) < 0)
		return -1;
	h->release = c->out.release;
	return 0;
}

/* ---- choosing the members ---- */

static int fill(const struct hand *h, enum fill_step step, struct store_call *c,
		struct err *e)
{
	c->in.rollout_fill.id = h->view->row.id;
	c->in.rollout_fill.epoch = h->t->epoch;
	c->in.rollout_fill.step = step;
	return put(h, c, e);
}

static int clear_members(const struct hand *h, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_FILL, e);

	if (c == NULL)
		return -1;
	do {
		c->deadline_ms = 0;
		if (fill(h, FILL_CLEAR, c, e) < 0)
			return -1;
	} while (c->more);
	return 0;
}

static int add_batch(const struct hand *h, const struct selection *s, size_t first,
		     struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_FILL, e);
	struct rollout_member *m;

	if (c == NULL)
		return -1;
	m = store_call_items(c, ROLLOUT_BATCH, sizeof(*m), e);
	if (m == NULL)
		return -1;
	selection_members(s, first, ROLLOUT_BATCH, m, &c->n_items);
	return fill(h, FILL_ADD, c, e);
}

static int end_members(const struct hand *h, const struct selection *s, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_FILL, e);

	if (c == NULL)
		return -1;
	c->in.rollout_fill.left_out = s->left_out;
	return fill(h, FILL_END, c, e);
}

static int write_members(const struct hand *h, const struct selection *s, struct err *e)
{
	if (clear_members(h, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i += ROLLOUT_BATCH) {
		if (h->t->stopping(h->t->ctx))
			return err_set(e, ERR_CANCELLED, "the server is stopping");
		if (add_batch(h, s, i, e) < 0)
			return -1;
	}
	return end_members(h, s, e);
}

/* Between two pages of what is read for many devices. */
static int go_on(void *ctx, struct err *e)
{
	const struct hand *h = ctx;

	if (h->t->stopping(h->t->ctx))
		return err_set(e, ERR_CANCELLED, "the server is stopping");
	return h->t->keep_lead(h->t->ctx, e);
}

static int choose_members(struct hand *h, struct err *e)
{
	struct selection s;
	int rc;

	if (read_release(h, e) < 0 ||
	    selection_make(h->t->config->store, h->tenant, h->view, &h->release, go_on,
			   h, &s, e) < 0)
		return -1;
	rc = write_members(h, &s, e);
	selection_fini(&s);
	return rc;
}

/* ---- moves ---- */

static int store_move(const struct hand *h, const struct decision *d, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_APPLY, e);
	bool of_wave = d->kind == DECIDE_START_WAVE || d->kind == DECIDE_SOAK ||
		       d->kind == DECIDE_REOPEN || d->kind == DECIDE_PASS_WAVE ||
		       d->kind == DECIDE_PAUSE;
	char id[24];

	if (c == NULL ||
	    rollout_view_apply(h->view, c, NULL, d->kind, of_wave ? (int)d->wave : -1,
			       d->text, e) < 0)
		return -1;
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)h->view->row.id);
	c->in.rollout_apply.epoch = h->t->epoch;
	store_call_event_of(c, EVENT_ROLLOUT, id);
	store_call_audit_system(c, "rollout.decide", "rollout", id, d->text);
	if (put(h, c, e) < 0)
		return -1;
	log_info(h->t->config->log, "rollout", d->text, "rollout", id, "tenant",
		 h->tenant, NULL);
	return 0;
}

/* What only a person can mend, a group that is gone for one, is written where people
 * look: beside the state. */
static int note_trouble(const struct hand *h, const char *text, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = NULL;

	if (strcmp(h->view->row.detail, text) == 0)
		return 0;
	c = ask(h, STORE_ROLLOUT_APPLY, e);
	if (c == NULL || rollout_view_apply(h->view, c, NULL, -1, -1, text, e) < 0)
		return -1;
	c->in.rollout_apply.epoch = h->t->epoch;
	return put(h, c, e);
}

/* 1: the members are chosen; 0: they cannot be as it stands. */
static int begin_members(struct hand *h, struct err *e)
{
	struct err trouble = ERR_INIT;

	if (choose_members(h, &trouble) == 0)
		return read_rollout(h, h->view->row.id, e) < 0 ? -1 : 1;
	if (trouble.code == ERR_USAGE || trouble.code == ERR_FORMAT ||
	    trouble.code == ERR_LIMIT || trouble.code == ERR_NOT_FOUND) {
		look_again(h, h->now + TEND_TROUBLE_MS);
		return note_trouble(h, trouble.text, e);
	}
	*e = trouble;
	return -1;
}

/* ---- deadlines ---- */

static bool is_under_way(const struct hand *h, unsigned w)
{
	return h->view->progress.waves[w].state != WAVE_PENDING;
}

static bool has_waiting(const struct wave_counts *n)
{
	return n->members > n->in_flight + n->proven + n->reported + n->downloaded +
				n->failed + n->rolled_back + n->silent + n->absent +
				n->cancelled;
}

static int sweep_wave(struct hand *h, unsigned w, bool *ret_marked, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_SWEEP, e);
	const struct wave_plan *plan = &h->view->plan.waves[w];
	const struct wave_progress *p = &h->view->progress.waves[w];
	int64_t clock = rollout_absence_clock(&h->view->progress, w, &h->freeze);

	if (c == NULL)
		return -1;
	c->in.rollout_sweep.id = h->view->row.id;
	c->in.rollout_sweep.epoch = h->t->epoch;
	c->in.rollout_sweep.wave = w;
	c->in.rollout_sweep.offered_until =
	    p->next_silent_at != 0 && p->next_silent_at <= h->now
		? h->now - plan->deadline_ms
		: INT64_MIN;
	c->in.rollout_sweep.seen_before =
	    has_waiting(&p->counts) && rollout_silent_at(plan, clock, 0, 0) <= h->now
		? clock
		: INT64_MIN;
	if (c->in.rollout_sweep.offered_until == INT64_MIN &&
	    c->in.rollout_sweep.seen_before == INT64_MIN)
		return 0;
	do {
		c->deadline_ms = 0;
		if (put(h, c, e) < 0)
			return -1;
	} while (c->more);
	*ret_marked = true;
	return 0;
}

static int sweep(struct hand *h, struct err *e)
{
	bool marked = false;

	for (unsigned w = 0; w < h->view->plan.n_waves; w++) {
		if (is_under_way(h, w) && sweep_wave(h, w, &marked, e) < 0)
			return -1;
	}
	if (marked && read_rollout(h, h->view->row.id, e) < 0)
		return -1;
	for (unsigned w = 0; w < h->view->plan.n_waves; w++) {
		/* also while it is paused, when the policy waits for nothing */
		if (h->view->progress.waves[w].next_silent_at != 0)
			look_again(h, h->view->progress.waves[w].next_silent_at);
	}
	return 0;
}

/* ---- assigning ---- */

static void poke(const struct hand *h, const char *device)
{
	if (h->t->config->poke != NULL)
		h->t->config->poke(h->t->config->ctx, h->tenant, device);
}

static void fill_task(const struct hand *h, const struct rollout_candidate *d,
		      struct rollout_task *t)
{
	struct err why = ERR_INIT;

	memcpy(t->device, d->id, sizeof(t->device));
	t->leave = rollout_fit_of(d, &h->release, &why) != FITS;
	(void)snprintf(t->why, sizeof(t->why), "%s", why.text);
}

static int assign_batch(struct hand *h, const struct store_call *waiting, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_ASSIGN, e);
	const struct rollout_candidate *d = waiting->items;
	struct rollout_task *tasks;

	if (c == NULL)
		return -1;
	tasks = store_call_items(c, waiting->n_items, sizeof(*tasks), e);
	if (tasks == NULL)
		return -1;
	for (size_t i = 0; i < c->n_items; i++)
		fill_task(h, &d[i], &tasks[i]);
	c->in.rollout_assign.id = h->view->row.id;
	c->in.rollout_assign.epoch = h->t->epoch;
	c->in.rollout_assign.kind = h->view->plan.type;
	c->in.rollout_assign.force_at = h->view->plan.force_at;
	c->in.rollout_assign.needs_consent = h->view->plan.needs_consent;
	c->deadline_ms = 0;
	if (put(h, c, e) < 0)
		return -1;
	tasks = c->items;
	for (size_t i = 0; i < c->n_items; i++) {
		if (!tasks[i].assigned && !tasks[i].leave)
			h->known->assign_at = h->now + (int64_t)h->t->config->retry_ms;
		else if (tasks[i].assigned)
			poke(h, tasks[i].device);
	}
	return 0;
}

static int assign_wave(struct hand *h, unsigned w, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_WAITING, e);
	const struct rollout_candidate *d;

	if (c == NULL)
		return -1;
	c->in.rollout_waiting.id = h->view->row.id;
	c->in.rollout_waiting.wave = w;
	c->in.rollout_waiting.after = INT64_MIN;
	do {
		c->deadline_ms = 0;
		if (put(h, c, e) < 0)
			return -1;
		if (c->n_items == 0)
			return 0;
		d = c->items;
		c->in.rollout_waiting.after = d[c->n_items - 1].place;
		if (assign_batch(h, c, e) < 0)
			return -1;
	} while (c->more && !h->t->stopping(h->t->ctx));
	return 0;
}

/* A pass over who waits without a deployment. Who is passed over because something else
 * is open for it is tried again in retry_ms. */
static int assign(struct hand *h, struct err *e)
{
	if (!h->view->row.offers || h->freeze.on)
		return 0;
	if (h->now < h->known->assign_at) {
		look_again(h, h->known->assign_at);
		return 0;
	}
	h->known->assign_at = INT64_MAX;
	if (read_release(h, e) < 0)
		return -1;
	for (unsigned w = 0; w < h->view->plan.n_waves; w++) {
		if (is_under_way(h, w) && assign_wave(h, w, e) < 0) {
			h->known->assign_at = 0;
			return -1;
		}
	}
	look_again(h, h->known->assign_at);
	return 0;
}

/* ---- who no longer fits ---- */

/* Whoever was pinned, or turned out to be other hardware, after it was given a
 * deployment will never be shown it: it leaves, or the wave would wait for it. */
static int check_page(struct hand *h, struct store_call *unshown, bool *ret_left,
		      struct err *e)
{
	struct rollout_candidate *d = unshown->items;
	size_t n = 0;

	for (size_t i = 0; i < unshown->n_items; i++) {
		if (rollout_fit_of(&d[i], &h->release, NULL) != FITS)
			d[n++] = d[i];
	}
	unshown->n_items = n;
	*ret_left |= n > 0;
	return n == 0 ? 0 : assign_batch(h, unshown, e);
}

static int check_unshown(struct hand *h, bool *ret_left, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_UNSHOWN, e);
	const struct rollout_candidate *d;

	if (c == NULL)
		return -1;
	c->in.rollout_unshown.id = h->view->row.id;
	do {
		c->deadline_ms = 0;
		if (put(h, c, e) < 0)
			return -1;
		if (c->n_items == 0)
			return 0;
		d = c->items;
		c->in.rollout_unshown.after = d[c->n_items - 1].deployment;
		if (check_page(h, c, ret_left, e) < 0)
			return -1;
	} while (c->more && !h->t->stopping(h->t->ctx));
	return 0;
}

static int check(struct hand *h, struct err *e)
{
	bool left = false;

	if (!h->view->row.offers || h->freeze.on)
		return 0;
	if (h->now >= h->known->check_at) {
		h->known->check_at = h->now + (int64_t)h->t->config->join_ms;
		if (read_release(h, e) < 0 || check_unshown(h, &left, e) < 0 ||
		    (left && read_rollout(h, h->view->row.id, e) < 0))
			return -1;
	}
	look_again(h, h->known->check_at);
	return 0;
}

/* ---- late joiners ---- */

static void say_late(const struct hand *h, size_t n, struct store_call *c)
{
	struct rollout_decision *d = &c->in.rollout_fill.decision;
	char id[24];

	d->kind = DECIDE_TAKE_IN;
	d->reason = ROLLOUT_BECAUSE_LATE;
	d->wave = (int)h->view->plan.n_waves - 1;
	if (h->view->row.members_of != 0)
		(void)snprintf(d->detail, sizeof(d->detail),
			       "%zu devices arrived at the release of rollout %llu, "
			       "which is rolled back: they join wave %d",
			       n, (unsigned long long)h->view->row.members_of,
			       d->wave + 1);
	else
		(void)snprintf(d->detail, sizeof(d->detail),
			       "%zu devices came late and join wave %d", n,
			       d->wave + 1);
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)h->view->row.id);
	store_call_event_of(c, EVENT_ROLLOUT, id);
}

static int join_page(struct hand *h, const struct store_call *found, bool *ret_joined,
		     struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_FILL, e);
	const struct rollout_candidate *d = found->items;
	struct rollout_member *m;
	uint64_t key = 0;
	size_t n = 0;

	if (c == NULL)
		return -1;
	m = store_call_items(c, found->n_items, sizeof(*m), e);
	if (m == NULL)
		return -1;
	for (size_t i = 0; i < found->n_items; i++) {
		if (rollout_fit_of(&d[i], &h->release, NULL) != FITS)
			continue;
		m[n].wave = (unsigned)h->view->plan.n_waves - 1;
		if (order_key(h->view->plan.seed, d[i].id, &key, e) < 0)
			return -1;
		m[n].place = (int64_t)(key >> 1);
		memcpy(m[n].device, d[i].id, sizeof(m[n].device));
		memcpy(m[n].site, d[i].site, sizeof(m[n].site));
		n++;
	}
	c->n_items = n;
	if (n == 0)
		return 0;
	*ret_joined = true;
	say_late(h, n, c);
	return fill(h, FILL_JOIN, c, e);
}

static int join_all(struct hand *h, bool *ret_joined, struct err *e)
{
	char after[DEVICE_ID_MAX_LEN + 1] = "";
	bool more = true;

	while (more && !h->t->stopping(h->t->ctx)) {
		AUTO_PTR(store_call) struct store_call *c = NULL;
		const struct rollout_candidate *d;

		if (h->t->keep_lead(h->t->ctx, e) < 0 ||
		    selection_joiners(h->t->config->store, h->tenant, h->view, after,
				      &c, e) < 0 ||
		    join_page(h, c, ret_joined, e) < 0)
			return -1;
		d = c->items;
		more = c->more;
		if (c->n_items > 0)
			memcpy(after, d[c->n_items - 1].id, sizeof(after));
	}
	return 0;
}

static bool takes_late(const struct hand *h)
{
	return h->view->plan.late_joiners == LATE_LAST_WAVE &&
	       h->view->progress.state == ROLLOUT_RUNNING;
}

static int join_now(struct hand *h, bool *ret_joined, struct err *e)
{
	*ret_joined = false;
	if (read_release(h, e) < 0 || join_all(h, ret_joined, e) < 0)
		return -1;
	if (!*ret_joined)
		return 0;
	h->known->assign_at = 0;
	return read_rollout(h, h->view->row.id, e);
}

static int join(struct hand *h, struct err *e)
{
	bool joined;

	if (!takes_late(h))
		return 0;
	if (h->now < h->known->join_at) {
		look_again(h, h->known->join_at);
		return 0;
	}
	h->known->join_at = h->now + (int64_t)h->t->config->join_ms;
	look_again(h, h->known->join_at);
	return join_now(h, &joined, e);
}

/* ---- ending ---- */

static int cancel_rest(struct hand *h, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = ask(h, STORE_ROLLOUT_CANCEL, e);
	const struct frozen_out *o;

	if (c == NULL)
		return -1;
	c->in.rollout_cancel.id = h->view->row.id;
	c->in.rollout_cancel.epoch = h->t->epoch;
	(void)snprintf(c->in.rollout_cancel.detail, sizeof(c->in.rollout_cancel.detail),
		       "rollout %llu was stopped", (unsigned long long)h->view->row.id);
	do {
		c->deadline_ms = 0;
		if (put(h, c, e) < 0)
			return -1;
		o = c->items;
		for (size_t i = 0; i < c->n_items; i++)
			poke(h, o[i].device);
	} while (c->more && !h->t->stopping(h->t->ctx));
	return 0;
}

/* ---- one move ---- */

/* 1: a move was made, look again; 0: the policy waits. */
static int move_once(struct hand *h, struct err *e)
{
	struct decision d;
	uint64_t id = h->view->row.id;
	bool joined;

	rollout_decide(&h->view->plan, &h->view->progress, &h->freeze, h->now, &d);
	if (d.kind == DECIDE_WAIT) {
		look_again(h, d.at);
		return 0;
	}
	if (d.kind == DECIDE_START && h->view->row.membership != MEMBERSHIP_COMPLETE)
		return begin_members(h, e);
	if (d.kind == DECIDE_FINISH && takes_late(h)) {
		/* behind the reading of the counters: who ended before that is found */
		if (join_now(h, &joined, e) < 0)
			return -1;
		if (joined)
			return 1;
	}
	rollout_apply(&h->view->progress, &d, h->now);
	if (store_move(h, &d, e) < 0 || read_rollout(h, id, e) < 0)
		return -1;
	h->known->assign_at = 0;
	return 1;
}

/* ---- all of it ---- */

static struct tended *remember(struct tending *t, uint64_t id, struct err *e)
{
	struct tended *k;

	for (k = t->known; k != NULL && k->id != id; k = k->next)
		;
	if (k != NULL)
		return k;
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	k->id = id;
	k->next = t->known;
	t->known = k;
	return k;
}

static int tend(struct hand *h, struct err *e)
{
	int moved = 1;

	if (h->view->progress.state == ROLLOUT_STOPPED)
		return cancel_rest(h, e);
	for (int i = 0; moved == 1 && i < MAX_MOVES; i++) {
		if (h->t->stopping(h->t->ctx))
			return 0;
		if (sweep(h, e) < 0 || join(h, e) < 0 || check(h, e) < 0 ||
		    assign(h, e) < 0)
			return -1;
		moved = move_once(h, e);
	}
	return moved < 0 ? -1 : 0;
}

int tend_rollout(struct tending *t, const struct rollout_ref *r, int64_t *ret_again_at,
		 struct err *e)
{
	struct hand h = {.t = t, .tenant = r->tenant, .again_at = INT64_MAX};
	int rc;

	h.known = remember(t, r->id, e);
	if (h.known == NULL || read_rollout(&h, r->id, e) < 0)
		return -1;
	rc = tend(&h, e);
	*ret_again_at = h.again_at;
	rollout_view_free(h.view);
	return rc;
}

void tend_forget(struct tending *t, const struct rollout_ref *refs, size_t n)
{
	struct tended **p = &t->known;

	while (*p != NULL) {
		struct tended *k = *p;
		bool there = false;

		for (size_t i = 0; i < n && !there; i++)
			there = refs[i].id == k->id;
		if (there) {
			p = &k->next;
		} else {
			*p = k->next;
			free(k);
		}
	}
}

void tend_fini(struct tending *t)
{
	tend_forget(t, NULL, 0);
}
