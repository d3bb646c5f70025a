/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are in no copy, coded by what stands around them.
 *
 * Six contexts each give a probability for the next bit; a small network mixes them in
 * the logistic domain and learns how much to trust each (as in
 * M. Mahoney's PAQ). The tables are fixed, nothing is ever allocated.
 */
#ifndef OTA_DELTA_LITERAL_H
#define OTA_DELTA_LITERAL_H

#include "coder.h"

#define LITERAL_INPUTS 6
#define LITERAL_SLOTS 65536u
#define LITERAL_MODES 64

struct literal_model {
	uint16_t slots[LITERAL_INPUTS][LITERAL_SLOTS];
	int32_t weights[LITERAL_MODES][LITERAL_INPUTS];
	int16_t stretch[4096];
};

/* What is known before the byte. */
struct literal_context {
	uint64_t history; /* the bytes before, the nearest lowest */
	unsigned mode;	  /* < LITERAL_MODES: which weights */
	bool is_aligned;  /* expected and shifted say something */
	uint8_t expected; /* what the old image has here, predicted */
	uint8_t shifted;  /* the same, moved as its neighbours were */
	unsigned lane;	  /* position modulo 4 */
};

void literal_model_init(struct literal_model *m);
uint8_t literal_code(struct coder *c, struct literal_model *m,
		     const struct literal_context *x, uint8_t byte);

#endif
