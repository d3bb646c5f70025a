/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "../bench/live.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <string.h>

#define BASE "https://h:1/default/controller/v1/meter-001"

static struct live_device a_device(void)
{
	return (struct live_device){.id = "meter-001", .token = "otd_x"};
}

static void expect(const struct live_device *d, const char *start, const char *within)
{
	AUTO(buf) struct buf request = BUF_INIT(8192);
	struct err e = ERR_INIT;

	OK(live_request(d, "127.0.0.1:8443", "default", &request, &e));
	assert_memory_equal(buf_str(&request), start, strlen(start));
	assert_non_null(strstr(buf_str(&request), within));
}

static void answer(struct live_device *d, const char *body)
{
	live_answer(d, 200, body, strlen(body));
}

/* A poll's answer with these links, each a name below _links or NULL. */
static void answer_poll(struct live_device *d, const char *one, const char *two)
{
	struct ddi_poll poll = {.sleep_ms = 300000};
	AUTO(buf) struct buf body = BUF_INIT(8192);
	struct err e = ERR_INIT;
	const char *const asked[] = {one, two};

	for (size_t i = 0; i < N_ELEMS(asked); i++) {
		if (asked[i] == NULL)
			continue;
		if (strcmp(asked[i], "config") == 0)
			strcpy(poll.config_data, BASE "/configData");
		else if (strcmp(asked[i], "deployment") == 0)
			strcpy(poll.deployment_base, BASE "/deploymentBase/100001?c=3");
		else
			strcpy(poll.cancel_action, BASE "/cancelAction/100002");
	}
	OK(ddi_poll_write(&poll, &body, &e));
	live_answer(d, 200, buf_str(&body), body.len);
}

static void answer_offer(struct live_device *d, const char *version, const char *file)
{
	static struct ddi_deployment offer;
	AUTO(buf) struct buf body = BUF_INIT(16384);
	struct err e = ERR_INIT;

	offer = (struct ddi_deployment){.id = "100001",
					.download = DDI_ATTEMPT,
					.update = DDI_ATTEMPT,
					.name = "meter",
					.n_artifacts = 1};
	(void)snprintf(offer.version, sizeof(offer.version), "%s", version);
	strcpy(offer.artifacts[0].filename, "f.txt");
	strcpy(offer.artifacts[0].part, "os");
	strcpy(offer.artifacts[0].download, BASE "/softwaremodules/100001/artifacts/f");
	strcpy(offer.artifacts[0].md5sum, BASE "/softwaremodules/100001/artifacts/f.M");
	offer.artifacts[0].size = strlen(file);
	OK(sha256(file, strlen(file), offer.artifacts[0].sha256, &e));
	OK(ddi_deployment_write(&offer, &body, &e));
	live_answer(d, 200, buf_str(&body), body.len);
}

/* From the poll to the report of how it ended. */
static void walk_to_close(struct live_device *d, const char *version, const char *said,
			  const char *file)
{
	answer_poll(d, "deployment", NULL);
	expect(d, "GET /default/controller/v1/meter-001/deploymentBase/100001?c=3 ",
	       "TargetToken otd_x\r\n");
	answer_offer(d, version, said);
	expect(d,
	       "POST /default/controller/v1/meter-001/deploymentBase/100001/feedback ",
	       "\"download\"");
	answer(d, "");
	expect(
	    d,
	    "GET /default/controller/v1/meter-001/softwaremodules/100001/artifacts/f "
	    "HTTP",
	    "Host: 127.0.0.1:8443\r\n");
	answer(d, file);
	if (d->step == LIVE_CLOSE)
		return;
	expect(d, "POST ", "installing");
	answer(d, "");
	expect(d, "POST ", "rebooting");
	answer(d, "");
	assert_int_equal(d->step, LIVE_CLOSE);
}

static void it_says_what_it_is_then_updates_and_says_what_it_runs(void **state)
{
	static const char file[] = "virtual firmware\nfails=0\n";
	struct live_device d = a_device();
	AUTO_PTR(json) struct json *attributes = json_new_object();
	struct err e = ERR_INIT;

	(void)state;
	OK(json_set(attributes, "version", json_new_text("1.3.0"), &e));
	d.attributes = attributes;
	expect(&d, "GET /default/controller/v1/meter-001 HTTP/1.1\r\n", "otd_x");
	answer_poll(&d, "config", NULL);
	expect(&d, "PUT /default/controller/v1/meter-001/configData ",
	       "\"version\":\"1.3.0\"");
	answer(&d, "");
	assert_int_equal(d.step, LIVE_POLL);
	walk_to_close(&d, "1.5.0", file, file);
	expect(&d, "POST ", "\"finished\":\"success\"");
	answer(&d, "{}");
	assert_int_equal(d.n_updates, 1);
	assert_int_equal(d.n_failures, 0);
	answer_poll(&d, "config", NULL);
	expect(&d, "PUT ", "\"version\":\"1.5.0\"");
}

static void of_a_hundred_devices_as_many_fail_as_the_release_says(void **state)
{
	static const char file[] = "fails=40\nsays=the contactor is stuck\n";
	unsigned failed = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct live_device d = a_device();
		char id[16];

		(void)snprintf(id, sizeof(id), "d-%u", i);
		d.id = id;
		walk_to_close(&d, "5.1.0", file, file);
		if (d.failure[0] == '\0')
			continue;
		assert_string_equal(d.failure, "the contactor is stuck");
		expect(&d, "POST ", "\"finished\":\"failure\"");
		answer(&d, "{}");
		assert_string_equal(d.version, "");
		assert_int_equal(d.n_failures, 1);
		failed++;
	}
	assert_in_range(failed, 340, 460); /* four standard deviations */
}

static void a_file_that_is_not_what_was_announced_is_not_run(void **state)
{
	struct live_device d = a_device();

	(void)state;
	walk_to_close(&d, "1.5.0", "fails=0\n", "fails=1\n");
	expect(&d, "POST ", "the file is not what was announced");
	answer(&d, "{}");
	assert_string_equal(d.version, "");
}

static void a_cancellation_goes_before_an_offer_and_names_its_action(void **state)
{
	struct live_device d = a_device();

	(void)state;
	answer_poll(&d, "config", "cancel");
	assert_int_equal(d.step, LIVE_CONFIG);
	answer(&d, "");
	expect(&d,
	       "POST /default/controller/v1/meter-001/cancelAction/100002/feedback ",
	       "\"100002\"");
	answer(&d, "{}");
	assert_int_equal(d.step, LIVE_POLL);
}

static void after_any_refusal_it_polls_again(void **state)
{
	static const int statuses[] = {0, 401, 404, 410, 429, 503};

	(void)state;
	for (int step = 0; step < N_LIVE_STEPS; step++) {
		for (size_t i = 0; i < N_ELEMS(statuses); i++) {
			struct live_device d = a_device();

			d.step = (enum live_step)step;
			live_answer(&d, statuses[i], "", 0);
			assert_int_equal(d.step, LIVE_POLL);
			assert_int_equal(d.n_updates, 0);
		}
	}
}

static void what_is_no_answer_of_the_device_api_leads_to_nothing(void **state)
{
	struct live_device d = a_device();

	(void)state;
	answer(&d, "<html>");
	assert_int_equal(d.step, LIVE_POLL);
	answer_poll(&d, "deployment", NULL);
	answer(&d, "{}");
	assert_int_equal(d.step, LIVE_POLL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_says_what_it_is_then_updates_and_says_what_it_runs),
	    cmocka_unit_test(of_a_hundred_devices_as_many_fail_as_the_release_says),
	    cmocka_unit_test(a_file_that_is_not_what_was_announced_is_not_run),
	    cmocka_unit_test(a_cancellation_goes_before_an_offer_and_names_its_action),
	    cmocka_unit_test(after_any_refusal_it_polls_again),
	    cmocka_unit_test(what_is_no_answer_of_the_device_api_leads_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
