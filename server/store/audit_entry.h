/* SPDX-License-Identifier: Apache-2.0 */
/* An audit record as the bytes that go into the log (docs/formats/audit.md). Pure. */
#ifndef OTA_SERVER_STORE_AUDIT_ENTRY_H
#define OTA_SERVER_STORE_AUDIT_ENTRY_H

#include "model_audit.h"

/* Canonical JSON; every member is there, whatever it says. */
int audit_entry_write(const char *tenant, int64_t at_ms, const struct audit_record *r,
		      struct buf *ret, struct err *e) MUST_USE;

#endif
