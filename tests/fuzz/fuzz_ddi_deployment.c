/* SPDX-License-Identifier: Apache-2.0 */
/* A deployment that was read has no more artifacts than there is room for. */
#include "../../common/ddi/ddi.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddi_deployment *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	if (ddi_deployment_parse(data, size, m, NULL) == 0 &&
	    m->n_artifacts > DDI_MAX_ARTIFACTS)
		abort();
	free(m);
	return 0;
}
