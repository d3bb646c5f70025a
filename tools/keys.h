/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key directory: what `ota keys init` makes and the release machine keeps.
 *
 *	root.key targets.key boot-0.key		private halves (docs/formats/keyfile.md)
 *	root.pub targets.pub boot-key-0.pub	public halves, 64 hex digits and a
 *						newline; of demo keys " demo" between
 *						them
 *	root.json				the newest root: goes into each device that
 *						is made from now on
 *	repository/N.root.json			every root there ever was
 *	repository/N.targets.json		every targets metadata signed here
 */
#ifndef OTA_TOOLS_KEYS_H
#define OTA_TOOLS_KEYS_H

#include "../common/format/descriptor.h"
#include "../common/tuf/metadata.h"
#include "../common/tuf/tuf.h"

#define KEY_DEMO_MARK " demo" /* client/config/factory.h refuses it outside demo mode */

/* The newest N for which dir/repository/N.<role>.json exists, 0 if none. */
int keys_newest(const char *dir, const char *role, uint64_t *ret_version,
		struct err *e) MUST_USE;

/* Reads dir/repository/N.<role>.json. */
int keys_read_metadata(const char *dir, const char *role, uint64_t version,
		       struct buf *ret, struct err *e) MUST_USE;

/* What `ota keys show --json` prints of the directory. */
int keys_print(const char *dir, struct err *e) MUST_USE;

/* A boot public key: 64 hex digits in a file. */
struct pubkey *keys_read_public(const char *path, struct err *e) MUST_USE;

/* The boot keys boot-key-0.pub .. of a directory; absent ones stay NULL. */
struct boot_key_ring {
	struct pubkey *owned[MAX_BOOT_KEYS];
	struct boot_keys keys; /* the same, as the descriptor wants them */
};
int boot_key_ring_load(struct boot_key_ring *r, const char *dir,
		       struct err *e) MUST_USE;
void boot_key_ring_fini(struct boot_key_ring *r);

/* A root that verifies by itself, is signed by trusted's keys as well and is its
 * successor. */
struct tuf_root *root_verify_next(const struct tuf_root *trusted, const void *data,
				  size_t len, struct err *e) MUST_USE;

/* Parses targets and checks that root's targets role signed them. Expiry is the
 * caller's. */
struct tuf_targets *targets_verify(const struct tuf_root *root, const void *data,
				   size_t len, struct err *e) MUST_USE;

/* Lets the holder of root's snapshot key, which is the server, list deltas: adds that to
 * an unsigned draft of targets, with the keys of now. A draft that delegates anything else
 * stays as it is.
 * *ret_added: whether. */
int targets_delegate_deltas(const struct tuf_root *root,
			    const struct tuf_targets *current, struct buf *draft,
			    bool *ret_added, struct err *e) MUST_USE;

#endif
