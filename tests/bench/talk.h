/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection: HTTP/1.1 over TLS, never blocking, thousands in one loop.
 *
 *	talk_ask() -> (connect -> handshake ->) write -> read head -> read body -> done()
 *
 * It keeps the connection between two questions until talk_hang_up() or the server
 * closes; a question on a connection that the server has closed meanwhile opens a new
 * one by itself. A session ticket is kept from one connection to the next. One thread.
 */
#ifndef OTA_BENCH_TALK_H
#define OTA_BENCH_TALK_H

#include "../../common/base/err.h"
#include "../../common/loop/loop.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define TALK_ANSWER_MAX 65536u

struct talk_config {
	const char *ca;		/* PEM file: whom to trust */
	const char *cert, *key; /* of the client, or both NULL */
	const char *host;	/* for SNI and the certificate's check */
	struct sockaddr_in to;
};

/* What all talks of a process share. */
struct talk_world;
struct talk_world *talk_world_new(const struct talk_config *c, struct loop *l,
				  struct err *e) MUST_USE;
void talk_world_free(struct talk_world *w); /* after its talks */

struct talk_counts {
	uint64_t full, resumed; /* handshakes */
	uint64_t bytes_in;
};
const struct talk_counts *talk_world_counts(const struct talk_world *w);

struct talk_answer {
	int status;	  /* 0: none came; error says why */
	const char *body; /* borrowed until done() returns; NUL-terminated */
	size_t len;
	const char *error;
};

struct talk;
/* done may ask again, hang up, but not free. source: the last octet of 127.0.0.x to
 * call from (one address has ports for 28,000 connections), 0: any. */
struct talk *talk_new(struct talk_world *w, unsigned source,
		      void (*done)(void *ctx, const struct talk_answer *a), void *ctx,
		      struct err *e) MUST_USE;
void talk_free(struct talk *t);

/* Sends the request (copied) and answers by done(), never before it returns. resume:
 * offer the last session if a new connection is needed. */
int talk_ask(struct talk *t, const char *request, size_t len, bool resume,
	     struct err *e) MUST_USE;
void talk_hang_up(struct talk *t);

#endif
