/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that were read can be written and read again. */
#include "../../common/ddi/ddi.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddi_config_data *m = calloc(1, sizeof(*m));
	AUTO(buf) struct buf b = BUF_INIT(1u << 20);
	size_t n;

	if (m == NULL)
		abort();
	if (ddi_config_parse(data, size, m, NULL) == 0) {
		n = m->n_attributes;
		if (ddi_config_write(m, &b, NULL) < 0 ||
		    ddi_config_parse(b.data, b.len, m, NULL) < 0 ||
		    m->n_attributes != n)
			abort();
	}
	free(m);
	return 0;
}
