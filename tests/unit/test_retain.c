/* SPDX-License-Identifier: Apache-2.0 */
/* What is dropped when it is old, and what never is, on every back-end. */
#include "store_fixture.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../server/release/retain.h"

#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define NOW_MS (1000 * DAY_MS)

static const struct retention rules = {.max_events = 1000,
				       .events_ms = 90 * (uint64_t)DAY_MS,
				       .uploads_ms = 7 * (uint64_t)DAY_MS,
				       .artifacts_ms = 30 * (uint64_t)DAY_MS};

struct house {
	struct uploads up;
	struct artifacts *artifacts;
	char dir[128];
};

static struct house open_house(void **state)
{
	struct fixture *f = *state;
	struct house h = {.artifacts = NULL};
	struct err e = ERR_INIT;

	snprintf(h.dir, sizeof(h.dir), "%s/artifacts", f->dir);
	h.artifacts = artifacts_new(h.dir, &e);
	assert_non_null(h.artifacts);
	h.up = (struct uploads){.store = f->store, .artifacts = h.artifacts};
	return h;
}

static struct retained keep_house(const struct house *h, const struct retention *r)
{
	struct retained dropped;
	struct err e = ERR_INIT;

	OK(retain(&h->up, r, NOW_MS, &dropped, &e));
	return dropped;
}

static void event_at(struct store *s, const char *device, int64_t at)
{
	struct store_call *c = verb(STORE_DEVICE_CREATE);

	c->now_ms = at;
	strcpy(c->in.device_new.device.id, device);
	memcpy(c->in.device_new.token_hash, device, strnlen(device, SHA256_LEN));
	store_call_event(c, EVENT_DEVICE, device, 0, NULL);
	done(s, c);
}

static void path_of(const struct house *h, const uint8_t sha256[SHA256_LEN], char *ret,
		    size_t room)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256, SHA256_LEN, hex);
	snprintf(ret, room, "%s/sha256/%.2s/%s", h->dir, hex, hex);
}

/* Row and file; only the first byte of the digest counts. */
static void artifact_at(const struct house *h, uint8_t first, int64_t at)
{
	struct store_call *c = verb(STORE_ARTIFACT_PUT);
	struct err e = ERR_INIT;
	char path[256], dir[256];

	c->now_ms = at;
	c->in.artifact = (struct artifact){.sha256 = {first}, .size = 1};
	path_of(h, c->in.artifact.sha256, path, sizeof(path));
	snprintf(dir, sizeof(dir), "%s/sha256/%02x", h->dir, first);
	OK(dir_make(dir, 0700, &e));
	OK(file_replace(path, "x", 1, 0600, &e));
	done(h->up.store, c);
}

static bool is_there(const struct house *h, uint8_t first)
{
	struct store_call *c = verb(STORE_ARTIFACT_GET);
	struct err e = ERR_INIT;
	char path[256];
	bool row;

	c->in.hash[0] = first;
	path_of(h, c->in.hash, path, sizeof(path));
	row = store_wait(h->up.store, c, &e) == 0;
	if (!row)
		assert_int_equal(e.code, ERR_NOT_FOUND);
	store_call_free(c);
	assert_int_equal(file_exists(path), row);
	return row;
}

static void events_older_than_the_rule_go_and_younger_ones_stay(void **state)
{
	struct house h = open_house(state);

	event_at(h.up.store, "old", NOW_MS - 91 * DAY_MS);
	event_at(h.up.store, "young", NOW_MS - 89 * DAY_MS);
	event_at(h.up.store, "new", NOW_MS);
	(void)keep_house(&h, &rules);
	assert_int_equal(n_events(h.up.store), 2);
	artifacts_free(h.artifacts);
}

static void events_beyond_the_number_go_however_young(void **state)
{
	struct house h = open_house(state);
	struct retention few = rules;
	char id[16];

	for (int i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "dev-%d", i);
		event_at(h.up.store, id, NOW_MS);
	}
	few.max_events = 3;
	(void)keep_house(&h, &few);
	assert_int_equal(n_events(h.up.store), 3);
	artifacts_free(h.artifacts);
}

static void an_artifact_that_no_release_refers_to_goes_when_it_is_old(void **state)
{
	struct house h = open_house(state);

	artifact_at(&h, 1, NOW_MS - 31 * DAY_MS);
	artifact_at(&h, 2, NOW_MS - 29 * DAY_MS);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 1);
	assert_false(is_there(&h, 1));
	assert_true(is_there(&h, 2));
	artifacts_free(h.artifacts);
}

static void what_a_release_refers_to_stays_whatever_its_age(void **state)
{
	struct house h = open_house(state);
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	for (uint8_t i = 1; i <= 4; i++)
		artifact_at(&h, i, DAY_MS);
	c->in.release = a_release("r1", "1.0");
	memset(c->in.release.head_sha256, 0, SHA256_LEN);
	memset(c->in.release.body_sha256, 0, SHA256_LEN);
	c->in.release.head_sha256[0] = 1;
	c->in.release.body_sha256[0] = 2;
	c->in.release.n_files = 1;
	strcpy(c->in.release.files[0].name, "a.swu");
	c->in.release.files[0].sha256[0] = 3;
	done(h.up.store, c);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 1);
	assert_true(is_there(&h, 1));
	assert_true(is_there(&h, 2));
	assert_true(is_there(&h, 3));
	assert_false(is_there(&h, 4));
	artifacts_free(h.artifacts);
}

/* Uploaded long ago, and again now for a release that is about to be published. */
static void what_was_put_again_is_new(void **state)
{
	struct house h = open_house(state);

	artifact_at(&h, 1, DAY_MS);
	artifact_at(&h, 1, NOW_MS);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 0);
	assert_true(is_there(&h, 1));
	artifacts_free(h.artifacts);
}

static void nothing_is_taken_while_somebody_puts_artifacts_in(void **state)
{
	struct house h = open_house(state);

	artifact_at(&h, 1, DAY_MS);
	artifacts_enter(h.artifacts);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 0);
	assert_true(is_there(&h, 1));
	artifacts_leave(h.artifacts);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 1);
	assert_false(is_there(&h, 1));
	artifacts_free(h.artifacts);
}

static void more_than_one_page_of_garbage_goes_at_once(void **state)
{
	struct house h = open_house(state);

	for (unsigned i = 1; i <= 130; i++)
		artifact_at(&h, (uint8_t)i, DAY_MS);
	assert_int_equal(keep_house(&h, &rules).n_artifacts, 130);
	artifacts_free(h.artifacts);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    STORE_CASE(events_older_than_the_rule_go_and_younger_ones_stay)
		STORE_CASE(events_beyond_the_number_go_however_young) STORE_CASE(
		    an_artifact_that_no_release_refers_to_goes_when_it_is_old)
		    STORE_CASE(what_a_release_refers_to_stays_whatever_its_age)
			STORE_CASE(what_was_put_again_is_new) STORE_CASE(
			    nothing_is_taken_while_somebody_puts_artifacts_in)
			    STORE_CASE(more_than_one_page_of_garbage_goes_at_once)};

	return store_run_everywhere("retention", cases, N_ELEMS(cases));
}
