/* SPDX-License-Identifier: Apache-2.0 */
/* A wrapped delta of any bytes is refused, or applied to an image of zeros, in the memory
 * that was allowed. */
#include "../../publish/unwrap/wrapped.h"

#define IMAGE_MAX (1u << 20)

static int forget(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)e;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wrapped_limits limits = {
	    .codecs = recode_codecs,
	    .need = {.memory_bytes = 8u << 20, .scratch_bytes = 1u << 20},
	    .delta_memory = 2u << 20};
	AUTO(wrapped_parts) struct wrapped_parts p = {0};
	AUTO_FREE uint8_t *zeros = NULL;
	const struct recode_out out = {.write = forget};
	struct unwrap_image image;

	if (wrapped_parse(data, size, &p, NULL) < 0 ||
	    p.plan.old_map.image_size > IMAGE_MAX)
		return 0;
	image.len = (size_t)p.plan.old_map.image_size;
	image.data = zeros = calloc(1, image.len + 1);
	if (zeros == NULL)
		return 0;
	/* It may well be a delta of zeros: taken or refused, both are right. */
	if (wrapped_apply(data, size, &image, &limits, &out, NULL) < 0)
		return 0;
	return 0;
}
