/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <stdlib.h>

enum outcome { CALL_OK, CALL_REFUSED, CALL_FAILED, N_OUTCOMES };

static const char *const outcomes[N_OUTCOMES] = {
    [CALL_OK] = "ok", [CALL_REFUSED] = "refused", [CALL_FAILED] = "failed"};
static const char *const kinds[] = {
    [STORE_READ] = "read", [STORE_WRITE] = "write", [STORE_SCAN] = "scan"};
static const char *const verb_names[N_STORE_VERBS] = {
#define X(verb, kind) [STORE_##verb] = #verb,
    STORE_VERBS(X)
#undef X
};

static void add_durations(struct store_counts *n, struct metrics *m)
{
	n->duration = metrics_add(
	    m, &(struct metric_desc){
		   .name = "ota_store_call_duration_seconds",
		   .help = "From a call's submission to its answer; of writes with the "
			   "flush.",
		   .kind = METRIC_HISTOGRAM,
		   .labels = {{"kind", kinds, N_ELEMS(kinds)}},
		   .bounds = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
			      100000, 250000, 1000000, 5000000},
		   .n_bounds = 13,
		   .scale = 1000000});
	n->group = metrics_add(
	    m, &(struct metric_desc){.name = "ota_store_group_calls",
				     .help = "Writes that shared one commit.",
				     .kind = METRIC_HISTOGRAM,
				     .bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
				     .n_bounds = 10,
				     .scale = 1});
}

struct store_counts *store_counts_new(struct metrics *m)
{
	struct store_counts *n = m != NULL ? calloc(1, sizeof(*n)) : NULL;

	if (n == NULL)
		return NULL;
	n->calls = metrics_add(
	    m, &(struct metric_desc){.name = "ota_store_calls_total",
				     .help = "Calls by verb; refused: the caller's "
					     "business, failed: the store's.",
				     .kind = METRIC_COUNTER,
				     .labels = {{"verb", verb_names, N_STORE_VERBS},
						{"outcome", outcomes, N_OUTCOMES}}});
	n->waiting = metrics_add(
	    m, &(struct metric_desc){.name = "ota_store_calls_waiting",
				     .help = "Calls that are not answered yet.",
				     .kind = METRIC_GAUGE,
				     .labels = {{"kind", kinds, N_ELEMS(kinds)}}});
	add_durations(n, m);
	return n;
}

void store_counts_begin(const struct store_counts *n, struct store_call *c)
{
	if (n == NULL || c->counts != NULL)
		return;
	c->counts = n;
	c->began_us = metrics_now_us();
	metric_move(n->waiting, store_verb_kind(c->verb), 0, 1);
}

static enum outcome outcome_of(enum err_code code)
{
	switch ((int)code) {
	case ERR_NONE:
		return CALL_OK;
	case ERR_IO:
	case ERR_INTERNAL:
	case ERR_NO_SPACE:
	case ERR_NO_MEMORY:
	case ERR_BUSY:
	case ERR_TIMEOUT:
	case ERR_UNREACHABLE:
		return CALL_FAILED;
	default:
		return CALL_REFUSED;
	}
}

void store_counts_end(struct store_call *c)
{
	const struct store_counts *n = c->counts;
	size_t kind = store_verb_kind(c->verb);

	if (n == NULL)
		return;
	c->counts = NULL;
	metric_move(n->waiting, kind, 0, -1);
	metric_count(n->calls, c->verb, outcome_of(c->err.code), 1);
	metric_observe(n->duration, kind, 0, metrics_now_us() - c->began_us);
}

void store_counts_group(const struct store_counts *n, size_t n_calls)
{
	if (n != NULL)
		metric_observe(n->group, 0, 0, n_calls);
}
