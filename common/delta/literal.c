/* SPDX-License-Identifier: Apache-2.0 */
#include "literal.h"

#include <string.h>

/* A slot: 12 bits of probability above 4 bits that count how often it was seen. */
#define SLOT_NEW 0x8000u
#define COUNT_LIMIT 15u
#define WEIGHT_ONE 65536
#define LEARN 14      /* of 65536 */
#define SPREAD 40503u /* sets the nodes of a hashed context apart */

/* 65536 / (n + 1.5), and not below the rate that keeps adapting. */
static const uint16_t rates[16] = {43690, 26214, 18724, 14563, 11915, 10082,
				   8738,  7710,	 6898,	6241,  5698,  5242,
				   4854,  4519,	 4228,	3640};
/* How much a probability that was seen n times counts, of 16. */
static const int8_t trust[16] = {0,  6,	 8,  10, 11, 12, 13, 14,
				 14, 15, 15, 16, 16, 16, 16, 16};

/* 4096 / (1 + e^(-x/256)), interpolated between 33 points; x in -2047..2047. */
static int squash(int x)
{
	static const int16_t points[33] = {
	    1,	  2,	3,    6,    10,	  16,	27,   45,   73,	  120,	194,
	    310,  488,	747,  1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785,
	    3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094};
	int at, rest;

	if (x > 2047)
		return 4095;
	if (x < -2047)
		return 1;
	at = (x + 2048) >> 7;
	rest = (x + 2048) & 127;
	return (points[at] * (128 - rest) + points[at + 1] * rest + 64) >> 7;
}

void literal_model_init(struct literal_model *m)
{
	int at = 0;

	for (size_t i = 0; i < LITERAL_INPUTS; i++) {
		for (size_t k = 0; k < LITERAL_SLOTS; k++)
			m->slots[i][k] = SLOT_NEW;
	}
	for (size_t i = 0; i < LITERAL_MODES; i++) {
		for (size_t k = 0; k < LITERAL_INPUTS; k++)
			m->weights[i][k] = WEIGHT_ONE * 3 / 8;
	}
	for (int x = -2047; x <= 2047; x++) {
		int p = squash(x);

		while (at <= p && at < 4096)
			m->stretch[at++] = (int16_t)x;
	}
	while (at < 4096)
		m->stretch[at++] = 2047;
}

static uint32_t mix_hash(uint64_t v, uint32_t salt)
{
	return (uint32_t)(((v + ((uint64_t)salt << 56)) * 0x9E3779B97F4A7C15ull) >> 40);
}

/* The six contexts, to which the bits of the byte so far are added. */
static void find_rows(const struct literal_context *x, uint32_t rows[LITERAL_INPUTS])
{
	uint64_t h = x->history;

	rows[0] = (uint32_t)(h & 0xff) << 8;
	rows[1] = mix_hash(h & 0xffff, 1);
	rows[2] = mix_hash((h & 0xffffff) | 1ull << 32, 2);
	if (x->is_aligned) {
		rows[3] = mix_hash(x->expected | (uint64_t)x->mode << 8, 3);
		rows[4] = mix_hash(x->shifted | (uint64_t)x->lane << 8, 4);
		rows[5] = mix_hash(x->expected | (h & 0xff) << 8 | 1ull << 24, 5);
		return;
	}
	rows[3] = mix_hash((h & 0xffffffff) | 3ull << 32, 6);
	rows[4] = mix_hash((h >> 24 & 0xff) | (uint64_t)x->lane << 8 |
			       (h & 0xff00) << 8 | 5ull << 32,
			   7);
	rows[5] = mix_hash((h & 0xff00ff) | (uint64_t)x->lane << 30 | 7ull << 32, 8);
}

static void learn_slot(uint16_t *slot, unsigned bit)
{
	uint32_t n = *slot & 15u;
	int32_t p = *slot & 0xfff0;
	int32_t off = (bit != 0 ? 0xfff0 : 0) - p;

	p += (int32_t)(((int64_t)off * rates[n]) >> 16);
	*slot = (uint16_t)((p & 0xfff0) | (int32_t)(n < COUNT_LIMIT ? n + 1 : n));
}

static unsigned code_bit(struct coder *c, struct literal_model *m,
			 uint16_t *const slots[LITERAL_INPUTS], int32_t *weights,
			 unsigned bit)
{
	int in[LITERAL_INPUTS];
	int64_t sum = 0;
	int p, off;

	for (int i = 0; i < LITERAL_INPUTS; i++) {
		unsigned slot = *slots[i];

		in[i] = m->stretch[slot >> 4] * trust[slot & 15] / 16;
		sum += (int64_t)in[i] * weights[i];
	}
	p = squash((int)(sum >> 16 > 4095    ? 4095
			 : sum >> 16 < -4095 ? -4095
					     : sum >> 16));
	bit = coder_bit(c, (uint32_t)(p * 16 + (p < 2048 ? 8 : 0)), bit);
	off = ((int)(bit << 12) - p) * LEARN;
	for (int i = 0; i < LITERAL_INPUTS; i++) {
		weights[i] += (in[i] * off + 0x8000) >> 16;
		learn_slot(slots[i], bit);
	}
	return bit;
}

uint8_t literal_code(struct coder *c, struct literal_model *m,
		     const struct literal_context *x, uint8_t byte)
{
	uint32_t rows[LITERAL_INPUTS];
	uint16_t *slots[LITERAL_INPUTS];
	unsigned node = 1;

	find_rows(x, rows);
	for (unsigned i = 8; i-- > 0;) {
		slots[0] = &m->slots[0][rows[0] + node];
		for (int k = 1; k < LITERAL_INPUTS; k++)
			slots[k] = &m->slots[k][(rows[k] + node * SPREAD) &
						(LITERAL_SLOTS - 1)];
		node = node << 1 | code_bit(c, m, (uint16_t *const *)slots,
					    m->weights[x->mode], byte >> i & 1);
	}
	return (uint8_t)node;
}
