/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include "../../common/base/bytes.h"
#include "../../common/base/clock.h"
#include "signer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
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
	return message_end(r, e);
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
