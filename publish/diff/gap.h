/* SPDX-License-Identifier: Apache-2.0 */
/* What is in no piece: copies from what was just made, from anywhere in the old image,
 * and literals between. */
#ifndef OTA_PUBLISH_GAP_H
#define OTA_PUBLISH_GAP_H

#include "../../common/delta/stream.h"
#include "match.h"

struct gap;

struct gap_input {
	const struct match_index *index;
	const uint8_t *old_data, *new_data;
	uint32_t old_size, new_size, window;
};

struct gap *gap_new(const struct gap_input *in, struct err *e) MUST_USE;
void gap_free(struct gap *g);
AUTO_PTR_DEFINE(gap)

/* Bytes up to `to` of the new image can be copied from now on. */
void gap_know(struct gap *g, uint32_t to);
/* A literal came to so many bytes. */
void gap_told(struct gap *g, size_t bytes);
/* The token to choose at s->at, at most up to s->limit. */
struct gap_token gap_choose(struct gap *g, const struct stream *s);

#endif
