/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap.h"

#include "pack.h"

#include <string.h>

#define BLOCK 4096u

struct recode_wrap {
	struct recode_plan plan;
	struct recode_out out;
	struct recode_view *old_view;
	struct recode_pack *pack;
	uint64_t view_at;  /* the next byte of the view that is wanted */
	uint64_t image_at; /* and that the packer makes next */
	uint64_t wanted;   /* bytes of the image before this one are dropped */
};

static uint64_t whole_blocks(uint64_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* From the packer. */
static int put(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct recode_wrap *w = ctx;
	uint64_t early = w->image_at < w->wanted ? w->wanted - w->image_at : 0;
	size_t skip = early < len ? (size_t)early : len;

	w->image_at += len;
	if (skip == len)
		return 0;
	return w->out.write(w->out.ctx, data + skip, len - skip, e);
}

static int check_images(const struct recode_wrap *w,
			const struct recode_wrap_spec *spec, struct err *e)
{
	uint64_t old_size = w->plan.old_map.image_size;

	if (whole_blocks(old_size) != spec->old_blocks * BLOCK ||
	    w->plan.new_map.image_size != spec->new_size)
		return err_set(e, ERR_INCOMPATIBLE,
			       "the unwrapping plan leads from %llu to %llu bytes",
			       (unsigned long long)old_size,
			       (unsigned long long)w->plan.new_map.image_size);
	return 0;
}

static int set_up(struct recode_wrap *w, const struct recode_wrap_spec *spec,
		  struct err *e)
{
	static const struct recode_codec *const none[] = {NULL};
	const struct recode_codec *const *codecs =
	    spec->means.codecs != NULL ? spec->means.codecs : none;
	const struct recode_out to_image = {put, w};

	if (spec->plan_len > spec->means.limit.memory_bytes)
		return err_set(e, ERR_LIMIT,
			       "unwrapping needs %zu bytes for its plan alone",
			       spec->plan_len);
	if (recode_plan_parse(spec->plan, spec->plan_len, &w->plan, e) < 0 ||
	    check_images(w, spec, e) < 0 ||
	    recode_plan_check(&w->plan, codecs, &spec->means.limit, e) < 0 ||
	    recode_view_new(&w->plan, &w->plan.old_map, codecs, &spec->old_image,
			    spec->scratch, &w->old_view, e) < 0)
		return -1;
	w->out = spec->out;
	return recode_pack_new(&w->plan, codecs, &to_image, &w->pack, e);
}

int recode_wrap_new(const struct recode_wrap_spec *spec, struct recode_wrap **ret,
		    struct err *e)
{
	AUTO_PTR(recode_wrap) struct recode_wrap *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	if (set_up(w, spec, e) < 0)
		return -1;
	*ret = TAKE(w);
	return 0;
}

void recode_wrap_free(struct recode_wrap *w)
{
	if (w == NULL)
		return;
	recode_view_free(w->old_view);
	recode_pack_free(w->pack);
	recode_plan_fini(&w->plan);
	free(w);
}

uint64_t recode_wrap_old_size(const struct recode_wrap *w)
{
	return whole_blocks(recode_map_view_size(&w->plan.old_map));
}

uint64_t recode_wrap_new_size(const struct recode_wrap *w)
{
	return whole_blocks(recode_map_view_size(&w->plan.new_map));
}

int recode_wrap_read(void *ctx, void *ret, size_t len, uint64_t offset, struct err *e)
{
	struct recode_wrap *w = ctx;
	uint64_t size = recode_map_view_size(&w->plan.old_map);
	uint64_t left = offset < size ? size - offset : 0;
	size_t n = len < left ? len : (size_t)left;

	memset((uint8_t *)ret + n, 0, len - n);
	return n == 0 ? 0 : recode_view_read(w->old_view, offset, ret, n, e);
}

int recode_wrap_seek(struct recode_wrap *w, uint64_t image_at, uint64_t *ret_view_at,
		     struct err *e)
{
	recode_plan_restart(&w->plan, image_at, &w->view_at, &w->image_at);
	w->wanted = image_at;
	*ret_view_at = w->view_at;
	return recode_pack_seek(w->pack, w->view_at, e);
}

int recode_wrap_add(struct recode_wrap *w, uint64_t view_at, const uint8_t *data,
		    size_t len, struct err *e)
{
	uint64_t size = recode_map_view_size(&w->plan.new_map);
	uint64_t early = view_at < w->view_at ? w->view_at - view_at : 0;
	uint64_t n;

	if (view_at > w->view_at && w->view_at < size)
		return err_set(e, ERR_INTERNAL, "a part of the view is missing");
	if (early >= len || w->view_at >= size)
		return 0;
	n = len - early;
	if (n > size - w->view_at)
		n = size - w->view_at;
	w->view_at += n;
	return recode_pack_add(w->pack, data + early, (size_t)n, e);
}

int recode_wrap_end(struct recode_wrap *w, struct err *e)
{
	static const uint8_t zeros[BLOCK];
	uint64_t size = w->plan.new_map.image_size;

	if (recode_pack_end(w->pack, e) < 0)
		return -1;
	return w->out.write(w->out.ctx, zeros, (size_t)(whole_blocks(size) - size), e);
}
