/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes must encode to the same bytes. */
#include "../../client/boot/handover.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[HANDOVER_LEN] = {0}, again[HANDOVER_LEN];
	struct handover h;
	struct err e = ERR_INIT;

	memcpy(bytes, data, size < HANDOVER_LEN ? size : HANDOVER_LEN);
	if (handover_decode(bytes, &h, &e) < 0)
		return 0;
	handover_encode(&h, again);
	if (memcmp(bytes, again, HANDOVER_LEN) != 0)
		abort();
	return 0;
}
