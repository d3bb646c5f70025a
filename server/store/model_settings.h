/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant says for itself, where the server's configuration gives the default. */
#ifndef OTA_SERVER_STORE_MODEL_SETTINGS_H
#define OTA_SERVER_STORE_MODEL_SETTINGS_H

#include "../../common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers stand in the database. */
enum choice { CHOICE_DEFAULT, CHOICE_NO, CHOICE_YES, N_CHOICES };

#define POLL_INTERVAL_MIN_MS 1000u
#define POLL_INTERVAL_MAX_MS (UINT64_C(30) * 86400 * 1000)

struct tenant_settings {
	uint64_t poll_interval_ms; /* 0: the server's default */
	enum choice target_tokens, gateway_tokens, plain_links;
	uint64_t revision; /* grows with each change */
};

struct settings_change {
	bool set_poll_interval, set_target_tokens, set_gateway_tokens, set_plain_links;
	struct tenant_settings to; /* what is not set stays */
};

/* The function stands in verbs_settings.c. */
/* clang-format off */
#define STORE_VERBS_SETTINGS(X)                                                          \
	X(TENANT_CHOOSE, STORE_WRITE)	  /* in.settings_change -> out.tenant_row */
/* clang-format on */

#endif
