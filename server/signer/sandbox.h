/* SPDX-License-Identifier: Apache-2.0 */
/* What a signer can do without: everything but its own files and one socket. */
#ifndef OTA_SERVER_SIGNER_SANDBOX_H
#define OTA_SERVER_SIGNER_SANDBOX_H

#include "../../common/base/err.h"

/*
 * From here on: no new privileges, no core dump, no other process looks into this one;
 * no network, no exec, no fork, no executable memory (seccomp; a forbidden call ends
 * the process). ERR_UNSUPPORTED where the kernel has no seccomp.
 */
int sandbox_enter(struct err *e) MUST_USE;

#endif
