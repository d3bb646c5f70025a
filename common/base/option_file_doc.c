/* SPDX-License-Identifier: Apache-2.0 */
/* Files made of a table of options: shell completion and the configuration reference.
 */
#include "option_impl.h"

#include <string.h>

/* The table's options as words: "--a --b ". */
static int put_words(struct buf *out, const struct option *table, struct err *e)
{
	char name[OPTION_NAME_MAX];

	for (const struct option *o = table; o != NULL && o->name != NULL; o++) {
		if (o->help == NULL)
			continue;
		if (option_long_name(o, name, e) < 0 ||
		    buf_printf(out, e, "--%s ", name) < 0)
			return -1;
	}
	return 0;
}

/* A shell function's name has no dashes. */
static int put_function_name(struct buf *out, const struct program *p, struct err *e)
{
	if (buf_add_str(out, "_", e) < 0)
		return -1;
	for (const char *c = p->name; *c != '\0'; c++) {
		if (buf_printf(out, e, "%c", *c == '-' ? '_' : *c) < 0)
			return -1;
	}
	return 0;
}

/* Completes the word after these words: each command offers its next word to whoever
 * has typed those before. */
static int put_command_case(struct buf *out, const struct program *p,
			    const struct command *c, struct err *e)
{
	if (buf_printf(out, e, "\t\"%s\"*) words=\"", c->name) < 0 ||
	    put_words(out, c->options, e) < 0 || put_words(out, p->options, e) < 0)
		return -1;
	return buf_printf(out, e, "$common\" ;;\n");
}

static bool is_first_of_noun(const struct program *p, const struct command *c)
{
	size_t len = strcspn(c->name, " ");

	for (const struct command *b = p->commands; b != c; b++) {
		if (strncmp(b->name, c->name, len) == 0 && b->name[len] == ' ')
			return false;
	}
	return true;
}

/* For "keys" the verbs "init show ". */
static int put_verbs(struct buf *out, const struct program *p,
		     const struct command *noun, struct err *e)
{
	size_t len = strcspn(noun->name, " ");

	if (noun->name[len] == '\0' || !is_first_of_noun(p, noun))
		return 0;
	if (buf_printf(out, e, "\t\"%.*s \") words=\"", (int)len, noun->name) < 0)
		return -1;
	for (const struct command *c = noun; c->name != NULL; c++) {
		if (strncmp(c->name, noun->name, len + 1) == 0 &&
		    buf_printf(out, e, "%s ", c->name + len + 1) < 0)
			return -1;
	}
	return buf_add_str(out, "\" ;;\n", e);
}

static int put_nouns(struct buf *out, const struct program *p, struct err *e)
{
	if (buf_add_str(out, "\t\"\") words=\"", e) < 0)
		return -1;
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		if (is_first_of_noun(p, c) &&
		    buf_printf(out, e, "%.*s ", (int)strcspn(c->name, " "), c->name) <
			0)
			return -1;
	}
	return buf_add_str(out, "$common\" ;;\n", e);
}

static int put_cases(struct buf *out, const struct program *p, struct err *e)
{
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		if (put_verbs(out, p, c, e) < 0)
			return -1;
	}
	if (program_has_commands(p) && put_nouns(out, p, e) < 0)
		return -1;
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		if (put_command_case(out, p, c, e) < 0)
			return -1;
	}
	return 0;
}

int option_completion(const struct program *p, struct buf *ret, struct err *e)
{
	if (buf_printf(ret, e, "# bash completion for %s\n", p->name) < 0 ||
	    put_function_name(ret, p, e) < 0 ||
	    buf_add_str(
		ret,
		"()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} before= words= common= i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\t[[ ${COMP_WORDS[i]} == -* ]] || before+=\"${COMP_WORDS[i]} \"\n"
		"\tdone\n"
		"\tcommon=\"",
		e) < 0 ||
	    put_words(ret, option_builtin_table, e) < 0 ||
	    buf_add_str(ret, "\"\n\tcase $before in\n", e) < 0 ||
	    put_cases(ret, p, e) < 0 ||
	    buf_add_str(
		ret,
		"\tesac\n"
		"\tif [[ $cur == -* || $before != *' '*' '* ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		"\tfi\n"
		"}\ncomplete -o default -F ",
		e) < 0 ||
	    put_function_name(ret, p, e) < 0)
		return -1;
	return buf_printf(ret, e, " %s\n", p->name);
}

/* The configuration reference is a file that works: every key, its meaning, its
 * default. */

static int put_key(struct buf *out, const struct option *o, struct err *e)
{
	static const char *const forms[] = {
	    [OPT_FLAG] = "yes or no",
	    [OPT_BOOL] = "yes or no",
	    [OPT_U64] = "a number",
	    [OPT_SIZE] = "a size like 64KiB or 10MiB",
	    [OPT_DURATION] = "a duration like 30s, 5m or 90d",
	    [OPT_TEXT] = "text",
	    [OPT_PATH] = "a path, relative to this file's directory",
	    [OPT_LIST] = "text; several lines make a list",
	};

	return buf_printf(out, e, "# %s: %s.\n#%s =%s%s\n", o->help, forms[o->type],
			  o->name, o->fallback != NULL ? " " : "",
			  o->fallback != NULL ? o->fallback : "");
}

/* An option's place among all tables: the program's, each command's, the built-in one.
 */
struct place {
	size_t table;
	const struct option *option;
};

static const struct option no_options[] = {OPTION_END};

/* The i-th table; NULL at the end. */
static const struct option *table_at(const struct program *p, size_t i)
{
	const struct option *table = p->options;
	size_t n = 0;

	while (n < i && p->commands[n].name != NULL)
		table = p->commands[n++].options;
	if (n == i)
		return table != NULL ? table : no_options;
	return n + 1 == i ? option_builtin_table : NULL;
}

/* Steps to the next key of the configuration file; false at the end. */
static bool next_key(const struct program *p, struct place *at)
{
	do {
		if (at->option == NULL)
			at->option = table_at(p, at->table);
		else
			at->option++;
		while (at->option != NULL && at->option->name == NULL)
			at->option = table_at(p, ++at->table);
		if (at->option == NULL)
			return false;
	} while (at->option->section == NULL || at->option->help == NULL);
	return true;
}

/* Whether the section, or this very key of it, stood somewhere before. */
static bool seen_before(const struct program *p, const struct place *here, bool key)
{
	struct place at = {0};
	const struct option *o = here->option;

	while (next_key(p, &at) && (at.table != here->table || at.option != o)) {
		if (strcmp(at.option->section, o->section) == 0 &&
		    (!key || strcmp(at.option->name, o->name) == 0))
			return true;
	}
	return false;
}

static int put_section(struct buf *out, const struct program *p, const char *section,
		       struct err *e)
{
	struct place at = {0};

	if (buf_printf(out, e, "\n[%s]\n", section) < 0)
		return -1;
	while (next_key(p, &at)) {
		if (strcmp(at.option->section, section) != 0 ||
		    seen_before(p, &at, true))
			continue;
		if (put_key(out, at.option, e) < 0)
			return -1;
	}
	return 0;
}

int option_config_reference(const struct program *p, struct buf *ret, struct err *e)
{
	struct place at = {0};

	if (buf_printf(
		ret, e,
		"# %s %s: every key of the configuration file with its default.\n",
		p->name, OTA_VERSION) < 0)
		return -1;
	while (next_key(p, &at)) {
		if (!seen_before(p, &at, false) &&
		    put_section(ret, p, at.option->section, e) < 0)
			return -1;
	}
	return 0;
}
