/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken is written, read and written again as the same text (without the
 * members that begin with "x-" it is the input's own text, else a shorter one). */
#include "../../common/format/manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
	struct manifest m;

	if (manifest_parse(data, size, &m, NULL) < 0)
		return 0;
	if (manifest_write(&m, &text, NULL) < 0 || text.len > size)
		abort();
	if (text.len == size && memcmp(text.data, data, size) != 0)
		abort();
	return 0;
}
