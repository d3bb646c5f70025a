/* SPDX-License-Identifier: Apache-2.0 */
#include "capability.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const amounts[] = {CAPABILITY_UNWRAP "memory-",
				      CAPABILITY_UNWRAP "scratch-"};

/* The next word from *at on, and its length; NULL: there is none. */
static const char *next_word(const char **at, size_t *ret_len)
{
	const char *word = *at + strspn(*at, " ");

	*ret_len = strcspn(word, " ");
	*at = word + *ret_len;
	return *ret_len > 0 ? word : NULL;
}

static bool has(const char *words, const char *word, size_t len)
{
	const char *one;
	size_t n;

	while ((one = next_word(&words, &n)) != NULL) {
		if (n == len && memcmp(one, word, n) == 0)
			return true;
	}
	return false;
}

bool capability_has(const char *words, const char *word)
{
	return has(words, word, strlen(word));
}

/* Digits to the word's end. */
static bool read_amount(const char *text, size_t len, unsigned long long *ret)
{
	char *end;

	if (len == 0 || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && end == text + len;
}

/* The largest amount of that kind among words is enough. */
static bool has_amount(const char *words, const char *prefix, const char *need,
		       size_t need_len)
{
	size_t skip = strlen(prefix), n;
	unsigned long long wanted, here;
	const char *one;

	if (!read_amount(need + skip, need_len - skip, &wanted))
		return false;
	while ((one = next_word(&words, &n)) != NULL) {
		if (n > skip && memcmp(one, prefix, skip) == 0 &&
		    read_amount(one + skip, n - skip, &here) && here >= wanted)
			return true;
	}
	return false;
}

static bool covers(const char *words, const char *need, size_t len)
{
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		size_t n = strlen(amounts[i]);

		if (len >= n && memcmp(need, amounts[i], n) == 0)
			return has_amount(words, amounts[i], need, len);
	}
	return has(words, need, len);
}

bool capability_covers(const char *words, const char *needs)
{
	const char *need;
	size_t len;

	while ((need = next_word(&needs, &len)) != NULL) {
		if (!covers(words, need, len))
			return false;
	}
	return true;
}

bool capability_unwraps(const char *words)
{
	const char *one;
	size_t n;

	while ((one = next_word(&words, &n)) != NULL) {
		if (n > sizeof(CAPABILITY_UNWRAP) - 1 &&
		    memcmp(one, CAPABILITY_UNWRAP, sizeof(CAPABILITY_UNWRAP) - 1) == 0)
			return true;
	}
	return false;
}
