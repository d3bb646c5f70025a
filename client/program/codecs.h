/* SPDX-License-Identifier: Apache-2.0 */
/* The re-encoders that this agent was built with (-Dunwrap), for deltas through
 * compression. What a device takes of them is for its configuration to say. */
#ifndef OTA_CLIENT_CODECS_H
#define OTA_CLIENT_CODECS_H

#include "../../common/recode/codec.h"

extern const struct recode_codec *const client_codecs[]; /* NULL ends it */

#endif
