/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a virtual device says: the requests of one cycle, from a table, as text. Pure.
 *
 *	GET     one fixed path                            (a static file, for comparison)
 *	POLL    GET base
 *	UPDATE  GET base -> PUT configData (if wanted) -> GET deploymentBase
 *	        -> feedback: proceeding x reports -> closed/success -> GET base
 *
 * Identities come from a number: device i is PREFIX plus i, its token "otd_" and the
 * base64url of SHA-256("swarm" SEED "-" i), so that a seeded database and any number of
 * processes agree without a list.
 */
#ifndef OTA_BENCH_SCRIPT_H
#define OTA_BENCH_SCRIPT_H

#include "../../common/base/buf.h"
#include "../../common/ddi/ddi.h"

enum script_kind { SCRIPT_GET, SCRIPT_POLL, SCRIPT_UPDATE, N_SCRIPT_KINDS };

struct script {
	enum script_kind kind;
	const char *host;   /* with its port, for the Host field */
	const char *path;   /* of SCRIPT_GET */
	const char *tenant; /* of the others, from here on */
	const char *prefix;
	const char *seed;
	unsigned reports; /* `proceeding` ones of an update */
	bool close;	  /* one connection a cycle: the last request says so */
};

enum script_step {
	STEP_BEGIN,
	STEP_POLLED, /* the poll's answer is in */
	STEP_CONFIGURED,
	STEP_SHOWN,    /* the deployment was read */
	STEP_REPORTED, /* closed/success was taken */
	STEP_END,
	STEP_FAILED
};

/* One device in its cycle. */
struct script_device {
	uint64_t number;
	enum script_step step;
	unsigned reported;
	char deployment[DDI_URL_LEN]; /* "": none offered */
	char config[DDI_URL_LEN];
};

/*
 * What comes next: writes the request to `ret` (emptied first) and leaves it empty if
 * the cycle is over (step STEP_END or STEP_FAILED).
 */
int script_next(const struct script *s, struct script_device *d, struct buf *ret,
		struct err *e) MUST_USE;

/* Takes the answer to the last request. */
void script_answer(const struct script *s, struct script_device *d, int status,
		   const char *body, size_t len);

int script_token(const struct script *s, uint64_t number, char ret[48],
		 struct err *e) MUST_USE;

#endif
