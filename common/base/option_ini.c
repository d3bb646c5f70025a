/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file, read by inih, whose limits become errors instead of
 * surprises: it would cut long lines apart, and take an indented line for more of the
 * one before. It tells a handler no line number, but returns the line of the first call
 * that failed; so the handler keeps its first error and lets the rest pass.
 */
#include "option_impl.h"

#include "file.h"

#include <ini.h>
#include <string.h>

#define FILE_MAX_BYTES (256u * 1024)
#define LINE_MAX_BYTES 198 /* inih's buffer is 200 */

struct reading {
	struct option_state *state;
	const struct program *program;
	struct option_builtin *builtin;
	const char *path;
	struct err *e;
	bool failed;
};

typedef void option_visitor(void *ctx, const struct option *o, void *base);

/* Every option that may stand in the file. */
static void each_option(struct reading *r, option_visitor *visit, void *ctx)
{
	const struct program *p = r->program;
	const struct option *o;

	for (o = option_builtin_table; o->name != NULL; o++)
		visit(ctx, o, r->builtin);
	for (o = p->options; o != NULL && o->name != NULL; o++)
		visit(ctx, o, p->values);
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		for (o = c->options; o != NULL && o->name != NULL; o++)
			visit(ctx, o, p->values);
	}
}

struct search {
	const char *section;
	const char *name;
	const struct option *found;
	void *base;
	bool section_known;
	struct guess section_guess;
	struct guess name_guess;
};

static void look(void *ctx, const struct option *o, void *base)
{
	struct search *s = ctx;

	if (o->section == NULL)
		return;
	guess_offer(&s->section_guess, o->section);
	if (strcmp(o->section, s->section) != 0)
		return;
	s->section_known = true;
	guess_offer(&s->name_guess, o->name);
	if (s->found != NULL || strcmp(o->name, s->name) != 0)
		return;
	s->found = o;
	s->base = base;
}

static int unknown(struct search *s, struct err *e)
{
	char hint[OPTION_NAME_MAX + 24];

	if (s->section[0] == '\0')
		return err_set(e, ERR_CONFIG, "key \"%s\" stands before any [section]",
			       s->name);
	if (!s->section_known)
		return err_set(e, ERR_CONFIG, "unknown section [%s]%s", s->section,
			       guess_text(&s->section_guess, hint, ""));
	return err_set(e, ERR_CONFIG, "unknown key \"%s\" in section [%s]%s", s->name,
		       s->section, guess_text(&s->name_guess, hint, ""));
}

/* A relative path counts from the file's directory. */
static const char *resolve(struct reading *r, const char *value)
{
	const char *slash = strrchr(r->path, '/');
	AUTO(buf) struct buf joined = BUF_INIT(4096);

	if (value[0] == '/' || value[0] == '\0' || slash == NULL)
		return option_keep(r->state, value, r->e);
	if (buf_add(&joined, r->path, (size_t)(slash - r->path) + 1, r->e) < 0 ||
	    buf_add_str(&joined, value, r->e) < 0)
		return NULL;
	return option_keep(r->state, buf_str(&joined), r->e);
}

static int take_value(struct reading *r, const struct search *s, const char *value)
{
	const char *kept = s->found->type == OPT_PATH
			       ? resolve(r, value)
			       : option_keep(r->state, value, r->e);

	if (kept == NULL)
		return -1;
	if (option_set(r->state, s->found, s->base, kept, SOURCE_FILE, r->e) == 0)
		return 0;
	if (r->e != NULL && r->e->code == ERR_USAGE)
		r->e->code = ERR_CONFIG;
	return err_wrap(r->e, "[%s] %s", s->section, s->name);
}

/* inih's handler: 0 is failure. */
static int on_key(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;
	struct search s = {.section = section, .name = name};
	int result;

	if (r->failed)
		return 1;
	s.section_guess.wanted = section;
	s.name_guess.wanted = name;
	each_option(r, look, &s);
	result = s.found != NULL ? take_value(r, &s, value) : unknown(&s, r->e);
	r->failed = result < 0;
	return !r->failed;
}

/* One line without its end. Whatever passes here, inih takes. */
static int check_line(const char *line, size_t len, struct err *e)
{
	size_t blanks = strspn(line, " \t\r");
	const char *needs = line[blanks] == '[' ? "]" : "=:";

	if (len > LINE_MAX_BYTES)
		return err_set(e, ERR_CONFIG, "longer than %d bytes", LINE_MAX_BYTES);
	if (blanks >= len || line[blanks] == ';' || line[blanks] == '#')
		return 0;
	if (blanks > 0)
		return err_set(e, ERR_CONFIG, "begins with a blank");
	if (strcspn(line, needs) >= len)
		return err_set(e, ERR_CONFIG, "neither [section] nor \"key = value\"");
	return 0;
}

static int check_lines(const struct buf *text, struct err *e)
{
	const char *p = buf_str(text);

	if (strlen(p) != text->len)
		return err_set(e, ERR_CONFIG, "not a text file: it holds a NUL byte");
	for (int line = 1; *p != '\0'; line++) {
		size_t len = strcspn(p, "\n");

		if (check_line(p, len, e) < 0)
			return err_wrap(e, "line %d", line);
		p += len + (p[len] == '\n');
	}
	return 0;
}

static int read_text(struct reading *r, const char *text)
{
	struct err cause = ERR_INIT;
	struct err *e = r->e;
	int line;

	r->e = &cause;
	line = ini_parse_string(text, on_key, r);
	if (line < 0)
		return err_nomem(e);
	if (line > 0 && r->failed)
		return err_set(e, cause.code, "line %d: %s", line, cause.text);
	if (line > 0)
		return err_set(e, ERR_CONFIG, "line %d: cannot be read", line);
	return 0;
}

int option_read_file(struct option_state *s, const struct program *p,
		     struct option_builtin *builtin, const char *path, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	struct reading r = {
	    .state = s, .program = p, .builtin = builtin, .path = path, .e = e};

	if (file_read(path, &text, e) < 0) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return err_wrap(e, "configuration");
	}
	if (check_lines(&text, e) < 0 || read_text(&r, buf_str(&text)) < 0)
		return err_wrap(e, "%s", path);
	return 0;
}
