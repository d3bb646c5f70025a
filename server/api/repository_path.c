/* SPDX-License-Identifier: Apache-2.0 */
#include "repository_path.h"

#include "../../common/base/text.h"
#include "../../common/format/version.h"

#include <string.h>

/* "N.rest", N from 1 and without leading zeros; -1: it begins with no number. */
static int parse_version(const char *file, const char **ret_rest, uint64_t *ret)
{
	size_t len = strspn(file, "0123456789");
	char number[24] = "";
	struct err ignored = ERR_INIT;

	if (file[0] < '1' || file[0] > '9' || len >= sizeof(number) || file[len] != '.')
		return -1;
	memcpy(number, file, len);
	*ret_rest = file + len + 1;
	return parse_u64(number, ret, &ignored) < 0 || *ret > INT64_MAX ? -1 : 0;
}

int repository_parse_metadata(const char *file, enum metadata_role *ret_role,
			      uint64_t *ret_version)
{
	char want[32];
	const char *rest = file;

	*ret_version = 0;
	if (file[0] >= '1' && file[0] <= '9' &&
	    parse_version(file, &rest, ret_version) < 0)
		return -1;
	for (unsigned r = 0; r < N_METADATA_ROLES; r++) {
		(void)snprintf(want, sizeof(want), "%s.json",
			       metadata_role_name((enum metadata_role)r));
		*ret_role = (enum metadata_role)r;
		if (strcmp(rest, want) == 0)
			return (r == ROLE_TIMESTAMP) == (*ret_version == 0) ? 0 : -1;
	}
	return -1;
}

int repository_parse_role(const char *file, struct online_role *ret)
{
	static const char prefix[] = "delta", suffix[] = ".json";
	const char *rest;
	struct err ignored = ERR_INIT;
	size_t len;

	*ret = (struct online_role){.data = NULL};
	if (parse_version(file, &rest, &ret->version) < 0)
		return -1;
	len = strlen(rest);
	if (len < strlen(suffix) || len - strlen(suffix) >= sizeof(ret->name) ||
	    strcmp(rest + len - strlen(suffix), suffix) != 0)
		return -1;
	memcpy(ret->name, rest, len - strlen(suffix));
	rest = ret->name + strlen(prefix);
	if (strncmp(ret->name, prefix, strlen(prefix)) != 0)
		return -1;
	if (rest[0] == '\0')
		return 0;
	return rest[0] == '-' ? product_check(rest + 1, &ignored) : -1;
}

int repository_parse_target(const char *path, uint8_t ret[SHA256_LEN])
{
	const char *base = path == NULL ? NULL : strrchr(path, '/');
	char hex[2 * SHA256_LEN + 1];
	struct err ignored = ERR_INIT;

	if (base == NULL || strlen(base + 1) <= 2 * SHA256_LEN ||
	    base[1 + 2 * SHA256_LEN] != '.')
		return -1;
	memcpy(hex, base + 1, 2 * SHA256_LEN);
	hex[2 * SHA256_LEN] = '\0';
	return hex_decode(hex, ret, SHA256_LEN, &ignored);
}
