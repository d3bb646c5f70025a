/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May the server connect to this address on behalf of somebody who gave it a URL?
 *
 * The question is put when a socket is about to connect, with the address that it will
 * connect to: what a name meant when it was looked up before does not matter, so a name
 * that changes its mind (DNS rebinding) gains nothing. Refused is whatever is not an
 * address of the public internet: private, loopback, link-local (and in it the metadata
 * services of clouds), shared, documentation, multicast, unspecified, reserved; and all
 * IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), behind
 * which the same could hide. The ranges are those of the IANA special-purpose address
 * registries (RFC 6890).
 *
 * Pure, any thread.
 */
#ifndef OTA_SERVER_WEBHOOK_ADDRESS_H
#define OTA_SERVER_WEBHOOK_ADDRESS_H

#include "../../common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* "10.1.0.0/16", "fd00::/8", "192.0.2.7" */
struct address_range {
	bool v6;
	uint8_t bytes[16]; /* the first 4 if it is not v6 */
	unsigned n_bits;
};

/* ERR_FORMAT says what is wrong, bits behind the prefix too. */
int address_range_parse(const char *text, struct address_range *ret,
			struct err *e) MUST_USE;

/* ERR_FORBIDDEN with the range's name unless it is public or within one of `allowed`. */
int address_check(const struct sockaddr *a, size_t len,
		  const struct address_range *allowed, size_t n_allowed,
		  struct err *e) MUST_USE;

#endif
