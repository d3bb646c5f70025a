/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate streams without a header around them; codec_deflate.c has the codec. */
#ifndef OTA_RECODE_CODEC_DEFLATE_H
#define OTA_RECODE_CODEC_DEFLATE_H

#include "codec.h"

/* Places in a profile's params. */
enum {
	RECODE_DEFLATE_LEVEL,	  /* 4..9 */
	RECODE_DEFLATE_MEM_LEVEL, /* zlib's, 1..9; gzip: 8 */
	RECODE_DEFLATE_GZIP,	  /* 1: as GNU gzip does, 0: as zlib */
	RECODE_DEFLATE_N_PARAMS
};

#endif
