/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapped.h"

#include "../../common/base/text.h"

#include <string.h>

#define VIEW_MAX ((size_t)INT32_MAX)

static int add(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

static int write_view(const struct recode_plan *plan, const struct recode_map *map,
		      const struct recode_means *means, const uint8_t *data,
		      uint64_t size, struct buf *ret, struct err *e)
{
	const struct recode_out out = {.write = add, .ctx = ret};
	const struct unwrap_image image = {data, (size_t)size};

	return unwrap_view_write(plan, map, means->codecs, &image, &out, e);
}

/* The two views, as the delta's maker takes them. */
static int make_delta(const struct patch_spec *spec, const struct recode_means *means,
		      const struct recode_plan *plan, struct buf *ret_head,
		      struct buf *ret_body, struct err *e)
{
	AUTO(buf) struct buf old_view = BUF_INIT(VIEW_MAX);
	AUTO(buf) struct buf new_view = BUF_INIT(VIEW_MAX);
	AUTO(buf) struct buf bytes = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	struct patch_view view = {.means = *means};
	struct patch_spec patch = *spec;

	if (write_view(plan, &plan->old_map, means, spec->old_data, spec->old_size,
		       &old_view, e) < 0 ||
	    write_view(plan, &plan->new_map, means, spec->new_data, spec->new_size,
		       &new_view, e) < 0 ||
	    recode_plan_write(plan, &bytes, e) < 0)
		return -1;
	view.old_data = old_view.data;
	view.old_size = old_view.len;
	view.new_data = new_view.data;
	view.new_size = new_view.len;
	view.plan = bytes.data;
	view.plan_len = bytes.len;
	patch.view = &view;
	return patch_make(&patch, ret_head, ret_body, e);
}

int wrapped_make(const struct patch_spec *spec, const struct recode_means *means,
		 struct buf *ret_head, struct buf *ret_body,
		 struct unwrap_report *ret_report, struct err *e)
{
	AUTO(recode_plan) struct recode_plan plan = {0};
	const struct unwrap_image old_image = {spec->old_data, (size_t)spec->old_size};
	const struct unwrap_image new_image = {spec->new_data, (size_t)spec->new_size};
	const struct unwrap_options options = {means->codecs, means->limit};

	if (unwrap_plan_make(&old_image, &new_image, &options, &plan, ret_report, e) <
	    0)
		return -1;
	if (ret_report->n_proven == 0)
		return 0;
	return make_delta(spec, means, &plan, ret_head, ret_body, e);
}

int wrapped_read_plan(const struct container_head *h, const struct delta_source *body,
		      struct recode_plan *ret, struct err *e)
{
	const struct segment *s = container_plan(h, 0);
	AUTO(buf) struct buf bytes = BUF_INIT(RECODE_PLAN_MAX_BYTES);

	if (s == NULL)
		return err_set(e, ERR_NOT_FOUND, "it is not unwrapped");
	if (s->body_size > RECODE_PLAN_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "an unwrapping plan of %llu bytes",
			       (unsigned long long)s->body_size);
	if (buf_reserve(&bytes, (size_t)s->body_size, e) < 0 ||
	    body->read(body->ctx, bytes.data, (size_t)s->body_size, s->body_offset, e) <
		0)
		return -1;
	return recode_plan_parse(bytes.data, (size_t)s->body_size, ret, e);
}

/* ---- needs ---- */

static int add_codec(const struct recode_profile *p, char *ret, struct err *e)
{
	const struct recode_codec *c = recode_codec_find(recode_codecs, p->codec);
	char word[64];
	size_t len = strlen(ret);

	if (c == NULL)
		return err_set(e, ERR_INTERNAL, "codec %u is not here", p->codec);
	if (text_format(word, sizeof(word), e, "unwrap-%s-%s ", c->name, c->version()) <
	    0)
		return -1;
	if (strstr(ret, word) != NULL)
		return 0;
	return text_format(ret + len, WRAPPED_NEEDS_LEN + 1 - len, e, "%s", word);
}

int wrapped_needs(const struct recode_plan *plans, size_t n_plans,
		  char ret[WRAPPED_NEEDS_LEN + 1], struct err *e)
{
	struct recode_need most = {0};
	size_t len;

	ret[0] = '\0';
	for (size_t i = 0; i < n_plans; i++) {
		struct recode_need need;

		recode_plan_need(&plans[i], &need);
		if (need.memory_bytes > most.memory_bytes)
			most.memory_bytes = need.memory_bytes;
		if (need.scratch_bytes > most.scratch_bytes)
			most.scratch_bytes = need.scratch_bytes;
		for (size_t k = 1; k < plans[i].n_profiles; k++) {
			if (add_codec(&plans[i].profiles[k], ret, e) < 0)
				return -1;
		}
	}
	len = strlen(ret);
	return text_format(ret + len, WRAPPED_NEEDS_LEN + 1 - len, e,
			   "unwrap-memory-%llu unwrap-scratch-%llu",
			   (unsigned long long)most.memory_bytes,
			   (unsigned long long)most.scratch_bytes);
}
