/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A medium: a partition, a raw file, or the lab's simulated flash behind one ops table.
 *
 * Every durable write of the device goes through here, so that the crash tests see each
 * one. Operations are synchronous and at most DEV_MAX_IO bytes.
 */
#ifndef OTA_CLIENT_DEV_H
#define OTA_CLIENT_DEV_H

#include "../../common/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define DEV_MAX_IO (64u * 1024)
#define DEV_NAME_LEN 63 /* for messages: "slot B firmware" */

struct dev;

struct dev_ops {
	int (*read)(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e);
	/* Reads what is on the medium, not in a cache (O_DIRECT, or flush and drop). */
	int (*read_medium)(struct dev *d, uint64_t offset, void *ret, size_t len,
			   struct err *e);
	int (*write)(struct dev *d, uint64_t offset, const void *data, size_t len,
		     struct err *e);
	int (*flush)(struct dev *d, struct err *e);
	void (*close)(struct dev *d);
};

struct dev {
	const struct dev_ops *ops;
	uint64_t size; /* bytes */
	char name[DEV_NAME_LEN + 1];
};

void dev_close(struct dev *d); /* NULL is fine */
void dev_free(struct dev *d);  /* the same, for AUTO_PTR(dev) */
AUTO_PTR_DEFINE(dev)

/* A file or block device, opened exclusively where `writable` (ERR_CONFLICT if another
 * process writes to it); its size is fixed from then on. After a flush that failed
 * nothing more can be written through *ret: the kernel reports a lost write once, and
 * we do not forget it. */
int dev_open_file(const char *path, const char *name, int writable, struct dev **ret,
		  struct err *e) MUST_USE;

/* Bounds-checked forms; every error names the device. ERR_RANGE outside of it,
 * ERR_USAGE for more than DEV_MAX_IO bytes. */
int dev_read(struct dev *d, uint64_t offset, void *ret, size_t len,
	     struct err *e) MUST_USE;
int dev_read_medium(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e) MUST_USE;
int dev_write(struct dev *d, uint64_t offset, const void *data, size_t len,
	      struct err *e) MUST_USE;
int dev_flush(struct dev *d, struct err *e) MUST_USE;

#endif
