/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for the tenant of a call: its own settings, else the configuration's. */
#ifndef OTA_SERVER_API_SETTINGS_H
#define OTA_SERVER_API_SETTINGS_H

#include "api.h"

struct settings_now {
	uint64_t poll_interval_ms;
	bool target_tokens, gateway_tokens; /* which forms of devices' tokens */
	bool plain_links;
};

struct settings_now settings_of(const struct api_call *a);

/* ddi_deployment.plain_base; NULL: https only. */
const char *settings_plain_base(const struct api_call *a);

#endif
