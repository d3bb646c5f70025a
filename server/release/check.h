/* SPDX-License-Identifier: Apache-2.0 */
/* Do the files that a release consists of belong together, as a device will find
 * them? */
#ifndef OTA_SERVER_CHECK_H
#define OTA_SERVER_CHECK_H

#include "../../common/format/container.h"
#include "../../common/tuf/tuf.h"
#include "artifact.h"
#include "publish.h"

struct material {
	struct buf targets;
	struct buf manifest_bytes;
	struct manifest manifest;
	struct container_head head;
	char name[TARGET_NAME_MAX_LEN + 1]; /* the manifest's, as a target */
};

/*
 * Reads what q names and compares: the manifest parses; descriptor and head are the
 * ones it names by hash and size and say what it says; the body is as long as it says
 * and every 64 KiB chunk of it is what the head says; opaque files are there. Signatures are not looked at.
 * Reads the whole body: for worker threads.
 */
int material_check(const struct artifacts *a, const struct publish_request *q,
		   struct material *ret, struct err *e) MUST_USE;
void material_fini(struct material *m);

/* What the store remembers of it. */
struct release material_release(const struct material *m,
				const struct publish_request *q, int64_t now_ms);

#endif
