/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far an install has come: a cursor that survives a power cut.
 * docs/formats/journal.md.
 *
 * Two copies, written in turn, each with a sequence and a CRC, so that a torn write
 * costs one step and never the whole. The cursor counts blocks of the release's output
 * (all images one after the other) that are on the medium and flushed. It is bound to
 * the release by the manifest's SHA-256 and to the slot record by the transaction: a
 * journal of anything else is no journal. It holds whichever payload makes the output,
 * full or delta.
 *
 *	offset  size  field (little-endian)
 *	     0     8  magic "OTAJRNL1"
 *	     8     2  format = 1
 *	    10     2  reserved, 0
 *	    12     4  must_understand = 0
 *	    16     8  sequence
 *	    24     4  transaction
 *	    28     4  reserved, 0
 *	    32    32  SHA-256 of the manifest
 *	    64     8  blocks done
 *	    72   436  reserved, 0
 *	   508     4  CRC-32 of bytes 0..507
 */
#ifndef OTA_CLIENT_JOURNAL_H
#define OTA_CLIENT_JOURNAL_H

#include "../../common/crypto/digest.h"
#include "../dev/dev.h"

#define JOURNAL_COPY_LEN 512u
#define JOURNAL_SPACING 4096u /* between the copies: no flash page holds both */
#define JOURNAL_LEN (JOURNAL_SPACING + JOURNAL_COPY_LEN)

struct journal {
	uint64_t sequence;
	uint32_t transaction;
	uint8_t manifest_sha256[SHA256_LEN];
	uint64_t blocks;
};

/* The bytes of one copy. Decoding: ERR_FORMAT, or ERR_UNSUPPORTED for a newer
 * format. */
void journal_encode(const struct journal *j, uint8_t ret[JOURNAL_COPY_LEN]);
int journal_decode(const uint8_t data[JOURNAL_COPY_LEN], struct journal *ret,
		   struct err *e) MUST_USE;

/* The valid copy with the highest sequence; ERR_NOT_FOUND if there is none (also where
 * it cannot be read: an install then begins anew). */
int journal_load(struct dev *d, struct journal *ret, struct err *e) MUST_USE;

/* Raises j->sequence, writes the other copy and flushes. After -1 the copy before still
 * stands, and a torn one does not count. */
int journal_store(struct dev *d, struct journal *j, struct err *e) MUST_USE;

#endif
