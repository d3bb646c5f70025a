/* SPDX-License-Identifier: Apache-2.0 */
/* A passphrase comes from the terminal, without echo, or from a descriptor. Never from
 * the command line or the environment, where others can see it. The caller wipes it. */
#ifndef OTA_BASE_PASSPHRASE_INPUT_H
#define OTA_BASE_PASSPHRASE_INPUT_H

#include "err.h"

#define PASSPHRASE_INPUT_MAX_LEN 255

/* One line of descriptor `number`, as --passphrase-fd names it; what follows stays. */
int passphrase_read_fd(const char *number, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
		       struct err *e) MUST_USE;

/* ERR_USAGE: there is no terminal; ERR_CANCELLED: a signal came. */
int passphrase_ask(const char *question, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
		   struct err *e) MUST_USE;
/* For a new one: ERR_USAGE if the two differ. */
int passphrase_ask_twice(const char *question, char ret[PASSPHRASE_INPUT_MAX_LEN + 1],
			 struct err *e) MUST_USE;

#endif
