/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language that selects devices: FIQL/RSQL text -> a bounded tree.
 *
 *	or    = and *( ( "," / " or " ) and )
 *	and   = unit *( ( ";" / " and " ) unit )
 *	unit  = "(" or ")" / test
 *	test  = field op value / field ( "=in=" / "=out=" ) "(" value *( "," value ) ")"
 *	op    = "==" / "!=" / "=lt=" / "=le=" / "=gt=" / "=ge=" / "<" / "<=" / ">" / ">="
 *	value = 1*( a character that is none of  "'();,=!<>  and no blank )
 *	      / "'" text "'" / DQUOTE text DQUOTE	within: \ takes the next as it is
 *
 * "*" in a value of ==, !=, =in= and =out= stands for any run of characters, "\*" within
 * quotes for itself. Letter case counts. Two rules make each test plain:
 *
 * - != is not ==, =out= is not =in=; so what is absent passes them.
 * - an order (=lt= ..) never holds for what is absent: no version, never seen.
 *
 * A field of several values (tag, group, attribute.KEY) equals what one of them equals.
 * Versions and attributes are ordered as format/version.h orders versions, times as
 * times; "-24h" is relative to the time of asking, so a stored filter stays alive.
 *
 * Two read the tree, and a property test holds them together: filter_match() here, and
 * the store, which compiles it to SQL. A struct filter is a plain value: no pointers, no
 * owner; it may be copied. It is some 13 KiB: keep it off deep stacks.
 */
#ifndef OTA_SERVER_FLEET_FILTER_H
#define OTA_SERVER_FLEET_FILTER_H

#include "../store/model.h"

#define FILTER_TEXT_MAX_LEN 4096u
#define FILTER_MAX_NODES 128u
#define FILTER_MAX_VALUES 256u
#define FILTER_MAX_DEPTH 16u
#define FILTER_NONE UINT16_MAX /* no node */

/* How values of a field are read, compared and stored. */
enum filter_kind {
	FILTER_PLAIN,	/* text, by byte */
	FILTER_VERSION, /* == as text; ordered by version_key() */
	FILTER_TIME,	/* ordered; == and != only with "never" */
	FILTER_WORD,	/* one of a few words; number is the enum's */
	FILTER_RANKED,	/* likewise, and ordered */
	FILTER_SET,	/* texts without an order */
	FILTER_KEYED,	/* the text under a key; ordered by version_key() */
};

/* Columns: name in code and language (a keyed one ends in a dot, its key follows), kind,
 * what it is for people. */
/* clang-format off */
#define FILTER_FIELDS(X)                                                                 \
	X(ID, "id", FILTER_PLAIN, "the device's identity")                               \
	X(NAME, "name", FILTER_PLAIN, "its name for people")                             \
	X(PRODUCT, "product", FILTER_PLAIN, "its product")                               \
	X(HARDWARE, "hardware", FILTER_PLAIN, "its hardware id")                         \
	X(VERSION, "version", FILTER_VERSION, "the installed version")                   \
	X(GRADE, "grade", FILTER_RANKED, "unknown, reported or proven: who says so")     \
	X(STATE, "state", FILTER_WORD, "idle, updating, failed or rolled-back")          \
	X(TAG, "tag", FILTER_SET, "a tag")                                               \
	X(SITE, "site", FILTER_PLAIN, "the site")                                        \
	X(GROUP, "group", FILTER_SET, "a group's name, without \"*\"")                   \
	X(PINNED, "pinned", FILTER_WORD, "true or false: kept at what it has")           \
	X(ADDRESS, "address", FILTER_PLAIN, "where it polled from")                      \
	X(AGENT_VERSION, "agentversion", FILTER_VERSION, "the agent's version")          \
	X(CREATED, "created", FILTER_TIME, "when it was registered")                     \
	X(LAST_SEEN, "lastseen", FILTER_TIME, "its last poll, or never")                 \
	X(ATTRIBUTE, "attribute.", FILTER_KEYED, "what it or an operator says of it")    \
	X(COMPONENT, "component.", FILTER_KEYED, "the version of one of its parts")      \
	X(DEPLOYMENT_STATE, "deployment.state", FILTER_WORD, "of its newest deployment, or none") \
	X(DEPLOYMENT_RELEASE, "deployment.release", FILTER_PLAIN, "the release id of that") \
	X(DEPLOYMENT_DETAIL, "deployment.detail", FILTER_PLAIN, "the last thing said of that")
/* clang-format on */

enum filter_field {
#define X(code, name, kind, about) FIELD_##code,
	FILTER_FIELDS(X)
#undef X
	    N_FIELDS
};

const char *filter_field_name(enum filter_field f);
const char *filter_field_about(enum filter_field f);
enum filter_kind filter_field_kind(enum filter_field f);

#define FILTER_DEPLOYMENT_NONE (-1) /* the number of deployment.state==none */

enum filter_op {
	FILTER_EQ, /* also =in=: equals one of the values */
	FILTER_NE, /* also =out= */
	FILTER_LT,
	FILTER_LE,
	FILTER_GT,
	FILTER_GE,
};

enum filter_node_type { FILTER_AND, FILTER_OR, FILTER_TEST };

struct filter_node {
	enum filter_node_type type;
	uint16_t first,
	    next; /* of AND, OR: the first child; of all: the next sibling */
	/* of a TEST */
	enum filter_field field;
	enum filter_op op;
	uint16_t key; /* where in texts[]; of a keyed field */
	uint16_t value, n_values;
	uint16_t column; /* 1.. of its field in the text */
};

/* In a value's text: any run of characters. No other control character stands there. */
#define FILTER_STAR '\x01'

struct filter_value {
	uint16_t text;	/* where in texts[]; NUL-terminated */
	bool wild;	/* it has a FILTER_STAR */
	bool relative;	/* number is ms to add to the time of asking */
	int64_t number; /* of a time (UTC ms; 0: never) or a word */
};

struct filter {
	uint16_t root; /* FILTER_NONE: the empty filter, which passes everything */
	uint16_t n_nodes, n_values, n_texts;
	struct filter_node nodes[FILTER_MAX_NODES];
	struct filter_value values[FILTER_MAX_VALUES];
	char texts[FILTER_TEXT_MAX_LEN + 2];
};

/*
 * text: NUL-terminated; empty or blank passes everything. ERR_FORMAT: "column 14: ...",
 * columns are characters from 1; ERR_LIMIT: longer, deeper or with more tests and values
 * than the limits. *ret is only defined after 0.
 */
int filter_parse(const char *text, struct filter *ret, struct err *e) MUST_USE;

static inline const char *filter_text(const struct filter *f, uint16_t at)
{
	return f->texts + at;
}

/* Whether a text is what a value with FILTER_STARs says. */
bool filter_text_matches(const char *pattern, const char *text);

/* Calls fn for each group that the filter names; stops at and returns what is not 0. */
int filter_each_group(const struct filter *f,
		      int (*fn)(const char *group, uint16_t column, void *ctx),
		      void *ctx);

/* What a filter is asked about; all borrowed. */
struct filter_subject {
	const struct device *device;
	const struct attribute *attributes;
	size_t n_attributes;
	const struct component *components;
	size_t n_components;
	const struct deployment *deployment; /* its newest; NULL: it has none */
	/* NULL: the device is in no group */
	bool (*in_group)(const char *group, void *ctx);
	void *ctx;
};

/* now_ms: UTC, what relative times hang on. Pure; no allocation. */
bool filter_match(const struct filter *f, const struct filter_subject *s,
		  int64_t now_ms);

#endif
