/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/install/journal.h"
#include "../../common/base/bytes.h"

#include "testing.h"
#include "vector.h"

/* A medium in memory. */
struct mem_dev {
	struct dev base;
	uint8_t bytes[2 * JOURNAL_SPACING];
	int writes_left; /* then it fails; -1: never */
};

static int mem_read(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e)
{
	(void)e;
	memcpy(ret, ((struct mem_dev *)d)->bytes + offset, len);
	return 0;
}

static int mem_write(struct dev *d, uint64_t offset, const void *data, size_t len,
		     struct err *e)
{
	struct mem_dev *m = (struct mem_dev *)d;

	if (m->writes_left == 0)
		return err_set(e, ERR_IO, "worn out");
	m->writes_left -= m->writes_left > 0;
	memcpy(m->bytes + offset, data, len);
	return 0;
}

static int mem_flush(struct dev *d, struct err *e)
{
	(void)d;
	(void)e;
	return 0;
}

static void mem_close(struct dev *d)
{
	(void)d;
}

static const struct dev_ops mem_ops = {mem_read, mem_read, mem_write, mem_flush,
				       mem_close};

static struct mem_dev new_medium(void)
{
	return (struct mem_dev){
	    .base = {.ops = &mem_ops, .size = 2 * JOURNAL_SPACING, .name = "journal"},
	    .writes_left = -1};
}

static struct journal example(void)
{
	struct journal j = {
	    .sequence = 0x0102030405060708, .transaction = 7, .blocks = 0x1122334455};

	memset(j.manifest_sha256, 0xab, sizeof(j.manifest_sha256));
	return j;
}

static void a_copy_is_read_back_as_written(void **state)
{
	AUTO(buf) struct buf vector = BUF_INIT(JOURNAL_COPY_LEN);
	struct journal j = example(), back;
	uint8_t data[JOURNAL_COPY_LEN];
	struct err e = ERR_INIT;

	(void)state;
	journal_encode(&j, data);
	OK(journal_decode(data, &back, &e));
	assert_true(back.sequence == j.sequence && back.blocks == j.blocks);
	assert_int_equal(back.transaction, j.transaction);
	assert_memory_equal(back.manifest_sha256, j.manifest_sha256, SHA256_LEN);
	vector_read("journal.md", 0, &vector);
	assert_memory_equal(vector.data, data, vector.len);
	vector_read("journal.md", 1, &vector);
	assert_memory_equal(vector.data + vector.len - 4, data + 508, 4);
}

static void every_changed_bit_is_noticed(void **state)
{
	struct journal j = example(), back;
	uint8_t data[JOURNAL_COPY_LEN];
	struct err e = ERR_INIT;

	(void)state;
	journal_encode(&j, data);
	for (size_t i = 0; i < 8 * sizeof(data); i++) {
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		FAILS(journal_decode(data, &back, &e), ERR_FORMAT);
		data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* With a CRC that holds, as another version could have written it. */
static void what_a_newer_version_wrote_is_no_journal(void **state)
{
	static const struct {
		size_t at;
		enum err_code code;
	} rows[] = {{8, ERR_UNSUPPORTED}, {12, ERR_UNSUPPORTED}, {10, ERR_FORMAT},
		    {28, ERR_FORMAT},	  {72, ERR_FORMAT},	 {507, ERR_FORMAT}};
	struct journal j = example(), back;
	uint8_t data[JOURNAL_COPY_LEN];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		journal_encode(&j, data);
		data[rows[i].at] ^= 0x80;
		store_le32(data + 508, crc32_ieee(data, 508));
		FAILS(journal_decode(data, &back, &e), rows[i].code);
	}
}

static void the_newer_of_two_copies_counts_and_the_older_is_overwritten(void **state)
{
	struct mem_dev m = new_medium();
	struct journal j = {.transaction = 1}, back;
	struct err e = ERR_INIT;

	(void)state;
	FAILS(journal_load(&m.base, &back, &e), ERR_NOT_FOUND);
	for (uint64_t i = 1; i <= 5; i++) {
		j.blocks = i * 256;
		OK(journal_store(&m.base, &j, &e));
		OK(journal_load(&m.base, &back, &e));
		assert_int_equal(back.sequence, i);
		assert_int_equal(back.blocks, i * 256);
	}
	/* Sequence 5 stands in copy 1; without it 4 counts. */
	m.bytes[JOURNAL_SPACING + 20] ^= 1;
	OK(journal_load(&m.base, &back, &e));
	assert_int_equal(back.blocks, 4 * 256);
	m.bytes[20] ^= 1;
	FAILS(journal_load(&m.base, &back, &e), ERR_NOT_FOUND);
}

static void a_copy_in_the_wrong_place_does_not_count(void **state)
{
	struct mem_dev m = new_medium();
	struct journal j = {.transaction = 1}, back;
	struct err e = ERR_INIT;

	(void)state;
	OK(journal_store(&m.base, &j, &e));
	memcpy(m.bytes, m.bytes + JOURNAL_SPACING, JOURNAL_COPY_LEN);
	memset(m.bytes + JOURNAL_SPACING, 0, JOURNAL_COPY_LEN);
	FAILS(journal_load(&m.base, &back, &e), ERR_NOT_FOUND);
}

static void a_failed_store_leaves_the_cursor_where_it_was(void **state)
{
	struct mem_dev m = new_medium();
	struct journal j = {.transaction = 1, .blocks = 1}, back;
	struct err e = ERR_INIT;

	(void)state;
	OK(journal_store(&m.base, &j, &e));
	m.writes_left = 0;
	j.blocks = 2;
	FAILS(journal_store(&m.base, &j, &e), ERR_IO);
	assert_int_equal(j.sequence, 1);
	OK(journal_load(&m.base, &back, &e));
	assert_int_equal(back.blocks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_copy_is_read_back_as_written),
	    cmocka_unit_test(every_changed_bit_is_noticed),
	    cmocka_unit_test(what_a_newer_version_wrote_is_no_journal),
	    cmocka_unit_test(
		the_newer_of_two_copies_counts_and_the_older_is_overwritten),
	    cmocka_unit_test(a_copy_in_the_wrong_place_does_not_count),
	    cmocka_unit_test(a_failed_store_leaves_the_cursor_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
