/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each call becomes one job. A job that changes an upload holds its file first and
 * looks at its row then, so that of two requests for one upload the later one sees what
 * the earlier one did.
 *
 *	write	hold, row, bytes + flush, row's offset. A crash before the last step:
 *		the client sends the part again
 *	commit	hold, row, hash + flush + rename, artifact's row, upload's row away. A
 *		crash in between: the artifact is there, commit again finds it
 *	drop	hold, row away, bytes away. A crash in between: the next sweep finds the
 *		bytes
 *	sweep	hold, age, row away, bytes away. A crash in between: the next sweep
 *		finds the bytes
 */
#include "upload.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload_job {
	struct job job; /* first */
	struct uploads *up;
	int (*act)(struct upload_job *j, struct err *e);
	upload_done *done;
	void *ctx;
	struct upload upload; /* in: what is known of it; out: the row */
	struct artifact artifact;
	uint64_t offset;
	void *data;
	size_t len;
	struct err err;
};

/* ------------------------------------------------------------------ rows */

/* Runs a verb; *row gets what it says of the upload, also if it refuses. */
static int row_call(struct upload_job *j, struct store_call *c, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *owned = c;

	if (store_wait(j->up->store, owned, e) != 0) {
		if (e->code == ERR_PRECONDITION)
			j->upload = owned->out.upload;
		return -1;
	}
	if (owned->verb != STORE_UPLOAD_DELETE && owned->verb != STORE_ARTIFACT_PUT)
		j->upload = owned->out.upload;
	return 0;
}

static int row_get(struct upload_job *j, struct err *e)
{
	struct store_call *c = store_call_new(STORE_UPLOAD_GET, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	memcpy(c->in.upload_id, j->upload.id, sizeof(c->in.upload_id));
	return row_call(j, c, e);
}

static int row_create(struct upload_job *j, struct err *e)
{
	struct store_call *c = store_call_new(STORE_UPLOAD_CREATE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.upload = j->upload;
	return row_call(j, c, e);
}

static int row_advance(struct upload_job *j, uint64_t to, struct err *e)
{
	struct store_call *c =
	    store_call_new(STORE_UPLOAD_ADVANCE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	memcpy(c->in.advance.id, j->upload.id, sizeof(c->in.advance.id));
	c->in.advance.from = j->upload.offset;
	c->in.advance.to = to;
	return row_call(j, c, e);
}

static int row_delete(struct upload_job *j, struct err *e)
{
	struct store_call *c = store_call_new(STORE_UPLOAD_DELETE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	memcpy(c->in.upload_id, j->upload.id, sizeof(c->in.upload_id));
	return row_call(j, c, e);
}

static int artifact_put(struct upload_job *j, struct err *e)
{
	struct store_call *c = store_call_new(STORE_ARTIFACT_PUT, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.artifact = j->artifact;
	return row_call(j, c, e);
}

/* ------------------------------------------------------------------ what jobs do */

static int new_id(char ret[UPLOAD_ID_LEN + 1], struct err *e)
{
	uint8_t bytes[UPLOAD_ID_LEN / 2];

	if (random_bytes(bytes, sizeof(bytes), e) != 0)
		return -1;
	hex_encode(bytes, sizeof(bytes), ret);
	return 0;
}

/* Rows survive what files do not (another disk, a restored backup): start anew then. */
static int begin_anew_if_lost(struct upload_job *j, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct upload row = j->upload;
	off_t have;

	if (row.offset == 0)
		return 0;
	if (artifacts_hold(j->up->artifacts, row.id, &fd, e) != 0)
		return -1;
	have = lseek(fd, 0, SEEK_END);
	if (have < 0)
		return err_sys(e, "upload %s", row.id);
	if ((uint64_t)have >= row.offset)
		return 0;
	if (row_delete(j, e) != 0 || artifacts_drop(j->up->artifacts, row.id, e) != 0)
		return -1;
	j->upload.offset = 0;
	return new_id(j->upload.id, e) == 0 ? row_create(j, e) : -1;
}

static int act_begin(struct upload_job *j, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uint64_t size = 0;
	bool there;

	there =
	    artifacts_open(j->up->artifacts, j->upload.sha256, &fd, &size, NULL) == 0 &&
	    size == j->upload.size;
	if (!there && artifacts_check_space(j->up->artifacts, j->upload.size, e) != 0)
		return -1;
	if (new_id(j->upload.id, e) != 0 || row_create(j, e) != 0)
		return -1;
	if (!there)
		return begin_anew_if_lost(j, e);
	return j->upload.offset == size ? 0 : row_advance(j, size, e);
}

static int act_get(struct upload_job *j, struct err *e)
{
	return row_get(j, e);
}

/* Holds the file and then reads the row: nobody changes either until *ret_fd is
 * closed. */
static int hold_with_row(struct upload_job *j, int *ret_fd, struct err *e)
{
	struct err ignored = ERR_INIT; /* that it is gone is what has to be told */

	if (row_get(j, e) != 0 ||
	    artifacts_hold(j->up->artifacts, j->upload.id, ret_fd, e) != 0)
		return -1;
	if (row_get(j, e) == 0)
		return 0;
	if (e->code ==
	    ERR_NOT_FOUND) /* committed just now: holding made an empty file */
		(void)!artifacts_drop(j->up->artifacts, j->upload.id, &ignored);
	return -1;
}

static int act_write(struct upload_job *j, struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (hold_with_row(j, &fd, e) != 0)
		return -1;
	if (j->offset != j->upload.offset)
		return err_set(e, ERR_CONFLICT, "the upload stands at %llu, not %llu",
			       (unsigned long long)j->upload.offset,
			       (unsigned long long)j->offset);
	if (artifacts_write(j->up->artifacts, fd, j->upload.size, j->offset, j->data,
			    j->len, e) != 0)
		return -1;
	return row_advance(j, j->offset + j->len, e);
}

/* The bytes and the row that says they are in use, without a collection in between. */
static int commit_artifact(struct upload_job *j, int fd, struct err *e)
{
	int rc;

	artifacts_enter(j->up->artifacts);
	rc = artifacts_commit(j->up->artifacts, j->upload.id, fd, j->upload.size,
			      j->upload.sha256, &j->artifact, e);
	if (rc == 0)
		rc = artifact_put(j, e);
	artifacts_leave(j->up->artifacts);
	return rc;
}

static int act_commit(struct upload_job *j, struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (hold_with_row(j, &fd, e) != 0)
		return -1;
	if (j->upload.offset != j->upload.size)
		return err_set(e, ERR_CONFLICT, "%llu of %llu bytes are here",
			       (unsigned long long)j->upload.offset,
			       (unsigned long long)j->upload.size);
	if (commit_artifact(j, fd, e) != 0) {
		struct err ignored = ERR_INIT; /* the digest is what has to be told */

		/* CONFLICT: the bytes were an artifact's that is gone: begin anew. */
		if (e->code == ERR_DIGEST || e->code == ERR_CONFLICT)
			(void)!row_delete(j, &ignored);
		return -1;
	}
	return row_delete(j, e);
}

static int act_drop(struct upload_job *j, struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (hold_with_row(j, &fd, e) != 0 || row_delete(j, e) != 0)
		return -1;
	return artifacts_drop(j->up->artifacts, j->upload.id, e);
}

/* ------------------------------------------------------------------ jobs */

static void job_run(struct job *job)
{
	struct upload_job *j = (struct upload_job *)job;

	if (j->act(j, &j->err) != 0 && j->err.code == ERR_PRECONDITION)
		j->err.code = ERR_CONFLICT; /* somebody else was quicker */
}

static void job_done(struct job *job)
{
	struct upload_job *j = (struct upload_job *)job;

	j->done(j->ctx, &j->upload, &j->artifact, &j->err);
	free(j->data);
	free(j);
}

static void fail_later(struct job *job)
{
	(void)job; /* the error is set already */
}

static struct upload_job *job_new(struct uploads *up, struct loop *l,
				  int (*act)(struct upload_job *, struct err *),
				  upload_done *done, void *ctx)
{
	struct upload_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		const struct err e = {.code = ERR_NO_MEMORY, .text = "out of memory"};
		const struct upload none = {0};

		done(ctx, &none, NULL, &e);
		return NULL;
	}
	j->job = (struct job){.run = job_run, .done = job_done, .loop = l};
	j->up = up;
	j->act = act;
	j->done = done;
	j->ctx = ctx;
	return j;
}

/* Ids come from URLs. */
static void submit(struct upload_job *j, const char *id)
{
	if (id != NULL &&
	    (!text_is_name(id, UPLOAD_ID_LEN, "") ||
	     text_copy(j->upload.id, sizeof(j->upload.id), id, "id", NULL) != 0)) {
		(void)err_set(&j->err, ERR_NOT_FOUND, "there is no upload \"%.64s\"",
			      id);
		j->job.run = fail_later;
	}
	worker_submit(j->up->worker, &j->job);
}

void upload_begin(struct uploads *up, struct loop *l, uint64_t size,
		  const uint8_t sha256[SHA256_LEN], upload_done *done, void *ctx)
{
	struct upload_job *j = job_new(up, l, act_begin, done, ctx);

	if (j == NULL)
		return;
	j->upload.size = size;
	memcpy(j->upload.sha256, sha256, SHA256_LEN);
	submit(j, NULL);
}

void upload_get(struct uploads *up, struct loop *l, const char *id, upload_done *done,
		void *ctx)
{
	struct upload_job *j = job_new(up, l, act_get, done, ctx);

	if (j != NULL)
		submit(j, id);
}

void upload_write(struct uploads *up, struct loop *l, const char *id, uint64_t offset,
		  const void *data, size_t len, upload_done *done, void *ctx)
{
	struct upload_job *j = job_new(up, l, act_write, done, ctx);

	if (j == NULL)
		return;
	j->offset = offset;
	j->len = len;
	j->data = malloc(len + 1);
	if (j->data == NULL) {
		(void)err_nomem(&j->err);
		j->job.run = fail_later;
		worker_submit(up->worker, &j->job);
		return;
	}
	memcpy(j->data, data, len);
	submit(j, id);
}

void upload_commit(struct uploads *up, struct loop *l, const char *id,
		   upload_done *done, void *ctx)
{
	struct upload_job *j = job_new(up, l, act_commit, done, ctx);

	if (j != NULL)
		submit(j, id);
}

void upload_drop(struct uploads *up, struct loop *l, const char *id, upload_done *done,
		 void *ctx)
{
	struct upload_job *j = job_new(up, l, act_drop, done, ctx);

	if (j != NULL)
		submit(j, id);
}

/* ------------------------------------------------------------------ sweeping */

struct sweep {
	const struct uploads *up;
	int64_t before_ms;
};

static bool is_old(const struct sweep *s, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / 1000000 <
		   s->before_ms;
}

static int end_row(const struct sweep *s, const char *id, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_UPLOAD_DELETE, NULL, NULL, NULL, e);

	if (c == NULL ||
	    text_copy(c->in.upload_id, sizeof(c->in.upload_id), id, "id", e) != 0)
		return -1;
	return store_wait(s->up->store, c, e);
}

/* What cannot be looked at or whose row does not go stays for the next sweep. */
static bool is_kept(void *ctx, const char *id)
{
	const struct sweep *s = ctx;
	struct err why = ERR_INIT;
	AUTO_CLOSE int fd = -1;

	return artifacts_hold(s->up->artifacts, id, &fd, &why) != 0 || !is_old(s, fd) ||
	       end_row(s, id, &why) != 0;
}

int uploads_sweep(const struct uploads *up, uint64_t idle_ms, size_t *ret_n,
		  struct err *e)
{
	struct sweep s = {up, clock_utc_ms(&clock_system) - (int64_t)idle_ms};

	return artifacts_sweep(up->artifacts, is_kept, &s, ret_n, e);
}
