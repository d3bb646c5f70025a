/* SPDX-License-Identifier: Apache-2.0 */
/* A filter, NUL, then a device's fields one a line. What is parsed holds together (the
 * links of the tree, the places of its texts), has an answer, and its opposite is that of
 * the same tree with each test turned round and AND and OR exchanged. */
#include "../../server/fleet/filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_tree(const struct filter *f)
{
	unsigned n_seen = f->root == FILTER_NONE ? 0 : 1;

	must(f->n_nodes <= FILTER_MAX_NODES && f->n_values <= FILTER_MAX_VALUES);
	must(f->n_texts <= sizeof(f->texts));
	must(f->root == FILTER_NONE || f->root < f->n_nodes);
	for (uint16_t i = 0; i < f->n_nodes; i++) {
		const struct filter_node *n = &f->nodes[i];

		must(n->next == FILTER_NONE || n->next < f->n_nodes);
		n_seen += n->next != FILTER_NONE;
		if (n->type != FILTER_TEST) {
			must(n->first < f->n_nodes);
			n_seen++;
			continue;
		}
		must(n->n_values > 0 && n->value + n->n_values <= f->n_values);
		must(n->key < sizeof(f->texts));
	}
	must(n_seen == f->n_nodes); /* a tree: each node is reached once */
	for (uint16_t i = 0; i < f->n_values; i++)
		must(f->values[i].text < f->n_texts &&
		     memchr(filter_text(f, f->values[i].text), '\0',
			    f->n_texts - f->values[i].text) != NULL);
}

/* De Morgan; an order has no opposite test, because absence fails both. */
static bool turn_round(struct filter *f)
{
	for (uint16_t i = 0; i < f->n_nodes; i++) {
		struct filter_node *n = &f->nodes[i];

		if (n->type == FILTER_TEST && n->op > FILTER_NE)
			return false;
		if (n->type == FILTER_TEST)
			n->op = n->op == FILTER_EQ ? FILTER_NE : FILTER_EQ;
		else
			n->type = n->type == FILTER_AND ? FILTER_OR : FILTER_AND;
	}
	return f->root != FILTER_NONE;
}

static void take_line(const char **rest, char *ret_text, size_t room)
{
	size_t len = strcspn(*rest, "\n");

	(void)snprintf(ret_text, room, "%.*s", (int)len, *rest);
	*rest += len;
	*rest += **rest == '\n';
}

static bool is_member(const char *group, void *ctx)
{
	return strlen(group) % 2 == *(const size_t *)ctx % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct filter f; /* kept off the stack; each run fills it */
	struct device d = {.grade = GRADE_REPORTED, .created_at = 1000};
	struct attribute a = {.key = "hw"};
	struct filter_subject s = {.device = &d, .attributes = &a, .n_attributes = 1};
	AUTO_FREE char *text = malloc(len + 1);
	const char *rest;
	bool holds;

	must(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	if (filter_parse(text, &f, NULL) < 0)
		return 0;
	rest = text + strlen(text);
	rest += rest < text + len;
	take_line(&rest, d.id, sizeof(d.id));
	take_line(&rest, d.name, sizeof(d.name));
	take_line(&rest, d.version, sizeof(d.version));
	take_line(&rest, d.tags, sizeof(d.tags));
	take_line(&rest, a.value, sizeof(a.value));
	s.in_group = is_member;
	s.ctx = &len;
	check_tree(&f);
	holds = filter_match(&f, &s, 1000000);
	if (turn_round(&f))
		must(filter_match(&f, &s, 1000000) != holds);
	return 0;
}
