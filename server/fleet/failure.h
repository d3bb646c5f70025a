/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures by what they have in common. Devices tell the same cause with other numbers
 * ("block 4711: digest mismatch"): what varies is a `*` in the words of a cluster, which
 * are a pattern of the filter language too, so that a cluster leads to its devices.
 *
 * Pure; any thread.
 */
#ifndef OTA_SERVER_FLEET_FAILURE_H
#define OTA_SERVER_FLEET_FAILURE_H

#include "../../common/json/json.h"
#include "../store/model_failure.h"

/* Below what a value of a filter may have, with room for the last `*`. */
#define FAILURE_WORDS_MAX_LEN 120

/* detail with each run of digits, each word of at least eight hexadecimal digits with a
 * number among them, each control character and what is beyond the room as `*`; several
 * in a row are one. "" stays "". */
void failure_words(const char *detail, char ret[FAILURE_WORDS_MAX_LEN + 1]);

/* Puts clusters of equal words together, in place: most devices first. Returns how many
 * are left. The detail, device and product of each are those of its largest part. */
size_t failure_merge(struct failure *list, size_t n);

/* The devices of a cluster, in the language of filters. Of at most 1 KiB. */
int failure_filter(const struct failure *f, struct buf *ret, struct err *e) MUST_USE;

/* As docs/API.md shows it. NULL: e. */
struct json *render_failure(const struct failure *f, struct err *e) MUST_USE;

#endif
