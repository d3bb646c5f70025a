/* SPDX-License-Identifier: Apache-2.0 */
/* Consent that was read can be written, and is then read as the same; so can consent for
 * all that comes. */
#include "../../common/ddi/ddi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddi_consent *m = calloc(1, sizeof(*m));
	struct ddi_consent *again = calloc(1, sizeof(*again));
	AUTO(buf) struct buf b = BUF_INIT(1u << 20);
	struct ddi_auto_confirm all;

	if (m == NULL || again == NULL)
		abort();
	if (ddi_consent_parse(data, size, m, NULL) == 0 &&
	    (ddi_consent_write(m, &b, NULL) < 0 ||
	     ddi_consent_parse(b.data, b.len, again, NULL) < 0 ||
	     memcmp(m, again, sizeof(*m)) != 0))
		abort();
	buf_clear(&b);
	if (ddi_auto_confirm_parse(data, size, &all, NULL) == 0 &&
	    (!all.active ||
	     ddi_confirmation_base_write(&all, "https://h/c", "", &b, NULL) < 0))
		abort();
	free(m);
	free(again);
	return 0;
}
