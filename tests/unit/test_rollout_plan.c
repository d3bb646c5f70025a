/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is read, what is refused and in which words. */
#include "testing.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../server/rollout/plan.h"

#include <stdio.h>
#include <stdlib.h>

#define CAP (256u * 1024)
#define REST "\"name\":\"n\",\"release\":\"0123456789abcdef\",\"selection\":\"\""

static int read_plan(const char *text, struct rollout_plan *ret, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_parse(text, strlen(text), e);

	if (j == NULL)
		fail_msg("%s: %s", text, e->text);
	return plan_read(j, ret, e);
}

static void the_shortest_plan_has_the_defaults_that_are_documented(void **state)
{
	static struct rollout_plan p;
	struct err e = ERR_INIT;

	(void)state;
	OK(read_plan("{" REST "}", &p, &e));
	assert_string_equal(p.name, "n");
	assert_string_equal(p.release, "0123456789abcdef");
	assert_int_equal(p.n_waves, 1);
	assert_int_equal(p.waves[0].by, WAVE_BY_PERCENT);
	assert_int_equal(p.waves[0].percent_bp, PLAN_ALL_BP);
	assert_int_equal(p.waves[0].success_bp, 9500);
	assert_int_equal(p.waves[0].error_bp, 500);
	assert_int_equal(p.waves[0].min_finished, 10);
	assert_int_equal(p.waves[0].deadline_ms, 86400000);
	assert_int_equal(p.waves[0].soak_ms, 0);
	assert_false(p.waves[0].needs_approval);
	assert_int_equal(p.accepts, GRADE_PROVEN);
	assert_int_equal(p.type, KIND_SOFT);
	assert_int_equal(p.start_at, 0);
	assert_string_equal(p.seed, "");
	assert_int_equal(p.late_joiners, LATE_STAY_OUT);
	assert_int_equal(p.limits.in_flight, 0);
	assert_int_equal(p.priority, 50);
	assert_int_equal(p.windows.n_windows, 0);
	assert_false(p.needs_consent);
	assert_true(p.gate.on);
	assert_int_equal(p.gate.alpha_bp, 100);
	assert_int_equal(p.gate.baseline_bp, 100);
	assert_int_equal(p.gate.tolerated_bp, 0);
	assert_int_equal(p.approvals, 0);
	assert_int_equal(p.delta_wait_ms, 0);
}

/* Every field, none at its default: also the example of docs/API.md. */
static const char full[] =
    "{\"name\":\"gateway 2.1\",\"release\":\"0123456789abcdef\","
    "\"selection\":\"product==gateway;tag==field\",\"accepts\":\"reported\","
    "\"type\":\"time-forced\",\"force_at\":1735689600000,\"start_at\":1733011200000,"
    "\"seed\":\"spring\",\"stratify_by\":\"site\",\"late_joiners\":\"last-wave\","
    "\"priority\":70,\"needs_consent\":true,\"delta_wait_ms\":60000,\"approvals\":2,"
    "\"waves\":[{\"filter\":\"tag==lab\",\"success_percent\":100,\"error_percent\":0,"
    "\"min_finished\":1,\"deadline_ms\":172800000,\"soak_ms\":3600000,"
    "\"needs_approval\":true},{\"count\":50,\"success_percent\":99.5,"
    "\"error_percent\":0.07,\"min_finished\":20,\"deadline_ms\":172800000,"
    "\"soak_ms\":0,\"needs_approval\":false},{\"percent\":12.25,\"success_percent\":90,"
    "\"error_percent\":10,\"min_finished\":20,\"deadline_ms\":172800000,"
    "\"soak_ms\":0,\"needs_approval\":false}],"
    "\"limits\":{\"in_flight\":500,\"per_site\":2,\"egress_bytes_per_s\":10485760},"
    "\"gate\":{\"alpha_percent\":0.5,\"baseline_percent\":1.25,"
    "\"tolerated_percent\":0.75},"
    "\"windows\":{\"open\":[{\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],"
    "\"from\":\"22:00\",\"to\":\"04:00\"},{\"days\":[\"sat\",\"sun\"],"
    "\"from\":\"00:00\",\"to\":\"00:00\"}],\"zone\":\"Europe/Berlin\","
    "\"zone_attribute\":\"timezone\"}}";

static void a_plan_is_written_as_it_was_read(void **state)
{
	static struct rollout_plan p, again;
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	AUTO_PTR(json) struct json *j = NULL;
	struct err e = ERR_INIT;

	(void)state;
	OK(read_plan(full, &p, &e));
	assert_int_equal(p.waves[0].by, WAVE_BY_FILTER);
	assert_int_equal(p.waves[1].by, WAVE_BY_COUNT);
	assert_int_equal(p.waves[1].error_bp, 7);
	assert_int_equal(p.waves[2].percent_bp, 1225);
	j = plan_write(&p, &e);
	OK(json_write(j, &b, &e));
	assert_string_equal(buf_str(&b), full);
	OK(read_plan(buf_str(&b), &again, &e));
	assert_memory_equal(&p, &again, sizeof(p));
}

static void the_defaults_come_back_as_they_were_written_out(void **state)
{
	static const char *const texts[] = {"{" REST "}", "{" REST ",\"gate\":null}"};
	static struct rollout_plan p, again;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(texts); i++) {
		AUTO(buf) struct buf b = BUF_INIT(CAP);
		AUTO_PTR(json) struct json *j = NULL;

		OK(read_plan(texts[i], &p, &e));
		assert_int_equal(p.gate.on, i == 0);
		j = plan_write(&p, &e);
		OK(json_write(j, &b, &e));
		OK(read_plan(buf_str(&b), &again, &e));
		assert_memory_equal(&p, &again, sizeof(p));
	}
}

/* Every hundredth of a percent survives being a binary fraction. */
static void every_share_comes_back_as_it_was(void **state)
{
	static struct rollout_plan p, again;
	struct err e = ERR_INIT;

	(void)state;
	OK(read_plan("{" REST "}", &p, &e));
	for (uint32_t bp = 1; bp <= PLAN_ALL_BP; bp += bp < 300 ? 1 : 37) {
		AUTO(buf) struct buf b = BUF_INIT(CAP);
		AUTO_PTR(json) struct json *j = NULL;

		p.waves[0].success_bp = bp;
		j = plan_write(&p, &e);
		OK(json_write(j, &b, &e));
		OK(read_plan(buf_str(&b), &again, &e));
		assert_int_equal(again.waves[0].success_bp, bp);
	}
}

/* The first block in docs/API.md that begins with a plan's name. */
static void the_example_of_the_documentation_is_a_plan(void **state)
{
	static struct rollout_plan p;
	AUTO(buf) struct buf doc = BUF_INIT(1024u * 1024);
	const char *docs = getenv("OTA_TEST_DOCS"), *begin;
	AUTO_FREE char *text = NULL;
	char path[512];
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(docs);
	OK(text_format(path, sizeof(path), &e, "%s/API.md", docs));
	OK(file_read(path, &doc, &e));
	begin = strstr(buf_str(&doc), "```\n{\"name\":\"gateway 2.1\"");
	assert_non_null(begin);
	begin += 4;
	text = strndup(begin, (size_t)(strstr(begin, "\n```") - begin));
	OK(read_plan(text, &p, &e));
	assert_int_equal(p.n_waves, 4);
}

#define WAVE(text) "{" REST ",\"waves\":[" text "]}"
#define FIELD(text) "{" REST "," text "}"

static const struct {
	const char *text, *error;
} bad[] = {
    {"[]", "the body: must be an object"},
    {"{}", "name: is missing"},
    {"{\"name\":\"n\",\"selection\":\"\"}", "release: is missing"},
    {"{\"name\":\"n\",\"release\":\"0123456789abcdef\"}", "selection: is missing"},
    {"{\"name\":\"\",\"release\":\"0123456789abcdef\",\"selection\":\"\"}",
     "name: must be given, not empty"},
    {"{\"name\":1,\"release\":\"0123456789abcdef\",\"selection\":\"\"}",
     "name: must be a text"},
    {"{\"name\":\"a\\nb\",\"release\":\"0123456789abcdef\",\"selection\":\"\"}",
     "name: must be without control characters"},
    {"{\"name\":\"01234567890123456789012345678901234567890123456789012345678901234\","
     "\"release\":\"0123456789abcdef\",\"selection\":\"\"}",
     "name: has 65 bytes, at most 64 are allowed"},
    {"{\"name\":\"n\",\"release\":\"0123456789abcde\",\"selection\":\"\"}",
     "release: must be 16 hexadecimal digits"},
    {"{\"name\":\"n\",\"release\":\"0123456789abcdeg\",\"selection\":\"\"}",
     "release: must be 16 hexadecimal digits"},
    {FIELD("\"wave\":[]"), "wave: there is no such field"},
    {FIELD("\"accepts\":\"unknown\""), "accepts: must be reported or proven"},
    {FIELD("\"accepts\":2"), "accepts: must be reported or proven"},
    {FIELD("\"type\":\"hard\""),
     "type: must be soft, forced, time-forced or download-only"},
    {FIELD("\"type\":\"time-forced\""),
     "force_at: is missing; a time-forced rollout needs it"},
    {FIELD("\"force_at\":5"), "force_at: is for type time-forced, and this is soft"},
    {FIELD("\"type\":\"time-forced\",\"force_at\":5,\"start_at\":6"),
     "force_at: must not be before start_at"},
    {FIELD("\"start_at\":-1"),
     "start_at: must be an integer from 1 to 4503599627370496"},
    {FIELD("\"start_at\":1.5"),
     "start_at: must be an integer from 1 to 4503599627370496"},
    {FIELD("\"start_at\":\"now\""),
     "start_at: must be an integer from 1 to 4503599627370496"},
    {FIELD("\"stratify_by\":\"colour\""), "stratify_by: must be site or attribute.KEY"},
    {FIELD("\"stratify_by\":\"attribute.\""),
     "stratify_by: must be site or attribute.KEY"},
    {FIELD("\"late_joiners\":\"first-wave\""),
     "late_joiners: must be stay-out or last-wave"},
    {FIELD("\"priority\":101"), "priority: must be an integer from 0 to 100"},
    {FIELD("\"needs_consent\":1"), "needs_consent: must be true or false"},
    {FIELD("\"delta_wait_ms\":-1"),
     "delta_wait_ms: must be an integer from 0 to 31622400000"},
    {FIELD("\"approvals\":6"), "approvals: must be an integer from 0 to 5"},
    {FIELD("\"limits\":{\"in_flight\":0}"),
     "limits.in_flight: must be an integer from 1 to 10000000"},
    {FIELD("\"limits\":{\"egress_bytes_per_s\":1}"),
     "limits.egress_bytes_per_s: must be an integer from 1024 to 4503599627370496"},
    {FIELD("\"limits\":5"), "limits: must be an object"},
    {FIELD("\"limits\":{\"bytes\":5}"), "limits.bytes: there is no such field"},
    {FIELD("\"gate\":{\"alpha_percent\":0}"),
     "gate.alpha_percent: must be a percentage from 0.01 % to 20 % with at most two "
     "decimals"},
    {FIELD("\"gate\":{\"alpha_percent\":0.005}"),
     "gate.alpha_percent: must be a percentage from 0.01 % to 20 % with at most two "
     "decimals"},
    {FIELD("\"gate\":{\"baseline_percent\":0}"),
     "gate.baseline_percent: together with tolerated_percent must be from 0.01 to 50"},
    {FIELD("\"gate\":{\"baseline_percent\":30,\"tolerated_percent\":20.01}"),
     "gate.baseline_percent: together with tolerated_percent must be from 0.01 to 50"},
    {FIELD("\"gate\":true"), "gate: must be an object"},
    {FIELD("\"waves\":{}"), "waves: must be a list of 1 to 16 waves"},
    {FIELD("\"waves\":[]"), "waves: must be a list of 1 to 16 waves"},
    {WAVE("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}"),
     "waves: must be a list of 1 to 16 waves"},
    {WAVE("1"), "waves[0]: must be an object"},
    {WAVE("{}"), "waves[0].count: a wave has exactly one of count, percent and filter"},
    {WAVE("{\"count\":1,\"percent\":1}"),
     "waves[0].count: a wave has exactly one of count, percent and filter"},
    {WAVE("{\"count\":0}"), "waves[0].count: must be an integer from 1 to 10000000"},
    {WAVE("{\"percent\":0}"),
     "waves[0].percent: must be a percentage from 0.01 % to 100 % with at most two "
     "decimals"},
    {WAVE("{\"percent\":1},{\"percent\":100.01}"),
     "waves[1].percent: must be a percentage from 0.01 % to 100 % with at most two "
     "decimals"},
    {WAVE("{\"percent\":\"5\"}"),
     "waves[0].percent: must be a percentage from 0.01 % to 100 % with at most two "
     "decimals"},
    {WAVE("{\"percent\":100},{\"percent\":50}"),
     "waves[1]: nothing is left for it, since waves[0] takes 100 %"},
    {WAVE("{\"percent\":5,\"success_percent\":0}"),
     "waves[0].success_percent: must be a percentage from 0.01 % to 100 % with at most "
     "two decimals"},
    {WAVE("{\"percent\":5,\"error_percent\":101}"),
     "waves[0].error_percent: must be a percentage from 0 % to 100 % with at most two "
     "decimals"},
    {WAVE("{\"percent\":5,\"min_finished\":0}"),
     "waves[0].min_finished: must be an integer from 1 to 10000000"},
    {WAVE("{\"percent\":5,\"deadline_ms\":999}"),
     "waves[0].deadline_ms: must be an integer from 1000 to 31622400000"},
    {WAVE("{\"percent\":5,\"soak_ms\":-1}"),
     "waves[0].soak_ms: must be an integer from 0 to 31622400000"},
    {FIELD("\"windows\":{\"zone\":\"UTC\",\"open\":[{\"days\":[\"mon\"],\"from\":"
	   "\"02:00\",\"to\":\"04:00\"}]}"),
     "waves[0].deadline_ms: must be more than 597600000, the longest time between two "
     "windows"},
    {FIELD("\"windows\":{\"open\":[]}"), "windows.zone: is missing"},
};

static void a_plan_that_is_wrong_is_refused_in_one_sentence_with_its_field(void **state)
{
	static struct rollout_plan p;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++) {
		FAILS(read_plan(bad[i].text, &p, &e), ERR_FORMAT);
		if (strcmp(e.text, bad[i].error) != 0)
			fail_msg("%s: %s", bad[i].text, e.text);
	}
}

static void a_filter_that_is_none_is_refused_with_its_field_and_column(void **state)
{
	static struct rollout_plan p;
	struct err e = ERR_INIT;

	(void)state;
	FAILS(read_plan("{\"name\":\"n\",\"release\":\"0123456789abcdef\","
			"\"selection\":\"product=gateway\"}",
			&p, &e),
	      ERR_FORMAT);
	assert_memory_equal(e.text, "selection: column ", 18);
	FAILS(read_plan(WAVE("{\"count\":5},{\"filter\":\"colour==red\"}"), &p, &e),
	      ERR_FORMAT);
	assert_memory_equal(e.text, "waves[1].filter: column ", 24);
}

static void shares_are_said_with_the_decimals_they_have(void **state)
{
	static const struct {
		uint64_t bp;
		const char *text;
	} rows[] = {{0, "0 %"},	    {1, "0.01 %"},     {10, "0.1 %"},	{100, "1 %"},
		    {250, "2.5 %"}, {9999, "99.99 %"}, {10000, "100 %"}};
	char text[SHARE_TEXT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		share_format(rows[i].bp, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shortest_plan_has_the_defaults_that_are_documented),
	    cmocka_unit_test(a_plan_is_written_as_it_was_read),
	    cmocka_unit_test(the_defaults_come_back_as_they_were_written_out),
	    cmocka_unit_test(every_share_comes_back_as_it_was),
	    cmocka_unit_test(the_example_of_the_documentation_is_a_plan),
	    cmocka_unit_test(
		a_plan_that_is_wrong_is_refused_in_one_sentence_with_its_field),
	    cmocka_unit_test(
		a_filter_that_is_none_is_refused_with_its_field_and_column),
	    cmocka_unit_test(shares_are_said_with_the_decimals_they_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
