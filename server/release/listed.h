/* SPDX-License-Identifier: Apache-2.0 */
/* What new targets may leave out, and what they must: releases that were withdrawn. For
 * worker threads: they wait for the store. */
#ifndef OTA_SERVER_LISTED_H
#define OTA_SERVER_LISTED_H

#include "../../common/tuf/metadata.h"
#include "repository.h"

/* An answered RELEASE_WITHDRAWN, the caller's. */
struct store_call *listed_read_withdrawn(struct store *s, struct err *e) MUST_USE;

/* ERR_CONFLICT: next lists one of them. What a delegated role lists is not looked at. */
int listed_check_withdrawn(const struct store_call *withdrawn,
			   const struct tuf_targets *next, struct err *e) MUST_USE;

/* What r publishes now and was not withdrawn stays as it is, for devices are at it:
 * ERR_CONFLICT, ERR_DIGEST. */
int listed_check_kept(const struct store_call *withdrawn, const struct repository *r,
		      const struct tuf_targets *next, struct err *e) MUST_USE;

#endif
