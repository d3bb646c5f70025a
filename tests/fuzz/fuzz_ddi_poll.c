/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the poll answer says, a reader survives it. */
#include "../../common/ddi/ddi.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddi_poll *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	if (ddi_poll_parse(data, size, m, NULL) == 0 &&
	    m->sleep_ms >= 24u * 3600 * 1000)
		abort();
	free(m);
	return 0;
}
