/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include "../base/bytes.h"

#include <string.h>

#define MAGIC "OTABNDL1"
#define MAGIC_LEN 8
#define HEADER_LEN 16u
#define PART_LEN 24u
#define ALIGNMENT 8u
#define FORMAT 1

/* The next place where a part may begin. */
static bool align_up(uint64_t offset, uint64_t *ret)
{
	if (!add_u64(offset, ALIGNMENT - 1, ret))
		return false;
	*ret -= *ret % ALIGNMENT;
	return true;
}

static bool may_repeat(enum part_type t)
{
	return t == PART_ROOT || t == PART_FILE;
}

static int check_order(const struct part *before, const struct part *p, struct err *e)
{
	if (before != NULL && p->type < before->type)
		return err_set(e, ERR_FORMAT, "part %d follows part %d", (int)p->type,
			       (int)before->type);
	if (before != NULL && p->type == before->type && !may_repeat(p->type))
		return err_set(e, ERR_FORMAT, "part %d is there twice", (int)p->type);
	if (p->length == 0 && p->type != PART_BODY)
		return err_set(e, ERR_FORMAT, "part %d is empty", (int)p->type);
	return 0;
}

/* A part stands at the first aligned place after the one before: one layout for each
 * list of parts, no room for bytes that nobody looks at. */
static int check_place(uint64_t *end, const struct part *p, uint64_t file_size,
		       struct err *e)
{
	uint64_t place;

	if (!align_up(*end, &place) || p->offset != place)
		return err_set(e, ERR_FORMAT, "part %d is not where it should be",
			       (int)p->type);
	if (!add_u64(p->offset, p->length, end) || *end > file_size)
		return err_set(e, ERR_FORMAT, "the file ends within part %d",
			       (int)p->type);
	return 0;
}

static int read_part(const uint8_t *row, struct part *ret, struct err *e)
{
	uint32_t type = load_le32(row);

	if (type < PART_ROOT || type > PART_FILE)
		return err_set(e, ERR_UNSUPPORTED, "unknown type of part %u",
			       (unsigned)type);
	if (load_le32(row + 4) != 0)
		return err_set(e, ERR_FORMAT, "reserved bytes of part %u are not zero",
			       (unsigned)type);
	ret->type = (enum part_type)type;
	ret->offset = load_le64(row + 8);
	ret->length = load_le64(row + 16);
	return 0;
}

static int check_header(const uint8_t *front, size_t len, uint64_t file_size,
			struct err *e)
{
	size_t n_parts;

	if (len < HEADER_LEN || len > file_size || memcmp(front, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_FORMAT, "not a bundle");
	if (load_le16(front + 8) != FORMAT || load_le32(front + 12) != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "made for a newer version of this program");
	n_parts = load_le16(front + 10);
	if (n_parts < 1 || n_parts > BUNDLE_MAX_PARTS)
		return err_set(e, ERR_FORMAT, "%zu parts, not 1..%d", n_parts,
			       BUNDLE_MAX_PARTS);
	if (len < HEADER_LEN + n_parts * PART_LEN)
		return err_set(e, ERR_FORMAT, "the file ends within its table");
	return 0;
}

static int parse(const uint8_t *front, size_t len, uint64_t file_size,
		 struct bundle *ret, struct err *e)
{
	uint64_t end;

	if (check_header(front, len, file_size, e) < 0)
		return -1;
	ret->n_parts = load_le16(front + 10);
	end = HEADER_LEN + ret->n_parts * PART_LEN;
	for (size_t i = 0; i < ret->n_parts; i++) {
		struct part *p = &ret->parts[i];

		if (read_part(front + HEADER_LEN + i * PART_LEN, p, e) < 0 ||
		    check_order(i > 0 ? p - 1 : NULL, p, e) < 0 ||
		    check_place(&end, p, file_size, e) < 0)
			return -1;
	}
	if (end != file_size)
		return err_set(e, ERR_FORMAT, "bytes after the last part");
	return 0;
}

int bundle_parse(const void *front, size_t len, uint64_t file_size, struct bundle *ret,
		 struct err *e)
{
	if (parse(front, len, file_size, ret, e) < 0)
		return err_wrap(e, "read bundle");
	return 0;
}

const struct part *bundle_find(const struct bundle *b, enum part_type type, size_t i)
{
	for (size_t at = 0; at < b->n_parts; at++) {
		if (b->parts[at].type == type && i-- == 0)
			return &b->parts[at];
	}
	return NULL;
}

static void write_part(uint8_t *row, const struct part *p)
{
	store_le32(row, (uint32_t)p->type);
	store_le32(row + 4, 0);
	store_le64(row + 8, p->offset);
	store_le64(row + 16, p->length);
}

int bundle_layout(struct bundle *b, struct buf *ret_table, struct err *e)
{
	uint8_t table[BUNDLE_TABLE_MAX_BYTES] = MAGIC;
	uint64_t end = HEADER_LEN + b->n_parts * PART_LEN;

	if (b->n_parts < 1 || b->n_parts > BUNDLE_MAX_PARTS)
		return err_set(e, ERR_USAGE, "a bundle of %zu parts", b->n_parts);
	store_le16(table + 8, FORMAT);
	store_le16(table + 10, (uint16_t)b->n_parts);
	store_le32(table + 12, 0);
	for (size_t i = 0; i < b->n_parts; i++) {
		struct part *p = &b->parts[i];

		if (check_order(i > 0 ? p - 1 : NULL, p, e) < 0)
			return err_wrap(e, "lay out bundle");
		if (!align_up(end, &p->offset) || !add_u64(p->offset, p->length, &end))
			return err_set(e, ERR_LIMIT, "lay out bundle: too large");
		write_part(table + HEADER_LEN + i * PART_LEN, p);
	}
	return buf_add(ret_table, table, HEADER_LEN + b->n_parts * PART_LEN, e);
}
