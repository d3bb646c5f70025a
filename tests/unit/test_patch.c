/* SPDX-License-Identifier: Apache-2.0 */
#include "../../publish/diff/patch.h"
#include "testing.h"

#include <stdlib.h>

#define OLD_LEN 1500000u
#define NEW_LEN 1400001u

/* Two images of half text, half noise, and the delta between them. */
struct world {
	uint8_t *old_data, *new_data, *result;
	size_t result_len;
	struct buf head, body;
	struct container_head h;
};

static void world_fini(struct world *w)
{
	free(w->old_data);
	free(w->new_data);
	free(w->result);
	container_head_fini(&w->h);
	buf_fini(&w->head);
	buf_fini(&w->body);
}

static void fill(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (uint8_t)(seed >> (i / 300000 % 2 == 0 ? 24 : 30));
	}
}

static void world_init(struct world *w, bool is_noise)
{
	struct err e = ERR_INIT;
	struct patch_spec spec = {.old_size = OLD_LEN, .new_size = NEW_LEN};
	uint64_t x = 88172645463325252u;

	memset(w, 0, sizeof(*w));
	buf_init(&w->head, 1u << 20);
	buf_init(&w->body, 16u << 20);
	w->old_data = calloc(1, OLD_LEN + VERITY_BLOCK);
	w->new_data = calloc(1, OLD_LEN + VERITY_BLOCK);
	w->result = calloc(1, OLD_LEN + VERITY_BLOCK);
	assert_true(w->old_data != NULL && w->new_data != NULL && w->result != NULL);
	fill(w->old_data, OLD_LEN, 1);
	memcpy(w->new_data, w->old_data + 1000, NEW_LEN);
	fill(w->new_data + 500000, 3000, 2);
	for (size_t i = 0; is_noise && i < NEW_LEN; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w->new_data[i] = (uint8_t)(x >> 32);
	}
	if (is_noise) /* whole blocks: padding would pay for the rest */
		spec.new_size -= NEW_LEN % VERITY_BLOCK;
	spec.old_data = w->old_data;
	spec.new_data = w->new_data;
	memset(spec.salt, 7, sizeof(spec.salt));
	OK(patch_make(&spec, &w->head, &w->body, &e));
	OK(container_head_parse(w->head.data, w->head.len, &w->h, &e));
}

static int read_old(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e)
{
	const struct world *w = ctx;

	(void)e;
	memcpy(ret_data, w->old_data + offset, len);
	return 0;
}

static int read_body(void *ctx, void *ret_data, size_t len, uint64_t offset,
		     struct err *e)
{
	const struct world *w = ctx;

	(void)e;
	assert_true(offset + len <= w->body.len);
	memcpy(ret_data, w->body.data + offset, len);
	return 0;
}

static int write_result(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct world *w = ctx;

	(void)e;
	assert_int_equal(len % VERITY_BLOCK, 0);
	assert_true(w->result_len + len <= OLD_LEN + VERITY_BLOCK);
	memcpy(w->result + w->result_len, data, len);
	w->result_len += len;
	return 0;
}

static int apply(struct world *w, uint64_t memory, struct err *e)
{
	const struct delta_source body = {read_body, w, w->body.len};
	const struct delta_source old = {read_old, w,
					 verity_n_blocks(OLD_LEN) * VERITY_BLOCK};
	const struct patch_target target = {write_result, w};
	const struct patch_limits limits = {.delta_memory = memory};

	w->result_len = 0;
	return patch_apply(&w->h, &body, &old, &limits, &target, e);
}

static void a_patch_makes_the_new_image_in_whole_blocks(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w, false);
	assert_in_range(w.body.len, 1, 10000);
	OK(apply(&w, 2u << 20, &e));
	assert_int_equal(w.result_len, verity_n_blocks(NEW_LEN) * VERITY_BLOCK);
	assert_memory_equal(w.result, w.new_data, w.result_len);
}

static void what_cannot_be_coded_is_stored(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;
	size_t n_raw = 0;

	(void)state;
	world_init(&w, true);
	for (size_t i = 0; i < w.h.n_segments; i++)
		n_raw += w.h.segments[i].codec == CODEC_RAW;
	assert_int_not_equal(n_raw, 0);
	assert_in_range(w.body.len, 1, NEW_LEN / 100 * 101);
	OK(apply(&w, 2u << 20, &e));
	assert_memory_equal(w.result, w.new_data, w.result_len);
}

/* Nothing of a group that is not right goes out. */
static void another_old_image_writes_nothing_wrong(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w, false);
	w.old_data[700000] ^= 1;
	FAILS(apply(&w, 2u << 20, &e), ERR_DIGEST);
	assert_int_equal(w.result_len, VERITY_GROUP);
	assert_memory_equal(w.result, w.new_data, w.result_len);
}

static void a_changed_body_is_seen_before_it_is_decoded(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w, false);
	for (size_t i = DELTA_HEAD_LEN; i < w.body.len; i += 101) {
		w.body.data[i] ^= 1;
		FAILS(apply(&w, 2u << 20, &e), ERR_DIGEST);
		w.body.data[i] ^= 1;
	}
	assert_int_equal(w.result_len, 0);
}

static void less_memory_than_declared_is_refused(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w, false);
	FAILS(apply(&w, w.h.memory - 1, &e), ERR_LIMIT);
	OK(apply(&w, w.h.memory, &e));
}

static int count(void *ctx, unsigned permille)
{
	unsigned *last = ctx;

	assert_true(permille >= *last && permille <= 1000);
	*last = permille;
	return permille > 500;
}

static void making_tells_how_far_it_is_and_can_be_stopped(void **state)
{
	AUTO(world) struct world w;
	AUTO(buf) struct buf head = BUF_INIT(1u << 20);
	AUTO(buf) struct buf body = BUF_INIT(16u << 20);
	unsigned last = 0;
	struct patch_spec spec = {
	    .old_size = OLD_LEN, .new_size = NEW_LEN, .progress = count, .ctx = &last};
	struct err e = ERR_INIT;

	(void)state;
	world_init(&w, false);
	spec.old_data = w.old_data;
	spec.new_data = w.new_data;
	FAILS(patch_make(&spec, &head, &body, &e), ERR_CANCELLED);
	assert_in_range(last, 501, 1000);
}

/* Fields of a delta's segments in its head; each change alone is refused. */
static void segments_that_cannot_be_are_refused(void **state)
{
	AUTO(world) struct world w;
	struct err e = ERR_INIT;
	size_t segments;

	(void)state;
	world_init(&w, false);
	segments = 64 + 72 + w.h.images[0].n_groups * SHA256_LEN;
	const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 1, ERR_FORMAT},		/* a map of image 1 */
	    {1, CODEC_RAW, ERR_FORMAT}, /* a raw map */
	    {2, 0, ERR_FORMAT},		/* no map, no blocks */
	    {2, 5, ERR_FORMAT},		/* a map of zeros */
	    {2, 8, ERR_FORMAT},		/* blocks before an unknown flag */
	    {4, 1, ERR_FORMAT},		/* a map that makes blocks */
	    {24 + 2, 2, ERR_FORMAT},	/* continues the map */
	    {24 + 2, 4, ERR_FORMAT},	/* a second map */
	    {24 + 2, 8, ERR_UNSUPPORTED}, {24 + 1, 4, ERR_UNSUPPORTED},
	    {24 + 1, 3, ERR_FORMAT}, /* a plan that makes blocks */
	};
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct container_head back;
		uint8_t *at = w.head.data + segments + rows[i].at, was = *at;

		*at = rows[i].value;
		FAILS(container_head_parse(w.head.data, w.head.len, &back, &e),
		      rows[i].code);
		*at = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_patch_makes_the_new_image_in_whole_blocks),
	    cmocka_unit_test(what_cannot_be_coded_is_stored),
	    cmocka_unit_test(another_old_image_writes_nothing_wrong),
	    cmocka_unit_test(a_changed_body_is_seen_before_it_is_decoded),
	    cmocka_unit_test(less_memory_than_declared_is_refused),
	    cmocka_unit_test(making_tells_how_far_it_is_and_can_be_stopped),
	    cmocka_unit_test(segments_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
