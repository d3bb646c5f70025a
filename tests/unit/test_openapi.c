/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI document and the table of routes say the same, in both directions. */
#include "../../server/api/api.h"
#include "../../server/api/openapi.h"
#include "testing.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_LEN 200

static struct json *document(void)
{
	struct err e = ERR_INIT;
	struct json *d = json_parse(openapi_document, openapi_document_len, &e);

	if (d == NULL)
		fail_msg("the document is no JSON: %s", e.text);
	return d;
}

/* A row's path as OpenAPI writes it: {path*} is {path}. */
static void path_of(const struct api_row *row, char ret[PATH_MAX_LEN])
{
	size_t n = 0;

	for (const char *c = row->pattern; *c != '\0'; c++) {
		assert_true(n + 1 < PATH_MAX_LEN);
		if (*c != '*')
			ret[n++] = *c;
	}
	ret[n] = '\0';
}

static void method_of(const struct api_row *row, char ret[8])
{
	size_t n = strlen(row->method);

	assert_true(n < 8);
	for (size_t i = 0; i <= n; i++)
		ret[i] = (char)tolower((unsigned char)row->method[i]);
}

static const struct json *operation_of(const struct json *d, const struct api_row *row)
{
	char path[PATH_MAX_LEN], method[8];

	path_of(row, path);
	method_of(row, method);
	return json_get(json_get(json_get(d, "paths"), path), method);
}

static const char *text_in(const struct json *o, const char *name)
{
	const char *text = json_text(json_get(o, name));

	return text != NULL ? text : "";
}

static bool has_success(const struct json *operation)
{
	const struct json *answers = json_get(operation, "responses");

	for (void *it = json_first(answers); it != NULL; it = json_next(answers, it)) {
		if (json_key(it)[0] == '2')
			return true;
	}
	return false;
}

static void each_route_of_the_server_is_in_the_document(void **state)
{
	AUTO_PTR(json) struct json *d = document();
	size_t n, n_missing = 0;
	const struct api_row *rows = api_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX_LEN], method[8];

		if (operation_of(d, &rows[i]) != NULL)
			continue;
		path_of(&rows[i], path);
		method_of(&rows[i], method);
		print_error(
		    "add to a file of docs/openapi/ (its README.md says how), below "
		    "\"paths\":\n\t\"%s\": {\"%s\": {\"operationId\": \"%s\", "
		    "\"summary\": "
		    "\"...\", \"x-permission\": \"%s\", \"responses\": {\"200\": "
		    "{...}}}}\n",
		    path, method, rows[i].name, rows[i].permission_name);
		n_missing++;
	}
	if (n_missing > 0)
		fail_msg("%zu routes of server/api/routes.c are not in docs/openapi/",
			 n_missing);
}

static void what_the_document_says_of_a_route_is_what_the_row_says(void **state)
{
	AUTO_PTR(json) struct json *d = document();
	size_t n;
	const struct api_row *rows = api_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct json *o = operation_of(d, &rows[i]);

		if (o == NULL)
			continue; /* the other test's */
		if (strcmp(text_in(o, "operationId"), rows[i].name) != 0)
			fail_msg("%s %s: \"operationId\" must be \"%s\"",
				 rows[i].method, rows[i].pattern, rows[i].name);
		if (strcmp(text_in(o, "x-permission"), rows[i].permission_name) != 0)
			fail_msg("%s %s: \"x-permission\" must be \"%s\"",
				 rows[i].method, rows[i].pattern,
				 rows[i].permission_name);
		if (text_in(o, "summary")[0] == '\0')
			fail_msg("%s %s: a \"summary\" is missing", rows[i].method,
				 rows[i].pattern);
		if (!has_success(o))
			fail_msg("%s %s: no answer 2xx is described", rows[i].method,
				 rows[i].pattern);
	}
}

static bool is_route(const char *path, const char *method)
{
	size_t n;
	const struct api_row *rows = api_rows(&n);

	for (size_t i = 0; i < n; i++) {
		char its_path[PATH_MAX_LEN], its_method[8];

		path_of(&rows[i], its_path);
		method_of(&rows[i], its_method);
		if (strcmp(path, its_path) == 0 && strcmp(method, its_method) == 0)
			return true;
	}
	return false;
}

static void each_operation_of_the_document_is_a_route(void **state)
{
	AUTO_PTR(json) struct json *d = document();
	const struct json *paths = json_get(d, "paths");

	(void)state;
	assert_true(json_len(paths) > 20);
	for (void *p = json_first(paths); p != NULL; p = json_next(paths, p)) {
		const struct json *item = json_value(p);

		for (void *m = json_first(item); m != NULL; m = json_next(item, m)) {
			if (!is_route(json_key(p), json_key(m)))
				fail_msg("docs/openapi: %s %s: server/api/routes.c has "
					 "no such route",
					 json_key(m), json_key(p));
		}
	}
}

/* A body that the route takes is described; one that it does not take is not. */
static void bodies_are_described_where_they_are_taken(void **state)
{
	AUTO_PTR(json) struct json *d = document();
	size_t n;
	const struct api_row *rows = api_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct json *o = operation_of(d, &rows[i]);

		if (json_get(o, "requestBody") != NULL && rows[i].max_body == 0)
			fail_msg("%s %s: a \"requestBody\" is described and the route "
				 "takes none",
				 rows[i].method, rows[i].pattern);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_route_of_the_server_is_in_the_document),
	    cmocka_unit_test(what_the_document_says_of_a_route_is_what_the_row_says),
	    cmocka_unit_test(each_operation_of_the_document_is_a_route),
	    cmocka_unit_test(bodies_are_described_where_they_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
