/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../../server/fleet/render.h"

static void write_text(struct json *taken, struct buf *ret)
{
	AUTO_PTR(json) struct json *j = taken;
	struct err e = ERR_INIT;

	assert_non_null(j);
	OK(json_write(j, ret, &e));
}

static const struct attribute reported[] = {
    {.key = "slot.a.state", .value = "GOOD"},
    {.key = "slot.a.version", .value = "1.0"},
    {.key = "slot.b.state", .value = "TRYING"},
    {.key = "slot.b.tries", .value = "2"},
    {.key = "slot.b.root_hash", .value = "ab"},
    {.key = "slot.booted", .value = "B"},
};

static void slots_are_drawn_from_what_the_device_says(void **state)
{
	char text[SLOTS_TEXT_MAX_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	OK(render_slots(reported, N_ELEMS(reported), text, &e));
	assert_string_equal(
	    text, "[{\"name\":\"A\",\"state\":\"GOOD\",\"version\":\"1.0\",\"tries\":0,"
		  "\"reason\":null,\"booted\":false,\"root_hash\":null},"
		  "{\"name\":\"B\",\"state\":\"TRYING\",\"version\":null,\"tries\":2,"
		  "\"reason\":null,\"booted\":true,\"root_hash\":\"ab\"}]");
	OK(render_slots(reported, 2, text, &e));
	assert_string_equal(text, "");
}

static void values_of_full_length_fit_the_slots(void **state)
{
	struct attribute all[13];
	static const char *const fields[] = {"state", "version", "tries", "reason",
					     "root_hash"};
	char text[SLOTS_TEXT_MAX_LEN + 1];
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)state;
	for (char slot = 'a'; slot <= 'b'; slot++) {
		for (size_t i = 0; i < N_ELEMS(fields); i++, n++) {
			all[n] = (struct attribute){.remove = false};
			snprintf(all[n].key, sizeof(all[n].key), "slot.%c.%s", slot,
				 fields[i]);
			memset(all[n].value, 'x', ATTRIBUTE_MAX_LEN);
		}
	}
	OK(render_slots(all, n, text, &e));
	assert_true(strlen(text) > 1000);
}

static void a_device_without_hashes_keeps_its_slots(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	struct device d = {.id = "gw-1", .created_at = 5};
	struct err e = ERR_INIT;

	(void)state;
	OK(render_slots(reported, N_ELEMS(reported), d.slots, &e));
	write_text(render_device(&d, NULL, false, &e), &text);
	assert_null(strstr(buf_str(&text), "root_hash"));
	assert_non_null(strstr(buf_str(&text), "\"state\":\"TRYING\""));
	assert_non_null(
	    strstr(buf_str(&text), "\"grade\":\"unknown\",\"state\":\"idle\""));
	assert_non_null(strstr(buf_str(&text), "\"seen_at\":null"));
	assert_non_null(strstr(buf_str(&text), "\"deployment\":null"));
	buf_clear(&text);
	write_text(render_device(&d, NULL, true, &e), &text);
	assert_non_null(strstr(buf_str(&text), "root_hash"));
}

static void a_deployment_shows_its_proof(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	struct deployment d = {.id = 100001,
			       .device = "gw-1",
			       .state = DEPLOYMENT_CONFIRMED,
			       .proof = {.present = true, .slot = 'B', .counter = 9}};
	struct err e = ERR_INIT;

	(void)state;
	write_text(render_deployment(&d, &e), &text);
	assert_non_null(strstr(buf_str(&text), "\"id\":\"100001\""));
	assert_non_null(strstr(buf_str(&text), "\"slot\":\"B\",\"counter\":9"));
	d.proof.present = false;
	buf_clear(&text);
	write_text(render_deployment(&d, &e), &text);
	assert_non_null(strstr(buf_str(&text), "\"proof\":null"));
}

static void details_come_back_as_lines(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	const struct status s = {.at = 1,
				 .execution = "closed",
				 .finished = "failure",
				 .details = "one\n\ntwo"};
	struct err e = ERR_INIT;

	(void)state;
	write_text(render_statuses(&s, 1, &e), &text);
	assert_string_equal(
	    buf_str(&text),
	    "[{\"at\":1,\"execution\":\"closed\",\"finished\":\"failure\","
	    "\"details\":[\"one\",\"\",\"two\"]}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slots_are_drawn_from_what_the_device_says),
	    cmocka_unit_test(values_of_full_length_fit_the_slots),
	    cmocka_unit_test(a_device_without_hashes_keeps_its_slots),
	    cmocka_unit_test(a_deployment_shows_its_proof),
	    cmocka_unit_test(details_come_back_as_lines),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
