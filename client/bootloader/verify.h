/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a slot may run: its descriptor is signed by a boot key of this device, made
 * for this product and hardware, not below the floor, and each image that it names is
 * on the medium bit for bit. The firmware image is copied into a sealed memory file
 * first and *that copy* is verified, so that nobody can change it between the check and
 * the jump.
 */
#ifndef OTA_CLIENT_BOOTLOADER_VERIFY_H
#define OTA_CLIENT_BOOTLOADER_VERIFY_H

#include "../config/config.h"
#include "../config/factory.h"

#define FIRMWARE_IMAGE "firmware" /* the image that is started */

struct verify_rules {
	const struct factory *factory;
	uint32_t floor;
	uint8_t min_key_index;
	const uint8_t *root_hash; /* as the record has it; NULL: anything */
};

struct verified {
	struct descriptor descriptor;
	uint8_t root_hash[SHA256_LEN]; /* of the descriptor */
};

/*
 * Verifies a slot fully. ret_firmware_fd is the sealed copy of the firmware image (the
 * caller closes it), or NULL where nobody wants to start it.
 *
 * An error whose exit status is EXIT_REFUSED is a verdict on what is in the slot; any
 * other one (ERR_IO, ..) means that it could not be judged.
 */
int slot_verify(const struct slot_layout *l, unsigned slot,
		const struct verify_rules *rules, struct verified *ret,
		int *ret_firmware_fd, struct err *e) MUST_USE;

#endif
