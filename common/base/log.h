/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured logs: one line an event, text for people or JSON for machines.
 *
 * A line is a level, a module, a sentence and key/value pairs:
 *
 *	log_info(log, "install", "segment written", "slot", "B", "segment", "17", NULL);
 *
 *	2026-11-23T14:41:07.123Z info  install: segment written slot=B segment=17
 *	{"time":"...","level":"info","module":"install",
 *	 "message":"segment written","slot":"B",..}
 *
 * Keys and values are strings; the list ends with NULL. Values may come from the
 * network: they are escaped in both forms. Secrets never go into a log.
 *
 * There is no global logger: whoever logs is handed one. Only mains, state machines
 * and request handlers log; all else returns its error. A line is written by one
 * write(), so threads and processes may share a file. log may be NULL: nothing is said.
 */
#ifndef OTA_BASE_LOG_H
#define OTA_BASE_LOG_H

#include "err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_form { LOG_TEXT, LOG_JSON };

struct log {
	int fd;		      /* not owned */
	enum log_level level; /* what is below is not written */
	enum log_form form;
};

void log_event(const struct log *log, enum log_level level, const char *module,
	       const char *message, ...) __attribute__((sentinel));

#define log_debug(log, ...) log_event(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_event(log, LOG_INFO, __VA_ARGS__)
#define log_warn(log, ...) log_event(log, LOG_WARN, __VA_ARGS__)
#define log_error(log, ...) log_event(log, LOG_ERROR, __VA_ARGS__)

/* "message: the error's text", with its slug as `code`. */
void log_failure(const struct log *log, enum log_level level, const char *module,
		 const char *message, const struct err *e);

int log_level_parse(const char *text, enum log_level *ret_level,
		    struct err *e) MUST_USE;
int log_form_parse(const char *text, enum log_form *ret_form, struct err *e) MUST_USE;

#endif
