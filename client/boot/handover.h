/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over's bytes: docs/formats/handover.md. They travel in a memory file that is
 * sealed against every change, so what firmware reads is what the bootloader wrote, at
 * any time.
 */
#ifndef OTA_CLIENT_HANDOVER_H
#define OTA_CLIENT_HANDOVER_H

#include "boot.h"

#define HANDOVER_LEN 160u

void handover_encode(const struct handover *h, uint8_t ret[HANDOVER_LEN]);
int handover_decode(const uint8_t data[HANDOVER_LEN], struct handover *ret,
		    struct err *e) MUST_USE;

/* A sealed memory file (close-on-exec) with h in it. */
int handover_make_fd(const struct handover *h, int *ret_fd, struct err *e) MUST_USE;

/* ERR_UNTRUSTED unless fd is sealed. The descriptor's offset is neither used nor moved.
 */
int handover_read(int fd, struct handover *ret, struct err *e) MUST_USE;

#endif
