/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle file in hand: opened, its parts parsed and every hash between them checked.
 * What this proves is integrity: the file is what its maker wrote. Who vouches for it
 * is asked separately (package_vouched()).
 */
#ifndef OTA_TOOLS_PACKAGE_H
#define OTA_TOOLS_PACKAGE_H

#include "../common/format/bundle.h"
#include "../common/format/container.h"
#include "../common/format/descriptor.h"
#include "../common/tuf/metadata.h"
#include "../common/tuf/tuf.h"

struct package {
	const char *path; /* the caller's */
	int fd;
	uint64_t size;
	struct bundle table;
	struct buf manifest_bytes;
	struct manifest manifest;
	uint8_t descriptor_bytes[DESCRIPTOR_LEN]; /* these three: of images only */
	struct descriptor descriptor;
	struct container_head head;
	uint8_t manifest_sha256[SHA256_LEN];
	char target[TARGET_NAME_MAX_LEN + 1];
};

/* Opens a bundle and checks all but the bytes of payload and opaque files: the manifest,
 * that descriptor and head are the ones it names and agree with it, that the head's
 * group hashes lead to its root hashes, and that each file is as long as it should be.
 * Errors name the file. */
int package_open(struct package *p, const char *path, struct err *e) MUST_USE;
void package_fini(struct package *p);

/* Hashes every chunk of the body, and every opaque file. */
int package_check_body(const struct package *p, struct err *e) MUST_USE;

/* Appends a part's bytes; ERR_LIMIT beyond ret's cap. */
int package_read_part(const struct package *p, const struct part *part, struct buf *ret,
		      struct err *e) MUST_USE;

bool package_is_signed(const struct package *p);
/* For people: "not signed yet", "signed", "signed and published". */
const char *package_state(const struct package *p);

/* ERR_UNSIGNED, in the words that say what to do, unless package_is_signed(). */
int package_need_signed(const struct package *p, struct err *e) MUST_USE;

/*
 * A bundle's metadata, to be put in front of the payload of a package. Roots in order
 * of version; parts of length 0 are left out, but for roots.
 */
#define PACKAGE_MAX_ROOTS 32
struct package_metadata {
	struct buf roots[PACKAGE_MAX_ROOTS];
	size_t n_roots;
	struct buf timestamp;
	struct buf snapshot;
	struct buf targets;
};
void package_metadata_init(struct package_metadata *m);
void package_metadata_fini(struct package_metadata *m);

/* Writes a bundle of m and p's manifest, payload and files to path, atomically.
 * path may be p's own. */
int package_write(const struct package *p, const struct package_metadata *m,
		  const char *path, struct err *e) MUST_USE;

/*
 * Who vouches for it. root: whom the caller trusts, bytes of a root.json. A bundle that
 * has timestamp and snapshot is taken through the TUF client as a device would; one
 * that is signed but not published yet has its targets checked against the root chain.
 */
struct vouched {
	uint64_t root_version;
	uint64_t targets_version;
	int64_t targets_expires_ms;
	bool published; /* timestamp and snapshot as well */
};
int package_vouched(const struct package *p, const void *root, size_t len,
		    struct vouched *ret, struct err *e) MUST_USE;

#endif
