/* SPDX-License-Identifier: Apache-2.0 */
/* A path through a route table: whatever matches, its parameters lie within the
 * path. */
#include "../../server/http/router.h"

#include <stdlib.h>
#include <string.h>

static const struct http_route routes[] = {
    {"GET", "/", 0, NULL},
    {"GET", "/{path*}", 0, NULL},
    {"POST", "/a/{b}/c/{d}", 0, NULL},
    {"GET", "/a/{b}/c/{d}", 0, NULL},
    {"GET", "/a/x/c/{d}", 0, NULL},
    {"DELETE", "/{t}/r/{name*}", 0, NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "PUT"};
	struct router *r = router_new(routes, sizeof(routes) / sizeof(routes[0]), NULL);
	const char *path = (const char *)data;
	struct route_match m;

	if (r == NULL)
		abort();
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		router_find(r, methods[i], path, size, &m);
		if (m.route == NULL && m.n_params > 0)
			abort();
		for (size_t k = 0; k < m.n_params; k++) {
			if (m.values[k] < path ||
			    m.values[k] + m.value_lens[k] > path + size)
				abort();
		}
	}
	router_free(r);
	return 0;
}
