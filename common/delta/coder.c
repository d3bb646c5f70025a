/* SPDX-License-Identifier: Apache-2.0 */
#include "coder.h"

#define MODEL_LIMIT 250u
#define COUNT_MASK 1023u

void coder_start_encoding(struct coder *c, uint8_t *data, size_t room)
{
	*c = (struct coder){
	    .encodes = true, .high = UINT32_MAX, .data = data, .end = room};
}

static uint32_t next_byte(struct coder *c)
{
	uint32_t byte = c->at < c->end ? c->data[c->at] : 0;

	c->at++;
	return byte;
}

void coder_start_decoding(struct coder *c, uint8_t *data, size_t len)
{
	*c = (struct coder){.high = UINT32_MAX, .data = data, .end = len};
	for (int i = 0; i < 4; i++)
		c->code = c->code << 8 | next_byte(c);
}

static void put_byte(struct coder *c, uint32_t byte)
{
	if (c->at < c->end)
		c->data[c->at] = (uint8_t)byte;
	c->at++;
}

void coder_end_encoding(struct coder *c)
{
	uint32_t first = (c->low >> 24) + 1;

	if (c->low == 0)
		return;
	if (first <= 255 && first << 24 <= c->high) {
		put_byte(c, first);
		return;
	}
	for (int i = 0; i < 4; i++)
		put_byte(c, c->high >> (24 - 8 * i) & 255);
}

void coder_shift_(struct coder *c)
{
	while (((c->low ^ c->high) >> 24) == 0) {
		if (c->encodes)
			put_byte(c, c->high >> 24);
		else
			c->code = c->code << 8 | next_byte(c);
		c->low <<= 8;
		c->high = c->high << 8 | 255;
	}
}

void bit_models_init(struct bit_model *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m[i].p_and_n = 1u << 31;
}

void number_model_init(struct number_model *m)
{
	bit_models_init(m->length, NUMBER_LENGTHS);
	for (size_t i = 0; i < 33; i++)
		bit_models_init(m->top[i], 8);
}

unsigned coder_model(struct coder *c, struct bit_model *m, unsigned bit)
{
	uint32_t n = m->p_and_n & COUNT_MASK;
	uint32_t p22 = m->p_and_n >> 10;
	uint32_t p16 = p22 >> 6;
	int32_t off;

	bit = coder_bit(c, p16 < 32 ? 32 : p16 > 65504 ? 65504 : p16, bit);
	off = (int32_t)(bit != 0 ? (1u << 22) - 1 : 0) - (int32_t)p22;
	p22 = (uint32_t)((int32_t)p22 + off * 2 / (int32_t)(2 * n + 3));
	m->p_and_n = p22 << 10 | (n < MODEL_LIMIT ? n + 1 : n);
	return bit;
}

unsigned coder_tree(struct coder *c, struct bit_model *m, unsigned n_bits,
		    unsigned value)
{
	unsigned node = 1;

	for (unsigned i = n_bits; i-- > 0;)
		node = node << 1 | coder_model(c, &m[node], value >> i & 1);
	return node - (1u << n_bits);
}

uint32_t coder_raw(struct coder *c, unsigned n_bits, uint32_t value)
{
	uint32_t got = 0;

	for (unsigned i = n_bits; i-- > 0;)
		got = got << 1 | coder_bit(c, 32768, value >> i & 1);
	return got;
}

static unsigned bit_length(uint32_t value)
{
	return value == 0 ? 0 : 32u - (unsigned)__builtin_clz(value);
}

uint32_t coder_number(struct coder *c, struct number_model *m, uint32_t value)
{
	unsigned n = coder_tree(c, m->length, 6, bit_length(value));
	unsigned n_top;
	uint32_t got = 1, node = 1;

	if (n > 32)
		n = 32;
	if (n < 2)
		return n;
	n_top = n - 1 < 3 ? n - 1 : 3;
	for (unsigned i = 0; i < n_top; i++) {
		unsigned bit =
		    coder_model(c, &m->top[n][node & 7], value >> (n - 2 - i) & 1);

		node = node << 1 | bit;
		got = got << 1 | bit;
	}
	n -= 1 + n_top;
	return n == 0 ? got : got << n | coder_raw(c, n, value);
}
