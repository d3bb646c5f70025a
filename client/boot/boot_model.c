/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record on a raw medium.
 *
 *	0                      erase size
 *	| copy 0 | unused ...  | copy 1 | unused ...
 *
 * A store goes to the copy that does not count, is flushed, and is read back past the
 * cache. So at any moment the copy that counts is not being written: after a power cut
 * the old record is there, or the new one, and a torn one is told by its CRC. Which
 * copy counts is looked up on the medium each time and never remembered.
 *
 * A copy that cannot be read may be the one that counts. It is asked READ_TRIES times:
 * on many a medium the second answer is better than none. If it stays silent the other
 * one stands in for it, or the device would depend on both; but it is overwritten only
 * if it cannot have counted, which is so if the new record follows the readable one.
 */
#include "boot_model.h"

#include "../../common/base/text.h"
#include "handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_TRIES 3

struct boot_model {
	struct boot base;
	struct dev *record;
	uint64_t erase_size;
	int handover_fd;
	int watchdog_fd;
};

struct copy {
	struct slot_record record;
	bool valid;
	struct err why; /* if not valid */
};

static struct boot_model *of(struct boot *b)
{
	return (struct boot_model *)b;
}

static uint64_t copy_offset(const struct boot_model *m, int copy)
{
	return copy == 0 ? 0 : m->erase_size;
}

static void read_copy(struct boot_model *m, int index, struct copy *ret)
{
	uint8_t bytes[RECORD_LEN];

	ret->valid = false;
	for (int i = 0; i < READ_TRIES && !ret->valid; i++) {
		ret->why = ERR_INIT;
		ret->valid = dev_read_medium(m->record, copy_offset(m, index), bytes,
					     sizeof(bytes), &ret->why) == 0 &&
			     record_decode(bytes, &ret->record, &ret->why) == 0;
	}
}

/* Reads both copies; the index of the one that counts, or -1. */
static int read_copies(struct boot_model *m, struct copy ret[2])
{
	for (int i = 0; i < 2; i++)
		read_copy(m, i, &ret[i]);
	return record_pick(ret[0].valid ? &ret[0].record : NULL,
			   ret[1].valid ? &ret[1].record : NULL);
}

/* Lost is only what was read and is no record. What cannot be read, or is of a later
 * format, may still be one: nobody shall write a new one over it. */
static enum err_code code_of_loss(const struct copy copies[2])
{
	for (int i = 0; i < 2; i++)
		if (copies[i].why.code != ERR_FORMAT)
			return copies[i].why.code;
	return ERR_NOT_FOUND;
}

static int model_load(struct boot *b, struct slot_record *ret, struct err *e)
{
	struct copy copies[2];
	int counts = read_copies(of(b), copies);

	if (counts < 0)
		return err_set(e, code_of_loss(copies),
			       "no valid copy: copy 0: %s; copy 1: %s",
			       copies[0].why.text, copies[1].why.text);
	*ret = copies[counts].record;
	return 0;
}

static int write_copy(struct boot_model *m, int index, const uint8_t bytes[RECORD_LEN],
		      struct err *e)
{
	uint8_t back[RECORD_LEN];
	uint64_t at = copy_offset(m, index);

	if (dev_write(m->record, at, bytes, RECORD_LEN, e) < 0 ||
	    dev_flush(m->record, e) < 0 ||
	    dev_read_medium(m->record, at, back, RECORD_LEN, e) < 0)
		return -1;
	if (memcmp(back, bytes, RECORD_LEN) != 0)
		return err_set(e, ERR_IO, "%s: the medium holds something else",
			       m->record->name);
	return 0;
}

/* Whether the copy beside the one that counts may be written over. */
static int check_may_replace(const struct copy copies[2], int counts,
			     const struct slot_record *r, struct err *e)
{
	const struct copy *kept = &copies[counts], *other = &copies[counts == 0];

	if (r->sequence <= kept->record.sequence)
		return err_set(e, ERR_PRECONDITION,
			       "the medium holds a record as new as this one");
	if (other->valid || other->why.code == ERR_FORMAT ||
	    r->sequence == kept->record.sequence + 1)
		return 0;
	return err_set(e, other->why.code,
		       "copy %d may be the record that counts and cannot be read: %s",
		       counts == 0, other->why.text);
}

static int model_store(struct boot *b, const struct slot_record *r, struct err *e)
{
	struct boot_model *m = of(b);
	uint8_t bytes[RECORD_LEN];
	struct copy copies[2];
	int counts = read_copies(m, copies);

	if (counts >= 0 && check_may_replace(copies, counts, r, e) < 0)
		return -1;
	record_encode(r, bytes);
	if (write_copy(m, counts == 0, bytes, e) < 0)
		return err_wrap(e, "copy %d", counts == 0);
	return 0;
}

static int model_handover(struct boot *b, struct handover *ret, struct err *e)
{
	if (of(b)->handover_fd < 0)
		return err_set(e, ERR_NOT_FOUND, "not started by the bootloader");
	return handover_read(of(b)->handover_fd, ret, e);
}

static int model_watchdog_feed(struct boot *b, struct err *e)
{
	if (of(b)->watchdog_fd < 0)
		return 0;
	/* A full socket is fed enough. */
	if (send(of(b)->watchdog_fd, "w", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno != EAGAIN && errno != EWOULDBLOCK)
		return err_sys(e, "send");
	return 0;
}

/* The board takes the end of the firmware's process for a reset. */
static int model_reboot(struct boot *b, struct err *e)
{
	if (of(b)->handover_fd < 0)
		return err_set(e, ERR_NOT_FOUND, "not started by the bootloader");
	_exit(EXIT_SUCCESS);
}

static void model_close(struct boot *b)
{
	dev_close(of(b)->record);
	free(b);
}

static const struct boot_ops model_ops = {
    .name = "model",
    .load = model_load,
    .store = model_store,
    .handover = model_handover,
    .watchdog_feed = model_watchdog_feed,
    .reboot = model_reboot,
    .close = model_close,
};

int boot_model_new(struct dev *record, const struct boot_params *p, struct boot **ret,
		   struct err *e)
{
	struct boot_model *m;

	if (p->erase_size_bytes < RECORD_LEN || p->erase_size_bytes % RECORD_LEN != 0)
		return err_set(e, ERR_CONFIG,
			       "[boot] erase-size is not a multiple of %u bytes",
			       RECORD_LEN);
	if (record->size < RECORD_LEN ||
	    record->size - RECORD_LEN < p->erase_size_bytes)
		return err_set(
		    e, ERR_CONFIG,
		    "%s is too small for two copies in separate erase groups",
		    record->name);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return err_nomem(e);
	*m = (struct boot_model){
	    .base.ops = &model_ops,
	    .record = record,
	    .erase_size = p->erase_size_bytes,
	    .handover_fd = p->handover_fd,
	    .watchdog_fd = p->watchdog_fd,
	};
	*ret = &m->base;
	return 0;
}

int boot_model_open(const struct boot_params *p, struct boot **ret, struct err *e)
{
	AUTO_PTR(dev) struct dev *record = NULL;

	if (p->record_path == NULL)
		return err_set(e, ERR_CONFIG, "[boot] record is missing");
	if (dev_open_file(p->record_path, "slot record", 1, &record, e) < 0 ||
	    boot_model_new(record, p, ret, e) < 0)
		return -1;
	(void)TAKE(record);
	return 0;
}

static int inherited_fd(const char *variable, int *ret_fd, struct err *e)
{
	const char *text = getenv(variable);
	uint64_t fd;

	*ret_fd = -1;
	if (text == NULL)
		return 0;
	if (parse_u64(text, &fd, e) < 0 || fd > 1024)
		return err_set(e, ERR_CONFIG, "%s is not a descriptor", variable);
	*ret_fd = (int)fd;
	return 0;
}

int boot_model_inherited(struct boot_params *p, struct err *e)
{
	if (inherited_fd(MODEL_HANDOVER_ENV, &p->handover_fd, e) < 0)
		return -1;
	return inherited_fd(MODEL_WATCHDOG_ENV, &p->watchdog_fd, e);
}
