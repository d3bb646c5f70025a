/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/bytes.h"
#include "example.h"
#include "vector.h"

static void a_head_is_read_back_as_written(void **state)
{
	AUTO(example) struct example x;
	AUTO(container_head) struct container_head back = {0};
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	OK(container_head_parse(x.head_bytes.data, x.head_bytes.len, &back, &e));
	assert_int_equal(back.n_segments, 2);
	assert_int_equal(back.segments[0].n_blocks, 152);
	assert_int_equal(back.segments[1].body_offset, 70000);
	assert_int_equal(back.n_chunks, 2);
	assert_int_equal(container_chunk_len(&back, 0), 65536);
	assert_int_equal(container_chunk_len(&back, 1), 70000 - 65536);
	assert_int_equal(container_chunk_len(&back, 2), 0);
	assert_memory_equal(back.chunks, x.chunks, sizeof(x.chunks));
	OK(container_check_matches(&back, &x.manifest, &e));
}

static void the_documents_vector_is_what_we_write(void **state)
{
	AUTO(buf) struct buf vector = BUF_INIT(4096);
	AUTO(example) struct example x;

	(void)state;
	example_init(&x);
	vector_read("container.md", 0, &vector);
	assert_int_equal(vector.len, x.head_bytes.len);
	assert_memory_equal(vector.data, x.head_bytes.data, vector.len);
}

/* Offsets in the example: images at 64 and 136, groups at 208, segments at 304 and 328,
 * chunks at 352, 416 bytes. */
static void a_wrong_field_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT},
	    {8, 2, ERR_UNSUPPORTED},
	    {10, 1, ERR_FORMAT}, /* a delta needs a base */
	    {10, 2, ERR_UNSUPPORTED},
	    {11, 0, ERR_FORMAT},
	    {11, 1, ERR_FORMAT},
	    {11, 3, ERR_FORMAT},
	    {11, 5, ERR_FORMAT},
	    {12, 1, ERR_UNSUPPORTED},
	    {15, 0x80, ERR_UNSUPPORTED},
	    {16, 0, ERR_FORMAT}, /* head_size */
	    {23, 1, ERR_FORMAT},
	    {24, 0x71, ERR_FORMAT}, /* body_size */
	    {31, 0x80, ERR_FORMAT},
	    {32, 1, ERR_FORMAT}, /* n_segments */
	    {35, 0xff, ERR_FORMAT},
	    {36, 0, ERR_FORMAT}, /* codecs: one too few, one too many, unknown */
	    {36, 3, ERR_FORMAT},
	    {36, 6, ERR_FORMAT},
	    {36, 18, ERR_UNSUPPORTED},
	    {48, 1, ERR_UNSUPPORTED},
	    {63, 1, ERR_UNSUPPORTED},
	    {66, 0, ERR_FORMAT},       /* image 0 has one group less */
	    {71, 0xff, ERR_FORMAT},    /* its size is beyond all measure */
	    {104, 1, ERR_FORMAT},      /* a full payload has no base */
	    {144, 1, ERR_NONE},	       /* salt: not the head's to judge */
	    {137, 0, ERR_FORMAT},      /* image 1 of no bytes */
	    {208, 0, ERR_NONE},	       /* group hash: likewise */
	    {304, 1, ERR_FORMAT},      /* segment 0 of image 1 */
	    {305, 2, ERR_UNSUPPORTED}, /* codec */
	    {305, 0, ERR_FORMAT},      /* raw, but not of its size */
	    {306, 1, ERR_FORMAT},      /* zero, with a body */
	    {306, 2, ERR_UNSUPPORTED}, /* flag */
	    {307, 0x80, ERR_UNSUPPORTED},
	    {308, 0, ERR_FORMAT},   /* no blocks */
	    {308, 151, ERR_FORMAT}, /* too few, within a group */
	    {308, 128, ERR_FORMAT}, /* image 0 is not complete */
	    {308, 153, ERR_FORMAT}, /* too many */
	    {311, 0xff, ERR_FORMAT},
	    {312, 1, ERR_FORMAT}, /* a gap in the body */
	    {319, 0x80, ERR_FORMAT},
	    {320, 0x71, ERR_FORMAT}, /* overlaps the next */
	    {327, 0x80, ERR_FORMAT},
	    {328, 2, ERR_FORMAT}, /* image 2 */
	    {329, 1, ERR_FORMAT}, /* zero with a codec */
	    {330, 0, ERR_FORMAT}, /* not zero, without a body */
	    {344, 1, ERR_FORMAT}, /* zero with a body */
	    {352, 0, ERR_NONE},	  /* chunk hash */
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(example) struct example x;
		AUTO(container_head) struct container_head back = {0};
		int result;

		example_init(&x);
		x.head_bytes.data[rows[i].at] = rows[i].value;
		e = ERR_INIT;
		result = container_head_parse(x.head_bytes.data, x.head_bytes.len,
					      &back, &e);
		if (e.code != rows[i].code ||
		    (result == 0) != (rows[i].code == ERR_NONE))
			fail_msg("byte %zu = %u: %s", rows[i].at, rows[i].value,
				 e.text);
	}
}

static void a_head_of_another_length_is_refused(void **state)
{
	AUTO(example) struct example x;
	AUTO(container_head) struct container_head back = {0};
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	for (size_t len = 0; len < x.head_bytes.len; len++)
		FAILS(container_head_parse(x.head_bytes.data, len, &back, &e),
		      ERR_FORMAT);
	OK(buf_add(&x.head_bytes, "x", 1, &e));
	FAILS(container_head_parse(x.head_bytes.data, x.head_bytes.len, &back, &e),
	      ERR_FORMAT);
	/* Its own size field agrees, its tables do not. */
	store_le64(x.head_bytes.data + 16, x.head_bytes.len);
	FAILS(container_head_parse(x.head_bytes.data, x.head_bytes.len, &back, &e),
	      ERR_FORMAT);
	FAILS(container_head_parse(x.head_bytes.data, CONTAINER_HEAD_MAX_BYTES + 1,
				   &back, &e),
	      ERR_LIMIT);
}

/* 5 GiB of zeros but for one raw segment in the middle. */
static void offsets_beyond_4_gib_are_kept(void **state)
{
	const uint64_t size = 5ull << 30;
	const size_t n_segments = 5 << 10, n_groups = 10 << 10;
	AUTO_FREE struct segment *segments = calloc(n_segments, sizeof(*segments));
	AUTO_FREE uint8_t *groups = calloc(n_groups, SHA256_LEN);
	AUTO_FREE uint8_t *chunks = calloc(17, SHA256_LEN);
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	AUTO(container_head) struct container_head back = {0};
	struct container_head h = {.n_images = 1, .codecs = 1, .body_size = 256 * 4128};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < n_segments; i++) {
		segments[i] = (struct segment){.flags = SEG_ZERO, .n_blocks = 256};
		segments[i].body_offset = i > 4500 ? h.body_size : 0;
	}
	segments[4500].flags = 0;
	segments[4500].body_size = h.body_size;
	h.images[0] = (struct container_image){
	    .size = size, .groups = groups, .n_groups = n_groups};
	h.segments = segments;
	h.n_segments = n_segments;
	h.chunks = chunks;
	h.n_chunks = 17;
	OK(container_head_write(&h, &bytes, &e));
	OK(container_head_parse(bytes.data, bytes.len, &back, &e));
	assert_true(back.images[0].size == size);
	assert_true(back.segments[4500].first_block == 4500 * 256);
	assert_true(back.segments[n_segments - 1].first_block * VERITY_BLOCK ==
		    size - CONTAINER_SEGMENT);
}

static void a_segment_larger_than_4_mib_is_refused(void **state)
{
	struct segment s = {.flags = SEG_ZERO, .n_blocks = 1024};
	uint8_t groups[9 * SHA256_LEN] = {0};
	struct container_head h = {.n_images = 1, .segments = &s, .n_segments = 1};
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	struct err e = ERR_INIT;

	(void)state;
	h.images[0] =
	    (struct container_image){.size = 4 << 20, .groups = groups, .n_groups = 8};
	OK(container_head_write(&h, &bytes, &e));
	h.images[0].size += 1;
	h.images[0].n_groups = 9;
	s.n_blocks = 1025;
	FAILS(container_head_write(&h, &bytes, &e), ERR_LIMIT);
}

static void a_head_must_lead_to_the_manifests_roots(void **state)
{
	AUTO(example) struct example x;
	AUTO(container_head) struct container_head back = {0};
	struct manifest m;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	OK(container_head_parse(x.head_bytes.data, x.head_bytes.len, &back, &e));
	const struct {
		void *field;
	} rows[] = {{&m.n_images},	     {&m.payload_body_size},
		    {&m.images[0].size},     {&m.images[1].size},
		    {m.images[0].salt},	     {m.images[1].salt},
		    {m.images[0].root_hash}, {m.images[1].root_hash}};
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		m = x.manifest;
		*(uint8_t *)rows[i].field ^= 1;
		FAILS(container_check_matches(&back, &m, &e), ERR_DIGEST);
	}
	back.bytes[208 + 33] ^= 1; /* the second group */
	FAILS(container_check_matches(&back, &x.manifest, &e), ERR_DIGEST);
}

static void a_chunk_is_what_its_hash_says(void **state)
{
	AUTO(example) struct example x;
	AUTO_FREE uint8_t *body = calloc(1, 70000);
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	OK(sha256(body, 65536, x.chunks, &e));
	OK(sha256(body + 65536, 4464, x.chunks + SHA256_LEN, &e));
	OK(container_check_chunk(&x.head, 0, body, 65536, &e));
	OK(container_check_chunk(&x.head, 1, body + 65536, 4464, &e));
	FAILS(container_check_chunk(&x.head, 0, body, 65535, &e), ERR_DIGEST);
	FAILS(container_check_chunk(&x.head, 2, body, 0, &e), ERR_DIGEST);
	body[69999] = 1;
	FAILS(container_check_chunk(&x.head, 1, body + 65536, 4464, &e), ERR_DIGEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_is_read_back_as_written),
	    cmocka_unit_test(the_documents_vector_is_what_we_write),
	    cmocka_unit_test(a_wrong_field_is_refused),
	    cmocka_unit_test(a_head_of_another_length_is_refused),
	    cmocka_unit_test(offsets_beyond_4_gib_are_kept),
	    cmocka_unit_test(a_segment_larger_than_4_mib_is_refused),
	    cmocka_unit_test(a_head_must_lead_to_the_manifests_roots),
	    cmocka_unit_test(a_chunk_is_what_its_hash_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
