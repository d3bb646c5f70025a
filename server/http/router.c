/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"

#include <string.h>

enum kind { LITERAL, PARAM, REST }; /* in order of preference */

struct segment {
	enum kind kind;
	const char *text; /* literal or parameter's name, into the pattern */
	size_t len;
};

struct row {
	const struct http_route *route;
	struct segment segments[ROUTER_MAX_SEGMENTS];
	size_t n;
};

struct router {
	size_t n_rows;
	struct row rows[];
};

/* A path cut at its slashes. */
struct path {
	struct segment segments[ROUTER_MAX_SEGMENTS];
	size_t n;
	const char *end;
};

static int bad_pattern(const struct http_route *route, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, "route %s %s: %s", route->method, route->pattern,
		       why);
}

/* False if it has more segments than any pattern may have, unless a rest can hold them.
 */
static bool split(const char *text, size_t len, struct path *ret)
{
	const char *at = text, *end = text + len;

	*ret = (struct path){.end = end};
	if (len == 0 || *at != '/')
		return false;
	while (at < end && ret->n < ROUTER_MAX_SEGMENTS) {
		const char *start = at + 1;
		const char *stop = memchr(start, '/', (size_t)(end - start));

		at = stop != NULL ? stop : end;
		if (len > 1)
			ret->segments[ret->n++] = (struct segment){
			    .text = start, .len = (size_t)(at - start)};
	}
	return true;
}

static int compile_segment(const struct http_route *route, struct segment *s,
			   struct err *e)
{
	if (s->len == 0)
		return bad_pattern(route, "an empty segment", e);
	if (s->text[0] != '{')
		return 0;
	if (s->len < 3 || s->text[s->len - 1] != '}')
		return bad_pattern(route, "a parameter is written {name} or {name*}",
				   e);
	s->kind = s->text[s->len - 2] == '*' ? REST : PARAM;
	s->text++;
	s->len -= s->kind == REST ? 3 : 2;
	return 0;
}

static int compile(const struct http_route *route, struct row *ret, struct err *e)
{
	struct path p;
	size_t n_params = 0;

	if (!split(route->pattern, strlen(route->pattern), &p))
		return bad_pattern(route, "it does not start with /", e);
	ret->route = route;
	for (size_t i = 0; i < p.n; i++) {
		if (compile_segment(route, &p.segments[i], e) < 0)
			return -1;
		n_params += p.segments[i].kind != LITERAL;
		if (p.segments[i].kind == REST && i + 1 < p.n)
			return bad_pattern(route, "{name*} is not its last segment", e);
		ret->segments[i] = p.segments[i];
	}
	ret->n = p.n;
	if (n_params > ROUTER_MAX_PARAMS || p.n == ROUTER_MAX_SEGMENTS)
		return bad_pattern(route, "too many segments or parameters", e);
	return 0;
}

/* Below zero: a is the more specific one. */
static int compare(const struct row *a, const struct row *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		if (a->segments[i].kind != b->segments[i].kind)
			return a->segments[i].kind < b->segments[i].kind ? -1 : 1;
	}
	return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

static bool same_shape(const struct row *a, const struct row *b)
{
	if (a->n != b->n || strcmp(a->route->method, b->route->method) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct segment *x = &a->segments[i], *y = &b->segments[i];

		if (x->kind != y->kind)
			return false;
		if (x->kind == LITERAL &&
		    (x->len != y->len || memcmp(x->text, y->text, x->len) != 0))
			return false;
	}
	return true;
}

struct router *router_new(const struct http_route *routes, size_t n_routes,
			  struct err *e)
{
	AUTO_PTR(router)
	struct router *r = calloc(1, sizeof(*r) + n_routes * sizeof(r->rows[0]));

	if (r == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	r->n_rows = n_routes;
	for (size_t i = 0; i < n_routes; i++) {
		if (compile(&routes[i], &r->rows[i], e) < 0)
			return NULL;
		for (size_t k = 0; k < i; k++) {
			if (!same_shape(&r->rows[i], &r->rows[k]))
				continue;
			(void)bad_pattern(&routes[i], "there is another like it", e);
			return NULL;
		}
	}
	return TAKE(r);
}

void router_free(struct router *r)
{
	free(r);
}

static bool fits(const struct row *row, const struct path *p)
{
	bool has_rest = row->n > 0 && row->segments[row->n - 1].kind == REST;

	if (has_rest ? p->n + 1 < row->n : p->n != row->n)
		return false;
	for (size_t i = 0; i < row->n && i < p->n; i++) {
		const struct segment *want = &row->segments[i], *have = &p->segments[i];

		if (want->kind == REST)
			return true;
		if (have->len == 0)
			return false;
		if (want->kind == LITERAL &&
		    (want->len != have->len ||
		     memcmp(want->text, have->text, want->len) != 0))
			return false;
	}
	return true;
}

static bool method_fits(const struct http_route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void note_allowed(struct route_match *ret, const char *method)
{
	size_t used = strlen(ret->allow), len = strlen(method);

	if (strstr(ret->allow, method) != NULL || used + len + 3 > sizeof(ret->allow))
		return;
	if (used > 0) {
		memcpy(ret->allow + used, ", ", 3);
		used += 2;
	}
	memcpy(ret->allow + used, method, len + 1);
}

static void fill_params(const struct row *row, const struct path *p,
			struct route_match *ret)
{
	for (size_t i = 0; i < row->n; i++) {
		const struct segment *s = &row->segments[i];
		const char *value = i < p->n ? p->segments[i].text : p->end;

		if (s->kind == LITERAL)
			continue;
		ret->names[ret->n_params] = s->text;
		ret->name_lens[ret->n_params] = s->len;
		ret->values[ret->n_params] = value;
		ret->value_lens[ret->n_params++] =
		    s->kind == REST ? (size_t)(p->end - value) : p->segments[i].len;
	}
}

void router_find(const struct router *r, const char *method, const char *path,
		 size_t len, struct route_match *ret)
{
	const struct row *best = NULL;
	struct path p;

	*ret = (struct route_match){.route = NULL};
	if (!split(path, len, &p))
		return;
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct row *row = &r->rows[i];

		if (!fits(row, &p))
			continue;
		if (row->n == 0 || row->segments[row->n - 1].kind != REST)
			note_allowed(ret, row->route->method);
		if (method_fits(row->route, method) &&
		    (best == NULL || compare(row, best) < 0))
			best = row;
	}
	if (best == NULL)
		return;
	ret->route = best->route;
	fill_params(best, &p, ret);
}
