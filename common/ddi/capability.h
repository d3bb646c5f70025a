/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent can do, as words with blanks between: "full resume offline delta". A word
 * that nobody knows means nothing.
 *
 * "unwrap-zstd-1.5.4" is a re-encoder with its exact version, "unwrap-memory-16777216"
 * and "unwrap-scratch-67108864" what unwrapping may take, in bytes. An unwrapped delta
 * has needs of the same kind.
 */
#ifndef OTA_DDI_CAPABILITY_H
#define OTA_DDI_CAPABILITY_H

#include <stdbool.h>

#define CAPABILITIES_MAX_LEN 511
#define CAPABILITY_UNWRAP "unwrap-" /* how the words about it begin */

bool capability_has(const char *words, const char *word);

/* True if each word of needs is among words; where it ends in a number that is an amount
 * (memory, scratch), that or more. Amounts that are no numbers are not covered. */
bool capability_covers(const char *words, const char *needs);

/* The device unwraps at all. */
bool capability_unwraps(const char *words);

#endif
