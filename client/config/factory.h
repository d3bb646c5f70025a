/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the factory left on the device: one directory that nobody writes to afterwards,
 * ideally on a read-only medium.
 *
 *	root.json	the first trusted root (or any later version of it)
 *	ca.pem		the server CAs, one or more
 *	boot-key-0.pub .. boot-key-3.pub
 *			Ed25519, 64 hex digits and a newline; by index as in the slot
 *			descriptor; at least one. A demo key has " demo" behind them
 *	hardware	the hardware id, one line
 *	product		the product, one line
 *	demo		empty; there only in demo mode
 *
 * A demo key, or a root.json with the member "x-ota-demo":true, is refused unless
 * `demo` is there: development keys never reach production. What is missing is an
 * error, never a default.
 */
#ifndef OTA_CLIENT_FACTORY_H
#define OTA_CLIENT_FACTORY_H

#include "../../common/format/descriptor.h"

#include <limits.h>

#define FACTORY_ROOT_MAX_BYTES (512u * 1024)

struct factory {
	char product[PRODUCT_MAX_LEN + 1];
	char hardware[HARDWARE_MAX_LEN + 1];
	bool demo;
	struct pubkey *keys[MAX_BOOT_KEYS]; /* owned; NULL where there is none */
	struct boot_keys boot_keys; /* the same, as descriptor_verify() wants them */
	struct buf root;	    /* root.json as it stands */
	char ca_path[PATH_MAX];	    /* of ca.pem, which is there */
};

/* Reads and checks all of it. On failure nothing is left to free. */
int factory_load(const char *dir, struct factory *ret, struct err *e) MUST_USE;
void factory_fini(struct factory *f);

#endif
