/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot descriptor: what a bootloader needs to know about a slot, in 1,024 bytes
 * with one signature and no parser to speak of. docs/formats/descriptor.md.
 *
 *	offset  size  field (little-endian)
 *	     0     8  magic "OTASLOT1"
 *	     8     2  format = 1
 *	    10     1  n_images (1..4)
 *	    11     1  key_index (0..3): which boot key signed it
 *	    12     4  must_understand = 0
 *	    16     4  security_version
 *	    20     4  reserved, 0
 *	    24    64  product, NUL-padded (64 bytes: no NUL)
 *	    88    64  version, NUL-padded
 *	   152   128  hardware ids: 4 x 32, NUL-padded, unused all zero
 *	   280   416  images: 4 x 104 {name 32 NUL-padded, size u64, salt 32,
 *	              root hash 32}
 *	   696   264  reserved, 0
 *	   960    64  Ed25519 signature over bytes 0..959
 *
 * Reserved bytes that are not zero are refused: there is one encoding of each
 * descriptor.
 */
#ifndef OTA_FORMAT_DESCRIPTOR_H
#define OTA_FORMAT_DESCRIPTOR_H

#include "../crypto/sign.h"
#include "manifest.h"

#define DESCRIPTOR_LEN 1024u
#define DESCRIPTOR_SIGNED_LEN 960u
#define MAX_BOOT_KEYS 4

struct descriptor {
	uint8_t key_index;
	uint32_t security_version;
	char product[PRODUCT_MAX_LEN + 1];
	char version[VERSION_MAX_LEN + 1];
	char hardware[MAX_HARDWARE][HARDWARE_MAX_LEN + 1];
	size_t n_hardware;
	struct image images[MAX_IMAGES];
	size_t n_images;
};

/* The boot public keys a device was made with, by index; NULL where there is none.
 * Borrowed. */
struct boot_keys {
	const struct pubkey *keys[MAX_BOOT_KEYS];
};

/* Form only: magic, reserved bytes, names. Nothing is trusted yet. */
int descriptor_parse(const uint8_t data[DESCRIPTOR_LEN], struct descriptor *ret,
		     struct err *e) MUST_USE;

/* The signature by keys->keys[key_index], and key_index >= min_key_index, and then
 * form. */
int descriptor_verify(const uint8_t data[DESCRIPTOR_LEN], const struct boot_keys *keys,
		      uint8_t min_key_index, struct descriptor *ret,
		      struct err *e) MUST_USE;

/* Lays d out and signs it. */
int descriptor_sign(const struct descriptor *d, const struct privkey *boot_key,
		    uint8_t ret[DESCRIPTOR_LEN], struct err *e) MUST_USE;

/* Field by field: product, version, security version, hardware, images. */
int descriptor_check_matches(const struct descriptor *d, const struct manifest *m,
			     struct err *e) MUST_USE;

#endif
