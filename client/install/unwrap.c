/* SPDX-License-Identifier: Apache-2.0 */
#include "unwrap.h"

#include "../../common/format/container.h"

static int read_image(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	struct delta_source *old = ctx;

	return old->read(old->ctx, ret, len, offset, e);
}

static int failed(const struct err *why, struct err *e)
{
	return err_set(e, ERR_INCOMPATIBLE, "unwrap: %.300s", why->text);
}

static int read_scratch(void *ctx, uint64_t offset, void *ret, size_t len,
			struct err *e)
{
	struct err why = ERR_INIT;

	for (size_t done = 0, n; done < len; done += n) {
		n = len - done < DEV_MAX_IO ? len - done : DEV_MAX_IO;
		if (dev_read(ctx, offset + done, (uint8_t *)ret + done, n, &why) < 0)
			return failed(&why, e);
	}
	return 0;
}

static int write_scratch(void *ctx, uint64_t offset, const void *data, size_t len,
			 struct err *e)
{
	struct err why = ERR_INIT;

	for (size_t done = 0, n; done < len; done += n) {
		n = len - done < DEV_MAX_IO ? len - done : DEV_MAX_IO;
		if (dev_write(ctx, offset + done, (const uint8_t *)data + done, n,
			      &why) < 0)
			return failed(&why, e);
	}
	return 0;
}

int unwrap_open(const struct unwrap_spec *s, struct recode_wrap **ret, struct err *e)
{
	const struct recode_scratch scratch = {{read_scratch, s->scratch},
					       write_scratch,
					       s->scratch != NULL ? s->scratch->size
								  : 0};
	struct recode_wrap_spec spec = {.plan = s->plan,
					.plan_len = s->plan_len,
					.means = *s->means,
					.old_image = {read_image, s->old},
					.old_blocks = s->old->size / VERITY_BLOCK,
					.new_size = s->new_size,
					.scratch = &scratch,
					.out = s->out};

	if (spec.means.limit.scratch_bytes > scratch.size)
		spec.means.limit.scratch_bytes = scratch.size;
	return recode_wrap_new(&spec, ret, e);
}
