/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/bytes.h"
#include "../../publish/diff/diff.h"
#include "../../publish/diff/gap.h"
#include "testing.h"

#include <stdlib.h>

#define SEGMENT (64u * 1024)
#define MAX_SEGMENTS 64

/* A delta in memory, and what it was made from. */
struct pair {
	struct buf old_data, new_data, map, body;
	struct {
		struct delta_segment s;
		size_t at; /* in body */
	} segments[MAX_SEGMENTS];
	size_t n_segments;
};

static void pair_fini(struct pair *p)
{
	buf_fini(&p->old_data);
	buf_fini(&p->new_data);
	buf_fini(&p->map);
	buf_fini(&p->body);
}

static void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	buf_init(&p->old_data, 16u << 20);
	buf_init(&p->new_data, 16u << 20);
	buf_init(&p->map, 16u << 20);
	buf_init(&p->body, 16u << 20);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static void add(struct buf *b, const void *data, size_t len)
{
	struct err e = ERR_INIT;

	OK(buf_add(b, data, len, &e));
}

static void add_noise(struct buf *b, size_t len, uint32_t *seed)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)next(seed);

		add(b, &byte, 1);
	}
}

/* Copies of the old image with bytes changed, left out, put in and moved about. */
static void edit(struct pair *p, size_t n_edits, uint32_t *seed)
{
	const struct buf *old = &p->old_data;

	for (size_t i = 0; i < n_edits; i++) {
		size_t from = old->len > 0 ? next(seed) % old->len : 0;
		size_t len = next(seed) % (old->len / 3 + 2);

		len = len < old->len - from ? len : old->len - from;
		if (len > 0)
			add(&p->new_data, old->data + from, len);
		if (next(seed) % 2 == 0)
			add_noise(&p->new_data, next(seed) % 40, seed);
		for (int k = 0; k < 3 && len > 0; k++)
			p->new_data.data[p->new_data.len - 1 - next(seed) % len] ^=
			    (uint8_t)next(seed);
	}
	add_noise(&p->new_data, 1, seed);
}

static void make(struct pair *p)
{
	const struct diff_input in = {p->old_data.data, p->old_data.len,
				      p->new_data.data, p->new_data.len};
	const struct diff_options options = {0};
	AUTO_PTR(diff) struct diff *d = NULL;
	struct err e = ERR_INIT;

	buf_clear(&p->map);
	buf_clear(&p->body);
	p->n_segments = 0;
	d = diff_new(&in, &options, &e);
	assert_non_null(d);
	OK(diff_map(d, &p->map, &e));
	for (uint64_t at = 0; at < in.new_size;) {
		uint64_t left = in.new_size - at;
		struct delta_segment *s = &p->segments[p->n_segments].s;

		assert_true(p->n_segments < MAX_SEGMENTS);
		p->segments[p->n_segments++].at = p->body.len;
		s->offset = at;
		s->size = left < SEGMENT ? (uint32_t)left : SEGMENT;
		OK(diff_segment(d, s->size, &p->body, &s->continues, &e));
		s->body_size =
		    (uint32_t)(p->body.len - p->segments[p->n_segments - 1].at);
		at += s->size;
	}
}

static int read_old(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e)
{
	const struct buf *old = ctx;

	(void)e;
	assert_true(offset <= old->len && len <= old->len - offset);
	memcpy(ret_data, old->data + offset, len);
	return 0;
}

/* Input comes by in_step bytes, output goes by out_step. */
static void feed_map(struct delta *d, const struct buf *map, size_t in_step)
{
	struct err e = ERR_INIT;

	for (size_t at = 0; !delta_map_done(d);) {
		size_t left = map->len - at;
		struct delta_io io = {.in = map->data + at,
				      .in_len = left < in_step ? left : in_step};

		OK(delta_read_map(d, &io, &e));
		assert_true(io.taken > 0 || delta_map_done(d));
		at += io.taken;
	}
}

static void feed_segment(struct delta *d, const struct pair *p, size_t index,
			 size_t in_step, size_t out_step)
{
	const struct delta_segment *s = &p->segments[index].s;
	const uint8_t *body = p->body.data + p->segments[index].at;
	AUTO_FREE uint8_t *out = malloc(s->size);
	size_t taken = 0, made = 0;
	struct err e = ERR_INIT;

	OK(delta_start(d, s, &e));
	while (!delta_segment_done(d)) {
		size_t left = s->body_size - taken, room = s->size - made;
		struct delta_io io = {.in = body + taken,
				      .in_len = left < in_step ? left : in_step,
				      .out = out + made,
				      .room = room < out_step ? room : out_step};

		OK(delta_run(d, &io, &e));
		taken += io.taken;
		made += io.made;
		assert_true(io.taken + io.made > 0 || delta_segment_done(d));
	}
	assert_int_equal(taken, s->body_size);
	assert_int_equal(made, s->size);
	assert_memory_equal(out, p->new_data.data + s->offset, made);
}

static struct delta *open_delta(const struct pair *p)
{
	union {
		const struct buf *in;
		void *out;
	} ctx = {.in = &p->old_data};
	const struct delta_source old = {read_old, ctx.out, p->old_data.len};
	struct err e = ERR_INIT;
	struct delta_head h;
	struct delta *d;

	OK(delta_head_parse(p->map.data, &h, &e));
	d = delta_new(&h, 2u << 20, &old, &e);
	assert_non_null(d);
	return d;
}

static void apply(const struct pair *p, size_t in_step, size_t out_step)
{
	AUTO_PTR(delta) struct delta *d = open_delta(p);

	feed_map(d, &p->map, in_step);
	for (size_t i = 0; i < p->n_segments; i++)
		feed_segment(d, p, i, in_step, out_step);
}

static void edits_of_any_kind_come_back_as_they_were(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 100, 5000, 70000, 300000};
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		for (size_t edits = 0; edits < 6; edits += 2) {
			AUTO(pair) struct pair p;

			pair_init(&p);
			add_noise(&p.old_data, sizes[i], &seed);
			edit(&p, edits, &seed);
			make(&p);
			apply(&p, SIZE_MAX, SIZE_MAX);
		}
	}
}

static void input_and_output_may_be_cut_at_every_byte(void **state)
{
	uint32_t seed = 9;

	(void)state;
	for (int i = 0; i < 4; i++) {
		AUTO(pair) struct pair p;

		pair_init(&p);
		add_noise(&p.old_data, 3000, &seed);
		edit(&p, 5, &seed);
		make(&p);
		apply(&p, 1, 1);
		apply(&p, 1, SIZE_MAX);
		apply(&p, SIZE_MAX, 1);
		apply(&p, 13, 7);
	}
}

static void the_same_input_makes_the_same_delta(void **state)
{
	AUTO(buf) struct buf before = BUF_INIT(1u << 20);
	AUTO(pair) struct pair p;
	uint32_t seed = 4;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 50000, &seed);
	edit(&p, 4, &seed);
	make(&p);
	add(&before, p.map.data, p.map.len);
	add(&before, p.body.data, p.body.len);
	make(&p);
	assert_int_equal(before.len, p.map.len + p.body.len);
	assert_memory_equal(before.data, p.map.data, p.map.len);
	assert_memory_equal(before.data + p.map.len, p.body.data, p.body.len);
}

static void what_did_not_change_costs_next_to_nothing(void **state)
{
	AUTO(pair) struct pair p;
	uint32_t seed = 5;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 500000, &seed);
	add(&p.new_data, p.old_data.data, p.old_data.len);
	make(&p);
	apply(&p, SIZE_MAX, SIZE_MAX);
	assert_in_range(p.map.len + p.body.len, 1, 250);
}

/* Noise cannot be made smaller, but it must hardly become larger. */
static void noise_grows_by_less_than_three_in_a_thousand(void **state)
{
	AUTO(pair) struct pair p;
	uint32_t seed = 6;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 1000, &seed);
	add_noise(&p.new_data, 200000, &seed);
	make(&p);
	apply(&p, SIZE_MAX, SIZE_MAX);
	assert_in_range(p.body.len, 1, 200600);
}

/* After so many literals that came to `bytes` each, what is chosen at the stream. */
static struct gap_token choose_after(struct gap *g, size_t bytes, struct stream *s)
{
	for (int i = 0; i < 16384; i++)
		gap_told(g, bytes);
	return gap_choose(g, s);
}

static void dear_literals_give_way_to_bytes_as_they_are(void **state)
{
	AUTO_FREE struct stream *s = calloc(1, sizeof(*s));
	AUTO(pair) struct pair p;
	AUTO_PTR(match_index) struct match_index *x = NULL;
	AUTO_PTR(gap) struct gap *g = NULL;
	struct gap_input in = {.window = 1u << 16};
	struct gap_token t;
	struct err e = ERR_INIT;
	uint32_t seed = 7;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 5000, &seed);
	add_noise(&p.new_data, 2000, &seed);
	add(&p.new_data, p.old_data.data + 1000, 500);
	add_noise(&p.new_data, 5000, &seed);
	x = match_index_new(p.old_data.data, (uint32_t)p.old_data.len, &e);
	in.index = x;
	in.old_data = p.old_data.data;
	in.old_size = (uint32_t)p.old_data.len;
	in.new_data = p.new_data.data;
	in.new_size = (uint32_t)p.new_data.len;
	g = gap_new(&in, &e);
	assert_true(s != NULL && x != NULL && g != NULL);
	s->limit = 4096;
	assert_int_equal(choose_after(g, 0, s).kind, GAP_LITERAL);
	t = choose_after(g, 1, s);
	assert_int_equal(t.kind, GAP_RAW);
	assert_int_equal(t.len, 2000); /* up to the copy */
	s->at = 2000;
	t = gap_choose(g, s);
	assert_int_equal(t.kind, GAP_OLD);
	assert_int_equal(t.len, 500);
	s->at = 2500;
	t = gap_choose(g, s);
	assert_int_equal(t.kind, GAP_RAW);
	assert_int_equal(t.len, 1596);				   /* up to the limit */
	assert_int_equal(choose_after(g, 0, s).kind, GAP_LITERAL); /* they pay again */
}

/* n times a call to one of the others, and three instructions that differ from place to
 * place. */
static void add_calls(struct buf *b, uint32_t n)
{
	uint8_t word[4];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t target = i * 7919 % n * 4;

		store_le32(word, 0x94000000 | ((target - i * 4) & 0x3ffffff));
		add(b, word, 4);
		store_le32(word, 0xf9400000 | (i * 2654435761u >> 12 & 0xfffff));
		add(b, word, 4);
		store_le32(word, 0xd2800000 | (i * 40503u & 0x1fffff));
		add(b, word, 4);
		store_le32(word, 0xaa000000 | (i * 69069u >> 3 & 0xfffff));
		add(b, word, 4);
	}
}

/* The call w at `at`, if all from `border` on moves by `by`. */
static uint32_t move_call(uint32_t w, uint32_t at, uint32_t border, uint32_t by)
{
	uint32_t target = at + ((w & 0x3ffffff) << 2 | ((w >> 25 & 1) * 0xf0000000));

	target += target >= border ? by : 0;
	return 0x94000000 | ((target - at - (at >= border ? by : 0)) >> 2 & 0x3ffffff);
}

/* The second half of the code is 64 bytes further on: what calls across the border has
 * other bytes, and the map says which. */
static void calls_to_code_that_moved_are_predicted(void **state)
{
	AUTO(pair) struct pair p;
	uint32_t n = 4096, border = n * 8, seed = 8;

	(void)state;
	pair_init(&p);
	add_calls(&p.old_data, n);
	add(&p.new_data, p.old_data.data, border);
	add_noise(&p.new_data, 64, &seed);
	add(&p.new_data, p.old_data.data + border, border);
	for (uint32_t i = 0; i < n * 16; i += 16) {
		uint8_t *to = p.new_data.data + i + (i >= border ? 64 : 0);

		store_le32(to, move_call(load_le32(to), i, border, 64));
	}
	make(&p);
	apply(&p, SIZE_MAX, SIZE_MAX);
	assert_in_range(p.map.len + p.body.len, 64, 600);
}

static void a_group_can_be_begun_without_those_before(void **state)
{
	AUTO(pair) struct pair p;
	AUTO_PTR(delta) struct delta *d = NULL;
	uint32_t seed = 11;
	size_t begun = 0;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 1000, &seed);
	add_noise(&p.new_data, 1500000, &seed);
	make(&p);
	for (size_t i = 1; i < p.n_segments; i++) {
		if (p.segments[i].s.continues)
			continue;
		d = open_delta(&p);
		feed_map(d, &p.map, SIZE_MAX);
		feed_segment(d, &p, i, SIZE_MAX, SIZE_MAX);
		delta_free(TAKE(d));
		begun++;
	}
	assert_int_not_equal(begun, 0);
}

static void a_segment_that_continues_needs_the_one_before(void **state)
{
	AUTO_PTR(delta) struct delta *d = NULL;
	AUTO(pair) struct pair p;
	struct err e = ERR_INIT;
	uint32_t seed = 12;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 200000, &seed);
	edit(&p, 3, &seed);
	make(&p);
	assert_true(p.n_segments > 1 && p.segments[1].s.continues);
	d = open_delta(&p);
	feed_map(d, &p.map, SIZE_MAX);
	FAILS(delta_start(d, &p.segments[1].s, &e), ERR_FORMAT);
	feed_segment(d, &p, 0, SIZE_MAX, SIZE_MAX);
	feed_segment(d, &p, 1, SIZE_MAX, SIZE_MAX);
}

static void more_memory_than_allowed_is_refused(void **state)
{
	AUTO(pair) struct pair p;
	const struct delta_source old = {read_old, NULL, 3000};
	struct err e = ERR_INIT;
	struct delta_head h;
	uint32_t seed = 13;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 3000, &seed);
	edit(&p, 2, &seed);
	make(&p);
	OK(delta_head_parse(p.map.data, &h, &e));
	assert_null(delta_new(&h, h.memory - 1, &old, &e));
	assert_int_equal(e.code, ERR_LIMIT);
}

static void another_old_image_is_refused(void **state)
{
	AUTO(pair) struct pair p;
	const struct delta_source old = {read_old, NULL, 2999};
	struct err e = ERR_INIT;
	struct delta_head h;
	uint32_t seed = 14;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 3000, &seed);
	edit(&p, 2, &seed);
	make(&p);
	OK(delta_head_parse(p.map.data, &h, &e));
	assert_null(delta_new(&h, UINT64_MAX, &old, &e));
	assert_int_equal(e.code, ERR_INCOMPATIBLE);
}

static void a_wrong_field_of_the_head_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT}, {4, 1, ERR_UNSUPPORTED},
	    {13, 1, ERR_FORMAT}, /* an old image of 1 TiB */
	    {21, 1, ERR_FORMAT},  {24, 0xff, ERR_UNSUPPORTED}, /* memory */
	    {32, 1, ERR_FORMAT}, /* a map shorter than its head */
	    {39, 1, ERR_LIMIT},	  {42, 1, ERR_UNSUPPORTED},
	    {44, 1, ERR_FORMAT}, /* no power of two */
	};
	struct delta_head h = {
	    .old_size = 10, .new_size = 10, .map_size = DELTA_HEAD_LEN, .window = 4096};
	struct err e = ERR_INIT;
	uint8_t bytes[DELTA_HEAD_LEN];

	(void)state;
	h.memory = delta_head_memory(&h);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct delta_head back;

		delta_head_write(&h, bytes);
		OK(delta_head_parse(bytes, &back, &e));
		bytes[rows[i].at] = rows[i].value;
		FAILS(delta_head_parse(bytes, &back, &e), rows[i].code);
	}
}

/* Each byte of a delta, changed: an error, or other bytes, but an end. */
static void a_flipped_byte_never_runs_away(void **state)
{
	AUTO(pair) struct pair p;
	uint32_t seed = 15;

	(void)state;
	pair_init(&p);
	add_noise(&p.old_data, 2000, &seed);
	edit(&p, 3, &seed);
	make(&p);
	for (size_t i = 0; i < p.body.len; i += 3) {
		AUTO_PTR(delta) struct delta *d = open_delta(&p);
		AUTO_FREE uint8_t *out = malloc(p.segments[0].s.size);
		struct delta_io io = {.in = p.body.data,
				      .in_len = p.segments[0].s.body_size,
				      .out = out,
				      .room = p.segments[0].s.size};
		struct err e = ERR_INIT;

		feed_map(d, &p.map, SIZE_MAX);
		p.body.data[i] ^= 0x20;
		OK(delta_start(d, &p.segments[0].s, &e));
		if (delta_run(d, &io, &e) == 0)
			assert_true(delta_segment_done(d));
		assert_true(io.made <= io.room);
		p.body.data[i] ^= 0x20;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edits_of_any_kind_come_back_as_they_were),
	    cmocka_unit_test(input_and_output_may_be_cut_at_every_byte),
	    cmocka_unit_test(the_same_input_makes_the_same_delta),
	    cmocka_unit_test(what_did_not_change_costs_next_to_nothing),
	    cmocka_unit_test(noise_grows_by_less_than_three_in_a_thousand),
	    cmocka_unit_test(dear_literals_give_way_to_bytes_as_they_are),
	    cmocka_unit_test(calls_to_code_that_moved_are_predicted),
	    cmocka_unit_test(a_group_can_be_begun_without_those_before),
	    cmocka_unit_test(a_segment_that_continues_needs_the_one_before),
	    cmocka_unit_test(more_memory_than_allowed_is_refused),
	    cmocka_unit_test(another_old_image_is_refused),
	    cmocka_unit_test(a_wrong_field_of_the_head_is_refused),
	    cmocka_unit_test(a_flipped_byte_never_runs_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
