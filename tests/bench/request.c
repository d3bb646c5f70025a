/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdio.h>
#include <string.h>

int request_write(const struct request *r, struct buf *ret, struct err *e)
{
	if (buf_printf(ret, e, "%s %s HTTP/1.1\r\nHost: %s\r\n", r->method, r->path,
		       r->host) < 0)
		return -1;
	if (r->token != NULL &&
	    buf_printf(ret, e, "Authorization: TargetToken %s\r\n", r->token) < 0)
		return -1;
	if (r->close && buf_add_str(ret, "Connection: close\r\n", e) < 0)
		return -1;
	if (r->body == NULL)
		return buf_add_str(ret, "\r\n", e);
	return buf_printf(ret, e,
			  "Content-Type: application/json\r\nContent-Length: "
			  "%zu\r\n\r\n%s",
			  strlen(r->body), r->body);
}

void request_path(const char *link, char ret[REQUEST_PATH_LEN])
{
	const char *host = strstr(link, "://");
	const char *path = host == NULL ? NULL : strchr(host + 3, '/');

	(void)snprintf(ret, REQUEST_PATH_LEN, "%s", path == NULL ? "" : path);
}
