/* SPDX-License-Identifier: Apache-2.0 */
/* The signer: versions that only go up, keys born in a process of its own, and its
 * death. */
#include "testing.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../publish/repo/repo.h"
#include "../../server/signer/online.h"
#include "../../server/signer/protocol.h"
#include "../../server/signer/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define NOW_MS 1795435200000 /* 2026-11-23T12:00:00Z */
#define NOW_S 1795435200

struct place {
	char dir[64], keys[80];
	int64_t now_ms;
	struct clock clock;
};

static int64_t place_now(void *ctx)
{
	return ((struct place *)ctx)->now_ms;
}

static void place_init(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/ota-test-signer-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->keys, sizeof(p->keys), "%s/keys", p->dir);
	p->now_ms = NOW_MS;
	p->clock = (struct clock){place_now, place_now, p};
}

static void place_fini(struct place *p)
{
	static const char *const names[] = {"snapshot.key", "timestamp.key",
					    "issued.json", "lock"};
	char path[128];

	for (size_t i = 0; i < N_ELEMS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->keys, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(p->keys);
	assert_int_equal(rmdir(p->dir), 0);
}

static void make_targets(struct buf *ret, uint64_t version)
{
	struct err e = ERR_INIT;

	buf_init(ret, 8192);
	OK(buf_printf(
	    ret, &e,
	    "{\"signatures\":[],\"signed\":{\"_type\":\"targets\",\"spec_version\":"
	    "\"1.0.0\",\"version\":%llu,\"expires\":\"2036-01-01T00:00:00Z\","
	    "\"targets\":{}}}",
	    (unsigned long long)version));
}

static struct signer_ask ask_for(const struct buf *targets)
{
	return (struct signer_ask){
	    .targets = targets->data,
	    .targets_len = targets->len,
	    .snapshot_life_ms = 30ull * 86400000,
	    .timestamp_life_ms = 7ull * 86400000,
	};
}

/* ------------------------------------------------------------------ versions */

static void versions_are_the_time_or_one_more_or_above_what_was_published(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct online o;
	AUTO(buf) struct buf targets = {0};

	(void)state;
	place_init(&p);
	OK(online_init(&o, p.keys, &p.clock, &e));
	make_targets(&targets, 1);
	for (int i = 0; i < 4; i++) {
		static const struct {
			int64_t now_ms;
			uint64_t floor, version;
		} rows[] = {
		    {NOW_MS, 0, NOW_S},			  /* the time */
		    {NOW_MS, 0, NOW_S + 1},		  /* one more */
		    {0, 0, NOW_S + 2},			  /* the clock went back */
		    {NOW_MS, NOW_S + 1000, NOW_S + 1001}, /* above the floor */
		};
		AUTO(signer_answer) struct signer_answer made = {0};
		struct signer_ask ask = ask_for(&targets);
		uint64_t version = 0;
		int64_t expires = 0;

		p.now_ms = rows[i].now_ms;
		ask.snapshot_floor = ask.timestamp_floor = rows[i].floor;
		OK(online_sign(&o, &ask, &made, &e));
		assert_int_equal(made.snapshot_version, rows[i].version);
		assert_int_equal(made.timestamp_version, rows[i].version);
		OK(repo_peek(made.timestamp.data, made.timestamp.len, "timestamp",
			     &version, &expires, &e));
		assert_int_equal(version, rows[i].version);
	}
	online_fini(&o);
	place_fini(&p);
}

static void a_restart_forgets_neither_keys_nor_versions(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct online first, second;
	struct signer_answer made;
	AUTO(buf) struct buf targets = {0};
	struct stat st;
	char path[128];

	(void)state;
	place_init(&p);
	make_targets(&targets, 7);
	struct signer_ask ask = ask_for(&targets);

	OK(online_init(&first, p.keys, &p.clock, &e));
	OK(online_sign(&first, &ask, &made, &e));
	signer_answer_fini(&made);
	AUTO_PTR(pubkey) struct pubkey *snapshot = TAKE(first.snapshot_public);
	AUTO_PTR(pubkey) struct pubkey *timestamp = TAKE(first.timestamp_public);

	FAILS(online_init(&second, p.keys, &p.clock, &e),
	      ERR_CONFLICT); /* one at a time */
	online_fini(&first);
	p.now_ms = 1000; /* a machine without a clock */
	OK(online_init(&second, p.keys, &p.clock, &e));
	assert_true(pubkey_equal(snapshot, second.snapshot_public));
	assert_true(pubkey_equal(timestamp, second.timestamp_public));
	OK(online_sign(&second, &ask, &made, &e));
	assert_int_equal(made.snapshot_version, NOW_S + 1);
	signer_answer_fini(&made);
	buf_fini(&targets);
	make_targets(&targets, 6);
	ask = ask_for(&targets);
	FAILS(online_sign(&second, &ask, &made, &e), ERR_ROLLBACK);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s.key", p.keys,
			 i == 0 ? "snapshot" : "timestamp");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_int_equal(stat(p.keys, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	online_fini(&second);
	place_fini(&p);
}

static void only_its_own_snapshot_is_renewed_and_never_an_older_one(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct online o;
	AUTO(buf) struct buf targets = {0}, foreign = BUF_INIT(8192);
	AUTO(signer_answer)
	struct signer_answer old = {0}, new = {0}, again = {0}, none = {0};
	AUTO_PTR(privkey) struct privkey *stranger = privkey_generate(KEY_ED25519, &e);

	(void)state;
	place_init(&p);
	OK(online_init(&o, p.keys, &p.clock, &e));
	make_targets(&targets, 1);
	struct signer_ask ask = ask_for(&targets);

	OK(online_sign(&o, &ask, &old, &e));
	OK(online_sign(&o, &ask, &new, &e));
	ask.snapshot = new.snapshot.data;
	ask.snapshot_len = new.snapshot.len;
	OK(online_renew(&o, &ask, &again, &e));
	assert_int_equal(again.timestamp_version, new.timestamp_version + 1);
	assert_int_equal(again.snapshot.len, 0);
	ask.snapshot = old.snapshot.data;
	ask.snapshot_len = old.snapshot.len;
	FAILS(online_renew(&o, &ask, &none, &e), ERR_ROLLBACK);
	OK(repo_make_snapshot(targets.data, targets.len, 1ull << 40, NOW_MS, stranger,
			      &foreign, &e));
	ask.snapshot = foreign.data;
	ask.snapshot_len = foreign.len;
	FAILS(online_renew(&o, &ask, &none, &e), ERR_UNTRUSTED);
	online_fini(&o);
	place_fini(&p);
}

static void lives_without_end_and_things_that_are_no_targets_are_refused(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct online o;
	struct signer_answer made;
	AUTO(buf) struct buf targets = {0};

	(void)state;
	place_init(&p);
	OK(online_init(&o, p.keys, &p.clock, &e));
	make_targets(&targets, 1);
	struct signer_ask ask = ask_for(&targets);

	ask.timestamp_life_ms = 32ull * 86400000;
	FAILS(online_sign(&o, &ask, &made, &e), ERR_USAGE);
	ask = ask_for(&targets);
	ask.snapshot_life_ms = 0;
	FAILS(online_sign(&o, &ask, &made, &e), ERR_USAGE);
	ask = ask_for(&targets);
	ask.targets = "<html>";
	ask.targets_len = 6;
	FAILS(online_sign(&o, &ask, &made, &e), ERR_FORMAT);
	assert_int_equal(o.snapshot, 0);
	online_fini(&o);
	place_fini(&p);
}

static void a_damaged_memory_of_versions_keeps_it_from_starting(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct online o;
	char path[128];

	(void)state;
	place_init(&p);
	OK(online_init(&o, p.keys, &p.clock, &e));
	online_fini(&o);
	snprintf(path, sizeof(path), "%s/issued.json", p.keys);
	OK(file_replace(path, "{\"snapshot\":1", 13, 0600, &e));
	FAILS(online_init(&o, p.keys, &p.clock, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "issued.json"));
	place_fini(&p);
}

/* ------------------------------------------------------------------ messages */

static void a_message_arrives_as_it_was_sent_and_a_cut_one_is_refused(void **state)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf out = BUF_INIT(1024), in = BUF_INIT(1024);
	struct message_reader r;
	enum signer_message kind;
	const uint8_t *bytes;
	size_t len;
	uint64_t v;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	OK(message_begin(&out, SIGNER_SIGN, &e));
	OK(message_add_u64(&out, 1ull << 60, &e));
	OK(message_add_bytes(&out, "abc", 3, &e));
	OK(message_send(pair[0], &out, 0, &e));
	OK(message_receive(pair[1], &in, 0, &e));
	OK(message_open(&in, &kind, &r, &e));
	assert_int_equal(kind, SIGNER_SIGN);
	OK(message_get_u64(&r, &v, &e));
	assert_true(v == 1ull << 60);
	OK(message_get_bytes(&r, &bytes, &len, &e));
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "abc", 3);
	OK(message_end(&r, &e));
	FAILS(message_get_u64(&r, &v, &e), ERR_FORMAT);
	FAILS(message_get_bytes(&r, &bytes, &len, &e), ERR_FORMAT);
	for (size_t cut = 5; cut < in.len; cut++) {
		struct buf shorter = in;

		shorter.len = cut;
		if (message_open(&shorter, &kind, &r, &e) == 0 &&
		    message_get_u64(&r, &v, NULL) == 0)
			assert_int_equal(message_get_bytes(&r, &bytes, &len, NULL), -1);
	}
	FAILS(message_receive(pair[1], &in, 1, &e), ERR_TIMEOUT);
	assert_int_equal(write(pair[0], "\xff\xff\xff\xff", 4), 4);
	FAILS(message_receive(pair[1], &in, 0, &e), ERR_FORMAT);
	(void)close(pair[0]);
	FAILS(message_receive(pair[1], &in, 0, &e), ERR_UNREACHABLE);
	(void)close(pair[1]);
}

/* ------------------------------------------------------------------ the process */

static const char *signer_program(void)
{
	const char *path = getenv("OTA_SIGNER");

	if (path == NULL) {
		fail_msg("OTA_SIGNER does not name the program");
		abort();
	}
	return path;
}

static struct signer *signer_at(const struct place *p)
{
	const struct signer_config c = {.program = signer_program(), .dir = p->keys};
	struct err e = ERR_INIT;
	struct signer *s = signer_new(&c, NULL, &e);

	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

static void the_process_signs_with_the_keys_it_told(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	AUTO(buf) struct buf targets = {0};
	AUTO(signer_answer) struct signer_answer made = {0};

	(void)state;
	place_init(&p);
	AUTO_PTR(signer) struct signer *s = signer_at(&p);

	make_targets(&targets, 1);
	struct signer_ask ask = ask_for(&targets);

	assert_int_equal(pubkey_scheme(signer_snapshot_key(s)), KEY_ED25519);
	assert_false(pubkey_equal(signer_snapshot_key(s), signer_timestamp_key(s)));
	OK(signer_sign(s, &ask, &made, &e));
	assert_true(made.snapshot.len > 0 && made.timestamp.len > 0);
	ask.snapshot = made.snapshot.data;
	ask.snapshot_len = made.snapshot.len;
	AUTO(signer_answer) struct signer_answer again = {0};

	OK(signer_renew(s, &ask, &again, &e)); /* so it was signed by the key it has */
	OK(signer_ping(s, &e));
	ask.targets = "x";
	ask.targets_len = 1;
	FAILS(signer_sign(s, &ask, &made, &e), ERR_FORMAT);
	OK(signer_ping(s, &e)); /* a refusal is an answer, not a fault */
	place_fini(&p);
}

/* What a child does after it gave up everything: its wait status. */
static int confined(void (*act)(const struct place *p), const struct place *p)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (sandbox_enter(NULL) != 0)
			_exit(99);
		act(p);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void replace_a_file(const struct place *p)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/kept", p->dir);
	if (file_replace(path, "x", 1, 0600, NULL) != 0)
		_exit(98);
}

static void open_a_socket(const struct place *p)
{
	(void)p;
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void start_a_program(const struct place *p)
{
	char *argv[] = {(char[]){"true"}, NULL};

	(void)p;
	(void)execv("/bin/true", argv);
}

static void map_code(const struct place *p)
{
	(void)p;
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
}

static void fork_again(const struct place *p)
{
	(void)p;
	if (fork() == 0)
		_exit(0);
}

static void the_sandbox_leaves_files_and_kills_for_all_else(void **state)
{
	static void (*const forbidden[])(const struct place *p) = {
	    open_a_socket, start_a_program, map_code, fork_again};
	struct place p;
	char path[128];
	int status;

	(void)state;
	place_init(&p);
	status = confined(replace_a_file, &p);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < N_ELEMS(forbidden); i++) {
		status = confined(forbidden[i], &p);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
	snprintf(path, sizeof(path), "%s/kept", p.dir);
	assert_int_equal(unlink(path), 0);
	place_fini(&p);
}

static void
a_signer_that_dies_is_started_again_with_the_same_keys_after_a_pause(void **state)
{
	struct err e = ERR_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	AUTO_PTR(signer) struct signer *s = signer_at(&p);
	pid_t first;

	/* The pause is real time: a busy machine may miss it, but not each time. */
	do {
		first = signer_pid(s);
		e = ERR_INIT;
		assert_int_equal(kill(first, SIGKILL), 0);
		FAILS(signer_ping(s, &e), ERR_UNREACHABLE);
		e = ERR_INIT;
	} while (signer_ping(s, &e) == 0);
	assert_int_equal(e.code, ERR_BUSY);
	do
		e = ERR_INIT;
	while (signer_ping(s, &e) != 0 && e.code == ERR_BUSY);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_not_equal(signer_pid(s), first);
	place_fini(&p);
}

/* As after a server that was killed: its signer ends a moment after the next one
 * came. */
static void a_second_signer_waits_for_the_first_to_go(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	int pair[2];
	char byte;

	(void)state;
	place_init(&p);
	assert_int_equal(pipe(pair), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) { /* the first: holds the directory until it is told */
		struct online first;

		if (online_init(&first, p.keys, &p.clock, NULL) != 0 ||
		    write(pair[1], "x", 1) != 1)
			_exit(1);
		const struct timespec moment = {.tv_nsec = 100000000};

		(void)nanosleep(&moment,
				NULL); /* its last work; the second waits it out */
		_exit(0);
	}
	assert_int_equal(read(pair[0], &byte, 1), 1);
	AUTO_PTR(signer) struct signer *s = signer_at(&p);

	OK(signer_ping(s, &e));
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(pair[0]);
	(void)close(pair[1]);
	place_fini(&p);
}

static void what_keeps_it_from_starting_is_told(void **state)
{
	struct err e = ERR_INIT;
	struct place p;
	struct signer_config c;
	char path[128];

	(void)state;
	place_init(&p);
	c = (struct signer_config){.program = "/nonexistent/ota-signer", .dir = p.keys};
	assert_null(signer_new(&c, NULL, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	c.program = signer_program();
	OK(dir_make(p.keys, 0700, &e));
	snprintf(path, sizeof(path), "%s/snapshot.key", p.keys);
	OK(file_replace(path, "{}", 2, 0600, &e));
	e = ERR_INIT;
	assert_null(signer_new(&c, NULL, &e));
	assert_non_null(strstr(e.text, "snapshot.key"));
	place_fini(&p);
}

/* ------------------------------------------------------------------ the role delta */

static enum err_code ask_role(struct online *o, const char *product, const char *name,
			      uint64_t floor, uint64_t *ret_version)
{
	const struct repo_line line = {.name = name, .length = 5};
	const struct signer_role_ask ask = {.product = product,
					    .lines = &line,
					    .n_lines = 1,
					    .floor = floor,
					    .life_ms = 30ull * 86400000};
	AUTO(buf) struct buf made = BUF_INIT(1u << 16);
	struct err e = ERR_INIT;
	uint64_t version = 0;
	int64_t expires = 0;

	if (online_role(o, &ask, &made, ret_version, &e) != 0)
		return e.code;
	OK(repo_peek(made.data, made.len, "targets", &version, &expires, &e));
	assert_int_equal(version, *ret_version);
	assert_int_equal(expires, NOW_MS + 30ll * 86400000);
	return ERR_NONE;
}

static void a_role_lists_deltas_of_its_product_and_nothing_else(void **state)
{
	static const struct {
		const char *product, *name;
		enum err_code code;
	} rows[] = {
	    {"gateway", "delta/gateway/1.0.0:1.1.0", ERR_NONE},
	    {"gateway", "release/gateway/1.1.0.json", ERR_UNTRUSTED},
	    {"gateway", "delta/meter/1.0.0:1.1.0", ERR_UNTRUSTED},
	    {"gateway", "delta/gateway/", ERR_UNTRUSTED},
	    {"gateway", "delta/gateway/a/b", ERR_UNTRUSTED},
	    {"gateway", "delta/gateway", ERR_UNTRUSTED},
	    {"../x", "delta/../x/a", ERR_FORMAT},
	    {"", "gateway", ERR_NONE}, /* delta itself: a product it delegates to */
	    {"", "release/*", ERR_FORMAT},
	};
	struct err e = ERR_INIT;
	struct place p;
	struct online o;
	uint64_t last = 0, version = 0;

	(void)state;
	place_init(&p);
	OK(online_init(&o, p.keys, &p.clock, &e));
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		enum err_code code =
		    ask_role(&o, rows[i].product, rows[i].name, 0, &version);

		if (code != rows[i].code)
			fail_msg("%s: %s", rows[i].name, err_slug(code));
		if (code != ERR_NONE)
			continue;
		assert_true(version > last);
		last = version;
	}
	assert_int_equal(ask_role(&o, "gateway", rows[0].name, last + 500, &version),
			 ERR_NONE);
	assert_true(version > last + 500);
	online_fini(&o);
	place_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		versions_are_the_time_or_one_more_or_above_what_was_published),
	    cmocka_unit_test(a_restart_forgets_neither_keys_nor_versions),
	    cmocka_unit_test(only_its_own_snapshot_is_renewed_and_never_an_older_one),
	    cmocka_unit_test(
		lives_without_end_and_things_that_are_no_targets_are_refused),
	    cmocka_unit_test(a_damaged_memory_of_versions_keeps_it_from_starting),
	    cmocka_unit_test(a_message_arrives_as_it_was_sent_and_a_cut_one_is_refused),
	    cmocka_unit_test(the_process_signs_with_the_keys_it_told),
	    cmocka_unit_test(the_sandbox_leaves_files_and_kills_for_all_else),
	    cmocka_unit_test(
		a_signer_that_dies_is_started_again_with_the_same_keys_after_a_pause),
	    cmocka_unit_test(a_second_signer_waits_for_the_first_to_go),
	    cmocka_unit_test(what_keeps_it_from_starting_is_told),
	    cmocka_unit_test(a_role_lists_deltas_of_its_product_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
