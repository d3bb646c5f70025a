/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's end of the signer. A call holds the lock from question to answer, so a
 * message can never meet another's answer. Whatever goes wrong between the two (time
 * out, end of file, nonsense) leaves the socket in an unknown state: the process is
 * ended and the next call starts a fresh one.
 */
#include "signer.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHILD_FD 3
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 30000
#define TIMEOUT_MS 10000

struct signer {
	char *program, *dir;
	int64_t timeout_ms;
	const struct log *log;
	pthread_mutex_t lock; /* guards all below */
	pid_t pid;	      /* 0: not running */
	int fd;
	int64_t backoff_ms;    /* of the next failure */
	int64_t not_before_ms; /* monotonic; of the next start */
	struct buf out, in;
	struct pubkey *snapshot, *timestamp;
};

/* ------------------------------------------------------------------ the process */

/* Ends it if it runs. */
static void put_down(struct signer *s)
{
	if (s->fd >= 0)
		(void)close(TAKE_FD(s->fd));
	if (s->pid == 0)
		return;
	(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
}

static void failed(struct signer *s)
{
	put_down(s);
	s->not_before_ms = clock_mono_ms(&clock_system) + s->backoff_ms;
	s->backoff_ms =
	    s->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : s->backoff_ms * 2;
}

/* The child gets its end as CHILD_FD, stderr, and nothing else of ours. */
static int spawn(struct signer *s, int child_fd, struct err *e)
{
	char fd_text[8], *empty[] = {NULL};
	char *argv[] = {s->program,	  (char[]){"--dir"}, s->dir,
			(char[]){"--fd"}, fd_text,	     NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int code;

	if (text_format(fd_text, sizeof(fd_text), e, "%d", CHILD_FD) != 0)
		return -1;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return err_nomem(e);
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return err_nomem(e);
	}
	(void)sigemptyset(&none);
	code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, child_fd, CHILD_FD);
	if (code == 0)
		code = posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
	if (code == 0)
		code = posix_spawnattr_setsigmask(&attr, &none);
	if (code == 0)
		code = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
							   POSIX_SPAWN_SETPGROUP);
	if (code == 0)
		code = posix_spawn(&s->pid, s->program, &actions, &attr, argv, empty);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	if (code != 0) {
		s->pid = 0;
		errno = code;
		return err_sys(e, "start %s", s->program);
	}
	return 0;
}

static int start(struct signer *s, struct err *e)
{
	int pair[2];
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;

	if (clock_mono_ms(&clock_system) < s->not_before_ms)
		return err_set(e, ERR_BUSY, "it failed and is not started again yet");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "socketpair");
	ours = pair[0];
	/* dup2 of a descriptor onto itself would leave it close-on-exec. */
	theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, CHILD_FD + 1);
	(void)close(pair[1]);
	if (theirs < 0)
		return err_sys(e, "socketpair");
	if (spawn(s, theirs, e) != 0) {
		failed(s);
		return -1;
	}
	s->fd = TAKE_FD(ours);
	log_info(s->log, "signer", "started", "dir", s->dir, NULL);
	return 0;
}

/* ------------------------------------------------------------------ asking */

static int error_answer(struct message_reader *r, struct err *e)
{
	const uint8_t *text = NULL;
	uint64_t code = 0;
	size_t len = 0;

	if (message_get_u64(r, &code, e) != 0 ||
	    message_get_bytes(r, &text, &len, e) != 0)
		return -1;
	if (code == ERR_NONE || code >= N_ERR_CODES || len > ERR_TEXT_LEN)
		return err_set(e, ERR_FORMAT, "an answer that makes no sense");
	return err_set(e, (enum err_code)code, "%.*s", (int)len, (const char *)text);
}

/* s->out is sent; on 0 r stands behind SIGNER_OK. *ret_refused: it answered, with an
 * error. */
static int exchange(struct signer *s, struct message_reader *r, bool *ret_refused,
		    struct err *e)
{
	int64_t deadline = clock_mono_ms(&clock_system) + s->timeout_ms;
	enum signer_message kind = 0;
	struct err unsent = ERR_INIT;

	*ret_refused = false;
	/* One that cannot start says why and is gone, maybe before it was asked: then what it
	 * said is there to be read all the same. */
	if (message_send(s->fd, &s->out, deadline, &unsent) != 0 &&
	    unsent.code != ERR_UNREACHABLE)
		return err_set(e, unsent.code, "%s", unsent.text);
	if (message_receive(s->fd, &s->in, deadline, e) != 0 ||
	    message_open(&s->in, &kind, r, e) != 0)
		return -1;
	if (kind == SIGNER_OK)
		return 0;
	*ret_refused = kind == SIGNER_ERROR;
	return error_answer(r, e);
}

static int ask_locked(struct signer *s, struct message_reader *r, struct err *e)
{
	bool refused = false;

	if (s->pid == 0 && start(s, e) != 0)
		return -1;
	if (exchange(s, r, &refused, e) != 0) {
		if (!refused)
			failed(s);
		return -1;
	}
	s->backoff_ms = BACKOFF_FIRST_MS;
	return 0;
}

static int get_key(struct message_reader *r, struct pubkey **ret, struct err *e)
{
	const uint8_t *text = NULL;
	size_t len = 0;
	char hex[2 * ED25519_PUBLIC_LEN + 1];

	if (message_get_bytes(r, &text, &len, e) != 0)
		return -1;
	if (len != 2 * ED25519_PUBLIC_LEN)
		return err_set(e, ERR_FORMAT, "a key of %zu characters", len);
	memcpy(hex, text, len);
	hex[len] = '\0';
	*ret = pubkey_from_text(KEY_ED25519, hex, e);
	return *ret == NULL ? -1 : 0;
}

static int keys_locked(struct signer *s, struct pubkey **ret_snapshot,
		       struct pubkey **ret_timestamp, struct err *e)
{
	struct message_reader r = {0};

	if (message_begin(&s->out, SIGNER_KEYS, e) != 0 || ask_locked(s, &r, e) != 0 ||
	    get_key(&r, ret_snapshot, e) != 0 || get_key(&r, ret_timestamp, e) != 0)
		return -1;
	return message_end(&r, e);
}

/* ------------------------------------------------------------------ life */

struct signer *signer_new(const struct signer_config *c, const struct log *log,
			  struct err *e)
{
	AUTO_PTR(signer) struct signer *s = calloc(1, sizeof(*s));
	char *program = strdup(c->program), *dir = strdup(c->dir);

	if (s == NULL || program == NULL || dir == NULL) {
		free(program);
		free(dir);
		(void)err_nomem(e);
		return NULL;
	}
	s->program = program;
	s->dir = dir;
	s->fd = -1;
	s->log = log;
	s->timeout_ms = c->timeout_ms == 0 ? TIMEOUT_MS : (int64_t)c->timeout_ms;
	s->backoff_ms = BACKOFF_FIRST_MS;
	buf_init(&s->out, SIGNER_MESSAGE_MAX + 8);
	buf_init(&s->in, SIGNER_MESSAGE_MAX + 8);
	(void)pthread_mutex_init(&s->lock, NULL);
	if (keys_locked(s, &s->snapshot, &s->timestamp, e) != 0) {
		(void)err_wrap(e, "signer");
		return NULL;
	}
	return TAKE(s);
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	put_down(s);
	if (s->program != NULL)
		(void)pthread_mutex_destroy(&s->lock);
	buf_fini(&s->out);
	buf_fini(&s->in);
	pubkey_free(s->snapshot);
	pubkey_free(s->timestamp);
	free(s->program);
	free(s->dir);
	free(s);
}

const struct pubkey *signer_snapshot_key(const struct signer *s)
{
	return s->snapshot;
}

const struct pubkey *signer_timestamp_key(const struct signer *s)
{
	return s->timestamp;
}

pid_t signer_pid(const struct signer *s)
{
	return s->pid;
}

/* ------------------------------------------------------------------ what is asked */

static int put_ask(struct signer *s, enum signer_message kind,
		   const struct signer_ask *ask, struct err *e)
{
	const void *data = kind == SIGNER_SIGN ? ask->targets : ask->snapshot;
	size_t len = kind == SIGNER_SIGN ? ask->targets_len : ask->snapshot_len;

	if (message_begin(&s->out, kind, e) != 0 ||
	    message_add_u64(&s->out, ask->snapshot_floor, e) != 0 ||
	    message_add_u64(&s->out, ask->timestamp_floor, e) != 0 ||
	    message_add_u64(&s->out, ask->snapshot_life_ms, e) != 0 ||
	    message_add_u64(&s->out, ask->timestamp_life_ms, e) != 0 ||
	    message_add_bytes(&s->out, data, len, e) != 0 ||
	    message_add_u64(&s->out, kind == SIGNER_SIGN ? ask->n_roles : 0, e) != 0)
		return -1;
	for (size_t i = 0; kind == SIGNER_SIGN && i < ask->n_roles; i++) {
		const struct repo_file *f = &ask->roles[i];

		if (message_add_file(&s->out, f->name, &f->version, f->length,
				     f->sha256, e) != 0)
			return -1;
	}
	return 0;
}

static int put_role(struct signer *s, const struct signer_role_ask *ask, struct err *e)
{
	if (message_begin(&s->out, SIGNER_ROLE, e) != 0 ||
	    message_add_bytes(&s->out, ask->product, strlen(ask->product), e) != 0 ||
	    message_add_u64(&s->out, ask->floor, e) != 0 ||
	    message_add_u64(&s->out, ask->life_ms, e) != 0 ||
	    message_add_u64(&s->out, ask->n_lines, e) != 0)
		return -1;
	for (size_t i = 0; i < ask->n_lines; i++) {
		const struct repo_line *l = &ask->lines[i];

		if (message_add_file(&s->out, l->name, NULL, l->length, l->sha256, e) !=
		    0)
			return -1;
	}
	return 0;
}

static int get_role(struct message_reader *r, struct buf *ret, uint64_t *ret_version,
		    struct err *e)
{
	const uint8_t *data = NULL;
	size_t len = 0;

	if (message_get_u64(r, ret_version, e) != 0 ||
	    message_get_bytes(r, &data, &len, e) != 0 || message_end(r, e) != 0)
		return -1;
	buf_clear(ret);
	return buf_add(ret, data, len, e);
}

static int get_answer(struct message_reader *r, struct signer_answer *ret,
		      struct err *e)
{
	const uint8_t *snapshot = NULL, *timestamp = NULL;
	size_t snapshot_len = 0, timestamp_len = 0;

	if (message_get_u64(r, &ret->snapshot_version, e) != 0 ||
	    message_get_u64(r, &ret->timestamp_version, e) != 0 ||
	    message_get_bytes(r, &snapshot, &snapshot_len, e) != 0 ||
	    message_get_bytes(r, &timestamp, &timestamp_len, e) != 0 ||
	    message_end(r, e) != 0)
		return -1;
	buf_init(&ret->snapshot, snapshot_len + 1);
	buf_init(&ret->timestamp, timestamp_len + 1);
	if (buf_add(&ret->snapshot, snapshot, snapshot_len, e) != 0 ||
	    buf_add(&ret->timestamp, timestamp, timestamp_len, e) != 0) {
		signer_answer_fini(ret);
		return -1;
	}
	return 0;
}

static int ask(struct signer *s, enum signer_message kind, const struct signer_ask *a,
	       struct signer_answer *ret, struct err *e)
{
	struct message_reader r = {0};
	int result;

	(void)pthread_mutex_lock(&s->lock);
	result = put_ask(s, kind, a, e);
	if (result == 0)
		result = ask_locked(s, &r, e);
	if (result == 0)
		result = get_answer(&r, ret, e);
	(void)pthread_mutex_unlock(&s->lock);
	return result == 0 ? 0 : err_wrap(e, "signer");
}

int signer_sign(struct signer *s, const struct signer_ask *a, struct signer_answer *ret,
		struct err *e)
{
	return ask(s, SIGNER_SIGN, a, ret, e);
}

int signer_renew(struct signer *s, const struct signer_ask *a,
		 struct signer_answer *ret, struct err *e)
{
	return ask(s, SIGNER_RENEW, a, ret, e);
}

int signer_role(struct signer *s, const struct signer_role_ask *a, struct buf *ret,
		uint64_t *ret_version, struct err *e)
{
	struct message_reader r = {0};
	int result;

	(void)pthread_mutex_lock(&s->lock);
	result = put_role(s, a, e);
	if (result == 0)
		result = ask_locked(s, &r, e);
	if (result == 0)
		result = get_role(&r, ret, ret_version, e);
	(void)pthread_mutex_unlock(&s->lock);
	return result == 0 ? 0 : err_wrap(e, "signer");
}

int signer_ping(struct signer *s, struct err *e)
{
	struct pubkey *snapshot = NULL, *timestamp = NULL;
	int result;

	(void)pthread_mutex_lock(&s->lock);
	result = keys_locked(s, &snapshot, &timestamp, e);
	(void)pthread_mutex_unlock(&s->lock);
	if (result == 0 && (!pubkey_equal(snapshot, s->snapshot) ||
			    !pubkey_equal(timestamp, s->timestamp)))
		result = err_set(e, ERR_CONFLICT, "its keys have changed");
	pubkey_free(snapshot);
	pubkey_free(timestamp);
	return result == 0 ? 0 : err_wrap(e, "signer");
}
