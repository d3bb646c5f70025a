/* SPDX-License-Identifier: Apache-2.0 */
#include "codecs.h"

const struct recode_codec *const client_codecs[] = {&recode_zstd, &recode_deflate,
						    &recode_xz, &recode_lz4, NULL};
