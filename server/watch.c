/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include "../common/base/file.h"
#include "../common/crypto/x509.h"
#include "../publish/repo/repo.h"
#include "release/worker.h"
#include "rollout/tally.h"
#include "rollout/view.h"
#include "signer/signer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define WATCH_MAX_TENANTS 256u
/* Series of one family and tenant; what is beyond is left out, and said so. */
#define MAX_VERSIONS 2000u
#define MAX_ROLLOUTS 100u
#define TEXT_MAX ((size_t)4 << 20)

/* What was found of one tenant; calls hold their items. NULL: it could not be asked. */
struct found {
	const char *tenant; /* of its home, which lasts */
	struct store_call *versions, *totals, *rollouts;
	struct store_call *active[MAX_ROLLOUTS];
	size_t n_active;
	int64_t expires_at[N_METADATA_ROLES]; /* 0: not published */
	bool signer_answers;
};

struct watch {
	struct job job; /* first */
	struct watch_config c;
	struct loop_timer *timer;
	bool busy; /* the main loop's */

	pthread_mutex_t lock; /* guards text */
	struct buf text;      /* what the last round found, rendered */

	/* the round's */
	struct found found[WATCH_MAX_TENANTS];
	size_t n_found;
	int64_t cert_expires_at;
	struct statvfs disk;
	bool has_disk;
};

/* ---- looking ---- */

static struct store_call *ask(struct watch *w, struct home *h, enum store_verb v,
			      void (*fill)(struct store_call *c, uint64_t id),
			      uint64_t id)
{
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(v, NULL, NULL, NULL, &e);

	if (c == NULL)
		return NULL;
	if (fill != NULL)
		fill(c, id);
	if (store_wait(h->store, c, &e) == 0)
		return TAKE(c);
	if (e.code != ERR_NOT_FOUND)
		log_failure(w->c.log, LOG_WARN, "watch", store_verb_name(v), &e);
	return NULL;
}

static void fill_totals(struct store_call *c, uint64_t ignored)
{
	(void)ignored;
	c->in.watch.seen_since = c->now_ms - DAY_MS;
}

static void fill_rollouts(struct store_call *c, uint64_t ignored)
{
	(void)ignored;
	c->in.page.limit = MAX_ROLLOUTS;
	c->in.page.state = -1;
}

static void fill_rollout(struct store_call *c, uint64_t id)
{
	c->in.rollout_id = id;
}

static void fill_metadata(struct store_call *c, uint64_t role)
{
	c->in.metadata.role = (enum metadata_role)role;
}

static void look_at_roles(struct watch *w, struct home *h, struct found *f)
{
	for (int role = 0; role < N_METADATA_ROLES; role++) {
		AUTO_PTR(store_call)
		struct store_call *c =
		    ask(w, h, STORE_METADATA_GET, fill_metadata, (uint64_t)role);
		uint64_t version;

		if (c != NULL && repo_peek(buf_str(&c->blob), c->blob.len,
					   metadata_role_name((enum metadata_role)role),
					   &version, &f->expires_at[role], NULL) < 0)
			f->expires_at[role] = 0;
	}
}

static void look_at_rollouts(struct watch *w, struct home *h, struct found *f)
{
	const struct rollout *r;

	f->rollouts = ask(w, h, STORE_ROLLOUT_LIST, fill_rollouts, 0);
	r = f->rollouts == NULL ? NULL : f->rollouts->items;
	for (size_t i = 0; r != NULL && i < f->rollouts->n_items; i++) {
		if (r[i].state != ROLLOUT_RUNNING && r[i].state != ROLLOUT_PAUSED)
			continue;
		f->active[f->n_active] =
		    ask(w, h, STORE_ROLLOUT_GET, fill_rollout, r[i].id);
		f->n_active += f->active[f->n_active] != NULL;
	}
}

static int look_at_home(void *ctx, struct home *h)
{
	struct watch *w = ctx;
	struct found *f = &w->found[w->n_found];

	if (w->n_found == WATCH_MAX_TENANTS)
		return 1;
	w->n_found++;
	*f = (struct found){.tenant = h->tenant};
	f->versions = ask(w, h, STORE_VERSION_COUNTS, NULL, 0);
	f->totals = ask(w, h, STORE_WATCH_TOTALS, fill_totals, 0);
	look_at_rollouts(w, h, f);
	look_at_roles(w, h, f);
	f->signer_answers = signer_ping(h->signer, NULL) == 0;
	return 0;
}

static void look_at_machine(struct watch *w)
{
	AUTO(buf) struct buf pem = BUF_INIT((size_t)1 << 20);
	int64_t begins;

	if (file_read(w->c.certificate, &pem, NULL) < 0 ||
	    x509_validity(buf_str(&pem), &begins, &w->cert_expires_at, NULL) < 0)
		w->cert_expires_at = 0;
	w->has_disk = statvfs(w->c.root, &w->disk) == 0;
}

static void forget(struct watch *w)
{
	for (size_t i = 0; i < w->n_found; i++) {
		struct found *f = &w->found[i];

		store_call_free(f->versions);
		store_call_free(f->totals);
		store_call_free(f->rollouts);
		for (size_t k = 0; k < f->n_active; k++)
			store_call_free(f->active[k]);
	}
	w->n_found = 0;
}

/* ---- telling: a family after the other, each for all tenants ---- */

static void tell_versions(struct metrics_text *t, const struct found *f)
{
	const struct version_count *v = f->versions->items;

	for (size_t i = 0; i < f->versions->n_items && i < MAX_VERSIONS; i++) {
		const char *const labels[][2] = {
		    {"tenant", f->tenant},
		    {"product", v[i].product},
		    {"version", v[i].version},
		    {"grade", grade_name(v[i].grade)},
		    {"state", device_state_name(v[i].state)},
		};

		metrics_sample(t, (double)v[i].n_devices, N_ELEMS(labels), labels);
	}
}

static void tell_fleet(struct metrics_text *t, const struct watch *w)
{
	metrics_family(t, "ota_fleet_devices", METRIC_GAUGE,
		       "Devices by what they run, who says so and how they are.");
	for (size_t i = 0; i < w->n_found; i++) {
		if (w->found[i].versions != NULL)
			tell_versions(t, &w->found[i]);
	}
}

/* One number of each tenant, out of its totals. */
static void tell_total(struct metrics_text *t, const struct watch *w, const char *name,
		       const char *help, size_t offset)
{
	metrics_family(t, name, METRIC_GAUGE, help);
	for (size_t i = 0; i < w->n_found; i++) {
		const struct found *f = &w->found[i];
		const char *const labels[][2] = {{"tenant", f->tenant}};
		uint64_t n;

		if (f->totals == NULL)
			continue;
		memcpy(&n, (const char *)&f->totals->out.watch + offset, sizeof(n));
		metrics_sample(t, (double)n, 1, labels);
	}
}

static void tell_deltas(struct metrics_text *t, const struct watch *w)
{
	metrics_family(t, "ota_deltas", METRIC_GAUGE,
		       "Deltas between releases, by how far they are.");
	for (size_t i = 0; i < w->n_found; i++) {
		const struct found *f = &w->found[i];

		for (int s = 0; f->totals != NULL && s < N_DELTA_PROGRESSES; s++) {
			const char *const labels[][2] = {
			    {"tenant", f->tenant},
			    {"state", delta_progress_name((enum delta_progress)s)}};

			metrics_sample(t, (double)f->totals->out.watch.n_deltas[s],
				       N_ELEMS(labels), labels);
		}
	}
}

static void tell_totals(struct metrics_text *t, const struct watch *w)
{
	tell_total(t, w, "ota_fleet_seen_devices",
		   "Devices that called within the last 24 hours.",
		   offsetof(struct watch_totals, n_seen));
	tell_total(t, w, "ota_fleet_open_deployments",
		   "Deployments that have not ended.",
		   offsetof(struct watch_totals, n_open));
	tell_total(t, w, "ota_artifacts", "Artifacts that are stored.",
		   offsetof(struct watch_totals, n_artifacts));
	tell_total(t, w, "ota_artifacts_bytes", "What the stored artifacts take.",
		   offsetof(struct watch_totals, artifact_bytes));
	tell_deltas(t, w);
	tell_total(t, w, "ota_delta_installs",
		   "Installs that came by a delta and were proven.",
		   offsetof(struct watch_totals, n_by_delta));
	tell_total(t, w, "ota_delta_saved_bytes",
		   "What these did not fetch, against as many full payloads.",
		   offsetof(struct watch_totals, saved_bytes));
}

static void tell_states(struct metrics_text *t, const struct found *f)
{
	const struct rollout *r = f->rollouts->items;
	uint64_t n[N_ROLLOUT_STATES] = {0};

	for (size_t i = 0; i < f->rollouts->n_items; i++) {
		if (r[i].state >= 0 && r[i].state < N_ROLLOUT_STATES)
			n[r[i].state]++;
	}
	for (int s = 0; s < N_ROLLOUT_STATES; s++) {
		const char *const labels[][2] = {
		    {"tenant", f->tenant},
		    {"state", rollout_state_name((enum rollout_state)s)}};

		metrics_sample(t, (double)n[s], N_ELEMS(labels), labels);
	}
}

static void tell_members(struct metrics_text *t, const struct found *f,
			 const struct store_call *c)
{
	const struct rollout_wave *waves = c->items;
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)c->out.rollout.id);
	for (int s = 0; s < N_MEMBER_STATUSES; s++) {
		const char *const labels[][2] = {
		    {"tenant", f->tenant},
		    {"rollout", id},
		    {"status", member_status_name((enum member_status)s)}};
		uint64_t n = 0;

		for (size_t i = 0; i < c->n_items; i++)
			n += waves[i].counts[s];
		metrics_sample(t, (double)n, N_ELEMS(labels), labels);
	}
}

/* The last wave that has begun, from 1; 0: none has. */
static double wave_of(const struct store_call *c)
{
	const struct rollout_wave *waves = c->items;
	double n = 0;

	for (size_t i = 0; i < c->n_items; i++) {
		if (waves[i].started_at != 0)
			n = (double)waves[i].wave + 1;
	}
	return n;
}

static void tell_wave(struct metrics_text *t, const struct found *f,
		      const struct store_call *c)
{
	char id[24];
	const char *const labels[][2] = {
	    {"tenant", f->tenant}, {"rollout", id}, {"name", c->out.rollout.name}};

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)c->out.rollout.id);
	metrics_sample(t, wave_of(c), N_ELEMS(labels), labels);
}

/* What the health gate holds against the release; nothing if the plan has no gate. */
static void tell_gate(struct metrics_text *t, const struct found *f,
		      const struct store_call *c)
{
	const struct freeze none = {.on = false};
	AUTO_PTR(rollout_view)
	struct rollout_view *v = rollout_view_of(c, &none, NULL);
	struct gate_evidence evidence[PLAN_MAX_WAVES];
	struct gate_verdict verdict;
	char id[24];
	const char *const labels[][2] = {{"tenant", f->tenant}, {"rollout", id}};

	if (v == NULL || !v->plan.gate.on)
		return;
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)v->row.id);
	tally_gate(&v->plan, &v->progress, evidence, &verdict);
	metrics_sample(t, gate_e(&verdict), N_ELEMS(labels), labels);
}

static void tell_active(struct metrics_text *t, const struct watch *w,
			void (*tell)(struct metrics_text *t, const struct found *f,
				     const struct store_call *c))
{
	for (size_t i = 0; i < w->n_found; i++) {
		for (size_t k = 0; k < w->found[i].n_active; k++)
			tell(t, &w->found[i], w->found[i].active[k]);
	}
}

static void tell_rollouts(struct metrics_text *t, const struct watch *w)
{
	metrics_family(t, "ota_rollouts", METRIC_GAUGE,
		       "Rollouts by state, of the newest hundred.");
	for (size_t i = 0; i < w->n_found; i++) {
		if (w->found[i].rollouts != NULL)
			tell_states(t, &w->found[i]);
	}
	metrics_family(
	    t, "ota_rollout_members", METRIC_GAUGE,
	    "Devices of each rollout that runs or is paused, by how far they "
	    "are.");
	tell_active(t, w, tell_members);
	metrics_family(t, "ota_rollout_wave", METRIC_GAUGE,
		       "The wave that began last, from 1; 0: none did.");
	tell_active(t, w, tell_wave);
	metrics_family(t, "ota_rollout_gate_e", METRIC_GAUGE,
		       "The e-value of each health gate; at 1 / alpha it pauses its "
		       "rollout.");
	tell_active(t, w, tell_gate);
}

static double seconds_left(const struct watch *w, int64_t expires_at)
{
	return (double)(expires_at - clock_utc_ms(w->c.clock)) / 1000;
}

static void tell_expiry(struct metrics_text *t, const struct watch *w)
{
	metrics_family(t, "ota_role_expires_seconds", METRIC_GAUGE,
		       "Until the metadata of this role expires, as it was looked at "
		       "last.");
	for (size_t i = 0; i < w->n_found; i++) {
		for (int r = 0; r < N_METADATA_ROLES; r++) {
			const struct found *f = &w->found[i];
			const char *const labels[][2] = {
			    {"tenant", f->tenant},
			    {"role", metadata_role_name((enum metadata_role)r)}};

			if (f->expires_at[r] != 0)
				metrics_sample(t, seconds_left(w, f->expires_at[r]),
					       N_ELEMS(labels), labels);
		}
	}
	metrics_family(t, "ota_cert_expires_seconds", METRIC_GAUGE,
		       "Until the certificate that is served expires.");
	if (w->cert_expires_at != 0)
		metrics_sample(t, seconds_left(w, w->cert_expires_at), 0, NULL);
}

static void tell_machine(struct metrics_text *t, const struct watch *w)
{
	double unit = (double)w->disk.f_frsize;

	metrics_family(t, "ota_signer_up", METRIC_GAUGE,
		       "1 where the tenant's signer answers.");
	for (size_t i = 0; i < w->n_found; i++) {
		const char *const labels[][2] = {{"tenant", w->found[i].tenant}};

		metrics_sample(t, w->found[i].signer_answers ? 1 : 0, 1, labels);
	}
	metrics_family(t, "ota_disk_free_bytes", METRIC_GAUGE,
		       "Free on the data directory's file system, for us.");
	if (w->has_disk)
		metrics_sample(t, (double)w->disk.f_bavail * unit, 0, NULL);
	metrics_family(t, "ota_disk_size_bytes", METRIC_GAUGE,
		       "The size of the data directory's file system.");
	if (w->has_disk)
		metrics_sample(t, (double)w->disk.f_blocks * unit, 0, NULL);
	metrics_family(t, "ota_watch_timestamp_seconds", METRIC_GAUGE,
		       "When what is looked up once a minute was looked up last.");
	metrics_sample(t, (double)clock_utc_ms(w->c.clock) / 1000, 0, NULL);
}

static void tell(struct metrics_text *t, void *ctx)
{
	const struct watch *w = ctx;

	tell_fleet(t, w);
	tell_totals(t, w);
	tell_rollouts(t, w);
	tell_expiry(t, w);
	tell_machine(t, w);
}

/* ---- rounds ---- */

static void look(struct job *j)
{
	struct watch *w = (struct watch *)j;
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);
	struct err e = ERR_INIT;

	(void)homes_each(w->c.homes, look_at_home, w);
	look_at_machine(w);
	if (metrics_render(tell, w, &text, &e) < 0) {
		log_failure(w->c.log, LOG_WARN, "watch", "tell what was found", &e);
	} else {
		struct buf old;

		(void)pthread_mutex_lock(&w->lock);
		old = w->text;
		w->text = text;
		text = old;
		(void)pthread_mutex_unlock(&w->lock);
	}
	forget(w);
}

static void looked(struct job *j)
{
	((struct watch *)j)->busy = false;
}

static void on_timer(void *ctx)
{
	struct watch *w = ctx;

	if (!w->busy) {
		w->busy = true;
		w->job = (struct job){.run = look, .done = looked, .loop = w->c.loop};
		worker_submit(w->c.worker, &w->job);
	}
	loop_timer_set(w->timer, (int64_t)w->c.every_ms);
}

static void collect(struct metrics_text *t, void *ctx)
{
	struct watch *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	metrics_append(t, &w->text);
	(void)pthread_mutex_unlock(&w->lock);
}

struct watch *watch_new(const struct watch_config *c, struct err *e)
{
	AUTO_PTR(watch) struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	w->c = *c;
	buf_init(&w->text, TEXT_MAX);
	(void)pthread_mutex_init(&w->lock, NULL);
	w->timer = loop_timer_new(c->loop, on_timer, w, e);
	if (w->timer == NULL)
		return NULL;
	loop_timer_set(w->timer, 0);
	metrics_add_collector(c->metrics, collect, w);
	return TAKE(w);
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	loop_timer_free(w->timer);
	buf_fini(&w->text);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}
