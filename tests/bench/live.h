/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual device that lives: it polls, says what it is, and takes what it is
 * offered, through the device API and nothing else. Pure: requests and waits.
 *
 *	POLL -> (CONFIG ->) POLL                        nothing to do: wait `every`
 *	POLL -> SHOW -> DOWNLOAD -> FETCH -> INSTALL -> REBOOT -> CLOSE -> POLL
 *	POLL -> CANCEL -> POLL                          the operator wants it back
 *
 * What it is offered it fetches, holds against the announced SHA-256, and "runs": it has
 * no hardware, so its firmware is text, lines of KEY=VALUE, of which it knows
 *
 *	fails=30	the self-test fails on 30 of 100 devices: on those for which the
 *			first four bytes of SHA-256(id "/" version), modulo 100, are less
 *	says=TEXT	and this is what those report
 *
 * so that a bad release is bad because of what is in it, and to the same devices each
 * time. An answer that is no 200 sends it back to POLL: the server decides what is
 * offered again.
 */
#ifndef OTA_BENCH_LIVE_H
#define OTA_BENCH_LIVE_H

#include "request.h"

#include "../../common/crypto/digest.h"
#include "../../common/json/json.h"

enum live_step {
	LIVE_POLL,
	LIVE_CONFIG,
	LIVE_SHOW,     /* read what is offered */
	LIVE_DOWNLOAD, /* report that it begins */
	LIVE_FETCH,
	LIVE_INSTALL, /* report */
	LIVE_REBOOT,  /* report */
	LIVE_CLOSE,   /* report how it ended */
	LIVE_CANCEL,
	N_LIVE_STEPS
};

struct live_device {
	const char *id, *token;	       /* borrowed */
	const struct json *attributes; /* what it says of itself, borrowed; or NULL */
	enum live_step step;
	char version[65]; /* what it runs; "" at first: as the attributes say */
	/* what the last poll told it */
	char config[REQUEST_PATH_LEN], cancel[REQUEST_PATH_LEN];
	char deployment[REQUEST_PATH_LEN];
	/* what it was offered */
	char offered[65], file[REQUEST_PATH_LEN], action[12];
	uint8_t sha256[SHA256_LEN];
	char failure[128]; /* "": it runs well */
	unsigned n_updates, n_failures;
};

/* The request of the device's step, appended to `ret`. */
int live_request(const struct live_device *d, const char *host, const char *tenant,
		 struct buf *ret, struct err *e) MUST_USE;

/* Takes the answer (status 0: none came) and moves to the next step. */
void live_answer(struct live_device *d, int status, const char *body, size_t len);

#endif
