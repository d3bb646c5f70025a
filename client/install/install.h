/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a release into the slot that does not run:
 *
 *	source -> check chunk -> decode -> check block -> write -> journal
 *
 * The source is whoever calls: the network, an offline bundle, a test. The pipeline has
 * no I/O but struct dev_ops and boot_ops->store, waits for nothing, and does a little
 * at a time:
 *
 *	install_new(spec)
 *	install_begin(material, &offset)	checks everything, takes all memory,
 *						decides: fresh or resume
 *	loop:
 *	  install_step() -> INSTALL_STEP	did one thing, call again: <= 64 KiB
 *						read and written, or one flush, or one
 *						store of cursor or record
 *			 -> INSTALL_FEED	install_feed() the body from where it
 *						ended; the first piece begins at
 *						`offset`. A delta's may go on
 *						further behind:
 *						install_body_offset()
 *			 -> INSTALL_WRITTEN	read back, recorded as WRITTEN
 *	install_arm()				WRITTEN -> PENDING: the bootloader will
 *						try it
 *
 * Any error ends this attempt, and everything on the medium stays good for the next
 * one: install_begin() again, with the same or a new object, in the same or a later
 * life. It then says from which offset of the body to go on; never are more than one
 * segment and one chunk fetched twice (but all of it if the read-back finds that the
 * medium did not hold it). Of a delta, in place of a segment: the map of the image, and
 * the segments that go on from each other (512 KiB of body and one segment). Of an
 * unwrapped image also its plan, and all that leads to the begin of the frame that was
 * cut: a kernel in one frame is made again from its begin, but not written.
 *
 * A delta and the full payload are two ways to the same blocks, so either goes on where
 * the other was given up.
 *
 * Who stores what, and when. The slot record is changed by install_begin() (-> WRITING,
 * before the first write), by the last install_step() (-> WRITTEN, after the read-back)
 * and by install_arm(); each stores it through boot->ops->store before going on, and
 * *spec.record is what is stored. If storing fails *spec.record stays what it was. In
 * between the caller may use and store the record as well (to acknowledge events, say),
 * but not between threads.
 */
#ifndef OTA_CLIENT_INSTALL_H
#define OTA_CLIENT_INSTALL_H

#include "../../common/format/container.h"
#include "../../common/format/descriptor.h"
#include "../../common/recode/wrap.h"
#include "../boot/boot.h"
#include "../dev/dev.h"

/* The media of the slot to write. All borrowed, open and writable. */
struct install_slot {
	struct {
		const char *name; /* of the image that belongs there: "firmware" */
		struct dev *dev;
	} images[MAX_IMAGES];
	size_t n_images;
	struct dev *descriptor; /* >= DESCRIPTOR_LEN */
};

/* Borrowed; everything in it outlives the struct install. */
struct install_spec {
	struct install_slot target;
	unsigned slot;	     /* the one `target` belongs to */
	unsigned running;    /* by the hand-over; NO_SLOT: none */
	struct dev *journal; /* >= JOURNAL_LEN, of this slot or shared */
	struct boot *boot;
	struct slot_record *record; /* as loaded */
	const struct boot_keys *boot_keys;
	const char *product;
	const char *hardware;
	/* For deltas: the running slot, only read (NULL: no deltas), and the most memory
	 * that a decoder may take. */
	const struct install_slot *base;
	uint64_t delta_memory;
	/* For unwrapped ones: the codecs that are here, the most they may take, and where
	 * large old frames can be put (NULL: none can). */
	struct recode_means unwrap;
	struct dev *scratch;
};

/* What was fetched and verified as a TUF target (manifest), or hangs on it by hash (the
 * others: checked here). Read by install_begin() only. */
struct install_material {
	const void *manifest;
	size_t manifest_len;
	const void *descriptor;
	size_t descriptor_len;
	const void *head;
	size_t head_len;
	bool is_delta; /* head is a delta's, verified by the caller as a TUF target */
};

enum install_want {
	INSTALL_STEP,	 /* call install_step() again */
	INSTALL_FEED,	 /* call install_feed() */
	INSTALL_WRITTEN, /* done; install_arm() */
};

struct install;

struct install *install_new(const struct install_spec *spec, struct err *e) MUST_USE;
void install_free(struct install *in);
AUTO_PTR_DEFINE(install)

/*
 * All checks that need no body, before anything is written: the manifest is for this
 * device and not below the security floor; the descriptor is the manifest's, signed by
 * a boot key of this device that is not retired, and equal to the manifest field by
 * field; the head is the manifest's, or of a delta whose old images are those that run,
 * and leads to its root hashes; each image has its medium and fits. For the caller to know early (`ota-client doctor`, a poll's answer);
 * install_begin() does it as well.
 */
int install_check(const struct install_spec *spec, const struct install_material *m,
		  struct err *e) MUST_USE;

/*
 * Loads the record (*spec.record), checks, then: resumes if the record says WRITING and
 * the journal speaks of this transaction and this manifest; says INSTALL_WRITTEN at
 * once if the slot holds this very release, WRITTEN or PENDING; else begins anew
 * (record -> WRITING, journal).
 * *ret_body_offset is where the body goes on: a multiple of CONTAINER_CHUNK, or the
 * body's size if nothing of it is needed.
 */
int install_begin(struct install *in, const struct install_material *m,
		  uint64_t *ret_body_offset, struct err *e) MUST_USE;

/* Does one thing. After -1 (and before install_begin()) ERR_CONFLICT. ERR_DIGEST: what
 * came is not what was signed. */
int install_step(struct install *in, enum install_want *ret, struct err *e) MUST_USE;

/* Takes what there is room for, at most 64 KiB and 0 while INSTALL_STEP is wanted; the
 * caller keeps the rest. Copies; touches no medium. */
size_t install_feed(struct install *in, const void *data, size_t len);

/* Where the next byte to feed stands in the body. */
uint64_t install_body_offset(const struct install *in);

/* Feed and step until all of data is taken or the body is complete: for callers who may
 * block. What of data a delta leaps over is taken, too. */
int install_push(struct install *in, const void *data, size_t len,
		 enum install_want *ret, struct err *e) MUST_USE;

/* WRITTEN -> PENDING with these tries, stored. Nothing to do if it is PENDING
 * already. */
int install_arm(struct install *in, uint8_t tries, struct err *e) MUST_USE;

struct install_progress {
	bool resumed;
	uint64_t body_size;
	uint64_t body_begin;   /* offset where this attempt began */
	uint64_t body_checked; /* offset up to which chunks were checked */
	uint64_t blocks;       /* of 4 KiB, of all images */
	uint64_t blocks_done;  /* on the medium, or equal there already */
	/* of blocks_done, what the next attempt need not fetch */
	uint64_t blocks_kept;
	/* of blocks_done, not written since equal, in this attempt */
	uint64_t blocks_skipped;
	uint64_t blocks_read_back;
};
void install_progress(const struct install *in, struct install_progress *ret);

#endif
