/* SPDX-License-Identifier: Apache-2.0 */
/* What the server publishes without being asked: timestamp and snapshot before they
 * expire, and the deltas that were made. */
#include "publisher.h"

#include "../../common/base/clock.h"
#include "../../common/format/container.h"
#include "../../publish/repo/repo.h"

#include <string.h>

/* ------------------------------------------------------------------ renewal */

/* Half of its life is over. */
static bool is_due(const struct publisher *p, const struct buf *envelope,
		   const char *type, uint64_t life_ms)
{
	uint64_t version = 0;
	int64_t expires = 0;

	return repo_peek(envelope->data, envelope->len, type, &version, &expires,
			 NULL) != 0 ||
	       clock_utc_ms(p->c.clock) >= expires - (int64_t)(life_ms / 2);
}

static const struct audit_actor nobody;

/* Without a word of the targets nobody would look at them. */
static int renew_roles(struct publisher *p, struct repository *r,
		       struct roles_made *ret, struct err *e)
{
	const struct roles_config c = {p->c.store, p->c.signer, p->c.clock};

	*ret = (struct roles_made){.rows = NULL};
	if (roles_check_delegated(r, p->c.signer, NULL) != 0)
		return 0;
	return roles_renew(&c, r, ret, e);
}

static int renew_both(struct publisher *p, struct repository *r, struct err *e)
{
	AUTO(signer_answer) struct signer_answer made = {0};
	AUTO(roles_made) struct roles_made roles = {0};
	struct publication lines[2];

	if (renew_roles(p, r, &roles, e) != 0 ||
	    publish_sign(p, r, &r->targets, &made, e) != 0)
		return -1;
	publish_line_set(&lines[0], r, ROLE_SNAPSHOT, made.snapshot_version,
			 &made.snapshot);
	publish_line_set(&lines[1], r, ROLE_TIMESTAMP, made.timestamp_version,
			 &made.timestamp);
	return publish_store(p, lines, 2, NULL, 0, &roles, &nobody, e);
}

static int renew_timestamp(struct publisher *p, const struct repository *r,
			   struct err *e)
{
	AUTO(signer_answer) struct signer_answer made = {0};
	const struct signer_ask ask = {
	    .snapshot = r->snapshot.data,
	    .snapshot_len = r->snapshot.len,
	    .snapshot_floor = r->version[ROLE_SNAPSHOT],
	    .timestamp_floor = r->version[ROLE_TIMESTAMP],
	    .snapshot_life_ms = p->c.snapshot_life_ms,
	    .timestamp_life_ms = p->c.timestamp_life_ms,
	};
	struct publication line;

	if (signer_renew(p->c.signer, &ask, &made, e) != 0)
		return -1;
	publish_line_set(&line, r, ROLE_TIMESTAMP, made.timestamp_version,
			 &made.timestamp);
	return publish_store(p, &line, 1, NULL, 0, NULL, &nobody, e);
}

/*
 * The signer does not go back behind targets that it signed for, also if they were
 * never stored: we were killed, or the disk was full. Their release pushed once more
 * ends it; until then the snapshot that is published serves, and half of its life is
 * left for that.
 */
static void tell_stale_snapshot(const struct publisher *p, const struct err *why)
{
	log_failure(p->c.log, LOG_ERROR, "release",
		    why->code == ERR_ROLLBACK
			? "the snapshot cannot be renewed: push the last release again"
			: "the snapshot was not renewed",
		    why);
}

int publish_act_renew(struct publish_job *j, struct err *e)
{
	struct publisher *p = j->p;
	AUTO(repository) struct repository r = {0};
	struct err why = ERR_INIT;
	bool snapshot, timestamp, anew;

	if (repository_load(p->c.store, &r, e) != 0)
		return -1;
	if (r.timestamp.len == 0)
		return 0;
	anew = atomic_exchange(&p->anew, false);
	snapshot = anew || is_due(p, &r.snapshot, "snapshot", p->c.snapshot_life_ms);
	timestamp =
	    anew || is_due(p, &r.timestamp, "timestamp", p->c.timestamp_life_ms);
	if (!snapshot && !timestamp)
		return 0;
	if (snapshot && renew_both(p, &r, &why) == 0) {
		log_info(p->c.log, "release", "snapshot renewed", NULL);
		return 0;
	}
	if (snapshot)
		tell_stale_snapshot(p, &why);
	if (timestamp && renew_timestamp(p, &r, e) != 0)
		return err_wrap(e, "renew the timestamp");
	if (timestamp)
		log_info(p->c.log, "release", "timestamp renewed", NULL);
	return 0;
}

/* ------------------------------------------------------------------ deltas */

static void take_over(struct buf *into, struct buf *from)
{
	struct buf old = *into;

	*into = *from;
	*from = old;
}

/* One that is new stands for all: a device finds its head, and takes it. */
static int check_as_device(struct publish_job *j, struct shelf *device,
			   const struct repository *r, const struct fleet_delta *d,
			   struct err *e)
{
	char name[DELTA_TARGET_MAX_LEN + 1];
	AUTO(buf) struct buf head = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);

	if (delta_target_name(d, name, e) != 0 ||
	    artifacts_read(j->p->c.artifacts, d->head_sha256, &head, e) != 0 ||
	    device_refresh(device, r, clock_utc_ms(j->p->c.clock), name, &head, e) != 0)
		return err_wrap(e, "as a device sees it");
	return 0;
}

int publish_act_deltas(struct publish_job *j, struct err *e)
{
	struct publisher *p = j->p;
	const struct roles_config c = {p->c.store, p->c.signer, p->c.clock};
	AUTO(repository) struct repository r = {0};
	AUTO(signer_answer) struct signer_answer made = {0};
	AUTO(roles_made) struct roles_made roles = {0};
	AUTO(shelf) struct shelf device = {0};
	struct publication lines[2];

	if (repository_load(p->c.store, &r, e) != 0)
		return err_wrap(e, "publish deltas");
	if (r.timestamp.len == 0)
		return 0;
	if (roles_check_delegated(&r, p->c.signer, e) != 0 ||
	    publish_device_of_now(&device, &r, clock_utc_ms(p->c.clock), e) != 0 ||
	    roles_renew(&c, &r, &roles, e) != 0)
		return err_wrap(e, "publish deltas");
	if (roles.n_deltas == 0)
		return 0;
	if (publish_sign(p, &r, &r.targets, &made, e) != 0)
		return err_wrap(e, "publish deltas");
	publish_line_set(&lines[0], &r, ROLE_SNAPSHOT, made.snapshot_version,
			 &made.snapshot);
	publish_line_set(&lines[1], &r, ROLE_TIMESTAMP, made.timestamp_version,
			 &made.timestamp);
	r.version[ROLE_SNAPSHOT] = made.snapshot_version;
	r.version[ROLE_TIMESTAMP] = made.timestamp_version;
	/* The lines' bytes stay where they are; only who owns them changes. */
	take_over(&r.snapshot, &made.snapshot);
	take_over(&r.timestamp, &made.timestamp);
	if (check_as_device(j, &device, &r, &roles.example, e) != 0 ||
	    publish_store(p, lines, 2, NULL, 0, &roles, &nobody, e) != 0)
		return err_wrap(e, "publish deltas");
	log_info(p->c.log, "release", "deltas published", NULL);
	return 0;
}
