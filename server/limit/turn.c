/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct turn {
	bool taken;
	uint8_t who[SHA256_LEN];
};

struct turns {
	pthread_mutex_t lock;
	size_t n;
	struct turn all[];
};

struct turns *turns_new(size_t n, struct err *e)
{
	struct turns *t;

	if (n == 0 || n > TURNS_MAX) {
		(void)err_set(e, ERR_USAGE, "1 to %d turns", TURNS_MAX);
		return NULL;
	}
	t = calloc(1, sizeof(*t) + n * sizeof(t->all[0]));
	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	t->n = n;
	(void)pthread_mutex_init(&t->lock, NULL);
	return t;
}

void turns_free(struct turns *t)
{
	if (t == NULL)
		return;
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The caller's turn, else NULL and in *ret_free one that nobody has, or NULL. */
static struct turn *find(struct turns *t, const uint8_t who[SHA256_LEN],
			 struct turn **ret_free)
{
	*ret_free = NULL;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->all[i].taken)
			*ret_free = &t->all[i];
		else if (memcmp(t->all[i].who, who, SHA256_LEN) == 0)
			return &t->all[i];
	}
	return NULL;
}

int turns_take(struct turns *t, const uint8_t who[SHA256_LEN], struct err *e)
{
	struct turn *theirs, *unused;

	(void)pthread_mutex_lock(&t->lock);
	theirs = find(t, who, &unused);
	if (theirs == NULL && unused != NULL) {
		unused->taken = true;
		memcpy(unused->who, who, SHA256_LEN);
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (theirs != NULL)
		return err_set(e, ERR_RATE, "your last one is still being made");
	if (unused == NULL)
		return err_set(e, ERR_RATE, "%zu are being made, which is the limit",
			       t->n);
	return 0;
}

void turns_give(struct turns *t, const uint8_t who[SHA256_LEN])
{
	struct turn *theirs, *unused;

	(void)pthread_mutex_lock(&t->lock);
	theirs = find(t, who, &unused);
	if (theirs != NULL)
		theirs->taken = false;
	(void)pthread_mutex_unlock(&t->lock);
}
