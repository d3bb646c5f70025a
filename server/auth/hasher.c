/* SPDX-License-Identifier: Apache-2.0 */
#include "hasher.h"

#include "../../common/base/text.h"
#include "../release/worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct hasher {
	struct worker *worker;
	atomic_uint n_waiting;
};

struct hash_job {
	struct job job; /* first */
	struct hasher *hasher;
	bool make;
	char password[PASSWORD_MAX_LEN + 1];
	char stored[PASSWORD_HASH_MAX_LEN + 1];
	hash_done *done;
	void *ctx;
	struct hash_answer answer;
};

struct hasher *hasher_new(struct err *e)
{
	AUTO_PTR(hasher) struct hasher *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	atomic_init(&h->n_waiting, 0);
	h->worker = worker_new(HASHER_THREADS, e);
	return h->worker == NULL ? NULL : TAKE(h);
}

void hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	worker_free(h->worker);
	free(h);
}

static void run(struct job *job)
{
	struct hash_job *j = (struct hash_job *)job;
	struct hash_answer *a = &j->answer;

	(void)!(j->make ? password_hash(j->password, a->hash, &a->err)
			: password_verify(j->stored, j->password, &a->right, &a->err));
	explicit_bzero(j->password, sizeof(j->password));
	atomic_fetch_sub(&j->hasher->n_waiting, 1);
}

static void finish(struct job *job)
{
	AUTO_FREE struct hash_job *j = (struct hash_job *)job;

	j->done(j->ctx, &j->answer);
}

static int submit(struct hasher *h, struct hash_job *taken, const char *password,
		  struct loop *l, struct err *e)
{
	AUTO_FREE struct hash_job *j = taken;

	if (text_copy(j->password, sizeof(j->password), password, "password", e) < 0)
		return -1;
	if (atomic_fetch_add(&h->n_waiting, 1) >= HASHER_MAX_WAITING) {
		atomic_fetch_sub(&h->n_waiting, 1);
		explicit_bzero(j->password, sizeof(j->password));
		return err_set(e, ERR_BUSY, "too many log in just now");
	}
	j->hasher = h;
	j->job = (struct job){.run = run, .done = finish, .loop = l};
	worker_submit(h->worker, &TAKE(j)->job);
	return 0;
}

static struct hash_job *job_new(hash_done *done, void *ctx, struct err *e)
{
	struct hash_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	j->done = done;
	j->ctx = ctx;
	return j;
}

int hasher_verify(struct hasher *h, struct loop *l, const char *stored,
		  const char *password, hash_done *done, void *ctx, struct err *e)
{
	struct hash_job *j = job_new(done, ctx, e);

	if (j == NULL)
		return -1;
	(void)snprintf(j->stored, sizeof(j->stored), "%s",
		       stored == NULL ? "" : stored);
	return submit(h, j, password, l, e);
}

int hasher_make(struct hasher *h, struct loop *l, const char *password, hash_done *done,
		void *ctx, struct err *e)
{
	struct hash_job *j = job_new(done, ctx, e);

	if (j == NULL)
		return -1;
	j->make = true;
	return submit(h, j, password, l, e);
}
