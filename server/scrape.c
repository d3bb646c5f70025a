/* SPDX-License-Identifier: Apache-2.0 */
#include "scrape.h"

#include <stdio.h>

#define MAX_CONNECTIONS 64u

static void handle_metrics(struct http_request *r, void *app)
{
	AUTO(buf) struct buf text = BUF_INIT(METRICS_MAX_TEXT);
	struct err e = ERR_INIT;

	if (metrics_write(app, &text, &e) < 0)
		http_refuse(r, 500, err_slug(e.code), err_meaning(e.code));
	else
		http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8",
			   buf_str(&text), text.len);
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/metrics", .handle = handle_metrics},
};

struct http_server *scrape_start(const struct http_config *like,
				 const struct option_list *listen, struct metrics *m,
				 const struct log *log, struct err *e)
{
	const struct http_config own = {
	    .listen = listen->items,
	    .n_listen = listen->n_items,
	    .cert_file = like->cert_file,
	    .key_file = like->key_file,
	    .head_deadline_ms = like->head_deadline_ms,
	    .idle_timeout_ms = like->idle_timeout_ms,
	    .n_threads = 1,
	    .max_connections = MAX_CONNECTIONS,
	};
	AUTO_PTR(http_server)
	struct http_server *s =
	    http_server_new(&own, routes, N_ELEMS(routes), m, log, e);
	char port[16];

	if (s == NULL || http_server_start(s, e) < 0) {
		(void)err_wrap(e, "[metrics] listen");
		return NULL;
	}
	for (size_t i = 0; i < listen->n_items; i++) {
		(void)snprintf(port, sizeof(port), "%u", http_server_port(s, i));
		log_info(log, "server", "metrics without credentials", "listen",
			 listen->items[i], "port", port, NULL);
	}
	return TAKE(s);
}
