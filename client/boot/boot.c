/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include "boot_model.h"

#include <string.h>

const struct boot_backend boot_backends[] = {
    {"model", boot_model_open},
    {NULL, NULL},
};

int boot_open(const char *backend, const struct boot_params *p, struct boot **ret,
	      struct err *e)
{
	const struct boot_backend *row = boot_backends;

	while (row->name != NULL && strcmp(row->name, backend) != 0)
		row++;
	if (row->name != NULL)
		return row->open(p, ret, e);
	return err_set(e, ERR_CONFIG,
		       "there is no boot back-end \"%s\" (there is \"%s\")", backend,
		       boot_backends[0].name);
}

int boot_load(struct boot *b, struct slot_record *ret, struct err *e)
{
	if (b->ops->load(b, ret, e) < 0)
		return err_wrap(e, "load slot record");
	return 0;
}

int boot_store(struct boot *b, const struct slot_record *r, struct err *e)
{
	if (b->ops->store(b, r, e) < 0)
		return err_wrap(e, "store slot record");
	return 0;
}

int boot_handover(struct boot *b, struct handover *ret, struct err *e)
{
	if (b->ops->handover(b, ret, e) < 0)
		return err_wrap(e, "bootloader's hand-over");
	return 0;
}

int boot_watchdog_feed(struct boot *b, struct err *e)
{
	if (b->ops->watchdog_feed(b, e) < 0)
		return err_wrap(e, "feed watchdog");
	return 0;
}

int boot_reboot(struct boot *b, struct err *e)
{
	if (b->ops->reboot(b, e) < 0)
		return err_wrap(e, "reboot");
	return 0;
}

void boot_close(struct boot *b)
{
	if (b != NULL)
		b->ops->close(b);
}

void boot_free(struct boot *b)
{
	boot_close(b);
}
