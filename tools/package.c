/* SPDX-License-Identifier: Apache-2.0 */
#include "package.h"

#include "../common/base/file.h"
#include "table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define COPY_BYTES (1u << 20)

void package_fini(struct package *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	buf_fini(&p->manifest_bytes);
	container_head_fini(&p->head);
}

static int open_file(struct package *p, struct err *e)
{
	struct stat st;

	p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return err_sys(e, "%s", p->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FORMAT, "%s is not a file", p->path);
	p->size = (uint64_t)st.st_size;
	return 0;
}

static int read_table(struct package *p, struct err *e)
{
	uint8_t front[BUNDLE_TABLE_MAX_BYTES];
	size_t len = p->size < sizeof(front) ? (size_t)p->size : sizeof(front);

	if (fd_pread_full(p->fd, front, len, 0, e) < 0)
		return -1;
	return bundle_parse(front, len, p->size, &p->table, e);
}

int package_read_part(const struct package *p, const struct part *part, struct buf *ret,
		      struct err *e)
{
	if (part->length > ret->cap)
		return err_set(e, ERR_LIMIT,
			       "a part of %" PRIu64 " bytes, more than %zu",
			       part->length, ret->cap);
	if (buf_reserve(ret, (size_t)part->length, e) < 0 ||
	    fd_pread_full(p->fd, ret->data + ret->len, (size_t)part->length,
			  part->offset, e) < 0)
		return -1;
	buf_cut(ret, ret->len + (size_t)part->length);
	return 0;
}

static int need_part(const struct package *p, enum part_type type, const char *name,
		     struct buf *ret, struct err *e)
{
	const struct part *part = bundle_find(&p->table, type, 0);

	if (part == NULL)
		return err_set(e, ERR_FORMAT, "the bundle has no %s", name);
	if (package_read_part(p, part, ret, e) < 0)
		return err_wrap(e, "%s", name);
	return 0;
}

static int check_digest(const struct buf *b, const uint8_t expected[SHA256_LEN],
			const char *name, struct err *e)
{
	uint8_t got[SHA256_LEN];

	if (sha256(b->data, b->len, got, e) < 0)
		return -1;
	if (memcmp(got, expected, sizeof(got)) != 0)
		return err_set(e, ERR_DIGEST,
			       "the %s is not the one the manifest names", name);
	return 0;
}

static int read_manifest(struct package *p, struct err *e)
{
	if (need_part(p, PART_MANIFEST, "manifest", &p->manifest_bytes, e) < 0)
		return -1;
	if (manifest_parse(p->manifest_bytes.data, p->manifest_bytes.len, &p->manifest,
			   e) < 0)
		return err_wrap(e, "manifest");
	if (sha256(p->manifest_bytes.data, p->manifest_bytes.len, p->manifest_sha256,
		   e) < 0)
		return -1;
	return manifest_target_name(p->manifest.product, p->manifest.version, p->target,
				    e);
}

static int read_descriptor(struct package *p, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(DESCRIPTOR_LEN);

	if (need_part(p, PART_DESCRIPTOR, "slot descriptor", &bytes, e) < 0 ||
	    check_digest(&bytes, p->manifest.descriptor_sha256, "slot descriptor", e) <
		0)
		return -1;
	if (bytes.len != DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "a slot descriptor of %zu bytes",
			       bytes.len);
	memcpy(p->descriptor_bytes, bytes.data, DESCRIPTOR_LEN);
	if (descriptor_parse(p->descriptor_bytes, &p->descriptor, e) < 0 ||
	    descriptor_check_matches(&p->descriptor, &p->manifest, e) < 0)
		return err_wrap(e, "slot descriptor");
	return 0;
}

static int read_head(struct package *p, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	const struct part *body = bundle_find(&p->table, PART_BODY, 0);

	if (need_part(p, PART_HEAD, "payload head", &bytes, e) < 0 ||
	    check_digest(&bytes, p->manifest.payload_head_sha256, "payload head", e) <
		0)
		return -1;
	if (container_head_parse(bytes.data, bytes.len, &p->head, e) < 0 ||
	    container_check_matches(&p->head, &p->manifest, e) < 0)
		return err_wrap(e, "payload head");
	if (body == NULL || body->length != p->head.body_size)
		return err_set(e, ERR_DIGEST,
			       "the payload has %" PRIu64 " bytes, not %" PRIu64,
			       body != NULL ? body->length : 0, p->head.body_size);
	return 0;
}

/* A part for each file, and as long as it should be. */
static int check_file_parts(const struct package *p, struct err *e)
{
	const struct part *part;
	size_t i = 0;

	for (; (part = bundle_find(&p->table, PART_FILE, i)) != NULL; i++) {
		if (i < p->manifest.n_files &&
		    part->length != p->manifest.files[i].size)
			return err_set(e, ERR_DIGEST,
				       "file %s has %" PRIu64 " bytes, not %" PRIu64,
				       p->manifest.files[i].name, part->length,
				       p->manifest.files[i].size);
	}
	if (i != p->manifest.n_files)
		return err_set(e, ERR_FORMAT, "%zu files, the manifest names %zu", i,
			       p->manifest.n_files);
	return 0;
}

static int read_payload(struct package *p, struct err *e)
{
	if (p->manifest.n_images > 0)
		return read_descriptor(p, e) < 0 ? -1 : read_head(p, e);
	for (unsigned type = PART_DESCRIPTOR; type <= PART_BODY; type++) {
		if (bundle_find(&p->table, (enum part_type)type, 0) != NULL)
			return err_set(e, ERR_FORMAT, "a payload without images");
	}
	return 0;
}

int package_open(struct package *p, const char *path, struct err *e)
{
	*p = (struct package){
	    .path = path, .fd = -1, .manifest_bytes = BUF_INIT(MANIFEST_MAX_BYTES)};
	if (open_file(p, e) < 0)
		return -1;
	if (read_table(p, e) < 0 || read_manifest(p, e) < 0 || read_payload(p, e) < 0 ||
	    check_file_parts(p, e) < 0)
		return err_wrap(e, "%s", path);
	return 0;
}

static int check_chunks(const struct package *p, struct err *e)
{
	const struct part *body = bundle_find(&p->table, PART_BODY, 0);
	AUTO(progress) struct progress bar;
	uint8_t chunk[CONTAINER_CHUNK];
	uint64_t done = 0;

	progress_begin(&bar, "checking");
	for (size_t i = 0; i < p->head.n_chunks; i++) {
		size_t len = container_chunk_len(&p->head, i);

		if (fd_pread_full(p->fd, chunk, len, body->offset + done, e) < 0 ||
		    container_check_chunk(&p->head, i, chunk, len, e) < 0)
			return err_wrap(e, "%s: payload", p->path);
		done += len;
		progress_at(&bar, done, p->head.body_size);
	}
	return 0;
}

static int hash_range(int fd, const struct part *part, uint8_t ret[SHA256_LEN],
		      struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);
	uint8_t piece[CONTAINER_CHUNK];

	if (d == NULL)
		return -1;
	for (uint64_t at = 0; at < part->length;) {
		size_t n = part->length - at < sizeof(piece)
			       ? (size_t)(part->length - at)
			       : sizeof(piece);

		if (fd_pread_full(fd, piece, n, part->offset + at, e) < 0 ||
		    digest_add(d, piece, n, e) < 0)
			return -1;
		at += n;
	}
	return digest_end(d, ret, e);
}

int package_check_body(const struct package *p, struct err *e)
{
	uint8_t got[SHA256_LEN];

	if (p->manifest.n_images > 0 && check_chunks(p, e) < 0)
		return -1;
	for (size_t i = 0; i < p->manifest.n_files; i++) {
		const struct release_file *f = &p->manifest.files[i];

		if (hash_range(p->fd, bundle_find(&p->table, PART_FILE, i), got, e) < 0)
			return err_wrap(e, "%s: file %s", p->path, f->name);
		if (memcmp(got, f->sha256, sizeof(got)) != 0)
			return err_set(e, ERR_DIGEST,
				       "%s: file %s is not the one the manifest names",
				       p->path, f->name);
	}
	return 0;
}

bool package_is_signed(const struct package *p)
{
	return bundle_find(&p->table, PART_TARGETS, 0) != NULL;
}

const char *package_state(const struct package *p)
{
	if (!package_is_signed(p))
		return "not signed yet";
	return bundle_find(&p->table, PART_TIMESTAMP, 0) != NULL
		   ? "signed and published"
		   : "signed";
}

int package_need_signed(const struct package *p, struct err *e)
{
	if (package_is_signed(p))
		return 0;
	return err_set(e, ERR_UNSIGNED, "%s: not signed yet: run ota release sign",
		       p->path);
}

/* Writing. */

void package_metadata_init(struct package_metadata *m)
{
	*m = (struct package_metadata){
	    .timestamp = BUF_INIT(TUF_TIMESTAMP_MAX_BYTES),
	    .snapshot = BUF_INIT(TUF_SNAPSHOT_MAX_BYTES),
	    .targets = BUF_INIT(TUF_TARGETS_MAX_BYTES),
	};
	for (size_t i = 0; i < PACKAGE_MAX_ROOTS; i++)
		m->roots[i] = BUF_INIT(TUF_ROOT_MAX_BYTES);
}

void package_metadata_fini(struct package_metadata *m)
{
	for (size_t i = 0; i < PACKAGE_MAX_ROOTS; i++)
		buf_fini(&m->roots[i]);
	buf_fini(&m->timestamp);
	buf_fini(&m->snapshot);
	buf_fini(&m->targets);
}

/* Where a part's bytes come from: a buffer, or the package's own file. */
struct source {
	const struct buf *bytes; /* NULL: from the file at offset */
	uint64_t offset;
};

struct plan {
	struct bundle table;
	struct source sources[BUNDLE_MAX_PARTS];
};

static void plan_add(struct plan *plan, enum part_type type, const struct buf *bytes,
		     const struct part *own)
{
	size_t i = plan->table.n_parts++;

	plan->table.parts[i].type = type;
	plan->table.parts[i].length = bytes != NULL ? bytes->len : own->length;
	plan->sources[i].bytes = bytes;
	plan->sources[i].offset = own != NULL ? own->offset : 0;
}

static void make_plan(const struct package *p, const struct package_metadata *m,
		      struct plan *plan)
{
	static const enum part_type payload[] = {PART_MANIFEST, PART_DESCRIPTOR,
						 PART_HEAD, PART_BODY};

	for (size_t i = 0; i < m->n_roots; i++)
		plan_add(plan, PART_ROOT, &m->roots[i], NULL);
	if (m->timestamp.len > 0)
		plan_add(plan, PART_TIMESTAMP, &m->timestamp, NULL);
	if (m->snapshot.len > 0)
		plan_add(plan, PART_SNAPSHOT, &m->snapshot, NULL);
	if (m->targets.len > 0)
		plan_add(plan, PART_TARGETS, &m->targets, NULL);
	for (size_t i = 0; i < N_ELEMS(payload); i++) {
		const struct part *part = bundle_find(&p->table, payload[i], 0);

		if (part != NULL)
			plan_add(plan, payload[i], NULL, part);
	}
	for (size_t i = 0; i < p->manifest.n_files; i++)
		plan_add(plan, PART_FILE, NULL, bundle_find(&p->table, PART_FILE, i));
}

static int copy_range(int from, uint64_t offset, uint64_t len, int to, uint64_t at,
		      struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(COPY_BYTES);

	if (piece == NULL)
		return err_nomem(e);
	while (len > 0) {
		size_t n = len < COPY_BYTES ? (size_t)len : COPY_BYTES;

		if (fd_pread_full(from, piece, n, offset, e) < 0 ||
		    fd_pwrite_full(to, piece, n, at, e) < 0)
			return -1;
		offset += n;
		at += n;
		len -= n;
	}
	return 0;
}

static int write_parts(const struct package *p, struct plan *plan, int fd,
		       struct err *e)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);

	if (bundle_layout(&plan->table, &table, e) < 0 ||
	    fd_pwrite_full(fd, table.data, table.len, 0, e) < 0)
		return -1;
	for (size_t i = 0; i < plan->table.n_parts; i++) {
		const struct part *part = &plan->table.parts[i];
		const struct source *s = &plan->sources[i];

		if (s->bytes != NULL ? fd_pwrite_full(fd, s->bytes->data, s->bytes->len,
						      part->offset, e) < 0
				     : copy_range(p->fd, s->offset, part->length, fd,
						  part->offset, e) < 0)
			return -1;
	}
	if (fsync(fd) < 0)
		return err_sys(e, "flush");
	return 0;
}

int package_write(const struct package *p, const struct package_metadata *m,
		  const char *path, struct err *e)
{
	struct plan plan = {0};
	AUTO(buf) struct buf temporary = BUF_INIT(PATH_MAX);
	AUTO_CLOSE int fd = -1;

	if (buf_printf(&temporary, e, "%s.new-XXXXXX", path) < 0)
		return -1;
	fd = mkostemp((char *)temporary.data, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "write %s", path);
	make_plan(p, m, &plan);
	if (write_parts(p, &plan, fd, e) < 0) {
		(void)unlink(buf_str(&temporary));
		return err_wrap(e, "write %s", path);
	}
	if (fchmod(fd, 0644) < 0 || rename(buf_str(&temporary), path) < 0) {
		(void)err_sys(e, "write %s", path);
		(void)unlink(buf_str(&temporary));
		return -1;
	}
	return dir_sync_around(path, e);
}
