/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is shown of its deployment: rows, no mocks. */
#include "testing.h"

#include "../../server/fleet/handling.h"

#define NOW 1000000

struct row {
	const char *what;
	struct deployment d;
	bool ours;
	enum showing show;
	enum ddi_handling download, update;
	enum ddi_window window;
};

static const struct row rows[] = {
    {"none", {.id = 0}, true, SHOW_NOTHING, DDI_ATTEMPT, DDI_ATTEMPT, DDI_WINDOW_NONE},
    {"soft",
     {.id = 1},
     true,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"forced",
     {.id = 1, .kind = KIND_FORCED},
     false,
     SHOW_DEPLOYMENT,
     DDI_FORCED,
     DDI_FORCED,
     DDI_WINDOW_NONE},
    {"soft for now",
     {.id = 1, .kind = KIND_TIME_FORCED, .force_at = NOW + 1},
     false,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"forced from here on",
     {.id = 1, .kind = KIND_TIME_FORCED, .force_at = NOW},
     false,
     SHOW_DEPLOYMENT,
     DDI_FORCED,
     DDI_FORCED,
     DDI_WINDOW_NONE},
    {"download-only",
     {.id = 1, .kind = KIND_DOWNLOAD_ONLY},
     true,
     SHOW_DEPLOYMENT,
     DDI_FORCED,
     DDI_SKIP,
     DDI_WINDOW_NONE},
    {"ours may fetch before the window opens",
     {.id = 1, .not_before = NOW + 1},
     true,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_SKIP,
     DDI_WINDOW_UNAVAILABLE},
    {"SWUpdate would take skip for done",
     {.id = 1, .not_before = NOW + 1},
     false,
     SHOW_NOTHING,
     DDI_ATTEMPT,
     DDI_SKIP,
     DDI_WINDOW_UNAVAILABLE},
    {"the window is open",
     {.id = 1, .not_before = NOW},
     false,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_AVAILABLE},
    {"consent first",
     {.id = 1, .consent = CONSENT_ASKED},
     true,
     SHOW_CONFIRMATION,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"denied may be thought over",
     {.id = 1, .consent = CONSENT_DENIED},
     true,
     SHOW_CONFIRMATION,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"consented",
     {.id = 1, .consent = CONSENT_GIVEN},
     true,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"cancelling goes before consent",
     {.id = 1, .state = DEPLOYMENT_CANCELLING, .consent = CONSENT_ASKED},
     true,
     SHOW_CANCEL,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"closed",
     {.id = 1, .state = DEPLOYMENT_DOWNLOADED},
     true,
     SHOW_NOTHING,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"frozen, and nobody saw it",
     {.id = 1, .frozen = true},
     true,
     SHOW_NOTHING,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
    {"frozen, and under way",
     {.id = 1, .frozen = true, .offered = true},
     true,
     SHOW_DEPLOYMENT,
     DDI_ATTEMPT,
     DDI_ATTEMPT,
     DDI_WINDOW_NONE},
};

static void a_deployment_is_shown_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct row *r = &rows[i];
		struct handling h;

		handling_of(&r->d, r->ours, NOW, &h);
		if (h.show != r->show || h.download != r->download ||
		    h.update != r->update || h.window != r->window)
			fail_msg("%s: %d %d %d %d", r->what, (int)h.show,
				 (int)h.download, (int)h.update, (int)h.window);
	}
}

static void the_links_query_changes_whenever_what_is_offered_does(void **state)
{
	struct deployment d = {.id = 1, .content = 1, .kind = KIND_TIME_FORCED};
	struct handling h;
	uint64_t seen[4];

	(void)state;
	d.not_before = NOW + 10;
	d.force_at = NOW + 20;
	for (int i = 0; i < 3; i++) {
		handling_of(&d, true, NOW + 10 * i, &h);
		seen[i] = h.content;
	}
	d.content++;
	handling_of(&d, true, NOW, &h);
	seen[3] = h.content;
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < i; k++)
			assert_int_not_equal(seen[i], seen[k]);
	}
}

static void nobody_oversleeps_a_change(void **state)
{
	struct deployment d = {.id = 1, .not_before = NOW + 30000};
	struct handling h;

	(void)state;
	handling_of(&d, false, NOW, &h);
	assert_int_equal(handling_sleep_ms(&h, 300000, NOW), 30000);
	assert_int_equal(handling_sleep_ms(&h, 10000, NOW), 10000);
	handling_of(&d, false, NOW + 29999, &h);
	assert_int_equal(handling_sleep_ms(&h, 300000, NOW + 29999), 1000);
	handling_of(&d, false, NOW + 30000, &h);
	assert_int_equal(handling_sleep_ms(&h, 300000, NOW + 30000), 300000);
}

static void files_are_for_those_who_are_not_ours(void **state)
{
	const struct device ours = {.agent_version = "0.2.0"}, other = {.id = "x"};
	static struct release images = {.n_images = 1}, files = {.n_files = 1},
			      both = {.n_images = 1, .n_files = 1};

	(void)state;
	assert_false(handling_gives_files(&ours, &images));
	assert_false(handling_gives_files(&other, &images));
	assert_false(handling_gives_files(&ours, &both));
	assert_true(handling_gives_files(&other, &both));
	assert_true(handling_gives_files(&other, &files));
	assert_true(handling_gives_files(&ours, &files)); /* which it refuses */
}

static void every_state_has_hawkbits_word(void **state)
{
	(void)state;
	for (int s = 0; s < N_DEPLOYMENT_STATES; s++) {
		const struct deployment d = {.state = (enum deployment_state)s};

		assert_non_null(handling_history_status(&d));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_deployment_is_shown_as_the_table_says),
	    cmocka_unit_test(the_links_query_changes_whenever_what_is_offered_does),
	    cmocka_unit_test(nobody_oversleeps_a_change),
	    cmocka_unit_test(files_are_for_those_who_are_not_ours),
	    cmocka_unit_test(every_state_has_hawkbits_word),
	};

	return cmocka_run_group_tests_name("handling", tests, NULL, NULL);
}
