/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include "../../common/base/bytes.h"

#include <string.h>

#define MAGIC "OTAJRNL1"
#define MAGIC_LEN 8
#define FORMAT 1
#define AT_RESERVED_2 28
#define AT_RESERVED_3 72
#define AT_CRC 508

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

void journal_encode(const struct journal *j, uint8_t ret[JOURNAL_COPY_LEN])
{
	memset(ret, 0, JOURNAL_COPY_LEN);
	memcpy(ret, MAGIC, MAGIC_LEN);
	store_le16(ret + 8, FORMAT);
	store_le64(ret + 16, j->sequence);
	store_le32(ret + 24, j->transaction);
	memcpy(ret + 32, j->manifest_sha256, SHA256_LEN);
	store_le64(ret + 64, j->blocks);
	store_le32(ret + AT_CRC, crc32_ieee(ret, AT_CRC));
}

int journal_decode(const uint8_t data[JOURNAL_COPY_LEN], struct journal *ret,
		   struct err *e)
{
	if (memcmp(data, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_FORMAT, "journal: there is none");
	if (load_le32(data + AT_CRC) != crc32_ieee(data, AT_CRC))
		return err_set(e, ERR_FORMAT, "journal: its CRC does not hold");
	if (load_le16(data + 8) != FORMAT || load_le32(data + 12) != 0)
		return err_set(e, ERR_UNSUPPORTED, "journal: made by a newer version");
	if (load_le16(data + 10) != 0 || load_le32(data + AT_RESERVED_2) != 0 ||
	    !all_zero(data + AT_RESERVED_3, AT_CRC - AT_RESERVED_3))
		return err_set(e, ERR_FORMAT, "journal: reserved bytes are not zero");
	ret->sequence = load_le64(data + 16);
	ret->transaction = load_le32(data + 24);
	memcpy(ret->manifest_sha256, data + 32, SHA256_LEN);
	ret->blocks = load_le64(data + 64);
	return 0;
}

static bool load_copy(struct dev *d, unsigned copy, struct journal *ret)
{
	uint8_t data[JOURNAL_COPY_LEN];

	return dev_read(d, (uint64_t)copy * JOURNAL_SPACING, data, sizeof(data),
			NULL) == 0 &&
	       journal_decode(data, ret, NULL) == 0;
}

/* A copy's place follows from its sequence, so the other one is always the older. */
static unsigned place_of(uint64_t sequence)
{
	return sequence & 1;
}

int journal_load(struct dev *d, struct journal *ret, struct err *e)
{
	struct journal copies[2];
	bool valid[2];

	for (unsigned i = 0; i < 2; i++)
		valid[i] =
		    load_copy(d, i, &copies[i]) && place_of(copies[i].sequence) == i;
	if (!valid[0] && !valid[1])
		return err_set(e, ERR_NOT_FOUND, "%s: no valid copy", d->name);
	if (valid[0] && valid[1])
		*ret = copies[copies[1].sequence > copies[0].sequence];
	else
		*ret = copies[valid[1]];
	return 0;
}

int journal_store(struct dev *d, struct journal *j, struct err *e)
{
	struct journal next = *j;
	uint8_t data[JOURNAL_COPY_LEN];

	next.sequence++;
	journal_encode(&next, data);
	if (dev_write(d, (uint64_t)place_of(next.sequence) * JOURNAL_SPACING, data,
		      sizeof(data), e) < 0 ||
	    dev_flush(d, e) < 0)
		return -1;
	*j = next;
	return 0;
}
