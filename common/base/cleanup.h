/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by scope.
 *
 * A variable declared with one of these macros releases what it owns when it
 * goes out of scope; TAKE() hands ownership to somebody else. With these most
 * functions need neither goto nor a clean-up ladder.
 *
 *	AUTO_FREE char *text = NULL;
 *	AUTO_CLOSE int fd = -1;
 *	AUTO(buf) struct buf b = BUF_INIT(CAP);	-> buf_fini(&b)
 *	AUTO_PTR(json) struct json *j = NULL;	-> json_free(j)
 *	*ret_fd = TAKE_FD(fd);
 */
#ifndef OTA_BASE_CLEANUP_H
#define OTA_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define N_ELEMS(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose_(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free_)))
#define AUTO_CLOSE __attribute__((cleanup(cleanup_close_)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose_)))

/* An embedded struct with TYPE_fini(struct TYPE *). */
#define AUTO(type) __attribute__((cleanup(type##_fini)))

/* A pointer with TYPE_free(struct TYPE *). Each module that offers one says
 * AUTO_PTR_DEFINE(type) below its declaration of TYPE_free(). */
#define AUTO_PTR(type) __attribute__((cleanup(cleanup_ptr_##type)))
#define AUTO_PTR_DEFINE(type)                                                          \
	static inline void cleanup_ptr_##type(struct type **p)                         \
	{                                                                              \
		type##_free(*p);                                                       \
	}

#define TAKE(p)                                                                        \
	__extension__({                                                                \
		__typeof__(p) taken_ = (p);                                            \
		(p) = NULL;                                                            \
		taken_;                                                                \
	})

#define TAKE_FD(fd)                                                                    \
	__extension__({                                                                \
		int taken_ = (fd);                                                     \
		(fd) = -1;                                                             \
		taken_;                                                                \
	})

#endif
