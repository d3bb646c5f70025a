/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones from the system's tzdata: UTC to local time and back, for many zones at
 * once and from any thread, which the C library's TZ cannot do.
 *
 * Reads TZif version 2 and later (RFC 8536) with its POSIX footer, from
 * /usr/share/zoneinfo. zone_parse() is pure; a struct zone never changes.
 */
#ifndef OTA_SERVER_ROLLOUT_ZONE_H
#define OTA_SERVER_ROLLOUT_ZONE_H

#include "../../common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_NAME_MAX_LEN 64
#define ZONE_FILE_MAX_LEN (64u * 1024)

struct zone;

/* 0 if text is formed like a zone's name ("Europe/Berlin", "UTC"); else ERR_FORMAT. */
int zone_name_check(const char *text, struct err *e) MUST_USE;

/* From the bytes of a TZif file. NULL: ERR_FORMAT, ERR_LIMIT, ERR_NO_MEMORY. */
struct zone *zone_parse(const void *data, size_t len, struct err *e) MUST_USE;
/* From tzdata by name. NULL: ERR_NOT_FOUND: "there is no time zone ..". */
struct zone *zone_open(const char *name, struct err *e) MUST_USE;
void zone_free(struct zone *z);
AUTO_PTR_DEFINE(zone)

/* Milliseconds to add to UTC for local time, at this moment. */
int64_t zone_offset_ms(const struct zone *z, int64_t utc_ms);

/*
 * Local time (ms as if it were UTC) to UTC, as the beginning of something or as its end.
 * A time that happens twice begins at the first and ends at the second. One that does
 * not exist, because the clocks went forward, begins at the moment they did and ends as
 * much after it as it would have (RFC 5545's rule): from < to stays true.
 */
enum zone_edge { ZONE_BEGIN, ZONE_END };
int64_t zone_to_utc(const struct zone *z, int64_t local_ms, enum zone_edge edge);

/* The zones somebody asked for, read once each; thread safe. The pointers live as long
 * as the table. */
struct zone_table;
struct zone_table *zone_table_new(struct err *e) MUST_USE;
void zone_table_free(struct zone_table *t);
AUTO_PTR_DEFINE(zone_table)
const struct zone *zone_table_get(struct zone_table *t, const char *name,
				  struct err *e) MUST_USE;

#endif
