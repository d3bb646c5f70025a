/* SPDX-License-Identifier: Apache-2.0 */
#include "sql_make.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16

void sql_make_init(struct sql_make *m)
{
	*m = (struct sql_make){.text = BUF_INIT(SQL_TEXT_MAX_LEN), .err = ERR_INIT};
}

void sql_make_fini(struct sql_make *m)
{
	for (size_t i = 0; i < m->n_args; i++) {
		if (m->args[i].kind == KIND_TEXT)
			free((void *)(uintptr_t)m->args[i].data);
	}
	free(m->args);
	buf_fini(&m->text);
	sql_make_init(m);
}

void sql_make_fail(struct sql_make *m, const struct err *why)
{
	if (m->err.code == ERR_NONE)
		m->err = *why;
}

void sql_make_add(struct sql_make *m, const char *sql)
{
	struct err e = ERR_INIT;

	if (m->err.code == ERR_NONE && buf_add_str(&m->text, sql, &e) < 0)
		sql_make_fail(m, &e);
}

static int has_room(struct sql_make *m, struct err *e)
{
	size_t more = m->room == 0 ? FIRST_ROOM : 2 * m->room;
	struct arg *p;

	if (m->n_args < m->room)
		return 0;
	if (m->n_args >= SQL_MAKE_MAX_ARGS)
		return err_set(e, ERR_LIMIT, "more than %u values", SQL_MAKE_MAX_ARGS);
	p = reallocarray(m->args, more, sizeof(*p));
	if (p == NULL)
		return err_nomem(e);
	m->args = p;
	m->room = more;
	return 0;
}

static void add_arg(struct sql_make *m, struct arg value)
{
	struct err e = ERR_INIT;

	if (m->err.code == ERR_NONE &&
	    (has_room(m, &e) < 0 ||
	     buf_printf(&m->text, &e, "?%zu", m->n_args + 1) < 0))
		sql_make_fail(m, &e);
	if (m->err.code == ERR_NONE)
		m->args[m->n_args++] = value;
	else if (value.kind == KIND_TEXT)
		free((void *)(uintptr_t)value.data);
}

void sql_make_text(struct sql_make *m, const char *value)
{
	char *copy = strdup(value);
	struct err e = ERR_INIT;

	if (copy == NULL) {
		(void)err_nomem(&e);
		sql_make_fail(m, &e);
	} else {
		add_arg(m, ARG_T(copy));
	}
}

void sql_make_int(struct sql_make *m, int64_t value)
{
	add_arg(m, ARG_I(value));
}

int sql_make_open(struct sql_make *m, struct conn *db, struct query *ret, struct err *e)
{
	if (m->err.code != ERR_NONE) {
		*e = m->err;
		return -1;
	}
	return query_open_text(db, buf_str(&m->text), ret, e, m->args, m->n_args);
}

int sql_make_run(struct sql_make *m, struct conn *db, struct err *e)
{
	if (m->err.code != ERR_NONE) {
		*e = m->err;
		return -1;
	}
	return query_run_text(db, buf_str(&m->text), e, m->args, m->n_args);
}
