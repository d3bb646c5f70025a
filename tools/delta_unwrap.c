/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_unwrap.h"

#include "table.h"

#include <inttypes.h>
#include <string.h>

struct recode_means delta_unwrap_means(const struct ota *o)
{
	return (struct recode_means){
	    .codecs = recode_codecs,
	    .limit = {.memory_bytes = o->unwrap_memory, .scratch_bytes = o->scratch}};
}

int delta_unwrap_make(const struct ota *o, const struct patch_spec *spec,
		      struct buf *ret_head, struct buf *ret_body, bool *ret_made,
		      struct err *e)
{
	struct recode_means means = delta_unwrap_means(o);
	struct unwrap_report report = {0};
	struct recode_codec_list codecs;

	if (recode_codecs_parse(recode_codecs, o->unwrap, &codecs, e) < 0)
		return err_wrap(e, "--unwrap");
	means.codecs = codecs.codecs;
	if (wrapped_make(spec, &means, ret_head, ret_body, &report, e) < 0)
		return -1;
	*ret_made = report.n_proven > 0;
	if (!o->json && *ret_made)
		printf("through %zu of %zu frames; %zu are unchanged\n",
		       report.n_proven, report.n_new, report.n_unchanged);
	return 0;
}

static int set_int(struct json *j, const char *name, uint64_t value, struct err *e)
{
	return json_set(j, name, json_new_int((int64_t)value), e);
}

int delta_unwrap_json(const struct recode_plan *p, struct json *j, struct err *e)
{
	struct recode_need need;

	recode_plan_need(p, &need);
	if (set_int(j, "old_view_size", recode_map_view_size(&p->old_map), e) < 0 ||
	    set_int(j, "new_view_size", recode_map_view_size(&p->new_map), e) < 0 ||
	    set_int(j, "unwrap_memory", need.memory_bytes, e) < 0)
		return -1;
	return set_int(j, "scratch", need.scratch_bytes, e);
}

void delta_unwrap_print(const struct recode_plan *p)
{
	struct recode_need need;

	recode_plan_need(p, &need);
	printf("views   %" PRIu64 " and %" PRIu64 " bytes\n",
	       recode_map_view_size(&p->old_map), recode_map_view_size(&p->new_map));
	for (size_t i = 1; i < p->n_profiles; i++) {
		const struct recode_profile *f = &p->profiles[i];
		const struct recode_codec *c =
		    recode_codec_find(recode_codecs, f->codec);

		printf("codec   %s %s\n", c != NULL ? c->name : "unknown",
		       f->version[0] != '\0' ? f->version : "to decode");
	}
	printf("frames  %" PRIu64 " bytes of memory, %" PRIu64 " of scratch\n",
	       need.memory_bytes, need.scratch_bytes);
}
