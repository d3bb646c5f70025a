/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <stdlib.h>
#include <string.h>

#define OTHER "other"

static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
static const char *const ways[] = {"full", "resumed"};
static const char *const reasons[N_REFUSAL_REASONS] = {
    [REFUSED_OVERLOAD] = "connections",
    [REFUSED_BODIES] = "bodies",
    [REFUSED_SLOW] = "slow",
    [REFUSED_DEADLINE] = "deadline",
    [REFUSED_FORM] = "form",
};

static int name_routes(struct counts *c, const struct http_route *routes, size_t n,
		       struct err *e)
{
	c->routes = calloc(n + 1, sizeof(*c->routes));
	if (c->routes == NULL)
		return err_nomem(e);
	c->n_routes = n;
	for (size_t i = 0; i < n; i++) {
		AUTO(buf) struct buf text = BUF_INIT(1024);

		if (buf_printf(&text, e, "%s %s", routes[i].method, routes[i].pattern) <
		    0)
			return -1;
		c->routes[i] = buf_take(&text, NULL, e);
		if (c->routes[i] == NULL)
			return -1;
	}
	c->routes[n] = strdup(OTHER);
	return c->routes[n] == NULL ? err_nomem(e) : 0;
}

static struct metric_label route_label(const struct counts *c)
{
	return (struct metric_label){"route", (const char *const *)c->routes,
				     c->n_routes + 1};
}

static void add_requests(struct counts *c, struct metrics *m)
{
	c->requests = metrics_add(
	    m, &(struct metric_desc){
		   .name = "ota_http_requests_total",
		   .help = "Requests answered, by route and class of status.",
		   .kind = METRIC_COUNTER,
		   .labels = {route_label(c), {"status", classes, N_ELEMS(classes)}}});
	c->duration = metrics_add(
	    m, &(struct metric_desc){
		   .name = "ota_http_request_duration_seconds",
		   .help = "From a request's arrival to the head of its answer.",
		   .kind = METRIC_HISTOGRAM,
		   .labels = {route_label(c)},
		   .bounds = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
			      250000, 500000, 1000000, 2500000, 10000000},
		   .n_bounds = 13,
		   .scale = 1000000});
}

static void add_connections(struct counts *c, struct metrics *m)
{
	c->handshakes = metrics_add(
	    m, &(struct metric_desc){.name = "ota_tls_handshakes_total",
				     .help = "TLS handshakes that came to their end.",
				     .kind = METRIC_COUNTER,
				     .labels = {{"kind", ways, N_ELEMS(ways)}}});
	c->refused = metrics_add(
	    m, &(struct metric_desc){
		   .name = "ota_http_refused_total",
		   .help = "Requests turned away before a handler saw them.",
		   .kind = METRIC_COUNTER,
		   .labels = {{"reason", reasons, N_ELEMS(reasons)}}});
	c->received = metrics_add(
	    m, &(struct metric_desc){.name = "ota_http_received_bytes_total",
				     .help = "Bytes received inside TLS.",
				     .kind = METRIC_COUNTER});
	c->sent =
	    metrics_add(m, &(struct metric_desc){.name = "ota_http_sent_bytes_total",
						 .help = "Bytes sent inside TLS.",
						 .kind = METRIC_COUNTER});
	c->streams =
	    metrics_add(m, &(struct metric_desc){.name = "ota_http_event_streams",
						 .help = "Event streams that are open.",
						 .kind = METRIC_GAUGE});
}

int counts_init(struct counts *c, struct metrics *m, const struct http_route *routes,
		size_t n_routes, struct err *e)
{
	*c = (struct counts){.routes = NULL};
	if (m == NULL)
		return 0;
	if (name_routes(c, routes, n_routes, e) < 0)
		return -1;
	add_requests(c, m);
	add_connections(c, m);
	return 0;
}

void counts_fini(struct counts *c)
{
	for (size_t i = 0; c->routes != NULL && i <= c->n_routes; i++)
		free(c->routes[i]);
	free(c->routes);
	*c = (struct counts){.routes = NULL};
}

void counts_answer(struct counts *c, size_t route, int status, uint64_t began_us)
{
	size_t class = (size_t)status / 100 - 1;

	metric_count(c->requests, route, class, 1);
	metric_observe(c->duration, route, 0, metrics_now_us() - began_us);
}

void counts_handshake(struct counts *c, bool resumed)
{
	metric_count(c->handshakes, resumed ? 1 : 0, 0, 1);
}

void counts_refusal(struct counts *c, enum refusal_reason why)
{
	metric_count(c->refused, (size_t)why, 0, 1);
}
