/* SPDX-License-Identifier: Apache-2.0 */
#include "dev.h"

#include <inttypes.h>

void dev_close(struct dev *d)
{
	if (d != NULL)
		d->ops->close(d);
}

void dev_free(struct dev *d)
{
	dev_close(d);
}

static int check_bounds(const struct dev *d, uint64_t offset, size_t len, struct err *e)
{
	if (len > DEV_MAX_IO)
		return err_set(e, ERR_USAGE, "%zu bytes in one operation, %u at most",
			       len, DEV_MAX_IO);
	if (offset > d->size || len > d->size - offset)
		return err_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of %" PRIu64,
			       len, offset, d->size);
	return 0;
}

int dev_read(struct dev *d, uint64_t offset, void *ret, size_t len, struct err *e)
{
	if (check_bounds(d, offset, len, e) < 0 ||
	    d->ops->read(d, offset, ret, len, e) < 0)
		return err_wrap(e, "%s: read", d->name);
	return 0;
}

int dev_read_medium(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e)
{
	if (check_bounds(d, offset, len, e) < 0 ||
	    d->ops->read_medium(d, offset, ret, len, e) < 0)
		return err_wrap(e, "%s: read back", d->name);
	return 0;
}

int dev_write(struct dev *d, uint64_t offset, const void *data, size_t len,
	      struct err *e)
{
	if (check_bounds(d, offset, len, e) < 0 ||
	    d->ops->write(d, offset, data, len, e) < 0)
		return err_wrap(e, "%s: write", d->name);
	return 0;
}

int dev_flush(struct dev *d, struct err *e)
{
	if (d->ops->flush(d, e) < 0)
		return err_wrap(e, "%s: flush", d->name);
	return 0;
}
