/* SPDX-License-Identifier: Apache-2.0 */
#include "upload.h"

#include "../common/base/file.h"
#include "../common/base/text.h"

#include <inttypes.h>
#include <string.h>

#define PIECE_BYTES (1u << 20)
#define PART_MAX_BYTES (4u << 20)
#define MAX_SURPRISES 8 /* times another writer may move the offset under us */

static int read_piece(const struct upload_source *s, uint64_t at, uint8_t *ret,
		      size_t len, struct err *e)
{
	if (s->data == NULL)
		return fd_pread_full(s->fd, ret, len, s->offset + at, e);
	memcpy(ret, s->data + at, len);
	return 0;
}

static int hash_source(const struct upload_source *s, char ret[2 * SHA256_LEN + 1],
		       struct err *e)
{
	AUTO_PTR(digest) struct digest *d = digest_new(DIGEST_SHA256, e);
	AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	uint8_t raw[SHA256_LEN];

	if (d == NULL)
		return -1;
	if (piece == NULL)
		return err_nomem(e);
	for (uint64_t at = 0; at < s->len; at += PIECE_BYTES) {
		size_t n =
		    s->len - at < PIECE_BYTES ? (size_t)(s->len - at) : PIECE_BYTES;

		if (read_piece(s, at, piece, n, e) < 0 ||
		    digest_add(d, piece, n, e) < 0)
			return -1;
	}
	if (digest_end(d, raw, e) < 0)
		return -1;
	hex_encode(raw, sizeof(raw), ret);
	return 0;
}

/* Where an upload stands, as the server says it. */
struct standing {
	char id[128];
	uint64_t offset;
	uint64_t part_max;
};

static int begin(const struct api *a, const struct upload_source *s, const char *sha256,
		 struct standing *ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;
	const char *id;

	ret->part_max = PART_MAX_BYTES;
	if (json_set(body, "size", json_new_int((int64_t)s->len), e) < 0 ||
	    json_set(body, "sha256", json_new_text(sha256), e) < 0 ||
	    api_call(a, "POST", "/api/v1/uploads", body, &answer, e) < 0 ||
	    json_get_text(answer, "id", &id, e) < 0 ||
	    json_get_u64(answer, "offset", &ret->offset, e) < 0 ||
	    json_opt_u64(answer, "part_max", &ret->part_max, e) < 0)
		return -1;
	if (ret->part_max == 0 || ret->part_max > PART_MAX_BYTES)
		ret->part_max = PART_MAX_BYTES;
	return text_copy(ret->id, sizeof(ret->id), id, "upload id", e);
}

static int path_of(const struct standing *u, const char *end, struct buf *ret,
		   struct err *e)
{
	buf_clear(ret);
	if (buf_add_str(ret, "/api/v1/uploads/", e) < 0 ||
	    api_escape(ret, u->id, e) < 0)
		return -1;
	return buf_add_str(ret, end, e);
}

static int ask_offset(const struct api *a, struct standing *u, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO_PTR(json) struct json *answer = NULL;

	if (path_of(u, "", &path, e) < 0 ||
	    api_call(a, "GET", buf_str(&path), NULL, &answer, e) < 0)
		return -1;
	return json_get_u64(answer, "offset", &u->offset, e);
}

static int send_part(const struct api *a, const struct upload_source *s,
		     struct standing *u, uint8_t *room, struct err *e)
{
	uint64_t left = s->len - u->offset;
	size_t n = left < u->part_max ? (size_t)left : (size_t)u->part_max;
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO_PTR(json) struct json *answer = NULL;
	char query[48];

	if (read_piece(s, u->offset, room, n, e) < 0 ||
	    text_format(query, sizeof(query), e, "?offset=%" PRIu64, u->offset) < 0 ||
	    path_of(u, query, &path, e) < 0 ||
	    api_put(a, buf_str(&path), room, n, &answer, e) < 0)
		return -1;
	return json_get_u64(answer, "offset", &u->offset, e);
}

static int send_parts(const struct api *a, const struct upload_source *s,
		      struct standing *u, struct progress *bar, struct err *e)
{
	AUTO_FREE uint8_t *room = malloc(PART_MAX_BYTES);
	int surprises = 0;

	if (room == NULL)
		return err_nomem(e);
	while (u->offset < s->len) {
		uint64_t before = u->offset;

		progress_at(bar, u->offset, s->len);
		if (send_part(a, s, u, room, e) == 0 && u->offset > before)
			continue;
		if ((e->code != ERR_CONFLICT && e->code != ERR_NONE) ||
		    ++surprises > MAX_SURPRISES)
			return e->code != ERR_NONE
				   ? -1
				   : err_set(e, ERR_IO, "the upload does not move on");
		err_clear(e);
		if (ask_offset(a, u, e) < 0)
			return -1;
	}
	return 0;
}

int upload_send(const struct api *a, const struct upload_source *s,
		struct progress *bar, char ret_sha256[2 * SHA256_LEN + 1],
		struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(1024);
	struct standing u;

	if (hash_source(s, ret_sha256, e) < 0 || begin(a, s, ret_sha256, &u, e) < 0 ||
	    send_parts(a, s, &u, bar, e) < 0 || path_of(&u, "/commit", &path, e) < 0)
		return -1;
	return api_call(a, "POST", buf_str(&path), NULL, NULL, e);
}
