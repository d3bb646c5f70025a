/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line is read twice. First every word is recognised, with no value looked
 * at: that tells the command, whether help is wanted and which configuration file. Then
 * values are set from the least source to the highest: defaults, file, command line.
 */
#include "option_impl.h"

#include "file.h"
#include "text.h"

#include <signal.h>
#include <string.h>

const struct option option_builtin_table[] = {
    {NULL, "help", OPT_FLAG, offsetof(struct option_builtin, help), NULL, NULL,
     "Show this help"},
    {NULL, "version", OPT_FLAG, offsetof(struct option_builtin, version), NULL, NULL,
     "Show the version"},
    {NULL, "config", OPT_PATH, offsetof(struct option_builtin, config), NULL, "FILE",
     "Read this configuration file"},
    {"log", "level", OPT_TEXT, offsetof(struct option_builtin, log_level), "info",
     "LEVEL", "Say what is at least so important: debug, info, warn or error"},
    {"log", "form", OPT_TEXT, offsetof(struct option_builtin, log_form), "text", "FORM",
     "Write the log as text or as json, a line an event"},
    {NULL, "print-man", OPT_FLAG, offsetof(struct option_builtin, print_man), NULL,
     NULL, NULL},
    {NULL, "print-completion", OPT_FLAG,
     offsetof(struct option_builtin, print_completion), NULL, NULL, NULL},
    {NULL, "print-config", OPT_FLAG, offsetof(struct option_builtin, print_config),
     NULL, NULL, NULL},
    OPTION_END,
};

/* An option on the command line, its value not looked at yet. */
struct given {
	const struct option *option;
	void *base;
	const char *value;
};

struct command_line {
	const struct program *program;
	const struct command *command; /* NULL until its words have come */
	char words[OPTION_NAME_MAX];   /* of the command, so far */
	struct option_builtin builtin;
	struct given *given;
	size_t n_given;
	char **operands;
	int n_operands;
	struct option_state state;
};

static void command_line_fini(struct command_line *l)
{
	option_state_fini(&l->state);
	free(l->given);
	free(l->operands);
}

/* The command's words. */

static bool begins_with(const char *name, const char *words)
{
	size_t len = strlen(words);

	return strncmp(name, words, len) == 0 && name[len] == ' ';
}

/* As many words of a name as were typed, so that a typing error in the first is seen.
 */
static void offer_beginning(struct guess *g, const char *name, const char *typed)
{
	char beginning[OPTION_NAME_MAX];
	size_t len = 0;

	do {
		len += strcspn(name + len, " ");
		typed = strchr(typed, ' ');
	} while (typed++ != NULL && name[len++] != '\0');
	(void)snprintf(beginning, sizeof(beginning), "%.*s", (int)len, name);
	guess_offer(g, beginning);
}

static int unknown_command(const struct command_line *l, struct err *e)
{
	struct guess g = {.wanted = l->words};
	char hint[OPTION_NAME_MAX + 24];

	for (const struct command *c = l->program->commands; c->name != NULL; c++)
		offer_beginning(&g, c->name, l->words);
	return err_set(e, ERR_USAGE, "there is no command \"%s\"%s", l->words,
		       guess_text(&g, hint, ""));
}

static int take_word(struct command_line *l, const char *word, struct err *e)
{
	size_t len = strlen(l->words);
	bool beginning = false;

	if (text_format(l->words + len, sizeof(l->words) - len, NULL, "%s%s",
			len > 0 ? " " : "", word) < 0)
		return err_set(e, ERR_USAGE, "there is no command \"%.40s...\"", word);
	for (const struct command *c = l->program->commands; c->name != NULL; c++) {
		if (strcmp(c->name, l->words) == 0) {
			l->command = c;
			return 0;
		}
		beginning = beginning || begins_with(c->name, l->words);
	}
	return beginning ? 0 : unknown_command(l, e);
}

/* What would go on from here: "init, show". */
static int missing_command(const struct command_line *l, struct err *e)
{
	AUTO(buf) struct buf next = BUF_INIT(200);
	const char *before = "";
	size_t len = strlen(l->words);

	if (len == 0)
		return err_set(e, ERR_USAGE, "a command is missing");
	for (const struct command *c = l->program->commands; c->name != NULL; c++) {
		if (!begins_with(c->name, l->words))
			continue;
		if (buf_printf(&next, NULL, "%s%s", before, c->name + len + 1) < 0)
			break;
		before = ", ";
	}
	return err_set(e, ERR_USAGE, "%s what? One of: %s", l->words, buf_str(&next));
}

/* Options. */

struct table {
	const struct option *options;
	void *base;
};

#define N_TABLES 3

/* In this order an option is looked for: a command may have a --version of its own. */
static void tables_of(struct command_line *l, struct table ret[N_TABLES])
{
	ret[0] = (struct table){l->command != NULL ? l->command->options : NULL,
				l->program->values};
	ret[1] = (struct table){l->program->options, l->program->values};
	ret[2] = (struct table){option_builtin_table, &l->builtin};
}

static int unknown_option(struct command_line *l, const char *name, size_t len,
			  struct err *e)
{
	struct table tables[N_TABLES];
	char wanted[OPTION_NAME_MAX];
	struct guess g = {.wanted = wanted};
	char hint[OPTION_NAME_MAX + 24];
	char long_name[OPTION_NAME_MAX];

	(void)snprintf(wanted, sizeof(wanted), "%.*s", len < 60 ? (int)len : 60, name);
	tables_of(l, tables);
	for (size_t i = 0; i < N_TABLES; i++) {
		for (const struct option *o = tables[i].options;
		     o != NULL && o->name != NULL; o++) {
			if (o->help != NULL &&
			    option_long_name(o, long_name, NULL) == 0)
				guess_offer(&g, long_name);
		}
	}
	return err_set(e, ERR_USAGE, "unknown option --%s%s", wanted,
		       guess_text(&g, hint, "--"));
}

static int find_option(struct command_line *l, const char *name, size_t len,
		       struct given *ret, struct err *e)
{
	struct table tables[N_TABLES];

	tables_of(l, tables);
	for (size_t i = 0; i < N_TABLES; i++) {
		for (const struct option *o = tables[i].options;
		     o != NULL && o->name != NULL; o++) {
			if (!option_is_named(o, name, len))
				continue;
			*ret = (struct given){.option = o, .base = tables[i].base};
			return 0;
		}
	}
	return unknown_option(l, name, len, e);
}

/* arg begins with two dashes; *i moves on if the value is the next word. */
static int take_option(struct command_line *l, int argc, char **argv, int *i,
		       struct err *e)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	struct given g;

	if (find_option(l, name, len, &g, e) < 0)
		return -1;
	if (name[len] == '=')
		g.value = name + len + 1;
	else if (g.option->type == OPT_FLAG)
		g.value = "yes";
	else if (*i + 1 < argc)
		g.value = argv[++*i];
	else
		return err_set(e, ERR_USAGE, "--%s needs a value", name);
	l->given[l->n_given++] = g;
	return 0;
}

static int take_argument(struct command_line *l, int argc, char **argv, int *i,
			 bool *options_over, struct err *e)
{
	char *arg = argv[*i];

	if (!*options_over && strcmp(arg, "--") == 0) {
		*options_over = true;
		return 0;
	}
	if (!*options_over && strcmp(arg, "-h") == 0) {
		l->builtin.help = true;
		return 0;
	}
	if (!*options_over && strncmp(arg, "--", 2) == 0)
		return take_option(l, argc, argv, i, e);
	if (!*options_over && arg[0] == '-' && arg[1] != '\0')
		return err_set(e, ERR_USAGE, "unknown option %s: options begin with --",
			       arg);
	if (l->command == NULL)
		return take_word(l, arg, e);
	l->operands[l->n_operands++] = arg;
	return 0;
}

static int recognise(struct command_line *l, int argc, char **argv, struct err *e)
{
	bool options_over = false;

	l->given = calloc((size_t)argc + 1, sizeof(*l->given));
	l->operands = calloc((size_t)argc + 1, sizeof(*l->operands));
	if (l->given == NULL || l->operands == NULL)
		return err_nomem(e);
	if (!program_has_commands(l->program))
		l->command = l->program->commands;
	for (int i = 1; i < argc; i++) {
		if (take_argument(l, argc, argv, &i, &options_over, e) < 0)
			return -1;
	}
	return 0;
}

/* Values. */

static int set_given(struct command_line *l, struct err *e)
{
	char name[OPTION_NAME_MAX];

	for (size_t i = 0; i < l->n_given; i++) {
		const struct given *g = &l->given[i];

		if (option_set(&l->state, g->option, g->base, g->value,
			       SOURCE_COMMAND_LINE, e) == 0)
			continue;
		if (option_long_name(g->option, name, NULL) < 0)
			return -1;
		return err_wrap(e, "--%s", name);
	}
	return 0;
}

static int set_fallbacks(struct command_line *l, struct err *e)
{
	struct table tables[N_TABLES];

	tables_of(l, tables);
	for (size_t i = 0; i < N_TABLES; i++) {
		if (option_set_fallbacks(&l->state, tables[i].options, tables[i].base,
					 e) < 0)
			return -1;
	}
	return 0;
}

/* The program's usual place, if there is a file. */
static const char *usual_config(struct command_line *l, struct err *e)
{
	const char *name = l->program->config_file;
	const char *home = getenv("HOME");
	AUTO(buf) struct buf path = BUF_INIT(4096);

	if (name == NULL)
		return NULL;
	if (strncmp(name, "~/", 2) == 0) {
		if (home == NULL || buf_printf(&path, e, "%s/%s", home, name + 2) < 0)
			return NULL;
		name = option_keep(&l->state, buf_str(&path), e);
	}
	return name != NULL && file_exists(name) ? name : NULL;
}

static const char *config_of(struct command_line *l, struct err *e)
{
	for (size_t i = 0; i < l->n_given; i++) {
		if (l->given[i].base == &l->builtin &&
		    strcmp(l->given[i].option->name, "config") == 0)
			return l->given[i].value;
	}
	return usual_config(l, e);
}

static int set_values(struct command_line *l, struct err *e)
{
	const char *config = config_of(l, e);

	if (set_fallbacks(l, e) < 0)
		return -1;
	if (l->program->ret_config != NULL)
		*l->program->ret_config = config;
	if (config != NULL &&
	    option_read_file(&l->state, l->program, &l->builtin, config, e) < 0)
		return -1;
	return set_given(l, e);
}

/* Running. */

typedef int text_maker(const struct program *p, struct buf *ret, struct err *e);

static int print_text(const struct buf *text, struct err *e)
{
	if (fd_write_full(STDOUT_FILENO, text->data, text->len, e) < 0)
		return err_wrap(e, "standard output");
	return 0;
}

static int print_help(const struct command_line *l, struct buf *text, struct err *e)
{
	if (option_help(l->program, l->command, text, e) < 0)
		return -1;
	return print_text(text, e);
}

static int print_version(const struct program *p, struct buf *ret, struct err *e)
{
	return buf_printf(ret, e, "%s %s\n", p->name, OTA_VERSION);
}

static bool flag_given(const struct command_line *l, const char *name)
{
	for (size_t i = 0; i < l->n_given; i++) {
		if (l->given[i].base == &l->builtin &&
		    strcmp(l->given[i].option->name, name) == 0)
			return true;
	}
	return false;
}

/* 1 if there was something to print instead of something to do, -1 on failure. */
static int print_instead(const struct command_line *l, struct err *e)
{
	static const struct {
		const char *flag;
		text_maker *make;
	} rows[] = {
	    {"version", print_version},
	    {"print-man", option_man},
	    {"print-completion", option_completion},
	    {"print-config", option_config_reference},
	};
	AUTO(buf) struct buf text = BUF_INIT(1u << 20);

	if (l->builtin.help || flag_given(l, "help"))
		return print_help(l, &text, e) < 0 ? -1 : 1;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (!flag_given(l, rows[i].flag))
			continue;
		if (rows[i].make(l->program, &text, e) < 0 || print_text(&text, e) < 0)
			return -1;
		return 1;
	}
	return 0;
}

static int check_operands(const struct command_line *l, struct err *e)
{
	const struct command *c = l->command;

	if ((unsigned)l->n_operands < c->min_operands)
		return err_set(e, ERR_USAGE, "%s%sneeds %s", c->name,
			       c->name[0] != '\0' ? " " : "", c->operands);
	if ((unsigned)l->n_operands > c->max_operands)
		return err_set(e, ERR_USAGE, "\"%s\" is one argument too many",
			       l->operands[c->max_operands]);
	return 0;
}

static int run_command(struct command_line *l, struct err *e)
{
	struct log log = {.fd = STDERR_FILENO};

	if (l->command == NULL)
		return missing_command(l, e);
	if (check_operands(l, e) < 0 || set_values(l, e) < 0 ||
	    log_level_parse(l->builtin.log_level, &log.level, e) < 0 ||
	    log_form_parse(l->builtin.log_form, &log.form, e) < 0) {
		if (e->code == ERR_FORMAT)
			e->code = ERR_USAGE;
		return -1;
	}
	if (l->command->run(l->program->values, l->n_operands, l->operands, &log, e) <
	    0)
		return -1;
	if (fflush(stdout) != 0)
		return err_sys(e, "standard output");
	return 0;
}

static void say_failure(const struct command_line *l, const struct err *e)
{
	const char *space = l->words[0] != '\0' && l->command != NULL ? " " : "";
	const char *words = l->command != NULL ? l->words : "";

	(void)fprintf(stderr, "%s: %s\n", l->program->name, e->text);
	if (e->code == ERR_USAGE)
		(void)fprintf(stderr, "Try \"%s%s%s --help\".\n", l->program->name,
			      space, words);
}

int program_main(const struct program *p, int argc, char **argv)
{
	AUTO(command_line) struct command_line l = {.program = p};
	struct err e = ERR_INIT;
	int result;

	/* What may not grow any more is an error that is told, not the end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	result = recognise(&l, argc, argv, &e);
	if (result == 0)
		result = print_instead(&l, &e);
	if (result == 0)
		result = run_command(&l, &e);
	if (result >= 0)
		return EXIT_DONE;
	(void)fflush(stdout);
	say_failure(&l, &e);
	return (int)err_exit(&e);
}
