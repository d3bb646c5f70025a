/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a descriptor, without its signature; one encoding of each. */
#include "../../common/format/descriptor.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[ED25519_SEED_LEN];
	AUTO_PTR(privkey) struct privkey *key = NULL;
	uint8_t back[DESCRIPTOR_LEN];
	struct descriptor d;

	if (size != DESCRIPTOR_LEN || descriptor_parse(data, &d, NULL) < 0)
		return 0;
	key = privkey_from_ed25519_seed(seed, NULL);
	if (key == NULL || descriptor_sign(&d, key, back, NULL) < 0 ||
	    memcmp(back, data, DESCRIPTOR_SIGNED_LEN) != 0)
		abort();
	return 0;
}
