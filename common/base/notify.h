/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the service manager how things stand: systemd's sd_notify(3) protocol, which
 * is a datagram of KEY=VALUE lines to the Unix socket named in NOTIFY_SOCKET.
 */
#ifndef OTA_BASE_NOTIFY_H
#define OTA_BASE_NOTIFY_H

#include "err.h"

#include <stdint.h>

/* Sends e.g. "READY=1", "STOPPING=1" or "WATCHDOG=1"; does nothing outside a service.
 */
int notify_manager(const char *state, struct err *e) MUST_USE;

/* How often to send "WATCHDOG=1": half of what WATCHDOG_USEC allows, 0 if nobody
 * watches. */
uint64_t notify_watchdog_ms(void);

#endif
