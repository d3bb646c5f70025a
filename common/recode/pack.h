/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new view's bytes in, the new image's bytes out (plan.h): raw pieces pass, frames
 * are encoded again. Takes the view in pieces of any size and suspends after any byte.
 *
 * One thread at a time. All memory is taken by recode_pack_new(). A call may take as
 * long as encoding a frame does: with frames of 1 MiB some hundred milliseconds.
 */
#ifndef OTA_RECODE_PACK_H
#define OTA_RECODE_PACK_H

#include "plan.h"

struct recode_pack;

/* p, codecs and what out->ctx points to are borrowed for its life. */
int recode_pack_new(const struct recode_plan *p,
		    const struct recode_codec *const *codecs,
		    const struct recode_out *out, struct recode_pack **ret,
		    struct err *e) MUST_USE;
void recode_pack_free(struct recode_pack *r);
AUTO_PTR_DEFINE(recode_pack)

/* The next byte is that at view_at, which must be a piece's start (recode_plan_restart())
 * or the view's end; what was in work is forgotten. A new one stands at 0. */
int recode_pack_seek(struct recode_pack *r, uint64_t view_at, struct err *e) MUST_USE;

/* ERR_RANGE: more than the view holds; ERR_DIGEST: a frame came out with another length,
 * so the encoder is not the one of the plan. Errors of `out` come back as they are. After
 * an error only seek and free are allowed. */
int recode_pack_add(struct recode_pack *r, const uint8_t *data, size_t len,
		    struct err *e) MUST_USE;

/* ERR_FORMAT unless the whole view was added. */
int recode_pack_end(const struct recode_pack *r, struct err *e) MUST_USE;

#endif
