/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle as the source of an update: reads its parts where a request would be sent.
 * Nothing is believed of it that the trusted metadata or the manifest do not vouch
 * for. */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

#define BODY_PIECE DEV_MAX_IO

static int read_at(struct dev *d, uint64_t offset, uint64_t len, struct buf *ret,
		   struct err *e)
{
	if (buf_reserve(ret, len <= SIZE_MAX ? (size_t)len : SIZE_MAX, e) < 0)
		return -1;
	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < DEV_MAX_IO ? (size_t)(len - done) : DEV_MAX_IO;

		if (dev_read(d, offset + done, ret->data + ret->len, n, e) < 0)
			return -1;
		ret->len += n;
		done += n;
	}
	if (ret->data != NULL)
		ret->data[ret->len] = 0;
	return 0;
}

static int read_part(struct agent *a, const struct part *p, struct buf *ret,
		     struct err *e)
{
	return read_at(a->update.bundle, p->offset, p->length, ret, e);
}

/* The manifest names the release; what it says is checked later, as any manifest. */
static int peek_manifest(struct agent *a, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
	const struct part *p = bundle_find(&a->update.table, PART_MANIFEST, 0);

	if (p == NULL)
		return err_set(e, ERR_FORMAT, "it has no manifest");
	a->update.manifest = calloc(1, sizeof(*a->update.manifest));
	if (a->update.manifest == NULL)
		return err_nomem(e);
	if (read_part(a, p, &text, e) < 0)
		return -1;
	return manifest_parse(text.data, text.len, a->update.manifest, e);
}

static int check_parts(const struct bundle *b, struct err *e)
{
	static const struct {
		enum part_type type;
		const char *what;
		const char *hint;
	} needed[] = {
	    {PART_TARGETS, "signed targets",
	     "it is not signed yet: run ota release sign"},
	    {PART_TIMESTAMP, "timestamp",
	     "it is not published yet: run ota release export"},
	    {PART_SNAPSHOT, "snapshot",
	     "it is not published yet: run ota release export"},
	    {PART_DESCRIPTOR, "slot descriptor", "it is not complete"},
	    {PART_HEAD, "payload head", "it is not complete"},
	    {PART_BODY, "payload", "it is not complete"},
	};

	for (size_t i = 0; i < N_ELEMS(needed); i++) {
		if (bundle_find(b, needed[i].type, 0) == NULL)
			return err_set(e, ERR_UNSIGNED, "no %s: %s", needed[i].what,
				       needed[i].hint);
	}
	return 0;
}

int offline_open(struct agent *a, struct err *e)
{
	AUTO(buf) struct buf front = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct dev *d = a->update.bundle;
	uint64_t len =
	    d->size < BUNDLE_TABLE_MAX_BYTES ? d->size : BUNDLE_TABLE_MAX_BYTES;

	if (read_at(d, 0, len, &front, e) < 0 ||
	    bundle_parse(front.data, front.len, d->size, &a->update.table, e) < 0 ||
	    check_parts(&a->update.table, e) < 0 || peek_manifest(a, e) < 0)
		return err_wrap(e, "read the bundle");
	return 0;
}

/* {"signed":{"version":N}} of a root part; 0 if it is not even that. */
static uint64_t root_version(const struct buf *text)
{
	AUTO_PTR(json) struct json *root = json_parse(text->data, text->len, NULL);
	const struct json *body = root != NULL ? json_get(root, "signed") : NULL;
	uint64_t version = 0;

	if (body == NULL || json_get_u64(body, "version", &version, NULL) < 0)
		return 0;
	return version;
}

static int find_root(struct agent *a, uint64_t version, struct buf *ret, struct err *e)
{
	const struct part *p;

	for (size_t i = 0; (p = bundle_find(&a->update.table, PART_ROOT, i)) != NULL;
	     i++) {
		buf_clear(ret);
		if (read_part(a, p, ret, e) < 0)
			return -1;
		if (root_version(ret) == version)
			return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "no root of version %llu",
		       (unsigned long long)version);
}

/* "12.root.json" -> 12 and "root.json" behind it; 0 without a number. */
static uint64_t split_version(const char *path, const char **ret_rest)
{
	size_t n = strspn(path, "0123456789");
	char digits[24];
	uint64_t version = 0;

	*ret_rest = path;
	if (n == 0 || n >= sizeof(digits) || path[n] != '.')
		return 0;
	memcpy(digits, path, n);
	digits[n] = '\0';
	if (parse_u64(digits, &version, NULL) < 0)
		return 0;
	*ret_rest = path + n + 1;
	return version;
}

int offline_metadata(struct agent *a, const char *path, size_t max, struct buf *ret,
		     struct err *e)
{
	static const struct {
		const char *name;
		enum part_type type;
	} rows[] = {{"timestamp.json", PART_TIMESTAMP},
		    {"snapshot.json", PART_SNAPSHOT},
		    {"targets.json", PART_TARGETS}};
	const char *name;
	uint64_t version = split_version(path, &name);

	(void)max; /* ret's cap */
	if (strcmp(name, "root.json") == 0)
		return find_root(a, version, ret, e);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct part *p = bundle_find(&a->update.table, rows[i].type, 0);

		if (strcmp(name, rows[i].name) == 0 && p != NULL)
			return read_part(a, p, ret, e);
	}
	return err_set(e, ERR_NOT_FOUND, "the bundle has no %s", path);
}

int offline_part(struct agent *a, enum fetch_what what, struct buf *ret, struct err *e)
{
	static const enum part_type types[N_FETCHES] = {PART_MANIFEST, PART_DESCRIPTOR,
							PART_HEAD};
	const struct part *p = bundle_find(&a->update.table, types[what], 0);

	if (p == NULL)
		return err_set(e, ERR_FORMAT, "the bundle lacks a part");
	return read_part(a, p, ret, e);
}

int offline_body(struct agent *a, struct err *e)
{
	struct update *u = &a->update;
	const struct part *p = bundle_find(&u->table, PART_BODY, 0);
	uint64_t left = p->length - (u->body_at < p->length ? u->body_at : p->length);
	uint64_t n = left < BODY_PIECE ? left : BODY_PIECE;

	if (n == 0) {
		u->ended = true;
		return 0;
	}
	if (read_at(u->bundle, p->offset + u->body_at, n, &u->pending, e) < 0)
		return -1;
	u->body_at += n;
	return 0;
}
