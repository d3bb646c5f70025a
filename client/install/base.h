/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a delta is applied to: the images of the running slot, only read. That they are
 * the very ones follows from the running slot's descriptor: it is the one the slot
 * record names, signed by a boot key of this device, and it names the root hashes. What
 * is then read of them is trusted no further than that: what a delta makes of it is
 * checked against the new release's hashes before it is written.
 */
#ifndef OTA_CLIENT_BASE_H
#define OTA_CLIENT_BASE_H

#include "../../common/delta/delta.h"
#include "install.h"

struct install_base {
	struct {
		char name[IMAGE_NAME_MAX_LEN + 1];
		uint8_t root_hash[SHA256_LEN];
		uint64_t size;
		struct dev *dev; /* borrowed */
	} images[MAX_IMAGES];
	size_t n_images;
};

/* The running slot as spec->base has it. ERR_NOT_FOUND: nothing runs, or its media are
 * not here; ERR_INCOMPATIBLE: its descriptor is not what the record names. */
int install_base_load(const struct install_spec *spec, struct install_base *ret,
		      struct err *e) MUST_USE;

/* Sets up reading the image of this name as whole blocks. ERR_INCOMPATIBLE unless its
 * root hash is this one. *ret borrows b. */
int install_base_open(struct install_base *b, const char *name,
		      const uint8_t root_hash[SHA256_LEN], struct delta_source *ret,
		      struct err *e) MUST_USE;

#endif
