/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of options for everything.
 *
 * A program describes itself once: its commands, and for each the options with
 * type, default and one sentence of help. From that table come --help, --version,
 * the man page, shell completion, the configuration reference, the INI reader
 * and the command line. They cannot disagree.
 *
 * A value comes from, in rising order: the table's default, the INI file (--config
 * FILE), the command line. INI key `listen` in section [http] is the option
 * --http-listen. In the file a list is its key on several lines; a list on the command
 * line replaces the file's. An unknown section, key or option, a value of the wrong
 * type and a value given twice are ERR_USAGE/ERR_CONFIG and name the line number.
 *
 * Two rows of a table that set the same variable are two names of one option: the first
 * is the one for the command line, the other (with a section) the one for the file.
 *
 * Every program understands, besides its own: --help, --version, --config FILE,
 * --log-level, --log-form, and the hidden --print-man, --print-completion and
 * --print-config that the build uses.
 */
#ifndef OTA_BASE_OPTION_H
#define OTA_BASE_OPTION_H

#include "err.h"
#include "log.h"

#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPT_FLAG,     /* bool *; no value on the command line */
	OPT_BOOL,     /* bool * */
	OPT_U64,      /* uint64_t * */
	OPT_SIZE,     /* uint64_t *, bytes; "10MiB" */
	OPT_DURATION, /* uint64_t *, ms; "5m" */
	OPT_TEXT,     /* const char **; points into the struct options */
	OPT_PATH,     /* as OPT_TEXT; relative paths in an INI file are relative to that
			 file */
	OPT_LIST,     /* struct option_list *; may be given several times */
};

struct option_list {
	const char **items; /* owned by the struct options */
	size_t n_items;
};

struct option {
	const char *section; /* INI section, or NULL: command line only */
	/* "listen"; with a section the long option is --section-name */
	const char *name;
	enum option_type type;
	size_t offset;		/* of the variable in the caller's struct */
	const char *fallback;	/* default as text, or NULL: none (zero, NULL) */
	const char *value_name; /* "FILE" in the help, NULL for flags */
	const char *help; /* one sentence, no full stop; NULL: works but is not shown */
};

#define OPTION_END                                                                     \
	{                                                                              \
		.name = NULL                                                           \
	}

struct command {
	const char *name;     /* "release sign"; "" for a program without commands */
	const char *operands; /* "BUNDLE [OUT]" for the usage line, "" for none */
	unsigned min_operands;
	unsigned max_operands;
	const struct option *options; /* of this command, besides the program's */
	const char *help;	      /* one sentence */
	int (*run)(void *values, int n_operands, char **operands, const struct log *log,
		   struct err *e);
};

struct program {
	const char *name;		/* also names the man page */
	const char *summary;		/* one sentence */
	const char *description;	/* a paragraph for the man page */
	const struct option *options;	/* common to all commands */
	const struct command *commands; /* ends with name == NULL */
	void *values; /* the struct the offsets point into, zeroed by the caller */
	/* read without --config if it exists; "~/": $HOME; or NULL */
	const char *config_file;
	const char **ret_config; /* left there before a command runs: the name of the
				    file that was read, or NULL; or NULL */
};

/*
 * The whole main(): parses, prints what is asked for, runs the command, prints its
 * error as "PROGRAM: text" on stderr. Returns the process's exit status (enum
 * exit_code). What the values point to lives until then. No command's name may be the
 * beginning of another's ("keys" and "keys init").
 */
int program_main(const struct program *p, int argc, char **argv);

#endif
