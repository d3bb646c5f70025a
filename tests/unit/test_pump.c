/* SPDX-License-Identifier: Apache-2.0 */
/* Segments that no maker of ours makes, behind heads that vouch for their chunks. */
#include "../../client/install/pump.h"
#include "../../common/base/buf.h"

#include "sim.h"
#include "testing.h"

#include <zstd.h>

#define MAX_BLOCKS CONTAINER_MAX_SEGMENT_BLOCKS
#define IMAGE_BYTES (MAX_BLOCKS * VERITY_BLOCK)

/* One image, one segment; everything a head points to. */
struct load {
	uint8_t image[IMAGE_BYTES];
	uint8_t groups[MAX_BLOCKS / VERITY_FANOUT * SHA256_LEN];
	uint8_t leaves[MAX_BLOCKS * SHA256_LEN];
	uint8_t chunks[128 * SHA256_LEN];
	struct segment segment;
	struct container_head head;
	struct buf body;
	struct sim sim;
	struct dev *medium;
	struct pump *pump;
};

static struct load *load_new(uint32_t n_blocks)
{
	struct load *l = calloc(1, sizeof(*l));
	uint64_t x = 1;
	struct err e = ERR_INIT;

	assert_non_null(l);
	for (size_t i = 0; i < n_blocks * (size_t)VERITY_BLOCK; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		l->image[i] = (uint8_t)(i % 64 < 32 ? x >> 60 : 'x');
	}
	for (size_t i = 0; i < n_blocks; i++)
		OK(verity_leaf(l->head.images[0].salt, l->image + i * VERITY_BLOCK,
			       l->leaves + i * SHA256_LEN, &e));
	for (size_t i = 0; i < n_blocks; i += VERITY_FANOUT)
		OK(verity_group(
		    l->head.images[0].salt, l->leaves + i * SHA256_LEN,
		    n_blocks - i < VERITY_FANOUT ? n_blocks - i : VERITY_FANOUT,
		    n_blocks, l->groups + i / VERITY_FANOUT * SHA256_LEN, &e));
	l->segment.n_blocks = n_blocks;
	l->segment.codec = CODEC_ZSTD;
	buf_init(&l->body, 2 * IMAGE_BYTES);
	OK(buf_add(&l->body, l->leaves, n_blocks * (size_t)SHA256_LEN, &e));
	l->medium = sim_add(&l->sim, "medium", n_blocks * (size_t)VERITY_BLOCK);
	l->pump = pump_new(&e);
	assert_non_null(l->pump);
	return l;
}

static void load_free(struct load *l)
{
	pump_free(l->pump);
	sim_fini(&l->sim);
	buf_fini(&l->body);
	free(l);
}

/* Appends n bytes of the image as a zstd frame. */
static void add_frame(struct load *l, size_t n, int window_log)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(n), code;
	struct err e = ERR_INIT;
	ZSTD_inBuffer in = {l->image, n, 0};
	ZSTD_outBuffer out;

	OK(buf_reserve(&l->body, room, &e));
	out = (ZSTD_outBuffer){l->body.data + l->body.len, room, 0};
	(void)ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window_log);
	code = ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush);
	assert_false(ZSTD_isError(code));
	code = ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
	assert_true(code == 0);
	l->body.len += out.pos;
	(void)ZSTD_freeCCtx(z);
}

/* The head that vouches for the body as it is. */
static void vouch(struct load *l)
{
	struct container_head *h = &l->head;
	struct err e = ERR_INIT;

	l->segment.body_size = l->body.len;
	h->body_size = l->body.len;
	h->n_images = 1;
	h->images[0].size = l->segment.n_blocks * (uint64_t)VERITY_BLOCK;
	h->images[0].groups = l->groups;
	h->images[0].n_groups = (size_t)verity_n_groups(h->images[0].size);
	h->segments = &l->segment;
	h->n_segments = 1;
	h->codecs = 1u << l->segment.codec;
	h->chunks = l->chunks;
	h->n_chunks = (l->body.len + CONTAINER_CHUNK - 1) / CONTAINER_CHUNK;
	assert_true(h->n_chunks <= 128);
	for (size_t i = 0; i < h->n_chunks; i++)
		OK(sha256(l->body.data + i * CONTAINER_CHUNK, container_chunk_len(h, i),
			  l->chunks + i * SHA256_LEN, &e));
}

static int run(struct load *l, struct err *e)
{
	const struct pump_job job = {.head = &l->head, .media = {l->medium}};
	uint64_t blocks;
	size_t at = 0;

	vouch(l);
	if (pump_start(l->pump, &job, &blocks, e) < 0)
		return -1;
	while (!pump_segment_done(l->pump)) {
		if (pump_is_hungry(l->pump)) {
			size_t n =
			    pump_feed(l->pump, l->body.data + at, l->body.len - at);

			assert_true(n > 0);
			at += n;
		} else if (pump_step(l->pump, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static void check_written(const struct load *l)
{
	assert_memory_equal(l->sim.media[0].seen, l->image, l->medium->size);
}

static void segments_of_all_sizes_come_out_as_they_went_in(void **state)
{
	static const uint32_t sizes[] = {1, 2, 16, 17, 128, 256, 300, 1024};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(sizes); i++) {
		struct load *l = load_new(sizes[i]);

		add_frame(l, l->medium->size, CONTAINER_WINDOW_LOG);
		OK(run(l, &e));
		check_written(l);
		load_free(l);
		l = load_new(sizes[i]);
		l->segment.codec = CODEC_RAW;
		OK(buf_add(&l->body, l->image, l->medium->size, &e));
		OK(run(l, &e));
		check_written(l);
		load_free(l);
	}
}

/* Each row spoils a good segment of 20 blocks in its own way. */
static void spoil_more(struct load *l)
{
	add_frame(l, 21 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
}

static void spoil_less(struct load *l)
{
	add_frame(l, 19 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
}

static void spoil_cut(struct load *l)
{
	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
	l->body.len--;
}

static void spoil_trailing(struct load *l)
{
	struct err e = ERR_INIT;

	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
	OK(buf_add(&l->body, "x", 1, &e));
}

static void spoil_two_frames(struct load *l)
{
	add_frame(l, 10 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
	add_frame(l, 10 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
}

static void spoil_window(struct load *l)
{
	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG + 1);
}

static void spoil_skippable(struct load *l)
{
	static const uint8_t frame[12] = {0x50, 0x2a, 0x4d, 0x18, 4};
	struct err e = ERR_INIT;

	OK(buf_add(&l->body, frame, sizeof(frame), &e));
	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
}

static void spoil_no_frame(struct load *l)
{
	struct err e = ERR_INIT;

	OK(buf_add(&l->body, "this is no zstd frame", 21, &e));
}

static void spoil_leaf(struct load *l)
{
	l->body.data[3 * SHA256_LEN] ^= 1;
	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
}

static void spoil_block(struct load *l)
{
	l->image[5 * VERITY_BLOCK] ^= 1;
	add_frame(l, 20 * VERITY_BLOCK, CONTAINER_WINDOW_LOG);
	l->image[5 * VERITY_BLOCK] ^= 1;
}

static void a_segment_that_is_not_exactly_right_is_refused(void **state)
{
	static const struct {
		void (*spoil)(struct load *l);
		enum err_code code;
	} rows[] = {
	    {spoil_more, ERR_FORMAT},	    {spoil_less, ERR_FORMAT},
	    {spoil_cut, ERR_FORMAT},	    {spoil_trailing, ERR_FORMAT},
	    {spoil_two_frames, ERR_FORMAT}, {spoil_window, ERR_FORMAT},
	    {spoil_skippable, ERR_FORMAT},  {spoil_no_frame, ERR_FORMAT},
	    {spoil_leaf, ERR_DIGEST},	    {spoil_block, ERR_DIGEST},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct load *l = load_new(20);

		rows[i].spoil(l);
		e = ERR_INIT;
		if (run(l, &e) == 0 || e.code != rows[i].code)
			fail_msg("row %zu: %s", i, e.text);
		load_free(l);
	}
}

static void a_wrong_block_is_not_written(void **state)
{
	struct load *l = load_new(20);
	const uint8_t zeros[VERITY_BLOCK] = {0};
	struct err e = ERR_INIT;

	(void)state;
	spoil_block(l);
	FAILS(run(l, &e), ERR_DIGEST);
	assert_string_equal(e.text, "segment 0: block 5 is not what was signed");
	assert_memory_equal(l->sim.media[0].seen + 5 * VERITY_BLOCK, zeros,
			    VERITY_BLOCK);
	load_free(l);
}

static void zeros_need_no_body_but_must_be_signed(void **state)
{
	struct load *l = load_new(20);
	const struct pump_job job = {.head = &l->head, .media = {l->medium}};
	uint64_t blocks;
	struct err e = ERR_INIT;

	(void)state;
	buf_clear(&l->body);
	vouch(l);
	l->segment.flags = SEG_ZERO;
	l->segment.codec = CODEC_RAW;
	OK(pump_start(l->pump, &job, &blocks, &e));
	assert_false(pump_is_hungry(l->pump));
	FAILS(pump_step(l->pump, &e), ERR_DIGEST);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(segments_of_all_sizes_come_out_as_they_went_in),
	    cmocka_unit_test(a_segment_that_is_not_exactly_right_is_refused),
	    cmocka_unit_test(a_wrong_block_is_not_written),
	    cmocka_unit_test(zeros_need_no_body_but_must_be_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
