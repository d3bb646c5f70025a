/* SPDX-License-Identifier: Apache-2.0 */
/* The device API's messages. Each test of a quirk names the client that has it. */
#include "testing.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <stdlib.h>

#define CAP (256u * 1024)

static bool has(const struct buf *b, const char *text)
{
	return strstr(buf_str(b), text) != NULL;
}

/* ---- poll ---- */

static void a_poll_answer_looks_as_clients_expect(void **state)
{
	struct ddi_poll p = {
	    .sleep_ms = 300000,
	    .deployment_base = "https://h/d/controller/v1/c/deploymentBase/100042?c=17",
	    .config_data = "https://h/d/controller/v1/c/configData"};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	OK(ddi_poll_write(&p, &b, &e));
	assert_string_equal(
	    buf_str(&b),
	    "{\"config\":{\"polling\":{\"sleep\":\"00:05:00\"}},\"_links\":{"
	    "\"deploymentBase\":{\"href\":"
	    "\"https://h/d/controller/v1/c/deploymentBase/100042?c=17\"},"
	    "\"configData\":{\"href\":\"https://h/d/controller/v1/c/configData\"}}}");
}

static void a_poll_with_nothing_to_do_has_no_links_but_a_sleep(void **state)
{
	struct ddi_poll p = {0};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	OK(ddi_poll_write(&p, &b, &e));
	assert_string_equal(buf_str(&b),
			    "{\"config\":{\"polling\":{\"sleep\":\"00:00:00\"}},"
			    "\"_links\":{}}");
}

static void sleep_is_hours_minutes_seconds_and_at_most_a_day_less_a_second(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
	    {1, "\"00:00:01\""},
	    {1000, "\"00:00:01\""},
	    {61000, "\"00:01:01\""},
	    {3600000, "\"01:00:00\""},
	    {86399000, "\"23:59:59\""},
	    {86400000, "\"23:59:59\""},
	    {UINT64_MAX / 2, "\"23:59:59\""},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf b = BUF_INIT(CAP);
		struct ddi_poll p = {.sleep_ms = rows[i].ms};

		OK(ddi_poll_write(&p, &b, &e));
		assert_true(has(&b, rows[i].text));
	}
}

static void a_poll_offers_one_thing_at_a_time(void **state)
{
	struct ddi_poll p = {.deployment_base = "https://h/1",
			     .cancel_action = "https://h/2"};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	FAILS(ddi_poll_write(&p, &b, &e), ERR_INTERNAL);
}

static void a_cancel_link_has_no_query_since_clients_append_feedback(void **state)
{
	struct ddi_poll p = {.cancel_action = "https://h/cancelAction/100001?c=1"};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	FAILS(ddi_poll_write(&p, &b, &e), ERR_INTERNAL);
}

static void links_for_foreign_clients_stay_below_300_bytes(void **state)
{
	struct ddi_poll p = {0};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	memset(p.config_data, 'a', 299);
	OK(ddi_poll_write(&p, &b, &e));
	p.config_data[299] = 'a';
	FAILS(ddi_poll_write(&p, &b, &e), ERR_LIMIT);
}

static void what_would_need_an_escape_is_no_link_and_leaves_no_half_answer(void **state)
{
	static const char *const texts[] = {"https://h/\"", "https://h/\\",
					    "https://h/\n", "https://h/a b",
					    "https://h/\xc3\xa4"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(texts); i++) {
		AUTO(buf) struct buf b = BUF_INIT(CAP);
		struct ddi_poll p = {.deployment_base = "https://h/1"};

		strcpy(p.events, texts[i]);
		FAILS(ddi_poll_write(&p, &b, &e), ERR_INTERNAL);
		assert_int_equal(b.len, 0);
	}
}

static void a_poll_answer_survives_the_way_there_and_back(void **state)
{
	struct ddi_poll p = {.sleep_ms = 7000,
			     .cancel_action = "https://h/cancelAction/100001",
			     .installed_base = "https://h/installedBase/100001",
			     .config_data = "https://h/configData",
			     .repository = "https://h/metadata/",
			     .repository_targets = "https://h/targets/",
			     .events = "https://h/events"};
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;
	struct ddi_poll back;

	(void)state;
	OK(ddi_poll_write(&p, &b, &e));
	OK(ddi_poll_parse(b.data, b.len, &back, &e));
	assert_memory_equal(&p, &back, sizeof(p));
}

static void a_hawkbit_answer_with_unknown_members_is_read(void **state)
{
	static const char text[] =
	    "{\"config\":{\"polling\":{\"sleep\":\"00:05:00\",\"x\":1}},\"new\":[],"
	    "\"_links\":{\"confirmationBase\":{\"href\":\"https://h/c\",\"y\":null},"
	    "\"somethingElse\":{\"href\":\"https://h/e\"}}}";
	struct err e = ERR_INIT;
	struct ddi_poll p;

	(void)state;
	OK(ddi_poll_parse(text, strlen(text), &p, &e));
	assert_int_equal(p.sleep_ms, 300000);
	assert_string_equal(p.confirmation_base, "https://h/c");
	assert_string_equal(p.repository, "");
}

static void an_extension_one_must_understand_is_not_used_by_who_does_not(void **state)
{
	static const char text[] =
	    "{\"config\":{},\"_links\":{"
	    "\"ota:repository\":{\"href\":\"https://h/m\",\"must_understand\":1},"
	    "\"ota:events\":{\"href\":\"https://h/e\",\"must_understand\":0}}}";
	struct err e = ERR_INIT;
	struct ddi_poll p;

	(void)state;
	OK(ddi_poll_parse(text, strlen(text), &p, &e));
	assert_string_equal(p.repository, "");
	assert_string_equal(p.events, "https://h/e");
}

static void what_is_no_poll_answer_is_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    "<html><body>Please log in to the hotel's network</body></html>",
	    "[]",
	    "{}",
	    "\"x\"",
	    "{\"config\":{\"polling\":{\"sleep\":\"5m\"}}}",
	    "{\"config\":{\"polling\":{\"sleep\":\"00:60:00\"}}}",
	    "{\"config\":{\"polling\":{\"sleep\":\"24:00:00\"}}}",
	    "{\"config\":{\"polling\":{\"sleep\":\"0:05:00\"}}}",
	    "{\"config\":{\"polling\":{\"sleep\":300}}}",
	    "{\"_links\":[]}",
	    "{\"_links\":{\"configData\":\"https://h\"}}",
	    "{\"_links\":{\"configData\":{\"href\":5}}}",
	};
	struct err e = ERR_INIT;
	struct ddi_poll p;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		FAILS(ddi_poll_parse(rows[i], strlen(rows[i]), &p, &e), ERR_FORMAT);
}

static void a_link_too_long_is_refused_not_cut(void **state)
{
	char text[1024] = "{\"_links\":{\"configData\":{\"href\":\"";
	struct err e = ERR_INIT;
	struct ddi_poll p;
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'a', DDI_URL_LEN);
	strcpy(text + n + DDI_URL_LEN, "\"}}}");
	FAILS(ddi_poll_parse(text, strlen(text), &p, &e), ERR_LIMIT);
}

/* ---- feedback ---- */

static struct ddi_feedback *parse_feedback(const char *text)
{
	struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	OK(ddi_feedback_parse(text, strlen(text), f, &e));
	return f;
}

static void feedback_survives_the_way_there_and_back(void **state)
{
	struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct ddi_feedback *back;
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(f);
	f->execution = DDI_CLOSED;
	f->finished = DDI_SUCCESS;
	f->progress_cnt = 2;
	f->progress_of = 5;
	f->has_code = true;
	f->code = -3;
	strcpy(f->details[0], "health command \"a b\" exited with 1");
	strcpy(f->details[1], "zweite Zeile: \xc3\xbc");
	f->n_details = 2;
	f->proof = (struct ddi_proof){.present = true, .slot = 'B', .counter = 7};
	memset(f->proof.root_hash, 0x11, SHA256_LEN);
	memset(f->proof.boot_id, 0x22, 16);
	strcpy(f->agent_version, "0.1.0");
	strcpy(f->capabilities[0], "full");
	f->n_capabilities = 1;
	f->event_id = 9;
	strcpy(f->delta, "delta/gateway/1.0.0:2.0.0");
	OK(ddi_feedback_write(f, "100042", &b, &e));
	back = parse_feedback(buf_str(&b));
	assert_memory_equal(f, back, sizeof(*f));
	free(f);
	free(back);
}

static void every_execution_has_its_word(void **state)
{
	static const char *const words[] = {"closed",	"proceeding", "scheduled",
					    "resumed",	"download",   "downloaded",
					    "rejected", "canceled"};
	char text[200];

	(void)state;
	for (size_t i = 0; i < N_DDI_EXECUTIONS; i++) {
		struct ddi_feedback *f;

		(void)snprintf(text, sizeof(text),
			       "{\"status\":{\"execution\":\"%s\",\"result\":{"
			       "\"finished\":\"none\"}}}",
			       words[i]);
		f = parse_feedback(text);
		assert_int_equal(f->execution, i);
		assert_string_equal(ddi_execution_name((enum ddi_execution)i),
				    words[i]);
		free(f);
	}
}

static void the_id_in_feedback_may_be_a_number_a_text_or_absent(void **state)
{
	static const char *const rows[] = {
	    "{\"id\":100042,\"status\":{\"execution\":\"closed\",\"result\":{"
	    "\"finished\":\"success\"}}}", /* SWUpdate */
	    "{\"id\":\"100042\",\"time\":\"20140511T121314\",\"status\":{\"execution\":"
	    "\"closed\",\"result\":{\"finished\":\"success\"},\"details\":[\"ok\"]}}",
	    "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
	    "\"success\"}}}", /* Zephyr */
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct ddi_feedback *f = parse_feedback(rows[i]);

		assert_int_equal(f->finished, DDI_SUCCESS);
		assert_false(f->proof.present);
		free(f);
	}
}

static void swupdate_writes_raw_newlines_and_bad_utf8_and_is_understood(void **state)
{
	struct ddi_feedback *f = parse_feedback(
	    "{\"id\":1,\"status\":{\"execution\":\"proceeding\",\"result\":{"
	    "\"finished\":"
	    "\"none\"},\"details\":[\"line one\nline two\", \"bad \xff\xfe byte\"]}}");

	(void)state;
	assert_int_equal(f->n_details, 2);
	assert_non_null(strstr(f->details[0], "line two"));
	assert_non_null(strstr(f->details[1], "byte"));
	free(f);
}

/* Text of a feedback with n details of len times `unit`. */
static void long_feedback(struct buf *b, size_t n, size_t len, const char *unit)
{
	struct err e = ERR_INIT;

	OK(buf_add_str(b,
		       "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
		       "\"failure\"},\"details\":[",
		       &e));
	for (size_t i = 0; i < n; i++) {
		OK(buf_add_str(b, i > 0 ? ",\"" : "\"", &e));
		for (size_t k = 0; k < len; k++)
			OK(buf_add_str(b, unit, &e));
		OK(buf_add_str(b, "\"", &e));
	}
	OK(buf_add_str(b, "]}}", &e));
}

static void too_many_and_too_long_details_are_cut_never_refused(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct ddi_feedback *f;

	(void)state;
	long_feedback(&b, 60, 600, "a");
	f = parse_feedback(buf_str(&b));
	assert_int_equal(f->n_details, DDI_MAX_DETAILS);
	assert_int_equal(strlen(f->details[0]), DDI_TEXT_LEN - 1);
	assert_int_equal(f->finished, DDI_FAILURE);
	free(f);
}

static void a_cut_never_splits_a_character(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct ddi_feedback *f;

	(void)state;
	long_feedback(&b, 1, 300,
		      "\xe2\x82\xac"); /* three bytes each; 511 = 170 * 3 + 1 */
	f = parse_feedback(buf_str(&b));
	assert_int_equal(strlen(f->details[0]), 510);
	free(f);
}

static void details_that_are_one_text_or_no_texts_do_not_matter(void **state)
{
	struct ddi_feedback *f = parse_feedback(
	    "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"none\"},"
	    "\"details\":\"alone\"}}");

	(void)state;
	assert_int_equal(f->n_details, 1);
	assert_string_equal(f->details[0], "alone");
	free(f);
	f = parse_feedback(
	    "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":"
	    "\"none\",\"progress\":{\"cnt\":-1,\"of\":\"x\"}},\"code\":\"7\","
	    "\"details\":[1,null,{\"a\":1},\"text\"]}}");
	assert_int_equal(f->n_details, 1);
	assert_int_equal(f->progress_of, 0);
	assert_false(f->has_code);
	free(f);
}

#define WITH_PROOF(proof)                                                              \
	"{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"success\"}," \
	"\"ota:proof\":" proof "}}"
#define H64 "1111111111111111111111111111111111111111111111111111111111111111"
#define H32 "22222222222222222222222222222222"

static void a_proof_counts_only_if_it_is_whole(void **state)
{
	static const struct {
		const char *text;
		bool present;
	} rows[] = {
	    {WITH_PROOF("{\"rootHash\":\"" H64 "\",\"bootId\":\"" H32
			"\",\"slot\":\"A\",\"counter\":1}"),
	     true},
	    {WITH_PROOF("{\"rootHash\":\"" H64 "\",\"bootId\":\"" H32
			"\",\"slot\":\"A\",\"counter\":1,\"must_understand\":2}"),
	     false},
	    {WITH_PROOF("{\"rootHash\":\"" H64 "\",\"bootId\":\"" H32
			"\",\"slot\":\"AB\",\"counter\":1}"),
	     false},
	    {WITH_PROOF("{\"rootHash\":\"" H64 "\",\"bootId\":\"" H32
			"\",\"slot\":\"A\"}"),
	     false},
	    {WITH_PROOF("{\"rootHash\":\"11\",\"bootId\":\"" H32
			"\",\"slot\":\"A\",\"counter\":1}"),
	     false},
	    {WITH_PROOF("true"), false},
	    {WITH_PROOF("{}"), false},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct ddi_feedback *f = parse_feedback(rows[i].text);

		assert_int_equal(f->proof.present, rows[i].present);
		assert_int_equal(f->finished, DDI_SUCCESS);
		free(f);
	}
}

static void what_is_no_feedback_is_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    "null",
	    "{}",
	    "{\"status\":1}",
	    "{\"status\":{\"execution\":\"closed\"}}",
	    "{\"status\":{\"execution\":\"done\",\"result\":{\"finished\":\"none\"}}}",
	    "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"yes\"}}}",
	    "{\"status\":{\"execution\":\"closed\",\"result\":{}}}",
	};
	struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		FAILS(ddi_feedback_parse(rows[i], strlen(rows[i]), f, &e), ERR_FORMAT);
	free(f);
}

/* ---- configData, cancelAction ---- */

static void attributes_survive_the_way_there_and_back(void **state)
{
	struct ddi_config_data *c = calloc(1, sizeof(*c));
	struct ddi_config_data *back = calloc(1, sizeof(*back));
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(c != NULL && back != NULL);
	c->mode = DDI_REPLACE;
	c->n_attributes = 3;
	strcpy(c->attributes[0].key, "product");
	strcpy(c->attributes[0].value, "gateway");
	strcpy(c->attributes[1].key, "gone");
	c->attributes[1].is_null = true;
	strcpy(c->attributes[2].key, "empty");
	OK(ddi_config_write(c, &b, &e));
	OK(ddi_config_parse(b.data, b.len, back, &e));
	assert_memory_equal(c, back, sizeof(*c));
	free(c);
	free(back);
}

static void swupdates_attributes_are_read_with_the_rest_it_sends(void **state)
{
	static const char text[] =
	    "{\"id\":\"\",\"time\":\"\",\"status\":{\"result\":{\"finished\":"
	    "\"success\"},"
	    "\"execution\":\"closed\",\"details\":[\"\"]},\"data\":{\"hw\":\"r1\","
	    "\"n\":7,\"f\":1.5,\"yes\":true}}";
	struct ddi_config_data *c = calloc(1, sizeof(*c));
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(c);
	OK(ddi_config_parse(text, strlen(text), c, &e));
	assert_int_equal(c->mode, DDI_MERGE);
	assert_int_equal(c->n_attributes, 4);
	assert_string_equal(c->attributes[1].value, "7");
	assert_string_equal(c->attributes[2].value, "1.5");
	assert_string_equal(c->attributes[3].value, "true");
	free(c);
}

static void attributes_have_limits(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct ddi_config_data *c = calloc(1, sizeof(*c));
	char text[400], filler[130];
	struct err e = ERR_INIT;

	(void)state;
	memset(filler, 'k', 129);
	filler[129] = '\0';
	(void)snprintf(text, sizeof(text), "{\"data\":{\"a\":\"%s\"}}", filler + 1);
	OK(ddi_config_parse(text, strlen(text), c, &e));
	(void)snprintf(text, sizeof(text), "{\"data\":{\"a\":\"%s\"}}", filler);
	FAILS(ddi_config_parse(text, strlen(text), c, &e), ERR_LIMIT);
	(void)snprintf(text, sizeof(text), "{\"data\":{\"%s\":\"a\"}}", filler);
	FAILS(ddi_config_parse(text, strlen(text), c, &e), ERR_LIMIT);
	OK(buf_add_str(&b, "{\"data\":{\"k0\":null", &e));
	for (unsigned i = 1; i < 101; i++)
		OK(buf_printf(&b, &e, ",\"k%u\":null", i));
	OK(buf_add_str(&b, "}}", &e));
	FAILS(ddi_config_parse(b.data, b.len, c, &e), ERR_LIMIT);
	free(c);
}

static void what_is_no_config_data_is_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"data\":[]}",
	    "{\"mode\":\"add\",\"data\":{}}",
	    "{\"mode\":1,\"data\":{}}",
	    "{\"data\":{\"a\":{}}}",
	    "{\"data\":{\"\":\"a\"}}",
	    "{\"data\":{\"a\":\"1\",\"a\":\"2\"}}",
	};
	struct ddi_config_data *c = calloc(1, sizeof(*c));
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		FAILS(ddi_config_parse(rows[i], strlen(rows[i]), c, &e), ERR_FORMAT);
	free(c);
}

static void a_cancel_names_the_action_to_stop(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;
	char id[12];

	(void)state;
	OK(ddi_cancel_write("100042", "100041", &b, &e));
	assert_string_equal(
	    buf_str(&b),
	    "{\"id\":\"100042\",\"cancelAction\":{\"stopId\":\"100041\"}}");
	OK(ddi_cancel_parse(b.data, b.len, id, &e));
	assert_string_equal(id, "100041");
	FAILS(ddi_cancel_parse("{\"cancelAction\":{}}", 19, id, &e), ERR_FORMAT);
	FAILS(ddi_cancel_parse("{\"cancelAction\":{\"stopId\":\"x\"}}", 31, id, &e),
	      ERR_FORMAT);
	FAILS(ddi_cancel_parse("<", 1, id, &e), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_poll_answer_looks_as_clients_expect),
	    cmocka_unit_test(a_poll_with_nothing_to_do_has_no_links_but_a_sleep),
	    cmocka_unit_test(
		sleep_is_hours_minutes_seconds_and_at_most_a_day_less_a_second),
	    cmocka_unit_test(a_poll_offers_one_thing_at_a_time),
	    cmocka_unit_test(a_cancel_link_has_no_query_since_clients_append_feedback),
	    cmocka_unit_test(links_for_foreign_clients_stay_below_300_bytes),
	    cmocka_unit_test(
		what_would_need_an_escape_is_no_link_and_leaves_no_half_answer),
	    cmocka_unit_test(a_poll_answer_survives_the_way_there_and_back),
	    cmocka_unit_test(a_hawkbit_answer_with_unknown_members_is_read),
	    cmocka_unit_test(
		an_extension_one_must_understand_is_not_used_by_who_does_not),
	    cmocka_unit_test(what_is_no_poll_answer_is_refused),
	    cmocka_unit_test(a_link_too_long_is_refused_not_cut),
	    cmocka_unit_test(feedback_survives_the_way_there_and_back),
	    cmocka_unit_test(every_execution_has_its_word),
	    cmocka_unit_test(the_id_in_feedback_may_be_a_number_a_text_or_absent),
	    cmocka_unit_test(
		swupdate_writes_raw_newlines_and_bad_utf8_and_is_understood),
	    cmocka_unit_test(too_many_and_too_long_details_are_cut_never_refused),
	    cmocka_unit_test(a_cut_never_splits_a_character),
	    cmocka_unit_test(details_that_are_one_text_or_no_texts_do_not_matter),
	    cmocka_unit_test(a_proof_counts_only_if_it_is_whole),
	    cmocka_unit_test(what_is_no_feedback_is_refused),
	    cmocka_unit_test(attributes_survive_the_way_there_and_back),
	    cmocka_unit_test(swupdates_attributes_are_read_with_the_rest_it_sends),
	    cmocka_unit_test(attributes_have_limits),
	    cmocka_unit_test(what_is_no_config_data_is_refused),
	    cmocka_unit_test(a_cancel_names_the_action_to_stop),
	};

	return cmocka_run_group_tests_name("ddi", tests, NULL, NULL);
}
