/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota-signer: the process that holds the keys of snapshot and timestamp.
 *
 * The server starts it with one end of a socket pair and a directory; nobody else has a
 * reason to. It loads or makes its keys, gives up all that it will not need
 * (sandbox.h), and answers one message after the other until the socket closes. Any
 * fault ends it; the server starts it anew.
 */
#include "../../common/base/option.h"
#include "../../common/base/text.h"
#include "online.h"
#include "protocol.h"
#include "sandbox.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define PREDECESSOR_MS 8000

struct values {
	const char *dir;
	uint64_t fd;
};

static int answer_error(int fd, struct buf *b, const struct err *why, struct err *e)
{
	if (message_begin(b, SIGNER_ERROR, e) != 0 ||
	    message_add_u64(b, (uint64_t)why->code, e) != 0 ||
	    message_add_bytes(b, why->text, strlen(why->text), e) != 0)
		return -1;
	return message_send(fd, b, 0, e);
}

static int add_key(struct buf *b, const struct pubkey *key, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(1024);

	if (pubkey_to_text(key, &text, e) != 0)
		return -1;
	return message_add_bytes(b, text.data, text.len, e);
}

static int answer_keys(const struct online *o, struct message_reader *r, struct buf *b,
		       struct err *e)
{
	if (message_end(r, e) != 0 || message_begin(b, SIGNER_OK, e) != 0 ||
	    add_key(b, o->snapshot_public, e) != 0)
		return -1;
	return add_key(b, o->timestamp_public, e);
}

static int answer_signed(struct online *o, enum signer_message kind,
			 struct message_reader *r, struct buf *b, struct err *e)
{
	AUTO(signer_answer) struct signer_answer made = {0};
	struct signer_ask ask = {0};
	AUTO(message_files) struct message_files files = {0};
	const uint8_t *data = NULL;
	size_t len = 0;

	if (message_get_ask(r, &ask, &data, &len, e) != 0 ||
	    message_get_files(r, true, &files, e) != 0)
		return -1;
	ask.roles = files.items;
	ask.n_roles = files.n_items;
	if (kind == SIGNER_SIGN) {
		ask.targets = data;
		ask.targets_len = len;
		if (online_sign(o, &ask, &made, e) != 0)
			return -1;
	} else {
		ask.snapshot = data;
		ask.snapshot_len = len;
		if (online_renew(o, &ask, &made, e) != 0)
			return -1;
	}
	if (message_begin(b, SIGNER_OK, e) != 0 ||
	    message_add_u64(b, made.snapshot_version, e) != 0 ||
	    message_add_u64(b, made.timestamp_version, e) != 0 ||
	    message_add_bytes(b, made.snapshot.data, made.snapshot.len, e) != 0)
		return -1;
	return message_add_bytes(b, made.timestamp.data, made.timestamp.len, e);
}

/* Of the same names and hashes, without versions. */
static struct repo_line *lines_of(const struct message_files *f, struct err *e)
{
	struct repo_line *lines = calloc(f->n_items + 1, sizeof(*lines));

	if (lines == NULL)
		(void)err_nomem(e);
	for (size_t i = 0; lines != NULL && i < f->n_items; i++) {
		lines[i].name = f->items[i].name;
		lines[i].length = f->items[i].length;
		memcpy(lines[i].sha256, f->items[i].sha256, sizeof(lines[i].sha256));
	}
	return lines;
}

static int answer_role(struct online *o, struct message_reader *r, struct buf *b,
		       struct err *e)
{
	AUTO(message_files) struct message_files files = {0};
	AUTO(buf) struct buf made = BUF_INIT(SIGNER_MESSAGE_MAX);
	AUTO_FREE struct repo_line *lines = NULL;
	struct signer_role_ask ask = {0};
	char product[MESSAGE_NAME_LEN + 1] = "";
	const uint8_t *text = NULL;
	uint64_t version = 0;
	size_t len = 0;

	if (message_get_bytes(r, &text, &len, e) != 0 ||
	    message_get_u64(r, &ask.floor, e) != 0 ||
	    message_get_u64(r, &ask.life_ms, e) != 0 ||
	    message_get_files(r, false, &files, e) != 0)
		return -1;
	if (len > MESSAGE_NAME_LEN)
		return err_set(e, ERR_FORMAT, "a product of %zu characters", len);
	memcpy(product, text, len);
	lines = lines_of(&files, e);
	ask.product = product;
	ask.lines = lines;
	ask.n_lines = files.n_items;
	if (lines == NULL || online_role(o, &ask, &made, &version, e) != 0 ||
	    message_begin(b, SIGNER_OK, e) != 0 || message_add_u64(b, version, e) != 0)
		return -1;
	return message_add_bytes(b, made.data, made.len, e);
}

static int answer(struct online *o, const struct buf *in, struct buf *out,
		  struct err *e)
{
	struct message_reader r = {0};
	enum signer_message kind = 0;

	if (message_open(in, &kind, &r, e) != 0)
		return -1;
	if (kind == SIGNER_KEYS)
		return answer_keys(o, &r, out, e);
	if (kind == SIGNER_SIGN || kind == SIGNER_RENEW)
		return answer_signed(o, kind, &r, out, e);
	if (kind == SIGNER_ROLE)
		return answer_role(o, &r, out, e);
	return err_set(e, ERR_FORMAT, "an unknown message %d", (int)kind);
}

/* Until the other end is gone. */
static int serve(struct online *o, int fd, struct err *e)
{
	AUTO(buf) struct buf in = BUF_INIT(SIGNER_MESSAGE_MAX + 8);
	AUTO(buf) struct buf out = BUF_INIT(SIGNER_MESSAGE_MAX + 8);

	for (;;) {
		struct err why = ERR_INIT;
		int result;

		if (message_receive(fd, &in, 0, e) != 0)
			return e->code == ERR_UNREACHABLE ? 0 : -1;
		result = answer(o, &in, &out, &why);
		if (result == 0 ? message_send(fd, &out, 0, e) != 0
				: answer_error(fd, &out, &why, e) != 0)
			return -1;
	}
}

/* A server that was killed leaves a signer that is about to notice: its successor waits
 * for it. */
static int take_office(struct online *o, const char *dir, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	int64_t deadline = clock_mono_ms(&clock_system) + PREDECESSOR_MS;

	for (;;) {
		struct err why = ERR_INIT;

		if (online_init(o, dir, &clock_system, &why) == 0)
			return 0;
		if (why.code != ERR_CONFLICT ||
		    clock_mono_ms(&clock_system) >= deadline) {
			*e = why;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static int run(void *values, int n_operands, char **operands, const struct log *log,
	       struct err *e)
{
	const struct values *v = values;
	AUTO(buf) struct buf out = BUF_INIT(SIGNER_MESSAGE_MAX + 8);
	struct online o;
	int fd = (int)v->fd, result;

	(void)n_operands;
	(void)operands;
	if (v->dir == NULL || v->fd < 3 || v->fd > 1023)
		return err_set(e, ERR_USAGE,
			       "this program is started by ota-server, which gives it "
			       "--dir and --fd");
	if (take_office(&o, v->dir, e) != 0 || sandbox_enter(e) != 0) {
		/* The server is told why; it has no other way to learn it. */
		if (answer_error(fd, &out, e, NULL) != 0)
			log_failure(log, LOG_ERROR, "signer", "start", e);
		return -1;
	}
	result = serve(&o, fd, e);
	online_fini(&o);
	return result;
}

static const struct option options[] = {
    {NULL, "dir", OPT_PATH, offsetof(struct values, dir), NULL, "DIR",
     "the directory of its keys and versions"},
    {NULL, "fd", OPT_U64, offsetof(struct values, fd), NULL, "N",
     "the inherited socket to the server"},
    OPTION_END,
};

static const struct command commands[] = {
    {"", "", 0, 0, NULL, "answer the server until it closes the socket", run},
    {.name = NULL},
};

int main(int argc, char **argv)
{
	struct values values = {0};
	const struct program program = {
	    .name = "ota-signer",
	    .summary = "Hold the online keys of an update repository",
	    .description =
		"Started by ota-server. Holds the keys that sign snapshot and "
		"timestamp, signs what the server publishes and refuses to "
		"go back to older versions.",
	    .options = options,
	    .commands = commands,
	    .values = &values,
	};

	/* Without exit handlers: they would look for what the sandbox does not let them
	 * have. */
	_exit(program_main(&program, argc, argv));
}
