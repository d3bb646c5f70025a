/* SPDX-License-Identifier: Apache-2.0 */
#include "deltas.h"

#include "../../common/base/text.h"
#include "../release/publish.h"
#include "maker.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_SPARE_MS 60000

struct deltas {
	struct job job; /* first; under way if busy */
	struct deltas_config c;
	char program[PATH_MAX];
	struct worker *worker;
	struct loop_timer *timer;
	bool busy, again; /* the loop's */
	atomic_bool stopping;
};

/* One that is being made. */
struct making {
	struct deltas *d;
	struct home *home;
	struct fleet_delta delta;
	struct release from, to;
	char head[PATH_MAX], body[PATH_MAX]; /* where the maker puts it */
};

/* ------------------------------------------------------------------ what is wanted */

static struct store_call *new_call(enum store_verb v, struct err *e)
{
	return store_call_new(v, NULL, NULL, NULL, e);
}

static int plan(struct home *h, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *pairs = new_call(STORE_DELTA_PAIRS, e);
	AUTO_PTR(store_call) struct store_call *add = new_call(STORE_DELTA_ADD, e);
	void *items;

	if (pairs == NULL || add == NULL || store_wait(h->store, pairs, e) < 0)
		return -1;
	if (pairs->n_items == 0)
		return 0;
	items = store_call_items(add, pairs->n_items, sizeof(struct delta_pair), e);
	if (items == NULL)
		return -1;
	memcpy(items, pairs->items, pairs->n_items * sizeof(struct delta_pair));
	return store_wait(h->store, add, e);
}

static int load_release(struct home *h, const char *id, struct release *ret,
			struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = new_call(STORE_RELEASE_GET, e);

	if (c == NULL)
		return -1;
	(void)snprintf(c->in.release_id, sizeof(c->in.release_id), "%s", id);
	if (store_wait(h->store, c, e) < 0)
		return -1;
	*ret = c->out.release;
	return 0;
}

/* 1: m->delta is to be made; 0: there is none. */
static int take(struct making *m, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = new_call(STORE_DELTA_TAKE, e);
	struct err why = ERR_INIT;

	if (c == NULL)
		return -1;
	c->in.delta_lease_ms = (int64_t)m->d->c.max_ms + LEASE_SPARE_MS;
	if (store_wait(m->home->store, c, &why) < 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		*e = why;
		return -1;
	}
	m->delta = c->out.delta;
	if (load_release(m->home, m->delta.from, &m->from, e) < 0 ||
	    load_release(m->home, m->delta.to, &m->to, e) < 0)
		return -1;
	return 1;
}

/* ------------------------------------------------------------------ making */

static int empty_directory(const char *path, struct err *e)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int result = 0;

	if (dir == NULL)
		return err_sys(e, "%s", path);
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' &&
		    (entry->d_name[1] == '\0' || strcmp(entry->d_name, "..") == 0))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			result = err_sys(e, "%s/%s", path, entry->d_name);
	}
	(void)closedir(dir);
	return result;
}

static bool goes_on(void *ctx)
{
	const struct making *m = ctx;
	struct release r;

	if (atomic_load(&m->d->stopping))
		return false;
	/* A store that does not answer is no reason to throw work away. */
	return load_release(m->home, m->delta.to, &r, NULL) < 0 || r.withdrawn_at == 0;
}

/* The same images by name, in the same order. */
static int check_images(const struct making *m, struct err *e)
{
	if (m->from.n_images != m->to.n_images)
		return err_set(e, ERR_UNSUPPORTED, "%zu images become %zu",
			       m->from.n_images, m->to.n_images);
	for (size_t i = 0; i < m->to.n_images; i++) {
		if (strcmp(m->from.images[i].name, m->to.images[i].name) != 0)
			return err_set(e, ERR_UNSUPPORTED, "image %s becomes %s",
				       m->from.images[i].name, m->to.images[i].name);
	}
	return 0;
}

static int make(struct making *m, struct err *e)
{
	const struct artifacts *a = m->home->artifacts;
	const struct deltas_config *c = &m->d->c;
	char paths[4][PATH_MAX];
	const struct maker_job job = {
	    .program = c->program,
	    .old_head = paths[0],
	    .old_body = paths[1],
	    .new_head = paths[2],
	    .new_body = paths[3],
	    .head = m->head,
	    .body = m->body,
	    .unwrap = m->delta.unwraps,
	    .max_memory = c->max_memory,
	    .max_ms = c->max_ms,
	    .goes_on = goes_on,
	    .ctx = m,
	};

	if (check_images(m, e) < 0 || empty_directory(m->home->scratch, e) < 0 ||
	    artifacts_check_space(a, m->delta.full_size, e) < 0 ||
	    artifacts_path(a, m->from.head_sha256, paths[0], e) < 0 ||
	    artifacts_path(a, m->from.body_sha256, paths[1], e) < 0 ||
	    artifacts_path(a, m->to.head_sha256, paths[2], e) < 0 ||
	    artifacts_path(a, m->to.body_sha256, paths[3], e) < 0)
		return -1;
	return maker_make(&job, m->delta.needs, &m->delta.cpu_ms, e);
}

/* ------------------------------------------------------------------ keeping it */

static int end(struct making *m, enum delta_progress state, const char *detail,
	       struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = new_call(STORE_DELTA_END, e);

	if (c == NULL)
		return -1;
	m->delta.state = state;
	(void)snprintf(m->delta.detail, sizeof(m->delta.detail), "%.*s",
		       (int)sizeof(m->delta.detail) - 1, detail);
	c->in.delta = m->delta;
	store_call_event(c, EVENT_RELEASE, NULL, 0, m->delta.to);
	return store_wait(m->home->store, c, e);
}

static int adopt(struct making *m, const char *path, uint8_t ret_sha256[SHA256_LEN],
		 struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = new_call(STORE_ARTIFACT_PUT, e);

	if (c == NULL ||
	    artifacts_adopt(m->home->artifacts, path, &c->in.artifact, e) < 0 ||
	    store_wait(m->home->store, c, e) < 0)
		return -1;
	memcpy(ret_sha256, c->in.artifact.sha256, SHA256_LEN);
	return 0;
}

static int size_of(const char *path, uint64_t *ret, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "%s", path);
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int keep_files(struct making *m, struct err *e)
{
	if (adopt(m, m->head, m->delta.head_sha256, e) < 0 ||
	    adopt(m, m->body, m->delta.body_sha256, e) < 0)
		return -1;
	return end(m, DELTA_MADE, "", e);
}

static int keep(struct making *m, struct err *e)
{
	char made[32], full[32], text[96];
	uint64_t size;
	int result;

	if (size_of(m->head, &m->delta.head_size, e) < 0 ||
	    size_of(m->body, &m->delta.body_size, e) < 0)
		return -1;
	size = m->delta.head_size + m->delta.body_size;
	if (size > m->delta.full_size / 100 * m->d->c.max_percent) {
		size_format(size, made, sizeof(made));
		size_format(m->delta.full_size, full, sizeof(full));
		(void)snprintf(text, sizeof(text), "%s instead of %s", made, full);
		return end(m, DELTA_USELESS, text, e);
	}
	artifacts_enter(m->home->artifacts);
	result = keep_files(m, e);
	artifacts_leave(m->home->artifacts);
	return result;
}

/* Not its fault: somebody tries again. */
static bool is_passing(enum err_code code)
{
	return code == ERR_CANCELLED || code == ERR_NO_SPACE || code == ERR_BUSY;
}

static void tell_made(const struct making *m)
{
	log_info(m->d->c.log, "delta", delta_progress_name(m->delta.state), "tenant",
		 m->home->tenant, "product", m->delta.product, "from",
		 m->delta.from_version, "to", m->delta.to_version, "detail",
		 m->delta.detail, NULL);
}

static int make_and_keep(struct making *m, struct err *e)
{
	struct err why = ERR_INIT;

	if (make(m, &why) == 0) {
		if (keep(m, e) < 0)
			return -1;
		tell_made(m);
		return 0;
	}
	if (is_passing(why.code)) {
		if (end(m, DELTA_WANTED, "", e) < 0)
			return -1;
		*e = why;
		return -1;
	}
	if (end(m, why.code == ERR_UNSUPPORTED ? DELTA_USELESS : DELTA_FAILED, why.text,
		e) < 0)
		return -1;
	tell_made(m);
	return 0;
}

/* ------------------------------------------------------------------ publishing */

struct publishing {
	const struct log *log;
	sem_t done;
};

/* In the publisher's thread. */
static void published(void *ctx, const struct release *r, const struct err *e)
{
	struct publishing *p = ctx;

	(void)r;
	if (e->code != ERR_NONE)
		log_failure(p->log, LOG_WARN, "delta", "deltas wait", e);
	(void)sem_post(&p->done);
}

/* Waits, so that nothing is under way when deltas_free() returns. */
static void publish(const struct deltas *d, struct home *h)
{
	struct publishing p = {.log = d->c.log};

	if (sem_init(&p.done, 0, 0) < 0)
		return;
	publisher_deltas(h->publisher, NULL, published, &p);
	while (sem_wait(&p.done) < 0 && errno == EINTR)
		;
	(void)sem_destroy(&p.done);
}

/* ------------------------------------------------------------------ a look */

struct look {
	struct deltas *d;
	bool worked; /* there may be more to do */
};

static int look_at_home(void *ctx, struct home *h)
{
	struct look *l = ctx;
	AUTO_FREE struct making *m = calloc(1, sizeof(*m));
	struct err e = ERR_INIT;
	int found;

	if (m == NULL || atomic_load(&l->d->stopping))
		return -1;
	*m = (struct making){.d = l->d, .home = h};
	if (text_format(m->head, sizeof(m->head), &e, "%s/head", h->scratch) < 0 ||
	    text_format(m->body, sizeof(m->body), &e, "%s/body", h->scratch) < 0 ||
	    plan(h, &e) < 0 || (found = take(m, &e)) < 0 ||
	    (found > 0 && make_and_keep(m, &e) < 0)) {
		if (e.code != ERR_CANCELLED)
			log_failure(l->d->c.log, LOG_WARN, "delta", "make a delta", &e);
		return 0;
	}
	l->worked = l->worked || found > 0;
	publish(l->d, h);
	return 0;
}

/* One of each tenant in turn, until nobody has any. */
static void look(struct job *j)
{
	struct deltas *d = (struct deltas *)j;
	struct look l = {.d = d, .worked = true};

	while (l.worked) {
		l.worked = false;
		(void)homes_each(d->c.homes, look_at_home, &l);
	}
}

static void begin(struct deltas *d);

static void looked(struct job *j)
{
	struct deltas *d = (struct deltas *)j;

	d->busy = false;
	if (d->again)
		begin(d);
	else
		loop_timer_set(d->timer, (int64_t)d->c.every_ms);
}

static void begin(struct deltas *d)
{
	d->again = d->busy;
	if (d->busy)
		return;
	d->busy = true;
	d->job = (struct job){.run = look, .done = looked, .loop = d->c.loop};
	worker_submit(d->worker, &d->job);
}

static void on_timer(void *ctx)
{
	begin(ctx);
}

/* Without memory the timer finds it. */
void deltas_wake(struct deltas *d)
{
	(void)!loop_wake(d->c.loop, on_timer, d, NULL);
}

/* ------------------------------------------------------------------ life */

struct deltas *deltas_new(const struct deltas_config *c, struct err *e)
{
	AUTO_PTR(deltas) struct deltas *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	d->c = *c;
	d->c.program = d->program;
	atomic_init(&d->stopping, false);
	if (text_copy(d->program, sizeof(d->program), c->program, "program", e) < 0)
		return NULL;
	d->worker = worker_new(1, e);
	if (d->worker == NULL)
		return NULL;
	d->timer = loop_timer_new(c->loop, on_timer, d, e);
	if (d->timer == NULL)
		return NULL;
	loop_timer_set(d->timer, 0);
	return TAKE(d);
}

void deltas_free(struct deltas *d)
{
	if (d == NULL)
		return;
	atomic_store(&d->stopping, true);
	if (d->timer != NULL)
		loop_timer_free(d->timer);
	worker_free(d->worker);
	free(d);
}
