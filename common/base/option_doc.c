/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of options says about itself: --help and the man page. */
#include "option_impl.h"

#include <ctype.h>
#include <string.h>

#define HELP_COLUMN 28
#define HELP_WIDTH 80

static const char *value_name(const struct option *o)
{
	static const char *const usual[] = {
	    [OPT_FLAG] = NULL,	 [OPT_BOOL] = "yes|no",	  [OPT_U64] = "N",
	    [OPT_SIZE] = "SIZE", [OPT_DURATION] = "TIME", [OPT_TEXT] = "TEXT",
	    [OPT_PATH] = "FILE", [OPT_LIST] = "TEXT",
	};

	if (o->type == OPT_FLAG)
		return NULL;
	return o->value_name != NULL ? o->value_name : usual[o->type];
}

/* Breaks at blanks; continues at HELP_COLUMN. `column` is where the cursor stands. */
static int put_wrapped(struct buf *out, const char *text, size_t column, struct err *e)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			if (buf_printf(out, e, "\n%*s", HELP_COLUMN, "") < 0)
				return -1;
			column = HELP_COLUMN;
		}
		if (column > HELP_COLUMN && buf_add_str(out, " ", e) < 0)
			return -1;
		if (buf_add(out, text, len, e) < 0)
			return -1;
		column += len + (column > HELP_COLUMN);
		text += len + strspn(text + len, " ");
	}
	return buf_add_str(out, "\n", e);
}

/* Two columns: what to write, and what it does. */
static int put_row(struct buf *out, const char *left, const char *right, struct err *e)
{
	int pad =
	    strlen(left) + 3 <= HELP_COLUMN ? (int)(HELP_COLUMN - 2 - strlen(left)) : 0;

	if (buf_printf(out, e, "  %s%*s", left, pad, "") < 0)
		return -1;
	if (pad == 0 && buf_printf(out, e, "\n%*s", HELP_COLUMN, "") < 0)
		return -1;
	return put_wrapped(out, right, HELP_COLUMN, e);
}

static int describe(const struct option *o, struct buf *ret, struct err *e)
{
	if (buf_add_str(ret, o->help, e) < 0)
		return -1;
	if (o->type == OPT_LIST && buf_add_str(ret, " (may be repeated)", e) < 0)
		return -1;
	if (o->fallback == NULL)
		return 0;
	return buf_printf(ret, e, " [%s]", o->fallback);
}

/* Another name for a variable that an earlier row of the table has. */
static bool is_second_name(const struct option *table, const struct option *o)
{
	while (table != o && table->offset != o->offset)
		table++;
	return table != o;
}

/* How the file calls what row o sets: o itself or a later row; NULL if it cannot stand
 * there. */
static const struct option *name_in_file(const struct option *o)
{
	for (const struct option *row = o; row->name != NULL; row++) {
		if (row->offset == o->offset && row->section != NULL)
			return row;
	}
	return NULL;
}

static int put_option(struct buf *out, const struct option *o, struct err *e)
{
	AUTO(buf) struct buf left = BUF_INIT(256);
	AUTO(buf) struct buf right = BUF_INIT(1024);
	char name[OPTION_NAME_MAX];
	const char *value = value_name(o);

	if (o->help == NULL)
		return 0;
	if (option_long_name(o, name, e) < 0 ||
	    buf_printf(&left, e, "--%s%s%s", name, value != NULL ? " " : "",
		       value != NULL ? value : "") < 0 ||
	    describe(o, &right, e) < 0)
		return -1;
	return put_row(out, buf_str(&left), buf_str(&right), e);
}

static int put_table(struct buf *out, const char *title, const struct option *table,
		     struct err *e)
{
	if (table == NULL || table->name == NULL)
		return 0;
	if (buf_printf(out, e, "\n%s\n", title) < 0)
		return -1;
	for (const struct option *o = table; o->name != NULL; o++) {
		if (!is_second_name(table, o) && put_option(out, o, e) < 0)
			return -1;
	}
	return 0;
}

static int put_commands(struct buf *out, const struct program *p, struct err *e)
{
	if (!program_has_commands(p))
		return 0;
	if (buf_add_str(out, "\nCommands\n", e) < 0)
		return -1;
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		AUTO(buf) struct buf left = BUF_INIT(256);

		if (buf_printf(&left, e, "%s%s%s", c->name,
			       c->operands[0] != '\0' ? " " : "", c->operands) < 0 ||
		    put_row(out, buf_str(&left), c->help, e) < 0)
			return -1;
	}
	return 0;
}

static int put_usage(struct buf *out, const struct program *p, const struct command *c,
		     struct err *e)
{
	const char *name = c != NULL ? c->name : "COMMAND";
	const char *operands = c != NULL ? c->operands : "[ARGUMENTS]";

	return buf_printf(out, e, "Usage: %s%s%s [OPTIONS]%s%s\n\n%s.\n", p->name,
			  name[0] != '\0' ? " " : "", name,
			  operands[0] != '\0' ? " " : "", operands,
			  c != NULL && c->name[0] != '\0' ? c->help : p->summary);
}

int option_help(const struct program *p, const struct command *command, struct buf *ret,
		struct err *e)
{
	if (put_usage(ret, p, command, e) < 0)
		return -1;
	if (command == NULL && put_commands(ret, p, e) < 0)
		return -1;
	if (command != NULL && put_table(ret, "Options", command->options, e) < 0)
		return -1;
	if (put_table(ret,
		      command != NULL && command->options != NULL
			  ? "Options of all commands"
			  : "Options",
		      p->options, e) < 0)
		return -1;
	return put_table(ret, "Always", option_builtin_table, e);
}

/* The man page (man-pages(7), roff with the man macros). */

static int put_roff(struct buf *out, const char *text, struct err *e)
{
	bool line_start = true;

	for (; *text != '\0'; text++) {
		const char *escaped = *text == '\\'  ? "\\e"
				      : *text == '-' ? "\\-"
						     : NULL;

		if (line_start && (*text == '.' || *text == '\'') &&
		    buf_add_str(out, "\\&", e) < 0)
			return -1;
		if (escaped != NULL ? buf_add_str(out, escaped, e) < 0
				    : buf_add(out, text, 1, e) < 0)
			return -1;
		line_start = *text == '\n';
	}
	return 0;
}

static int put_man_option(struct buf *out, const struct option *o, struct err *e)
{
	const struct option *in_file = name_in_file(o);
	AUTO(buf) struct buf text = BUF_INIT(1024);
	char name[OPTION_NAME_MAX];
	const char *value = value_name(o);

	if (o->help == NULL)
		return 0;
	if (option_long_name(o, name, e) < 0 ||
	    buf_add_str(out, ".TP\n.B \\-\\-", e) < 0 || put_roff(out, name, e) < 0)
		return -1;
	if (value != NULL &&
	    (buf_add_str(out, " \\fI", e) < 0 || put_roff(out, value, e) < 0 ||
	     buf_add_str(out, "\\fR", e) < 0))
		return -1;
	if (describe(o, &text, e) < 0 || buf_add_str(out, "\n", e) < 0 ||
	    put_roff(out, buf_str(&text), e) < 0)
		return -1;
	if (in_file != NULL &&
	    (buf_printf(out, e, ".\nIn the configuration file: [%s] ",
			in_file->section) < 0 ||
	     put_roff(out, in_file->name, e) < 0))
		return -1;
	return buf_add_str(out, ".\n", e);
}

static int put_man_table(struct buf *out, const struct option *table, struct err *e)
{
	for (const struct option *o = table; o != NULL && o->name != NULL; o++) {
		if (!is_second_name(table, o) && put_man_option(out, o, e) < 0)
			return -1;
	}
	return 0;
}

static int put_man_command(struct buf *out, const struct program *p,
			   const struct command *c, struct err *e)
{
	if (buf_printf(out, e, ".SS \"%s%s%s %s\"\n", p->name,
		       c->name[0] != '\0' ? " " : "", c->name, c->operands) < 0 ||
	    put_roff(out, c->help, e) < 0 || buf_add_str(out, ".\n", e) < 0)
		return -1;
	return put_man_table(out, c->options, e);
}

static int put_exit_codes(struct buf *out, struct err *e)
{
	return buf_add_str(
	    out,
	    ".SH EXIT STATUS\n"
	    ".TP\n.B 0\ndone\n"
	    ".TP\n.B 1\nfailed\n"
	    ".TP\n.B 2\nthe command line or the configuration is wrong\n"
	    ".TP\n.B 3\nrefused: what was given does not pass verification\n"
	    ".TP\n.B 4\nthe other side cannot be reached\n",
	    e);
}

static int put_man_head(struct buf *out, const struct program *p, struct err *e)
{
	if (buf_add_str(out, ".TH \"", e) < 0)
		return -1;
	for (const char *c = p->name; *c != '\0'; c++) {
		if (buf_printf(out, e, "%c", toupper((unsigned char)*c)) < 0)
			return -1;
	}
	if (buf_printf(out, e, "\" 1 \"\" \"%s %s\"\n.SH NAME\n", p->name,
		       OTA_VERSION) < 0 ||
	    put_roff(out, p->name, e) < 0 || buf_add_str(out, " \\- ", e) < 0 ||
	    put_roff(out, p->summary, e) < 0)
		return -1;
	return buf_printf(out, e, "\n.SH SYNOPSIS\n.B %s\n%s[OPTIONS] [ARGUMENTS]\n",
			  p->name, program_has_commands(p) ? "COMMAND " : "");
}

int option_man(const struct program *p, struct buf *ret, struct err *e)
{
	if (put_man_head(ret, p, e) < 0 ||
	    buf_add_str(ret, ".SH DESCRIPTION\n", e) < 0 ||
	    put_roff(ret, p->description != NULL ? p->description : p->summary, e) <
		0 ||
	    buf_printf(ret, e, "\n.SH %s\n",
		       program_has_commands(p) ? "COMMANDS" : "USAGE") < 0)
		return -1;
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		if (put_man_command(ret, p, c, e) < 0)
			return -1;
	}
	if (buf_add_str(ret, ".SH OPTIONS\n", e) < 0 ||
	    put_man_table(ret, p->options, e) < 0 ||
	    put_man_table(ret, option_builtin_table, e) < 0)
		return -1;
	return put_exit_codes(ret, e);
}
