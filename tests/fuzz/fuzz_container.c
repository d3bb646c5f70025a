/* SPDX-License-Identifier: Apache-2.0 */
/* A head that is taken is written back as the same bytes. */
#include "../../common/format/container.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf back = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	AUTO(container_head) struct container_head h = {0};

	if (container_head_parse(data, size, &h, NULL) < 0)
		return 0;
	if (container_head_write(&h, &back, NULL) < 0 || back.len != size ||
	    memcmp(back.data, data, size) != 0)
		abort();
	return 0;
}
