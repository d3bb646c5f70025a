/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of option*.c share; nobody else includes this. */
#ifndef OTA_BASE_OPTION_IMPL_H
#define OTA_BASE_OPTION_IMPL_H

#include "option.h"

#include "buf.h"

#define OPTION_NAME_MAX 64

/* Where a value came from; a later one outranks an earlier one. */
enum option_source { SOURCE_NONE, SOURCE_FALLBACK, SOURCE_FILE, SOURCE_COMMAND_LINE };

/* A variable that has been set, and by whom. */
struct option_origin {
	void *variable;
	enum option_source source;
	bool is_list;
};

/* What reading options allocates; all of it goes in option_state_fini(). */
struct option_state {
	struct option_origin *origins;
	size_t n_origins;
	char **texts;
	size_t n_texts;
};

void option_state_fini(struct option_state *s);

/* "section-name" or "name": what stands behind the two dashes. */
int option_long_name(const struct option *o, char ret[OPTION_NAME_MAX],
		     struct err *e) MUST_USE;
bool option_is_named(const struct option *o, const char *long_name, size_t len);

/* Sets the variable at base + o->offset from text, which must outlive the state.
 * ERR_USAGE if it is no value of the option's type or was given before by the same
 * source. */
int option_set(struct option_state *s, const struct option *o, void *base,
	       const char *text, enum option_source source, struct err *e) MUST_USE;
/* Every fallback of a table. */
int option_set_fallbacks(struct option_state *s, const struct option *table, void *base,
			 struct err *e) MUST_USE;
/* A copy that lives as long as the state. NULL: out of memory. */
const char *option_keep(struct option_state *s, const char *text,
			struct err *e) MUST_USE;

/* The options every program has. */
struct option_builtin {
	bool help;
	bool version;
	bool print_man;
	bool print_completion;
	bool print_config;
	const char *config;
	const char *log_level;
	const char *log_form;
};
extern const struct option option_builtin_table[];

/* Reads an INI file into builtin and p->values; ERR_CONFIG names file and line. */
int option_read_file(struct option_state *s, const struct program *p,
		     struct option_builtin *builtin, const char *path,
		     struct err *e) MUST_USE;

/* Text for people, made of the table. command NULL: the whole program. */
int option_help(const struct program *p, const struct command *command, struct buf *ret,
		struct err *e) MUST_USE;
int option_man(const struct program *p, struct buf *ret, struct err *e) MUST_USE;
int option_completion(const struct program *p, struct buf *ret, struct err *e) MUST_USE;
int option_config_reference(const struct program *p, struct buf *ret,
			    struct err *e) MUST_USE;

/* Looks for what somebody may have meant. Offer each candidate, then ask. */
struct guess {
	const char *wanted;
	char best[OPTION_NAME_MAX];
	size_t distance;
};
void guess_offer(struct guess *g, const char *candidate);
/* "; did you mean \"x\"?" or "". Points into g. */
const char *guess_text(struct guess *g, char ret[OPTION_NAME_MAX + 24],
		       const char *dashes);

static inline bool program_has_commands(const struct program *p)
{
	return p->commands[0].name[0] != '\0';
}

#endif
