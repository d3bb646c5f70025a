/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From "there is an update" to everything that is verified before a byte of it is
 * written:
 *
 *	REFRESHING	TUF metadata, anew for each update; then the manifest's entry in
 *			it
 *	FETCHING	manifest (by that entry), descriptor and head (by the manifest)
 *
 * What is verified is cached by name in the agent's files, and what is cached is
 * verified again before it is used: a cache can save bytes but grants nothing. A bundle
 * goes the same way; its parts are read where a request would be sent.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

const char *const fetch_cache_names[N_FETCHES] = {"cache-manifest", "cache-descriptor",
						  "cache-head"};
static const char *const part_names[N_FETCHES] = {"manifest", "slot descriptor",
						  "payload head"};

static void fetch_metadata(struct agent *a);
static void fetch_part(struct agent *a);
static void begin_fetching(struct agent *a);

/* What means that somebody speaks who should not, and not that the network plays
 * tricks. */
static bool is_distrust(enum err_code code)
{
	return code == ERR_SIGNATURE || code == ERR_UNSIGNED || code == ERR_UNTRUSTED ||
	       code == ERR_ROLLBACK;
}

static void end(struct agent *a, const char *what, const struct err *e)
{
	if (a->update.by_delta) { /* the release is found: only the delta is not */
		if (delta_failed(a, what, e))
			begin_fetching(a);
	} else if (is_distrust(e->code))
		update_refused(a, what, e);
	else
		update_failed(a, what, e);
}

/* The answer as an error, if it is none of use. */
static int check_answer(struct agent *a, const struct net_head *h,
			const struct err *why, const char *what, struct err *e)
{
	a->retry_after_ms = h->retry_after_ms;
	if (why->code != ERR_NONE) {
		*e = *why;
		return -1;
	}
	return agent_check_status(h, what, e);
}

/* ---- REFRESHING ---- */

static int give(struct agent *a, bool there, const struct buf *data, struct err *e)
{
	if (!there)
		return tuf_client_missing(a->update.tuf, e);
	return tuf_client_give(a->update.tuf, data->data, data->len, e);
}

static void on_metadata(struct agent *a, const struct net_head *h,
			const struct buf *body, const struct err *why)
{
	bool missing = why->code == ERR_NONE && h->status == 404;
	struct err e = ERR_INIT;

	if (!missing && check_answer(a, h, why, "metadata", &e) < 0) {
		update_failed(a, "fetch metadata", &e);
		return;
	}
	if (give(a, !missing, body, &e) < 0)
		end(a, "check the repository", &e);
	else
		fetch_metadata(a);
}

static void read_metadata(struct agent *a, const struct tuf_request *r)
{
	AUTO(buf) struct buf data = BUF_INIT(r->max_bytes);
	struct err e = ERR_INIT;
	bool there = offline_metadata(a, r->path, r->max_bytes, &data, &e) == 0;

	if (!there && e.code != ERR_NOT_FOUND) {
		end(a, "read the bundle", &e);
		return;
	}
	e = ERR_INIT;
	if (give(a, there, &data, &e) < 0)
		end(a, "check the bundle's metadata", &e);
	else
		fetch_metadata(a);
}

static void get_metadata(struct agent *a, const struct tuf_request *r)
{
	const char *base = a->contact.poll.repository;
	const char *slash = base[strlen(base) - 1] == '/' ? "" : "/";
	struct err e = ERR_INIT;
	char url[DDI_URL_LEN + TUF_PATH_MAX_LEN + 2];

	if (text_format(url, sizeof(url), &e, "%s%s%s", base, slash, r->path) < 0 ||
	    agent_get(a, AGENT_FETCH, url, r->max_bytes, on_metadata, &e) < 0)
		update_failed(a, "fetch metadata", &e);
}

static void note_refreshed(struct agent *a)
{
	struct update *u = &a->update;
	uint64_t version = 0;
	int64_t expires, floor;
	struct err e = ERR_INIT;

	a->clock_from_system = u->time.from_system;
	if (u->bundle != NULL ||
	    tuf_client_role(u->tuf, "timestamp", &version, &expires, &e) < 0)
		return;
	floor = raised_floor(a->memory.floor_utc_ms, &u->time, version);
	if (floor == a->memory.floor_utc_ms)
		return;
	a->memory.floor_utc_ms = floor;
	if (agent_save(a, &e) < 0)
		agent_log_failure(a, LOG_WARN, "remember the time", &e);
}

static int seek(struct agent *a, struct err *e)
{
	char name[TARGET_NAME_MAX_LEN + 1];
	struct update *u = &a->update;

	u->seeking = true;
	if (u->bundle == NULL)
		return tuf_client_seek(u->tuf, u->artifact.manifest_name, e);
	if (manifest_target_name(u->manifest->product, u->manifest->version, name, e) <
	    0)
		return -1;
	return tuf_client_seek(u->tuf, name, e);
}

static void begin_fetching(struct agent *a)
{
	agent_move(a, AGENT_FETCHING, "the release is listed and signed");
	fetch_part(a);
}

/* The delta's head, if it is listed. Without it there is still the release. */
static void found_delta(struct agent *a)
{
	struct tuf_target *t = &a->update.delta;
	struct err e = ERR_INIT;

	if (tuf_client_found(a->update.tuf, t, &e) == 0 &&
	    t->length > CONTAINER_HEAD_MAX_BYTES)
		(void)err_set(&e, ERR_LIMIT, "its head has %llu bytes, not at most %u",
			      (unsigned long long)t->length, CONTAINER_HEAD_MAX_BYTES);
	if (e.code == ERR_NONE)
		log_info(a->spec.log, "agent", "a delta is offered, and taken", "name",
			 a->update.artifact.delta.name, NULL);
	if (e.code == ERR_NONE ||
	    delta_failed(a, "look for the delta in the signed targets", &e))
		begin_fetching(a);
}

static void seek_delta(struct agent *a)
{
	struct update *u = &a->update;
	struct err e = ERR_INIT;

	u->by_delta = true;
	if (tuf_client_seek(u->tuf, u->artifact.delta.name, &e) == 0)
		fetch_metadata(a);
	else if (delta_failed(a, "look for the delta in the signed targets", &e))
		begin_fetching(a);
}

static void found(struct agent *a)
{
	struct err e = ERR_INIT;

	if (a->update.by_delta) {
		found_delta(a);
		return;
	}
	if (tuf_client_found(a->update.tuf, &a->update.target, &e) < 0) {
		update_refused(a, "look for the release in the signed targets", &e);
		return;
	}
	if (a->update.target.length > MANIFEST_MAX_BYTES) {
		(void)err_set(
		    &e, ERR_LIMIT, "the manifest has %llu bytes, not at most %u",
		    (unsigned long long)a->update.target.length, MANIFEST_MAX_BYTES);
		update_refused(a, "look for the release in the signed targets", &e);
		return;
	}
	if (delta_wanted(a))
		seek_delta(a);
	else if (!delta_refuses_full(a))
		begin_fetching(a);
}

static void fetch_metadata(struct agent *a)
{
	struct tuf_request r;
	struct err e = ERR_INIT;

	if (tuf_client_next(a->update.tuf, &r) == TUF_FETCH) {
		if (a->update.bundle != NULL)
			read_metadata(a, &r);
		else
			get_metadata(a, &r);
		return;
	}
	if (a->update.seeking) {
		found(a);
		return;
	}
	note_refreshed(a);
	if (seek(a, &e) < 0)
		end(a, "look for the release in the signed targets", &e);
	else
		fetch_metadata(a);
}

void fetch_refresh(struct agent *a)
{
	struct update *u = &a->update;
	struct tuf_policy policy = {.offline = u->bundle != NULL};
	struct err e = ERR_INIT;

	u->time = agent_time(a);
	if (!u->time.from_system)
		log_warn(a->spec.log, "agent",
			 "the clock is not plausible: expiry is judged by "
			 "the last time known",
			 NULL);
	policy.now_utc_ms = u->time.utc_ms;
	u->tuf = tuf_client_new(&a->spec.trust, &policy, &e);
	if (u->tuf == NULL || tuf_client_refresh(u->tuf, &e) < 0)
		update_failed(a, "load the trusted metadata", &e);
	else
		fetch_metadata(a);
}

/* ---- FETCHING ---- */

static size_t part_size(const struct update *u, enum fetch_what what)
{
	if (what == FETCH_MANIFEST)
		return (size_t)u->target.length;
	if (what == FETCH_HEAD && u->by_delta)
		return (size_t)u->delta.length;
	return what == FETCH_HEAD ? (size_t)u->manifest->payload_head_size
				  : DESCRIPTOR_LEN;
}

static int check_part(const struct update *u, enum fetch_what what, const struct buf *b,
		      struct err *e)
{
	const uint8_t *expected;
	uint8_t digest[SHA256_LEN];

	if (what == FETCH_MANIFEST)
		return tuf_target_check(&u->target, b->data, b->len, e);
	if (what == FETCH_HEAD && u->by_delta)
		return tuf_target_check(&u->delta, b->data, b->len, e);
	expected = what == FETCH_HEAD ? u->manifest->payload_head_sha256
				      : u->manifest->descriptor_sha256;
	if (sha256(b->data, b->len, digest, e) < 0)
		return -1;
	if (b->len != part_size(u, what) || memcmp(digest, expected, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "the %s is not the manifest's",
			       part_names[what]);
	return 0;
}

/* The manifest is the signed one; is it for this device. */
static int take_manifest(struct agent *a, struct err *e)
{
	struct update *u = &a->update;
	const struct buf *b = &u->parts[FETCH_MANIFEST];

	free(u->manifest);
	u->manifest = calloc(1, sizeof(*u->manifest));
	if (u->manifest == NULL)
		return err_nomem(e);
	if (manifest_parse(b->data, b->len, u->manifest, e) < 0 ||
	    manifest_check_images(u->manifest, e) < 0 ||
	    manifest_check_fits(u->manifest, a->spec.product, a->spec.hardware, e) <
		0 ||
	    sha256(b->data, b->len, u->manifest_sha256, e) < 0)
		return -1;
	if (u->manifest->security_version < a->record.floor)
		return err_set(
		    e, ERR_ROLLBACK,
		    "security version %u of release %s is below the floor %u",
		    u->manifest->security_version, u->manifest->version,
		    a->record.floor);
	if (a->spec.max_payload_bytes > 0 &&
	    u->manifest->payload_body_size > a->spec.max_payload_bytes)
		return err_set(e, ERR_LIMIT,
			       "the payload has %llu bytes, not at most %llu",
			       (unsigned long long)u->manifest->payload_body_size,
			       (unsigned long long)a->spec.max_payload_bytes);
	return 0;
}

/* Nothing to install: this very release runs, confirmed. */
static bool runs_already(const struct agent *a)
{
	return a->running < N_SLOTS && a->record.slots[a->running].state == SLOT_GOOD &&
	       memcmp(a->update.manifest->descriptor_sha256, a->handover.root_hash,
		      SHA256_LEN) == 0;
}

static void end_as_running(struct agent *a)
{
	char id[12], detail[DDI_TEXT_LEN];

	memcpy(id, a->update.id, sizeof(id));
	(void)snprintf(detail, sizeof(detail), "release %s runs already in slot %c",
		       a->update.manifest->version, slot_letter(a->running));
	update_clear(a);
	agent_move(a, AGENT_IDLE, "this release runs already");
	if (id[0] != '\0') {
		report_success(a, id, detail);
		contact_deployment_ended(a);
	}
}

/* A part is there and is the right one. */
static void take_part(struct agent *a)
{
	struct update *u = &a->update;
	struct err e = ERR_INIT;

	if (u->what == FETCH_MANIFEST && take_manifest(a, &e) < 0) {
		update_refused(a, "check the manifest", &e);
		return;
	}
	if (u->what == FETCH_MANIFEST && runs_already(a)) {
		end_as_running(a);
		return;
	}
	u->what++;
	if (u->what == N_FETCHES)
		write_begin(a);
	else
		fetch_part(a);
}

static void on_part(struct agent *a, const struct net_head *h, const struct buf *body,
		    const struct err *why)
{
	struct update *u = &a->update;
	const char *name = part_names[u->what];
	struct err e = ERR_INIT;

	if (check_answer(a, h, why, name, &e) < 0) {
		update_failed(a, "fetch the release", &e);
		return;
	}
	if (check_part(u, u->what, body, &e) < 0) {
		update_altered(a, "check the release", &e);
		return;
	}
	buf_init(&u->parts[u->what], body->len);
	if (buf_add(&u->parts[u->what], body->data, body->len, &e) < 0) {
		update_failed(a, "fetch the release", &e);
		return;
	}
	if (a->spec.files.put(a->spec.files.ctx, fetch_cache_names[u->what], body->data,
			      body->len, &e) < 0)
		log_failure(a->spec.log, LOG_WARN, "agent", "cache the release", &e);
	take_part(a);
}

/* True if it was cached and holds. */
static bool take_cached(struct agent *a)
{
	struct update *u = &a->update;
	struct buf *b = &u->parts[u->what];

	buf_init(b, part_size(u, u->what));
	if (a->spec.files.get(a->spec.files.ctx, fetch_cache_names[u->what], b, NULL) ==
		0 &&
	    check_part(u, u->what, b, NULL) == 0)
		return true;
	buf_fini(b);
	return false;
}

static void read_part(struct agent *a)
{
	struct update *u = &a->update;
	struct buf *b = &u->parts[u->what];
	struct err e = ERR_INIT;

	buf_fini(b);
	buf_init(b, part_size(u, u->what));
	if (offline_part(a, u->what, b, &e) < 0 || check_part(u, u->what, b, &e) < 0) {
		update_refused(a, "check the bundle", &e);
		return;
	}
	if (a->spec.files.put(a->spec.files.ctx, fetch_cache_names[u->what], b->data,
			      b->len, &e) < 0)
		log_failure(a->spec.log, LOG_WARN, "agent", "cache the release", &e);
	take_part(a);
}

static void fetch_part(struct agent *a)
{
	struct update *u = &a->update;
	const char *const urls[N_FETCHES] = {
	    u->artifact.manifest, u->artifact.descriptor,
	    u->by_delta ? u->artifact.delta.head : u->artifact.payload_head};
	struct err e = ERR_INIT;

	if (u->bundle != NULL)
		read_part(a);
	else if (take_cached(a))
		take_part(a);
	else if (agent_get(a, AGENT_FETCH, urls[u->what], part_size(u, u->what),
			   on_part, &e) < 0)
		update_failed(a, "fetch the release", &e);
}

void fetch_full_head(struct agent *a)
{
	struct update *u = &a->update;

	buf_fini(&u->parts[FETCH_HEAD]);
	u->what = FETCH_HEAD;
	fetch_part(a);
}
