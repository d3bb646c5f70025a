/* SPDX-License-Identifier: Apache-2.0 */
/* Publication with everything real: a made bundle, files, SQLite, the signer's
 * process. */
#include "testing.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/format/bundle.h"
#include "../../publish/bundle/maker.h"
#include "../../publish/repo/repo.h"
#include "../../server/release/publish.h"
#include "../../server/release/repository.h"
#include "../../server/release/roles.h"
#include "../../server/store/sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_MS 86400000ll
#define YEAR_MS (365 * DAY_MS)

struct server {
	char dir[64];
	struct store *store;
	struct artifacts *artifacts;
	struct signer *signer;
	struct loop *loop;
	struct publisher *publisher;
	int64_t shift_ms; /* of the clock */
	uint64_t floor;	  /* what the last audit checkpoint names */
	struct clock clock;
	struct privkey *root, *targets, *boot, *stranger;
	struct buf current; /* targets, signed */
	struct publish_request request;
	bool has_release;
	bool delegates; /* its targets let the server list deltas */
	struct release release;
	struct err err;
};

static int64_t shifted(void *ctx)
{
	return clock_utc_ms(&clock_system) + ((struct server *)ctx)->shift_ms;
}

static uint64_t floor_of(void *ctx, const char *tenant)
{
	assert_string_equal(tenant, TENANT_DEFAULT);
	return ((struct server *)ctx)->floor;
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;
	char path[96], keys[96];

	snprintf(s->dir, sizeof(s->dir), "/tmp/ota-test-publish-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(path, sizeof(path), "%s/db", s->dir);
	s->store = store_sqlite_open(path, NULL, &e);
	assert_non_null(s->store);
	snprintf(path, sizeof(path), "%s/artifacts", s->dir);
	s->artifacts = artifacts_new(path, &e);
	assert_non_null(s->artifacts);
	snprintf(keys, sizeof(keys), "%s/keys", s->dir);
	const struct signer_config c = {.program = getenv("OTA_SIGNER"), .dir = keys};

	assert_non_null(c.program);
	s->signer = signer_new(&c, NULL, &e);
	if (s->signer == NULL)
		fail_msg("%s", e.text);
	s->loop = loop_new(&e);
	s->clock = (struct clock){shifted, shifted, s};
	const struct publisher_config pc = {.store = s->store,
					    .artifacts = s->artifacts,
					    .signer = s->signer,
					    .clock = &s->clock,
					    .loop = s->loop,
					    .targets_floor = floor_of,
					    .floor_ctx = s,
					    .tenant = TENANT_DEFAULT};

	s->publisher = publisher_new(&pc, &e);
	assert_non_null(s->publisher);
	s->root = privkey_generate(KEY_ED25519, &e);
	s->targets = privkey_generate(KEY_ED25519, &e);
	s->boot = privkey_generate(KEY_ED25519, &e);
	s->stranger = privkey_generate(KEY_ED25519, &e);
	AUTO(buf) struct buf draft = BUF_INIT(1u << 20);

	buf_init(&s->current, 1u << 20);
	OK(repo_draft_targets_empty(clock_utc_ms(&clock_system) + YEAR_MS, &draft, &e));
	OK(repo_sign(draft.data, draft.len, s->targets, &s->current, &e));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct server *s = *state;
	char command[128];

	publisher_free(s->publisher);
	signer_free(s->signer);
	artifacts_free(s->artifacts);
	store_close(s->store);
	loop_free(s->loop);
	privkey_free(s->root);
	privkey_free(s->targets);
	privkey_free(s->boot);
	privkey_free(s->stranger);
	buf_fini(&s->current);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

/* ------------------------------------------------------------------ answers */

static void on_done(void *ctx, const struct release *r, const struct err *e)
{
	struct server *s = ctx;

	s->has_release = r != NULL;
	if (r != NULL)
		s->release = *r;
	s->err = *e;
	loop_stop(s->loop);
}

static void wait_answer(struct server *s, enum err_code expected)
{
	struct err e = ERR_INIT;

	OK(loop_run(s->loop, &e));
	if (s->err.code != expected)
		fail_msg("%s, not %s: %s", err_slug(s->err.code), err_slug(expected),
			 s->err.text);
}

/* ------------------------------------------------------------------ what is brought */

static void store_bytes(struct server *s, const void *data, size_t len,
			uint8_t ret[SHA256_LEN])
{
	struct err e = ERR_INIT;
	struct artifact made;
	char id[UPLOAD_ID_LEN + 1], hex[2 * SHA256_LEN + 1];
	AUTO_CLOSE int fd = -1;

	OK(sha256(data, len, ret, &e));
	hex_encode(ret, SHA256_LEN, hex);
	snprintf(id, sizeof(id), "%.32s", hex);
	OK(artifacts_hold(s->artifacts, id, &fd, &e));
	OK(artifacts_write(s->artifacts, fd, len, 0, data, len, &e));
	OK(artifacts_commit(s->artifacts, id, fd, len, ret, &made, &e));
}

static void make_root(struct server *s, uint64_t version, const struct pubkey *snapshot,
		      int64_t expires_ms, uint8_t ret[SHA256_LEN])
{
	struct err e = ERR_INIT;
	AUTO_PTR(pubkey) struct pubkey *root = privkey_public(s->root, &e);
	AUTO_PTR(pubkey) struct pubkey *targets = privkey_public(s->targets, &e);
	const struct pubkey *keys[] = {root, targets, snapshot,
				       signer_timestamp_key(s->signer)};
	const struct privkey *signers[] = {s->root};
	const struct repo_root_spec spec = {
	    .root = {&keys[0], 1, 1},
	    .targets = {&keys[1], 1, 1},
	    .snapshot = {&keys[2], 1, 1},
	    .timestamp = {&keys[3], 1, 1},
	    .version = version,
	    .expires_utc_ms = expires_ms,
	};
	AUTO(buf) struct buf bytes = BUF_INIT(1u << 16);

	OK(repo_make_root(&spec, signers, 1, &bytes, &e));
	store_bytes(s, bytes.data, bytes.len, ret);
}

static void claim(struct server *s)
{
	uint8_t root[SHA256_LEN];

	make_root(s, 1, signer_snapshot_key(s->signer),
		  clock_utc_ms(&clock_system) + YEAR_MS, root);
	publisher_root(s->publisher, s->loop, root, &(struct audit_actor){0}, on_done,
		       s);
	wait_answer(s, ERR_NONE);
}

/* Makes, signs (by key) and stores a release of product gateway; s->request names
 * it. */
static void bring(struct server *s, const char *version, const struct privkey *key)
{
	static const char *const hardware[] = {"revA"};
	struct err e = ERR_INIT;
	AUTO(buf) struct buf image = BUF_INIT(4u << 20), file = BUF_INIT(8u << 20);
	AUTO(buf) struct buf draft = BUF_INIT(1u << 20);
	char image_path[96], out[96], name[TARGET_NAME_MAX_LEN + 1];
	uint8_t *const into[] = {s->request.manifest, s->request.descriptor,
				 s->request.head, s->request.body};
	struct bundle b;

	for (int i = 0; i < 30000; i++)
		OK(buf_printf(&image, &e, "%s line %d of an image\n", version, i));
	snprintf(image_path, sizeof(image_path), "%s/image", s->dir);
	snprintf(out, sizeof(out), "%s/bundle", s->dir);
	OK(file_replace(image_path, image.data, image.len, 0600, &e));
	const struct maker_spec spec = {
	    .product = "gateway",
	    .hardware = hardware,
	    .n_hardware = 1,
	    .version = version,
	    .security_version = 1,
	    .boot_key = s->boot,
	    .images = {{"firmware", image_path}},
	    .n_images = 1,
	};

	s->request.has_payload = true;
	OK(maker_make(&spec, out, &e));
	OK(file_read(out, &file, &e));
	OK(bundle_parse(file.data, file.len, file.len, &b, &e));
	for (int i = 0; i < 4; i++) {
		const struct part *p =
		    bundle_find(&b, (enum part_type)(PART_MANIFEST + i), 0);

		if (p == NULL) {
			fail_msg("a part is missing");
			abort();
		}
		store_bytes(s, file.data + p->offset, p->length, into[i]);
		if (i > 0)
			continue;
		OK(manifest_target_name("gateway", version, name, &e));
		OK(repo_draft_targets_add(s->current.data, s->current.len, name,
					  p->length, s->request.manifest,
					  clock_utc_ms(&clock_system) + YEAR_MS, &draft,
					  &e));
	}
	if (s->delegates) {
		const struct pubkey *const snapshot[] = {
		    signer_snapshot_key(s->signer)};
		const struct repo_delegation d = {
		    "delta", "delta/*/*", {snapshot, 1, 1}};

		OK(repo_draft_delegate(&draft, &d, 1, &e));
	}
	buf_clear(&s->current);
	OK(repo_sign(draft.data, draft.len, key, &s->current, &e));
	store_bytes(s, s->current.data, s->current.len, s->request.targets);
}

static void publish(struct server *s, enum err_code expected)
{
	publisher_release(s->publisher, s->loop, &s->request, on_done, s);
	wait_answer(s, expected);
}

static void load(struct server *s, struct repository *ret)
{
	struct err e = ERR_INIT;

	OK(repository_load(s->store, ret, &e));
}

/* ------------------------------------------------------------------ tests */

static void a_release_is_published_and_a_device_finds_it(void **state)
{
	struct server *s = *state;
	struct err e = ERR_INIT;
	AUTO(repository) struct repository r = {0};
	AUTO(shelf) struct shelf device = {0};
	AUTO(buf) struct buf manifest = BUF_INIT(MANIFEST_MAX_BYTES);

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	assert_true(s->has_release);
	assert_string_equal(s->release.version, "1.0.0");
	assert_string_equal(s->release.product, "gateway");
	load(s, &r);
	assert_int_equal(r.version[ROLE_TARGETS], 2);
	OK(artifacts_read(s->artifacts, s->request.manifest, &manifest, &e));
	OK(device_make(&device, &r, &e));
	OK(device_refresh(&device, &r, shifted(s), "release/gateway/1.0.0.json",
			  &manifest, &e));
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_RELEASE_GET, NULL, NULL, NULL, &e);

	memcpy(c->in.release_id, s->release.id, sizeof(s->release.id));
	OK(store_wait(s->store, c, &e));
	assert_string_equal(c->out.release.version, "1.0.0");
}

static void
the_next_release_follows_and_the_same_once_more_is_answered_as_before(void **state)
{
	struct server *s = *state;
	struct publish_request first;
	char id[RELEASE_ID_LEN + 1];

	claim(s);
	bring(s, "1.0.0", s->targets);
	first = s->request;
	publish(s, ERR_NONE);
	bring(s, "1.1.0", s->targets);
	publish(s, ERR_NONE);
	memcpy(id, s->release.id, sizeof(id));
	publish(s, ERR_NONE);
	assert_string_equal(s->release.id, id);
	s->request = first;
	publish(s, ERR_ROLLBACK);
}

/* A database from a backup: devices have seen targets that it does not know of. */
static void nothing_below_what_the_audit_log_names_is_published(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository r = {0};

	claim(s);
	s->floor = 3;
	bring(s, "1.0.0", s->targets); /* version 2 */
	publish(s, ERR_ROLLBACK);
	load(s, &r);
	assert_int_equal(r.version[ROLE_TARGETS], 0);
	bring(s, "1.0.1", s->targets); /* drafted from it: version 3 */
	publish(s, ERR_NONE);
}

static struct store_call *audit_of(struct server *s)
{
	struct err e = ERR_INIT;
	struct store_call *c = store_call_new(STORE_AUDIT_LIST, NULL, NULL, NULL, &e);

	assert_non_null(c);
	strcpy(c->in.audit_filter.action, "release.publish");
	OK(store_wait(s->store, c, &e));
	return c;
}

static void a_release_is_in_the_audit_log_with_who_published_it(void **state)
{
	struct server *s = *state;
	const struct audit_entry *v;
	struct store_call *c;

	claim(s);
	s->request.by = (struct audit_actor){.kind = AUDIT_USER, .role = ROLE_ADMIN};
	strcpy(s->request.by.who, "alice");
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	c = audit_of(s);
	v = c->items;
	assert_int_equal(c->n_items, 1);
	assert_non_null(strstr(v->text, "\"who\":\"alice\""));
	assert_non_null(strstr(v->text, "gateway 1.0.0, security version"));
	assert_non_null(strstr(v->text, "targets 2"));
	store_call_free(c);
}

static void without_a_root_nothing_is_published(void **state)
{
	struct server *s = *state;

	bring(s, "1.0.0", s->targets);
	publish(s, ERR_UNTRUSTED);
}

static void the_first_root_may_come_with_the_first_release(void **state)
{
	struct server *s = *state;

	make_root(s, 1, signer_snapshot_key(s->signer),
		  clock_utc_ms(&clock_system) + YEAR_MS, s->request.root);
	s->request.has_root = true;
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	s->request.has_root = false;
	bring(s, "1.1.0", s->targets);
	publish(s, ERR_NONE);
}

static void what_a_stranger_signed_is_refused_and_nothing_changes(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository before = {0}, after = {0};

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	load(s, &before);
	bring(s, "6.6.6", s->stranger);
	publish(s, ERR_SIGNATURE);
	assert_false(s->has_release);
	load(s, &after);
	assert_memory_equal(before.version, after.version, sizeof(before.version));
}

static void a_dead_signer_costs_an_attempt_and_nothing_else(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository before = {0}, after = {0};

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	load(s, &before);
	bring(s, "1.1.0", s->targets);
	assert_int_equal(kill(signer_pid(s->signer), SIGKILL), 0);
	publish(s, ERR_UNREACHABLE);
	load(s, &after);
	assert_memory_equal(before.version, after.version, sizeof(before.version));
	do /* until the pause before its next start is over */
		publisher_release(s->publisher, s->loop, &s->request, on_done, s);
	while (loop_run(s->loop, NULL) == 0 && s->err.code == ERR_BUSY);
	assert_int_equal(s->err.code, ERR_NONE);
	assert_string_equal(s->release.version, "1.1.0");
}

static void parts_that_do_not_belong_together_are_refused_by_name(void **state)
{
	struct server *s = *state;
	struct publish_request one, two;
	const uint8_t nothing[SHA256_LEN] = {0};

	claim(s);
	bring(s, "1.0.0", s->targets);
	one = s->request;
	bring(s, "1.1.0", s->targets);
	two = s->request;
	const struct {
		size_t at;
		const char *word;
	} rows[] = {
	    {offsetof(struct publish_request, descriptor), "descriptor"},
	    {offsetof(struct publish_request, head), "payload head"},
	    {offsetof(struct publish_request, body), "payload body"},
	};

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		s->request = two;
		memcpy((uint8_t *)&s->request + rows[i].at,
		       (uint8_t *)&one + rows[i].at, SHA256_LEN);
		publish(s, ERR_DIGEST);
		assert_non_null(strstr(s->err.text, rows[i].word));
	}
	s->request = two;
	memcpy(s->request.body, nothing, SHA256_LEN);
	publish(s, ERR_NOT_FOUND);
	assert_non_null(strstr(s->err.text, "payload body"));
	s->request =
	    two; /* the manifest of one, signed targets of two: not listed as such */
	memcpy(s->request.manifest, s->request.targets, SHA256_LEN);
	publish(s, ERR_FORMAT);
	s->request = two;
	publish(s, ERR_NONE); /* it was not the two themselves */
}

static void assert_passed(const struct publish_steps *s, enum publish_step last,
			  enum publish_step at)
{
	assert_true(s->n_passed > 0);
	for (size_t i = 0; i < s->n_passed; i++)
		assert_true(s->passed[i].text[0] != '\0');
	assert_string_equal(publish_step_name(s->passed[s->n_passed - 1].step),
			    publish_step_name(last));
	assert_string_equal(publish_step_name(s->at), publish_step_name(at));
}

static void
the_steps_that_were_passed_are_told_and_the_one_at_which_it_ended(void **state)
{
	static const enum publish_step all[] = {
	    STEP_MANIFEST, STEP_PAYLOAD, STEP_SIGNATURES, STEP_LIST,
	    STEP_SIGN,	   STEP_DEVICE,	 STEP_STORE};
	struct server *s = *state;
	struct publish_steps steps = {0};

	claim(s);
	bring(s, "1.0.0", s->targets);
	s->request.steps = &steps;
	publish(s, ERR_NONE);
	assert_int_equal(steps.n_passed, N_ELEMS(all));
	for (size_t i = 0; i < N_ELEMS(all); i++)
		assert_int_equal(steps.passed[i].step, all[i]);
	assert_non_null(strstr(steps.passed[0].text, "gateway 1.0.0"));
	assert_non_null(strstr(steps.passed[2].text, "needs 1 of its 1 targets keys"));

	steps = (struct publish_steps){0};
	publish(s, ERR_NONE); /* once more the same */
	assert_passed(&steps, STEP_STORE, STEP_STORE);

	bring(s, "1.1.0", s->targets);
	memcpy(s->request.body, s->request.head, SHA256_LEN);
	steps = (struct publish_steps){0};
	publish(s, ERR_DIGEST);
	assert_passed(&steps, STEP_MANIFEST, STEP_PAYLOAD);

	bring(s, "6.6.6", s->stranger);
	steps = (struct publish_steps){0};
	publish(s, ERR_SIGNATURE);
	assert_passed(&steps, STEP_PAYLOAD, STEP_SIGNATURES);
}

static void renew(struct server *s)
{
	publisher_renew(s->publisher, s->loop, on_done, s);
	wait_answer(s, ERR_NONE);
}

/* What is refused must not bind the signer, or what is published could not be
 * renewed. */
static void
a_manifest_that_the_targets_do_not_list_is_refused_before_signing(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository before = {0}, after = {0};
	struct publish_request brought;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf draft = BUF_INIT(1u << 16);

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	bring(s, "2.0.0", s->targets);
	brought = s->request;
	OK(repo_draft_targets_remove(
	    s->current.data, s->current.len, "release/gateway/2.0.0.json",
	    clock_utc_ms(&clock_system) + YEAR_MS, &draft, &e));
	buf_clear(&s->current);
	OK(repo_sign(draft.data, draft.len, s->targets, &s->current, &e));
	store_bytes(s, s->current.data, s->current.len, brought.targets);
	s->request = brought;
	publish(s, ERR_NOT_FOUND);
	load(s, &before);
	s->shift_ms = 16 * DAY_MS;
	renew(s);
	load(s, &after);
	assert_true(after.version[ROLE_SNAPSHOT] > before.version[ROLE_SNAPSHOT]);
	assert_int_equal(after.version[ROLE_TARGETS], before.version[ROLE_TARGETS]);
}

/* The server was killed between the signer's answer and the store's: nobody has seen
 * it. */
static void signed_but_not_stored_the_timestamp_is_still_renewed(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository before = {0}, after = {0};
	AUTO(signer_answer) struct signer_answer lost = {0};
	struct err e = ERR_INIT;

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	load(s, &before);
	bring(s, "2.0.0", s->targets);
	const struct signer_ask ask = {.targets = s->current.data,
				       .targets_len = s->current.len,
				       .snapshot_floor = before.version[ROLE_SNAPSHOT],
				       .timestamp_floor =
					   before.version[ROLE_TIMESTAMP],
				       .snapshot_life_ms = DAY_MS,
				       .timestamp_life_ms = DAY_MS};

	OK(signer_sign(s->signer, &ask, &lost, &e));
	s->shift_ms = 16 * DAY_MS;
	renew(s);
	load(s, &after);
	assert_true(after.version[ROLE_TIMESTAMP] > before.version[ROLE_TIMESTAMP]);
	s->shift_ms = 0; /* the signer's clock cannot be moved */
	publish(s, ERR_NONE);
}

static void roots_follow_each_other_and_name_this_servers_keys(void **state)
{
	struct server *s = *state;
	struct err e = ERR_INIT;
	AUTO_PTR(pubkey) struct pubkey *foreign = privkey_public(s->stranger, &e);
	const int64_t year = clock_utc_ms(&clock_system) + YEAR_MS;
	const struct {
		uint64_t version;
		const struct pubkey *snapshot;
		int64_t expires_ms;
		enum err_code result;
	} rows[] = {
	    {2, signer_snapshot_key(s->signer), year,
	     ERR_UNTRUSTED}, /* not the first */
	    {1, foreign, year, ERR_INCOMPATIBLE},
	    {1, signer_snapshot_key(s->signer), year - 2 * YEAR_MS, ERR_EXPIRED},
	    {1, signer_snapshot_key(s->signer), year, ERR_NONE},
	    {1, signer_snapshot_key(s->signer), year, ERR_NONE}, /* the same again */
	    {3, signer_snapshot_key(s->signer), year, ERR_ROLLBACK},
	    {2, signer_snapshot_key(s->signer), year - 2 * YEAR_MS, ERR_EXPIRED},
	    {2, signer_snapshot_key(s->signer), year, ERR_NONE},
	};

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		uint8_t root[SHA256_LEN];

		make_root(s, rows[i].version, rows[i].snapshot, rows[i].expires_ms,
			  root);
		publisher_root(s->publisher, s->loop, root, &(struct audit_actor){0},
			       on_done, s);
		wait_answer(s, rows[i].result);
	}
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
}

static void a_root_by_others_does_not_take_the_repository_over(void **state)
{
	struct server *s = *state;
	uint8_t root[SHA256_LEN];
	struct privkey *mine;

	claim(s);
	mine = s->root;
	s->root = s->stranger;
	make_root(s, 2, signer_snapshot_key(s->signer),
		  clock_utc_ms(&clock_system) + YEAR_MS, root);
	s->root = mine;
	publisher_root(s->publisher, s->loop, root, &(struct audit_actor){0}, on_done,
		       s);
	wait_answer(s, ERR_SIGNATURE);
}

static void the_timestamp_is_signed_anew_at_half_of_its_life(void **state)
{
	struct server *s = *state;
	AUTO(repository) struct repository a = {0}, b = {0}, c = {0};

	renew(s); /* nothing published: nothing to do */
	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	renew(s);
	load(s, &a);
	s->shift_ms = 4 * DAY_MS;
	renew(s);
	load(s, &b);
	assert_true(b.version[ROLE_TIMESTAMP] > a.version[ROLE_TIMESTAMP]);
	assert_int_equal(b.version[ROLE_SNAPSHOT], a.version[ROLE_SNAPSHOT]);
	s->shift_ms = 16 * DAY_MS; /* half of the snapshot's as well */
	renew(s);
	load(s, &c);
	assert_true(c.version[ROLE_TIMESTAMP] > b.version[ROLE_TIMESTAMP]);
	assert_true(c.version[ROLE_SNAPSHOT] > b.version[ROLE_SNAPSHOT]);
	assert_int_equal(c.version[ROLE_TARGETS], b.version[ROLE_TARGETS]);
}

/* ------------------------------------------------------------------ deltas */

/* One of the store's, from release to release; its head is a file of these bytes. */
static struct fleet_delta make_delta(struct server *s, const struct release *from,
				     const struct release *to, const char *head)
{
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *add = store_call_new(STORE_DELTA_ADD, NULL, NULL, NULL, &e);
	AUTO_PTR(store_call)
	struct store_call *take =
	    store_call_new(STORE_DELTA_TAKE, NULL, NULL, NULL, &e);
	AUTO_PTR(store_call)
	struct store_call *end = store_call_new(STORE_DELTA_END, NULL, NULL, NULL, &e);
	struct delta_pair *p = store_call_items(add, 1, sizeof(*p), &e);

	assert_non_null(p);
	*p = (struct delta_pair){.n_devices = 1};
	memcpy(p->from, from->id, sizeof(p->from));
	memcpy(p->to, to->id, sizeof(p->to));
	OK(store_wait(s->store, add, &e));
	OK(store_wait(s->store, take, &e));
	end->in.delta = take->out.delta;
	end->in.delta.state = DELTA_MADE;
	end->in.delta.head_size = strlen(head);
	store_bytes(s, head, strlen(head), end->in.delta.head_sha256);
	OK(store_wait(s->store, end, &e));
	return end->out.delta;
}

static void publish_deltas(struct server *s, enum err_code expected)
{
	publisher_deltas(s->publisher, s->loop, on_done, s);
	wait_answer(s, expected);
}

static void must_find(const struct repository *r, const char *name, const char *bytes)
{
	struct err e = ERR_INIT;
	AUTO(shelf) struct shelf device = {0};
	AUTO(buf) struct buf b = BUF_INIT(1024);

	OK(buf_add_str(&b, bytes, &e));
	OK(device_make(&device, r, &e));
	if (device_refresh(&device, r, clock_utc_ms(&clock_system), name, &b, &e) != 0)
		fail_msg("%s", e.text);
}

static void a_device_finds_a_delta_where_targets_delegate_them(void **state)
{
	struct server *s = *state;
	struct release first, second;
	AUTO(repository) struct repository r = {0};
	AUTO(repository) struct repository again = {0};
	char name[DELTA_TARGET_MAX_LEN + 1];
	struct err e = ERR_INIT;
	struct fleet_delta d;

	s->delegates = true;
	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	first = s->release;
	bring(s, "1.1.0", s->targets);
	publish(s, ERR_NONE);
	second = s->release;
	publish_deltas(s, ERR_NONE); /* there is none: nothing happens */
	d = make_delta(s, &first, &second, "a head");
	publish_deltas(s, ERR_NONE);
	OK(delta_target_name(&d, name, &e));
	assert_string_equal(name, "delta/gateway/1.0.0:1.1.0");
	load(s, &r);
	assert_int_equal(r.n_roles, 2);
	must_find(&r, name, "a head");
	publish_deltas(s, ERR_NONE); /* once more there is nothing new */
	load(s, &again);
	assert_int_equal(again.version[ROLE_TIMESTAMP], r.version[ROLE_TIMESTAMP]);
	/* What else is published keeps them on the list. */
	repository_fini(&again);
	bring(s, "1.2.0", s->targets);
	publish(s, ERR_NONE);
	load(s, &again);
	must_find(&again, name, "a head");
}

static void without_the_delegation_deltas_wait_and_say_so(void **state)
{
	struct server *s = *state;
	struct release first;

	claim(s);
	bring(s, "1.0.0", s->targets);
	publish(s, ERR_NONE);
	first = s->release;
	bring(s, "1.1.0", s->targets);
	publish(s, ERR_NONE);
	(void)make_delta(s, &first, &s->release, "a head");
	publish_deltas(s, ERR_UNSUPPORTED);
	assert_non_null(strstr(s->err.text, "do not delegate deltas"));
	s->delegates = true;
	bring(s, "1.2.0", s->targets);
	publish(s, ERR_NONE);
	publish_deltas(s, ERR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(a_release_is_published_and_a_device_finds_it),
	    TEST(the_next_release_follows_and_the_same_once_more_is_answered_as_before),
	    TEST(without_a_root_nothing_is_published),
	    TEST(nothing_below_what_the_audit_log_names_is_published),
	    TEST(a_release_is_in_the_audit_log_with_who_published_it),
	    TEST(the_first_root_may_come_with_the_first_release),
	    TEST(what_a_stranger_signed_is_refused_and_nothing_changes),
	    TEST(a_dead_signer_costs_an_attempt_and_nothing_else),
	    TEST(parts_that_do_not_belong_together_are_refused_by_name),
	    TEST(the_steps_that_were_passed_are_told_and_the_one_at_which_it_ended),
	    TEST(a_manifest_that_the_targets_do_not_list_is_refused_before_signing),
	    TEST(signed_but_not_stored_the_timestamp_is_still_renewed),
	    TEST(roots_follow_each_other_and_name_this_servers_keys),
	    TEST(a_root_by_others_does_not_take_the_repository_over),
	    TEST(the_timestamp_is_signed_anew_at_half_of_its_life),
	    TEST(a_device_finds_a_delta_where_targets_delegate_them),
	    TEST(without_the_delegation_deltas_wait_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
