/* SPDX-License-Identifier: Apache-2.0 */
/* The names below /repository/: what is taken can be written back as the same name. */
#include "../../server/api/repository_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_metadata(const char *text)
{
	char again[64];
	enum metadata_role role;
	uint64_t version;

	if (repository_parse_metadata(text, &role, &version) != 0)
		return;
	if (version == 0)
		(void)snprintf(again, sizeof(again), "%s.json",
			       metadata_role_name(role));
	else
		(void)snprintf(again, sizeof(again), "%llu.%s.json",
			       (unsigned long long)version, metadata_role_name(role));
	if (strcmp(again, text) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	uint8_t hash[SHA256_LEN];

	if (text == NULL)
		return 0;
	check_metadata(text);
	if (repository_parse_target(text, hash) == 0 && strchr(text, '/') == NULL)
		abort();
	free(text);
	return 0;
}
