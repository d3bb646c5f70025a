/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota delta: from one image to the next, for whoever wants to see what it costs. A patch
 * file is a payload container (docs/formats/container.md), its head followed by its
 * body. The verbs make, apply, info.
 */
#include "../common/base/bytes.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../publish/diff/patch.h"
#include "delta_unwrap.h"
#include "ota.h"
#include "table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define BODY_MAX ((size_t)1 << 32)

const struct option delta_make_options[] = {
    {NULL, "salt", OPT_TEXT, AT(salt), NULL, "HEX",
     "The salt of the images' Merkle trees, 64 digits; zeros if not given"},
    {NULL, "memory", OPT_SIZE, AT(delta_memory), "0", NULL,
     "What a device's decoder may take at most; 0 leaves it below 2 MiB"},
    {NULL, "unwrap", OPT_TEXT, AT(unwrap), NULL, "CODECS",
     "Look through compression that a device with these codecs can make again: all, or "
     "of zstd,deflate,xz,lz4"},
    OPTIONS_UNWRAP_LIMITS,
    OPTION_END,
};

const struct option delta_apply_options[] = {
    {NULL, "memory", OPT_SIZE, AT(delta_memory), "2MiB", NULL,
     "Refuse a delta whose decoder needs more"},
    OPTIONS_UNWRAP_LIMITS,
    OPTION_END,
};

/* A file in memory, as far as it is looked at. */
struct mapped {
	uint8_t *data;
	size_t size;
};

static void mapped_fini(struct mapped *m)
{
	if (m->data != NULL)
		(void)munmap(m->data, m->size);
}

static int open_sized(const char *path, int *ret_fd, uint64_t *ret_size, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is no file", path);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int map_file(const char *path, struct mapped *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uint64_t size;
	void *data;

	if (open_sized(path, &fd, &size, e) < 0)
		return -1;
	if (size == 0)
		return err_set(e, ERR_USAGE, "%s is empty", path);
	data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(e, "%s", path);
	*ret = (struct mapped){data, (size_t)size};
	return 0;
}

static int draw(void *ctx, unsigned permille)
{
	progress_at(ctx, permille, 1000);
	return 0;
}

static int make_patch(const struct ota *o, struct patch_spec *spec, struct buf *head,
		      struct buf *body, struct err *e)
{
	AUTO(progress) struct progress bar;
	bool made = false;

	progress_begin(&bar, "comparing");
	spec->progress = draw;
	spec->ctx = &bar;
	if (o->unwrap != NULL && delta_unwrap_make(o, spec, head, body, &made, e) < 0)
		return -1;
	return made ? 0 : patch_make(spec, head, body, e);
}

/* One JSON value, or a sentence. */
static int say_made(const struct ota *o, const char *path, uint64_t patch_size,
		    uint64_t new_size, struct err *e)
{
	char patch_text[32], new_text[32];
	AUTO_PTR(json) struct json *j = NULL;

	if (o->json) {
		j = json_new_object();
		if (json_set(j, "size", json_new_int((int64_t)patch_size), e) < 0 ||
		    json_set(j, "new_size", json_new_int((int64_t)new_size), e) < 0)
			return -1;
		return print_json(j, e);
	}
	size_format(patch_size, patch_text, sizeof(patch_text));
	size_format(new_size, new_text, sizeof(new_text));
	printf("%s: %s (%" PRIu64 " bytes) for an image of %s, applied and compared\n",
	       path, patch_text, patch_size, new_text);
	return 0;
}

RUN(delta_make)
{
	const struct ota *o = values;
	AUTO(mapped) struct mapped old_file = {0};
	AUTO(mapped) struct mapped new_file = {0};
	AUTO(buf) struct buf head = BUF_INIT(BODY_MAX);
	AUTO(buf) struct buf body = BUF_INIT(BODY_MAX);
	struct patch_spec spec = {.max_memory = o->delta_memory};

	(void)n_operands;
	(void)log;
	if (o->salt != NULL && hex_decode(o->salt, spec.salt, VERITY_SALT_LEN, e) < 0)
		return err_wrap(e, "--salt");
	if (map_file(operands[0], &old_file, e) < 0 ||
	    map_file(operands[1], &new_file, e) < 0)
		return -1;
	spec.old_data = old_file.data;
	spec.old_size = old_file.size;
	spec.new_data = new_file.data;
	spec.new_size = new_file.size;
	if (make_patch(o, &spec, &head, &body, e) < 0 ||
	    buf_add(&head, body.data, body.len, e) < 0 ||
	    file_replace(operands[2], head.data, head.len, 0644, e) < 0)
		return err_wrap(e, "make %s", operands[2]);
	return say_made(o, operands[2], head.len, new_file.size, e);
}

/* A patch file that is open: its head, and where its body begins. */
struct patch {
	int fd;
	uint64_t size, body_at;
	struct container_head head;
};

static void patch_fini(struct patch *p)
{
	cleanup_close_(&p->fd);
	container_head_fini(&p->head);
}

static int read_body(void *ctx, void *ret_data, size_t len, uint64_t offset,
		     struct err *e)
{
	const struct patch *p = ctx;

	return fd_pread_full(p->fd, ret_data, len, p->body_at + offset, e);
}

static int load_patch(struct patch *p, const char *path, struct err *e)
{
	AUTO(buf) struct buf head = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	uint8_t fixed[24];

	if (open_sized(path, &p->fd, &p->size, e) < 0)
		return -1;
	if (p->size < sizeof(fixed))
		return err_set(e, ERR_FORMAT, "not a delta: %" PRIu64 " bytes",
			       p->size);
	if (fd_pread_full(p->fd, fixed, sizeof(fixed), 0, e) < 0)
		return -1;
	p->body_at = load_le64(fixed + 16);
	if (p->body_at > p->size || p->body_at > CONTAINER_HEAD_MAX_BYTES)
		return err_set(e, ERR_FORMAT, "not a delta");
	if (buf_reserve(&head, (size_t)p->body_at, e) < 0 ||
	    fd_pread_full(p->fd, head.data, (size_t)p->body_at, 0, e) < 0 ||
	    container_head_parse(head.data, (size_t)p->body_at, &p->head, e) < 0)
		return -1;
	if (p->head.kind != CONTAINER_DELTA || p->head.n_images != 1)
		return err_set(e, ERR_UNSUPPORTED, "not the delta of one image");
	if (p->size - p->body_at != p->head.body_size)
		return err_set(e, ERR_FORMAT, "%" PRIu64 " bytes of body, not %" PRIu64,
			       p->size - p->body_at, p->head.body_size);
	return 0;
}

/* The old image: a file, and zeros to the end of its last block. */
struct old_image {
	int fd;
	uint64_t size;
};

static void old_image_fini(struct old_image *o)
{
	cleanup_close_(&o->fd);
}

static int read_old(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e)
{
	const struct old_image *o = ctx;
	uint64_t left = offset < o->size ? o->size - offset : 0;
	size_t n = len < left ? len : (size_t)left;

	memset((uint8_t *)ret_data + n, 0, len - n);
	return n == 0 ? 0 : fd_pread_full(o->fd, ret_data, n, offset, e);
}

/* What is made goes beside the name it will have. */
struct result {
	int fd;
	uint64_t left; /* bytes of the image; the padding is not written */
	struct progress *bar;
	uint64_t size;
};

static int write_result(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct result *r = ctx;
	size_t n = len < r->left ? len : (size_t)r->left;

	r->left -= n;
	progress_at(r->bar, r->size - r->left, r->size);
	return fd_write_full(r->fd, data, n, e);
}

static int apply_to(struct patch *p, struct old_image *old, int fd,
		    const struct patch_limits *limits, struct err *e)
{
	AUTO(progress) struct progress bar;
	uint64_t size = p->head.images[0].size;
	struct result r = {fd, size, &bar, size};
	const struct delta_source body = {read_body, p, p->head.body_size};
	const struct delta_source source = {read_old, old,
					    verity_n_blocks(old->size) * VERITY_BLOCK};
	const struct patch_target target = {write_result, &r};

	progress_begin(&bar, "applying");
	if (patch_apply(&p->head, &body, &source, limits, &target, e) < 0)
		return -1;
	return fsync(fd) < 0 ? err_sys(e, "flush") : 0;
}

static int apply_and_name(struct patch *p, struct old_image *old, const char *path,
			  const struct patch_limits *limits, struct err *e)
{
	char beside[4096];
	AUTO_CLOSE int fd = -1;
	int result;

	if (text_format(beside, sizeof(beside), e, "%s.part", path) < 0)
		return -1;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "%s", beside);
	result = apply_to(p, old, fd, limits, e);
	if (result == 0 && rename(beside, path) < 0)
		result = err_sys(e, "%s", path);
	if (result < 0) {
		(void)unlink(beside);
		return -1;
	}
	return dir_sync_around(path, e);
}

RUN(delta_apply)
{
	const struct ota *o = values;
	AUTO(patch) struct patch p = {.fd = -1};
	AUTO(old_image) struct old_image old = {.fd = -1};
	const struct patch_limits limits = {o->delta_memory, delta_unwrap_means(o)};

	(void)n_operands;
	(void)log;
	if (open_sized(operands[0], &old.fd, &old.size, e) < 0)
		return -1;
	if (load_patch(&p, operands[1], e) < 0 ||
	    apply_and_name(&p, &old, operands[2], &limits, e) < 0)
		return err_wrap(e, "apply %s", operands[1]);
	return 0;
}

static int set_int(struct json *j, const char *name, uint64_t value, struct err *e)
{
	return json_set(j, name, json_new_int((int64_t)value), e);
}

/* What an open patch is made of. */
struct parts {
	struct delta_head map;
	struct recode_plan plan; /* without pieces: the images are not unwrapped */
};

static void parts_fini(struct parts *p)
{
	recode_plan_fini(&p->plan);
}

static size_t n_segments(const struct patch *p, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < p->head.n_segments; i++) {
		const struct segment *s = &p->head.segments[i];

		n += s->n_blocks > 0 && (all || (s->flags & SEG_CONTINUES) == 0);
	}
	return n;
}

static int print_info_json(const struct patch *p, const struct parts *parts,
			   struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();
	const struct container_image *c = &p->head.images[0];
	const struct delta_head *h = &parts->map;

	if (set_int(j, "size", p->size, e) < 0 ||
	    set_int(j, "head_size", p->body_at, e) < 0 ||
	    set_int(j, "body_size", p->head.body_size, e) < 0 ||
	    set_int(j, "old_blocks_size", h->old_size, e) < 0 ||
	    set_int(j, "new_size", c->size, e) < 0 ||
	    json_set(j, "base_root", json_new_hex(c->base_root, SHA256_LEN), e) < 0 ||
	    json_set(j, "salt", json_new_hex(c->salt, VERITY_SALT_LEN), e) < 0 ||
	    set_int(j, "memory", h->memory, e) < 0 ||
	    set_int(j, "window", h->window, e) < 0 ||
	    set_int(j, "map_size", h->map_size, e) < 0 ||
	    set_int(j, "pieces", h->n_pieces, e) < 0 ||
	    set_int(j, "rows", h->n_rows, e) < 0 ||
	    set_int(j, "segments", n_segments(p, true), e) < 0)
		return -1;
	if (parts->plan.n_profiles > 0 && delta_unwrap_json(&parts->plan, j, e) < 0)
		return -1;
	return print_json(j, e);
}

static void print_info(const struct patch *p, const struct parts *parts)
{
	const struct container_image *c = &p->head.images[0];
	const struct delta_head *h = &parts->map;
	char root[2 * SHA256_LEN + 1];

	hex_encode(c->base_root, SHA256_LEN, root);
	printf("from    root hash %s\n", root);
	printf("to      %" PRIu64 " bytes\n", c->size);
	printf("patch   %" PRIu64 " bytes: head %" PRIu64 ", map %u, all else %" PRIu64
	       "\n",
	       p->size, p->body_at, (unsigned)h->map_size,
	       p->head.body_size - h->map_size);
	printf("map     %u pieces, %u rows of addresses\n", (unsigned)h->n_pieces,
	       (unsigned)h->n_rows);
	printf("output  %zu segments; %zu of them can be resumed at\n",
	       n_segments(p, true), n_segments(p, false));
	printf("memory  %" PRIu64 " bytes, window %u\n", h->memory,
	       (unsigned)h->window);
	if (parts->plan.n_profiles > 0)
		delta_unwrap_print(&parts->plan);
}

static int read_parts(struct patch *p, struct parts *ret, struct err *e)
{
	const struct delta_source body = {read_body, p, p->head.body_size};

	if (container_plan(&p->head, 0) != NULL &&
	    wrapped_read_plan(&p->head, &body, &ret->plan, e) < 0)
		return -1;
	return patch_read_map_head(&p->head, &body, &ret->map, e);
}

RUN(delta_info)
{
	const struct ota *o = values;
	AUTO(patch) struct patch p = {.fd = -1};
	AUTO(parts) struct parts parts = {0};

	(void)n_operands;
	(void)log;
	if (load_patch(&p, operands[0], e) < 0 || read_parts(&p, &parts, e) < 0)
		return err_wrap(e, "%s", operands[0]);
	if (o->json)
		return print_info_json(&p, &parts, e);
	print_info(&p, &parts);
	return 0;
}
