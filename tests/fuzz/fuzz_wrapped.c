/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around an unwrapped delta's decoder takes any plan, refuses it or stays
 * within what was allowed, and reads and makes what it says, of an image of zeros. */
#include "../../common/recode/wrap.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_MAX (1u << 20)
#define VIEW_MAX (4u << 20)
#define STEP 5000u

static int read_zeros(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	(void)ctx;
	(void)offset;
	(void)e;
	memset(ret, 0, len);
	return 0;
}

static int write_scratch(void *ctx, uint64_t offset, const void *data, size_t len,
			 struct err *e)
{
	(void)ctx;
	(void)offset;
	(void)data;
	(void)len;
	(void)e;
	return 0;
}

static int count(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	uint64_t *n = ctx;

	(void)data;
	(void)e;
	*n += len;
	return 0;
}

static void use(struct recode_wrap *w, uint64_t new_size, const uint64_t *made)
{
	uint8_t bytes[STEP];
	uint64_t size = recode_wrap_new_size(w), at;

	for (at = 0; at < recode_wrap_old_size(w) && at < VIEW_MAX; at += 3 * STEP)
		(void)!recode_wrap_read(w, bytes, STEP, at, NULL);
	memset(bytes, 0, sizeof(bytes));
	for (at = 0; at < size; at += STEP) {
		if (recode_wrap_add(w, at, bytes, STEP, NULL) < 0)
			return;
	}
	if (recode_wrap_end(w, NULL) == 0 && *made != (new_size + 4095) / 4096 * 4096)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(recode_plan) struct recode_plan plan = {0};
	AUTO_PTR(recode_wrap) struct recode_wrap *w = NULL;
	const struct recode_scratch scratch = {
	    {read_zeros, NULL}, write_scratch, 1u << 20};
	uint64_t made = 0;
	struct recode_wrap_spec spec = {
	    .plan = data,
	    .plan_len = size,
	    .means = {recode_codecs,
		      {.memory_bytes = 8u << 20, .scratch_bytes = 1u << 20}},
	    .old_image = {read_zeros, NULL},
	    .scratch = &scratch,
	    .out = {count, &made}};

	if (recode_plan_parse(data, size, &plan, NULL) < 0 ||
	    plan.old_map.image_size > IMAGE_MAX ||
	    recode_map_view_size(&plan.new_map) > VIEW_MAX)
		return 0;
	spec.old_blocks = (plan.old_map.image_size + 4095) / 4096;
	spec.new_size = plan.new_map.image_size;
	if (recode_wrap_new(&spec, &w, NULL) == 0)
		use(w, spec.new_size, &made);
	return 0;
}
