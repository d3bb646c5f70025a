/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the candidate at the smallest edit distance, if that is small. */
#include "option_impl.h"

#include <string.h>

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance; SIZE_MAX for words too long to be one of ours. */
static size_t distance(const char *a, const char *b)
{
	size_t row[OPTION_NAME_MAX + 1];
	size_t b_len = strlen(b);

	if (strlen(a) > OPTION_NAME_MAX || b_len > OPTION_NAME_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1,
				      corner + (a[i - 1] != b[j - 1]));
			corner = up;
		}
	}
	return row[b_len];
}

void guess_offer(struct guess *g, const char *candidate)
{
	size_t d = distance(g->wanted, candidate);

	if (d > 2 + strlen(candidate) / 8 || d >= strlen(candidate) ||
	    (g->best[0] != '\0' && d >= g->distance))
		return;
	if (strlen(candidate) >= sizeof(g->best))
		return;
	g->distance = d;
	memcpy(g->best, candidate, strlen(candidate) + 1);
}

const char *guess_text(struct guess *g, char ret[OPTION_NAME_MAX + 24],
		       const char *dashes)
{
	ret[0] = '\0';
	if (g->best[0] != '\0')
		(void)snprintf(ret, OPTION_NAME_MAX + 24, "; did you mean %s%s?",
			       dashes, g->best);
	return ret;
}
