/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken must lay out to the same bytes: there is one table for each list of
 * parts. */
#include "../../common/format/bundle.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf table = BUF_INIT(BUNDLE_TABLE_MAX_BYTES);
	struct bundle b;
	uint64_t file_size = size;

	/* The table names its file's size by its last part; try with that one as well.
	 */
	for (int pass = 0; pass < 2; pass++) {
		if (bundle_parse(data, size, file_size, &b, NULL) == 0) {
			buf_clear(&table);
			if (bundle_layout(&b, &table, NULL) < 0 ||
			    memcmp(table.data, data, table.len) != 0)
				abort();
		}
		if (size >= 16 + 24)
			memcpy(&file_size, data + size - 8, sizeof(file_size));
		file_size += size;
	}
	return 0;
}
