/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All arithmetic on addresses is modulo 2^64, on offsets modulo 2^32: any input gives
 * some prediction, and a wrong one costs bytes, never safety.
 *
 * A field that holds a distance becomes
 *
 *	new distance = old distance + (move of the target) - (move of the unit)
 *
 * and one that holds an address, address + (move of the target). The move of a target
 * is, in this order: the one last seen for exactly this address; the map's, if a piece
 * holds it; the one last seen nearby; the map's for the piece before it.
 */
#include "predict.h"

#include "../base/bytes.h"

#include <string.h>

#define PAGE_LIFE 128u /* bytes of code after an ADRP in which its register counts */

enum a64_class {
	A64_OTHER,
	A64_CALL,
	A64_NEAR19,
	A64_TEST14,
	A64_PAGE,
	A64_ADD,
	A64_MEMORY
};

static enum a64_class a64_classify(uint32_t top)
{
	uint32_t w = top << 24;

	if ((w & 0x7c000000) == 0x14000000)
		return A64_CALL;
	if ((w & 0x1f000000) == 0x10000000)
		return A64_PAGE;
	if ((w & 0xff000000) == 0x91000000)
		return A64_ADD;
	if ((w & 0x3b000000) == 0x39000000)
		return A64_MEMORY;
	if ((w & 0xff000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000 ||
	    (w & 0x3b000000) == 0x18000000)
		return A64_NEAR19;
	if ((w & 0x7e000000) == 0x36000000)
		return A64_TEST14;
	return A64_OTHER;
}

void predict_init(struct predictor *p, const struct delta_map *map, bool learns)
{
	memset(p, 0, sizeof(*p));
	p->map = map;
	p->learns = learns;
	for (uint32_t i = 0; i < 256; i++)
		p->a64_classes[i] = (uint8_t)a64_classify(i);
}

void predict_jump(struct predictor *p)
{
	memset(p->registers, 0, sizeof(p->registers));
}

static uint64_t hash_va(uint64_t va)
{
	return (va * 0x9E3779B97F4A7C15ull) >> 48;
}

static struct predicted_move *exact_slot(struct predictor *p, uint64_t va)
{
	return &p->exact[hash_va(va) % PREDICT_EXACT];
}

static struct predicted_move *coarse_slot(struct predictor *p, uint64_t va)
{
	return &p->coarse[hash_va(va >> 10) % PREDICT_COARSE];
}

static uint64_t sign_extend(uint64_t v, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1);

	return ((v & ((sign << 1) - 1)) ^ sign) - sign;
}

/* 0 is never looked up as learnt: an empty slot has it. */
static uint64_t find_move(struct predictor *p, const struct delta_row *row, uint64_t va)
{
	const struct predicted_move *seen = exact_slot(p, va);
	uint64_t move = 0;

	if (seen->va == (uint32_t)va && seen->va != 0)
		return sign_extend(seen->move, 32);
	if (row != NULL && map_move(p->map, row, va, &move))
		return move;
	seen = coarse_slot(p, va);
	if (seen->va == (uint32_t)(va >> 10) + 1)
		return sign_extend(seen->move, 32);
	return move;
}

static void remember(struct predictor *p, uint64_t va, uint64_t move)
{
	if (!p->learns)
		return;
	*exact_slot(p, va) = (struct predicted_move){(uint32_t)va, (uint32_t)move};
	*coarse_slot(p, va) =
	    (struct predicted_move){(uint32_t)(va >> 10) + 1, (uint32_t)move};
}

/* Finds the unit's own addresses; false if its bytes have none. */
static bool locate(struct predictor *p)
{
	struct predict_unit *u = &p->unit;
	const struct delta_row *r = p->row;

	if (r == NULL || u->old_at - r->old_at >= r->old_len)
		r = p->row = map_row_at(p->map, u->old_at);
	if (r == NULL)
		return false;
	u->va = r->old_va + (u->old_at - r->old_at);
	u->shift = r->new_va + u->new_at - r->new_at - u->va;
	return true;
}

/* Where the unit's target lies and went; false if it is not an address of the module. */
static bool aim(struct predictor *p, uint64_t target)
{
	struct predict_unit *u = &p->unit;
	const struct delta_row *r = map_row_of(p->map, p->row, target);

	if (r == NULL)
		return false;
	u->target = target;
	u->move = find_move(p, r, target);
	return true;
}

/* A field of `bits` at bit `at` of a word counts units of 1 << scale from `from`. */
struct field {
	unsigned bits, at, scale;
	uint64_t from;
};

static uint64_t field_get(uint32_t word, struct field f)
{
	return sign_extend(word >> f.at, f.bits) << f.scale;
}

static uint32_t field_set(uint32_t word, struct field f, uint64_t distance)
{
	uint32_t mask = (uint32_t)((1ull << f.bits) - 1) << f.at;

	return (word & ~mask) | ((uint32_t)(distance >> f.scale) << f.at & mask);
}

static void relative(struct predictor *p, enum delta_ref ref, struct field f)
{
	struct predict_unit *u = &p->unit;
	uint64_t distance = field_get(u->old_word, f);

	if (!aim(p, u->va + f.from + distance))
		return;
	u->ref = ref;
	store_le32(u->bytes, field_set(u->old_word, f, distance + u->move - u->shift));
}

static void learn_relative(struct predictor *p, uint32_t word, struct field f)
{
	struct predict_unit *u = &p->unit;
	uint64_t move = field_get(word, f) - field_get(u->old_word, f) + u->shift;

	if (move != u->move)
		remember(p, u->target, move);
}

static const struct field a64_call = {26, 0, 2, 0};
static const struct field a64_near = {19, 5, 2, 0};
static const struct field a64_test = {14, 5, 2, 0};
static const struct field a32_call = {24, 0, 2, 8};
static const struct field whole = {32, 0, 0, 0};
static const struct field x86_call = {32, 0, 0, 4};

/* The scale of a load's or store's offset. */
static unsigned memory_scale(uint32_t w)
{
	return (w & 0x04800000) == 0x04800000 && w >> 30 == 0 ? 4 : w >> 30;
}

static bool is_low(uint32_t w, unsigned base)
{
	if ((w >> 5 & 31) != base)
		return false;
	return (w & 0xffc00000) == 0x91000000 || (w & 0x3b000000) == 0x39000000;
}

static uint64_t low_bits(uint32_t w)
{
	unsigned scale = (w & 0xff000000) == 0x91000000 ? 0 : memory_scale(w);

	return (uint64_t)(w >> 10 & 0xfff) << scale;
}

static uint64_t page_distance(uint32_t w)
{
	return sign_extend((w >> 5 & 0x7ffff) << 2 | (w >> 29 & 3), 21);
}

static uint32_t set_page_distance(uint32_t w, uint64_t d)
{
	return (w & 0x9f00001f) | (uint32_t)(d & 3) << 29 |
	       (uint32_t)(d >> 2 & 0x7ffff) << 5;
}

/* The low half of an ADRP's address stands in an instruction soon after. */
static uint64_t look_ahead(const uint8_t *old, unsigned reg)
{
	for (unsigned i = 4; i < PREDICT_LOOK; i += 4) {
		uint32_t w = load_le32(old + i);

		if (is_low(w, reg))
			return low_bits(w);
		if ((w & 0x9f00001f) == (0x90000000 | reg))
			break;
	}
	return 0;
}

static void a64_page(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;
	uint32_t w = u->old_word;
	uint64_t from = u->va, page;

	if (w >> 31 == 0) { /* ADR: bytes */
		if (!aim(p, from + page_distance(w)))
			return;
		u->ref = REF_PAGE;
		store_le32(u->bytes,
			   set_page_distance(w, page_distance(w) + u->move - u->shift));
		return;
	}
	page = (from >> 12) + page_distance(w);
	if (!aim(p, page << 12 | look_ahead(old, w & 31)))
		return;
	u->ref = REF_PAGE;
	store_le32(u->bytes, set_page_distance(w, ((u->target + u->move) >> 12) -
						      ((from + u->shift) >> 12)));
}

static void learn_page(struct predictor *p, uint32_t word)
{
	struct predict_unit *u = &p->unit;
	uint32_t w = u->old_word;

	if (w >> 31 == 0) {
		uint64_t move = page_distance(word) - page_distance(w) + u->shift;

		if (move != u->move)
			remember(p, u->target, move);
		return;
	}
	p->registers[w & 31] = (struct page_register){
	    .old_page = u->target & ~0xfffull,
	    .new_page = (((u->va + u->shift) >> 12) + page_distance(word)) << 12,
	    .set_at = u->old_at,
	    .is_set = (word & 0x9f00001f) == (w & 0x9f00001f)};
}

/* ADD, LDR, STR: the low half, if its register got a page lately. */
static void a64_low(struct predictor *p)
{
	struct predict_unit *u = &p->unit;
	uint32_t w = u->old_word;
	const struct page_register *r = &p->registers[w >> 5 & 31];
	unsigned scale = (w & 0xff000000) == 0x91000000 ? 0 : memory_scale(w);
	uint64_t moved;

	u->ref = REF_OTHER;
	if (!r->is_set || u->old_at - r->set_at > PAGE_LIFE ||
	    !is_low(w, w >> 5 & 31) || !aim(p, r->old_page | low_bits(w)))
		return;
	u->ref = REF_LOW;
	moved = u->target + u->move;
	if (((moved ^ r->new_page) >> 12) != 0)
		moved = u->target + r->new_page - r->old_page;
	store_le32(u->bytes, (w & 0xffc003ff) | (uint32_t)((moved & 0xfff) >> scale)
						    << 10);
}

static void learn_low(struct predictor *p, uint32_t word)
{
	struct predict_unit *u = &p->unit;
	uint32_t w = u->old_word;
	struct page_register *r = &p->registers[w >> 5 & 31];
	uint64_t move = (r->new_page | low_bits(word)) - u->target;

	if (move != find_move(p, map_row_of(p->map, p->row, u->target), u->target))
		remember(p, u->target, move);
	if ((w & 31) == (w >> 5 & 31))
		r->is_set = false;
}

static void a64_unit(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;
	enum a64_class class;

	u->len = 4;
	u->ref = REF_OTHER;
	u->old_word = load_le32(old);
	class = (enum a64_class)p->a64_classes[u->old_word >> 24];
	if (class == A64_OTHER || !locate(p))
		return;
	if (class == A64_CALL)
		relative(p, REF_CALL, a64_call);
	else if (class == A64_NEAR19)
		relative(p, REF_NEAR, a64_near);
	else if (class == A64_TEST14)
		relative(p, REF_NEAR, a64_test);
	else if (class == A64_PAGE)
		a64_page(p, old);
	else
		a64_low(p);
}

static void a64_learn(struct predictor *p, uint32_t word)
{
	enum a64_class class = (enum a64_class)p->a64_classes[p->unit.old_word >> 24];

	if (p->unit.ref == REF_PAGE)
		learn_page(p, word);
	else if (p->unit.ref == REF_LOW)
		learn_low(p, word);
	else if (((word ^ p->unit.old_word) >> 26) == 0)
		learn_relative(p, word,
			       class == A64_CALL     ? a64_call
			       : class == A64_NEAR19 ? a64_near
						     : a64_test);
}

bool predict_x86_displaces(const uint8_t *at)
{
	static const uint8_t ops[] = {0x8b, 0x89, 0x8d, 0x3b, 0x39, 0x03, 0x01,
				      0x2b, 0x29, 0x33, 0x31, 0x0b, 0x09, 0x23,
				      0x21, 0x63, 0x85, 0x88, 0x8a, 0xc7, 0xc6,
				      0x80, 0x81, 0x83, 0xf6, 0xff, 0x38};

	if (at[-1] == 0xe8 || at[-1] == 0xe9)
		return true;
	if (at[-2] == 0x0f && (at[-1] & 0xf0) == 0x80)
		return true;
	if ((at[-1] & 0xc7) != 0x05)
		return false;
	return at[-3] == 0x0f || memchr(ops, at[-2], sizeof(ops)) != NULL;
}

static void x86_unit(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;

	u->len = 1;
	u->ref = REF_OTHER;
	if (!predict_x86_displaces(old) || !locate(p))
		return;
	u->old_word = load_le32(old);
	relative(p, (old[-1] & 0xfe) == 0xe8 ? REF_CALL : REF_NEAR, x86_call);
	if (u->ref != REF_OTHER)
		u->len = 4;
}

static void x86_learn(struct predictor *p, uint32_t word)
{
	learn_relative(p, word, x86_call);
}

/* A word that is an address of the module moves with what it points to. */
static void pointer32(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;

	u->len = 4;
	u->ref = REF_OTHER;
	u->old_word = load_le32(old);
	if (u->old_word == 0 || !locate(p) || !aim(p, u->old_word))
		return;
	u->ref = REF_POINTER;
	store_le32(u->bytes, (uint32_t)(u->old_word + u->move));
}

static void learn_pointer32(struct predictor *p, uint32_t word)
{
	if (word - p->unit.old_word != (uint32_t)p->unit.move)
		remember(p, p->unit.target, sign_extend(word - p->unit.old_word, 32));
}

static void a32_unit(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;

	u->old_word = load_le32(old);
	if ((u->old_word & 0x0e000000) != 0x0a000000) {
		pointer32(p, old);
		return;
	}
	u->len = 4;
	u->ref = REF_OTHER;
	if (locate(p))
		relative(p, REF_CALL, a32_call);
}

static void a32_learn(struct predictor *p, uint32_t word)
{
	if (p->unit.ref == REF_POINTER)
		learn_pointer32(p, word);
	else if (((p->unit.old_word ^ word) >> 24) == 0)
		learn_relative(p, word, a32_call);
}

/* BL and B.W (T4): S imm10 | J1 J2 imm11, counted in half words. */
static uint64_t thumb_distance(uint32_t w)
{
	uint32_t s = w >> 10 & 1, high = w & 0x3ff, low = w >> 16 & 0x7ff;
	uint32_t i1 = (w >> 29 & 1) ^ s ^ 1, i2 = (w >> 27 & 1) ^ s ^ 1;

	return sign_extend(s << 24 | i1 << 23 | i2 << 22 | high << 12 | low << 1, 25);
}

static uint32_t set_thumb_distance(uint32_t w, uint64_t d)
{
	uint32_t v = (uint32_t)d, s = v >> 24 & 1;
	uint32_t j1 = (v >> 23 & 1) ^ s ^ 1, j2 = (v >> 22 & 1) ^ s ^ 1;

	return (w & 0xd000f800) | s << 10 | (v >> 12 & 0x3ff) | j1 << 29 | j2 << 27 |
	       (v >> 1 & 0x7ff) << 16;
}

static void thumb_unit(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;

	u->old_word = load_le32(old);
	if ((u->old_word & 0x9000f800) == 0x9000f000) {
		u->len = 4;
		u->ref = REF_OTHER;
		if (!locate(p) || !aim(p, u->va + 4 + thumb_distance(u->old_word)))
			return;
		u->ref = REF_CALL;
		store_le32(u->bytes,
			   set_thumb_distance(u->old_word, thumb_distance(u->old_word) +
							       u->move - u->shift));
		return;
	}
	if (((u->old_at | u->new_at) & 3) == 0)
		pointer32(p, old);
	if (u->ref == REF_POINTER)
		return;
	u->len = 2;
	u->ref = REF_OTHER;
}

static void thumb_learn(struct predictor *p, uint32_t word)
{
	struct predict_unit *u = &p->unit;
	uint64_t move;

	if (u->ref == REF_POINTER) {
		learn_pointer32(p, word);
		return;
	}
	if (((word ^ u->old_word) & 0xd000f800) != 0)
		return;
	move = thumb_distance(word) - thumb_distance(u->old_word) + u->shift;
	if (move != u->move)
		remember(p, u->target, move);
}

static void pointer64(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;
	uint64_t v = load_le64(old);

	u->len = 8;
	u->ref = REF_OTHER;
	if (v == 0 || !locate(p) || !aim(p, v))
		return;
	u->ref = REF_POINTER;
	store_le64(u->bytes, v + u->move);
}

static void learn_pointer64(struct predictor *p, const uint8_t *actual)
{
	uint64_t move = load_le64(actual) - p->unit.target;

	if (move != p->unit.move)
		remember(p, p->unit.target, move);
}

static void distance32(struct predictor *p, const uint8_t *old)
{
	p->unit.len = 4;
	p->unit.ref = REF_OTHER;
	p->unit.old_word = load_le32(old);
	if (p->unit.old_word != 0 && locate(p))
		relative(p, REF_DISTANCE, whole);
}

/* What it stands for is unknown, but the same number was the same thing before. */
static void word32(struct predictor *p, const uint8_t *old)
{
	struct predict_unit *u = &p->unit;

	u->len = 4;
	u->ref = REF_OTHER;
	u->old_word = load_le32(old);
	if (u->old_word == 0)
		return;
	u->ref = REF_WORD;
	u->target = u->old_word;
	u->move = find_move(p, NULL, u->target);
	store_le32(u->bytes, (uint32_t)(u->old_word + u->move));
}

static void learn_distance32(struct predictor *p, uint32_t word)
{
	learn_relative(p, word, whole);
}

static const struct kind_ops {
	unsigned align, max_unit;
	void (*unit)(struct predictor *p, const uint8_t *old);
	void (*learn)(struct predictor *p, uint32_t word);
} kinds[N_DELTA_KINDS] = {
    [KIND_PLAIN] = {1, 1, NULL, NULL},
    [KIND_A64] = {4, 4, a64_unit, a64_learn},
    [KIND_X86] = {1, 4, x86_unit, x86_learn},
    [KIND_THUMB] = {2, 4, thumb_unit, thumb_learn},
    [KIND_A32] = {4, 4, a32_unit, a32_learn},
    [KIND_PTR64] = {8, 8, pointer64, NULL},
    [KIND_PTR32] = {4, 4, pointer32, learn_pointer32},
    [KIND_REL32] = {4, 4, distance32, learn_distance32},
    [KIND_WORD32] = {4, 4, word32, learn_pointer32},
};

void predict_next(struct predictor *p, enum delta_kind kind, const uint8_t *old,
		  uint32_t old_at, uint32_t new_at, uint32_t room)
{
	const struct kind_ops *ops = &kinds[kind];
	struct predict_unit *u = &p->unit;

	u->ref = REF_NONE;
	u->len = 1;
	u->old_at = old_at;
	u->new_at = new_at;
	memcpy(u->bytes, old, PREDICT_MAX_UNIT);
	if (ops->unit == NULL || room < ops->max_unit ||
	    ((old_at | new_at) & (ops->align - 1)) != 0)
		return;
	ops->unit(p, old);
}

uint32_t predict_quiet(const struct predictor *p, enum delta_kind kind,
		       const uint8_t *old, uint32_t old_at, uint32_t new_at,
		       uint32_t len)
{
	uint32_t n = 0;

	if (kind != KIND_A64 || ((old_at | new_at) & 3) != 0)
		return 0;
	while (n + 4 <= len) {
		enum a64_class class = (enum a64_class)p->a64_classes[old[n + 3]];
		const struct page_register *r =
		    &p->registers[load_le32(old + n) >> 5 & 31];

		if (class != A64_OTHER &&
		    ((class != A64_ADD && class != A64_MEMORY) || r->is_set))
			break;
		n += 4;
	}
	return n;
}

void predict_learn(struct predictor *p, enum delta_kind kind, const uint8_t *actual)
{
	const struct kind_ops *ops = &kinds[kind];

	if (p->unit.ref <= REF_OTHER)
		return;
	if (kind == KIND_PTR64)
		learn_pointer64(p, actual);
	else
		ops->learn(p, load_le32(actual));
}
