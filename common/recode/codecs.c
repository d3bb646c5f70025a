/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

const struct recode_codec *const recode_codecs[] = {&recode_zstd, &recode_deflate,
						    &recode_xz, &recode_lz4, NULL};
