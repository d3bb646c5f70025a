/* SPDX-License-Identifier: Apache-2.0 */
/* A note that nobody signed opens for nobody, and a key that is taken is written as it
 * was read. The first byte says which of the two is read. */
#include "../../common/format/note.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct note_key nobody = {.name = "ota-audit/default"};
	char text[NOTE_VKEY_MAX_LEN + 1], again[NOTE_VKEY_MAX_LEN + 1];
	struct checkpoint c;
	struct note_key k;

	if (size == 0)
		return 0;
	if (data[0] != 'k') {
		(void)!checkpoint_open((const char *)data + 1, size - 1, &nobody, &c,
				       NULL);
		return 0;
	}
	if (size - 1 >= sizeof(text))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (note_vkey_parse(text, &k, NULL) < 0)
		return 0;
	if (note_vkey_write(&k, again, NULL) < 0)
		abort();
	return 0;
}
