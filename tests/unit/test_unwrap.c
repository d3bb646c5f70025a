/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for images that other people's tools made. What a machine has not is skipped. */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/recode/pack.h"
#include "../../common/recode/view.h"
#include "../../publish/unwrap/wrapped.h"
#include "testing.h"

#include <ftw.h>
#include <sys/stat.h>

#define CONTENT_BYTES (1u << 20)
#define PLENTY                                                                         \
	(struct recode_need)                                                           \
	{                                                                              \
		.memory_bytes = 512u << 20, .scratch_bytes = 64u << 20                 \
	}

/* A directory with two versions of a tree, and of the image made of each. */
struct bench {
	char dir[32];
	struct buf image[2];
	struct recode_plan plan;
	struct unwrap_report report;
};

static void run(const struct bench *b, const char *command)
{
	char line[1024];
	struct err e = ERR_INIT;

	OK(text_format(line, sizeof(line), &e, "cd %s && { %s; } >/dev/null 2>log",
		       b->dir, command));
	if (system(line) != 0)
		fail_msg("%s: see %s/log", command, b->dir);
}

static void need_tool(const char *name)
{
	char line[64];
	struct err e = ERR_INIT;

	OK(text_format(line, sizeof(line), &e, "command -v %s >/dev/null", name));
	if (system(line) != 0) {
		print_message("%s is not installed\n", name);
		skip();
	}
}

/* Half words, half noise, with a few changes where `version` is 2. */
static void write_content(const struct bench *b, const char *name, int version)
{
	static const char words[] = "lorem ipsum dolor";
	AUTO_FREE uint8_t *content = malloc(CONTENT_BYTES);
	char path[128];
	struct err e = ERR_INIT;
	uint32_t seed = 7;

	assert_non_null(content);
	for (size_t i = 0; i < CONTENT_BYTES; i++) {
		if (i % 8 == 0)
			seed = seed * 1664525u + 1013904223u;
		content[i] = i % 64 < 8 ? (uint8_t)(seed >> (i % 8 * 4))
					: (uint8_t)words[(seed >> 24) % 10 + i % 8];
	}
	for (size_t i = 5000; version == 2 && i < CONTENT_BYTES; i += 400000)
		memcpy(content + i, "changed", 7);
	OK(text_format(path, sizeof(path), &e, "%s/%s", b->dir, name));
	OK(file_replace(path, content, CONTENT_BYTES, 0644, &e));
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){.dir = "/tmp/ota-unwrap-XXXXXX",
			    .image = {BUF_INIT(64 << 20), BUF_INIT(64 << 20)}};
	assert_non_null(mkdtemp(b->dir));
	run(b, "mkdir 1 2");
	write_content(b, "1/content", 1);
	write_content(b, "2/content", 2);
	run(b,
	    "cat 1/content 1/content | tail -c 1500000 > 1/same && cp 1/same 2/same");
	run(b, "seq 1 9 > 1/small; seq 1 9 > 2/small; seq 2 9 > 2/added");
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f)
{
	(void)s;
	(void)type;
	(void)f;
	return remove(path);
}

static void bench_fini(struct bench *b)
{
	(void)nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	buf_fini(&b->image[0]);
	buf_fini(&b->image[1]);
	recode_plan_fini(&b->plan);
}

/* Runs a command for each version, %d, that makes image.%d. */
static void make_images(struct bench *b, const char *command)
{
	for (int i = 0; i < 2; i++) {
		char path[64];
		char line[512];
		struct err e = ERR_INIT;

		OK(text_format(line, sizeof(line), &e, "V=%d; %s", i + 1, command));
		run(b, line);
		OK(text_format(path, sizeof(path), &e, "%s/image.%d", b->dir, i + 1));
		OK(file_read(path, &b->image[i], &e));
	}
}

static struct unwrap_image image_of(const struct bench *b, int i)
{
	return (struct unwrap_image){.data = b->image[i].data, .len = b->image[i].len};
}

static void make_plan(struct bench *b, struct recode_need limit)
{
	const struct unwrap_options options = {.codecs = recode_codecs, .limit = limit};
	const struct unwrap_image old_image = image_of(b, 0);
	const struct unwrap_image new_image = image_of(b, 1);
	struct err e = ERR_INIT;

	OK(unwrap_plan_make(&old_image, &new_image, &options, &b->plan, &b->report,
			    &e));
}

static int append(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

static int read_image(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	const struct buf *b = ctx;

	if (offset > b->len || len > b->len - offset)
		return err_set(e, ERR_RANGE, "outside the image");
	memcpy(ret, b->data + offset, len);
	return 0;
}

static int read_bytes(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	(void)e;
	memcpy(ret, (uint8_t *)ctx + offset, len);
	return 0;
}

static int write_bytes(void *ctx, uint64_t offset, const void *data, size_t len,
		       struct err *e)
{
	(void)e;
	memcpy((uint8_t *)ctx + offset, data, len);
	return 0;
}

/* What the device sees of its old image is what the maker made the delta from. */
static void the_views_agree(struct bench *b, const struct recode_need *need)
{
	AUTO(buf) struct buf view = BUF_INIT(256 << 20);
	AUTO_PTR(recode_view) struct recode_view *v = NULL;
	AUTO_FREE uint8_t *area = malloc((size_t)need->scratch_bytes + 1);
	const struct recode_reader reader = {.read = read_image, .ctx = &b->image[0]};
	const struct recode_scratch scratch = {
	    .reader = {.read = read_bytes, .ctx = area},
	    .write = write_bytes,
	    .size = need->scratch_bytes};
	const struct recode_out out = {.write = append, .ctx = &view};
	const struct unwrap_image image = image_of(b, 0);
	uint8_t bytes[5000];
	struct err e = ERR_INIT;

	assert_non_null(area);
	OK(unwrap_view_write(&b->plan, &b->plan.old_map, recode_codecs, &image, &out,
			     &e));
	assert_int_equal(view.len, recode_map_view_size(&b->plan.old_map));
	OK(recode_view_new(&b->plan, &b->plan.old_map, recode_codecs, &reader, &scratch,
			   &v, &e));
	for (size_t at = 0; at + sizeof(bytes) <= view.len; at += 31337) {
		OK(recode_view_read(v, at, bytes, sizeof(bytes), &e));
		assert_memory_equal(bytes, view.data + at, sizeof(bytes));
	}
}

/* The plan, written and read, leads from the new view to exactly the new image. */
static void the_plan_holds(struct bench *b)
{
	AUTO(buf) struct buf bytes = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	AUTO(buf) struct buf view = BUF_INIT(256 << 20);
	AUTO(buf) struct buf packed = BUF_INIT(64 << 20);
	AUTO(recode_plan) struct recode_plan plan = {0};
	AUTO_PTR(recode_pack) struct recode_pack *r = NULL;
	const struct recode_out to_view = {.write = append, .ctx = &view};
	const struct recode_out to_packed = {.write = append, .ctx = &packed};
	const struct unwrap_image image = image_of(b, 1);
	struct recode_need need;
	struct err e = ERR_INIT;

	OK(recode_plan_write(&b->plan, &bytes, &e));
	OK(recode_plan_parse(bytes.data, bytes.len, &plan, &e));
	recode_plan_need(&plan, &need);
	the_views_agree(b, &need);
	OK(unwrap_view_write(&plan, &plan.new_map, recode_codecs, &image, &to_view,
			     &e));
	OK(recode_pack_new(&plan, recode_codecs, &to_packed, &r, &e));
	OK(recode_pack_add(r, view.data, view.len, &e));
	OK(recode_pack_end(r, &e));
	assert_int_equal(packed.len, image.len);
	assert_memory_equal(packed.data, image.data, image.len);
}

static void each_changed_frame_is_proven(const struct bench *b)
{
	assert_true(b->report.n_proven > 0);
	assert_int_equal(b->report.n_proven + b->report.n_unchanged, b->report.n_new);
}

#define SQUASH "mksquashfs $V image.$V -noappend -no-progress -all-root -all-time 0 "

static void a_squashfs_of(const char *options)
{
	AUTO(bench) struct bench b;
	char command[256];
	struct err e = ERR_INIT;

	need_tool("mksquashfs");
	bench_init(&b);
	OK(text_format(command, sizeof(command), &e, SQUASH "%s", options));
	make_images(&b, command);
	make_plan(&b, PLENTY);
	each_changed_frame_is_proven(&b);
	assert_true(b.report.n_unchanged > 0);
	the_plan_holds(&b);
}

static void every_frame_of_a_zstd_squashfs_is_made_again(void **state)
{
	(void)state;
	a_squashfs_of("-comp zstd");
	a_squashfs_of("-comp zstd -Xcompression-level 19");
	a_squashfs_of("-comp zstd -Xcompression-level 3 -b 1M");
}

static void every_frame_of_a_gzip_squashfs_is_made_again(void **state)
{
	(void)state;
	a_squashfs_of("-comp gzip");
	a_squashfs_of("-comp gzip -Xcompression-level 6 -b 32K");
}

/* One frame larger than a slot: the old one goes through the scratch area. */
static void one_stream_of(const char *command)
{
	AUTO(bench) struct bench b;
	struct recode_need need;

	bench_init(&b);
	make_images(&b, command);
	make_plan(&b, PLENTY);
	each_changed_frame_is_proven(&b);
	assert_int_equal(b.report.n_unchanged, 0);
	recode_plan_need(&b.plan, &need);
	assert_true(need.scratch_bytes > 2 * CONTENT_BYTES);
	the_plan_holds(&b);
}

static void a_gzip_stream_is_made_again(void **state)
{
	(void)state;
	need_tool("gzip");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | gzip -9n > image.$V");
	one_stream_of("tar -cf x.$V -C $V . --mtime=@0 && gzip -6 x.$V && "
		      "{ echo kernel; cat x.$V.gz; echo tail; } > image.$V");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | gzip -4n > image.$V");
}

static void an_xz_stream_is_made_again(void **state)
{
	(void)state;
	need_tool("xz");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | "
		      "xz --check=crc32 --arm --lzma2=dict=1MiB > image.$V");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | xz -2 > image.$V");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | xz -4e -T1 > image.$V");
}

static void a_zstd_stream_is_made_again(void **state)
{
	(void)state;
	need_tool("zstd");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | "
		      "zstd -q -19 --single-thread > image.$V");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | "
		      "zstd -q --single-thread --no-check > image.$V");
}

/* As kernels are (their size stands behind) and initrds: one block, and three. */
static void an_lz4_stream_is_made_again(void **state)
{
	(void)state;
	need_tool("lz4");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | lz4 -l -9 > image.$V");
	one_stream_of("tar -cf x.$V -C $V . --mtime=@0 && { echo kernel; "
		      "cat x.$V x.$V x.$V x.$V x.$V x.$V | lz4 -l -9; "
		      "printf '\\1\\2\\3\\1'; echo tail; } > image.$V");
	one_stream_of("tar -cf - -C $V . --mtime=@0 | lz4 -l > image.$V");
}

static void every_frame_of_an_xz_squashfs_is_made_again(void **state)
{
	(void)state;
	a_squashfs_of("-comp xz");
	a_squashfs_of("-comp xz -Xbcj arm,x86 -b 256K -Xdict-size 64K");
}

/* As an initrd is: parts after each other, some of them compressed. */
static void a_file_of_several_parts_is_unwrapped_part_by_part(void **state)
{
	AUTO(bench) struct bench b;

	(void)state;
	need_tool("gzip");
	bench_init(&b);
	make_images(&b, "{ cat $V/small; gzip -9nc $V/content; head -c 512 /dev/zero; "
			"gzip -9nc 1/same; gzip -6nc $V/content; } > image.$V");
	make_plan(&b, PLENTY);
	assert_int_equal(b.report.n_new, 3);
	assert_int_equal(b.report.n_unchanged, 1);
	assert_int_equal(b.report.n_proven, 2);
	the_plan_holds(&b);
}

/* Its fastest levels do not keep matches back; that encoder is not here. */
static void a_stream_by_other_rules_stays_raw(void **state)
{
	AUTO(bench) struct bench b;

	(void)state;
	need_tool("gzip");
	bench_init(&b);
	make_images(&b, "gzip -1nc $V/content > image.$V");
	make_plan(&b, PLENTY);
	assert_int_equal(b.report.n_new, 1);
	assert_int_equal(b.report.n_proven, 0);
	assert_int_equal(b.plan.n_profiles, 1);
	the_plan_holds(&b);
}

/* A delta of b's images, with what it is applied to and made of. */
struct applied {
	struct buf head, body, made;
	struct container_head h;
	struct buf old_image; /* whole blocks */
};

static void applied_init(struct applied *a)
{
	*a = (struct applied){BUF_INIT(1 << 20), BUF_INIT(64 << 20), BUF_INIT(64 << 20),
			      .old_image = BUF_INIT(64 << 20)};
}

static void applied_fini(struct applied *a)
{
	container_head_fini(&a->h);
	buf_fini(&a->head);
	buf_fini(&a->body);
	buf_fini(&a->made);
	buf_fini(&a->old_image);
}

static int read_at(void *ctx, void *ret, size_t len, uint64_t offset, struct err *e)
{
	return read_image(ctx, offset, ret, len, e);
}

static void set_old(struct applied *a, const struct buf *image)
{
	static const uint8_t zeros[VERITY_BLOCK];
	size_t tail = image->len % VERITY_BLOCK;
	struct err e = ERR_INIT;

	buf_clear(&a->old_image);
	OK(buf_add(&a->old_image, image->data, image->len, &e));
	OK(buf_add(&a->old_image, zeros, tail > 0 ? VERITY_BLOCK - tail : 0, &e));
}

static int apply(struct applied *a, const struct recode_means *means, struct err *e)
{
	const struct delta_source body = {read_at, &a->body, a->body.len};
	const struct delta_source old = {read_at, &a->old_image, a->old_image.len};
	const struct patch_limits limits = {2u << 20, *means};
	const struct patch_target target = {append, &a->made};

	buf_clear(&a->made);
	return patch_apply(&a->h, &body, &old, &limits, &target, e);
}

static void make_wrapped(const struct bench *b, struct applied *a,
			 const struct recode_means *means, struct unwrap_report *ret)
{
	const struct patch_spec spec = {.old_data = b->image[0].data,
					.old_size = b->image[0].len,
					.new_data = b->image[1].data,
					.new_size = b->image[1].len};
	struct err e = ERR_INIT;

	OK(wrapped_make(&spec, means, &a->head, &a->body, ret, &e));
	OK(container_head_parse(a->head.data, a->head.len, &a->h, &e));
	set_old(a, &b->image[0]);
}

static void a_delta_through_a_squashfs_is_small_and_exact(void **state)
{
	AUTO(bench) struct bench b;
	AUTO(applied) struct applied a;
	struct recode_means means = {recode_codecs, PLENTY};
	struct err e = ERR_INIT;

	(void)state;
	need_tool("mksquashfs");
	bench_init(&b);
	applied_init(&a);
	make_images(&b, SQUASH "-comp gzip");
	make_wrapped(&b, &a, &means, &b.report);
	assert_true(b.report.n_proven > 0);
	assert_true(a.body.len <
		    3000); /* a changed frame alone has some 50,000 bytes */
	OK(apply(&a, &means, &e));
	assert_in_range(a.made.len, b.image[1].len, b.image[1].len + VERITY_BLOCK - 1);
	assert_memory_equal(a.made.data, b.image[1].data, b.image[1].len);
	set_old(&a, &b.image[1]);
	assert_int_equal(apply(&a, &means, &e), -1);
	set_old(&a, &b.image[0]);
	means.limit.memory_bytes = 1000;
	FAILS(apply(&a, &means, &e), ERR_LIMIT);
	means = (struct recode_means){NULL, PLENTY};
	FAILS(apply(&a, &means, &e), ERR_UNSUPPORTED);
}

static void a_device_with_little_memory_gets_less_unwrapped(void **state)
{
	AUTO(bench) struct bench b;

	(void)state;
	need_tool("mksquashfs");
	bench_init(&b);
	make_images(&b, SQUASH "-comp zstd -Xcompression-level 19");
	make_plan(&b, (struct recode_need){.memory_bytes = 600000});
	assert_int_equal(b.report.n_proven, 0);
	assert_int_equal(recode_map_view_size(&b.plan.new_map), b.image[1].len);
	the_plan_holds(&b);
}

static void an_image_that_does_not_compress_is_its_own_view(void **state)
{
	AUTO(bench) struct bench b;

	(void)state;
	bench_init(&b);
	make_images(&b, "cp $V/content image.$V");
	make_plan(&b, PLENTY);
	assert_int_equal(b.report.n_new, 0);
	assert_int_equal(recode_map_view_size(&b.plan.old_map), b.image[0].len);
	the_plan_holds(&b);
}

static void the_same_images_give_the_same_plan(void **state)
{
	AUTO(bench) struct bench b;
	AUTO(buf) struct buf first = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	AUTO(buf) struct buf second = BUF_INIT(RECODE_PLAN_MAX_BYTES);
	struct err e = ERR_INIT;

	(void)state;
	need_tool("mksquashfs");
	bench_init(&b);
	make_images(&b, SQUASH "-comp zstd -Xcompression-level 1");
	make_plan(&b, PLENTY);
	OK(recode_plan_write(&b.plan, &first, &e));
	recode_plan_fini(&b.plan);
	make_plan(&b, PLENTY);
	OK(recode_plan_write(&b.plan, &second, &e));
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_frame_of_a_zstd_squashfs_is_made_again),
	    cmocka_unit_test(every_frame_of_a_gzip_squashfs_is_made_again),
	    cmocka_unit_test(every_frame_of_an_xz_squashfs_is_made_again),
	    cmocka_unit_test(an_xz_stream_is_made_again),
	    cmocka_unit_test(an_lz4_stream_is_made_again),
	    cmocka_unit_test(a_zstd_stream_is_made_again),
	    cmocka_unit_test(a_gzip_stream_is_made_again),
	    cmocka_unit_test(a_file_of_several_parts_is_unwrapped_part_by_part),
	    cmocka_unit_test(a_stream_by_other_rules_stays_raw),
	    cmocka_unit_test(a_delta_through_a_squashfs_is_small_and_exact),
	    cmocka_unit_test(a_device_with_little_memory_gets_less_unwrapped),
	    cmocka_unit_test(an_image_that_does_not_compress_is_its_own_view),
	    cmocka_unit_test(the_same_images_give_the_same_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
