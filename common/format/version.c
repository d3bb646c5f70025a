/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"

#include "../base/text.h"

#include <string.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* 1..max_len bytes, the first of `first`, all of `rest`. */
static int check_name(const char *what, const char *text, size_t max_len,
		      const char *first, const char *rest, struct err *e)
{
	size_t len = strnlen(text, max_len + 1);

	if (len == 0)
		return err_set(e, ERR_FORMAT, "%s is empty", what);
	if (len > max_len)
		return err_set(e, ERR_FORMAT, "%s is longer than %zu bytes", what,
			       max_len);
	if (strchr(first, text[0]) == NULL || strspn(text, rest) != len)
		return err_set(e, ERR_FORMAT, "%s has a character that is not allowed",
			       what);
	return 0;
}

int version_check(const char *text, struct err *e)
{
	static const char set[] = UPPER LOWER DIGITS "._+~-";

	return check_name("version", text, VERSION_MAX_LEN, set, set, e);
}

int product_check(const char *text, struct err *e)
{
	return check_name("product", text, PRODUCT_MAX_LEN, LOWER DIGITS,
			  LOWER DIGITS "._-", e);
}

int hardware_check(const char *text, struct err *e)
{
	return check_name("hardware id", text, HARDWARE_MAX_LEN, UPPER LOWER DIGITS,
			  UPPER LOWER DIGITS "._-", e);
}

int image_name_check(const char *text, struct err *e)
{
	return check_name("image name", text, IMAGE_NAME_MAX_LEN, LOWER DIGITS,
			  LOWER DIGITS "._-", e);
}

int file_name_check(const char *text, struct err *e)
{
	return check_name("file name", text, FILE_NAME_MAX_LEN, UPPER LOWER DIGITS "_",
			  UPPER LOWER DIGITS "._+~-", e);
}

/* A piece of a version: not terminated. */
struct piece {
	const char *text;
	size_t len;
};

static int sign_of(int v)
{
	return (v > 0) - (v < 0);
}

static int compare_bytes(struct piece a, struct piece b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.text, b.text, common);

	return order != 0 ? sign_of(order) : (a.len > b.len) - (a.len < b.len);
}

/* Two runs of digits by value, of any length. */
static int compare_numbers(struct piece a, struct piece b)
{
	while (a.len > 0 && *a.text == '0')
		a.text++, a.len--;
	while (b.len > 0 && *b.text == '0')
		b.text++, b.len--;
	if (a.len != b.len)
		return a.len > b.len ? 1 : -1;
	return compare_bytes(a, b);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Takes the next run of digits or of letters off *rest; empty at the end. */
static struct piece next_run(struct piece *rest)
{
	struct piece run;

	while (rest->len > 0 && !is_alnum(*rest->text))
		rest->text++, rest->len--;
	run = (struct piece){rest->text, 0};
	while (run.len < rest->len && is_alnum(run.text[run.len]) &&
	       is_digit(run.text[run.len]) == is_digit(run.text[0]))
		run.len++;
	rest->text += run.len;
	rest->len -= run.len;
	return run;
}

/* End, then numbers, then letters: the key of a run that decides before its content. */
static int rank_of(struct piece p)
{
	return p.len == 0 ? 0 : is_digit(*p.text) ? 1 : 2;
}

static int compare_runs(struct piece a, struct piece b)
{
	for (;;) {
		struct piece x = next_run(&a), y = next_run(&b);
		int order = rank_of(x) - rank_of(y);

		if (order == 0 && x.len == 0)
			return 0;
		if (order == 0)
			order = rank_of(x) == 1 ? compare_numbers(x, y)
						: compare_bytes(x, y);
		if (order != 0)
			return sign_of(order);
	}
}

/* Takes what stands before the next dot off *rest. False at the end. */
static bool next_identifier(struct piece *rest, struct piece *ret)
{
	const char *dot;

	if (rest->text == NULL)
		return false;
	dot = memchr(rest->text, '.', rest->len);
	*ret = (struct piece){rest->text, dot ? (size_t)(dot - rest->text) : rest->len};
	if (dot == NULL)
		*rest = (struct piece){NULL, 0};
	else
		*rest = (struct piece){dot + 1, rest->len - ret->len - 1};
	return true;
}

static bool all_digits(struct piece p)
{
	for (size_t i = 0; i < p.len; i++) {
		if (!is_digit(p.text[i]))
			return false;
	}
	return p.len > 0;
}

/* SemVer 2.0, 11.4: numbers by value, below words; words by byte; fewer is lower. */
static int compare_pre(struct piece a, struct piece b)
{
	for (;;) {
		struct piece x, y;
		bool have_x = next_identifier(&a, &x), have_y = next_identifier(&b, &y);
		int order;

		if (!have_x || !have_y)
			return have_x - have_y;
		if (all_digits(x) != all_digits(y))
			return all_digits(x) ? -1 : 1;
		order = all_digits(x) ? compare_numbers(x, y) : compare_bytes(x, y);
		if (order != 0)
			return order;
	}
}

/* core [-~] pre [+ build]; pre.text is NULL where there is none. */
static void split(const char *version, struct piece *ret_core, struct piece *ret_pre)
{
	size_t len = strcspn(version, "+");
	size_t core = strcspn(version, "-~+");

	*ret_core = (struct piece){version, core};
	*ret_pre = (struct piece){NULL, 0};
	if (core < len)
		*ret_pre = (struct piece){version + core + 1, len - core - 1};
}

int version_compare(const char *a, const char *b)
{
	struct piece core_a, core_b, pre_a, pre_b;
	int order;

	split(a, &core_a, &pre_a);
	split(b, &core_b, &pre_b);
	order = compare_runs(core_a, core_b);
	if (order != 0)
		return order;
	if (pre_a.text == NULL || pre_b.text == NULL)
		return (pre_a.text == NULL) - (pre_b.text == NULL);
	return compare_pre(pre_a, pre_b);
}

/* Where a key is written; there is room for every version that passes the check. */
static char *put_number(char *at, struct piece digits)
{
	while (digits.len > 0 && *digits.text == '0')
		digits.text++, digits.len--;
	*at++ = '1';
	*at++ = (char)('0' + digits.len);
	memcpy(at, digits.text, digits.len);
	return at + digits.len;
}

static char *put_word(char *at, struct piece word)
{
	*at++ = '2';
	memcpy(at, word.text, word.len);
	return at + word.len;
}

static char *put_core(char *at, struct piece core)
{
	for (;;) {
		struct piece run = next_run(&core);

		if (run.len == 0)
			break;
		at = rank_of(run) == 1 ? put_number(at, run) : put_word(at, run);
	}
	*at++ = '0';
	return at;
}

static char *put_pre(char *at, struct piece pre)
{
	struct piece word;

	if (pre.text == NULL) {
		*at++ = '9';
		return at;
	}
	*at++ = '1';
	while (next_identifier(&pre, &word)) {
		at = all_digits(word) ? put_number(at, word) : put_word(at, word);
		if (!all_digits(word))
			*at++ = '!';
	}
	*at++ = '0';
	return at;
}

int version_key(const char *version, char ret_key[VERSION_KEY_MAX_LEN + 1],
		struct err *e)
{
	struct piece core, pre;
	char *at = ret_key;

	*at = '\0';
	if (version[0] == '\0')
		return 0;
	if (version_check(version, e) < 0)
		return -1;
	split(version, &core, &pre);
	at = put_pre(put_core(at, core), pre);
	*at = '\0';
	return 0;
}
