/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: what a release is. A TUF target named release/<product>/<version>.json,
 * so its length and hash are signed by the targets role, and everything else hangs on
 * it by hash.
 *
 * OLPC canonical JSON, strict profile; a manifest that is not byte for byte its own
 * canonical form is refused. Unknown members are refused too unless they begin with
 * "x-"; a feature that an older reader must not ignore sets a bit in must_understand.
 * docs/formats/manifest.md.
 *
 *	{"_type":"ota-manifest","format":1,"must_understand":0,
 *	 "product":"gateway","hardware":["revA","revB"],
 *	 "version":"2.0.0","security_version":3,"raise_floor_to":0,"notes":"...",
 *	 "images":[{"name":"firmware","size":N,"salt":H,"root_hash":H}, ..],
 *	 "descriptor":{"size":1024,"sha256":H},
 *	 "payload":{"head_size":N,"head_sha256":H,"body_size":N}}
 *
 * A release for clients of others (SWUpdate, RAUC, Zephyr) carries opaque files,
 * besides images or instead of them. That is format 2: "files" is there, and "images"
 * may be empty, "descriptor" and "payload" absent then. A writer uses the lowest format
 * that says what it has to say, so that whoever can follow a release reads it.
 *
 *	 "files":[{"name":"update.swu","part":"os","size":N,"sha256":H}, ..]
 */
#ifndef OTA_FORMAT_MANIFEST_H
#define OTA_FORMAT_MANIFEST_H

#include "../base/buf.h"
#include "../crypto/verity.h"
#include "version.h"

#include <stdbool.h>

#define MANIFEST_MAX_BYTES (64u * 1024)
#define NOTES_MAX_LEN 4096
#define IMAGE_MAX_BYTES (1ull << 40)
#define PAYLOAD_FILE_NAME "payload" /* the body's, for the device API: no file's */

struct image {
	char name[IMAGE_NAME_MAX_LEN + 1];
	uint64_t size; /* true size; on the medium zero-padded to 4 KiB; > 0 */
	uint8_t salt[VERITY_SALT_LEN];
	uint8_t root_hash[SHA256_LEN];
};

/* What hawkBit calls the part of a file: operating system, application, runtime. */
enum file_part { FILE_OS, FILE_APPLICATION, FILE_RUNTIME, N_FILE_PARTS };

struct release_file {
	char name[FILE_NAME_MAX_LEN + 1];
	enum file_part part;
	uint64_t size; /* > 0 */
	uint8_t sha256[SHA256_LEN];
};

struct manifest {
	char product[PRODUCT_MAX_LEN + 1];
	char hardware[MAX_HARDWARE][HARDWARE_MAX_LEN + 1];
	size_t n_hardware; /* 1..4 */
	char version[VERSION_MAX_LEN + 1];
	uint32_t security_version;
	uint32_t raise_floor_to; /* 0: leave the floor; else <= security_version */
	char notes[NOTES_MAX_LEN + 1];
	struct image images[MAX_IMAGES];
	size_t n_images; /* 0..4, names distinct; 0 only with files */
	struct release_file files[MAX_FILES];
	size_t n_files;	    /* 0..8, names distinct, parts ascending */
	bool security_only; /* mends security and nothing else; a mark for people */
	/* these four are zero without images */
	uint8_t descriptor_sha256[SHA256_LEN];
	uint64_t payload_head_size; /* <= CONTAINER_HEAD_MAX_BYTES */
	uint8_t payload_head_sha256[SHA256_LEN];
	uint64_t payload_body_size;
};

/* Reads and checks every field and limit. *ret is undefined on failure. */
int manifest_parse(const void *data, size_t len, struct manifest *ret,
		   struct err *e) MUST_USE;

/* The one canonical text of m; checks what manifest_parse() checks. */
int manifest_write(const struct manifest *m, struct buf *ret, struct err *e) MUST_USE;

/* "release/<product>/<version>.json"; room PRODUCT_MAX_LEN + VERSION_MAX_LEN + 16. */
#define TARGET_NAME_MAX_LEN (PRODUCT_MAX_LEN + VERSION_MAX_LEN + 16)
int manifest_target_name(const char *product, const char *version,
			 char ret[TARGET_NAME_MAX_LEN + 1], struct err *e) MUST_USE;

/* "os", "bApp", "jvm", and back (-1: ERR_FORMAT). */
const char *file_part_name(enum file_part p);
int file_part_parse(const char *text, enum file_part *ret, struct err *e) MUST_USE;

/* 0 if the agent (`ota-client`) can install it: it has images. ERR_UNSUPPORTED if it
 * has only files for other clients. */
int manifest_check_images(const struct manifest *m, struct err *e) MUST_USE;

/* 0 if the manifest is for this product and hardware id; else ERR_INCOMPATIBLE saying
 * what it is for. */
int manifest_check_fits(const struct manifest *m, const char *product,
			const char *hardware, struct err *e) MUST_USE;

#endif
