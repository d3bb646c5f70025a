/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts, NUL between them: checked, and compared both ways and by their keys. */
#include "../../common/format/version.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int sign_of(int v)
{
	return (v > 0) - (v < 0);
}

static void check_keys(const char *a, const char *b)
{
	char key_a[VERSION_KEY_MAX_LEN + 1], key_b[VERSION_KEY_MAX_LEN + 1];

	if (*a == '\0' || *b == '\0' || version_key(a, key_a, NULL) < 0 ||
	    version_key(b, key_b, NULL) < 0)
		return;
	if (strlen(key_a) > VERSION_KEY_MAX_LEN ||
	    sign_of(strcmp(key_a, key_b)) != version_compare(a, b))
		abort();
}

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
	check_keys(a, b);
	/* A product's set is within a version's, an image's within a hardware id's. */
	if (product_check(a, NULL) == 0 && version_check(a, NULL) < 0)
		abort();
	if (image_name_check(b, NULL) == 0 && hardware_check(b, NULL) < 0)
		abort();
	return 0;
}
