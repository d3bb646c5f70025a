/* SPDX-License-Identifier: Apache-2.0 */
/* There is one encoding of each journal. */
#include "../../client/install/journal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t back[JOURNAL_COPY_LEN];
	struct journal j;

	if (size != JOURNAL_COPY_LEN || journal_decode(data, &j, NULL) < 0)
		return 0;
	journal_encode(&j, back);
	if (memcmp(back, data, sizeof(back)) != 0)
		abort();
	return 0;
}
