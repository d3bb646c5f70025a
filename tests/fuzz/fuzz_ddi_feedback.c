/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback that was read can be written, and is then read as the same. */
#include "../../common/ddi/ddi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddi_feedback *m = calloc(1, sizeof(*m));
	struct ddi_feedback *again = calloc(1, sizeof(*again));
	AUTO(buf) struct buf b = BUF_INIT(1u << 20);

	if (m == NULL || again == NULL)
		abort();
	if (ddi_feedback_parse(data, size, m, NULL) == 0) {
		if (ddi_feedback_write(m, "100001", &b, NULL) < 0 ||
		    ddi_feedback_parse(b.data, b.len, again, NULL) < 0 ||
		    again->execution != m->execution ||
		    again->finished != m->finished ||
		    memcmp(again->details, m->details, sizeof(m->details)) != 0)
			abort();
	}
	free(m);
	free(again);
	return 0;
}
