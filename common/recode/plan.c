/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include "../base/bytes.h"

#include <string.h>

static const char magic[8] = "OTAWRAP1";

#define FORMAT 1
#define HEAD_LEN 48
#define PROFILE_LEN 12
#define PIECE_MIN_LEN 2 /* on the wire: profile and enc_len */

struct cursor {
	const uint8_t *at;
	size_t left;
};

static int malformed(struct err *e, const char *what)
{
	return err_set(e, ERR_FORMAT, "unwrapping plan: %s", what);
}

static const uint8_t *take_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;

	if (n > c->left)
		return NULL;
	c->at += n;
	c->left -= n;
	return p;
}

/* LEB128, in its shortest form only. */
static int take_number(struct cursor *c, uint64_t *ret, struct err *e)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *p = take_bytes(c, 1);
		uint64_t bits;

		if (p == NULL)
			return malformed(e, "it is cut off");
		bits = *p & 0x7fu;
		if (bits << shift >> shift != bits || (*p == 0 && shift > 0))
			return malformed(e, "a number is not in its shortest form");
		value |= bits << shift;
		if ((*p & 0x80u) == 0) {
			*ret = value;
			return 0;
		}
	}
	return malformed(e, "a number is too long");
}

static int put_number(struct buf *b, uint64_t value, struct err *e)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (uint8_t)(value & 0x7f);
		value >>= 7;
		if (value != 0)
			bytes[n] |= 0x80;
		n++;
	} while (value != 0);
	return buf_add(b, bytes, n, e);
}

/* Differences go round the 64-bit circle, so that none can overflow. */
static uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t coded)
{
	return coded >> 1 ^ (0 - (coded & 1));
}

static int parse_profile(struct cursor *c, struct recode_profile *p, struct err *e)
{
	const uint8_t *head = take_bytes(c, PROFILE_LEN);
	const uint8_t *params;
	const uint8_t *version;

	if (head == NULL || head[3] != 0)
		return malformed(e, "a profile is not well formed");
	if (head[1] > RECODE_MAX_PARAMS || head[2] > RECODE_VERSION_LEN)
		return malformed(e, "a profile is too long");
	p->codec = head[0];
	p->n_params = head[1];
	p->decode_bytes = load_le32(head + 4);
	p->encode_bytes = load_le32(head + 8);
	params = take_bytes(c, p->n_params * (size_t)4);
	version = take_bytes(c, head[2]);
	if (params == NULL || version == NULL)
		return malformed(e, "it is cut off");
	for (size_t i = 0; i < p->n_params; i++)
		p->params[i] = load_le32(params + 4 * i);
	memcpy(p->version, version, head[2]);
	if (strlen(p->version) != head[2])
		return malformed(e, "a version holds a NUL");
	return 0;
}

static int parse_profiles(struct cursor *c, struct recode_plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (parse_profile(c, &p->profiles[i], e) < 0)
			return -1;
		if ((i == 0) != (p->profiles[i].codec == RECODE_RAW))
			return malformed(e, "profile 0, and no other, is raw");
	}
	return 0;
}

static int parse_piece_place(struct cursor *c, uint64_t expected, bool anywhere,
			     struct recode_piece *piece, struct err *e)
{
	uint64_t coded = 0;

	if (anywhere && take_number(c, &coded, e) < 0)
		return -1;
	piece->image_at = expected + unzigzag(coded);
	return 0;
}

/* Fills piece[0] but for its view_at, which is there, and piece[1].view_at. */
static int parse_piece(struct cursor *c, const struct recode_plan *p, uint64_t *plain,
		       uint64_t expected, bool anywhere, struct recode_piece *piece,
		       struct err *e)
{
	uint64_t profile;
	uint64_t enc_len;
	uint64_t len;

	if (take_number(c, &profile, e) < 0 || take_number(c, &enc_len, e) < 0)
		return -1;
	if (profile >= p->n_profiles || enc_len == 0 || enc_len > UINT32_MAX)
		return malformed(e, "a piece is not possible");
	piece->profile = (uint32_t)profile;
	piece->enc_len = (uint32_t)enc_len;
	len = enc_len;
	if (profile != 0) {
		uint64_t coded;

		if (take_number(c, &coded, e) < 0)
			return -1;
		len = *plain + unzigzag(coded);
		*plain = len;
	}
	if (len == 0 || len > RECODE_MAX_PLAIN)
		return malformed(e, "a frame is not possible");
	piece[1].view_at = piece->view_at + len; /* at most 2^20 x 2^32 */
	return parse_piece_place(c, expected, anywhere, piece, e);
}

/* `anywhere`: old pieces say where they stand; new ones make the whole image. */
static int parse_map(struct cursor *c, const struct recode_plan *p, bool anywhere,
		     struct recode_map *m, struct err *e)
{
	uint64_t plain = 0;
	uint64_t expected = 0;

	if (m->n > RECODE_MAX_PIECES || m->n > c->left / PIECE_MIN_LEN)
		return malformed(e, "more pieces than it can hold");
	m->pieces = calloc(m->n + 1, sizeof(*m->pieces));
	if (m->pieces == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < m->n; i++) {
		struct recode_piece *piece = &m->pieces[i];

		if (parse_piece(c, p, &plain, expected, anywhere, piece, e) < 0)
			return -1;
		if (piece->image_at > m->image_size ||
		    piece->enc_len > m->image_size - piece->image_at)
			return malformed(e, "a piece is outside its image");
		expected = piece->image_at + piece->enc_len;
	}
	m->pieces[m->n].image_at = expected;
	if (!anywhere && expected != m->image_size)
		return malformed(e, "the pieces do not make the image");
	return 0;
}

static int parse_head(struct cursor *c, struct recode_plan *p, struct err *e)
{
	const uint8_t *h = take_bytes(c, HEAD_LEN);

	if (h == NULL || memcmp(h, magic, sizeof(magic)) != 0)
		return malformed(e, "it is none");
	if (load_le16(h + 8) != FORMAT || load_le32(h + 28) != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "unwrapping plan: format %u, features %#x",
			       load_le16(h + 8), (unsigned)load_le32(h + 28));
	p->n_profiles = load_le16(h + 10);
	p->slot_size = load_le32(h + 12);
	p->n_slots = load_le32(h + 16);
	p->old_map.n = load_le32(h + 20);
	p->new_map.n = load_le32(h + 24);
	p->old_map.image_size = load_le64(h + 32);
	p->new_map.image_size = load_le64(h + 40);
	if (p->n_profiles == 0 || p->n_profiles > RECODE_MAX_PROFILES ||
	    p->slot_size > RECODE_MAX_SLOT || p->n_slots > RECODE_MAX_SLOTS)
		return malformed(e, "a count is out of range");
	if (p->slot_size > 0 && p->n_slots == 0)
		return malformed(e, "a cache without slots");
	return 0;
}

int recode_plan_parse(const void *data, size_t len, struct recode_plan *ret,
		      struct err *e)
{
	AUTO(recode_plan) struct recode_plan p = {0};
	struct cursor c = {.at = data, .left = len};

	if (len > RECODE_PLAN_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "unwrapping plan: %zu bytes", len);
	if (parse_head(&c, &p, e) < 0 || parse_profiles(&c, &p, e) < 0 ||
	    parse_map(&c, &p, true, &p.old_map, e) < 0 ||
	    parse_map(&c, &p, false, &p.new_map, e) < 0)
		return -1;
	if (c.left != 0)
		return malformed(e, "bytes after its end");
	*ret = p;
	p = (struct recode_plan){0};
	return 0;
}

void recode_plan_fini(struct recode_plan *p)
{
	free(p->old_map.pieces);
	free(p->new_map.pieces);
	*p = (struct recode_plan){0};
}

static int write_profile(const struct recode_profile *p, struct buf *b, struct err *e)
{
	uint8_t head[PROFILE_LEN + 4 * RECODE_MAX_PARAMS] = {0};

	head[0] = p->codec;
	head[1] = p->n_params;
	head[2] = (uint8_t)strlen(p->version);
	store_le32(head + 4, p->decode_bytes);
	store_le32(head + 8, p->encode_bytes);
	for (size_t i = 0; i < p->n_params; i++)
		store_le32(head + PROFILE_LEN + 4 * i, p->params[i]);
	if (buf_add(b, head, PROFILE_LEN + 4 * (size_t)p->n_params, e) < 0)
		return -1;
	return buf_add_str(b, p->version, e);
}

static int write_map(const struct recode_map *m, bool anywhere, struct buf *b,
		     struct err *e)
{
	uint64_t plain = 0;
	uint64_t expected = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct recode_piece *p = &m->pieces[i];
		uint64_t len = recode_piece_plain(p);

		if (put_number(b, p->profile, e) < 0 ||
		    put_number(b, p->enc_len, e) < 0)
			return -1;
		if (p->profile != 0) {
			if (put_number(b, zigzag(len - plain), e) < 0)
				return -1;
			plain = len;
		}
		if (anywhere && put_number(b, zigzag(p->image_at - expected), e) < 0)
			return -1;
		expected = p->image_at + p->enc_len;
	}
	return 0;
}

int recode_plan_write(const struct recode_plan *p, struct buf *ret, struct err *e)
{
	uint8_t h[HEAD_LEN] = {0};

	memcpy(h, magic, sizeof(magic));
	store_le16(h + 8, FORMAT);
	store_le16(h + 10, (uint16_t)p->n_profiles);
	store_le32(h + 12, p->slot_size);
	store_le32(h + 16, p->n_slots);
	store_le32(h + 20, (uint32_t)p->old_map.n);
	store_le32(h + 24, (uint32_t)p->new_map.n);
	store_le64(h + 32, p->old_map.image_size);
	store_le64(h + 40, p->new_map.image_size);
	if (buf_add(ret, h, sizeof(h), e) < 0)
		return -1;
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (write_profile(&p->profiles[i], ret, e) < 0)
			return -1;
	}
	if (write_map(&p->old_map, true, ret, e) < 0)
		return -1;
	return write_map(&p->new_map, false, ret, e);
}

const struct recode_piece *recode_map_find(const struct recode_map *m, uint64_t at)
{
	size_t low = 0;
	size_t high = m->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (m->pieces[middle].view_at <= at)
			low = middle;
		else
			high = middle;
	}
	return &m->pieces[low];
}

/* The frames of old that do not fit a slot. */
static uint64_t scratch_need(const struct recode_plan *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->old_map.n; i++) {
		const struct recode_piece *piece = &p->old_map.pieces[i];
		uint64_t plain = recode_piece_plain(piece);

		if (piece->profile != 0 && plain > p->slot_size)
			sum += plain;
	}
	return sum;
}

void recode_plan_need(const struct recode_plan *p, struct recode_need *ret)
{
	uint64_t decode = 0;
	uint64_t encode = 0;

	for (size_t i = 0; i < p->n_profiles; i++) {
		if (p->profiles[i].decode_bytes > decode)
			decode = p->profiles[i].decode_bytes;
		if (p->profiles[i].encode_bytes > encode)
			encode = p->profiles[i].encode_bytes;
	}
	ret->scratch_bytes = scratch_need(p);
	ret->memory_bytes =
	    decode + encode + (uint64_t)p->n_slots * p->slot_size +
	    (p->old_map.n + p->new_map.n + 2) * sizeof(struct recode_piece);
}

static int check_profile(const struct recode_profile *p,
			 const struct recode_codec *const *codecs, struct err *e)
{
	const struct recode_codec *c = recode_codec_find(codecs, p->codec);

	if (c == NULL)
		return err_set(e, ERR_UNSUPPORTED, "codec %u is not here", p->codec);
	if (p->version[0] != '\0' && strcmp(p->version, c->version()) != 0)
		return err_set(e, ERR_UNSUPPORTED, "it needs %s %s, here is %s",
			       c->name, p->version, c->version());
	return 0;
}

int recode_plan_check(const struct recode_plan *p,
		      const struct recode_codec *const *codecs,
		      const struct recode_need *limit, struct err *e)
{
	struct recode_need need;

	for (size_t i = 1; i < p->n_profiles; i++) {
		if (check_profile(&p->profiles[i], codecs, e) < 0)
			return err_wrap(e, "unwrapping plan");
	}
	recode_plan_need(p, &need);
	if (need.memory_bytes > limit->memory_bytes)
		return err_set(
		    e, ERR_LIMIT,
		    "unwrapping needs %llu bytes of memory, %llu are allowed",
		    (unsigned long long)need.memory_bytes,
		    (unsigned long long)limit->memory_bytes);
	if (need.scratch_bytes > limit->scratch_bytes)
		return err_set(
		    e, ERR_LIMIT,
		    "unwrapping needs a scratch area of %llu bytes, %llu are allowed",
		    (unsigned long long)need.scratch_bytes,
		    (unsigned long long)limit->scratch_bytes);
	return 0;
}

void recode_plan_restart(const struct recode_plan *p, uint64_t image_at,
			 uint64_t *ret_view_at, uint64_t *ret_image_at)
{
	const struct recode_map *m = &p->new_map;
	size_t low = 0;
	size_t high = m->n + 1;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (m->pieces[middle].image_at <= image_at)
			low = middle;
		else
			high = middle;
	}
	*ret_view_at = m->pieces[low].view_at;
	*ret_image_at = m->pieces[low].image_at;
}
