/* SPDX-License-Identifier: Apache-2.0 */
/* The device API's verbs, a row of the suite that every back-end runs. */
#include "store_fixture.h"

/* ---- consent ---- */

static void consent_to_all(struct store *s, const char *device, const char *who)
{
	struct store_call *c = verb(STORE_AUTO_CONFIRM_SET);

	(void)snprintf(c->in.auto_confirm.device, sizeof(c->in.auto_confirm.device),
		       "%s", device);
	(void)snprintf(c->in.auto_confirm.initiator,
		       sizeof(c->in.auto_confirm.initiator), "%s", who);
	strcpy(c->in.auto_confirm.remark, "always");
	done(s, c);
}

static uint64_t assign_asking(struct store *s, const char *device, const char *release)
{
	struct store_call *c = assign_call(device, release);
	uint64_t id;

	c->in.assign.needs_consent = true;
	must(s, c);
	id = c->out.deployment.id;
	store_call_free(c);
	return id;
}

static void consent_for_all_that_comes_is_kept_and_taken_back(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_AUTO_CONFIRM_GET);

	make_device(s, "a");
	strcpy(c->in.device_id, "a");
	must_fail(s, c, ERR_NOT_FOUND);
	consent_to_all(s, "a", "Ada");
	consent_to_all(s, "a", "Bob"); /* the last one counts */
	must(s, c);
	assert_string_equal(c->out.auto_confirm.initiator, "Bob");
	assert_string_equal(c->out.auto_confirm.remark, "always");
	assert_int_equal(c->out.auto_confirm.at, 1000);
	c->verb = STORE_AUTO_CONFIRM_CLEAR;
	must(s, c);
	must(s, c); /* none is fine */
	c->verb = STORE_AUTO_CONFIRM_GET;
	must_fail(s, c, ERR_NOT_FOUND);
	store_call_free(c);
}

static void consent_for_all_answers_what_waits_and_what_comes(void **state)
{
	struct store *s = store_of(state);
	uint64_t waiting, later, other, plain;
	struct deployment before;

	make_device(s, "a");
	make_device(s, "b");
	make_release(s, "1111111111111111", "1.0");
	make_release(s, "2222222222222222", "2.0");
	waiting = assign_asking(s, "a", "1111111111111111");
	other = assign_asking(s, "b", "1111111111111111");
	before = get_deployment(s, waiting);
	assert_int_equal(before.consent, CONSENT_ASKED);
	consent_to_all(s, "a", "Ada");
	assert_int_equal(get_deployment(s, waiting).consent, CONSENT_GIVEN);
	assert_true(get_deployment(s, waiting).content != before.content);
	assert_true(get_deployment(s, waiting).revision != before.revision);
	assert_int_equal(get_deployment(s, other).consent, CONSENT_ASKED);
	later = assign_asking(s, "a", "2222222222222222");
	assert_int_equal(get_deployment(s, later).consent, CONSENT_GIVEN);
	plain = assign(s, "b", "2222222222222222");
	assert_int_equal(get_deployment(s, plain).consent, CONSENT_NONE);
}

static void consent_moves_with_a_deployment_and_only_where_asked_for(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	struct deployment d;

	make_device(s, "a");
	make_release(s, "1111111111111111", "1.0");
	d = get_deployment(s, assign_asking(s, "a", "1111111111111111"));
	c = move_call(&d, d.state);
	c->in.move.set_consent = true;
	c->in.move.consent = CONSENT_DENIED;
	done(s, c);
	d = get_deployment(s, d.id);
	assert_int_equal(d.consent, CONSENT_DENIED);
	done(s, move_call(&d, DEPLOYMENT_DOWNLOADING));
	assert_int_equal(get_deployment(s, d.id).consent, CONSENT_DENIED);
}

/* ---- kinds ---- */

static void an_assignment_keeps_its_kind_and_its_times(void **state)
{
	struct store *s = store_of(state);

	make_release(s, "1111111111111111", "1.0");
	for (int kind = 0; kind < N_KINDS; kind++) {
		char name[] = {(char)('a' + kind), '\0'};
		struct store_call *c;
		struct deployment d;

		make_device(s, name);
		c = assign_call(name, "1111111111111111");
		c->in.assign.kind = (enum deployment_kind)kind;
		c->in.assign.force_at = 5000 + kind;
		c->in.assign.not_before = 7000 + kind;
		must(s, c);
		d = get_deployment(s, c->out.deployment.id);
		assert_int_equal(d.kind, kind);
		assert_int_equal(d.force_at, 5000 + kind);
		assert_int_equal(d.not_before, 7000 + kind);
		store_call_free(c);
	}
}

static void what_was_only_downloaded_is_no_open_deployment(void **state)
{
	struct store *s = store_of(state);
	uint64_t id;

	make_device(s, "a");
	make_release(s, "1111111111111111", "1.0");
	id = assign(s, "a", "1111111111111111");
	move(s, id, DEPLOYMENT_DOWNLOADED);
	assert_int_equal(get_device(s, "a").open_deployment, 0);
	assert_int_equal(get_device(s, "a").installed_deployment, 0);
	assert_true(assign(s, "a", "1111111111111111") > id);
}

/* ---- files ---- */

static void put_artifact(struct store *s, uint8_t first, uint64_t size)
{
	struct store_call *c = verb(STORE_ARTIFACT_PUT);

	c->in.artifact.sha256[0] = first;
	c->in.artifact.sha1[0] = (uint8_t)(first + 1);
	c->in.artifact.md5[0] = (uint8_t)(first + 2);
	c->in.artifact.size = size;
	done(s, c);
}

static void opaque_files_are_kept_in_their_order(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_RELEASE_CREATE);
	struct release r = a_release("1111111111111111", "1.0");
	const struct artifact *a;

	r.n_images = 0;
	memset(r.images, 0, sizeof(r.images));
	r.security_only = true;
	r.n_files = 2;
	strcpy(r.files[0].name, "zzz.swu");
	r.files[0].size = 10;
	r.files[0].sha256[0] = 7;
	strcpy(r.files[1].name, "aaa.bin");
	r.files[1].part = FILE_APPLICATION;
	r.files[1].size = 20;
	r.files[1].sha256[0] = 3;
	put_artifact(s, 7, 10);
	put_artifact(s, 3, 20);
	c->in.release = r;
	must(s, c);
	assert_memory_equal(c->out.release.files, r.files, sizeof(r.files));
	assert_int_equal(c->out.release.n_files, 2);
	assert_int_equal(c->out.release.n_images, 0);
	assert_true(c->out.release.security_only);
	store_call_free(c);
	c = verb(STORE_FILE_ARTIFACTS);
	strcpy(c->in.release_id, "1111111111111111");
	must(s, c);
	assert_int_equal(c->n_items, 2);
	a = c->items;
	assert_int_equal(a[0].sha1[0], 8);
	assert_int_equal(a[1].md5[0], 5);
	assert_int_equal(a[1].size, 20);
	strcpy(c->in.release_id, "2222222222222222");
	must(s, c);
	assert_int_equal(c->n_items, 0);
	store_call_free(c);
}

/* ---- gateways ---- */

static void a_device_that_is_spoken_for_is_made_once(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c = verb(STORE_DEVICE_ENSURE);
	struct store_call *by_token = verb(STORE_DEVICE_BY_TOKEN);

	strcpy(c->in.device_new.device.id, "new");
	c->in.device_new.token_hash[0] = 42;
	must(s, c);
	assert_string_equal(c->out.device.id, "new");
	c->in.device_new.token_hash[0] = 43; /* and its token stays */
	must(s, c);
	by_token->in.hash[0] = 42;
	must(s, by_token);
	by_token->in.hash[0] = 43;
	must_fail(s, by_token, ERR_NOT_FOUND);
	store_call_free(by_token);
	store_call_free(c);
}

#define SUITE(X)                                                                       \
	X(consent_for_all_that_comes_is_kept_and_taken_back)                           \
	X(consent_for_all_answers_what_waits_and_what_comes)                           \
	X(consent_moves_with_a_deployment_and_only_where_asked_for)                    \
	X(an_assignment_keeps_its_kind_and_its_times)                                  \
	X(what_was_only_downloaded_is_no_open_deployment)                              \
	X(opaque_files_are_kept_in_their_order)                                        \
	X(a_device_that_is_spoken_for_is_made_once)

int main(void)
{
	const struct CMUnitTest cases[] = {SUITE(STORE_CASE)};

	return store_run_everywhere("device_api", cases, N_ELEMS(cases));
}
