/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying a server's audit log from outside.
 *
 * Every entry is downloaded and hashed, the tree built anew, and its root held against
 * the signed checkpoint and against those that the auditor kept: each must be the root of
 * as many of these same entries. So nothing that the server says of itself is believed
 * but its signature.
 */
#ifndef OTA_TOOLS_AUDIT_VERIFY_H
#define OTA_TOOLS_AUDIT_VERIFY_H

#include "../common/format/note.h"
#include "ota.h"

struct audit_verdict {
	struct note_key key;
	char vkey[NOTE_VKEY_MAX_LEN + 1];
	struct checkpoint now;
	size_t n_earlier; /* checkpoints that it continues */
};

/* ERR_UNTRUSTED, ERR_ROLLBACK or ERR_SIGNATURE: the log is not what it was, and the
 * message says where it begins to differ as far as that can be told. */
int audit_judge(const struct ota *o, struct audit_verdict *ret, struct err *e) MUST_USE;

#endif
