/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of tiles as C2SP tlog-tiles writes them. Pure. */
#ifndef OTA_SERVER_AUDIT_TILE_PATH_H
#define OTA_SERVER_AUDIT_TILE_PATH_H

#include "../../common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct tile_path {
	bool entries;	/* a bundle of entries; else hashes of `level` */
	unsigned level; /* 0..6 */
	uint64_t index;
	unsigned width; /* 1..256; 256: a full one */
};

/* "0/x001/067", "entries/000.p/17"; ERR_NOT_FOUND for anything else. */
int tile_path_parse(const char *text, struct tile_path *ret, struct err *e) MUST_USE;

#endif
