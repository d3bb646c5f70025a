/* SPDX-License-Identifier: Apache-2.0 */
#include "export.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

bool export_wanted(struct api_call *a)
{
	const char *format = http_query(a->http, "format");
	const char *accept = http_header(a->http, "Accept");

	if (format != NULL)
		return strcmp(format, "csv") == 0;
	return accept != NULL && strncmp(accept, "text/csv", 8) == 0;
}

int export_open(struct api_call *a, const char *titles, struct export *ret,
		struct err *e)
{
	ret->fd = open(a->api->scratch_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ret->size = strlen(titles);
	if (ret->fd < 0)
		return err_sys(e, "a file for the export in %s", a->api->scratch_dir);
	return fd_write_full(ret->fd, titles, ret->size, e);
}

int export_add(struct export *x, const struct buf *rows, struct err *e)
{
	x->size += rows->len;
	return fd_write_full(x->fd, rows->data, rows->len, e);
}

void export_send(struct api_call *a, struct export *x, const char *name)
{
	char tag[48], disposition[128];
	int fd = x->fd;

	x->fd = -1;
	/* Each export is a thing of its own: no other's bytes may complete it. */
	(void)snprintf(tag, sizeof(tag), "%" PRIx64 "-%" PRIx64,
		       (uint64_t)clock_utc_ms(a->api->clock), (uint64_t)(uintptr_t)x);
	(void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"",
		       name);
	http_add_header(a->http, "Content-Disposition", disposition);
	http_reply_file(a->http, fd, x->size, "text/csv; charset=utf-8", tag);
}

void export_end(struct export *x)
{
	if (x->fd >= 0)
		(void)close(x->fd);
	x->fd = -1;
}

int export_cell(struct buf *b, const char *text, const char *end, struct err *e)
{
	bool computes = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	bool quoted = strpbrk(text, ",\"\r\n") != NULL || computes;

	if ((quoted && buf_add_str(b, "\"", e) < 0) ||
	    (computes && buf_add_str(b, "'", e) < 0))
		return -1;
	for (const char *c = text; *c != '\0'; c++) {
		if ((*c == '"' && buf_add(b, c, 1, e) < 0) || buf_add(b, c, 1, e) < 0)
			return -1;
	}
	return quoted ? buf_printf(b, e, "\"%s", end) : buf_add_str(b, end, e);
}

int export_time(struct buf *b, int64_t at, const char *end, struct err *e)
{
	char text[TIME_TEXT_LEN + 1] = "";

	if (at != 0)
		time_format(at, text);
	return export_cell(b, text, end, e);
}
