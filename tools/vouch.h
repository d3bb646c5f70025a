/* SPDX-License-Identifier: Apache-2.0 */
/* Driving the TUF client from wherever metadata is, with nothing kept on disk. */
#ifndef OTA_TOOLS_VOUCH_H
#define OTA_TOOLS_VOUCH_H

#include "../common/tuf/tuf.h"

/* Fetches what the client asks for: 1 and *ret filled, 0 if it does not exist, -1. */
typedef int vouch_fetch(void *ctx, const struct tuf_request *r, struct buf *ret,
			struct err *e);

struct vouch_result {
	struct tuf_target target;
	uint64_t root_version;
	uint64_t targets_version;
	int64_t targets_expires_ms;
};

/* From a trusted root: refreshes and looks the target up. */
int vouch(const void *root, size_t root_len, const char *target, bool offline,
	  vouch_fetch *fetch, void *ctx, struct vouch_result *ret,
	  struct err *e) MUST_USE;

#endif
