/* SPDX-License-Identifier: Apache-2.0 */
#include "codecs.h"

const struct recode_codec *const client_codecs[] = {NULL};
