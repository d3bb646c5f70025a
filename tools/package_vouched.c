/* SPDX-License-Identifier: Apache-2.0 */
#include "../common/base/clock.h"
#include "../common/base/text.h"
#include "../common/tuf/trusted.h"
#include "../publish/repo/repo.h"
#include "keys.h"
#include "package.h"
#include "vouch.h"

#include <inttypes.h>
#include <string.h>

/* Reads the root of this version out of the bundle: 1, or 0 if it has none. */
static int read_root(const struct package *p, uint64_t version, struct buf *ret,
		     struct err *e)
{
	const struct part *part;

	for (size_t i = 0; (part = bundle_find(&p->table, PART_ROOT, i)) != NULL; i++) {
		uint64_t found;
		int64_t expires_ms;

		buf_clear(ret);
		if (package_read_part(p, part, ret, e) < 0 ||
		    repo_peek(ret->data, ret->len, "root", &found, &expires_ms, e) < 0)
			return -1;
		if (found == version)
			return 1;
	}
	buf_clear(ret);
	return 0;
}

static const struct {
	const char *suffix;
	enum part_type type;
} names[] = {
    {"timestamp.json", PART_TIMESTAMP},
    {".snapshot.json", PART_SNAPSHOT},
    {".targets.json", PART_TARGETS},
};

static int fetch_part(void *ctx, const struct tuf_request *r, struct buf *ret,
		      struct err *e)
{
	const struct package *p = ctx;
	const struct part *part;
	uint64_t version;
	char number[24];

	if (text_ends_with(r->path, ".root.json")) {
		if (text_format(number, sizeof(number), e, "%.*s",
				(int)strcspn(r->path, "."), r->path) < 0 ||
		    parse_u64(number, &version, e) < 0)
			return -1;
		return read_root(p, version, ret, e);
	}
	for (size_t i = 0; i < N_ELEMS(names); i++) {
		if (!text_ends_with(r->path, names[i].suffix))
			continue;
		part = bundle_find(&p->table, names[i].type, 0);
		if (part == NULL)
			return 0;
		return package_read_part(p, part, ret, e) < 0 ? -1 : 1;
	}
	return 0;
}

static int check_line(const struct package *p, uint64_t length, const uint8_t *hash,
		      struct err *e)
{
	if (length == p->manifest_bytes.len &&
	    memcmp(hash, p->manifest_sha256, SHA256_LEN) == 0)
		return 0;
	return err_set(e, ERR_DIGEST, "what is signed as %s is not this manifest",
		       p->target);
}

/* The newest root that a chain from `root` leads to. */
static struct tuf_root *follow_chain(const struct package *p, const void *root,
				     size_t len, struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *newest = tuf_root_verify_self(root, len, e);
	AUTO(buf) struct buf next = BUF_INIT(TUF_ROOT_MAX_BYTES);
	int there = newest != NULL ? 1 : -1;

	while (there == 1) {
		struct tuf_root *newer;

		there = read_root(p, newest->common.version + 1, &next, e);
		if (there != 1)
			break;
		newer = root_verify_next(newest, next.data, next.len, e);
		if (newer == NULL)
			return NULL;
		tuf_root_free(newest);
		newest = newer;
	}
	return there < 0 ? NULL : TAKE(newest);
}

static int check_valid(const struct tuf_common *c, const char *what, struct err *e)
{
	char until[TIME_TEXT_LEN + 1];

	if (c->expires_utc_ms > clock_utc_ms(&clock_system))
		return 0;
	time_format(c->expires_utc_ms, until);
	return err_set(e, ERR_EXPIRED, "%s version %" PRIu64 " was valid until %s",
		       what, c->version, until);
}

static int vouched_unpublished(const struct package *p, const void *root, size_t len,
			       struct vouched *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	AUTO_PTR(tuf_root) struct tuf_root *trusted = follow_chain(p, root, len, e);
	AUTO_PTR(tuf_targets) struct tuf_targets *targets = NULL;
	const struct tuf_target_line *line;

	if (trusted == NULL ||
	    package_read_part(p, bundle_find(&p->table, PART_TARGETS, 0), &bytes, e) <
		0)
		return -1;
	targets = targets_verify(trusted, bytes.data, bytes.len, e);
	if (targets == NULL || check_valid(&trusted->common, "root", e) < 0 ||
	    check_valid(&targets->common, "targets", e) < 0)
		return -1;
	line = tuf_targets_find(targets, p->target);
	if (line == NULL)
		return err_set(e, ERR_UNSIGNED, "%s is not among the signed releases",
			       p->target);
	*ret = (struct vouched){.root_version = trusted->common.version,
				.targets_version = targets->common.version,
				.targets_expires_ms = targets->common.expires_utc_ms};
	return check_line(p, line->length, line->sha256, e);
}

static int vouched_published(const struct package *p, const void *root, size_t len,
			     struct vouched *ret, struct err *e)
{
	struct vouch_result v;
	union {
		const struct package *in;
		void *out;
	} ctx = {.in = p};

	if (vouch(root, len, p->target, true, fetch_part, ctx.out, &v, e) < 0)
		return -1;
	*ret = (struct vouched){.root_version = v.root_version,
				.targets_version = v.targets_version,
				.targets_expires_ms = v.targets_expires_ms,
				.published = true};
	return check_line(p, v.target.length, v.target.sha256, e);
}

int package_vouched(const struct package *p, const void *root, size_t len,
		    struct vouched *ret, struct err *e)
{
	bool published = bundle_find(&p->table, PART_TIMESTAMP, 0) != NULL;

	if (package_need_signed(p, e) < 0)
		return -1;
	if (published ? vouched_published(p, root, len, ret, e) < 0
		      : vouched_unpublished(p, root, len, ret, e) < 0)
		return err_wrap(e, "%s", p->path);
	return 0;
}
