/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include "../../common/json/json.h"
#include "../../common/tuf/trusted.h"
#include "../../common/tuf/verify.h"
#include "../../publish/repo/repo.h"
#include "check.h"
#include "listed.h"
#include "repository.h"
#include "roles.h"
#include "publisher.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000ull
#define LOOK_MIN_MS 1000
#define LOOK_MAX_MS 3600000

/* ------------------------------------------------------------------ storing */

void publish_line_set(struct publication *line, const struct repository *r,
		      enum metadata_role role, uint64_t version, const struct buf *data)
{
	*line = (struct publication){
	    .role = role,
	    .version = version,
	    .expect_version = r->version[role],
	    .data = data->data,
	    .len = data->len,
	};
}

static void note_release(struct store_call *c, const struct audit_actor *by,
			 const struct publication *lines, size_t n,
			 const struct release *r)
{
	char text[DETAIL_MAX_LEN + 1];
	uint64_t targets = 0;

	for (size_t i = 0; i < n; i++)
		targets = lines[i].role == ROLE_TARGETS ? lines[i].version : targets;
	(void)snprintf(text, sizeof(text), "%s %s, security version %u, targets %llu",
		       r->product, r->version, r->security_version,
		       (unsigned long long)targets);
	store_call_audit(c, by, "release.publish", "release", r->id, text);
}

/* A renewal says the same once more: nobody's doing, and nothing to note. */
static void note_publication(struct store_call *c, const struct audit_actor *by,
			     const struct publication *lines, size_t n,
			     const struct release *release)
{
	static const struct audit_actor server = {.kind = AUDIT_SYSTEM};
	char version[24];

	if (by->kind == AUDIT_NONE)
		by = &server;
	if (release != NULL) {
		note_release(c, by, lines, n, release);
	} else if (lines[0].role == ROLE_ROOT || lines[0].role == ROLE_TARGETS) {
		bool root = lines[0].role == ROLE_ROOT;

		(void)snprintf(version, sizeof(version), "%llu",
			       (unsigned long long)lines[0].version);
		store_call_audit(c, by, root ? "root.publish" : "targets.publish",
				 root ? "root" : "targets", version, NULL);
	}
}

/* All lines, and release if it is not NULL, or nothing. */
int publish_store(struct publisher *p, const struct publication *lines, size_t n,
		  const struct release *release, uint64_t n_withdrawn,
		  const struct roles_made *roles, const struct audit_actor *by,
		  struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c =
	    store_call_new(STORE_METADATA_PUBLISH, NULL, NULL, NULL, e);
	void *items = c == NULL ? NULL : store_call_items(c, n, sizeof(*lines), e);

	if (items == NULL)
		return -1;
	memcpy(items, lines, n * sizeof(*lines));
	c->in.publish.n_withdrawn = n_withdrawn;
	if (roles != NULL) {
		c->in.publish.roles = roles->rows;
		c->in.publish.n_roles = roles->n_rows;
		c->in.publish.deltas = roles->deltas;
		c->in.publish.n_deltas = roles->n_deltas;
	}
	if (release != NULL) {
		c->in.publish.has_release = true;
		c->in.publish.release = *release;
		store_call_event(c, EVENT_RELEASE, NULL, 0, release->id);
	}
	note_publication(c, by, lines, n, release);
	return store_wait(p->c.store, c, e);
}

/* ------------------------------------------------------------------ roots */

static bool role_has(const struct tuf_role *role, const struct pubkey *key)
{
	for (size_t i = 0; i < role->n_keys; i++) {
		if (role->keys[i]->key != NULL && pubkey_equal(role->keys[i]->key, key))
			return true;
	}
	return false;
}

/* What we sign must count: one signature, by the key that our signer has. */
static int check_own_keys(const struct publisher *p, const struct tuf_root *root,
			  struct err *e)
{
	const struct tuf_role *snapshot = &root->roles[TUF_SNAPSHOT];
	const struct tuf_role *timestamp = &root->roles[TUF_TIMESTAMP];

	if (!role_has(snapshot, signer_snapshot_key(p->c.signer)) ||
	    !role_has(timestamp, signer_timestamp_key(p->c.signer)))
		return err_set(e, ERR_INCOMPATIBLE,
			       "root: it does not name this server's own keys for "
			       "snapshot and timestamp (ota keys init asks for them)");
	if (snapshot->threshold != 1 || timestamp->threshold != 1)
		return err_set(e, ERR_INCOMPATIBLE,
			       "root: snapshot and timestamp need a threshold of 1");
	return 0;
}

/* The mark is under the root's own signature (publish/repo/repo.h). */
static int check_demo_mark(const struct publisher *p, const struct buf *root,
			   struct err *e)
{
	AUTO_PTR(json)
	struct json *envelope = json_parse_strict(root->data, root->len, e);
	bool demo = false;

	if (envelope == NULL ||
	    json_opt_bool(json_get(envelope, "signed"), "x-ota-demo", &demo, e) != 0)
		return err_wrap(e, "root");
	if (demo && !p->c.demo)
		return err_set(
		    e, ERR_UNTRUSTED,
		    "root: made of demo keys, which are refused outside demo "
		    "mode");
	return 0;
}

/* Adds the root to r if a device that trusts r's last one follows it. */
static int next_root(struct publisher *p, struct repository *r,
		     const uint8_t digest[SHA256_LEN], struct publication *line,
		     struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(TUF_ROOT_MAX_BYTES);
	AUTO(shelf) struct shelf device = {0};
	AUTO_PTR(tuf_root) struct tuf_root *root = NULL;
	int64_t now_ms = clock_utc_ms(p->c.clock);

	if (artifacts_read(p->c.artifacts, digest, &bytes, e) != 0)
		return err_wrap(e, "root");
	root = tuf_root_verify_self(bytes.data, bytes.len, e);
	if (root == NULL || check_own_keys(p, root, e) != 0 ||
	    check_demo_mark(p, &bytes, e) != 0)
		return -1;
	if (r->n_roots == 0) {
		if (root->common.version != 1)
			return err_set(
			    e, ERR_UNTRUSTED,
			    "root: the first one must be version 1, not %llu",
			    (unsigned long long)root->common.version);
		if (root->common.expires_utc_ms <= now_ms)
			return err_set(e, ERR_EXPIRED, "root: it has expired");
	} else if (device_make(&device, r, e) != 0) {
		return -1;
	}
	for (size_t i = 1; i < r->n_roots; i++) {
		/* Those in between may have expired long ago; that ends nothing. */
		struct err why = ERR_INIT;

		if (device_follow(&device, &r->roots[i], now_ms, &why) != 0 &&
		    why.code != ERR_EXPIRED) {
			if (e != NULL)
				*e = why;
			return err_wrap(e, "published root %zu", i + 1);
		}
	}
	if (r->n_roots > 0 && device_follow(&device, &bytes, now_ms, e) != 0)
		return -1;
	if (repository_add_root(r, &bytes, e) != 0)
		return -1;
	publish_line_set(line, r, ROLE_ROOT, root->common.version, repository_root(r));
	return 0;
}

static int act_root(struct publish_job *j, struct err *e)
{
	AUTO(repository) struct repository r = {0};
	AUTO(buf) struct buf bytes = BUF_INIT(TUF_ROOT_MAX_BYTES);
	struct publication line;

	if (repository_load(j->p->c.store, &r, e) != 0)
		return -1;
	if (r.n_roots > 0 &&
	    artifacts_read(j->p->c.artifacts, j->request.root, &bytes, NULL) == 0 &&
	    bytes.len == repository_root(&r)->len &&
	    memcmp(bytes.data, repository_root(&r)->data, bytes.len) == 0)
		return 0; /* once more the same */
	if (next_root(j->p, &r, j->request.root, &line, e) != 0)
		return -1;
	if (publish_store(j->p, &line, 1, NULL, 0, NULL, &j->request.by, e) != 0)
		return -1;
	log_info(j->p->c.log, "release", "root published", NULL);
	return 0;
}

/* ------------------------------------------------------------------ releases */

/* The release must be in them, as it is. What a delegated role has is found by the
 * device. */
static int check_listed(const struct publish_job *j, const struct material *m,
			const struct tuf_targets *t, struct err *e)
{
	const struct tuf_target_line *line = tuf_targets_find(t, m->name);

	for (size_t i = 0; line == NULL && i < t->n_delegations; i++) {
		if (tuf_delegation_matches(&t->delegations[i], m->name))
			return 0;
	}
	if (line == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s is not listed", m->name);
	if (line->length != m->manifest_bytes.len ||
	    memcmp(line->sha256, j->request.manifest, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "%s is listed with other content",
			       m->name);
	return 0;
}

static int check_lines(struct publish_job *j, const struct repository *r,
		       const struct material *m, struct tuf_envelope *env,
		       int64_t now_ms, struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *t = tuf_targets_parse(env, e);
	AUTO_PTR(store_call) struct store_call *withdrawn = NULL;

	steps_begin(j->request.steps, STEP_LIST);
	if (t == NULL)
		return -1;
	if (t->common.expires_utc_ms <= now_ms)
		return err_set(e, ERR_EXPIRED, "they have expired");
	withdrawn = listed_read_withdrawn(j->p->c.store, e);
	if (withdrawn == NULL || listed_check_withdrawn(withdrawn, t, e) != 0)
		return -1;
	j->n_withdrawn = withdrawn->n_items;
	return j->alone ? listed_check_kept(withdrawn, r, t, e)
			: check_listed(j, m, t, e);
}

/* Before the signer is asked, which never goes back behind what it has signed: would
 * devices take these targets at all? */
static int check_targets(struct publish_job *j, const struct repository *r,
			 const struct material *m, int64_t now_ms,
			 uint64_t *ret_version, struct err *e)
{
	const struct buf *targets = &m->targets;
	const struct buf *root_bytes = repository_root(r);
	AUTO_PTR(tuf_root) struct tuf_root *root = NULL;
	struct tuf_envelope env = {0};
	int64_t expires = 0;
	int result;

	steps_begin(j->request.steps, STEP_SIGNATURES);
	root = tuf_root_verify_self(root_bytes->data, root_bytes->len, e);
	if (root == NULL ||
	    repo_peek(targets->data, targets->len, "targets", ret_version, &expires,
		      e) != 0 ||
	    tuf_envelope_parse(targets->data, targets->len, &env, e) != 0)
		return err_wrap(e, "targets");
	result = tuf_verify(&env, &root->roles[TUF_TARGETS], e);
	if (result == 0) {
		steps_pass_signed(j->request.steps, &env, &root->roles[TUF_TARGETS],
				  root->common.version);
		result = check_lines(j, r, m, &env, now_ms, e);
	}
	tuf_envelope_fini(&env);
	if (result != 0)
		return err_wrap(e, "targets");
	if (*ret_version <= r->version[ROLE_TARGETS])
		return err_set(
		    e, ERR_ROLLBACK,
		    "targets: version %llu where %llu is published: draft from "
		    "the published one and sign again",
		    (unsigned long long)*ret_version,
		    (unsigned long long)r->version[ROLE_TARGETS]);
	return 0;
}

/* Devices have seen what was published before a restore and go back behind nothing. */
static int check_floor(const struct publisher *p, uint64_t version, struct err *e)
{
	uint64_t floor = p->c.targets_floor == NULL
			     ? 0
			     : p->c.targets_floor(p->c.floor_ctx, p->c.tenant);

	if (version >= floor)
		return 0;
	return err_set(
	    e, ERR_ROLLBACK,
	    "targets: version %llu, and the last audit checkpoint names %llu: "
	    "push the release that was published last before this one",
	    (unsigned long long)version, (unsigned long long)floor);
}

int publish_sign(struct publisher *p, const struct repository *r,
		 const struct buf *targets, struct signer_answer *ret, struct err *e)
{
	AUTO_FREE struct repo_file *roles = NULL;
	struct signer_ask ask = {
	    .targets = targets->data,
	    .targets_len = targets->len,
	    .snapshot_floor = r->version[ROLE_SNAPSHOT],
	    .timestamp_floor = r->version[ROLE_TIMESTAMP],
	    .snapshot_life_ms = p->c.snapshot_life_ms,
	    .timestamp_life_ms = p->c.timestamp_life_ms,
	};

	if (roles_describe(r, &roles, e) != 0)
		return -1;
	ask.roles = roles;
	ask.n_roles = r->n_roles;
	return signer_sign(p->c.signer, &ask, ret, e);
}

/* A device that trusts what is published now; nothing published yet: one fresh from the
 * factory. That what is published has expired (a server that was off) must not keep us
 * from mending it. */
int publish_device_of_now(struct shelf *s, const struct repository *r, int64_t now_ms,
			  struct err *e)
{
	struct err why = ERR_INIT;

	if (device_make(s, r, e) != 0)
		return -1;
	if (r->timestamp.len > 0 &&
	    device_refresh(s, r, now_ms, NULL, NULL, &why) != 0 &&
	    why.code != ERR_EXPIRED) {
		if (e != NULL)
			*e = why;
		return err_wrap(e, "what is published now");
	}
	return 0;
}

static void swap_in(struct buf *into, struct buf *from)
{
	struct buf old = *into;

	*into = *from;
	*from = old;
}

static int follow_root(struct publish_job *j, struct repository *r,
		       struct publication *line, struct err *e)
{
	steps_begin(j->request.steps, STEP_ROOT);
	if (next_root(j->p, r, j->request.root, line, e) != 0)
		return -1;
	steps_pass(j->request.steps, "version %llu follows",
		   (unsigned long long)line->version);
	return 0;
}

static int publish_checked(struct publish_job *j, struct repository *r,
			   struct material *m, struct err *e)
{
	struct publisher *p = j->p;
	struct publish_steps *steps = j->request.steps;
	AUTO(signer_answer) struct signer_answer made = {0};
	AUTO(shelf) struct shelf device = {0};
	struct publication lines[4];
	size_t n = 0;
	uint64_t version = 0;
	int64_t now_ms = clock_utc_ms(p->c.clock);

	if (r->n_roots > 0 && publish_device_of_now(&device, r, now_ms, e) != 0)
		return -1;
	if (j->request.has_root && follow_root(j, r, &lines[n++], e) != 0)
		return -1;
	if (r->n_roots == 0)
		return err_set(
		    e, ERR_UNTRUSTED,
		    "there is no root yet: push the first one before a release");
	if (device.n_items == 0 && device_make(&device, r, e) != 0)
		return -1;
	if (check_targets(j, r, m, now_ms, &version, e) != 0 ||
	    check_floor(p, version, e) != 0)
		return -1;
	steps_pass(steps,
		   "version %llu, after %llu; it names this manifest by its hash, "
		   "and no release that was withdrawn",
		   (unsigned long long)version,
		   (unsigned long long)r->version[ROLE_TARGETS]);
	steps_begin(steps, STEP_SIGN);
	if (publish_sign(p, r, &m->targets, &made, e) != 0)
		return -1;
	steps_pass(steps, "snapshot version %llu, timestamp version %llu",
		   (unsigned long long)made.snapshot_version,
		   (unsigned long long)made.timestamp_version);
	publish_line_set(&lines[n++], r, ROLE_TARGETS, version, &m->targets);
	publish_line_set(&lines[n++], r, ROLE_SNAPSHOT, made.snapshot_version,
			 &made.snapshot);
	publish_line_set(&lines[n++], r, ROLE_TIMESTAMP, made.timestamp_version,
			 &made.timestamp);
	r->version[ROLE_TARGETS] = version;
	r->version[ROLE_SNAPSHOT] = made.snapshot_version;
	r->version[ROLE_TIMESTAMP] = made.timestamp_version;
	/* The lines' bytes stay where they are; only who owns them changes. */
	swap_in(&r->targets, &m->targets);
	swap_in(&r->snapshot, &made.snapshot);
	swap_in(&r->timestamp, &made.timestamp);
	steps_begin(steps, STEP_DEVICE);
	if (device_refresh(&device, r, now_ms, j->alone ? NULL : m->name,
			   &m->manifest_bytes, e) != 0)
		return err_wrap(e, "as a device sees it");
	steps_pass(steps,
		   "a device that trusts what was published before finds and takes it");
	steps_begin(steps, STEP_STORE);
	if (!j->alone)
		j->release = material_release(m, &j->request, now_ms);
	if (publish_store(p, lines, n, j->alone ? NULL : &j->release, j->n_withdrawn,
			  NULL, &j->request.by, e) != 0)
		return -1;
	steps_pass(steps, "published");
	return 0;
}

static bool is_published(const struct repository *r, const struct buf *targets)
{
	return r->targets.len == targets->len && targets->len > 0 &&
	       memcmp(r->targets.data, targets->data, targets->len) == 0;
}

/* An answer may have been lost: the same once more is answered as before. 1: it is
 * that. */
static int published_before(struct publish_job *j, const struct repository *r,
			    const struct material *m, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = NULL;
	const struct release made = material_release(m, &j->request, 0);

	if (!is_published(r, &m->targets))
		return 0;
	c = store_call_new(STORE_RELEASE_GET, NULL, NULL, NULL, e);
	if (c == NULL)
		return -1;
	memcpy(c->in.release_id, made.id, sizeof(made.id));
	if (store_wait(j->p->c.store, c, e) != 0)
		return -1;
	j->release = c->out.release;
	j->has_release = true;
	return 1;
}

static int act_release(struct publish_job *j, struct err *e)
{
	int before;
	AUTO(repository) struct repository r = {0};
	AUTO(material) struct material m = {0};

	if (material_check(j->p->c.artifacts, &j->request, &m, e) != 0 ||
	    repository_load(j->p->c.store, &r, e) != 0)
		return err_wrap(e, "publish");
	before = published_before(j, &r, &m, e);
	if (before > 0) {
		steps_begin(j->request.steps, STEP_STORE);
		steps_pass(j->request.steps, "it was published before");
		return 0;
	}
	if (before < 0 || publish_checked(j, &r, &m, e) != 0)
		return err_wrap(e, "publish");
	j->has_release = true;
	log_info(j->p->c.log, "release", "published", "release", j->release.id,
		 "product", j->release.product, "version", j->release.version, NULL);
	return 0;
}

static int act_targets(struct publish_job *j, struct err *e)
{
	AUTO(repository) struct repository r = {0};
	AUTO(material)
	struct material m = {.targets = BUF_INIT(TUF_TARGETS_MAX_BYTES)};

	j->alone = true;
	if (artifacts_read(j->p->c.artifacts, j->request.targets, &m.targets, e) != 0 ||
	    repository_load(j->p->c.store, &r, e) != 0)
		return err_wrap(e, "publish targets");
	if (is_published(&r, &m.targets))
		return 0; /* once more the same */
	if (publish_checked(j, &r, &m, e) != 0)
		return err_wrap(e, "publish targets");
	log_info(j->p->c.log, "release", "targets published", NULL);
	return 0;
}

/* ------------------------------------------------------------------ jobs */

static void job_run(struct job *job)
{
	struct publish_job *j = (struct publish_job *)job;

	(void)!j->act(j, &j->err);
}

static void job_done(struct job *job)
{
	struct publish_job *j = (struct publish_job *)job;

	j->done(j->ctx, j->has_release ? &j->release : NULL, &j->err);
	free(j);
}

static struct publish_job *job_new(struct publisher *p, struct loop *l,
				   int (*act)(struct publish_job *, struct err *),
				   publish_done *done, void *ctx)
{
	struct publish_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		const struct err e = {.code = ERR_NO_MEMORY, .text = "out of memory"};

		done(ctx, NULL, &e);
		return NULL;
	}
	j->job = (struct job){.run = job_run, .done = job_done, .loop = l};
	j->p = p;
	j->act = act;
	j->done = done;
	j->ctx = ctx;
	return j;
}

void publisher_release(struct publisher *p, struct loop *l,
		       const struct publish_request *q, publish_done *done, void *ctx)
{
	struct publish_job *j = job_new(p, l, act_release, done, ctx);

	if (j == NULL)
		return;
	j->request = *q;
	worker_submit(p->worker, &j->job);
}

void publisher_root(struct publisher *p, struct loop *l, const uint8_t root[SHA256_LEN],
		    const struct audit_actor *by, publish_done *done, void *ctx)
{
	struct publish_job *j = job_new(p, l, act_root, done, ctx);

	if (j == NULL)
		return;
	memcpy(j->request.root, root, SHA256_LEN);
	j->request.by = *by;
	worker_submit(p->worker, &j->job);
}

void publisher_targets(struct publisher *p, struct loop *l,
		       const uint8_t targets[SHA256_LEN], const struct audit_actor *by,
		       publish_done *done, void *ctx)
{
	struct publish_job *j = job_new(p, l, act_targets, done, ctx);

	if (j == NULL)
		return;
	memcpy(j->request.targets, targets, SHA256_LEN);
	j->request.by = *by;
	worker_submit(p->worker, &j->job);
}

void publisher_renew(struct publisher *p, struct loop *l, publish_done *done, void *ctx)
{
	struct publish_job *j = job_new(p, l, publish_act_renew, done, ctx);

	if (j != NULL)
		worker_submit(p->worker, &j->job);
}

void publisher_deltas(struct publisher *p, struct loop *l, publish_done *done,
		      void *ctx)
{
	struct publish_job *j = job_new(p, l, publish_act_deltas, done, ctx);

	if (j != NULL)
		worker_submit(p->worker, &j->job);
}

/* In the worker's thread. */
static void on_renewed(void *ctx, const struct release *r, const struct err *e)
{
	struct publisher *p = ctx;

	(void)r;
	if (e->code != ERR_NONE)
		log_failure(p->c.log, LOG_WARN, "release", "renewal", e);
	atomic_store(&p->renewing, false);
}

static void on_timer(void *ctx)
{
	struct publisher *p = ctx;
	int64_t after = (int64_t)(p->c.timestamp_life_ms / 16);

	if (after < LOOK_MIN_MS)
		after = LOOK_MIN_MS;
	loop_timer_set(p->timer, after > LOOK_MAX_MS ? LOOK_MAX_MS : after);
	if (!atomic_exchange(&p->renewing, true))
		publisher_renew(p, NULL, on_renewed, p);
}

/* ------------------------------------------------------------------ life */

struct publisher *publisher_new(const struct publisher_config *c, struct err *e)
{
	AUTO_PTR(publisher) struct publisher *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	p->c = *c;
	if (p->c.timestamp_life_ms == 0)
		p->c.timestamp_life_ms = 7 * DAY_MS;
	if (p->c.snapshot_life_ms == 0)
		p->c.snapshot_life_ms = 30 * DAY_MS;
	atomic_init(&p->renewing, false);
	atomic_init(&p->anew, c->renew_at_start);
	p->worker = worker_new(1, e);
	if (p->worker == NULL)
		return NULL;
	p->timer = loop_timer_new(c->loop, on_timer, p, e);
	if (p->timer == NULL)
		return NULL;
	loop_timer_set(p->timer, 0);
	return TAKE(p);
}

void publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	if (p->timer != NULL)
		loop_timer_free(p->timer);
	worker_free(p->worker);
	free(p);
}
