/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body is made first, into a scratch file beside the bundle, since everything in
 * front of it (head, descriptor, manifest, the table's offsets) depends on it. Then the
 * bundle is put together under a temporary name and renamed: after a crash there is the
 * old file, or the new one.
 */
#include "maker.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/format/bundle.h"
#include "body.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int maker_salt(const char *product, uint8_t ret[VERITY_SALT_LEN], struct err *e)
{
	static const char label[] = "ota verity salt 1\n";
	char text[PRODUCT_MAX_LEN + 2];

	if (product_check(product, e) < 0 ||
	    text_format(text, sizeof(text), e, "%s\n", product) < 0)
		return -1;
	return sha256_two(label, strlen(label), text, strlen(text), ret, e);
}

/* A bundle in the making. */
struct making {
	const struct maker_spec *spec;
	struct manifest manifest;
	uint8_t descriptor[DESCRIPTOR_LEN];
	struct buf head;
	struct buf manifest_text;
	size_t file_order[MAX_FILES]; /* of the manifest's files among spec's */
	uint64_t done_bytes, all_bytes;
};

static void making_fini(struct making *m)
{
	buf_fini(&m->head);
	buf_fini(&m->manifest_text);
}

static void report(void *ctx, uint64_t bytes)
{
	struct making *m = ctx;

	m->done_bytes += bytes;
	if (m->spec->progress != NULL)
		m->spec->progress(m->spec->progress_ctx, m->done_bytes, m->all_bytes);
}

/* What is said about the release, before minutes are spent on its images. */
static int take_identity(struct making *m, struct err *e)
{
	const struct maker_spec *s = m->spec;
	struct manifest *to = &m->manifest;

	if (product_check(s->product, e) < 0 || version_check(s->version, e) < 0)
		return -1;
	if (s->n_hardware < 1 || s->n_hardware > MAX_HARDWARE)
		return err_set(e, ERR_USAGE, "%zu hardware ids, not 1 to %d",
			       s->n_hardware, MAX_HARDWARE);
	for (size_t i = 0; i < s->n_hardware; i++) {
		if (hardware_check(s->hardware[i], e) < 0 ||
		    text_copy(to->hardware[i], sizeof(to->hardware[i]), s->hardware[i],
			      "hardware id", e) < 0)
			return -1;
	}
	if (s->raise_floor_to > s->security_version)
		return err_set(
		    e, ERR_USAGE,
		    "the security floor cannot be raised to %u by a release of "
		    "security version %u",
		    (unsigned)s->raise_floor_to, (unsigned)s->security_version);
	if (s->boot_key_index >= MAX_BOOT_KEYS)
		return err_set(e, ERR_USAGE, "boot key index %u, not 0 to %d",
			       s->boot_key_index, MAX_BOOT_KEYS - 1);
	to->n_hardware = s->n_hardware;
	to->security_version = s->security_version;
	to->raise_floor_to = s->raise_floor_to;
	to->security_only = s->security_only;
	if (text_copy(to->product, sizeof(to->product), s->product, "product", e) < 0 ||
	    text_copy(to->version, sizeof(to->version), s->version, "version", e) < 0)
		return -1;
	return text_copy(to->notes, sizeof(to->notes), s->notes != NULL ? s->notes : "",
			 "notes", e);
}

static int take_images(struct making *m, struct err *e)
{
	const struct maker_spec *s = m->spec;

	if (s->n_images > MAX_IMAGES || (s->n_images == 0 && s->n_files == 0))
		return err_set(e, ERR_USAGE, "%zu images, not 1 to %d", s->n_images,
			       MAX_IMAGES);
	for (size_t i = 0; i < s->n_images; i++) {
		const struct maker_image *from = &s->images[i];
		struct image *to = &m->manifest.images[i];
		struct stat st;

		if (image_name_check(from->name, e) < 0 ||
		    text_copy(to->name, sizeof(to->name), from->name, "image name", e) <
			0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(m->manifest.images[k].name, to->name) == 0)
				return err_set(e, ERR_USAGE, "image \"%s\" given twice",
					       to->name);
		}
		if (stat(from->path, &st) < 0)
			return err_sys(e, "image %s", from->path);
		if (!S_ISREG(st.st_mode) || st.st_size == 0)
			return err_set(e, ERR_USAGE, "image %s is %s", from->path,
				       S_ISREG(st.st_mode) ? "empty" : "not a file");
		to->size = (uint64_t)st.st_size;
		m->all_bytes += to->size;
	}
	m->manifest.n_images = s->n_images;
	return 0;
}

static int add_image(struct making *m, struct body *body, size_t i, struct err *e)
{
	const char *path = m->spec->images[i].path;
	struct image *to = &m->manifest.images[i];
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "image %s", path);
	if (maker_salt(m->spec->product, to->salt, e) < 0 ||
	    body_add_image(body, fd, to->size, to->salt, report, m, to->root_hash, e) <
		0)
		return err_wrap(e, "image %s", path);
	return 0;
}

static int make_payload(struct making *m, int scratch_fd, struct err *e)
{
	AUTO_PTR(body) struct body *body = body_new(scratch_fd, e);
	struct container_head head;

	if (body == NULL)
		return -1;
	for (size_t i = 0; i < m->spec->n_images; i++) {
		if (add_image(m, body, i, e) < 0)
			return -1;
	}
	if (body_end(body, &head, e) < 0 ||
	    container_head_write(&head, &m->head, e) < 0)
		return -1;
	m->manifest.payload_body_size = head.body_size;
	m->manifest.payload_head_size = m->head.len;
	return sha256(m->head.data, m->head.len, m->manifest.payload_head_sha256, e);
}

static int make_descriptor(struct making *m, struct err *e)
{
	const struct manifest *from = &m->manifest;
	struct descriptor d = {.key_index = m->spec->boot_key_index,
			       .security_version = from->security_version,
			       .n_hardware = from->n_hardware,
			       .n_images = from->n_images};

	memcpy(d.product, from->product, sizeof(d.product));
	memcpy(d.version, from->version, sizeof(d.version));
	memcpy(d.hardware, from->hardware, sizeof(d.hardware));
	memcpy(d.images, from->images, sizeof(d.images));
	if (descriptor_sign(&d, m->spec->boot_key, m->descriptor, e) < 0)
		return -1;
	return sha256(m->descriptor, DESCRIPTOR_LEN, m->manifest.descriptor_sha256, e);
}

/* Writes a part where the table says, the bytes up to there zero. */
static int put_part(int fd, const struct bundle *b, enum part_type type,
		    const void *data, struct err *e)
{
	const struct part *p = bundle_find(b, type, 0);

	return fd_pwrite_full(fd, data, (size_t)p->length, p->offset, e);
}

static int copy_body(int to_fd, uint64_t to_offset, int from_fd, uint64_t size,
		     struct err *e)
{
	uint8_t piece[CONTAINER_CHUNK];

	for (uint64_t at = 0; at < size;) {
		size_t n =
		    size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		if (fd_pread_full(from_fd, piece, n, at, e) < 0 ||
		    fd_pwrite_full(to_fd, piece, n, to_offset + at, e) < 0)
			return -1;
		at += n;
	}
	return 0;
}

static void add_part(struct bundle *b, enum part_type type, uint64_t length)
{
	b->parts[b->n_parts++] = (struct part){.type = type, .length = length};
}

static void list_parts(const struct making *m, struct bundle *b)
{
	const struct manifest *from = &m->manifest;

	add_part(b, PART_MANIFEST, m->manifest_text.len);
	if (from->n_images > 0) {
		add_part(b, PART_DESCRIPTOR, DESCRIPTOR_LEN);
		add_part(b, PART_HEAD, m->head.len);
		add_part(b, PART_BODY, from->payload_body_size);
	}
	for (size_t i = 0; i < from->n_files; i++)
		add_part(b, PART_FILE, from->files[i].size);
}

static int put_payload(const struct making *m, const struct bundle *b, int fd,
		       int scratch_fd, struct err *e)
{
	const struct part *body = bundle_find(b, PART_BODY, 0);

	if (body == NULL)
		return 0;
	if (put_part(fd, b, PART_DESCRIPTOR, m->descriptor, e) < 0 ||
	    put_part(fd, b, PART_HEAD, m->head.data, e) < 0)
		return -1;
	return copy_body(fd, body->offset, scratch_fd, body->length, e);
}

static int put_files(const struct making *m, const struct bundle *b, int fd,
		     struct err *e)
{
	for (size_t i = 0; i < m->manifest.n_files; i++) {
		if (files_copy(m->spec->files[m->file_order[i]].path,
			       &m->manifest.files[i], fd,
			       bundle_find(b, PART_FILE, i)->offset, e) < 0)
			return -1;
	}
	return 0;
}

static int assemble(struct making *m, int fd, int scratch_fd, struct err *e)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {.n_parts = 0};
	const struct part *last;

	list_parts(m, &b);
	if (bundle_layout(&b, &table, e) < 0 ||
	    fd_pwrite_full(fd, table.data, table.len, 0, e) < 0 ||
	    put_part(fd, &b, PART_MANIFEST, m->manifest_text.data, e) < 0 ||
	    put_payload(m, &b, fd, scratch_fd, e) < 0 || put_files(m, &b, fd, e) < 0)
		return -1;
	last = &b.parts[b.n_parts - 1];
	if (ftruncate(fd, (off_t)(last->offset + last->length)) < 0 ||
	    fchmod(fd, 0644) < 0 || fsync(fd) < 0)
		return err_sys(e, "write");
	return 0;
}

/* Puts the bundle together under a temporary name; *ret_name is empty if there is no
 * file. */
static int write_temporary(struct making *m, const char *out_path, int scratch_fd,
			   char ret_name[PATH_MAX], struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (text_format(ret_name, PATH_MAX, e, "%s.XXXXXX", out_path) < 0)
		return -1;
	fd = mkostemp(ret_name, O_CLOEXEC);
	if (fd < 0) {
		ret_name[0] = '\0';
		return err_sys(e, "create");
	}
	return assemble(m, fd, scratch_fd, e);
}

static int write_bundle(struct making *m, const char *out_path, int scratch_fd,
			struct err *e)
{
	char temporary[PATH_MAX] = "";

	if (write_temporary(m, out_path, scratch_fd, temporary, e) == 0) {
		if (rename(temporary, out_path) == 0)
			return dir_sync_around(out_path, e);
		(void)err_sys(e, "rename");
	}
	if (temporary[0] != '\0')
		(void)unlink(temporary);
	return err_wrap(e, "write %s", out_path);
}

/* A file without a name, where the bundle will be: it goes away by itself. */
static int open_scratch(const char *out_path, int *ret_fd, struct err *e)
{
	char name[PATH_MAX];

	if (text_format(name, sizeof(name), e, "%s.XXXXXX", out_path) < 0)
		return -1;
	*ret_fd = mkostemp(name, O_CLOEXEC);
	if (*ret_fd < 0)
		return err_sys(e, "write %s", out_path);
	(void)unlink(name);
	return 0;
}

static int make_images(struct making *m, const char *out_path, int *ret_scratch_fd,
		       struct err *e)
{
	if (m->spec->n_images == 0)
		return 0;
	if (open_scratch(out_path, ret_scratch_fd, e) < 0 ||
	    make_payload(m, *ret_scratch_fd, e) < 0)
		return -1;
	return make_descriptor(m, e);
}

int maker_make(const struct maker_spec *spec, const char *out_path, struct err *e)
{
	AUTO(making)
	struct making m = {.spec = spec,
			   .head = BUF_INIT(CONTAINER_HEAD_MAX_BYTES),
			   .manifest_text = BUF_INIT(MANIFEST_MAX_BYTES)};
	AUTO_CLOSE int scratch_fd = -1;

	if (take_identity(&m, e) < 0 || take_images(&m, e) < 0 ||
	    files_read(spec->files, spec->n_files, &m.manifest, m.file_order, e) < 0 ||
	    make_images(&m, out_path, &scratch_fd, e) < 0 ||
	    manifest_write(&m.manifest, &m.manifest_text, e) < 0)
		return err_wrap(e, "make bundle");
	return write_bundle(&m, out_path, scratch_fd, e);
}
