/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapped.h"

#include "../../common/base/bytes.h"
#include "../../common/crypto/digest.h"
#include "../../common/recode/pack.h"
#include "../../common/recode/view.h"
#include "frames.h"

#include <string.h>

#define VIEW_MAX ((size_t)INT32_MAX)

static const char magic[8] = "OTAWRDL1";

static int add(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

/* The two views, as the delta's maker takes them. */
static int make_delta(const struct wrapped_spec *spec, const struct recode_plan *plan,
		      struct buf *head, struct buf *body, struct err *e)
{
	AUTO(buf) struct buf old_view = BUF_INIT(VIEW_MAX);
	AUTO(buf) struct buf new_view = BUF_INIT(VIEW_MAX);
	const struct recode_out to_old = {.write = add, .ctx = &old_view};
	const struct recode_out to_new = {.write = add, .ctx = &new_view};
	struct patch_spec patch = {.max_memory = spec->delta_memory,
				   .progress = spec->progress,
				   .ctx = spec->ctx};

	if (unwrap_view_write(plan, &plan->old_map, spec->options.codecs,
			      &spec->old_image, &to_old, e) < 0 ||
	    unwrap_view_write(plan, &plan->new_map, spec->options.codecs,
			      &spec->new_image, &to_new, e) < 0)
		return -1;
	patch.old_data = old_view.data;
	patch.old_size = old_view.len;
	patch.new_data = new_view.data;
	patch.new_size = new_view.len;
	return patch_make(&patch, head, body, e);
}

static int join(const struct wrapped_spec *spec, const struct recode_plan *plan,
		const struct buf *head, const struct buf *body, struct buf *ret,
		struct err *e)
{
	AUTO(buf) struct buf plan_bytes = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	uint8_t h[WRAPPED_HEAD_LEN] = {0};

	if (recode_plan_write(plan, &plan_bytes, e) < 0)
		return -1;
	memcpy(h, magic, sizeof(magic));
	store_le32(h + 8, (uint32_t)plan_bytes.len);
	store_le32(h + 12, (uint32_t)head->len);
	store_le64(h + 16, body->len);
	if (sha256(spec->new_image.data, spec->new_image.len, h + 32, e) < 0 ||
	    buf_add(ret, h, sizeof(h), e) < 0 ||
	    buf_add(ret, plan_bytes.data, plan_bytes.len, e) < 0 ||
	    buf_add(ret, head->data, head->len, e) < 0)
		return -1;
	return buf_add(ret, body->data, body->len, e);
}

static int compare(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct unwrap_source *expected = ctx;

	if (len > expected->left || memcmp(expected->at, data, len) != 0)
		return err_set(e, ERR_INTERNAL, "the result differs");
	expected->at += len;
	expected->left -= len;
	return 0;
}

/* The whole way, as a device goes it. */
static int prove(const struct wrapped_spec *spec, const struct buf *made, size_t from,
		 struct err *e)
{
	const struct wrapped_limits limits = {.codecs = spec->options.codecs,
					      .need = spec->options.limit,
					      .delta_memory = UINT64_MAX};
	struct unwrap_source expected = {.at = spec->new_image.data,
					 .left = spec->new_image.len};
	const struct recode_out out = {.write = compare, .ctx = &expected};

	return wrapped_apply(made->data + from, made->len - from, &spec->old_image,
			     &limits, &out, e);
}

int wrapped_make(const struct wrapped_spec *spec, struct buf *ret,
		 struct unwrap_report *ret_report, struct err *e)
{
	AUTO(recode_plan) struct recode_plan plan = {0};
	AUTO(buf) struct buf head = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	AUTO(buf) struct buf body = BUF_INIT(VIEW_MAX);
	size_t from = ret->len;

	if (unwrap_plan_make(&spec->old_image, &spec->new_image, &spec->options, &plan,
			     ret_report, e) < 0)
		return -1;
	if (ret_report->n_proven == 0)
		return 0;
	if (make_delta(spec, &plan, &head, &body, e) < 0 ||
	    join(spec, &plan, &head, &body, ret, e) < 0)
		return -1;
	if (prove(spec, ret, from, e) < 0)
		return err_wrap(e, "apply what was made");
	return 0;
}

bool wrapped_is_one(const uint8_t *data, size_t len)
{
	return len >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0;
}

static int parse(const uint8_t *data, size_t len, struct wrapped_parts *p,
		 struct err *e)
{
	uint64_t plan_len;
	uint64_t head_len;

	if (len < WRAPPED_HEAD_LEN || !wrapped_is_one(data, len))
		return err_set(e, ERR_FORMAT, "not a wrapped delta");
	if (load_le64(data + 24) != 0)
		return err_set(e, ERR_UNSUPPORTED, "a wrapped delta of a later kind");
	plan_len = load_le32(data + 8);
	head_len = load_le32(data + 12);
	p->body_len = len - WRAPPED_HEAD_LEN;
	if (plan_len + head_len > p->body_len ||
	    load_le64(data + 16) != p->body_len - plan_len - head_len)
		return err_set(e, ERR_FORMAT, "the wrapped delta's parts do not fit");
	p->body_len -= (size_t)(plan_len + head_len);
	memcpy(p->digest, data + 32, SHA256_LEN);
	data += WRAPPED_HEAD_LEN;
	if (recode_plan_parse(data, (size_t)plan_len, &p->plan, e) < 0 ||
	    container_head_parse(data + plan_len, (size_t)head_len, &p->head, e) < 0)
		return -1;
	p->body = data + plan_len + head_len;
	if (p->head.kind != CONTAINER_DELTA || p->head.n_images != 1 ||
	    p->head.body_size != p->body_len ||
	    p->head.images[0].size != recode_map_view_size(&p->plan.new_map))
		return err_set(e, ERR_FORMAT, "its delta is not that of the new view");
	return 0;
}

int wrapped_parse(const uint8_t *data, size_t len, struct wrapped_parts *ret,
		  struct err *e)
{
	AUTO(wrapped_parts) struct wrapped_parts p = {0};

	if (parse(data, len, &p, e) < 0)
		return -1;
	*ret = p;
	p = (struct wrapped_parts){0};
	return 0;
}

void wrapped_parts_fini(struct wrapped_parts *p)
{
	recode_plan_fini(&p->plan);
	container_head_fini(&p->head);
}

/* What stands in memory and is read by place. */
struct memory {
	const uint8_t *data;
	uint64_t size;
};

/* The same, to be written. */
struct area {
	uint8_t *data;
	uint64_t size;
};

static int read_memory(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	const struct memory *m = ctx;

	if (offset > m->size || len > m->size - offset)
		return err_set(e, ERR_RANGE, "beyond the end");
	memcpy(ret, m->data + offset, len);
	return 0;
}

static int read_body(void *ctx, void *ret, size_t len, uint64_t offset, struct err *e)
{
	return read_memory(ctx, offset, ret, len, e);
}

static int read_area(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	const struct area *a = ctx;
	struct memory m = {a->data, a->size};

	return read_memory(&m, offset, ret, len, e);
}

static int write_area(void *ctx, uint64_t offset, const void *data, size_t len,
		      struct err *e)
{
	struct area *a = ctx;

	if (offset > a->size || len > a->size - offset)
		return err_set(e, ERR_RANGE, "beyond the scratch area");
	memcpy(a->data + offset, data, len);
	return 0;
}

/* One application: the old view as the delta reads it, the packer as it writes. */
struct application {
	struct recode_view *view;
	uint64_t view_size; /* of the old one; zeros follow to a block's end */
	struct recode_pack *pack;
	uint64_t left; /* bytes of the new view; after them only padding comes */
	struct digest *digest;
	const struct recode_out *out;
	struct area scratch;
};

static void application_fini(struct application *a)
{
	recode_view_free(a->view);
	recode_pack_free(a->pack);
	digest_free(a->digest);
	free(a->scratch.data);
}

static int read_view(void *ctx, void *ret, size_t len, uint64_t offset, struct err *e)
{
	struct application *a = ctx;
	uint64_t left = offset < a->view_size ? a->view_size - offset : 0;
	size_t n = len < left ? len : (size_t)left;

	memset((uint8_t *)ret + n, 0, len - n);
	return n == 0 ? 0 : recode_view_read(a->view, offset, ret, n, e);
}

static int write_view(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct application *a = ctx;
	size_t n = len < a->left ? len : (size_t)a->left;

	a->left -= n;
	return recode_pack_add(a->pack, data, n, e);
}

static int write_image(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct application *a = ctx;

	if (digest_add(a->digest, data, len, e) < 0)
		return -1;
	return a->out->write(a->out->ctx, data, len, e);
}

static int set_up(struct application *a, const struct wrapped_parts *p,
		  struct memory *old_image, const struct wrapped_limits *limits,
		  const struct recode_out *to_image, struct err *e)
{
	const struct recode_reader reader = {.read = read_memory, .ctx = old_image};
	struct recode_scratch scratch = {
	    .reader = {.read = read_area, .ctx = &a->scratch}, .write = write_area};
	struct recode_need need;

	if (recode_plan_check(&p->plan, limits->codecs, &limits->need, e) < 0)
		return -1;
	recode_plan_need(&p->plan, &need);
	a->scratch =
	    (struct area){malloc((size_t)need.scratch_bytes + 1), need.scratch_bytes};
	a->digest = digest_new(DIGEST_SHA256, e);
	if (a->scratch.data == NULL)
		return err_nomem(e);
	scratch.size = need.scratch_bytes;
	if (a->digest == NULL ||
	    recode_view_new(&p->plan, &p->plan.old_map, limits->codecs, &reader,
			    &scratch, &a->view, e) < 0)
		return -1;
	a->view_size = recode_map_view_size(&p->plan.old_map);
	a->left = recode_map_view_size(&p->plan.new_map);
	return recode_pack_new(&p->plan, limits->codecs, to_image, &a->pack, e);
}

static int finish(struct application *a, const struct wrapped_parts *p, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (recode_pack_end(a->pack, e) < 0 || digest_end(a->digest, digest, e) < 0)
		return -1;
	if (memcmp(digest, p->digest, sizeof(digest)) != 0)
		return err_set(e, ERR_DIGEST, "the result is not the new image");
	return 0;
}

int wrapped_apply(const uint8_t *data, size_t len, const struct unwrap_image *old_image,
		  const struct wrapped_limits *limits, const struct recode_out *out,
		  struct err *e)
{
	AUTO(wrapped_parts) struct wrapped_parts p = {0};
	AUTO(application) struct application a = {.out = out};
	struct memory old_memory = {old_image->data, old_image->len};
	struct memory body = {0};
	const struct recode_out to_image = {.write = write_image, .ctx = &a};
	const struct patch_target target = {write_view, &a};

	if (wrapped_parse(data, len, &p, e) < 0)
		return -1;
	if (p.plan.old_map.image_size != old_image->len)
		return err_set(e, ERR_INCOMPATIBLE,
			       "the old image has %zu bytes, not %llu", old_image->len,
			       (unsigned long long)p.plan.old_map.image_size);
	if (set_up(&a, &p, &old_memory, limits, &to_image, e) < 0)
		return -1;
	body = (struct memory){p.body, p.body_len};
	{
		const struct delta_source body_source = {read_body, &body, p.body_len};
		const struct delta_source old_source = {
		    read_view, &a, verity_n_blocks(a.view_size) * VERITY_BLOCK};

		if (patch_apply(&p.head, &body_source, &old_source,
				limits->delta_memory, &target, e) < 0)
			return -1;
	}
	return finish(&a, &p, e);
}
