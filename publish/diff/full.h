/* SPDX-License-Identifier: Apache-2.0 */
/* A segment without its old image: what is new from end to end is best told so. */
#ifndef OTA_PUBLISH_FULL_H
#define OTA_PUBLISH_FULL_H

#include "../../common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct full;

struct full *full_new(struct err *e) MUST_USE;
void full_free(struct full *f);
AUTO_PTR_DEFINE(full)

/*
 * The bytes of a segment as a zstd frame that containers take, or as they are where that
 * is no longer (*ret_len = len); *ret_len = 0 if neither has less than coded_len bytes,
 * which is what the segment has as a delta, and that is less than len. *ret stays valid until the next call, or is
 * data.
 */
int full_encode(struct full *f, const uint8_t *data, size_t len, size_t coded_len,
		const uint8_t **ret, size_t *ret_len, struct err *e) MUST_USE;

#endif
