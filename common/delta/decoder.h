/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's state, for those who must know its size. */
#ifndef OTA_DELTA_DECODER_H
#define OTA_DELTA_DECODER_H

#include "stream.h"

/* Input waits here until a whole step can be done with it. */
#define DELTA_INPUT (8u * STREAM_STEP_BYTES)

enum delta_state { DELTA_STEP, DELTA_RUN, DELTA_NEAR, DELTA_OLD, DELTA_RAW };

struct delta {
	struct delta_head head;
	struct delta_map map;
	struct map_model map_model;
	uint32_t n_done; /* rows and pieces read */
	bool map_done;
	bool may_continue;
	bool coder_started;
	bool in_segment;
	enum delta_state state;
	uint32_t left;	  /* of the run or copy */
	uint32_t from;	  /* of the copy */
	uint32_t in_left; /* of the segment, not yet in input */
	size_t input_len;
	uint8_t input[DELTA_INPUT];
	struct stream stream;
	uint8_t *window;
};

#endif
