/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/bytes.h"
#include "../../common/format/bundle.h"

#include "testing.h"
#include "vector.h"

#define FILE_SIZE 216u

/* Roots of 5 and 8 bytes, a manifest of 20, a body of 64: what docs/formats/bundle.md
 * shows. */
static void lay_out(struct bundle *b, struct buf *table)
{
	struct err e = ERR_INIT;

	*b = (struct bundle){.n_parts = 4,
			     .parts = {{.type = PART_ROOT, .length = 5},
				       {.type = PART_ROOT, .length = 8},
				       {.type = PART_MANIFEST, .length = 20},
				       {.type = PART_BODY, .length = 64}}};
	OK(bundle_layout(b, table, &e));
}

static void a_bundle_is_read_back_as_laid_out(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b, back;
	struct err e = ERR_INIT;

	(void)state;
	lay_out(&b, &table);
	assert_int_equal(table.len, 16 + 4 * 24);
	OK(bundle_parse(table.data, table.len, FILE_SIZE, &back, &e));
	assert_int_equal(back.n_parts, 4);
	assert_int_equal(bundle_find(&back, PART_ROOT, 0)->offset, 112);
	assert_int_equal(bundle_find(&back, PART_ROOT, 1)->offset, 120);
	assert_int_equal(bundle_find(&back, PART_MANIFEST, 0)->offset, 128);
	assert_int_equal(bundle_find(&back, PART_BODY, 0)->offset, 152);
	assert_int_equal(bundle_find(&back, PART_BODY, 0)->length, 64);
	assert_null(bundle_find(&back, PART_ROOT, 2));
	assert_null(bundle_find(&back, PART_HEAD, 0));
}

static void the_documents_vector_is_what_we_write(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	AUTO(buf) struct buf vector = BUF_INIT(4096);
	struct bundle b;

	(void)state;
	lay_out(&b, &table);
	vector_read("bundle.md", 0, &vector);
	assert_int_equal(vector.len, table.len);
	assert_memory_equal(vector.data, table.data, table.len);
}

static void a_bundle_beyond_4_gib_keeps_its_offsets(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {
	    .n_parts = 2,
	    .parts = {{.type = PART_HEAD, .length = 0x100000001ull},
		      {.type = PART_BODY, .length = 0x7fffffff12345678ull}}};
	struct bundle back;
	struct err e = ERR_INIT;
	uint64_t size;

	(void)state;
	OK(bundle_layout(&b, &table, &e));
	size = b.parts[1].offset + b.parts[1].length;
	OK(bundle_parse(table.data, table.len, size, &back, &e));
	assert_true(back.parts[1].offset == 0x100000048ull);
	assert_true(back.parts[1].length == 0x7fffffff12345678ull);
	FAILS(bundle_parse(table.data, table.len, size & 0xffffffff, &back, &e),
	      ERR_FORMAT);
}

static void parts_that_would_wrap_are_refused(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {.n_parts = 2,
			   .parts = {{.type = PART_HEAD, .length = UINT64_MAX - 64},
				     {.type = PART_BODY, .length = 8}}};
	struct err e = ERR_INIT;

	(void)state;
	FAILS(bundle_layout(&b, &table, &e), ERR_LIMIT);
}

/* Lengths are multiples of 8 here: shorter ones may vary within the padding, where the
 * content's own signature is what notices. */
static void every_changed_bit_of_the_table_is_noticed(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {.n_parts = 4,
			   .parts = {{.type = PART_ROOT, .length = 8},
				     {.type = PART_ROOT, .length = 8},
				     {.type = PART_MANIFEST, .length = 24},
				     {.type = PART_BODY, .length = 64}}};
	struct bundle back;
	struct err e = ERR_INIT;

	(void)state;
	OK(bundle_layout(&b, &table, &e));
	for (size_t at = 0; at < table.len; at++) {
		if (at >= 16 && (at - 16) % 24 == 0)
			continue;
		for (int bit = 0; bit < 8; bit++) {
			table.data[at] ^= (uint8_t)(1 << bit);
			e = ERR_INIT;
			if (bundle_parse(table.data, table.len, FILE_SIZE, &back, &e) ==
			    0)
				fail_msg("byte %zu, bit %d: taken", at, bit);
			assert_true(e.code == ERR_FORMAT || e.code == ERR_UNSUPPORTED);
			table.data[at] ^= (uint8_t)(1 << bit);
		}
	}
}

static void a_wrong_field_is_refused_with_its_own_code(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum err_code code;
	} rows[] = {
	    {0, 'X', ERR_FORMAT},      /* magic */
	    {8, 2, ERR_UNSUPPORTED},   /* format */
	    {10, 0, ERR_FORMAT},       /* no parts */
	    {10, 65, ERR_FORMAT},      /* too many parts */
	    {12, 1, ERR_UNSUPPORTED},  /* must_understand */
	    {16, 10, ERR_UNSUPPORTED}, /* unknown type */
	    {16, 0, ERR_UNSUPPORTED},  /* type 0 */
	    {16, 5, ERR_FORMAT},       /* types not ascending */
	    {64, 8, ERR_FORMAT},       /* two bodies */
	    {20, 1, ERR_FORMAT},       /* reserved */
	    {24, 104, ERR_FORMAT},     /* overlaps the table */
	    {24, 113, ERR_FORMAT},     /* not aligned */
	    {48, 112, ERR_FORMAT},     /* overlaps the part before */
	    {48, 128, ERR_FORMAT},     /* a gap */
	    {32, 0, ERR_FORMAT},       /* an empty root */
	    {104, 63, ERR_FORMAT},     /* bytes after the last part */
	    {104, 65, ERR_FORMAT},     /* the file is too short */
	    {111, 0x80, ERR_FORMAT},   /* a length of 2^63 */
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
		struct bundle b, back;

		lay_out(&b, &table);
		table.data[rows[i].at] = rows[i].value;
		FAILS(bundle_parse(table.data, table.len, FILE_SIZE, &back, &e),
		      rows[i].code);
	}
}

static void a_cut_table_is_refused_at_every_length(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b, back;
	struct err e = ERR_INIT;

	(void)state;
	lay_out(&b, &table);
	for (size_t len = 0; len < table.len; len++)
		FAILS(bundle_parse(table.data, len, len, &back, &e), ERR_FORMAT);
}

static void parts_out_of_order_are_not_laid_out(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {.n_parts = 2,
			   .parts = {{.type = PART_BODY, .length = 1},
				     {.type = PART_HEAD, .length = 1}}};
	struct err e = ERR_INIT;

	(void)state;
	FAILS(bundle_layout(&b, &table, &e), ERR_FORMAT);
	b.parts[0].type = PART_HEAD;
	FAILS(bundle_layout(&b, &table, &e), ERR_FORMAT);
	b.n_parts = 0;
	FAILS(bundle_layout(&b, &table, &e), ERR_USAGE);
	b.n_parts = BUNDLE_MAX_PARTS + 1;
	FAILS(bundle_layout(&b, &table, &e), ERR_USAGE);
}

static void opaque_files_follow_in_their_order(void **state)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b = {.n_parts = 3,
			   .parts = {{.type = PART_MANIFEST, .length = 24},
				     {.type = PART_FILE, .length = 8},
				     {.type = PART_FILE, .length = 9}}};
	struct bundle back;
	struct err e = ERR_INIT;

	(void)state;
	OK(bundle_layout(&b, &table, &e));
	OK(bundle_parse(table.data, table.len, b.parts[2].offset + 9, &back, &e));
	assert_int_equal(bundle_find(&back, PART_FILE, 1)->length, 9);
	assert_null(bundle_find(&back, PART_FILE, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bundle_is_read_back_as_laid_out),
	    cmocka_unit_test(the_documents_vector_is_what_we_write),
	    cmocka_unit_test(a_bundle_beyond_4_gib_keeps_its_offsets),
	    cmocka_unit_test(parts_that_would_wrap_are_refused),
	    cmocka_unit_test(every_changed_bit_of_the_table_is_noticed),
	    cmocka_unit_test(a_wrong_field_is_refused_with_its_own_code),
	    cmocka_unit_test(a_cut_table_is_refused_at_every_length),
	    cmocka_unit_test(parts_out_of_order_are_not_laid_out),
	    cmocka_unit_test(opaque_files_follow_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
