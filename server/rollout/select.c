/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include "../../common/base/text.h"
#include "../fleet/policy.h"

#include <stdlib.h>
#include <string.h>

/* An average device's id and site; a fleet with longer ones meets the limit earlier. */
#define TEXTS_MAX (256u * 1024 * 1024)
#define FIRST_ROOM 4096

void selection_fini(struct selection *s)
{
	free(s->entries);
	free(s->offsets);
	buf_fini(&s->texts);
}

enum rollout_fit rollout_fit_of(const struct rollout_candidate *d,
				const struct release *r, struct err *ret_why)
{
	struct device known = {
	    .grade = GRADE_UNKNOWN, .pin = d->pin, .security_floor = d->security_floor};

	memcpy(known.id, d->id, sizeof(known.id));
	memcpy(known.product, d->product, sizeof(known.product));
	memcpy(known.hardware, d->hardware, sizeof(known.hardware));
	memcpy(known.agent_version, d->agent_version, sizeof(known.agent_version));
	memcpy(known.pin_release, d->pin_release, sizeof(known.pin_release));
	if (policy_fits(&known, r, ret_why) < 0 || policy_floor(&known, r, ret_why) < 0)
		return FIT_INCOMPATIBLE;
	if (strcmp(d->version, r->version) == 0) {
		(void)err_set(ret_why, ERR_CONFLICT, "device \"%s\" runs %s already",
			      d->id, r->version);
		return FIT_UP_TO_DATE;
	}
	if (policy_pinned(&known, r->id, NULL) < 0) {
		(void)err_set(ret_why, ERR_CONFLICT, "device \"%s\" is pinned", d->id);
		return FIT_PINNED;
	}
	return FITS;
}

/* ---- filters ---- */

/* The selection's, then the waves' in their order. */
struct filters {
	struct filter *all;
	size_t n;
};

static int parse_filters(const struct rollout_plan *p, struct filters *ret,
			 struct rollout_query *q, struct err *e)
{
	*ret = (struct filters){calloc(1 + p->n_waves, sizeof(struct filter)), 1};
	if (ret->all == NULL)
		return err_nomem(e);
	if (filter_parse(p->selection, &ret->all[0], e) < 0)
		return err_wrap(e, "selection");
	q->selection = &ret->all[0];
	for (size_t w = 0; w < p->n_waves; w++) {
		if (p->waves[w].by != WAVE_BY_FILTER)
			continue;
		if (filter_parse(p->waves[w].filter, &ret->all[ret->n], e) < 0)
			return err_wrap(e, "waves[%zu].filter", w);
		q->waves[w] = &ret->all[ret->n++];
	}
	return text_copy(q->stratify_by, sizeof(q->stratify_by), p->stratify_by,
			 "stratify_by", e);
}

/* ---- collecting ---- */

static int grow(struct selection *s, struct err *e)
{
	size_t room = s->room == 0 ? FIRST_ROOM : s->room * 2;
	void *p;

	if (s->n < s->room)
		return 0;
	if (s->n >= SELECTION_MAX)
		return err_set(e, ERR_LIMIT, "the selection finds more than %u devices",
			       SELECTION_MAX);
	p = reallocarray(s->entries, room, sizeof(s->entries[0]));
	if (p == NULL)
		return err_nomem(e);
	s->entries = p;
	p = reallocarray(s->offsets, room, sizeof(s->offsets[0]));
	if (p == NULL)
		return err_nomem(e);
	s->offsets = p;
	s->room = room;
	return 0;
}

static int add_entry(struct selection *s, const struct rollout_plan *p,
		     const struct rollout_candidate *d, struct err *e)
{
	struct order_entry *x;

	if (grow(s, e) < 0)
		return -1;
	x = &s->entries[s->n];
	*x = (struct order_entry){.index = (uint32_t)s->n, .matches = d->matches};
	s->offsets[s->n] = (uint32_t)s->texts.len;
	if (order_key(p->seed, d->id, &x->key, e) < 0 ||
	    (p->stratify_by[0] != '\0' &&
	     order_key(p->seed, d->stratum, &x->stratum, e) < 0) ||
	    buf_add(&s->texts, d->id, strlen(d->id) + 1, e) < 0 ||
	    buf_add(&s->texts, d->site, strlen(d->site) + 1, e) < 0)
		return -1;
	s->n++;
	return 0;
}

static int take_candidate(struct selection *s, const struct rollout_plan *p,
			  const struct release *r, const struct rollout_candidate *d,
			  struct err *e)
{
	switch (rollout_fit_of(d, r, NULL)) {
	case FIT_INCOMPATIBLE:
		s->left_out.incompatible++;
		return 0;
	case FIT_UP_TO_DATE:
		s->left_out.up_to_date++;
		return 0;
	case FIT_PINNED:
		s->left_out.pinned++;
		return 0;
	case FITS:
	default:
		return add_entry(s, p, d, e);
	}
}

static int collect(struct store *store, struct store_call *c, struct selection *s,
		   const struct rollout_plan *p, const struct release *r,
		   int (*between)(void *ctx, struct err *e), void *ctx, struct err *e)
{
	const struct rollout_candidate *d;

	do {
		if (between != NULL && between(ctx, e) < 0)
			return -1;
		c->deadline_ms = 0;
		if (store_wait(store, c, e) < 0)
			return -1;
		d = c->items;
		for (size_t i = 0; i < c->n_items; i++) {
			if (take_candidate(s, p, r, &d[i], e) < 0)
				return -1;
		}
		if (c->n_items > 0)
			memcpy(c->in.rollout_query.after, d[c->n_items - 1].id,
			       sizeof(c->in.rollout_query.after));
	} while (c->more);
	return 0;
}

static struct store_call *ask_candidates(const char *tenant,
					 const struct rollout_view *v,
					 struct filters *ret, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_ROLLOUT_CANDIDATES, NULL, NULL, NULL, e);

	if (c == NULL ||
	    text_copy(c->tenant, sizeof(c->tenant), tenant, "tenant", e) < 0 ||
	    parse_filters(&v->plan, ret, &c->in.rollout_query, e) < 0)
		return NULL;
	c->in.rollout_query.members_of = v->row.members_of;
	return TAKE(c);
}

int selection_make(struct store *store, const char *tenant,
		   const struct rollout_view *v, const struct release *r,
		   int (*between)(void *ctx, struct err *e), void *ctx,
		   struct selection *ret, struct err *e)
{
	struct filters filters = {NULL, 0};
	AUTO_PTR(store_call) struct store_call *c = NULL;
	int rc = -1;

	*ret = (struct selection){.n = 0};
	buf_init(&ret->texts, TEXTS_MAX);
	c = ask_candidates(tenant, v, &filters, e);
	if (c != NULL)
		rc = collect(store, c, ret, &v->plan, r, between, ctx, e);
	free(filters.all);
	if (rc < 0) {
		selection_fini(ret);
		return err_wrap(e, "choose the members of rollout %llu",
				(unsigned long long)v->row.id);
	}
	order_assign(&v->plan, ret->entries, ret->n, ret->members);
	for (size_t i = 0; i < ret->n; i++)
		ret->left_out.no_wave += ret->entries[i].wave == ORDER_NO_WAVE;
	return 0;
}

void selection_members(const struct selection *s, size_t first, size_t n,
		       struct rollout_member *ret, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = first; i < first + n && i < s->n; i++) {
		const struct order_entry *x = &s->entries[i];
		const char *id = buf_str(&s->texts) + s->offsets[x->index];
		struct rollout_member *m = &ret[*ret_n];

		if (x->wave == ORDER_NO_WAVE)
			continue;
		*m = (struct rollout_member){.wave = x->wave,
					     .place = (int64_t)(x->place >> 1)};
		(void)snprintf(m->device, sizeof(m->device), "%s", id);
		(void)snprintf(m->site, sizeof(m->site), "%s", id + strlen(id) + 1);
		(*ret_n)++;
	}
}

int selection_joiners(struct store *s, const char *tenant, const struct rollout_view *v,
		      const char *after, struct store_call **ret, struct err *e)
{
	struct filters filters = {NULL, 0};
	AUTO_PTR(store_call)
	struct store_call *c = ask_candidates(tenant, v, &filters, e);
	int rc = -1;

	if (c != NULL) {
		c->in.rollout_query.not_of = v->row.id;
		c->in.rollout_query.limit = ROLLOUT_BATCH;
		(void)snprintf(c->in.rollout_query.after,
			       sizeof(c->in.rollout_query.after), "%s", after);
		rc = store_wait(s, c, e);
	}
	free(filters.all);
	if (rc == 0)
		*ret = TAKE(c);
	return rc;
}
