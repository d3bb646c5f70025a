/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request of a virtual device, as text. Pure. */
#ifndef OTA_BENCH_REQUEST_H
#define OTA_BENCH_REQUEST_H

#include "../../common/base/buf.h"

#include <stdbool.h>

#define REQUEST_PATH_LEN 512

struct request {
	const char *host; /* with its port, for the Host field */
	const char *method, *path;
	const char *token; /* of the device, or NULL */
	const char *body;  /* JSON, or NULL */
	bool close;	   /* the last one on its connection */
};

/* Appends it to `ret`. */
int request_write(const struct request *r, struct buf *ret, struct err *e) MUST_USE;

/* The path of a link, which requests name without scheme and host; "" of no link. */
void request_path(const char *link, char ret[REQUEST_PATH_LEN]);

#endif
