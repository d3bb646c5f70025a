/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts, NUL between them: checked, and compared both ways. */
#include "../../common/format/version.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256] = "";
	const char *a = text, *b;

	if (size > sizeof(text) - 2)
		size = sizeof(text) - 2;
	memcpy(text, data, size);
	b = a + strlen(a) + 1;
	if (b > text + size)
		b = text + size;
	if (version_compare(a, b) != -version_compare(b, a) ||
	    version_compare(a, a) != 0)
		abort();
	/* A product's set is within a version's, an image's within a hardware id's. */
	if (product_check(a, NULL) == 0 && version_check(a, NULL) < 0)
		abort();
	if (image_name_check(b, NULL) == 0 && hardware_check(b, NULL) < 0)
		abort();
	return 0;
}
