/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is done unaudited: the route table and the table of audit rules agree. */
#include "../../server/api/api.h"

#include "testing.h"

#include <ctype.h>

static bool changes(const struct api_row *row)
{
	return PERMISSION(row->permission) >= MAY_OPERATE &&
	       strcmp(row->method, "GET") != 0;
}

static void every_route_that_changes_something_has_an_audit_rule(void **state)
{
	size_t n, n_changing = 0;
	const struct api_row *rows = api_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (!changes(&rows[i]))
			continue;
		n_changing++;
		if (api_audit_rule(rows[i].handle) == NULL)
			fail_msg("%s %s changes something and has no row in "
				 "server/api/audit.c",
				 rows[i].method, rows[i].pattern);
	}
	assert_true(n_changing > 5);
}

/* "rollout.pause": a noun, a dot, a verb. */
static bool is_action(const char *text)
{
	unsigned n_dots = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if (!islower((unsigned char)*at) && *at != '.' && *at != '_')
			return false;
		n_dots += *at == '.';
	}
	return n_dots == 1 && text[0] != '.' && text[strlen(text) - 1] != '.';
}

static void actions_are_a_noun_and_a_verb_and_params_are_in_the_path(void **state)
{
	size_t n;
	const struct api_row *rows = api_rows(&n);
	char param[64];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct audit_rule *rule = api_audit_rule(rows[i].handle);

		if (rule == NULL || rule->action == NULL)
			continue;
		assert_true(is_action(rule->action));
		assert_true(strlen(rule->action) <= AUDIT_ACTION_MAX_LEN);
		assert_non_null(rule->kind);
		if (rule->param == NULL)
			continue;
		snprintf(param, sizeof(param), "{%s}", rule->param);
		if (strstr(rows[i].pattern, param) == NULL)
			fail_msg("%s has no %s", rows[i].pattern, param);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_route_that_changes_something_has_an_audit_rule),
	    cmocka_unit_test(actions_are_a_noun_and_a_verb_and_params_are_in_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
