/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics on addresses of their own ([metrics] listen), without credentials: for a
 * management network, where whoever gets through may read them. There is nothing else
 * behind these addresses, and without any there is no such listener.
 */
#ifndef OTA_SERVER_SCRAPE_H
#define OTA_SERVER_SCRAPE_H

#include "../common/base/option.h"
#include "http/http.h"
#include "metrics/metrics.h"

/* like: whose certificate and deadlines it has. Strings and m must outlive it. It serves
 * when this returns; http_server_stop() and http_server_free() end it. */
struct http_server *scrape_start(const struct http_config *like,
				 const struct option_list *listen, struct metrics *m,
				 const struct log *log, struct err *e) MUST_USE;

#endif
