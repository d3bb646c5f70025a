/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include "../../common/base/bytes.h"
#include "../../common/base/clock.h"
#include "signer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD_LEN 4u

/* ------------------------------------------------------------------ fields */

int message_begin(struct buf *b, enum signer_message kind, struct err *e)
{
	static const uint8_t room[HEAD_LEN];
	uint8_t byte = (uint8_t)kind;

	buf_clear(b);
	if (buf_add(b, room, sizeof(room), e) != 0)
		return -1;
	return buf_add(b, &byte, 1, e);
}

int message_add_u64(struct buf *b, uint64_t v, struct err *e)
{
	uint8_t field[8];

	store_le64(field, v);
	return buf_add(b, field, sizeof(field), e);
}

int message_add_bytes(struct buf *b, const void *data, size_t len, struct err *e)
{
	uint8_t field[4];

	if (len > SIGNER_MESSAGE_MAX)
		return err_set(e, ERR_LIMIT, "a field of %zu bytes", len);
	store_le32(field, (uint32_t)len);
	if (buf_add(b, field, sizeof(field), e) != 0)
		return -1;
	return buf_add(b, data, len, e);
}

int message_open(const struct buf *b, enum signer_message *ret_kind,
		 struct message_reader *ret, struct err *e)
{
	if (b->len <= HEAD_LEN)
		return err_set(e, ERR_FORMAT, "an empty message");
	*ret_kind = (enum signer_message)b->data[HEAD_LEN];
	*ret = (struct message_reader){b->data + HEAD_LEN + 1, b->len - HEAD_LEN - 1};
	return 0;
}

int message_get_u64(struct message_reader *r, uint64_t *ret, struct err *e)
{
	if (r->left < 8)
		return err_set(e, ERR_FORMAT, "a message ends too early");
	*ret = load_le64(r->at);
	r->at += 8;
	r->left -= 8;
	return 0;
}

int message_get_bytes(struct message_reader *r, const uint8_t **ret, size_t *ret_len,
		      struct err *e)
{
	size_t len;

	if (r->left < 4)
		return err_set(e, ERR_FORMAT, "a message ends too early");
	len = load_le32(r->at);
	if (len > r->left - 4)
		return err_set(e, ERR_FORMAT, "a message ends too early");
	*ret = r->at + 4;
	*ret_len = len;
	r->at += 4 + len;
	r->left -= 4 + len;
	return 0;
}

int message_get_ask(struct message_reader *r, struct signer_ask *ret,
		    const uint8_t **ret_data, size_t *ret_len, struct err *e)
{
	if (message_get_u64(r, &ret->snapshot_floor, e) != 0 ||
	    message_get_u64(r, &ret->timestamp_floor, e) != 0 ||
	    message_get_u64(r, &ret->snapshot_life_ms, e) != 0 ||
	    message_get_u64(r, &ret->timestamp_life_ms, e) != 0 ||
	    message_get_bytes(r, ret_data, ret_len, e) != 0)
		return -1;
	return 0;
}

void message_files_fini(struct message_files *f)
{
	free(TAKE(f->items));
	free(TAKE(f->names));
	f->n_items = 0;
}

static int get_file(struct message_reader *r, bool versions, struct repo_file *ret,
		    char name[MESSAGE_NAME_LEN + 1], struct err *e)
{
	const uint8_t *text = NULL, *hash = NULL;
	size_t len = 0, hash_len = 0;

	if (message_get_bytes(r, &text, &len, e) != 0 ||
	    (versions && message_get_u64(r, &ret->version, e) != 0) ||
	    message_get_u64(r, &ret->length, e) != 0 ||
	    message_get_bytes(r, &hash, &hash_len, e) != 0)
		return -1;
	if (len > MESSAGE_NAME_LEN || memchr(text, 0, len) != NULL ||
	    hash_len != sizeof(ret->sha256))
		return err_set(e, ERR_FORMAT, "a line that makes no sense");
	memcpy(name, text, len);
	name[len] = '\0';
	ret->name = name;
	memcpy(ret->sha256, hash, hash_len);
	return 0;
}

int message_get_files(struct message_reader *r, bool versions,
		      struct message_files *ret, struct err *e)
{
	uint64_t n = 0;

	*ret = (struct message_files){.items = NULL};
	if (message_get_u64(r, &n, e) != 0)
		return -1;
	if (n > SIGNER_MAX_LINES)
		return err_set(e, ERR_LIMIT, "too many lines");
	ret->items = calloc(n + 1, sizeof(*ret->items));
	ret->names = calloc(n + 1, sizeof(*ret->names));
	if (ret->items == NULL || ret->names == NULL)
		return err_nomem(e);
	for (; ret->n_items < n; ret->n_items++) {
		if (get_file(r, versions, &ret->items[ret->n_items],
			     ret->names[ret->n_items], e) != 0)
			return -1;
	}
	return message_end(r, e);
}

int message_add_file(struct buf *b, const char *name, const uint64_t *version,
		     uint64_t length, const uint8_t sha256[32], struct err *e)
{
	if (message_add_bytes(b, name, strlen(name), e) != 0 ||
	    (version != NULL && message_add_u64(b, *version, e) != 0) ||
	    message_add_u64(b, length, e) != 0)
		return -1;
	return message_add_bytes(b, sha256, 32, e);
}

int message_end(const struct message_reader *r, struct err *e)
{
	return r->left == 0 ? 0 : err_set(e, ERR_FORMAT, "a message is too long");
}

/* ------------------------------------------------------------------ over the wire */

/* Waits until fd is ready. */
static int await(int fd, short what, int64_t deadline_ms, struct err *e)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = what};
		int64_t left = -1;
		int n;

		if (deadline_ms != 0) {
			left = deadline_ms - clock_mono_ms(&clock_system);
			if (left <= 0)
				return err_set(e, ERR_TIMEOUT, "no answer in time");
			if (left > INT_MAX)
				left = INT_MAX;
		}
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, "poll");
	}
}

static int gone(struct err *e)
{
	return err_set(e, ERR_UNREACHABLE, "the other end is gone");
}

int message_send(int fd, struct buf *b, int64_t deadline_ms, struct err *e)
{
	size_t done = 0;

	if (b->len - HEAD_LEN > SIGNER_MESSAGE_MAX)
		return err_set(e, ERR_LIMIT, "a message of %zu bytes", b->len);
	store_le32(b->data, (uint32_t)(b->len - HEAD_LEN));
	while (done < b->len) {
		ssize_t n = send(fd, b->data + done, b->len - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return gone(e);
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, "send");
		if (await(fd, POLLOUT, deadline_ms, e) != 0)
			return -1;
	}
	return 0;
}

static int receive_exactly(int fd, struct buf *ret, size_t len, int64_t deadline_ms,
			   struct err *e)
{
	if (buf_reserve(ret, len, e) != 0)
		return -1;
	while (len > 0) {
		ssize_t n = recv(fd, ret->data + ret->len, len, MSG_DONTWAIT);

		if (n > 0) {
			ret->len += (size_t)n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || errno == ECONNRESET)
			return gone(e);
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, "receive");
		if (await(fd, POLLIN, deadline_ms, e) != 0)
			return -1;
	}
	return 0;
}

int message_receive(int fd, struct buf *ret, int64_t deadline_ms, struct err *e)
{
	size_t len;

	buf_clear(ret);
	if (receive_exactly(fd, ret, HEAD_LEN, deadline_ms, e) != 0)
		return -1;
	len = load_le32(ret->data);
	if (len == 0 || len > SIGNER_MESSAGE_MAX)
		return err_set(e, ERR_FORMAT, "a message of %zu bytes", len);
	return receive_exactly(fd, ret, len, deadline_ms, e);
}
