/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../bench/script.h"

#include <string.h>

static const struct script update = {
    .kind = SCRIPT_UPDATE,
    .host = "127.0.0.1:8443",
    .tenant = "default",
    .prefix = "gw-",
    .seed = "",
    .reports = 1,
    .close = true,
};

static const char poll_with_all[] =
    "{\"config\":{\"polling\":{\"sleep\":\"00:05:00\"}},\"_links\":{"
    "\"configData\":{\"href\":\"https://h:1/default/controller/v1/gw-7/configData\"},"
    "\"deploymentBase\":{\"href\":"
    "\"https://h:1/default/controller/v1/gw-7/deploymentBase/100001?c=3\"}}}";

static void expect(const struct script *s, struct script_device *d, const char *start,
		   const char *within)
{
	AUTO(buf) struct buf request = BUF_INIT(4096);
	struct err e = ERR_INIT;

	OK(script_next(s, d, &request, &e));
	assert_memory_equal(buf_str(&request), start, strlen(start));
	assert_non_null(strstr(buf_str(&request), within));
}

static void answer(const struct script *s, struct script_device *d, int status,
		   const char *body)
{
	script_answer(s, d, status, body, strlen(body));
}

static void an_update_goes_from_the_poll_to_the_poll_after_its_success(void **state)
{
	struct script_device d = {.number = 7};
	AUTO(buf) struct buf request = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	expect(&update, &d, "GET /default/controller/v1/gw-7 HTTP/1.1\r\n",
	       "\r\nHost: 127.0.0.1:8443\r\n");
	answer(&update, &d, 200, poll_with_all);
	expect(&update, &d, "PUT /default/controller/v1/gw-7/configData ", "merge");
	answer(&update, &d, 200, "");
	expect(&update, &d,
	       "GET /default/controller/v1/gw-7/deploymentBase/100001?c=3 ",
	       "Authorization: TargetToken otd_");
	answer(&update, &d, 200, "{}");
	expect(&update, &d,
	       "POST /default/controller/v1/gw-7/deploymentBase/100001/feedback ",
	       "\"proceeding\"");
	answer(&update, &d, 200, "");
	expect(&update, &d, "POST ", "\"closed\",\"result\":{\"finished\":\"success\"");
	answer(&update, &d, 200, "");
	expect(&update, &d, "GET /default/controller/v1/gw-7 ", "Connection: close");
	answer(&update, &d, 200, poll_with_all);
	OK(script_next(&update, &d, &request, &e));
	assert_int_equal(request.len, 0);
	assert_int_equal(d.step, STEP_END);
}

static void without_a_deployment_or_with_a_refusal_an_update_has_failed(void **state)
{
	static const char nothing[] =
	    "{\"config\":{\"polling\":{\"sleep\":\"00:05:00\"}}}";
	AUTO(buf) struct buf request = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	for (int status = 200; status <= 500; status += 300) {
		struct script_device d = {.number = 7};

		expect(&update, &d, "GET ", "");
		answer(&update, &d, status, nothing);
		OK(script_next(&update, &d, &request, &e));
		assert_int_equal(request.len, 0);
		assert_int_equal(d.step, STEP_FAILED);
	}
}

static void a_poll_is_one_request_and_says_whether_it_stays(void **state)
{
	struct script s = update;
	struct script_device d = {.number = 8};
	AUTO(buf) struct buf request = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	s.kind = SCRIPT_POLL;
	expect(&s, &d, "GET ", "Connection: close\r\n");
	s.close = false;
	OK(script_next(&s, &d, &request, &e));
	assert_null(strstr(buf_str(&request), "Connection"));
	answer(&s, &d, 200, "not even JSON");
	assert_int_equal(d.step, STEP_END);
}

/* tests/bench/server.py makes the same in Python. */
static void a_token_depends_on_seed_and_number_alone(void **state)
{
	char token[48], other[48];
	struct err e = ERR_INIT;

	(void)state;
	OK(script_token(&update, 0, token, &e));
	assert_string_equal(token, "otd_"
				   "c7q416lg7PvSwzt0fzdcJmQ7GTykbKYBxCt8OcqIZms");
	OK(script_token(&update, 1, other, &e));
	assert_string_not_equal(token, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		an_update_goes_from_the_poll_to_the_poll_after_its_success),
	    cmocka_unit_test(
		without_a_deployment_or_with_a_refusal_an_update_has_failed),
	    cmocka_unit_test(a_poll_is_one_request_and_says_whether_it_stays),
	    cmocka_unit_test(a_token_depends_on_seed_and_number_alone),
	};

	return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
