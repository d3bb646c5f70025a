/* SPDX-License-Identifier: Apache-2.0 */
/* A release that may be installed here: read, checked against its manifest and this
 * device. */
#ifndef OTA_CLIENT_RELEASE_H
#define OTA_CLIENT_RELEASE_H

#include "base.h"

struct release {
	uint8_t manifest_sha256[SHA256_LEN];
	struct manifest manifest;
	uint8_t descriptor[DESCRIPTOR_LEN];
	struct container_head head;	     /* owned */
	struct dev *media[MAX_IMAGES];	     /* borrowed; in the order of the images */
	struct delta_source old[MAX_IMAGES]; /* of a delta */
	uint64_t n_blocks;		     /* of all images */
};

/* What install_check() says. On failure nothing is left to free. */
int release_load(const struct install_spec *spec, const struct install_material *m,
		 struct release *ret, struct err *e) MUST_USE;
void release_fini(struct release *r);

#endif
