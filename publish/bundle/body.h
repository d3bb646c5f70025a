/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a full payload while it is made, segment by segment, into a scratch file:
 * leaves and the data, compressed where that helps. Keeps the head's tables as they
 * grow.
 */
#ifndef OTA_PUBLISH_BODY_H
#define OTA_PUBLISH_BODY_H

#include "../../common/format/container.h"

struct body;

/* fd: an empty scratch file, borrowed. */
struct body *body_new(int fd, struct err *e) MUST_USE;
void body_free(struct body *b);
AUTO_PTR_DEFINE(body)

/* Adds an image: exactly `size` bytes from `image_fd`, which end there (ERR_CONFLICT if
 * not: the file is being changed). progress may be NULL; it is told of the bytes of
 * each segment. */
int body_add_image(struct body *b, int image_fd, uint64_t size,
		   const uint8_t salt[VERITY_SALT_LEN],
		   void (*progress)(void *ctx, uint64_t bytes), void *ctx,
		   uint8_t ret_root[SHA256_LEN], struct err *e) MUST_USE;

/* Ends the last chunk. *ret borrows everything from b; it has no bytes of its own. */
int body_end(struct body *b, struct container_head *ret, struct err *e) MUST_USE;

#endif
