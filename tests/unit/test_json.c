/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/json/json.h"

#include "testing.h"

typedef struct json *parser(const void *data, size_t len, struct err *e);

static void refused(parser *parse, const char *text, size_t len)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *j = parse(text, len, &e);

	if (j != NULL)
		fail_msg("accepted: %s", text);
	assert_int_equal(e.code, ERR_FORMAT);
	assert_true(strlen(e.text) > 0);
}

static struct json *accepted(parser *parse, const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = parse(text, strlen(text), &e);

	if (j == NULL)
		fail_msg("%s: %s", text, e.text);
	return j;
}

static void the_strict_profile_refuses_what_could_be_read_two_ways(void **state)
{
	static const char *const rows[] = {
	    "",
	    "{",
	    "{\"a\":1,\"a\":1}",
	    "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
	    "{\"a\":1.0}",
	    "{\"a\":1e3}",
	    "{\"a\":-0.5}",
	    "{\"a\":9007199254740992}",
	    "{\"a\":-9007199254740992}",
	    "{\"a\":99999999999999999999}",
	    "{\"a\":01}",
	    "{\"a\":NaN}",
	    "{\"a\":1}x",
	    "{\"a\":1}{}",
	    "{\"a\":1,}",
	    "{'a':1}",
	    "{\"\xc3\xa4\":1}",
	    "{\"\\u00e4\":1}",
	    "{\"a\\n\":1}",
	    "{\"a\":\"\\u0000\"}",
	    "{\"\\u0000\":1}",
	    "{\"a\":\"\xff\"}",
	    "{\"a\":\"\\ud800\"}",
	    "{\"a\":\"\n\"}",
	    "\xef\xbb\xbf{}",
	    "\"text\"",
	    "1",
	    "[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		refused(json_parse_strict, rows[i], strlen(rows[i]));
}

static void an_embedded_nul_is_refused(void **state)
{
	(void)state;
	refused(json_parse_strict, "{\"a\":\"b\0c\"}", 11);
	refused(json_parse_strict, "{}\0", 3);
	refused(json_parse, "{\"a\":\"b\0c\"}", 11);
}

static void the_strict_profile_takes_its_limits(void **state)
{
	static const char *const rows[] = {
	    "{\"a\":9007199254740991,\"b\":-9007199254740991}",
	    "[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]",
	    " {\"a\" : \"\xc3\xa4 [[[[[[[[[[[[[[[[[[ \\\" {{{{{{{{{{{{\"} \n",
	    "{\"~ !\":[true,false,null,-1]}",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO_PTR(json) struct json *j = accepted(json_parse_strict, rows[i]);

		assert_true(json_len(j) > 0);
	}
}

static void messages_may_have_reals_and_any_keys_but_no_duplicates(void **state)
{
	AUTO_PTR(json)
	struct json *j =
	    accepted(json_parse, "{\"\xc3\xa4\":1.5,\"b\":9223372036854775807}");

	(void)state;
	assert_true(json_number(json_get(j, "\xc3\xa4")) > 1.4);
	assert_true(json_int(json_get(j, "b")) == INT64_MAX);
	refused(json_parse, "{\"a\":1,\"a\":2}", 13);
	refused(json_parse,
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		67);
}

static void a_bomb_of_brackets_is_refused_before_it_is_parsed(void **state)
{
	size_t len = 1 << 20;
	AUTO_FREE char *text = malloc(len);

	(void)state;
	memset(text, '[', len);
	refused(json_parse, text, len);
	refused(json_parse_lenient, text, len);
}

static void feedback_of_real_clients_is_read_leniently(void **state)
{
	AUTO_PTR(json)
	struct json *j = accepted(
	    json_parse_lenient, "{\"d\":[\"line one\nline\ttwo\",\"bad \xff\xc3 end\","
				"\"\xc3\xa4\"],\n\"x\":1}\n");
	const struct json *d = json_get(j, "d");

	(void)state;
	assert_string_equal(json_text(json_at(d, 0)), "line one line two");
	assert_string_equal(json_text(json_at(d, 1)),
			    "bad \xef\xbf\xbd\xef\xbf\xbd end");
	assert_string_equal(json_text(json_at(d, 2)), "\xc3\xa4");
	refused(json_parse_lenient, "{\"a\":1,\"a\":2}", 13);
	refused(json_parse_lenient, "nonsense", 8);
	refused(json_parse_lenient, "", 0);
}

static void bad_utf8_is_replaced_sequence_by_sequence(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
	    {"plain", "plain"},
	    {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
	    {"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},		      /* U+10FFFF */
	    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xf0\x8f\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xe2\x82\xac", "\xe2\x82\xac"},
	    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut */
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO_PTR(json) struct json *j = json_new_text(rows[i].in);

		assert_non_null(j);
		assert_string_equal(json_text(j), rows[i].out);
	}
}

static void check_canonical(const char *text, const char *expected)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *j = accepted(json_parse_strict, text);
	AUTO(buf) struct buf out = BUF_INIT(1000);

	OK(json_write_canonical(j, &out, &e));
	assert_string_equal(buf_str(&out), expected);
}

static void canonical_form_sorts_bytewise_and_escapes_two_characters(void **state)
{
	(void)state;
	check_canonical("{ \"b\" : 1, \"a\" : [ 1 , true, null ] }",
			"{\"a\":[1,true,null],\"b\":1}");
	check_canonical("{\"a b\":1,\"a\":2,\"a-b\":3,\"aB\":4,\"A\":5,\"_\":6}",
			"{\"A\":5,\"_\":6,\"a\":2,\"a b\":1,\"a-b\":3,\"aB\":4}");
	check_canonical("{\"a\":\"q\\\"b\\\\s\\/\"}", "{\"a\":\"q\\\"b\\\\s/\"}");
	check_canonical("{\"a\":\"\\n\\t\\u0001\\u00e4\\u007f\"}",
			"{\"a\":\"\n\t\x01\xc3\xa4\x7f\"}");
	check_canonical("{\"a\":-0,\"b\":-7}", "{\"a\":0,\"b\":-7}");
	check_canonical("{\"a\":{},\"b\":[],\"c\":\"\"}",
			"{\"a\":{},\"b\":[],\"c\":\"\"}");
}

static void a_real_has_no_canonical_form(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *j = accepted(json_parse, "[1,0.5]");
	AUTO(buf) struct buf out = BUF_INIT(100);

	(void)state;
	OK(buf_add_str(&out, "kept", &e));
	FAILS(json_write_canonical(j, &out, &e), ERR_FORMAT);
	assert_string_equal(buf_str(&out), "kept");
}

static void a_text_longer_than_the_buffer_may_be_is_not_half_written(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json)
	struct json *j = accepted(json_parse, "{\"key\":\"0123456789\"}");
	AUTO(buf) struct buf out = BUF_INIT(15);

	(void)state;
	FAILS(json_write(j, &out, &e), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	FAILS(json_write_canonical(j, &out, &e), ERR_LIMIT);
	assert_string_equal(buf_str(&out), "");
}

static void a_missing_or_wrong_field_is_named(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json)
	struct json *j = accepted(
	    json_parse, "{\"t\":\"x\",\"n\":5,\"m\":-1,\"b\":true,\"o\":{},\"l\":[],"
			"\"h\":\"0aFF\",\"z\":null}");
	const char *text = "unchanged";
	uint64_t n = 77;
	bool b = false;
	const struct json *sub = NULL;
	uint8_t raw[2];

	(void)state;
	OK(json_get_text(j, "t", &text, &e));
	assert_string_equal(text, "x");
	OK(json_get_u64(j, "n", &n, &e));
	assert_int_equal(n, 5);
	OK(json_get_bool(j, "b", &b, &e));
	assert_true(b);
	OK(json_get_object(j, "o", &sub, &e));
	OK(json_get_array(j, "l", &sub, &e));
	OK(json_get_hex(j, "h", raw, 2, &e));
	assert_memory_equal(raw, "\x0a\xff", 2);
	FAILS(json_get_u64(j, "size", &n, &e), ERR_FORMAT);
	assert_string_equal(e.text, "field \"size\": missing");
	FAILS(json_get_u64(j, "m", &n, &e), ERR_FORMAT);
	FAILS(json_get_text(j, "n", &text, &e), ERR_FORMAT);
	assert_string_equal(e.text, "field \"n\": not a string");
	FAILS(json_get_bool(j, "n", &b, &e), ERR_FORMAT);
	FAILS(json_get_object(j, "l", &sub, &e), ERR_FORMAT);
	FAILS(json_get_array(j, "o", &sub, &e), ERR_FORMAT);
	FAILS(json_get_hex(j, "h", raw, 1, &e), ERR_FORMAT);
	FAILS(json_get_text(json_get(j, "l"), "t", &text, &e), ERR_FORMAT);
	FAILS(json_get_text(NULL, "t", &text, &e), ERR_FORMAT);
}

static void an_optional_field_may_lack_but_not_lie(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json)
	struct json *j = accepted(json_parse, "{\"t\":1,\"n\":\"x\",\"b\":0}");
	const char *text = "kept";
	uint64_t n = 77;
	bool b = true;

	(void)state;
	OK(json_opt_text(j, "none", &text, &e));
	OK(json_opt_u64(j, "none", &n, &e));
	OK(json_opt_bool(j, "none", &b, &e));
	assert_string_equal(text, "kept");
	assert_int_equal(n, 77);
	assert_true(b);
	FAILS(json_opt_text(j, "t", &text, &e), ERR_FORMAT);
	FAILS(json_opt_u64(j, "n", &n, &e), ERR_FORMAT);
	FAILS(json_opt_bool(j, "b", &b, &e), ERR_FORMAT);
}

static void values_are_built_and_written_in_order(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(json) struct json *j = json_new_object();
	struct json *list = json_new_array();
	AUTO(buf) struct buf out = BUF_INIT(1000);
	AUTO_PTR(json) struct json *copy = NULL;

	(void)state;
	OK(json_append(list, json_new_int(-3), &e));
	OK(json_append(list, json_new_bool(true), &e));
	OK(json_append(list, json_new_null(), &e));
	OK(json_append(list, json_new_number(0.5), &e));
	OK(json_set(j, "z", list, &e));
	OK(json_set(j, "a", json_new_text("t\n"), &e));
	OK(json_set(j, "h", json_new_hex((const uint8_t *)"\x01\xfe", 2), &e));
	copy = json_clone(j);
	json_remove(j, "h");
	OK(json_write(j, &out, &e));
	assert_string_equal(buf_str(&out), "{\"z\":[-3,true,null,0.5],\"a\":\"t\\n\"}");
	assert_string_equal(json_text(json_get(copy, "h")), "01fe");
	FAILS(json_set(j, "x", NULL, &e), ERR_NO_MEMORY);
	FAILS(json_append(NULL, json_new_int(1), &e), ERR_NO_MEMORY);
}

static void an_object_is_walked_in_order(void **state)
{
	AUTO_PTR(json)
	struct json *j = accepted(json_parse, "{\"z\":1,\"a\":2,\"m\":3}");
	char keys[4] = "";
	size_t n = 0;

	(void)state;
	for (void *it = json_first(j); it != NULL; it = json_next(j, it)) {
		assert_int_equal(json_int(json_value(it)), n + 1);
		keys[n++] = json_key(it)[0];
	}
	assert_string_equal(keys, "zam");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_strict_profile_refuses_what_could_be_read_two_ways),
	    cmocka_unit_test(an_embedded_nul_is_refused),
	    cmocka_unit_test(the_strict_profile_takes_its_limits),
	    cmocka_unit_test(messages_may_have_reals_and_any_keys_but_no_duplicates),
	    cmocka_unit_test(a_bomb_of_brackets_is_refused_before_it_is_parsed),
	    cmocka_unit_test(feedback_of_real_clients_is_read_leniently),
	    cmocka_unit_test(bad_utf8_is_replaced_sequence_by_sequence),
	    cmocka_unit_test(canonical_form_sorts_bytewise_and_escapes_two_characters),
	    cmocka_unit_test(a_real_has_no_canonical_form),
	    cmocka_unit_test(a_text_longer_than_the_buffer_may_be_is_not_half_written),
	    cmocka_unit_test(a_missing_or_wrong_field_is_named),
	    cmocka_unit_test(an_optional_field_may_lack_but_not_lie),
	    cmocka_unit_test(values_are_built_and_written_in_order),
	    cmocka_unit_test(an_object_is_walked_in_order),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
