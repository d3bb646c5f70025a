/* SPDX-License-Identifier: Apache-2.0 */
#include "repository_path.h"

#include "../../common/base/text.h"

#include <string.h>

int repository_parse_metadata(const char *file, enum metadata_role *ret_role,
			      uint64_t *ret_version)
{
	char number[24] = "", want[32];
	const char *rest = file;
	struct err ignored = ERR_INIT;

	*ret_version = 0;
	if (file[0] >= '1' && file[0] <= '9') {
		size_t len = strspn(file, "0123456789");

		if (len >= sizeof(number) || file[len] != '.')
			return -1;
		memcpy(number, file, len);
		rest = file + len + 1;
		if (parse_u64(number, ret_version, &ignored) < 0 ||
		    *ret_version > INT64_MAX)
			return -1;
	}
	for (unsigned r = 0; r < N_METADATA_ROLES; r++) {
		(void)snprintf(want, sizeof(want), "%s.json",
			       metadata_role_name((enum metadata_role)r));
		*ret_role = (enum metadata_role)r;
		if (strcmp(rest, want) == 0)
			return (r == ROLE_TIMESTAMP) == (*ret_version == 0) ? 0 : -1;
	}
	return -1;
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
