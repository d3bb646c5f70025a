/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a fleet's lists take: fills a database with devices, then asks for the first
 * page of each list and prints milliseconds.
 *
 *	lists DATABASE [DEVICES]	DEVICES are made if the database is new
 *
 * One in 10 has the tag "lab", one in 1,000 "rare", each an attribute "hw" of ten values
 * and "serial" of its own; versions go from 1.0.0 to 1.49.0, sites are 500.
 */
#include "../../common/base/clock.h"
#include "../../common/base/text.h"
#include "../../server/store/sqlite.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_FLIGHT 2048
#define RUNS 3

struct filler {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned in_flight, failed;
};

static void filled(struct store_call *c)
{
	struct filler *f = c->ctx;

	pthread_mutex_lock(&f->lock);
	f->failed += c->err.code != ERR_NONE;
	f->in_flight--;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	store_call_free(c);
}

static struct store_call *fill_call(struct filler *f, enum store_verb v)
{
	struct store_call *c = store_call_new(v, NULL, filled, f, NULL);

	if (c == NULL)
		abort();
	c->deadline_ms = 0;
	pthread_mutex_lock(&f->lock);
	while (f->in_flight >= IN_FLIGHT)
		pthread_cond_wait(&f->wake, &f->lock);
	f->in_flight++;
	pthread_mutex_unlock(&f->lock);
	return c;
}

static void device_name(unsigned i, char id[32])
{
	(void)snprintf(id, 32, "gw-%07u", i * 7919u % 10000019u);
}

static void create(struct filler *f, unsigned i)
{
	struct store_call *c = fill_call(f, STORE_DEVICE_CREATE);
	struct device *d = &c->in.device_new.device;

	device_name(i, d->id);
	(void)snprintf(d->name, sizeof(d->name), "Door %u", i);
	(void)snprintf(d->product, sizeof(d->product), "gateway");
	memcpy(c->in.device_new.token_hash, &i, sizeof(i));
	store_submit(f->store, c);
}

static void say(struct filler *f, unsigned i)
{
	struct store_call *c = fill_call(f, STORE_DEVICE_PATCH);
	struct device_patch *p = &c->in.patch;

	device_name(i, p->id);
	p->set_site = p->set_tags = true;
	(void)snprintf(p->site, sizeof(p->site), "site-%u", i % 500);
	(void)snprintf(p->tags, sizeof(p->tags), "%s%s", i % 10 == 0 ? "lab" : "",
		       i % 1000 == 0 ? " rare" : "");
	store_submit(f->store, c);
}

static void report(struct filler *f, unsigned i)
{
	static const char *const keys[] = {"hw", "serial"};
	struct store_call *c = fill_call(f, STORE_DEVICE_SET_ATTRIBUTES);
	struct attribute *a = store_call_items(c, 2, sizeof(*a), NULL);

	device_name(i, c->in.attributes.id);
	(void)snprintf(c->in.attributes.version, sizeof(c->in.attributes.version),
		       "1.%u.0", i % 50);
	for (int k = 0; k < 2; k++)
		(void)snprintf(a[k].key, sizeof(a[k].key), "%s", keys[k]);
	(void)snprintf(a[0].value, sizeof(a[0].value), "rev%u", i % 10);
	(void)snprintf(a[1].value, sizeof(a[1].value), "SN-%u", i);
	store_submit(f->store, c);
}

static void see(struct filler *f, unsigned i)
{
	struct store_call *c = fill_call(f, STORE_DEVICE_SEEN);
	struct seen *s = store_call_items(c, 1, sizeof(*s), NULL);

	(void)snprintf(s->tenant, sizeof(s->tenant), "%s", TENANT_DEFAULT);
	device_name(i, s->id);
	s->at = c->now_ms - (int64_t)(i % 200) * 3600000;
	store_submit(f->store, c);
}

static int fill(struct store *s, unsigned n)
{
	struct filler f = {.store = s};

	(void)pthread_mutex_init(&f.lock, NULL);
	(void)pthread_cond_init(&f.wake, NULL);
	for (unsigned i = 0; i < n; i++) {
		create(&f, i);
		say(&f, i);
		report(&f, i);
		see(&f, i);
	}
	pthread_mutex_lock(&f.lock);
	while (f.in_flight > 0)
		pthread_cond_wait(&f.wake, &f.lock);
	pthread_mutex_unlock(&f.lock);
	return f.failed == 0 ? 0 : -1;
}

struct question {
	const char *filter, *sort, *text;
};

static const struct question questions[] = {
    {"", "id", ""},
    {"", "-lastseen", ""},
    {"", "-version", ""},
    {"", "name", ""},
    {"", "id", "gw-00"},
    {"", "-lastseen", "door 77"},
    {"id==gw-0000007", "id", ""},
    {"attribute.serial==SN-4711", "-lastseen", ""},
    {"attribute.hw==rev3", "-lastseen", ""},
    {"attribute.hw==rev3;version=lt=1.9;lastseen=ge=-24h", "id", ""},
    {"tag==rare", "name", ""},
    {"tag==lab;version=lt=1.3", "version", ""},
    {"site==site-77;tag!=lab", "id", ""},
    {"lastseen=lt=-190h", "id", ""},
    {"state==failed", "id", ""},
    {"deployment.state==failed", "id", ""},
    {"name==*nowhere*", "id", ""},
    {"name==*nowhere*,tag==none,attribute.hw==rev99", "-lastseen", ""},
    {"attribute.none!=*;attribute.serial==*9999", "id", ""},
};

static int64_t ask(struct store *s, const struct question *q, enum store_verb v,
		   struct store_call **ret)
{
	static struct filter f;
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, NULL);
	struct err e = ERR_INIT;
	int64_t from;

	if (c == NULL || filter_parse(q->filter, &f, &e) < 0 ||
	    device_sort_parse(q->sort + (q->sort[0] == '-'), &c->in.select.sort, &e) <
		0)
		abort();
	c->in.select.filter = &f;
	c->in.select.descending = q->sort[0] == '-';
	c->in.select.limit = 50;
	(void)snprintf(c->in.select.text, sizeof(c->in.select.text), "%s", q->text);
	from = clock_mono_ms(&clock_system);
	if (store_wait(s, c, &e) < 0) {
		(void)fprintf(stderr, "%s: %s\n", q->filter, e.text);
		exit(1);
	}
	*ret = c;
	return clock_mono_ms(&clock_system) - from;
}

static void measure(struct store *s, const struct question *q)
{
	int64_t page_ms = INT64_MAX, count_ms = INT64_MAX, ms;
	AUTO_PTR(store_call) struct store_call *page = NULL;
	AUTO_PTR(store_call) struct store_call *count = NULL;

	for (int i = 0; i < RUNS; i++) {
		store_call_free(page);
		ms = ask(s, q, STORE_DEVICE_SELECT, &page);
		page_ms = ms < page_ms ? ms : page_ms;
		store_call_free(count);
		ms = ask(s, q, STORE_DEVICE_COUNT, &count);
		count_ms = ms < count_ms ? ms : count_ms;
	}
	(void)printf("%6" PRId64 " ms %3zu%s   %6" PRId64 " ms %6" PRIu64
		     "%s   %s %s %s\n",
		     page_ms, page->n_items, page->more ? "+" : " ", count_ms,
		     count->out.count.n, count->out.count.exact ? " " : "+", q->sort,
		     q->text, q->filter);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint64_t n = 100000;
	struct store *s;
	bool is_new;

	if (argc < 2 || (argc > 2 && parse_u64(argv[2], &n, &e) < 0)) {
		(void)fprintf(stderr, "usage: lists DATABASE [DEVICES]\n");
		return 2;
	}
	is_new = access(argv[1], F_OK) != 0;
	s = store_sqlite_open(argv[1], NULL, &e);
	if (s == NULL || (is_new && fill(s, (unsigned)n) < 0)) {
		(void)fprintf(stderr, "lists: %s\n", e.text);
		return 1;
	}
	(void)printf(
	    "first page, devices     count             sort, search, filter\n");
	for (size_t i = 0; i < N_ELEMS(questions); i++)
		measure(s, &questions[i]);
	store_close(s);
	return 0;
}
