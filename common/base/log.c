/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "buf.h"
#include "clock.h"
#include "text.h"

#include <stdarg.h>
#include <string.h>

#define LINE_CAP 8192
#define MAX_FIELDS 32

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const form_names[] = {"text", "json"};

/* A line that does not fit is cut: a log never fails and never grows. */
static void put(struct buf *line, const char *text)
{
	if (buf_add_str(line, text, NULL) < 0)
		return;
}

static void put_escaped(struct buf *line, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		char out[8] = {(char)c, '\0'};

		if (c == '"' || c == '\\')
			(void)snprintf(out, sizeof(out), "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)snprintf(out, sizeof(out), "\\u%04x", c);
		put(line, out);
	}
}

static bool is_plain(const char *text)
{
	return *text != '\0' && strpbrk(text, " \"\\=\t\r\n") == NULL &&
	       text_is_name(text, 200, "._-:/+@,#%[]()");
}

static void put_text_field(struct buf *line, const char *key, const char *value)
{
	bool plain = is_plain(value);

	put(line, " ");
	put(line, key);
	put(line, plain ? "=" : "=\"");
	put_escaped(line, value);
	put(line, plain ? "" : "\"");
}

static void put_json_field(struct buf *line, const char *key, const char *value)
{
	put(line, ",\"");
	put_escaped(line, key);
	put(line, "\":\"");
	put_escaped(line, value);
	put(line, "\"");
}

static void put_head(struct buf *line, enum log_form form, enum log_level level,
		     const char *module, const char *message)
{
	int64_t now = clock_utc_ms(&clock_system);
	char seconds[TIME_TEXT_LEN + 1];
	char stamp[32];

	time_format(now, seconds);
	(void)snprintf(stamp, sizeof(stamp), "%.19s.%03dZ", seconds, (int)(now % 1000));
	if (form == LOG_JSON) {
		put(line, "{\"time\":\"");
		put(line, stamp);
		put(line, "\"");
		put_json_field(line, "level", level_names[level]);
		put_json_field(line, "module", module);
		put_json_field(line, "message", message);
		return;
	}
	put(line, stamp);
	put(line, level == LOG_INFO || level == LOG_WARN ? "  " : " ");
	put(line, level_names[level]);
	put(line, " ");
	put(line, module);
	put(line, ": ");
	put_escaped(line, message);
}

void log_event(const struct log *log, enum log_level level, const char *module,
	       const char *message, ...)
{
	AUTO(buf) struct buf line = BUF_INIT(LINE_CAP);
	va_list ap;

	if (log == NULL || level < log->level)
		return;
	put_head(&line, log->form, level, module, message);
	va_start(ap, message);
	for (int i = 0; i < MAX_FIELDS; i++) {
		const char *key = va_arg(ap, const char *);
		const char *value = key != NULL ? va_arg(ap, const char *) : NULL;

		if (key == NULL)
			break;
		if (log->form == LOG_JSON)
			put_json_field(&line, key, value != NULL ? value : "");
		else
			put_text_field(&line, key, value != NULL ? value : "");
	}
	va_end(ap);
	put(&line, log->form == LOG_JSON ? "}\n" : "\n");
	if (line.len > 0 && write(log->fd, line.data, line.len) < 0)
		return; /* nobody is left to tell */
}

void log_failure(const struct log *log, enum log_level level, const char *module,
		 const char *message, const struct err *e)
{
	log_event(log, level, module, message, "error", e->text, "code",
		  err_slug(e->code), NULL);
}

static int find_name(const char *const *names, size_t n, const char *text,
		     const char *what, size_t *ret_index, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%s\" is not a log %s", text, what);
}

int log_level_parse(const char *text, enum log_level *ret_level, struct err *e)
{
	size_t i = 0;

	if (find_name(level_names, N_ELEMS(level_names), text,
		      "level: debug, info, warn or error", &i, e) < 0)
		return -1;
	*ret_level = (enum log_level)i;
	return 0;
}

int log_form_parse(const char *text, enum log_form *ret_form, struct err *e)
{
	size_t i = 0;

	if (find_name(form_names, N_ELEMS(form_names), text, "form: text or json", &i,
		      e) < 0)
		return -1;
	*ret_form = (enum log_form)i;
	return 0;
}
