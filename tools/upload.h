/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to the server in parts. What was cut goes on where the server stands: the same
 * size and digest find the same upload, also in a later run. */
#ifndef OTA_TOOLS_UPLOAD_H
#define OTA_TOOLS_UPLOAD_H

#include "../common/crypto/digest.h"
#include "api.h"
#include "table.h"

struct upload_source {
	const uint8_t *data; /* or NULL: from fd at offset */
	int fd;
	uint64_t offset;
	uint64_t len;
};

/* Hashes, uploads, commits. ret_sha256: what the artifact is called in requests. */
int upload_send(const struct api *a, const struct upload_source *s,
		struct progress *bar, char ret_sha256[2 * SHA256_LEN + 1],
		struct err *e) MUST_USE;

#endif
