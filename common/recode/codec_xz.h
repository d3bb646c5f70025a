/* SPDX-License-Identifier: Apache-2.0 */
/* What a maker asks about xz streams that it finds; codec_xz.c has the codec. */
#ifndef OTA_RECODE_CODEC_XZ_H
#define OTA_RECODE_CODEC_XZ_H

#include "codec.h"

/* Places in a profile's params. */
enum {
	RECODE_XZ_PRESET, /* 0..9, RECODE_XZ_EXTREME */
	RECODE_XZ_FLAGS,
	RECODE_XZ_DICTIONARY, /* bytes */
	RECODE_XZ_CHECK,      /* as in the stream's header */
	RECODE_XZ_FILTER,     /* before LZMA2: the ID of one without options; 0: none */
	RECODE_XZ_N_PARAMS
};

#define RECODE_XZ_ONE_CALL 1u	     /* the block's header tells its sizes */
#define RECODE_XZ_EXTREME (1u << 31) /* as liblzma has it */

/* All but the preset, as the headers at data say; -1: they are none of ours. */
int recode_xz_params(const uint8_t *data, size_t len, uint32_t ret[RECODE_XZ_N_PARAMS]);

#endif
