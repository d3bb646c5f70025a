/* SPDX-License-Identifier: Apache-2.0 */
/* Setting one variable, and remembering who set it. */
#include "option_impl.h"

#include "text.h"

#include <string.h>

void option_state_fini(struct option_state *s)
{
	for (size_t i = 0; i < s->n_origins; i++) {
		if (s->origins[i].is_list) {
			struct option_list *list = s->origins[i].variable;

			free(list->items);
			*list = (struct option_list){0};
		}
	}
	for (size_t i = 0; i < s->n_texts; i++)
		free(s->texts[i]);
	free(s->origins);
	free(s->texts);
	*s = (struct option_state){0};
}

int option_long_name(const struct option *o, char ret[OPTION_NAME_MAX], struct err *e)
{
	return text_format(ret, OPTION_NAME_MAX, e, "%s%s%s",
			   o->section != NULL ? o->section : "",
			   o->section != NULL ? "-" : "", o->name);
}

bool option_is_named(const struct option *o, const char *long_name, size_t len)
{
	char own[OPTION_NAME_MAX];

	return option_long_name(o, own, NULL) == 0 && strlen(own) == len &&
	       memcmp(own, long_name, len) == 0;
}

const char *option_keep(struct option_state *s, const char *text, struct err *e)
{
	char **grown = realloc(s->texts, (s->n_texts + 1) * sizeof(*grown));
	char *copy = grown != NULL ? strdup(text) : NULL;

	if (grown != NULL)
		s->texts = grown;
	if (copy == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	s->texts[s->n_texts++] = copy;
	return copy;
}

/* The variable's entry, made if need be. NULL: out of memory. */
static struct option_origin *origin_of(struct option_state *s, void *variable)
{
	struct option_origin *grown;

	for (size_t i = 0; i < s->n_origins; i++) {
		if (s->origins[i].variable == variable)
			return &s->origins[i];
	}
	grown = realloc(s->origins, (s->n_origins + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	s->origins = grown;
	grown[s->n_origins] = (struct option_origin){.variable = variable};
	return &grown[s->n_origins++];
}

static int append(struct option_list *list, const char *text, struct err *e)
{
	const char **grown = realloc(list->items, (list->n_items + 1) * sizeof(*grown));

	if (grown == NULL)
		return err_nomem(e);
	list->items = grown;
	list->items[list->n_items++] = text;
	return 0;
}

static int store(enum option_type type, void *variable, const char *text, struct err *e)
{
	switch (type) {
	case OPT_FLAG:
	case OPT_BOOL:
		return parse_bool(text, variable, e);
	case OPT_U64:
		return parse_u64(text, variable, e);
	case OPT_SIZE:
		return parse_size(text, variable, e);
	case OPT_DURATION:
		return parse_duration(text, variable, e);
	case OPT_LIST:
		return append(variable, text, e);
	case OPT_TEXT:
	case OPT_PATH:
		*(const char **)variable = text;
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "an option of no type");
}

int option_set(struct option_state *s, const struct option *o, void *base,
	       const char *text, enum option_source source, struct err *e)
{
	void *variable = (char *)base + o->offset;
	struct option_origin *origin = origin_of(s, variable);
	bool first;

	if (origin == NULL)
		return err_nomem(e);
	first = origin->source != source;
	if (!first && o->type != OPT_LIST)
		return err_set(e, ERR_USAGE, "given twice");
	if (first && o->type == OPT_LIST)
		((struct option_list *)variable)->n_items = 0;
	origin->source = source;
	origin->is_list = o->type == OPT_LIST;
	if (store(o->type, variable, text, e) == 0)
		return 0;
	if (e != NULL && e->code == ERR_FORMAT)
		e->code = ERR_USAGE;
	return -1;
}

int option_set_fallbacks(struct option_state *s, const struct option *table, void *base,
			 struct err *e)
{
	for (const struct option *o = table; o != NULL && o->name != NULL; o++) {
		if (o->fallback == NULL)
			continue;
		if (option_set(s, o, base, o->fallback, SOURCE_FALLBACK, e) < 0)
			return err_wrap(e, "default of %s", o->name);
	}
	return 0;
}
