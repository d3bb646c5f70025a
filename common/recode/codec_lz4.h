/* SPDX-License-Identifier: Apache-2.0 */
/* What a maker guesses about LZ4 streams that it finds; codec_lz4.c has the codec. */
#ifndef OTA_RECODE_CODEC_LZ4_H
#define OTA_RECODE_CODEC_LZ4_H

#include "codec.h"

/* Places in a profile's params. */
enum {
	RECODE_LZ4_LEVEL, /* 1: the fast one; 3..12: the high-compression one's */
	RECODE_LZ4_N_PARAMS
};

#endif
