/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists as one CSV file (RFC 4180), for the manage_*.c files.
 *
 * It is gathered page by page in a file without a name, and sent when it is whole: memory
 * stays bounded, and an export is never half of one that looks complete.
 */
#ifndef OTA_SERVER_API_EXPORT_H
#define OTA_SERVER_API_EXPORT_H

#include "api.h"

struct export
{
	int fd; /* EXPORT_INIT: none */
	uint64_t size;
};
#define EXPORT_INIT                                                                    \
	{                                                                              \
		.fd = -1                                                               \
	}

/* Whether ?format=csv or Accept: text/csv asks for it. */
bool export_wanted(struct api_call *a);

/* Begins with the line of titles. What was opened is ended by export_end(), also of one
 * that was not, or by export_send(). */
int export_open(struct api_call *a, const char *titles, struct export *ret,
		struct err *e) MUST_USE;
int export_add(struct export *x, const struct buf *rows, struct err *e) MUST_USE;
void export_send(struct api_call *a, struct export *x, const char *name);
void export_end(struct export *x);

/* A cell and what comes behind it: a comma, or the end of the line. What a spreadsheet
 * would compute is shown as text: it begins with an apostrophe. */
int export_cell(struct buf *b, const char *text, const char *end,
		struct err *e) MUST_USE;
/* As 2026-11-23T14:41:07Z; empty for 0. */
int export_time(struct buf *b, int64_t at, const char *end, struct err *e) MUST_USE;

#endif
