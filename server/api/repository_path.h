/* SPDX-License-Identifier: Apache-2.0 */
/* The names below /{tenant}/repository/: pure, and all that a stranger may make us
 * parse there. */
#ifndef OTA_SERVER_API_REPOSITORY_PATH_H
#define OTA_SERVER_API_REPOSITORY_PATH_H

#include "../store/model_delta.h"

/* "timestamp.json" (version 0), "N.root.json", "N.snapshot.json", "N.targets.json", N
 * from 1 and without leading zeros. -1: no such name. */
int repository_parse_metadata(const char *file, enum metadata_role *ret_role,
			      uint64_t *ret_version);

/* "N.delta.json", "N.delta-<product>.json". -1: no such name. */
int repository_parse_role(const char *file, struct online_role *ret);

/* "release/<product>/<sha256>.<version>.json" -> the hash; the rest is for people. NULL
 * or anything else: -1. */
int repository_parse_target(const char *path, uint8_t ret[SHA256_LEN]);

#endif
