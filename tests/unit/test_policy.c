/* SPDX-License-Identifier: Apache-2.0 */
/* What reports make of a deployment: rows, no mocks. */
#include "testing.h"

#include "../../server/fleet/policy.h"

enum proof_kind { NO_PROOF, RIGHT_PROOF, WRONG_PROOF };

struct row {
	const char *what;
	enum deployment_state from;
	enum ddi_execution execution;
	enum ddi_finished finished;
	enum proof_kind proof;
	bool ours;
	uint32_t event;
	enum deployment_state to;
	enum grade grade;
	bool sets_version;
	enum device_state device;
};

#define A DEPLOYMENT_ASSIGNED
#define D DEPLOYMENT_DOWNLOADING
#define I DEPLOYMENT_INSTALLING
#define R DEPLOYMENT_REBOOTING
#define X DEPLOYMENT_CANCELLING
#define OK_ DEPLOYMENT_CONFIRMED
#define BAD DEPLOYMENT_FAILED
#define BACK DEPLOYMENT_ROLLED_BACK

static const struct row rows[] = {
    {"our agent proves what it boots", R, DDI_CLOSED, DDI_SUCCESS, RIGHT_PROOF, true, 0,
     OK_, GRADE_PROVEN, true, DEVICE_IDLE},
    {"a proof counts whoever brings it", R, DDI_CLOSED, DDI_SUCCESS, RIGHT_PROOF, false,
     0, OK_, GRADE_PROVEN, true, DEVICE_IDLE},
    {"finished none is an end as well", R, DDI_CLOSED, DDI_NONE, RIGHT_PROOF, true, 0,
     OK_, GRADE_PROVEN, true, DEVICE_IDLE},
    {"a report that skips the steps between", A, DDI_CLOSED, DDI_SUCCESS, RIGHT_PROOF,
     true, 0, OK_, GRADE_PROVEN, true, DEVICE_IDLE},
    {"another root is no success", R, DDI_CLOSED, DDI_SUCCESS, WRONG_PROOF, true, 0,
     BAD, GRADE_UNKNOWN, false, DEVICE_FAILED},
    {"nor is it from a foreign client", R, DDI_CLOSED, DDI_SUCCESS, WRONG_PROOF, false,
     0, BAD, GRADE_UNKNOWN, false, DEVICE_FAILED},
    {"our agent without a proof is not believed", R, DDI_CLOSED, DDI_SUCCESS, NO_PROOF,
     true, 0, BAD, GRADE_UNKNOWN, false, DEVICE_FAILED},
    {"a foreign client's word is its word", I, DDI_CLOSED, DDI_SUCCESS, NO_PROOF, false,
     0, OK_, GRADE_REPORTED, true, DEVICE_IDLE},
    {"failure before the switch", I, DDI_CLOSED, DDI_FAILURE, NO_PROOF, true, 0, BAD,
     GRADE_UNKNOWN, false, DEVICE_FAILED},
    {"failure after the switch is a way back", R, DDI_CLOSED, DDI_FAILURE, NO_PROOF,
     true, 0, BACK, GRADE_UNKNOWN, false, DEVICE_ROLLED_BACK},
    {"a slot's event tells of a way back too", I, DDI_CLOSED, DDI_FAILURE, NO_PROOF,
     true, 7, BACK, GRADE_UNKNOWN, false, DEVICE_ROLLED_BACK},
    {"failure with the right proof stays a failure", R, DDI_CLOSED, DDI_FAILURE,
     RIGHT_PROOF, true, 0, BACK, GRADE_UNKNOWN, false, DEVICE_ROLLED_BACK},
    {"download", A, DDI_DOWNLOAD, DDI_NONE, NO_PROOF, true, 0, D, GRADE_UNKNOWN, false,
     DEVICE_UPDATING},
    {"downloaded", D, DDI_DOWNLOADED, DDI_NONE, NO_PROOF, true, 0, I, GRADE_UNKNOWN,
     false, DEVICE_UPDATING},
    {"proceeding", A, DDI_PROCEEDING, DDI_NONE, NO_PROOF, false, 0, I, GRADE_UNKNOWN,
     false, DEVICE_UPDATING},
    {"resumed", D, DDI_RESUMED, DDI_NONE, NO_PROOF, true, 0, I, GRADE_UNKNOWN, false,
     DEVICE_UPDATING},
    {"scheduled: armed, about to reboot", I, DDI_SCHEDULED, DDI_NONE, NO_PROOF, true, 0,
     R, GRADE_UNKNOWN, false, DEVICE_UPDATING},
    {"rejected stays open", D, DDI_REJECTED, DDI_NONE, NO_PROOF, true, 0, D,
     GRADE_UNKNOWN, false, DEVICE_IDLE},
    {"canceled stays open", D, DDI_CANCELED, DDI_NONE, NO_PROOF, true, 0, D,
     GRADE_UNKNOWN, false, DEVICE_IDLE},
    {"late progress while cancelling", X, DDI_PROCEEDING, DDI_NONE, NO_PROOF, true, 0,
     X, GRADE_UNKNOWN, false, DEVICE_IDLE},
    {"the truth wins over a cancel", X, DDI_CLOSED, DDI_SUCCESS, RIGHT_PROOF, true, 0,
     OK_, GRADE_PROVEN, true, DEVICE_IDLE},
    {"failure while cancelling", X, DDI_CLOSED, DDI_FAILURE, NO_PROOF, true, 0, BAD,
     GRADE_UNKNOWN, false, DEVICE_FAILED},
};

static const uint8_t want[SHA256_LEN] = {0xaa, 1, 2};

static void fill(struct ddi_feedback *f, enum ddi_execution x, enum ddi_finished fin)
{
	memset(f, 0, sizeof(*f));
	f->execution = x;
	f->finished = fin;
}

static void a_report_moves_a_deployment_as_the_table_says(void **state)
{
	static struct ddi_feedback f;
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		const struct row *r = &rows[i];
		const struct deployment d = {.id = 100001, .state = r->from};

		fill(&f, r->execution, r->finished);
		f.event_id = r->event;
		f.proof.present = r->proof != NO_PROOF;
		memcpy(f.proof.root_hash, want, sizeof(want));
		f.proof.root_hash[31] = r->proof == WRONG_PROOF;
		strcpy(f.agent_version, r->ours ? "0.1.0" : "");
		OK(policy_feedback(&d, want, &f, &v, &e));
		if (v.state != r->to || v.sets_version != r->sets_version ||
		    (v.state == OK_ && v.grade != r->grade) ||
		    (v.sets_device_state && v.device_state != r->device) ||
		    v.sets_device_state != (r->from != r->to))
			fail_msg("%s: became %s", r->what,
				 deployment_state_name(v.state));
	}
}

static void a_download_only_deployment_ends_with_its_download(void **state)
{
	static const struct {
		const char *what;
		enum deployment_state from;
		enum ddi_execution execution;
		enum ddi_finished finished;
		enum proof_kind proof;
		bool ours;
		enum deployment_state to;
	} table[] = {
	    {"downloaded ends it", D, DDI_DOWNLOADED, DDI_NONE, NO_PROOF, true,
	     DEPLOYMENT_DOWNLOADED},
	    {"whoever says it", D, DDI_DOWNLOADED, DDI_NONE, NO_PROOF, false,
	     DEPLOYMENT_DOWNLOADED},
	    {"success after a download", D, DDI_CLOSED, DDI_SUCCESS, NO_PROOF, false,
	     DEPLOYMENT_DOWNLOADED},
	    {"SWUpdate takes skip for installed", A, DDI_CLOSED, DDI_SUCCESS, NO_PROOF,
	     false, BAD},
	    {"another root: the old one runs, as it should", D, DDI_CLOSED, DDI_SUCCESS,
	     WRONG_PROOF, true, DEPLOYMENT_DOWNLOADED},
	    {"it runs already", A, DDI_CLOSED, DDI_SUCCESS, RIGHT_PROOF, true, OK_},
	    {"failure", D, DDI_CLOSED, DDI_FAILURE, NO_PROOF, true, BAD},
	    {"progress", A, DDI_DOWNLOAD, DDI_NONE, NO_PROOF, true, D},
	};
	static struct ddi_feedback f;
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(table); i++) {
		const struct deployment d = {
		    .id = 100001, .state = table[i].from, .kind = KIND_DOWNLOAD_ONLY};

		fill(&f, table[i].execution, table[i].finished);
		f.proof.present = table[i].proof != NO_PROOF;
		memcpy(f.proof.root_hash, want, sizeof(want));
		f.proof.root_hash[31] = table[i].proof == WRONG_PROOF;
		strcpy(f.agent_version, table[i].ours ? "0.1.0" : "");
		OK(policy_feedback(&d, want, &f, &v, &e));
		if (v.state != table[i].to || v.sets_version != (table[i].to == OK_))
			fail_msg("%s: became %s", table[i].what,
				 deployment_state_name(v.state));
	}
}

static void without_images_nothing_is_proven(void **state)
{
	static struct ddi_feedback f;
	const struct deployment d = {.id = 100001, .state = I};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	fill(&f, DDI_CLOSED, DDI_SUCCESS);
	OK(policy_feedback(&d, NULL, &f, &v, &e));
	assert_int_equal(v.grade, GRADE_REPORTED);
	f.proof.present = true; /* of 32 zero bytes, as a release without images has */
	OK(policy_feedback(&d, NULL, &f, &v, &e));
	assert_int_equal(v.state, BAD);
}

static void beyond_the_quota_only_what_moves_is_heard(void **state)
{
	static struct ddi_feedback f;
	const struct deployment d = {
	    .id = 100001, .state = I, .n_statuses = DEPLOYMENT_MAX_STATUSES};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	fill(&f, DDI_PROCEEDING, DDI_NONE);
	f.n_details = 1;
	strcpy(f.details[0], "again something");
	FAILS(policy_feedback(&d, want, &f, &v, &e), ERR_RATE);
	fill(&f, DDI_SCHEDULED, DDI_NONE);
	OK(policy_feedback(&d, want, &f, &v, &e));
	fill(&f, DDI_CLOSED, DDI_FAILURE);
	OK(policy_feedback(&d, want, &f, &v, &e));
	fill(&f, DDI_PROCEEDING, DDI_NONE); /* a bare percentage is not kept anyway */
	f.progress_of = 100;
	OK(policy_feedback(&d, want, &f, &v, &e));
}

static void nothing_moves_a_closed_deployment(void **state)
{
	static struct ddi_feedback f;
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	for (int s = DEPLOYMENT_CONFIRMED; s < N_DEPLOYMENT_STATES; s++) {
		const struct deployment d = {.state = (enum deployment_state)s};

		for (int x = 0; x < N_DDI_EXECUTIONS; x++) {
			fill(&f, (enum ddi_execution)x, DDI_SUCCESS);
			FAILS(policy_feedback(&d, want, &f, &v, &e), ERR_GONE);
			FAILS(policy_cancel_feedback(&d, &f, &v, &e), ERR_GONE);
		}
		FAILS(policy_cancel(&d, true, &v, &e), ERR_CONFLICT);
	}
}

static void a_bare_percentage_is_not_worth_a_flush(void **state)
{
	static struct ddi_feedback f;
	const struct deployment d = {.state = D, .detail = "downloading"};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	fill(&f, DDI_DOWNLOAD, DDI_NONE);
	f.progress_cnt = 1;
	f.progress_of = 3;
	f.n_details = 1;
	strcpy(f.details[0], "downloading");
	OK(policy_feedback(&d, want, &f, &v, &e));
	assert_false(v.durable);
	assert_int_equal(v.progress, 33);
	strcpy(f.details[0], "waiting for the network");
	OK(policy_feedback(&d, want, &f, &v, &e));
	assert_true(v.durable);
	assert_string_equal(v.detail, "waiting for the network");
}

static void what_is_armed_stays_rebooting_until_it_ends(void **state)
{
	static struct ddi_feedback f;
	struct deployment d = {.state = I};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	fill(&f, DDI_PROCEEDING, DDI_NONE);
	f.n_details = 1;
	strcpy(f.details[0], "slot B is armed: rebooting");
	OK(policy_feedback(&d, want, &f, &v, &e));
	assert_int_equal(v.state, R);
	d.state = R;
	strcpy(f.details[0], "the new firmware runs: checks its health");
	OK(policy_feedback(&d, want, &f, &v, &e));
	assert_int_equal(v.state, R);
	f.execution = DDI_DOWNLOAD;
	OK(policy_feedback(&d, want, &f, &v, &e));
	assert_int_equal(v.state, D);
}

static void percentages_do_not_overflow(void **state)
{
	static const struct {
		uint64_t cnt, of;
		unsigned want;
	} cases[] = {{5, 3, 100},
		     {0, 1, 0},
		     {UINT64_MAX - 1, UINT64_MAX, 100},
		     {UINT64_MAX / 2, UINT64_MAX, 50},
		     {1, UINT64_MAX, 0}};
	static struct ddi_feedback f;
	const struct deployment d = {.state = D};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(cases); i++) {
		fill(&f, DDI_DOWNLOAD, DDI_NONE);
		f.progress_cnt = cases[i].cnt;
		f.progress_of = cases[i].of;
		OK(policy_feedback(&d, want, &f, &v, &e));
		assert_in_range(v.progress, cases[i].want > 0 ? cases[i].want - 1 : 0,
				cases[i].want);
	}
}

static void a_cancel_ends_only_as_the_device_says(void **state)
{
	static const struct {
		enum ddi_execution execution;
		enum ddi_finished finished;
		enum deployment_state to;
	} cases[] = {
	    {DDI_CLOSED, DDI_SUCCESS, DEPLOYMENT_CANCELLED},
	    {DDI_CLOSED, DDI_NONE, DEPLOYMENT_CANCELLED},
	    {DDI_CANCELED, DDI_NONE, DEPLOYMENT_CANCELLED},
	    {DDI_CLOSED, DDI_FAILURE, DEPLOYMENT_ASSIGNED},
	    {DDI_REJECTED, DDI_NONE, DEPLOYMENT_ASSIGNED},
	    {DDI_PROCEEDING, DDI_NONE, DEPLOYMENT_CANCELLING},
	};
	static struct ddi_feedback f;
	struct deployment d = {.state = X, .offered = true};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(cases); i++) {
		fill(&f, cases[i].execution, cases[i].finished);
		OK(policy_cancel_feedback(&d, &f, &v, &e));
		assert_int_equal(v.state, cases[i].to);
		assert_true(v.durable);
	}
	d.state = D;
	FAILS(policy_cancel_feedback(&d, &f, &v, &e), ERR_NOT_FOUND);
}

static void what_the_device_never_saw_is_cancelled_at_once(void **state)
{
	struct deployment d = {.state = A};
	struct err e = ERR_INIT;
	struct verdict v;

	(void)state;
	OK(policy_cancel(&d, false, &v, &e));
	assert_int_equal(v.state, DEPLOYMENT_CANCELLED);
	d.offered = true;
	OK(policy_cancel(&d, true, &v, &e));
	assert_int_equal(v.state, DEPLOYMENT_CANCELLING);
	d.state = DEPLOYMENT_CANCELLING;
	OK(policy_cancel(&d, false, &v, &e));
	assert_int_equal(v.state, DEPLOYMENT_CANCELLING);
	OK(policy_cancel(&d, true, &v, &e));
	assert_int_equal(v.state, DEPLOYMENT_CANCELLED);
}

static void
a_release_fits_by_product_and_hardware_as_far_as_they_are_known(void **state)
{
	struct release r = {
	    .product = "gateway", .hardware = {"revA", "revB"}, .n_hardware = 2};
	struct device d = {.id = "x"};
	struct err e = ERR_INIT;

	(void)state;
	OK(policy_fits(&d, &r, &e));
	strcpy(d.product, "gateway");
	strcpy(d.hardware, "revB");
	OK(policy_fits(&d, &r, &e));
	strcpy(d.hardware, "revC");
	FAILS(policy_fits(&d, &r, &e), ERR_INCOMPATIBLE);
	strcpy(d.hardware, "revA");
	strcpy(d.product, "toaster");
	FAILS(policy_fits(&d, &r, &e), ERR_INCOMPATIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_moves_a_deployment_as_the_table_says),
	    cmocka_unit_test(a_download_only_deployment_ends_with_its_download),
	    cmocka_unit_test(without_images_nothing_is_proven),
	    cmocka_unit_test(beyond_the_quota_only_what_moves_is_heard),
	    cmocka_unit_test(nothing_moves_a_closed_deployment),
	    cmocka_unit_test(a_bare_percentage_is_not_worth_a_flush),
	    cmocka_unit_test(what_is_armed_stays_rebooting_until_it_ends),
	    cmocka_unit_test(percentages_do_not_overflow),
	    cmocka_unit_test(a_cancel_ends_only_as_the_device_says),
	    cmocka_unit_test(what_the_device_never_saw_is_cancelled_at_once),
	    cmocka_unit_test(
		a_release_fits_by_product_and_hardware_as_far_as_they_are_known),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
