/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a caller may call: draft-ietf-httpapi-ratelimit-headers. People and scripts
 * are told with each answer how much is left; devices only when they are held back, for
 * they pay for each byte.
 */
#include "api.h"

#include "../../common/base/text.h"

#include <string.h>

static void tell(struct api_call *a, const struct limit_verdict *v)
{
	char text[96];

	if (text_format(text, sizeof(text), NULL, "\"%s\";r=%llu;t=%llu",
			a->row->device_side ? "device" : "caller",
			(unsigned long long)v->remaining,
			(unsigned long long)v->reset_s) == 0)
		http_add_header(a->http, "RateLimit", text);
	if (text_format(text, sizeof(text), NULL, "\"%s\";q=%llu",
			a->row->device_side ? "device" : "caller",
			(unsigned long long)v->limit) == 0)
		http_add_header(a->http, "RateLimit-Policy", text);
}

bool api_within(struct api_call *a, struct limiter *l, const void *name, size_t len)
{
	struct limit_verdict v = limiter_take(l, name, len);
	struct err e = ERR_INIT;

	if (v.limit > 0 && (!v.allowed || !a->row->device_side))
		tell(a, &v);
	if (v.allowed)
		return true;
	a->retry_after_s = (unsigned)((v.retry_after_ms + 999) / 1000);
	(void)err_set(
	    &e, ERR_RATE,
	    "%llu calls at once are let through, this was one more: come back "
	    "in %u s",
	    (unsigned long long)v.limit, a->retry_after_s);
	metric_count(a->api->held_back, a->row->device_side ? 1 : 0, 0, 1);
	api_fail(a, &e);
	return false;
}

int api_owner(const struct api_call *a, uint8_t ret[SHA256_LEN], struct err *e)
{
	if (a->in_session)
		return sha256_two(a->tenant, sizeof(a->tenant), a->user,
				  strlen(a->user), ret, e);
	memcpy(ret, a->credential, SHA256_LEN);
	return 0;
}

struct metric *api_add_held_back(struct metrics *m)
{
	static const char *const who[] = {"caller", "device"};

	return metrics_add(
	    m, &(struct metric_desc){.name = "ota_http_rate_limited_total",
				     .help = "Requests answered 429: too many in too "
					     "short a time.",
				     .kind = METRIC_COUNTER,
				     .labels = {{"who", who, N_ELEMS(who)}}});
}
