/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the delta of one image. Host only: memory is free here (about 6 times the old
 * image and 2 times the new one). The same input gives the same bytes.
 *
 *	diff_new(old, new)	match: the slow part
 *	diff_map()		the map's bytes (docs/DELTA.md)
 *	diff_segment()		each segment in turn
 *
 * The images may be unwrapped views of containers (publish/unwrap): nothing here cares
 * what the bytes mean.
 */
#ifndef OTA_PUBLISH_DIFF_H
#define OTA_PUBLISH_DIFF_H

#include "../../common/base/buf.h"
#include "../../common/delta/delta.h"

struct diff_input {
	const uint8_t *old_data; /* borrowed while the diff lives */
	uint64_t old_size;
	const uint8_t *new_data;
	uint64_t new_size; /* both at most DELTA_MAX_BYTES */
};

struct diff_options {
	uint64_t max_memory; /* of the decoder; 0: 2 MiB less what its process needs */
	/* Bytes of body after which a device can begin again; 0: 512 KiB. */
	uint32_t group_bytes;
	/* May be NULL. Told of done parts of 1000; not 0 stops: ERR_CANCELLED. */
	int (*progress)(void *ctx, unsigned permille);
	void *ctx;
};

struct diff;

struct diff *diff_new(const struct diff_input *in, const struct diff_options *options,
		      struct err *e) MUST_USE;
void diff_free(struct diff *d);
AUTO_PTR_DEFINE(diff)

/* Appends the map. */
int diff_map(struct diff *d, struct buf *ret, struct err *e) MUST_USE;

/*
 * Appends the body of the next `size` bytes of the new image; *ret_continues is what
 * struct delta_segment wants to know. Segments are made in order, from offset 0 on, each
 * once. If the body is not smaller than the plain bytes, the caller may store these
 * instead: what follows does not depend on it, for then it is diff_forget() that says
 * so.
 */
int diff_segment(struct diff *d, uint32_t size, struct buf *ret, bool *ret_continues,
		 struct err *e) MUST_USE;
/* The segment just made is not used: the next one begins a group. */
void diff_forget(struct diff *d);

#endif
