/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/bytes.h"
#include "../../common/recode/codec_zstd.h"
#include "../../common/recode/pack.h"
#include "../../common/recode/view.h"
#include "vector.h"

#define ARENA_BYTES (16u << 20)
#define FRAME_PLAIN 20000u
#define N_FRAMES 3

/*
 * An image: "head", three zstd frames, "tail!"; its plan, the same for both views, and
 * its view. Frames can be had in a cache (slot_size FRAME_PLAIN) or, with slot_size 0, in
 * the scratch area.
 */
struct bench {
	struct buf image;
	struct buf view;
	struct recode_plan plan;
	uint8_t scratch[N_FRAMES * FRAME_PLAIN];
	struct buf out;
};

static int append(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	return buf_add(ctx, data, len, e);
}

static int read_image(void *ctx, uint64_t offset, void *ret, size_t len, struct err *e)
{
	struct buf *b = ctx;

	if (offset > b->len || len > b->len - offset)
		return err_set(e, ERR_RANGE, "outside the image");
	memcpy(ret, b->data + offset, len);
	return 0;
}

static int read_scratch(void *ctx, uint64_t offset, void *ret, size_t len,
			struct err *e)
{
	struct bench *b = ctx;

	(void)e;
	assert_true(offset + len <= sizeof(b->scratch));
	memcpy(ret, b->scratch + offset, len);
	return 0;
}

static int write_scratch(void *ctx, uint64_t offset, const void *data, size_t len,
			 struct err *e)
{
	struct bench *b = ctx;

	(void)e;
	assert_true(offset + len <= sizeof(b->scratch));
	memcpy(b->scratch + offset, data, len);
	return 0;
}

/* Words, so that there is something to compress. */
static void make_plain(uint32_t seed, uint8_t *ret, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrst";

	for (size_t i = 0; i < len; i++) {
		if (i % 16 == 0)
			seed = seed * 1664525u + 1013904223u;
		ret[i] = (uint8_t)(letters[(seed >> 20) % 20] + (int)(i % 3));
	}
}

static void encode(const struct recode_profile *p, const uint8_t *plain, size_t len,
		   struct buf *ret)
{
	struct recode_arena a = {.base = malloc(ARENA_BYTES), .size = ARENA_BYTES};
	const struct recode_out out = {.write = append, .ctx = ret};
	const struct recode_frame f = {
	    .plain_len = len, .params = p->params, .n_params = p->n_params};
	struct err e = ERR_INIT;
	void *state;

	assert_non_null(a.base);
	OK(recode_zstd.encode_begin(&a, &f, &out, &state, &e));
	OK(recode_zstd.encode_add(state, plain, len, &e));
	OK(recode_zstd.encode_end(state, &e));
	free(a.base);
}

static void add_piece(struct recode_map *m, uint32_t profile, size_t enc_len,
		      size_t plain_len)
{
	struct recode_piece *p = &m->pieces[m->n++];

	p->profile = profile;
	p->enc_len = (uint32_t)enc_len;
	p[1].view_at = p->view_at + plain_len;
	p[1].image_at = p->image_at + enc_len;
}

static void add_both(struct bench *b, uint32_t profile, size_t enc_len,
		     size_t plain_len)
{
	add_piece(&b->plan.old_map, profile, enc_len, plain_len);
	add_piece(&b->plan.new_map, profile, enc_len, plain_len);
}

static void add_raw(struct bench *b, const char *text)
{
	struct err e = ERR_INIT;

	OK(buf_add_str(&b->image, text, &e));
	OK(buf_add_str(&b->view, text, &e));
	add_both(b, 0, strlen(text), strlen(text));
}

static void set_up_plan(struct bench *b)
{
	struct recode_profile *p = &b->plan.profiles[1];

	b->plan.n_profiles = 2;
	b->plan.slot_size = FRAME_PLAIN;
	b->plan.n_slots = 2;
	*p = (struct recode_profile){.codec = RECODE_ZSTD,
				     .n_params = RECODE_ZSTD_N_PARAMS,
				     .params = {5, RECODE_ZSTD_ONE_CALL},
				     .decode_bytes = ARENA_BYTES,
				     .encode_bytes = ARENA_BYTES};
	(void)snprintf(p->version, sizeof(p->version), "%s", recode_zstd.version());
	b->plan.old_map.pieces = calloc(8, sizeof(struct recode_piece));
	b->plan.new_map.pieces = calloc(8, sizeof(struct recode_piece));
	assert_non_null(b->plan.old_map.pieces);
	assert_non_null(b->plan.new_map.pieces);
}

static void bench_init(struct bench *b)
{
	struct err e = ERR_INIT;

	*b = (struct bench){.image = BUF_INIT(1 << 20),
			    .view = BUF_INIT(1 << 20),
			    .out = BUF_INIT(1 << 20)};
	set_up_plan(b);
	add_raw(b, "head");
	for (uint32_t i = 0; i < N_FRAMES; i++) {
		uint8_t plain[FRAME_PLAIN];
		size_t before = b->image.len;

		make_plain(i, plain, sizeof(plain));
		encode(&b->plan.profiles[1], plain, sizeof(plain), &b->image);
		OK(buf_add(&b->view, plain, sizeof(plain), &e));
		add_both(b, 1, b->image.len - before, sizeof(plain));
	}
	add_raw(b, "tail!");
	b->plan.old_map.image_size = b->image.len;
	b->plan.new_map.image_size = b->image.len;
}

static void bench_fini(struct bench *b)
{
	buf_fini(&b->image);
	buf_fini(&b->view);
	buf_fini(&b->out);
	recode_plan_fini(&b->plan);
}

static int view_of(struct bench *b, uint64_t scratch_size, struct recode_view **ret,
		   struct err *e)
{
	const struct recode_reader image = {.read = read_image, .ctx = &b->image};
	const struct recode_scratch scratch = {
	    .reader = {.read = read_scratch, .ctx = b},
	    .write = write_scratch,
	    .size = scratch_size};

	return recode_view_new(&b->plan, &b->plan.old_map, recode_codecs, &image,
			       scratch_size > 0 ? &scratch : NULL, ret, e);
}

static void reads_everywhere(struct bench *b, struct recode_view *v)
{
	static const size_t lengths[] = {1, 5, 4096, FRAME_PLAIN, 50000};
	uint8_t got[50000];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < N_ELEMS(lengths); i++) {
		for (size_t at = 0; at + lengths[i] <= b->view.len; at += 9973) {
			OK(recode_view_read(v, at, got, lengths[i], &e));
			assert_memory_equal(got, b->view.data + at, lengths[i]);
		}
	}
	OK(recode_view_read(v, b->view.len, got, 0, &e));
	FAILS(recode_view_read(v, b->view.len, got, 1, &e), ERR_RANGE);
	FAILS(recode_view_read(v, UINT64_MAX, got, 2, &e), ERR_RANGE);
}

static void an_image_is_read_unwrapped_through_a_cache(void **state)
{
	AUTO(bench) struct bench b;
	AUTO_PTR(recode_view) struct recode_view *v = NULL;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	OK(view_of(&b, 0, &v, &e));
	reads_everywhere(&b, v);
}

static void a_frame_larger_than_a_slot_is_read_from_the_scratch_area(void **state)
{
	AUTO(bench) struct bench b;
	AUTO_PTR(recode_view) struct recode_view *v = NULL;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	b.plan.slot_size = 0;
	b.plan.n_slots = 0;
	FAILS(view_of(&b, 0, &v, &e), ERR_LIMIT);
	FAILS(view_of(&b, sizeof(b.scratch) - 1, &v, &e), ERR_LIMIT);
	OK(view_of(&b, sizeof(b.scratch), &v, &e));
	reads_everywhere(&b, v);
}

static void an_old_image_that_is_not_the_plans_is_refused(void **state)
{
	AUTO(bench) struct bench b;
	AUTO_PTR(recode_view) struct recode_view *v = NULL;
	struct err e = ERR_INIT;
	uint8_t byte;

	(void)state;
	bench_init(&b);
	b.image.data[4] ^= 1; /* the first frame's magic */
	OK(view_of(&b, 0, &v, &e));
	FAILS(recode_view_read(v, 4, &byte, 1, &e), ERR_FORMAT);
	OK(recode_view_read(v, 4 + FRAME_PLAIN, &byte, 1, &e));
	FAILS(recode_view_read(v, 5, &byte, 1, &e), ERR_FORMAT);
}

static void pack(struct bench *b, size_t from, size_t step)
{
	AUTO_PTR(recode_pack) struct recode_pack *r = NULL;
	const struct recode_out out = {.write = append, .ctx = &b->out};
	struct err e = ERR_INIT;

	buf_clear(&b->out);
	OK(recode_pack_new(&b->plan, recode_codecs, &out, &r, &e));
	OK(recode_pack_seek(r, from, &e));
	while (from < b->view.len) {
		size_t left = b->view.len - from;
		size_t n = left < step ? left : step;

		FAILS(recode_pack_end(r, &e), ERR_FORMAT);
		OK(recode_pack_add(r, b->view.data + from, n, &e));
		from += n;
	}
	OK(recode_pack_end(r, &e));
	FAILS(recode_pack_add(r, b->view.data, 1, &e), ERR_RANGE);
}

static void the_view_is_packed_into_the_same_image_in_any_pieces(void **state)
{
	static const size_t steps[] = {1, 7, 4096, FRAME_PLAIN, 1 << 20};
	AUTO(bench) struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < N_ELEMS(steps); i++) {
		pack(&b, 0, steps[i]);
		assert_int_equal(b.out.len, b.image.len);
		assert_memory_equal(b.out.data, b.image.data, b.image.len);
	}
}

static void packing_begins_again_at_the_piece_of_any_byte(void **state)
{
	AUTO(bench) struct bench b;

	(void)state;
	bench_init(&b);
	for (uint64_t at = 0; at <= b.image.len; at += 101) {
		uint64_t view_at;
		uint64_t image_at;

		recode_plan_restart(&b.plan, at, &view_at, &image_at);
		assert_true(image_at <= at);
		pack(&b, (size_t)view_at, 4096);
		assert_int_equal(b.out.len, b.image.len - image_at);
		assert_memory_equal(b.out.data, b.image.data + image_at, b.out.len);
	}
}

static void packing_does_not_begin_inside_a_piece(void **state)
{
	AUTO(bench) struct bench b;
	AUTO_PTR(recode_pack) struct recode_pack *r = NULL;
	const struct recode_out out = {.write = append, .ctx = &b.out};
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	OK(recode_pack_new(&b.plan, recode_codecs, &out, &r, &e));
	FAILS(recode_pack_seek(r, 5, &e), ERR_RANGE);
	FAILS(recode_pack_seek(r, b.view.len + 1, &e), ERR_RANGE);
	OK(recode_pack_seek(r, b.view.len, &e));
	OK(recode_pack_end(r, &e));
}

/* The plan's first frame, level 5, made with other parameters or less memory. */
static void fails_to_pack(uint32_t level, uint32_t encode_bytes, enum err_code code)
{
	AUTO(bench) struct bench b;
	AUTO_PTR(recode_pack) struct recode_pack *r = NULL;
	const struct recode_out out = {.write = append, .ctx = &b.out};
	struct err e = ERR_INIT;

	bench_init(&b);
	b.plan.profiles[1].params[RECODE_ZSTD_LEVEL] = level;
	b.plan.profiles[1].encode_bytes = encode_bytes;
	OK(recode_pack_new(&b.plan, recode_codecs, &out, &r, &e));
	FAILS(recode_pack_add(r, b.view.data, b.view.len, &e), code);
}

static void an_encoder_that_makes_another_frame_is_found_out(void **state)
{
	(void)state;
	fails_to_pack(1, ARENA_BYTES, ERR_DIGEST);
	fails_to_pack(19, ARENA_BYTES, ERR_DIGEST);
	fails_to_pack(99, ARENA_BYTES, ERR_UNSUPPORTED);
}

static void an_encoder_gets_the_memory_that_was_declared_and_no_more(void **state)
{
	(void)state;
	fails_to_pack(5, 0, ERR_LIMIT);
	fails_to_pack(5, 1000, ERR_LIMIT);
	fails_to_pack(5, 50000, ERR_LIMIT);
}

static void a_device_refuses_what_it_cannot_do(void **state)
{
	static const struct recode_codec *const none[] = {NULL};
	AUTO(bench) struct bench b;
	struct recode_need need;
	struct err e = ERR_INIT;

	(void)state;
	bench_init(&b);
	recode_plan_need(&b.plan, &need);
	assert_int_equal(need.scratch_bytes, 0);
	assert_int_equal(need.memory_bytes, 2 * ARENA_BYTES + 2 * FRAME_PLAIN +
						12 * sizeof(struct recode_piece));
	OK(recode_plan_check(&b.plan, recode_codecs, &need, &e));
	FAILS(recode_plan_check(&b.plan, none, &need, &e), ERR_UNSUPPORTED);
	need.memory_bytes--;
	FAILS(recode_plan_check(&b.plan, recode_codecs, &need, &e), ERR_LIMIT);
	need.memory_bytes++;
	b.plan.slot_size = FRAME_PLAIN - 1;
	FAILS(recode_plan_check(&b.plan, recode_codecs, &need, &e), ERR_LIMIT);
	need.scratch_bytes = N_FRAMES * FRAME_PLAIN;
	OK(recode_plan_check(&b.plan, recode_codecs, &need, &e));
	b.plan.profiles[1].version[0]++;
	FAILS(recode_plan_check(&b.plan, recode_codecs, &need, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, recode_zstd.version()));
}

/* The plan of the document: 10 bytes of old, 9 of new, one frame each. */
static void example_plan(struct recode_plan *p, struct recode_piece *old_pieces,
			 struct recode_piece *new_pieces)
{
	*p = (struct recode_plan){.n_profiles = 2, .slot_size = 300, .n_slots = 2};
	p->profiles[1] = (struct recode_profile){.codec = RECODE_ZSTD,
						 .n_params = 3,
						 .params = {19, 5, 0},
						 .version = "1.5.4",
						 .decode_bytes = 489216,
						 .encode_bytes = 3146294};
	p->old_map = (struct recode_map){.pieces = old_pieces, .image_size = 10};
	p->new_map = (struct recode_map){.pieces = new_pieces, .image_size = 9};
	add_piece(&p->old_map, 0, 4, 4);
	add_piece(&p->old_map, 1, 6, 300);
	old_pieces[2].image_at = 4; /* the frame's bytes once more, raw */
	add_piece(&p->old_map, 0, 6, 6);
	add_piece(&p->new_map, 0, 4, 4);
	add_piece(&p->new_map, 1, 5, 299);
}

static void the_documents_vector_is_what_we_write(void **state)
{
	AUTO(buf) struct buf vector = BUF_INIT(4096);
	AUTO(buf) struct buf made = BUF_INIT(4096);
	AUTO(recode_plan) struct recode_plan back = {0};
	struct recode_piece old_pieces[4] = {0};
	struct recode_piece new_pieces[3] = {0};
	struct recode_plan p;
	struct err e = ERR_INIT;

	(void)state;
	example_plan(&p, old_pieces, new_pieces);
	OK(recode_plan_write(&p, &made, &e));
	vector_read("recode.md", 0, &vector);
	assert_int_equal(vector.len, made.len);
	assert_memory_equal(vector.data, made.data, made.len);
	OK(recode_plan_parse(vector.data, vector.len, &back, &e));
	assert_int_equal(back.old_map.n, 3);
	assert_int_equal(back.old_map.pieces[2].image_at, 4);
	assert_int_equal(recode_map_view_size(&back.old_map), 310);
	assert_int_equal(recode_map_view_size(&back.new_map), 303);
	assert_string_equal(back.profiles[1].version, "1.5.4");
	assert_int_equal(back.profiles[1].params[0], 19);
}

/* Offsets in the vector: profiles at 48 and 60, pieces from 89. */
static void a_wrong_field_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT},     {8, 2, ERR_UNSUPPORTED}, {10, 0, ERR_FORMAT},
	    {10, 33, ERR_FORMAT},     {14, 0x20, ERR_FORMAT}, /* a slot of 2 MiB */
	    {16, 0, ERR_FORMAT},      {16, 65, ERR_FORMAT},    {20, 4, ERR_FORMAT},
	    {22, 0xff, ERR_FORMAT},   {24, 1, ERR_FORMAT},     {24, 3, ERR_FORMAT},
	    {28, 1, ERR_UNSUPPORTED}, {32, 9, ERR_FORMAT},     {40, 10, ERR_FORMAT},
	    {40, 8, ERR_FORMAT},      {48, 1, ERR_FORMAT},     {60, 0, ERR_FORMAT},
	    {61, 9, ERR_FORMAT},      {62, 32, ERR_FORMAT},    {63, 1, ERR_FORMAT},
	    {84, 0, ERR_FORMAT}, /* a NUL in the version */
	    {89, 2, ERR_FORMAT}, /* profile 2 of 2 */
	    {90, 0, ERR_FORMAT}, /* an empty piece */
	    {91, 1, ERR_FORMAT}, /* before the image */
	    {91, 40, ERR_FORMAT},
	};
	AUTO(buf) struct buf v = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	vector_read("recode.md", 0, &v);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct recode_plan p = {0};
		uint8_t was = v.data[rows[i].at];

		v.data[rows[i].at] = rows[i].value;
		FAILS(recode_plan_parse(v.data, v.len, &p, &e), rows[i].code);
		assert_null(p.old_map.pieces);
		v.data[rows[i].at] = was;
	}
}

static void a_plan_of_another_length_is_refused(void **state)
{
	AUTO(buf) struct buf v = BUF_INIT(4096);
	struct recode_plan p = {0};
	struct err e = ERR_INIT;

	(void)state;
	vector_read("recode.md", 0, &v);
	for (size_t len = 0; len < v.len; len++)
		FAILS(recode_plan_parse(v.data, len, &p, &e), ERR_FORMAT);
	OK(buf_add(&v, "", 1, &e));
	FAILS(recode_plan_parse(v.data, v.len, &p, &e), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_image_is_read_unwrapped_through_a_cache),
	    cmocka_unit_test(a_frame_larger_than_a_slot_is_read_from_the_scratch_area),
	    cmocka_unit_test(an_old_image_that_is_not_the_plans_is_refused),
	    cmocka_unit_test(the_view_is_packed_into_the_same_image_in_any_pieces),
	    cmocka_unit_test(packing_begins_again_at_the_piece_of_any_byte),
	    cmocka_unit_test(packing_does_not_begin_inside_a_piece),
	    cmocka_unit_test(an_encoder_that_makes_another_frame_is_found_out),
	    cmocka_unit_test(an_encoder_gets_the_memory_that_was_declared_and_no_more),
	    cmocka_unit_test(a_device_refuses_what_it_cannot_do),
	    cmocka_unit_test(the_documents_vector_is_what_we_write),
	    cmocka_unit_test(a_wrong_field_is_refused),
	    cmocka_unit_test(a_plan_of_another_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
