/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes must encode to the same bytes, and the bootloader's question must end.
 */
#include "../../client/slot/record.h"
#include "../../common/base/bytes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t bytes[RECORD_LEN])
{
	uint8_t again[RECORD_LEN];
	struct slot_record r;
	struct err e = ERR_INIT;
	unsigned slot = 0;

	if (record_decode(bytes, &r, &e) < 0)
		return;
	record_encode(&r, again);
	if (memcmp(bytes, again, RECORD_LEN) != 0)
		abort();
	for (int i = 0; record_choose(&r, &slot) == BOOT_EXHAUST; i++)
		if (i == N_SLOTS || record_reject(&r, slot, REASON_EXHAUSTED, &e) < 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[RECORD_LEN] = {0};

	memcpy(bytes, data, size < RECORD_LEN ? size : RECORD_LEN);
	decode(bytes);
	/* Again with the checksum mended, or nothing would ever come past it. */
	store_le32(bytes + RECORD_LEN - 4, crc32_ieee(bytes, RECORD_LEN - 4));
	decode(bytes);
	return 0;
}
