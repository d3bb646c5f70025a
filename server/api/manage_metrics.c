/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: what the server counts, for Prometheus; with ?names= a part of it, for the console. */
#include "api.h"

#include <string.h>

/* Whether name begins with one of the comma-separated ones. */
static bool is_named(const char *name, const char *names)
{
	while (*names != '\0') {
		size_t len = strcspn(names, ",");

		if (len > 0 && strncmp(name, names, len) == 0)
			return true;
		names += len + (names[len] == ',');
	}
	return false;
}

/* The name in a line: behind "# HELP " or "# TYPE " of a comment. */
static const char *name_in(const char *line)
{
	return strncmp(line, "# ", 2) == 0 ? line + strlen("# HELP ") : line;
}

static int pick_lines(const char *text, const char *names, struct buf *ret,
		      struct err *e)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		if (len > strlen("# HELP ") && is_named(name_in(text), names) &&
		    buf_add(ret, text, len, e) < 0)
			return -1;
		text += len;
	}
	return 0;
}

void handle_metrics_get(struct api_call *a)
{
	AUTO(buf) struct buf text = BUF_INIT(METRICS_MAX_TEXT);
	AUTO(buf) struct buf part = BUF_INIT(METRICS_MAX_TEXT);
	const char *names = http_query(a->http, "names");
	const struct buf *all = names == NULL ? &text : &part;
	struct err e = ERR_INIT;

	if (metrics_write(a->api->metrics, &text, &e) < 0 ||
	    (names != NULL && pick_lines(buf_str(&text), names, &part, &e) < 0))
		api_fail(a, &e);
	else
		api_reply_text(a, 200, "text/plain; version=0.0.4; charset=utf-8",
			       buf_str(all), all->len);
}
