/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include "../../common/base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MAX_PEERS 8
#define REQUEST_MAX_BYTES 8192
#define ANSWER_MAX_BYTES (256u * 1024)
#define PEER_TIMEOUT_MS 5000
#define CALL_TIMEOUT_S 30

struct peer {
	struct control *control;
	int fd;
	struct loop_io *io;
	struct loop_timer *timer;
	struct buf in, out;
	size_t sent;
};

struct control {
	struct loop *loop;
	struct agent *agent;
	const struct log *log;
	struct sockaddr_un address;
	int fd;
	struct loop_io *io;
	struct peer *peers[MAX_PEERS];
};

/* ---- answers ---- */

static struct json *ok_answer(void)
{
	struct json *o = json_new_object();

	if (o != NULL && json_set(o, "ok", json_new_bool(true), NULL) == 0)
		return o;
	json_free(o);
	return NULL;
}

static struct json *error_answer(const struct err *why)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "ok", json_new_bool(false), NULL) < 0 ||
	    json_set(o, "code", json_new_text(err_slug(why->code)), NULL) < 0 ||
	    json_set(o, "error", json_new_text(why->text), NULL) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *do_status(struct control *c, const struct json *request,
			      struct err *e)
{
	AUTO_PTR(json) struct json *o = ok_answer();

	(void)request;
	if (o == NULL || json_set(o, "status", agent_status(c->agent, e), e) < 0)
		return NULL;
	return TAKE(o);
}

static struct json *do_poll(struct control *c, const struct json *request,
			    struct err *e)
{
	(void)request;
	return agent_poll_now(c->agent, e) < 0 ? NULL : ok_answer();
}

static struct json *do_confirm(struct control *c, const struct json *request,
			       struct err *e)
{
	(void)request;
	return agent_consent(c->agent, true, e) < 0 ? NULL : ok_answer();
}

static struct json *do_deny(struct control *c, const struct json *request,
			    struct err *e)
{
	(void)request;
	return agent_consent(c->agent, false, e) < 0 ? NULL : ok_answer();
}

static struct json *do_install(struct control *c, const struct json *request,
			       struct err *e)
{
	const char *path;
	struct dev *bundle;

	if (json_get_text(request, "path", &path, e) < 0)
		return NULL;
	if (path[0] != '/') {
		(void)err_set(e, ERR_USAGE, "the bundle's path is not absolute");
		return NULL;
	}
	if (dev_open_file(path, "bundle", 0, &bundle, e) < 0 ||
	    agent_install_bundle(c->agent, bundle, e) < 0)
		return NULL;
	return ok_answer();
}

static const struct {
	const char *name;
	struct json *(*run)(struct control *c, const struct json *request,
			    struct err *e);
} commands[] = {
    {"status", do_status}, {"poll-now", do_poll},   {"confirm", do_confirm},
    {"deny", do_deny},	   {"install", do_install},
};

static struct json *answer(struct control *c, const struct json *request, struct err *e)
{
	const char *name;

	if (request == NULL || json_get_text(request, "command", &name, e) < 0)
		return NULL;
	for (size_t i = 0; i < N_ELEMS(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(c, request, e);
	}
	(void)err_set(e, ERR_USAGE, "there is no command \"%.40s\"", name);
	return NULL;
}

/* ---- peers ---- */

static void peer_close(struct peer *p)
{
	for (size_t i = 0; i < MAX_PEERS; i++) {
		if (p->control->peers[i] == p)
			p->control->peers[i] = NULL;
	}
	loop_io_free(p->io);
	loop_timer_free(p->timer);
	buf_fini(&p->in);
	buf_fini(&p->out);
	(void)close(p->fd);
	free(p);
}

static void on_timeout(void *ctx)
{
	peer_close(ctx);
}

static void send_some(struct peer *p)
{
	ssize_t n =
	    send(p->fd, p->out.data + p->sent, p->out.len - p->sent, MSG_NOSIGNAL);

	if (n > 0)
		p->sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || p->sent == p->out.len)
		peer_close(p);
}

static void reply(struct peer *p)
{
	struct err why = ERR_INIT;
	AUTO_PTR(json) struct json *request = json_parse(p->in.data, p->in.len, &why);
	AUTO_PTR(json) struct json *result = answer(p->control, request, &why);

	if (result == NULL)
		result = error_answer(&why);
	if (result == NULL || json_write(result, &p->out, NULL) < 0 ||
	    buf_add_str(&p->out, "\n", NULL) < 0 ||
	    loop_io_set(p->io, LOOP_WRITE, NULL) < 0)
		peer_close(p);
}

static void receive_some(struct peer *p)
{
	char piece[1024];
	ssize_t n = recv(p->fd, piece, sizeof(piece), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&p->in, piece, (size_t)n, NULL) < 0)
		peer_close(p);
	else if (memchr(p->in.data, '\n', p->in.len) != NULL)
		reply(p);
}

static void on_peer(void *ctx, int what)
{
	if (what & LOOP_WRITE)
		send_some(ctx);
	else
		receive_some(ctx);
}

static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static int peer_add(struct control *c, size_t at, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	*p = (struct peer){.control = c,
			   .fd = fd,
			   .in = BUF_INIT(REQUEST_MAX_BYTES),
			   .out = BUF_INIT(ANSWER_MAX_BYTES)};
	p->io = loop_io_new(c->loop, fd, on_peer, p, NULL);
	p->timer = loop_timer_new(c->loop, on_timeout, p, NULL);
	if (p->io == NULL || p->timer == NULL ||
	    loop_io_set(p->io, LOOP_READ, NULL) < 0) {
		p->fd = -1; /* the caller's again */
		peer_close(p);
		return -1;
	}
	loop_timer_set(p->timer, PEER_TIMEOUT_MS);
	c->peers[at] = p;
	return 0;
}

static void on_connection(void *ctx, int what)
{
	struct control *c = ctx;
	AUTO_CLOSE int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t at = 0;

	(void)what;
	while (at < MAX_PEERS && c->peers[at] != NULL)
		at++;
	if (fd < 0 || at == MAX_PEERS)
		return;
	if (!is_allowed(fd)) {
		log_warn(c->log, "control", "a stranger was turned away", NULL);
		return;
	}
	if (peer_add(c, at, fd) == 0)
		(void)TAKE_FD(fd);
}

/* ---- listening ---- */

static int set_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(e, ERR_CONFIG, "[control] socket: longer than %zu bytes",
			       sizeof(ret->sun_path) - 1);
	strcpy(ret->sun_path, path);
	return 0;
}

static int listen_at(struct control *c, struct err *e)
{
	const char *path = c->address.sun_path;
	mode_t before;
	int failed;

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_sys(e, "control socket");
	/* The agent holds its lock: whoever bound this before is dead. */
	(void)unlink(path);
	before = umask(0177);
	failed = bind(c->fd, (const struct sockaddr *)&c->address, sizeof(c->address));
	(void)umask(before);
	if (failed < 0 || listen(c->fd, MAX_PEERS) < 0)
		return err_sys(e, "control socket %s", path);
	c->io = loop_io_new(c->loop, c->fd, on_connection, c, e);
	return c->io == NULL ? -1 : loop_io_set(c->io, LOOP_READ, e);
}

struct control *control_new(struct loop *l, const char *path, struct agent *a,
			    const struct log *log, struct err *e)
{
	AUTO_PTR(control) struct control *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	*c = (struct control){.loop = l, .agent = a, .log = log, .fd = -1};
	if (set_address(path, &c->address, e) < 0 || listen_at(c, e) < 0)
		return NULL;
	return TAKE(c);
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < MAX_PEERS; i++) {
		if (c->peers[i] != NULL)
			peer_close(c->peers[i]);
	}
	loop_io_free(c->io);
	if (c->fd >= 0) {
		(void)close(c->fd);
		(void)unlink(c->address.sun_path);
	}
	free(c);
}

/* ---- the other end ---- */

static int connect_to(const char *path, int *ret_fd, struct err *e)
{
	struct timeval limit = {.tv_sec = CALL_TIMEOUT_S};
	struct sockaddr_un address;
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (set_address(path, &address, e) < 0)
		return -1;
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return err_sys(e, "control socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return err_set(e, ERR_UNREACHABLE, "no agent listens at %s",
				       path);
		return err_sys(e, "%s", path);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int write_request(const char *command, const char *file, struct buf *ret,
			 struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL)
		return err_nomem(e);
	if (json_set(o, "command", json_new_text(command), e) < 0 ||
	    (file != NULL && json_set(o, "path", json_new_text(file), e) < 0) ||
	    json_write(o, ret, e) < 0)
		return -1;
	return buf_add_str(ret, "\n", e);
}

static int read_answer(int fd, struct buf *ret, struct err *e)
{
	char piece[4096];
	ssize_t n;

	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		if (buf_add(ret, piece, (size_t)n, e) < 0)
			return -1;
	}
	if (n < 0)
		return err_sys(e, "control socket");
	return ret->len > 0 ? 0 : err_set(e, ERR_UNREACHABLE, "the agent hung up");
}

enum err_code control_code(const char *slug)
{
	for (unsigned i = 0; i < N_ERR_CODES; i++) {
		if (strcmp(err_slug((enum err_code)i), slug) == 0)
			return (enum err_code)i;
	}
	return ERR_INTERNAL;
}

static int check_answer(const struct json *o, struct err *e)
{
	const char *code = "internal", *text = "the agent's answer makes no sense";
	bool ok = false;

	if (json_get_bool(o, "ok", &ok, e) < 0)
		return -1;
	if (ok)
		return 0;
	if (json_opt_text(o, "code", &code, e) < 0 ||
	    json_opt_text(o, "error", &text, e) < 0)
		return -1;
	return err_set(e, control_code(code), "%s", text);
}

int control_call(const char *path, const char *command, const char *file,
		 struct json **ret_answer, struct err *e)
{
	AUTO(buf) struct buf request = BUF_INIT(REQUEST_MAX_BYTES);
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX_BYTES);
	AUTO_PTR(json) struct json *o = NULL;
	AUTO_CLOSE int fd = -1;

	if (connect_to(path, &fd, e) < 0 ||
	    write_request(command, file, &request, e) < 0)
		return -1;
	if (send(fd, request.data, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
		return err_sys(e, "control socket");
	if (read_answer(fd, &text, e) < 0)
		return -1;
	o = json_parse(text.data, text.len, e);
	if (o == NULL || check_answer(o, e) < 0)
		return -1;
	if (ret_answer != NULL)
		*ret_answer = TAKE(o);
	return 0;
}
