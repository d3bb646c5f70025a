/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include "../../common/base/bytes.h"
#include "../../common/base/cleanup.h"
#include "../../common/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define RANGE_TEXT_MAX_LEN 64

static const struct {
	const char *range, *name;
} refused[] = {
    /* IPv4 */
    {"0.0.0.0/8", "unspecified"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared by carriers"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved for protocols"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relay"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
    /* IPv6; what these do not name is refused for not being within 2000::/3 */
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"::ffff:0.0.0.0/96", "IPv4-mapped"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64"},
    {"100::/64", "discard"},
    {"2001::/32", "Teredo"},
    {"2001::/23", "reserved for protocols"},
    {"2001:db8::/32", "documentation"},
    {"2002::/16", "6to4"},
    {"3fff::/20", "documentation"},
    {"fc00::/7", "private"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

/* ---- ranges ---- */

static bool bit(const uint8_t *bytes, unsigned i)
{
	return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

static int parse_bits(const char *text, unsigned most, unsigned *ret, struct err *e)
{
	uint64_t n;

	if (parse_u64(text, &n, e) < 0)
		return -1;
	if (n > most)
		return err_set(e, ERR_FORMAT, "a prefix of %llu bits",
			       (unsigned long long)n);
	*ret = (unsigned)n;
	return 0;
}

static int parse_range(const char *text, struct address_range *ret, struct err *e)
{
	char address[RANGE_TEXT_MAX_LEN];
	char *slash;
	unsigned most;

	if (text_copy(address, sizeof(address), text, "range", e) < 0)
		return -1;
	slash = strchr(address, '/');
	if (slash != NULL)
		*slash++ = '\0';
	*ret = (struct address_range){.v6 = strchr(address, ':') != NULL};
	most = ret->v6 ? 128 : 32;
	ret->n_bits = most;
	if (inet_pton(ret->v6 ? AF_INET6 : AF_INET, address, ret->bytes) != 1)
		return err_set(e, ERR_FORMAT, "\"%s\" is no address", address);
	if (slash != NULL && parse_bits(slash, most, &ret->n_bits, e) < 0)
		return -1;
	for (unsigned i = ret->n_bits; i < most; i++) {
		if (bit(ret->bytes, i))
			return err_set(e, ERR_FORMAT,
				       "it has bits behind its prefix of %u",
				       ret->n_bits);
	}
	return 0;
}

int address_range_parse(const char *text, struct address_range *ret, struct err *e)
{
	return parse_range(text, ret, e) < 0 ? err_wrap(e, "range \"%.64s\"", text) : 0;
}

struct address {
	bool v6;
	uint8_t bytes[16];
};

static bool is_within(const struct address *a, const struct address_range *r)
{
	if (a->v6 != r->v6)
		return false;
	for (unsigned i = 0; i < r->n_bits; i++) {
		if (bit(a->bytes, i) != bit(r->bytes, i))
			return false;
	}
	return true;
}

/* ---- the check ---- */

static int read_address(const struct sockaddr *sa, size_t len, struct address *ret,
			struct err *e)
{
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		ret->v6 = false;
		memcpy(ret->bytes,
		       (const uint8_t *)sa + offsetof(struct sockaddr_in, sin_addr), 4);
		return 0;
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		ret->v6 = true;
		memcpy(ret->bytes,
		       (const uint8_t *)sa + offsetof(struct sockaddr_in6, sin6_addr),
		       16);
		return 0;
	}
	return err_set(e, ERR_FORBIDDEN, "this is no internet address");
}

static const char *why_refused(const struct address *a)
{
	static const struct address_range global = {
	    .v6 = true, .bytes = {0x20}, .n_bits = 3};
	struct address_range r;
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < N_ELEMS(refused); i++) {
		/* the table is ours: a row that does not parse refuses everything */
		if (parse_range(refused[i].range, &r, &ignored) < 0 || is_within(a, &r))
			return refused[i].name;
	}
	return a->v6 && !is_within(a, &global) ? "not global" : NULL;
}

int address_check(const struct sockaddr *sa, size_t len,
		  const struct address_range *allowed, size_t n_allowed, struct err *e)
{
	struct address a;
	char text[INET6_ADDRSTRLEN] = "?";
	const char *why;

	if (read_address(sa, len, &a, e) < 0)
		return -1;
	for (size_t i = 0; i < n_allowed; i++) {
		if (is_within(&a, &allowed[i]))
			return 0;
	}
	why = why_refused(&a);
	if (why == NULL)
		return 0;
	(void)inet_ntop(a.v6 ? AF_INET6 : AF_INET, a.bytes, text, sizeof(text));
	return err_set(e, ERR_FORBIDDEN,
		       "%s is a %s address: name its range by --webhook-allow to "
		       "connect to it",
		       text, why);
}
