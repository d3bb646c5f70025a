/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <string.h>

bool filter_text_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == FILTER_STAR) {
			star = pattern++;
			resume = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == FILTER_STAR)
		pattern++;
	return *pattern == '\0';
}

/* What the tests of a node read. */
struct question {
	const struct filter *f;
	const struct filter_node *node;
	const struct filter_subject *s;
	int64_t now_ms;
};

static bool in_order(enum filter_op op, int sign)
{
	return (op == FILTER_LT && sign < 0) || (op == FILTER_LE && sign <= 0) ||
	       (op == FILTER_GT && sign > 0) || (op == FILTER_GE && sign >= 0);
}

static bool text_equals_one(const struct question *q, const char *text)
{
	for (uint16_t i = 0; i < q->node->n_values; i++) {
		const struct filter_value *v = &q->f->values[q->node->value + i];
		const char *want = filter_text(q->f, v->text);

		if (v->wild ? filter_text_matches(want, text) : strcmp(want, text) == 0)
			return true;
	}
	return false;
}

static bool number_equals_one(const struct question *q, int64_t number)
{
	for (uint16_t i = 0; i < q->node->n_values; i++) {
		if (q->f->values[q->node->value + i].number == number)
			return true;
	}
	return false;
}

static bool text_holds(const struct question *q, const char *text)
{
	const char *want = filter_text(q->f, q->f->values[q->node->value].text);

	if (q->node->op <= FILTER_NE)
		return text_equals_one(q, text);
	return *text != '\0' && in_order(q->node->op, strcmp(text, want));
}

static bool version_holds(const struct question *q, const char *text)
{
	const char *want = filter_text(q->f, q->f->values[q->node->value].text);

	if (q->node->op <= FILTER_NE)
		return text_equals_one(q, text);
	/* What has no key has no order: the store cannot sort it either. */
	return *text != '\0' && version_check(text, NULL) == 0 &&
	       in_order(q->node->op, version_compare(text, want));
}

static bool number_holds(const struct question *q, int64_t number)
{
	int64_t want = q->f->values[q->node->value].number;

	if (q->node->op <= FILTER_NE)
		return number_equals_one(q, number);
	return in_order(q->node->op, (number > want) - (number < want));
}

static bool time_holds(const struct question *q, int64_t at)
{
	const struct filter_value *v = &q->f->values[q->node->value];
	int64_t want = v->number + (v->relative ? q->now_ms : 0);

	if (q->node->op <= FILTER_NE)
		return at == 0;
	return at != 0 && in_order(q->node->op, (at > want) - (at < want));
}

static bool tag_holds(const struct question *q, const char *tags)
{
	char tag[TAG_MAX_LEN + 1];

	while (*tags != '\0') {
		size_t len = strcspn(tags, " ");

		if (len < sizeof(tag)) {
			memcpy(tag, tags, len);
			tag[len] = '\0';
			if (text_equals_one(q, tag))
				return true;
		}
		tags += len;
		tags += strspn(tags, " ");
	}
	return false;
}

static bool group_holds(const struct question *q)
{
	for (uint16_t i = 0; i < q->node->n_values; i++) {
		const struct filter_value *v = &q->f->values[q->node->value + i];

		if (q->s->in_group != NULL &&
		    q->s->in_group(filter_text(q->f, v->text), q->s->ctx))
			return true;
	}
	return false;
}

static bool attribute_holds(const struct question *q)
{
	const char *key = filter_text(q->f, q->node->key);

	for (size_t i = 0; i < q->s->n_attributes; i++) {
		if (strcmp(q->s->attributes[i].key, key) == 0)
			return version_holds(q, q->s->attributes[i].value);
	}
	return false;
}

static bool component_holds(const struct question *q)
{
	const char *name = filter_text(q->f, q->node->key);

	for (size_t i = 0; i < q->s->n_components; i++) {
		if (strcmp(q->s->components[i].name, name) == 0)
			return version_holds(q, q->s->components[i].version);
	}
	return false;
}

static int deployment_number(const struct question *q)
{
	return q->s->deployment == NULL ? FILTER_DEPLOYMENT_NONE
					: (int)q->s->deployment->state;
}

static const char *deployment_release(const struct question *q)
{
	return q->s->deployment == NULL ? "" : q->s->deployment->release;
}

static const char *deployment_detail(const struct question *q)
{
	return q->s->deployment == NULL ? "" : q->s->deployment->detail;
}

/* Whether it equals or is in order; != is not yet turned round. */
static bool test_holds(const struct question *q)
{
	const struct device *d = q->s->device;

	switch (q->node->field) {
	case FIELD_ID:
		return text_holds(q, d->id);
	case FIELD_NAME:
		return text_holds(q, d->name);
	case FIELD_PRODUCT:
		return text_holds(q, d->product);
	case FIELD_HARDWARE:
		return text_holds(q, d->hardware);
	case FIELD_VERSION:
		return version_holds(q, d->version);
	case FIELD_GRADE:
		return number_holds(q, (int64_t)d->grade);
	case FIELD_STATE:
		return number_holds(q, (int64_t)d->state);
	case FIELD_TAG:
		return tag_holds(q, d->tags);
	case FIELD_SITE:
		return text_holds(q, d->site);
	case FIELD_GROUP:
		return group_holds(q);
	case FIELD_PINNED:
		return number_holds(q, d->pin != PIN_NONE);
	case FIELD_ADDRESS:
		return text_holds(q, d->address);
	case FIELD_AGENT_VERSION:
		return version_holds(q, d->agent_version);
	case FIELD_CREATED:
		return time_holds(q, d->created_at);
	case FIELD_LAST_SEEN:
		return time_holds(q, d->seen_at);
	case FIELD_ATTRIBUTE:
		return attribute_holds(q);
	case FIELD_COMPONENT:
		return component_holds(q);
	case FIELD_DEPLOYMENT_STATE:
		return number_holds(q, deployment_number(q));
	case FIELD_DEPLOYMENT_RELEASE:
		return text_holds(q, deployment_release(q));
	case FIELD_DEPLOYMENT_DETAIL:
		return text_holds(q, deployment_detail(q));
	case N_FIELDS:
		break;
	}
	return false;
}

static bool node_holds(struct question *q, uint16_t index)
{
	const struct filter_node *n = &q->f->nodes[index];
	bool any = n->type == FILTER_OR;

	if (n->type == FILTER_TEST) {
		q->node = n;
		return test_holds(q) != (n->op == FILTER_NE);
	}
	for (uint16_t c = n->first; c != FILTER_NONE; c = q->f->nodes[c].next) {
		if (node_holds(q, c) == any)
			return any;
	}
	return !any;
}

bool filter_match(const struct filter *f, const struct filter_subject *s,
		  int64_t now_ms)
{
	struct question q = {.f = f, .s = s, .now_ms = now_ms};

	return f->root == FILTER_NONE || node_holds(&q, f->root);
}
