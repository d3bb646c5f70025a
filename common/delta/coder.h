/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary arithmetic coder that runs in either direction.
 *
 * Every function here and in literal.h, map.h and stream.h that codes something takes
 * the value when it encodes and returns it in both directions; when it decodes, the
 * argument is ignored. The grammar is therefore written once, and an encoder and a
 * decoder that disagree cannot be.
 *
 * The interval is [low, high], 32 bits, both ends included; a bit narrows it in
 * proportion to its probability (16 bits), and bytes leave, or enter, where both ends
 * agree. At most 4 bytes a bit. The end is short: a decoder reads zeros past it.
 */
#ifndef OTA_DELTA_CODER_H
#define OTA_DELTA_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coder {
	bool encodes;
	uint32_t low, high;
	uint32_t code; /* decoder: the bytes at low..high */
	/* decoder: what is at hand; encoder: where it goes. Beyond end zeros are read,
	 * and nothing is written, but at still counts. */
	uint8_t *data;
	size_t at, end;
};

/* A bit's probability of being 1, learnt: 22 bits of it, and how often it was seen. */
struct bit_model {
	uint32_t p_and_n;
};

/* A number of up to 32 bits: its length first, its top bits by models. */
#define NUMBER_LENGTHS 64u /* a tree of 33 leaves */
struct number_model {
	struct bit_model length[NUMBER_LENGTHS];
	struct bit_model top[33][8];
};

void coder_start_encoding(struct coder *c, uint8_t *data, size_t room);
/* Sets *c up to decode; the first 4 bytes of the data must be at hand, or its end. */
void coder_start_decoding(struct coder *c, uint8_t *data, size_t len);
/* Writes what is left; c->at is then the length, more than c->end if it did not fit. */
void coder_end_encoding(struct coder *c);

void bit_models_init(struct bit_model *m, size_t n);
void number_model_init(struct number_model *m);

void coder_shift_(struct coder *c);

/* p16: the probability that the bit is 1, 1..65535. */
static inline unsigned coder_bit(struct coder *c, uint32_t p16, unsigned bit)
{
	uint32_t middle =
	    c->low + (uint32_t)(((uint64_t)(c->high - c->low) * p16) >> 16);

	if (!c->encodes)
		bit = c->code <= middle;
	if (bit != 0)
		c->high = middle;
	else
		c->low = middle + 1;
	if (((c->low ^ c->high) >> 24) == 0)
		coder_shift_(c);
	return bit;
}

unsigned coder_model(struct coder *c, struct bit_model *m, unsigned bit);
/* n_bits <= 6 by a tree of 1 << n_bits models, highest bit first. */
unsigned coder_tree(struct coder *c, struct bit_model *m, unsigned n_bits,
		    unsigned value);
uint32_t coder_number(struct coder *c, struct number_model *m, uint32_t value);
/* n_bits <= 32 without any model. */
uint32_t coder_raw(struct coder *c, unsigned n_bits, uint32_t value);

#endif
