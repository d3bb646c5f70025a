/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_unwrap.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../publish/unwrap/wrapped.h"
#include "table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)INT32_MAX)

/* A list with an end, as the modules take it. */
struct codec_list {
	const struct recode_codec *codecs[N_RECODE_IDS + 1];
};

static const struct recode_codec *codec_named(const char *name, size_t len)
{
	for (size_t i = 0; recode_codecs[i] != NULL; i++) {
		const char *known = recode_codecs[i]->name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return recode_codecs[i];
	}
	return NULL;
}

/* "zstd,deflate", or "all". */
static int parse_codecs(const char *text, struct codec_list *ret, struct err *e)
{
	size_t n = 0;

	*ret = (struct codec_list){0};
	for (; strcmp(text, "all") == 0 && recode_codecs[n] != NULL; n++)
		ret->codecs[n] = recode_codecs[n];
	while (n == 0 || *text == ',') {
		size_t len = strcspn(text += n > 0, ",");
		const struct recode_codec *c = codec_named(text, len);

		if (c == NULL || n == N_RECODE_IDS)
			return err_set(e, ERR_USAGE,
				       "--unwrap: %.*s is no codec of this program",
				       (int)(len < 40 ? len : 40), text);
		ret->codecs[n++] = c;
		text += len;
	}
	return 0;
}

static struct recode_need limit_of(const struct ota *o)
{
	return (struct recode_need){.memory_bytes = o->unwrap_memory,
				    .scratch_bytes = o->scratch};
}

static int draw(void *ctx, unsigned permille)
{
	progress_at(ctx, permille, 1000);
	return 0;
}

static int make(const struct ota *o, const struct codec_list *codecs,
		const struct buf *old_file, const struct buf *new_file, struct buf *ret,
		struct unwrap_report *ret_report, struct err *e)
{
	AUTO(progress) struct progress bar;
	const struct wrapped_spec spec = {
	    .old_image = {old_file->data, old_file->len},
	    .new_image = {new_file->data, new_file->len},
	    .options = {.codecs = codecs->codecs, .limit = limit_of(o)},
	    .delta_memory = o->delta_memory,
	    .progress = draw,
	    .ctx = &bar};

	progress_begin(&bar, "comparing");
	return wrapped_make(&spec, ret, ret_report, e);
}

static int say_made(const struct ota *o, const char *path, const struct buf *made,
		    const struct unwrap_report *r, size_t new_size, struct err *e)
{
	char size[32];
	AUTO_PTR(json) struct json *j = NULL;

	if (!o->json) {
		size_format(made->len, size, sizeof(size));
		printf("%s: %s (%zu bytes) through %zu of %zu frames, %zu unchanged; "
		       "applied and compared\n",
		       path, size, made->len, r->n_proven, r->n_new, r->n_unchanged);
		return 0;
	}
	j = json_new_object();
	if (json_set(j, "size", json_new_int((int64_t)made->len), e) < 0 ||
	    json_set(j, "new_size", json_new_int((int64_t)new_size), e) < 0 ||
	    json_set(j, "frames", json_new_int((int64_t)r->n_new), e) < 0 ||
	    json_set(j, "unchanged", json_new_int((int64_t)r->n_unchanged), e) < 0 ||
	    json_set(j, "unwrapped", json_new_int((int64_t)r->n_proven), e) < 0)
		return -1;
	return print_json(j, e);
}

int delta_unwrap_make(const struct ota *o, char **operands, bool *ret_made,
		      struct err *e)
{
	AUTO(buf) struct buf old_file = BUF_INIT(FILE_MAX_BYTES);
	AUTO(buf) struct buf new_file = BUF_INIT(FILE_MAX_BYTES);
	AUTO(buf) struct buf made = BUF_INIT(FILE_MAX_BYTES);
	struct unwrap_report report = {0};
	struct codec_list codecs;

	*ret_made = false;
	if (parse_codecs(o->unwrap, &codecs, e) < 0)
		return -1;
	if (file_read(operands[0], &old_file, e) < 0 ||
	    file_read(operands[1], &new_file, e) < 0 ||
	    make(o, &codecs, &old_file, &new_file, &made, &report, e) < 0)
		return err_wrap(e, "make %s", operands[2]);
	if (report.n_proven == 0)
		return 0;
	*ret_made = true;
	if (file_replace(operands[2], made.data, made.len, 0644, e) < 0)
		return err_wrap(e, "make %s", operands[2]);
	return say_made(o, operands[2], &made, &report, new_file.len, e);
}

bool delta_unwrap_is(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t begin[8];

	return fd >= 0 && fd_read_full(fd, begin, sizeof(begin), NULL) == 0 &&
	       wrapped_is_one(begin, sizeof(begin));
}

static int add(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

int delta_unwrap_apply(const struct ota *o, char **operands, struct err *e)
{
	AUTO(buf) struct buf old_file = BUF_INIT(FILE_MAX_BYTES);
	AUTO(buf) struct buf patch = BUF_INIT(FILE_MAX_BYTES);
	AUTO(buf) struct buf made = BUF_INIT(FILE_MAX_BYTES);
	const struct wrapped_limits limits = {.codecs = recode_codecs,
					      .need = limit_of(o),
					      .delta_memory = o->delta_memory};
	const struct recode_out out = {.write = add, .ctx = &made};
	struct unwrap_image old_image;

	if (file_read(operands[0], &old_file, e) < 0 ||
	    file_read(operands[1], &patch, e) < 0)
		return -1;
	old_image = (struct unwrap_image){old_file.data, old_file.len};
	if (wrapped_apply(patch.data, patch.len, &old_image, &limits, &out, e) < 0)
		return err_wrap(e, "apply %s", operands[1]);
	return file_replace(operands[2], made.data, made.len, 0644, e);
}

static int set_int(struct json *j, const char *name, uint64_t value, struct err *e)
{
	return json_set(j, name, json_new_int((int64_t)value), e);
}

static int print_info_json(const struct wrapped_parts *p, size_t size, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();
	struct recode_need need;

	recode_plan_need(&p->plan, &need);
	if (set_int(j, "size", size, e) < 0 ||
	    set_int(j, "old_size", p->plan.old_map.image_size, e) < 0 ||
	    set_int(j, "new_size", p->plan.new_map.image_size, e) < 0 ||
	    set_int(j, "old_view_size", recode_map_view_size(&p->plan.old_map), e) <
		0 ||
	    set_int(j, "new_view_size", recode_map_view_size(&p->plan.new_map), e) <
		0 ||
	    json_set(j, "sha256", json_new_hex(p->digest, SHA256_LEN), e) < 0 ||
	    set_int(j, "memory", p->head.memory, e) < 0 ||
	    set_int(j, "unwrap_memory", need.memory_bytes, e) < 0 ||
	    set_int(j, "scratch", need.scratch_bytes, e) < 0)
		return -1;
	return print_json(j, e);
}

static void print_info(const struct wrapped_parts *p, size_t size)
{
	struct recode_need need;

	recode_plan_need(&p->plan, &need);
	printf("from    %" PRIu64 " bytes, %" PRIu64 " unwrapped\n",
	       p->plan.old_map.image_size, recode_map_view_size(&p->plan.old_map));
	printf("to      %" PRIu64 " bytes, %" PRIu64 " unwrapped\n",
	       p->plan.new_map.image_size, recode_map_view_size(&p->plan.new_map));
	printf("patch   %zu bytes\n", size);
	for (size_t i = 1; i < p->plan.n_profiles; i++) {
		const struct recode_profile *f = &p->plan.profiles[i];
		const struct recode_codec *c =
		    recode_codec_find(recode_codecs, f->codec);

		printf("codec   %s %s\n", c != NULL ? c->name : "unknown",
		       f->version[0] != '\0' ? f->version : "to decode");
	}
	printf("memory  %" PRIu64 " bytes, and %" PRIu64 " for frames\n",
	       p->head.memory, need.memory_bytes);
	printf("scratch %" PRIu64 " bytes\n", need.scratch_bytes);
}

int delta_unwrap_info(const struct ota *o, const char *path, struct err *e)
{
	AUTO(buf) struct buf patch = BUF_INIT(FILE_MAX_BYTES);
	AUTO(wrapped_parts) struct wrapped_parts p = {0};

	if (file_read(path, &patch, e) < 0)
		return -1;
	if (wrapped_parse(patch.data, patch.len, &p, e) < 0)
		return err_wrap(e, "%s", path);
	if (o->json)
		return print_info_json(&p, patch.len, e);
	print_info(&p, patch.len);
	return 0;
}
