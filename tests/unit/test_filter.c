/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/fleet/filter.h"

#include "../../common/base/text.h"

#include <stdlib.h>

#include "testing.h"

#define NOW INT64_C(1795500000000) /* 2026-11-24T06:00:00Z */
#define HOUR INT64_C(3600000)

static const struct attribute attributes[] = {
    {.key = "hw", .value = "revB"},
    {.key = "bootloader", .value = "2024.10"},
    {.key = "note", .value = "two words"},
};

static bool in_two_groups(const char *group, void *ctx)
{
	(void)ctx;
	return strcmp(group, "pilot") == 0 || strcmp(group, "north") == 0;
}

static struct device example(void)
{
	return (struct device){
	    .id = "gw-0042",
	    .name = "Door 5, east",
	    .product = "gateway",
	    .hardware = "revB",
	    .version = "2.1.0",
	    .grade = GRADE_PROVEN,
	    .state = DEVICE_UPDATING,
	    .agent_version = "0.9.1",
	    .address = "192.0.2.7",
	    .site = "z\xc3\xbcrich",
	    .tags = "cellular lab",
	    .created_at = NOW - 1000 * HOUR,
	    .seen_at = NOW - 2 * HOUR,
	};
}

static bool matches(const char *text)
{
	static struct filter f;
	struct err e = ERR_INIT;
	struct device d = example();
	struct deployment p = {.state = DEPLOYMENT_INSTALLING,
			       .release = "0011223344556677"};
	struct filter_subject s = {.device = &d,
				   .attributes = attributes,
				   .n_attributes = N_ELEMS(attributes),
				   .deployment = &p,
				   .in_group = in_two_groups};

	if (filter_parse(text, &f, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return filter_match(&f, &s, NOW);
}

static void each_field_is_asked_in_its_own_way(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} rows[] = {
	    {"", true},
	    {"  ", true},
	    {"id==gw-0042", true},
	    {"id==gw-42", false},
	    {"id==GW-0042", false},
	    {"controllerid==gw-*", true},
	    {"id=gt=gw-0041", true},
	    {"name==\"Door 5, east\"", true},
	    {"name=='Door*east'", true},
	    {"name==\"Door\\*\"", false},
	    {"name!=*west", true},
	    {"product=in=(meter,gateway)", true},
	    {"product=out=(meter,gate*)", false},
	    {"hardware==revA,hardware==revB", true},
	    {"version==2.1.0", true},
	    {"version==2.1.0+x", false},
	    {"version==2.*", true},
	    {"version=lt=2.10", true},
	    {"version=ge=2.1.0+build", true},
	    {"version<2.1.0-rc1", false},
	    {"version>2.1.0-rc1", true},
	    {"grade==proven", true},
	    {"grade=ge=reported", true},
	    {"grade=lt=proven", false},
	    {"state==updating", true},
	    {"state=out=(idle,failed)", true},
	    {"tag==lab", true},
	    {"tag==la", false},
	    {"tag==cell*", true},
	    {"tag!=lab", false},
	    {"tag!=old", true},
	    {"tag==*", true},
	    {"site==z\xc3\xbcrich", true},
	    {"site==z*ich", true},
	    {"site!=''", true},
	    {"group==pilot;group==north", true},
	    {"group=in=(south,north)", true},
	    {"group!=south", true},
	    {"group!=north", false},
	    {"pinned==false", true},
	    {"pinned!=false", false},
	    {"address==192.0.2.*", true},
	    {"agentversion=lt=0.10", true},
	    {"created=lt=2026-11-23", true},
	    {"created=gt=2026-11-23T00:00:00Z", false},
	    {"lastseen=ge=-24h", true},
	    {"lastseen=ge=-1h", false},
	    {"lastseen=lt=-1h", true},
	    {"lastseen!=never", true},
	    {"attribute.hw==revB", true},
	    {"attribute.hw!=revB", false},
	    {"attribute.bootloader=ge=2024.9", true},
	    {"attribute.bootloader=lt=2024.9", false},
	    {"attribute.note=='two words'", true},
	    {"attribute.none==x", false},
	    {"attribute.none!=x", true},
	    {"attribute.none==*", false},
	    {"attribute.none=lt=1", false},
	    {"attribute.note=gt=0", false},
	    {"deployment.state==installing", true},
	    {"deployment.state=in=(none,failed)", false},
	    {"deployment.release==0011223344556677", true},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (matches(rows[i].text) != rows[i].holds)
			fail_msg("%s: %s", rows[i].text,
				 rows[i].holds ? "does not hold" : "holds");
	}
}

/* a and d are true, b and c are not. */
static void and_binds_closer_than_or_and_parentheses_decide(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} rows[] = {
	    {"id==gw*,id==b;id==c", true},
	    {"(id==gw*,id==b);id==c", false},
	    {"id==b;id==c,id==gw*", true},
	    {"id==b;(id==c,id==gw*)", false},
	    {"id==gw* and tag==lab or id==x", true},
	    {"id==x or (tag==lab and(id==gw*))", true},
	    {"id==gw*;tag==lab;site!=''", true},
	    {"id==gw*;tag==lab;site==''", false},
	    {" ( ( id == gw* ) ) ", true},
	    {"id==x,id==y,id==z,id==gw-0042", true},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		if (matches(rows[i].text) != rows[i].holds)
			fail_msg("%s: %s", rows[i].text,
				 rows[i].holds ? "does not hold" : "holds");
	}
}

static void an_order_never_holds_for_what_is_absent(void **state)
{
	static const char *const texts[] = {
	    "version=lt=1", "version=ge=0", "version<=0",	"lastseen=lt=-1h",
	    "name=ge=a",    "lastseen>-1h", "attribute.a=lt=1", "agentversion=ge=0",
	};
	static struct filter f;
	struct err e = ERR_INIT;
	struct device d = {.id = "x"};
	struct attribute odd = {.key = "a", .value = "no version"};
	struct filter_subject s = {.device = &d, .attributes = &odd, .n_attributes = 1};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(texts); i++) {
		OK(filter_parse(texts[i], &f, &e));
		if (filter_match(&f, &s, NOW))
			fail_msg("%s holds", texts[i]);
	}
	OK(filter_parse("version!=1;lastseen==never;group!=x;deployment.state==none",
			&f, &e));
	assert_true(filter_match(&f, &s, NOW));
}

static void what_is_wrong_is_said_with_its_column(void **state)
{
	static const struct {
		const char *text, *begins;
	} rows[] = {
	    {"id", "column 3: one of =="},
	    {"id=x", "column 3: one of =="},
	    {"id==", "column 5: a value is missing"},
	    {"==x", "column 1: a field's name is missing"},
	    {"serial==x", "column 1: there is no field \"serial\""},
	    {"attribute.==x", "column 1: there is no field \"attribute.\""},
	    {"id==x;", "column 7: a field's name is missing"},
	    {"id==x id==y", "column 7: \";\" or \",\""},
	    {"id==x)", "column 6: \";\" or \",\""},
	    {"(id==x", "column 1: the parenthesis does not end"},
	    {"(id==x id==y)", "column 8: \";\", \",\" or \")\""},
	    {"id=='x", "column 5: the quote does not end"},
	    {"id==\"x\\", "column 5: the quote does not end"},
	    {"id=in=x", "column 7: =in= and =out= take values in parentheses"},
	    {"id=in=(x", "column 9: the list needs"},
	    {"id=in=()", "column 8: a value is missing"},
	    {"id==x;state==lost", "column 14: \"lost\" is no state"},
	    {"state=lt=idle", "column 6: state has no order"},
	    {"tag=gt=a", "column 4: tag has no order"},
	    {"tag==''", "column 6: a tag has a name"},
	    {"grade==pro*", "column 8: no \"*\" here"},
	    {"group==a*", "column 8: no \"*\" here"},
	    {"version=lt=2.*", "column 12: no \"*\" here"},
	    {"version=lt='2 0'", "column 12: version has a character"},
	    {"lastseen==-24h", "column 11: a time is compared by"},
	    {"lastseen=lt=never", "column 13: never has no order"},
	    {"lastseen=lt=24h", "column 13: \"24h\" is no time"},
	    {"lastseen=lt=2026-13-01", "column 13: \"2026-13-01\" is no time"},
	    {"lastseen=lt=-99999d", "column 13: more than 100 years"},
	    {"site==z\xc3\xbcrich;x==1", "column 14: there is no field \"x\""},
	    {"id==\xff", "column 5: this is not UTF-8"},
	    {"id==a\x01", "column 6: a control character"},
	    {"id==x and", "column 7: \";\" or \",\""},
	};
	static struct filter f;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		FAILS(filter_parse(rows[i].text, &f, &e), ERR_FORMAT);
		if (strncmp(e.text, rows[i].begins, strlen(rows[i].begins)) != 0)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

/* `n` times `one`, joined. */
static void repeat(char *ret, const char *one, size_t n, const char *joint)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		at += (size_t)sprintf(ret + at, "%s%s", i == 0 ? "" : joint, one);
	}
}

static void each_limit_is_exact(void **state)
{
	static struct filter f;
	static char list[8192], text[8300];
	struct err e = ERR_INIT;

	(void)state;
	repeat(list, "a", FILTER_MAX_VALUES, ",");
	(void)snprintf(text, sizeof(text), "id=in=(%s)", list);
	OK(filter_parse(text, &f, &e));
	assert_int_equal(f.n_values, FILTER_MAX_VALUES);
	(void)snprintf(text, sizeof(text), "id=in=(%s,a)", list);
	FAILS(filter_parse(text, &f, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "column 520: more than 256 values"));

	repeat(text, "id==a", FILTER_MAX_NODES - 1, ";");
	OK(filter_parse(text, &f, &e));
	assert_int_equal(f.n_nodes, FILTER_MAX_NODES);
	repeat(text, "id==a", FILTER_MAX_NODES, ";");
	FAILS(filter_parse(text, &f, &e), ERR_LIMIT);

	(void)snprintf(text, sizeof(text), "%.*sid==a%.*s", (int)FILTER_MAX_DEPTH,
		       "((((((((((((((((((", (int)FILTER_MAX_DEPTH,
		       "))))))))))))))))))");
	OK(filter_parse(text, &f, &e));
	(void)snprintf(text, sizeof(text), "%.*sid==a%.*s", (int)FILTER_MAX_DEPTH + 1,
		       "((((((((((((((((((", (int)FILTER_MAX_DEPTH + 1,
		       "))))))))))))))))))");
	FAILS(filter_parse(text, &f, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "column 18: more than 16 parentheses deep"));

	memset(text, ' ', sizeof(text));
	text[FILTER_TEXT_MAX_LEN] = '\0';
	OK(filter_parse(text, &f, &e));
	text[FILTER_TEXT_MAX_LEN] = ' ';
	text[FILTER_TEXT_MAX_LEN + 1] = '\0';
	FAILS(filter_parse(text, &f, &e), ERR_LIMIT);
}

static void a_value_has_an_exact_longest_length(void **state)
{
	static struct filter f;
	struct err e = ERR_INIT;
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "id==", 4);
	text[4 + ATTRIBUTE_MAX_LEN] = '\0';
	OK(filter_parse(text, &f, &e));
	text[4 + ATTRIBUTE_MAX_LEN] = 'a';
	text[4 + ATTRIBUTE_MAX_LEN + 1] = '\0';
	FAILS(filter_parse(text, &f, &e), ERR_FORMAT);
	assert_string_equal(e.text, "column 5: longer than 128 bytes");
}

static void a_star_stands_for_any_run_of_characters(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
	    {"\x01", "", true},
	    {"\x01", "a", true},
	    {"a\x01", "a", true},
	    {"a\x01", "ba", false},
	    {"\x01"
	     "a",
	     "ba", true},
	    {"\x01"
	     "a",
	     "ab", false},
	    {"a\x01z", "a--z", true},
	    {"a\x01z", "az", true},
	    {"a\x01z", "a", false},
	    {"a\x01m\x01z", "a-m-z", true},
	    {"a\x01m\x01z", "a-z", false},
	    {"\x01\x01", "x", true},
	    {"a\x01"
	     "ab",
	     "aaab", true},
	    {"", "", true},
	    {"", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		assert_int_equal(filter_text_matches(rows[i].pattern, rows[i].text),
				 rows[i].matches);
}

static int note_group(const char *group, uint16_t column, void *ctx)
{
	char *seen = ctx;

	(void)sprintf(seen + strlen(seen), "%s@%u ", group, column);
	return strcmp(group, "stop") == 0 ? -1 : 0;
}

static void the_groups_that_a_filter_names_can_be_listed(void **state)
{
	static struct filter f;
	struct err e = ERR_INIT;
	char seen[100] = "";

	(void)state;
	OK(filter_parse("group==a;(id==x,group=out=(b,c))", &f, &e));
	assert_int_equal(filter_each_group(&f, note_group, seen), 0);
	assert_string_equal(seen, "a@1 b@17 c@17 ");
	OK(filter_parse("group==stop,group==b", &f, &e));
	seen[0] = '\0';
	assert_int_equal(filter_each_group(&f, note_group, seen), -1);
	assert_string_equal(seen, "stop@1 ");
}

static void each_field_has_a_name_that_parses_and_says_what_it_is(void **state)
{
	static struct filter f;
	struct err e = ERR_INIT;
	char text[80];

	(void)state;
	for (int i = 0; i < N_FIELDS; i++) {
		enum filter_field field = (enum filter_field)i;

		OK(text_format(text, sizeof(text), &e,
			       "%s%s=in=(never,true,idle,none,"
			       "proven)",
			       filter_field_name(field),
			       filter_field_kind(field) == FILTER_KEYED ? "k" : ""));
		if (filter_parse(text, &f, &e) == 0)
			assert_int_equal(f.nodes[0].field, field);
		else
			assert_null(strstr(e.text, "field"));
		assert_true(strlen(filter_field_about(field)) > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_field_is_asked_in_its_own_way),
	    cmocka_unit_test(and_binds_closer_than_or_and_parentheses_decide),
	    cmocka_unit_test(an_order_never_holds_for_what_is_absent),
	    cmocka_unit_test(what_is_wrong_is_said_with_its_column),
	    cmocka_unit_test(each_limit_is_exact),
	    cmocka_unit_test(a_value_has_an_exact_longest_length),
	    cmocka_unit_test(a_star_stands_for_any_run_of_characters),
	    cmocka_unit_test(the_groups_that_a_filter_names_can_be_listed),
	    cmocka_unit_test(each_field_has_a_name_that_parses_and_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
