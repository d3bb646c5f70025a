/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a response, gathered line by line: what net.h's struct net_head points
 * into. */
#ifndef OTA_NET_HEAD_H
#define OTA_NET_HEAD_H

#include "net.h"

#define HEAD_VALUE_LEN 256

struct head {
	struct net_head pub;
	char content_type[HEAD_VALUE_LEN];
	char etag[HEAD_VALUE_LEN];
};

void head_reset(struct head *h);

/* One header line as received, CRLF included. A status line starts anew (so what an
 * interim 1xx answer said is forgotten). A value too long for its field counts as
 * absent. */
void head_add_line(struct head *h, const char *line, size_t len, int64_t now_utc_ms);

/* Seconds or an HTTP date (RFC 9110, 10.2.3) -> ms, at least 1 s, capped at a day; 0 if
 * it is neither or lies in the past. */
uint64_t head_retry_after_ms(const char *value, int64_t now_utc_ms);

/* "bytes 100-199/1000" -> 100; -1 if it is no such range. */
int64_t head_range_start(const char *value);

#endif
