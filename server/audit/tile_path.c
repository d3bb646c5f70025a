/* SPDX-License-Identifier: Apache-2.0 */
#include "tile_path.h"

#include <string.h>

#define MAX_LEVEL 6
#define MAX_GROUPS 5 /* 15 digits: more tiles than a log can have */
#define FULL 256

static int no_tile(struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no such tile");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "x001/x234/067": three digits a group, all but the last with an x and a slash. */
static bool take_index(const char **at, uint64_t *ret)
{
	bool last = false;

	*ret = 0;
	for (unsigned i = 0; !last; i++) {
		const char *digits = *at;

		last = *digits != 'x';
		if (!last)
			digits++;
		if (i == MAX_GROUPS || !is_digit(digits[0]) || !is_digit(digits[1]) ||
		    !is_digit(digits[2]))
			return false;
		if (i == 0 && !last && memcmp(digits, "000", 3) == 0)
			return false; /* one number has one path */
		*ret = *ret * 1000 + (uint64_t)(digits[0] - '0') * 100 +
		       (uint64_t)(digits[1] - '0') * 10 + (uint64_t)(digits[2] - '0');
		*at = digits + 3;
		if (!last && *(*at)++ != '/')
			return false;
	}
	return true;
}

/* "" or ".p/17". */
static bool take_width(const char *at, unsigned *ret)
{
	*ret = FULL;
	if (*at == '\0')
		return true;
	if (strncmp(at, ".p/", 3) != 0 || at[3] == '0')
		return false;
	*ret = 0;
	for (at += 3; is_digit(*at) && *ret < FULL; at++)
		*ret = *ret * 10 + (unsigned)(*at - '0');
	return *at == '\0' && *ret > 0 && *ret < FULL;
}

int tile_path_parse(const char *text, struct tile_path *ret, struct err *e)
{
	*ret = (struct tile_path){.level = 0};
	if (strncmp(text, "entries/", 8) == 0) {
		ret->entries = true;
		text += 8;
	} else if (text[0] >= '0' && text[0] <= '0' + MAX_LEVEL && text[1] == '/') {
		ret->level = (unsigned)(text[0] - '0');
		text += 2;
	} else {
		return no_tile(e);
	}
	if (!take_index(&text, &ret->index) || !take_width(text, &ret->width))
		return no_tile(e);
	return 0;
}
