/* SPDX-License-Identifier: Apache-2.0 */
/* What a maker asks about zstd frames that it finds; codec_zstd.c has the codec. */
#ifndef OTA_RECODE_CODEC_ZSTD_H
#define OTA_RECODE_CODEC_ZSTD_H

#include "codec.h"

/* Places in a profile's params. */
enum {
	RECODE_ZSTD_LEVEL,
	RECODE_ZSTD_FLAGS,
	RECODE_ZSTD_WINDOW_LOG,
	RECODE_ZSTD_N_PARAMS
};

#define RECODE_ZSTD_ONE_CALL 1u
#define RECODE_ZSTD_CHECKSUM 2u
#define RECODE_ZSTD_SIZE 4u /* the header tells the content's size */

/* CHECKSUM and SIZE as the frame's header says; -1: it has none. */
int recode_zstd_frame_flags(const uint8_t *data, size_t len, uint32_t *ret_flags);

#endif
