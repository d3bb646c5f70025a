/* SPDX-License-Identifier: Apache-2.0 */
/* Images read back out of a full payload, for makers of deltas. Host only. */
#ifndef OTA_PUBLISH_UNPACK_H
#define OTA_PUBLISH_UNPACK_H

#include "../../common/format/container.h"

/* A body by its bytes. */
struct unpack_source {
	int (*read)(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e);
	void *ctx;
};

/*
 * Image `index` of a full payload, into ret_data: room for its whole blocks, the last one
 * zero-padded. Every chunk that is read is checked against the head, and the Merkle
 * tree's groups against what came out: ERR_DIGEST. ERR_FORMAT: the head is no full
 * payload's, or its segments are not what they say.
 */
int unpack_image(const struct container_head *h, size_t index,
		 const struct unpack_source *body, uint8_t *ret_data,
		 struct err *e) MUST_USE;

#endif
