/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's bytes, from disk to TLS without blocking the loop.
 *
 * A pool thread reads a slice of 256 KiB while the one before it is being written; a
 * client that reads slowly holds two slices and no more. (libevent could map the file
 * instead, but a file that shrinks under a mapping kills the process.) A file shorter
 * than announced cuts the connection: the client must see that it has not got
 * everything.
 *
 *	READING ---> READY ---> (output drained) ---> WRITING ---> READING | done
 */
#include "conn.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "range.h"

#include <string.h>

#define SLICE_LEN ((size_t)256 * 1024)

struct file_sender {
	struct pool_job job;	/* first: the job's address is ours */
	struct http_request *r; /* NULL: the client is gone */
	int fd;
	uint64_t at, end;
	uint8_t *slice; /* being read, or ready */
	size_t slice_len;
	bool reading; /* the pool has the job */
	bool ready;
	bool writing; /* the output holds a slice */
	bool failed;
};

static void sender_free(struct file_sender *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f->slice);
	free(f);
}

static void release_slice(const void *data, size_t len, void *slice)
{
	(void)data;
	(void)len;
	free(slice);
}

/* In a pool thread. */
static void read_slice(struct pool_job *j)
{
	struct file_sender *f = (struct file_sender *)j;

	f->failed = fd_pread_full(f->fd, f->slice, f->slice_len, f->at, NULL) < 0;
}

static void read_next(struct file_sender *f)
{
	f->slice_len =
	    f->end - f->at < SLICE_LEN ? (size_t)(f->end - f->at) : SLICE_LEN;
	f->slice = malloc(f->slice_len);
	if (f->slice == NULL) {
		conn_cut(f->r->conn);
		return;
	}
	f->reading = true;
	pool_submit(f->r->worker->server->pool, &f->job);
}

static void on_drained(struct evhttp_connection *evcon, void *ctx);

static void write_slice(struct file_sender *f)
{
	struct evbuffer *out = evbuffer_new();

	if (out == NULL || evbuffer_add_reference(out, f->slice, f->slice_len,
						  release_slice, f->slice) < 0) {
		if (out != NULL)
			evbuffer_free(out);
		conn_cut(f->r->conn);
		return;
	}
	f->slice = NULL;
	f->ready = false;
	f->writing = true;
	f->at += f->slice_len;
	evhttp_send_reply_chunk_with_cb(f->r->ev, out, on_drained, f);
	evbuffer_free(out);
	if (f->at < f->end)
		read_next(f);
}

static void on_drained(struct evhttp_connection *evcon, void *ctx)
{
	struct file_sender *f = ctx;
	struct http_request *r = f->r;

	(void)evcon;
	f->writing = false;
	if (f->ready) {
		write_slice(f);
	} else if (f->at == f->end && !f->reading) {
		r->file = NULL;
		sender_free(f);
		evhttp_send_reply_end(r->ev);
	}
}

static void on_slice(struct pool_job *j)
{
	struct file_sender *f = (struct file_sender *)j;

	f->reading = false;
	if (f->r == NULL) {
		sender_free(f);
		return;
	}
	if (f->failed) {
		log_warn(f->r->worker->server->log, "http",
			 "a file is shorter than it should be or cannot be read",
			 "path", f->r->path, NULL);
		conn_cut(f->r->conn);
		return;
	}
	f->ready = true;
	if (!f->writing)
		write_slice(f);
}

void file_sender_gone(struct file_sender *f)
{
	request_free(f->r);
	f->r = NULL;
	if (!f->reading)
		sender_free(f);
}

static void start(struct http_request *r, int fd, int status, const struct range *part,
		  const char *content_type)
{
	struct file_sender *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)close(fd);
		http_refuse(r, 503, err_slug(ERR_NO_MEMORY),
			    "the server is short of memory");
		return;
	}
	*f = (struct file_sender){
	    .job = {.work = read_slice, .done = on_slice, .loop = r->worker->loop},
	    .r = r,
	    .fd = fd,
	    .at = part->first,
	    .end = part->first + part->len};
	r->file = f;
	r->answered = true;
	request_set_headers(r, status, content_type, (int64_t)part->len);
	evhttp_send_reply_start(r->ev, status, request_reason(status));
	read_next(f);
}

static void add_content_range(struct http_request *r, int status,
			      const struct range *part, uint64_t size)
{
	char text[80];
	int rc;

	if (status == 206)
		rc = text_format(text, sizeof(text), NULL, "bytes %llu-%llu/%llu",
				 (unsigned long long)part->first,
				 (unsigned long long)(part->first + part->len - 1),
				 (unsigned long long)size);
	else
		rc = text_format(text, sizeof(text), NULL, "bytes */%llu",
				 (unsigned long long)size);
	if (rc == 0)
		http_add_header(r, "Content-Range", text);
}

static int judge(struct http_request *r, const char *quoted, uint64_t size,
		 struct range *ret)
{
	const struct conditions c = {
	    .is_get = strcmp(r->method, "GET") == 0,
	    .if_match = http_header(r, "If-Match"),
	    .if_none_match = http_header(r, "If-None-Match"),
	    .if_range = http_header(r, "If-Range"),
	    .range = http_header(r, "Range"),
	};

	return conditions_judge(&c, quoted, size, ret);
}

void http_reply_file(struct http_request *r, int fd, uint64_t size,
		     const char *content_type, const char *etag)
{
	AUTO_CLOSE int owned = fd;
	struct range part;
	char quoted[160];
	int status;

	if (text_format(quoted, sizeof(quoted), NULL, "\"%s\"", etag) < 0) {
		http_refuse(r, 500, err_slug(ERR_INTERNAL),
			    "the entity tag is too long");
		return;
	}
	status = judge(r, quoted, size, &part);
	http_add_header(r, "ETag", quoted);
	http_add_header(r, "Accept-Ranges", "bytes");
	if (status == 206 || status == 416)
		add_content_range(r, status, &part, size);
	if (status == 412)
		http_refuse(r, 412, err_slug(ERR_PRECONDITION),
			    "the content is another one now");
	else if (status == 416)
		http_refuse(r, 416, err_slug(ERR_RANGE),
			    "the range is outside of the content");
	else if (status == 304)
		request_reply_empty(r, 304, NULL, -1);
	else if (strcmp(r->method, "HEAD") == 0 || part.len == 0 || r->ev == NULL)
		request_reply_empty(r, status, content_type, (int64_t)part.len);
	else
		start(r, TAKE_FD(owned), status, &part, content_type);
}
