/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media in memory whose power can be cut at any operation.
 *
 * Each medium has what is durable and what a reader sees (durable plus cache). A write
 * goes to the cache, a flush makes the cache durable, read_medium sees only what is
 * durable: stricter than Linux, so that a missing flush shows. All media of a sim share
 * one count of operations, and one of them can go wrong.
 */
#ifndef OTA_TESTS_SIM_H
#define OTA_TESTS_SIM_H

#include "../../client/dev/dev.h"

#include <stdbool.h>

#define SIM_MAX_MEDIA 9
#define SIM_SECTOR 512u

enum sim_fault {
	SIM_NONE,
	SIM_CUT, /* power goes: all later operations fail too */
	SIM_EIO, /* this operation fails, once */
	SIM_ENOSPC,
};

/* What a cut leaves of the writes since the last flush, and of the write that was
 * cut. */
struct sim_tear {
	bool cache_lost;  /* else everything before the cut became durable */
	bool tail;	  /* the cut write's last sectors, not the first, */
	unsigned eighths; /* this many eighths of them */
};

/* One write or flush, as it was asked for. */
struct sim_change {
	size_t medium;
	bool flush;
	bool dirty; /* a flush that had something to do */
};

#define SIM_MAX_CHANGES 256
#define SIM_NEVER ((unsigned long)-1)

struct sim_medium {
	struct dev base;
	struct sim *sim;
	uint8_t *durable;
	uint8_t *seen;
	bool lies;  /* flushes do nothing */
	bool stale; /* what the cache holds else counts as clean: only writes arrive */
	bool dirty; /* written since the last flush */
	unsigned long n_written_bytes;
};

struct sim {
	struct sim_medium media[SIM_MAX_MEDIA];
	size_t n_media;
	unsigned long n_ops;	 /* all, reads included */
	unsigned long n_changes; /* writes and flushes */
	enum sim_fault fault;
	unsigned long at; /* SIM_CUT: the count of changes; else of operations */
	struct sim_tear tear;
	unsigned long lie_at; /* this flush, by the count of changes, does nothing */
	bool dead;
	struct sim_change log[SIM_MAX_CHANGES];
};

/* A medium of zeros; it lives until sim_fini(), dev_close() does nothing. */
struct dev *sim_add(struct sim *s, const char *name, size_t size);
void sim_fini(struct sim *s);

/* Power comes back: caches are gone, counts begin anew, nothing goes wrong any more. */
void sim_power_on(struct sim *s);

/* The same contents in another sim of the same media. */
void sim_copy(struct sim *to, const struct sim *from);

#endif
