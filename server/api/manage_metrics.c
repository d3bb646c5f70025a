/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: what the server counts, for Prometheus. */
#include "api.h"

void handle_metrics_get(struct api_call *a)
{
	AUTO(buf) struct buf text = BUF_INIT(METRICS_MAX_TEXT);
	struct err e = ERR_INIT;

	if (metrics_write(a->api->metrics, &text, &e) < 0)
		api_fail(a, &e);
	else
		api_reply_text(a, 200, "text/plain; version=0.0.4; charset=utf-8",
			       buf_str(&text), text.len);
}
