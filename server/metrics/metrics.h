/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for whoever watches the server, in Prometheus' text format 0.0.4.
 *
 * A module declares its families at the start, then counts in any thread. Where counting
 * would need what is elsewhere (sizes of queues, files, the fleet) it adds a collector,
 * which is called when somebody asks.
 *
 *	start-up:	m = metrics_new()
 *			sent = metrics_add(m, &(struct metric_desc){"ota_http_sent_bytes_total", ..})
 *			metrics_add_collector(m, write_disk, store)
 *	any thread:	metric_count(sent, 0, 0, n)
 *	a scrape:	metrics_write(m, &text)
 *
 * The values of labels are given when a family is declared: a family has as many series
 * as it will ever have, so nothing that a stranger sends can make memory grow. Names
 * end in their unit (_seconds, _bytes), those of counters in _total.
 *
 * Threads: adding is for one thread, the main one; scrapes may go on. Counting is an atomic
 * addition and never waits. A NULL family is not counted, so that a module works without
 * metrics.
 */
#ifndef OTA_SERVER_METRICS_H
#define OTA_SERVER_METRICS_H

#include "../../common/base/buf.h"

#include <stdint.h>

#define METRIC_MAX_LABELS 2
#define METRIC_MAX_BOUNDS 16
#define METRICS_MAX_TEXT ((size_t)8 << 20)

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_label {
	const char *name; /* NULL: there is no such label */
	const char *const *values;
	size_t n_values;
};

/* What it points to must outlive the registry. */
struct metric_desc {
	const char *name;
	const char *help; /* one sentence */
	enum metric_kind kind;
	struct metric_label labels[METRIC_MAX_LABELS];
	/* HISTOGRAM: upper bounds of its buckets, ascending, in the unit that is observed,
	 * and how many of these make one of the unit in the name: 1000000 where
	 * microseconds are observed and seconds told */
	uint64_t bounds[METRIC_MAX_BOUNDS];
	size_t n_bounds;
	uint64_t scale;
};

struct metrics;
struct metric;

struct metrics *metrics_new(struct err *e) MUST_USE;
/* NULL is fine. Nobody may count any more. */
void metrics_free(struct metrics *m);
AUTO_PTR_DEFINE(metrics)

/* The family belongs to m. NULL if m is NULL or memory is short: it is then not
 * counted. */
struct metric *metrics_add(struct metrics *m, const struct metric_desc *d);

/* i, j: which value of the first and the second label; 0 where there is none. An index
 * out of range is not counted. */
void metric_count(struct metric *f, size_t i, size_t j, uint64_t by);
void metric_set(struct metric *f, size_t i, size_t j, int64_t value); /* GAUGE */
void metric_move(struct metric *f, size_t i, size_t j, int64_t by);   /* GAUGE */
void metric_observe(struct metric *f, size_t i, size_t j, uint64_t value);

/* ---- collectors ---- */

/* The text that a scrape is answered with. */
struct metrics_text;

/*
 * Calls fn whenever somebody asks, in the thread of the scrape, which it must not hold
 * up: no disk, no waiting. It writes whole families: metrics_family(), then its samples.
 */
void metrics_add_collector(struct metrics *m,
			   void (*fn)(struct metrics_text *t, void *ctx), void *ctx);

/* For collectors. If the text grows too long the scrape fails as a whole. */
void metrics_family(struct metrics_text *t, const char *name, enum metric_kind kind,
		    const char *help);
/* A sample of the family begun last. n_labels pairs name, value; values are escaped. */
void metrics_sample(struct metrics_text *t, double value, size_t n_labels,
		    const char *const labels[][2]);

/* What fn writes, for a collector whose numbers are found beforehand; ERR_LIMIT. */
int metrics_render(void (*fn)(struct metrics_text *t, void *ctx), void *ctx,
		   struct buf *ret_text, struct err *e) MUST_USE;
/* Whole families that were rendered before. */
void metrics_append(struct metrics_text *t, const struct buf *rendered);

/* Microseconds for durations, monotonic. */
uint64_t metrics_now_us(void);

/* All there is. ERR_LIMIT beyond METRICS_MAX_TEXT. */
int metrics_write(struct metrics *m, struct buf *ret_text, struct err *e) MUST_USE;

#endif
