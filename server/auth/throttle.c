/* SPDX-License-Identifier: Apache-2.0 */
#include "throttle.h"

#include "../limit/limit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define N_REMEMBERED 8192

struct throttle {
	struct limiter *users, *addresses;
};

struct throttle *throttle_new(const struct clock *clock, struct err *e)
{
	AUTO_PTR(throttle) struct throttle *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	t->users = limiter_new_slow(clock, THROTTLE_USER_EVERY_MS, THROTTLE_USER_BURST,
				    N_REMEMBERED, e);
	if (t->users == NULL)
		return NULL;
	t->addresses = limiter_new_slow(clock, THROTTLE_ADDRESS_EVERY_MS,
					THROTTLE_ADDRESS_BURST, N_REMEMBERED, e);
	return t->addresses == NULL ? NULL : TAKE(t);
}

void throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	limiter_free(t->users);
	limiter_free(t->addresses);
	free(t);
}

/* "192.0.2.1" as it is, "2001:db8::1" by its first 64 bits. */
static void shorten(const char *address, char ret[INET6_ADDRSTRLEN])
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, address, &a) != 1) {
		(void)snprintf(ret, INET6_ADDRSTRLEN, "%s", address);
		return;
	}
	memset(&a.s6_addr[8], 0, 8);
	(void)inet_ntop(AF_INET6, &a, ret, INET6_ADDRSTRLEN);
}

int throttle_take(struct throttle *t, const char *user, const char *address,
		  unsigned *ret_wait_s, struct err *e)
{
	char network[INET6_ADDRSTRLEN];
	struct limit_verdict v;

	*ret_wait_s = 0;
	shorten(address, network);
	v = limiter_take(t->addresses, network, strlen(network));
	if (v.allowed) {
		v = limiter_take(t->users, user, strlen(user));
		if (v.allowed)
			return 0;
		limiter_give_back(t->addresses, network, strlen(network));
	}
	*ret_wait_s = (unsigned)((v.retry_after_ms + 999) / 1000);
	return err_set(e, ERR_RATE, "too many wrong passwords: try again in %u seconds",
		       *ret_wait_s);
}

void throttle_give_back(struct throttle *t, const char *user, const char *address)
{
	char network[INET6_ADDRSTRLEN];

	shorten(address, network);
	limiter_give_back(t->users, user, strlen(user));
	limiter_give_back(t->addresses, network, strlen(network));
}
