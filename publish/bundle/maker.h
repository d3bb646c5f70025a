/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images -> manifest + slot descriptor + payload container in one unsigned bundle file,
 * with opaque files for clients of others besides them or, without images, alone.
 * Same inputs, same bytes (no time, no host, single-threaded zstd at a fixed level).
 * Host only.
 */
#ifndef OTA_PUBLISH_MAKER_H
#define OTA_PUBLISH_MAKER_H

#include "../../common/format/container.h"
#include "../../common/format/descriptor.h"
#include "files.h"

struct maker_image {
	const char *name; /* "firmware" */
	const char *path;
};

struct maker_spec {
	const char *product;
	const char *const *hardware;
	size_t n_hardware;
	const char *version;
	uint32_t security_version;
	uint32_t raise_floor_to;
	const char *notes; /* NULL: "" */
	struct maker_image images[MAX_IMAGES];
	size_t n_images;
	struct maker_file files[MAX_FILES];
	size_t n_files;
	bool security_only;
	const struct privkey *boot_key; /* signs the descriptor; NULL without images */
	uint8_t boot_key_index;
	void (*progress)(void *ctx, uint64_t done_bytes,
			 uint64_t all_bytes); /* or NULL */
	void *progress_ctx;
};

/* SHA-256 of "ota verity salt 1\n" product "\n": fixed per product, so bundles
 * reproduce. */
int maker_salt(const char *product, uint8_t ret[VERITY_SALT_LEN],
	       struct err *e) MUST_USE;

/* Writes the bundle to out_path (through a temporary name). */
int maker_make(const struct maker_spec *spec, const char *out_path,
	       struct err *e) MUST_USE;

#endif
