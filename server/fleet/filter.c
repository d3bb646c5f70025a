/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include "../../common/base/text.h"

#include <string.h>

/* ---- what fields there are, and the words of some ---- */

struct field_row {
	const char *name;
	enum filter_kind kind;
	const char *about;
};

static const struct field_row fields[N_FIELDS] = {
#define X(code, name_, kind_, about_)                                                  \
	[FIELD_##code] = {.name = (name_), .kind = (kind_), .about = (about_)},
    FILTER_FIELDS(X)
#undef X
};

/* Names that users of other servers of the device API know. */
static const struct {
	const char *name;
	enum filter_field field;
} aliases[] = {
    {"controllerid", FIELD_ID},
    {"createdat", FIELD_CREATED},
    {"installedds.version", FIELD_VERSION},
    {"ipaddress", FIELD_ADDRESS},
    {"lastcontrollerrequestat", FIELD_LAST_SEEN},
};

const char *filter_field_name(enum filter_field f)
{
	return fields[f].name;
}

const char *filter_field_about(enum filter_field f)
{
	return fields[f].about;
}

enum filter_kind filter_field_kind(enum filter_field f)
{
	return fields[f].kind;
}

static const char *grade_word(int n)
{
	return n < N_GRADES ? grade_name((enum grade)n) : NULL;
}

static const char *state_word(int n)
{
	return n < N_DEVICE_STATES ? device_state_name((enum device_state)n) : NULL;
}

static const char *bool_word(int n)
{
	return n == 0 ? "false" : n == 1 ? "true" : NULL;
}

static const char *deployment_word(int n)
{
	if (n == FILTER_DEPLOYMENT_NONE)
		return "none";
	return n < N_DEPLOYMENT_STATES ? deployment_state_name((enum deployment_state)n)
				       : NULL;
}

/* Of fields of words: from `lowest` on, NULL after the last. */
static const struct {
	const char *(*word)(int n);
	int lowest;
} vocabularies[N_FIELDS] = {
    [FIELD_GRADE] = {grade_word, 0},
    [FIELD_STATE] = {state_word, 0},
    [FIELD_PINNED] = {bool_word, 0},
    [FIELD_DEPLOYMENT_STATE] = {deployment_word, FILTER_DEPLOYMENT_NONE},
};

/* ---- reading characters ---- */

struct reader {
	const char *text;
	size_t at;
	unsigned depth;
	struct filter *f;
	struct err *e;
};

static unsigned column_of(const struct reader *r, size_t at)
{
	unsigned column = 1;

	for (size_t i = 0; i < at; i++)
		column += ((uint8_t)r->text[i] & 0xc0) != 0x80;
	return column;
}

#define COMPLAIN(r, at, ...)                                                           \
	(err_set((r)->e, ERR_FORMAT, __VA_ARGS__),                                     \
	 err_wrap((r)->e, "column %u", column_of(r, at)))

#define TOO_MANY(r, ...)                                                               \
	(err_set((r)->e, ERR_LIMIT, __VA_ARGS__),                                      \
	 err_wrap((r)->e, "column %u", column_of(r, (r)->at)))

static void skip_blanks(struct reader *r)
{
	while (r->text[r->at] == ' ' || r->text[r->at] == '\t')
		r->at++;
}

static bool take(struct reader *r, const char *token)
{
	size_t len = strlen(token);

	if (strncmp(r->text + r->at, token, len) != 0)
		return false;
	r->at += len;
	return true;
}

/* ";" or the word " and ": whether one stands here. */
static bool take_joint(struct reader *r, char sign, const char *word)
{
	size_t from = r->at;

	skip_blanks(r);
	if (r->text[r->at] == sign) {
		r->at++;
		return true;
	}
	if (r->at > from && take(r, word) &&
	    (r->text[r->at] == ' ' || r->text[r->at] == '\t' || r->text[r->at] == '('))
		return true;
	r->at = from;
	return false;
}

/* UTF-8 without control characters; finding it here keeps it out of all that follows.
 */
static int check_characters(struct reader *r)
{
	size_t len = strlen(r->text), n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_len((const uint8_t *)r->text + i, len - i);
		if (n == 0)
			return COMPLAIN(r, i, "this is not UTF-8");
		if (((uint8_t)r->text[i] < 0x20 && r->text[i] != '\t') ||
		    r->text[i] == 0x7f)
			return COMPLAIN(r, i, "a control character");
	}
	return 0;
}

/* ---- what the tree is made of ---- */

static int new_node(struct reader *r, enum filter_node_type type, uint16_t *ret)
{
	struct filter *f = r->f;

	if (f->n_nodes == FILTER_MAX_NODES)
		return TOO_MANY(r, "more than %u tests and groupings",
				FILTER_MAX_NODES);
	*ret = f->n_nodes++;
	f->nodes[*ret] = (struct filter_node){
	    .type = type, .first = FILTER_NONE, .next = FILTER_NONE};
	return 0;
}

static void add_char(struct filter *f, char c)
{
	/* There is room: each character and each end of a text stands for one or more
	 * of what was read. */
	if (f->n_texts < sizeof(f->texts))
		f->texts[f->n_texts++] = c;
}

static int end_text(struct reader *r, size_t from, size_t start)
{
	struct filter *f = r->f;

	if (f->n_texts - start > ATTRIBUTE_MAX_LEN)
		return COMPLAIN(r, from, "longer than %d bytes", ATTRIBUTE_MAX_LEN);
	add_char(f, '\0');
	f->texts[sizeof(f->texts) - 1] = '\0';
	return 0;
}

/* ---- values ---- */

static bool is_bare(char c)
{
	return (uint8_t)c > ' ' && strchr("\"'();,=!<>", c) == NULL;
}

static void add_plain(struct filter *f, struct filter_value *v, char c)
{
	v->wild |= c == '*';
	add_char(f, c == '*' ? FILTER_STAR : c);
}

static int read_quoted(struct reader *r, struct filter_value *v)
{
	size_t from = r->at;
	char quote = r->text[r->at++];

	for (; r->text[r->at] != quote; r->at++) {
		if (r->text[r->at] == '\\') {
			r->at++;
			if (r->text[r->at] != '\0')
				add_char(r->f, r->text[r->at]);
		} else if (r->text[r->at] != '\0') {
			add_plain(r->f, v, r->text[r->at]);
		}
		if (r->text[r->at] == '\0')
			return COMPLAIN(r, from, "the quote does not end");
	}
	r->at++;
	return 0;
}

static int read_bare(struct reader *r, struct filter_value *v)
{
	size_t from = r->at;

	for (; is_bare(r->text[r->at]); r->at++)
		add_plain(r->f, v, r->text[r->at]);
	if (r->at == from)
		return COMPLAIN(r, from, "a value is missing here");
	return 0;
}

static int value_is_word(struct reader *r, size_t from, enum filter_field field,
			 struct filter_value *v)
{
	const char *text = filter_text(r->f, v->text), *word;

	for (int n = vocabularies[field].lowest;
	     (word = vocabularies[field].word(n)) != NULL; n++) {
		if (strcmp(text, word) == 0) {
			v->number = n;
			return 0;
		}
	}
	return COMPLAIN(r, from, "\"%.40s\" is no %s", text, fields[field].name);
}

#define LONGEST_MS (INT64_C(100) * 366 * 86400 * 1000)

/* "-24h", "never", "2026-11-23", "2026-11-23T14:41:07Z" */
static int value_is_time(struct reader *r, size_t from, enum filter_op op,
			 struct filter_value *v)
{
	const char *text = filter_text(r->f, v->text);
	bool never = strcmp(text, "never") == 0;
	char full[TIME_TEXT_LEN + 1];
	uint64_t ms;

	if (never != (op == FILTER_EQ || op == FILTER_NE))
		return COMPLAIN(r, from,
				never ? "never has no order: use == or !="
				      : "a time is compared by =lt= =le= =gt= "
					"=ge=; == takes never");
	if (never)
		return 0;
	if (text[0] == '-' && parse_duration(text + 1, &ms, NULL) == 0) {
		if (ms > (uint64_t)LONGEST_MS)
			return COMPLAIN(r, from, "more than 100 years ago");
		v->relative = true;
		v->number = -(int64_t)ms;
		return 0;
	}
	if (strlen(text) == 10 &&
	    text_format(full, sizeof(full), NULL, "%sT00:00:00Z", text) == 0)
		text = full;
	if (time_parse(text, &v->number, NULL) < 0)
		return COMPLAIN(r, from,
				"\"%.40s\" is no time like -24h, 2026-11-23 or "
				"2026-11-23T14:41:07Z",
				filter_text(r->f, v->text));
	return 0;
}

static int check_value(struct reader *r, size_t from, const struct filter_node *node,
		       struct filter_value *v)
{
	enum filter_kind kind = fields[node->field].kind;
	bool ordered = node->op > FILTER_NE;
	bool words = kind == FILTER_WORD || kind == FILTER_RANKED;
	bool by_version = kind == FILTER_VERSION || kind == FILTER_KEYED;
	struct err why = ERR_INIT;

	if (v->wild &&
	    (ordered || words || kind == FILTER_TIME || node->field == FIELD_GROUP))
		return COMPLAIN(r, from, "no \"*\" here: %s",
				ordered ? "an order needs one value"
					: "the field takes whole words");
	if (words)
		return value_is_word(r, from, node->field, v);
	if (kind == FILTER_TIME)
		return value_is_time(r, from, node->op, v);
	if (kind == FILTER_SET && r->f->texts[v->text] == '\0')
		return COMPLAIN(r, from, "a %s has a name", fields[node->field].name);
	if (ordered && by_version &&
	    version_check(filter_text(r->f, v->text), &why) < 0)
		return COMPLAIN(r, from, "%s", why.text);
	return 0;
}

static int read_value(struct reader *r, struct filter_node *node)
{
	struct filter *f = r->f;
	struct filter_value *v = &f->values[f->n_values];
	size_t from;

	skip_blanks(r);
	from = r->at;
	if (f->n_values == FILTER_MAX_VALUES)
		return TOO_MANY(r, "more than %u values", FILTER_MAX_VALUES);
	*v = (struct filter_value){.text = f->n_texts};
	if (r->text[r->at] == '"' || r->text[r->at] == '\'') {
		if (read_quoted(r, v) < 0)
			return -1;
	} else if (read_bare(r, v) < 0) {
		return -1;
	}
	if (end_text(r, from, v->text) < 0 || check_value(r, from, node, v) < 0)
		return -1;
	f->n_values++;
	node->n_values++;
	return 0;
}

static int read_list(struct reader *r, struct filter_node *node)
{
	skip_blanks(r);
	if (!take(r, "("))
		return COMPLAIN(r, r->at, "=in= and =out= take values in parentheses");
	do {
		if (read_value(r, node) < 0)
			return -1;
		skip_blanks(r);
	} while (take(r, ","));
	if (!take(r, ")"))
		return COMPLAIN(r, r->at, "the list needs \",\" or \")\" here");
	return 0;
}

/* ---- tests ---- */

/* The longer before those that they begin with. */
static const struct {
	const char *text;
	enum filter_op op;
	bool list;
} operators[] = {
    {"==", FILTER_EQ, false},	{"!=", FILTER_NE, false},   {"=lt=", FILTER_LT, false},
    {"=le=", FILTER_LE, false}, {"=gt=", FILTER_GT, false}, {"=ge=", FILTER_GE, false},
    {"=in=", FILTER_EQ, true},	{"=out=", FILTER_NE, true}, {"<=", FILTER_LE, false},
    {">=", FILTER_GE, false},	{"<", FILTER_LT, false},    {">", FILTER_GT, false},
};

static int read_operator(struct reader *r, struct filter_node *node, bool *ret_list)
{
	skip_blanks(r);
	for (size_t i = 0; i < N_ELEMS(operators); i++) {
		enum filter_kind kind = fields[node->field].kind;
		size_t from = r->at;

		if (!take(r, operators[i].text))
			continue;
		if (operators[i].op > FILTER_NE &&
		    (kind == FILTER_WORD || kind == FILTER_SET))
			return COMPLAIN(r, from,
					"%s has no order: use == != =in= =out=",
					fields[node->field].name);
		node->op = operators[i].op;
		*ret_list = operators[i].list;
		return 0;
	}
	return COMPLAIN(r, r->at,
			"one of == != =lt= =le= =gt= =ge= =in= =out= must stand here");
}

static int find_field(struct reader *r, size_t from, size_t len,
		      struct filter_node *node)
{
	const char *name = r->text + from;

	for (size_t i = 0; i < N_FIELDS; i++) {
		size_t n = strlen(fields[i].name);
		bool keyed = fields[i].kind == FILTER_KEYED;

		if ((keyed ? len > n : len == n) &&
		    strncmp(fields[i].name, name, n) == 0) {
			node->field = (enum filter_field)i;
			return 0;
		}
	}
	for (size_t i = 0; i < N_ELEMS(aliases); i++) {
		if (strlen(aliases[i].name) == len &&
		    strncmp(aliases[i].name, name, len) == 0) {
			node->field = aliases[i].field;
			return 0;
		}
	}
	return COMPLAIN(r, from, "there is no field \"%.*s\"", len < 40 ? (int)len : 40,
			name);
}

static int read_field(struct reader *r, struct filter_node *node)
{
	size_t from = r->at, len = 0;
	struct filter *f = r->f;

	while (is_bare(r->text[from + len]))
		len++;
	if (len == 0)
		return COMPLAIN(r, from, "a field's name is missing here");
	if (find_field(r, from, len, node) < 0)
		return -1;
	node->column = (uint16_t)column_of(r, from);
	r->at += len;
	if (fields[node->field].kind != FILTER_KEYED)
		return 0;
	node->key = f->n_texts;
	for (size_t i = from + strlen(fields[node->field].name); i < from + len; i++)
		add_char(f, r->text[i]);
	return end_text(r, from, node->key);
}

static int read_test(struct reader *r, uint16_t *ret)
{
	struct filter_node *node;
	bool list;

	if (new_node(r, FILTER_TEST, ret) < 0)
		return -1;
	node = &r->f->nodes[*ret];
	if (read_field(r, node) < 0 || read_operator(r, node, &list) < 0)
		return -1;
	node->value = r->f->n_values;
	return list ? read_list(r, node) : read_value(r, node);
}

/* ---- the tree: "," over ";" over what is in parentheses ---- */

static int read_or(struct reader *r, uint16_t *ret);

static int read_unit(struct reader *r, uint16_t *ret)
{
	size_t from;

	skip_blanks(r);
	from = r->at;
	if (!take(r, "("))
		return read_test(r, ret);
	if (++r->depth > FILTER_MAX_DEPTH)
		return TOO_MANY(r, "more than %u parentheses deep", FILTER_MAX_DEPTH);
	if (read_or(r, ret) < 0)
		return -1;
	skip_blanks(r);
	if (!take(r, ")"))
		return r->text[r->at] == '\0'
			   ? COMPLAIN(r, from, "the parenthesis does not end")
			   : COMPLAIN(r, r->at,
				      "\";\", \",\" or \")\" must stand here");
	r->depth--;
	return 0;
}

/* One unit, or a node of `type` over several. */
static int read_series(struct reader *r, enum filter_node_type type, char sign,
		       const char *word, int (*one)(struct reader *r, uint16_t *ret),
		       uint16_t *ret)
{
	uint16_t last, parent = FILTER_NONE;

	if (one(r, &last) < 0)
		return -1;
	*ret = last;
	while (take_joint(r, sign, word)) {
		if (*ret == last) {
			if (new_node(r, type, &parent) < 0)
				return -1;
			r->f->nodes[parent].first = last;
			*ret = parent;
		}
		if (one(r, &r->f->nodes[last].next) < 0)
			return -1;
		last = r->f->nodes[last].next;
	}
	return 0;
}

static int read_and(struct reader *r, uint16_t *ret)
{
	return read_series(r, FILTER_AND, ';', "and", read_unit, ret);
}

static int read_or(struct reader *r, uint16_t *ret)
{
	return read_series(r, FILTER_OR, ',', "or", read_and, ret);
}

int filter_parse(const char *text, struct filter *ret, struct err *e)
{
	struct reader r = {.text = text, .f = ret, .e = e};

	ret->root = FILTER_NONE;
	ret->n_nodes = ret->n_values = ret->n_texts = 0;
	if (strnlen(text, FILTER_TEXT_MAX_LEN + 1) > FILTER_TEXT_MAX_LEN)
		return err_set(e, ERR_LIMIT, "a filter has at most %u bytes",
			       FILTER_TEXT_MAX_LEN);
	if (check_characters(&r) < 0)
		return -1;
	skip_blanks(&r);
	if (text[r.at] == '\0')
		return 0;
	if (read_or(&r, &ret->root) < 0)
		return -1;
	skip_blanks(&r);
	if (text[r.at] != '\0')
		return COMPLAIN(&r, r.at, "\";\" or \",\" must stand here");
	return 0;
}

int filter_each_group(const struct filter *f,
		      int (*fn)(const char *group, uint16_t column, void *ctx),
		      void *ctx)
{
	for (uint16_t i = 0; i < f->n_nodes; i++) {
		const struct filter_node *n = &f->nodes[i];

		if (n->type != FILTER_TEST || n->field != FIELD_GROUP)
			continue;
		for (uint16_t v = n->value; v < n->value + n->n_values; v++) {
			int rc = fn(filter_text(f, f->values[v].text), n->column, ctx);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}
