/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device on simulated media: slot A runs version 1 (GOOD), slot B is empty, version 2
 * is to be installed. Both releases are made by the maker, so what is installed is what
 * ships; and so is the delta between them.
 */
#ifndef OTA_TESTS_DEVICE_BENCH_H
#define OTA_TESTS_DEVICE_BENCH_H

#include "../../client/install/install.h"
#include "../../common/base/buf.h"
#include "sim.h"

enum { IMAGE_FIRMWARE, IMAGE_ROOTFS, N_BENCH_IMAGES };

#define BENCH_PIECE 9001u /* of body fetched at a time: nothing is aligned to it */

/* A bundle's parts. */
struct bench_release {
	struct buf file;
	struct install_material material;
	const uint8_t *body;
	uint64_t body_size;
	struct manifest manifest;
	struct buf images[N_BENCH_IMAGES]; /* padded to whole blocks */
};

struct device {
	struct sim sim;
	struct dev *images[N_SLOTS][N_BENCH_IMAGES];
	struct dev *descriptors[N_SLOTS];
	struct dev *journal;
	struct dev *record;
	struct boot_keys keys; /* keys->keys[0] owned */
	struct bench_release v1, v2;
	struct buf delta_head,
	    delta_body;		  /* v1 to v2; empty until device_add_delta() */
	struct install_slot base; /* slot A, which runs */
	struct dev *scratch;	  /* for an unwrapped one */
	bool is_packed;		  /* the firmware's content is compressed */
	bool by_delta;		  /* device_install() takes the delta */
	uint64_t n_fetched;	  /* bytes of body, by device_install() */
};

/* With the releases made, slot A filled and confirmed. */
struct device *device_new(void);
/* With firmware of raw bytes, four zstd frames and a gzip stream that is larger than a
 * frame which the view keeps in memory: its delta is an unwrapped one. */
struct device *device_new_packed(void);
void device_free(struct device *d);

/* From here on device_install() takes the delta, which it makes: firmware of segments of
 * 512 KiB, of which the second goes on from the first, the fourth from the third, and
 * the last one is raw; and the rootfs. */
void device_add_delta(struct device *d);
/* v2 by what device_install() takes. */
struct install_material device_material(const struct device *d);
uint64_t device_body_size(const struct device *d);

/* A back-end and a record in fresh memory; the caller closes the back-end. */
int device_open(struct device *d, struct boot **ret_boot, struct slot_record *ret,
		struct err *e);

void device_spec(struct device *d, struct boot *boot, struct slot_record *record,
		 struct install_spec *ret);

/* What an agent does after a start: installs v2 and arms it, unless that is done. */
int device_install(struct device *d, struct err *e);

/* What a bootloader does: chooses, and verifies the slot to its last byte. Fails the
 * test if the choice does not verify; returns the slot. */
unsigned device_boot(struct device *d);

/* 0 if the slot holds exactly this release and its descriptor verifies. */
int device_check_slot(struct device *d, unsigned slot, const struct bench_release *r,
		      struct err *e);

#endif
