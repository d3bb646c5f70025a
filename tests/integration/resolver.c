/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resolver that lies, for LD_PRELOAD: the name $RESOLVER_NAME has the address that the
 * file $RESOLVER_FILE holds at that moment. What asks for it again may so be led
 * elsewhere, as by an attacker whose name server answers each question anew.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int resolve_fn(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **ret);

static int read_address(char *ret, int room)
{
	const char *path = getenv("RESOLVER_FILE");
	FILE *f = path != NULL ? fopen(path, "r") : NULL;
	int found;

	if (f == NULL)
		return -1;
	found = fgets(ret, room, f) != NULL;
	(void)fclose(f);
	ret[found ? strcspn(ret, "\n") : 0] = '\0';
	return found ? 0 : -1;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	const char *name = getenv("RESOLVER_NAME");
	char address[64];
	resolve_fn *real;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node == NULL || name == NULL || strcmp(node, name) != 0)
		return real(node, service, hints, ret);
	if (read_address(address, sizeof(address)) < 0)
		return EAI_AGAIN;
	return real(address, service, hints, ret);
}
