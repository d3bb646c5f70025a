/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One number of a series. A histogram has one a bucket, one beyond all bounds, and the
 * sum of what was observed. */
typedef _Atomic int64_t cell;

struct metric {
	_Atomic(struct metric *) next;
	struct metric_desc desc;
	size_t n_second; /* values of the second label, at least 1 */
	size_t n_series;
	size_t width; /* cells of a series */
	cell cells[];
};

struct collector {
	_Atomic(struct collector *) next;
	void (*fn)(struct metrics_text *t, void *ctx);
	void *ctx;
};

struct metrics {
	/* Appended to by one thread while others walk: what is linked is whole. */
	_Atomic(struct metric *) first, *last;
	_Atomic(struct collector *) collectors, *last_collector;
};

struct metrics_text {
	struct buf *text;
	struct err *e;
	bool failed;
	const char *family;
};

struct metrics *metrics_new(struct err *e)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	m->last = &m->first;
	m->last_collector = &m->collectors;
	return m;
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (struct metric *f = m->first, *next; f != NULL; f = next) {
		next = f->next;
		free(f);
	}
	for (struct collector *c = m->collectors, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(m);
}

static size_t n_values(const struct metric_label *l)
{
	return l->name == NULL ? 1 : l->n_values;
}

struct metric *metrics_add(struct metrics *m, const struct metric_desc *d)
{
	size_t n_series = n_values(&d->labels[0]) * n_values(&d->labels[1]);
	size_t width = d->kind == METRIC_HISTOGRAM ? d->n_bounds + 2 : 1;
	struct metric *f;

	if (m == NULL || d->n_bounds > METRIC_MAX_BOUNDS)
		return NULL;
	f = calloc(1, sizeof(*f) + n_series * width * sizeof(cell));
	if (f == NULL)
		return NULL;
	f->desc = *d;
	f->n_second = n_values(&d->labels[1]);
	f->n_series = n_series;
	f->width = width;
	atomic_store(m->last, f);
	m->last = &f->next;
	return f;
}

void metrics_add_collector(struct metrics *m,
			   void (*fn)(struct metrics_text *t, void *ctx), void *ctx)
{
	struct collector *c = m != NULL ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL)
		return;
	c->fn = fn;
	c->ctx = ctx;
	atomic_store(m->last_collector, c);
	m->last_collector = &c->next;
}

/* ---- counting ---- */

static cell *series(struct metric *f, size_t i, size_t j)
{
	size_t at = i * (f == NULL ? 1 : f->n_second) + j;

	if (f == NULL || j >= f->n_second || at >= f->n_series)
		return NULL;
	return &f->cells[at * f->width];
}

static void add(cell *c, int64_t by)
{
	(void)atomic_fetch_add_explicit(c, by, memory_order_relaxed);
}

void metric_count(struct metric *f, size_t i, size_t j, uint64_t by)
{
	metric_move(f, i, j, (int64_t)by);
}

void metric_move(struct metric *f, size_t i, size_t j, int64_t by)
{
	cell *c = series(f, i, j);

	if (c != NULL)
		add(c, by);
}

void metric_set(struct metric *f, size_t i, size_t j, int64_t value)
{
	cell *c = series(f, i, j);

	if (c != NULL)
		atomic_store_explicit(c, value, memory_order_relaxed);
}

void metric_observe(struct metric *f, size_t i, size_t j, uint64_t value)
{
	cell *c = series(f, i, j);
	size_t n = 0;

	if (c == NULL)
		return;
	while (n < f->desc.n_bounds && value > f->desc.bounds[n])
		n++;
	add(&c[n], 1);
	add(&c[f->desc.n_bounds + 1], (int64_t)value);
}

uint64_t metrics_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- the text ---- */

static void put(struct metrics_text *t, const char *text)
{
	if (!t->failed && buf_add_str(t->text, text, t->e) < 0)
		t->failed = true;
}

static void put_char(struct metrics_text *t, char c)
{
	if (!t->failed && buf_add(t->text, &c, 1, t->e) < 0)
		t->failed = true;
}

static void put_int(struct metrics_text *t, int64_t v)
{
	if (!t->failed && buf_printf(t->text, t->e, "%" PRId64, v) < 0)
		t->failed = true;
}

static void put_number(struct metrics_text *t, double v)
{
	if (!t->failed && buf_printf(t->text, t->e, "%.17g", v) < 0)
		t->failed = true;
}

/* v / scale, exactly: 0.005 and not 0.0050000000000000001. */
static void put_scaled(struct metrics_text *t, uint64_t v, uint64_t scale)
{
	char digits[24];
	size_t n;

	put_int(t, (int64_t)(v / scale));
	v %= scale;
	if (v == 0)
		return;
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, scale + v);
	for (n = strlen(digits); digits[n - 1] == '0'; n--)
		digits[n - 1] = '\0';
	put_char(t, '.');
	put(t, digits + 1); /* without scale's leading 1: a power of ten */
}

static void put_escaped(struct metrics_text *t, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			put(t, "\\n");
			continue;
		}
		if (*text == '"' || *text == '\\')
			put_char(t, '\\');
		put_char(t, *text);
	}
}

static void put_pair(struct metrics_text *t, bool *ret_any, const char *name,
		     const char *value)
{
	put_char(t, *ret_any ? ',' : '{');
	put(t, name);
	put(t, "=\"");
	put_escaped(t, value);
	put_char(t, '"');
	*ret_any = true;
}

void metrics_family(struct metrics_text *t, const char *name, enum metric_kind kind,
		    const char *help)
{
	static const char *const kinds[] = {[METRIC_COUNTER] = "counter",
					    [METRIC_GAUGE] = "gauge",
					    [METRIC_HISTOGRAM] = "histogram"};

	t->family = name;
	put(t, "# HELP ");
	put(t, name);
	put_char(t, ' ');
	put(t, help);
	put(t, "\n# TYPE ");
	put(t, name);
	put_char(t, ' ');
	put(t, kinds[kind]);
	put_char(t, '\n');
}

void metrics_sample(struct metrics_text *t, double value, size_t n_labels,
		    const char *const labels[][2])
{
	bool any = false;

	put(t, t->family);
	for (size_t i = 0; i < n_labels; i++)
		put_pair(t, &any, labels[i][0], labels[i][1]);
	put(t, any ? "} " : " ");
	put_number(t, value);
	put_char(t, '\n');
}

static void begin_sample(struct metrics_text *t, const struct metric *f, size_t at,
			 const char *suffix, bool *ret_any)
{
	size_t which[METRIC_MAX_LABELS] = {at / f->n_second, at % f->n_second};

	*ret_any = false;
	put(t, f->desc.name);
	put(t, suffix);
	for (size_t i = 0; i < METRIC_MAX_LABELS; i++) {
		const struct metric_label *l = &f->desc.labels[i];

		if (l->name != NULL)
			put_pair(t, ret_any, l->name, l->values[which[i]]);
	}
}

static void end_sample(struct metrics_text *t, bool any, int64_t value)
{
	put(t, any ? "} " : " ");
	put_int(t, value);
	put_char(t, '\n');
}

static int64_t read_cell(const cell *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void write_bucket(struct metrics_text *t, const struct metric *f, size_t at,
			 size_t n, int64_t sum)
{
	bool any;

	begin_sample(t, f, at, "_bucket", &any);
	put_char(t, any ? ',' : '{');
	put(t, "le=\"");
	if (n < f->desc.n_bounds)
		put_scaled(t, f->desc.bounds[n], f->desc.scale);
	else
		put(t, "+Inf");
	put_char(t, '"');
	end_sample(t, true, sum);
}

/* Buckets are cumulative; the count is their last, so that the two always agree. */
static void write_histogram(struct metrics_text *t, const struct metric *f, size_t at)
{
	const cell *c = &f->cells[at * f->width];
	int64_t sum = 0;
	bool any;

	for (size_t n = 0; n <= f->desc.n_bounds; n++) {
		sum += read_cell(&c[n]);
		write_bucket(t, f, at, n, sum);
	}
	begin_sample(t, f, at, "_sum", &any);
	put(t, any ? "} " : " ");
	put_scaled(t, (uint64_t)read_cell(&c[f->desc.n_bounds + 1]), f->desc.scale);
	put_char(t, '\n');
	begin_sample(t, f, at, "_count", &any);
	end_sample(t, any, sum);
}

static void write_family(struct metrics_text *t, const struct metric *f)
{
	bool any;

	metrics_family(t, f->desc.name, f->desc.kind, f->desc.help);
	for (size_t at = 0; at < f->n_series; at++) {
		if (f->desc.kind == METRIC_HISTOGRAM) {
			write_histogram(t, f, at);
			continue;
		}
		begin_sample(t, f, at, "", &any);
		end_sample(t, any, read_cell(&f->cells[at]));
	}
}

int metrics_write(struct metrics *m, struct buf *ret_text, struct err *e)
{
	struct metrics_text t = {.text = ret_text, .e = e};

	for (const struct metric *f = m->first; f != NULL; f = f->next)
		write_family(&t, f);
	for (const struct collector *c = m->collectors; c != NULL; c = c->next)
		c->fn(&t, c->ctx);
	return t.failed ? -1 : 0;
}

int metrics_render(void (*fn)(struct metrics_text *t, void *ctx), void *ctx,
		   struct buf *ret_text, struct err *e)
{
	struct metrics_text t = {.text = ret_text, .e = e};

	fn(&t, ctx);
	return t.failed ? -1 : 0;
}

void metrics_append(struct metrics_text *t, const struct buf *rendered)
{
	if (!t->failed && buf_add(t->text, rendered->data, rendered->len, t->e) < 0)
		t->failed = true;
}
