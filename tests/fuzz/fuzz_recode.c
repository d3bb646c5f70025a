/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan, and after it the image that it is a plan of: {u16 length of the plan, plan,
 * image}. A plan that is taken is written back as the same bytes; its view can be read
 * and packed within the memory that it declares, whatever the image holds.
 */
#include "../../common/base/bytes.h"
#include "../../common/recode/pack.h"
#include "../../common/recode/view.h"

#include <string.h>

#define MEMORY (32u << 20)
#define SCRATCH (1u << 20)

struct image {
	const uint8_t *data;
	size_t len;
};

static int read_image(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	const struct image *i = ctx;

	if (offset > i->len || len > i->len - offset)
		return err_set(e, ERR_RANGE, "outside the image");
	memcpy(ret, i->data + offset, len);
	return 0;
}

static int read_scratch(void *ctx, uint64_t offset, void *ret, size_t len,
			struct err *e)
{
	(void)e;
	memcpy(ret, (uint8_t *)ctx + offset, len);
	return 0;
}

static int write_scratch(void *ctx, uint64_t offset, const void *data, size_t len,
			 struct err *e)
{
	(void)e;
	if (offset + len > SCRATCH)
		abort();
	memcpy((uint8_t *)ctx + offset, data, len);
	return 0;
}

static int forget(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)e;
	return 0;
}

/* What the old view holds goes into the new one, as far as both can. */
static void run(const struct recode_plan *p, struct image *image, uint8_t *scratch_area)
{
	AUTO_PTR(recode_view) struct recode_view *v = NULL;
	AUTO_PTR(recode_pack) struct recode_pack *r = NULL;
	const struct recode_reader reader = {.read = read_image, .ctx = image};
	const struct recode_scratch scratch = {
	    .reader = {.read = read_scratch, .ctx = scratch_area},
	    .write = write_scratch,
	    .size = SCRATCH};
	const struct recode_out out = {.write = forget};
	uint8_t bytes[4096];

	if (recode_view_new(p, &p->old_map, recode_codecs, &reader, &scratch, &v,
			    NULL) < 0 ||
	    recode_pack_new(p, recode_codecs, &out, &r, NULL) < 0)
		return;
	for (uint64_t at = 0; at < 64 * sizeof(bytes); at += sizeof(bytes)) {
		if (recode_view_read(v, at, bytes, sizeof(bytes), NULL) < 0)
			memset(bytes, (int)at, sizeof(bytes));
		if (recode_pack_add(r, bytes, sizeof(bytes), NULL) < 0)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct recode_need limit = {.memory_bytes = MEMORY,
					  .scratch_bytes = SCRATCH};
	AUTO(buf) struct buf back = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	AUTO(recode_plan) struct recode_plan p = {0};
	AUTO_FREE uint8_t *scratch = NULL;
	struct image image;
	size_t plan_len;

	if (size < 2 || (plan_len = load_le16(data)) > size - 2 ||
	    recode_plan_parse(data + 2, plan_len, &p, NULL) < 0)
		return 0;
	if (recode_plan_write(&p, &back, NULL) < 0 || back.len != plan_len ||
	    memcmp(back.data, data + 2, plan_len) != 0)
		abort();
	image = (struct image){.data = data + 2 + plan_len, .len = size - 2 - plan_len};
	if (image.len != p.old_map.image_size ||
	    recode_plan_check(&p, recode_codecs, &limit, NULL) < 0)
		return 0;
	scratch = malloc(SCRATCH);
	if (scratch != NULL)
		run(&p, &image, scratch);
	return 0;
}
