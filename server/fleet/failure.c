/* SPDX-License-Identifier: Apache-2.0 */
#include "failure.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEX_WORD_MIN_LEN 8

/* ---- words ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a digest, at its beginning: its length; else 0. */
static size_t hex_word_len(const char *at)
{
	bool number = false;
	size_t n = 0;

	for (; is_hex(at[n]); n++)
		number |= is_digit(at[n]);
	return n >= HEX_WORD_MIN_LEN && number && !is_letter(at[n]) ? n : 0;
}

/* How many bytes at `at` vary from device to device. */
static size_t varying_len(const char *at, bool begins_word)
{
	size_t n = begins_word ? hex_word_len(at) : 0;

	if (n > 0)
		return n;
	while (is_digit(at[n]))
		n++;
	return n > 0 ? n : (unsigned char)*at < 0x20 || *at == 0x7f || *at == '*';
}

static size_t cut_to_utf8(const char *text, size_t len)
{
	while (len > 0 && ((unsigned char)text[len] & 0xc0u) == 0x80u)
		len--;
	return len;
}

void failure_words(const char *detail, char ret[FAILURE_WORDS_MAX_LEN + 1])
{
	const char *at = detail;
	size_t len = 0;

	while (*at != '\0' && len < FAILURE_WORDS_MAX_LEN) {
		bool begins = at == detail || (!is_letter(at[-1]) && !is_digit(at[-1]));
		size_t n = varying_len(at, begins);

		if (n == 0)
			ret[len++] = *at++;
		else if (len == 0 || ret[len - 1] != '*')
			ret[len++] = '*';
		at += n;
	}
	if (*at != '\0') {
		/* what does not fit ends in a star of its own */
		ret[len] = *at;
		len = cut_to_utf8(ret, len - 1);
		ret[len++] = '*';
	}
	ret[len] = '\0';
}

/* ---- clusters ---- */

static int compare_alike(const struct failure *a, const struct failure *b)
{
	int order = strcmp(a->release, b->release);

	if (order == 0)
		order = strcmp(a->hardware, b->hardware);
	if (order == 0)
		order = strcmp(a->from, b->from);
	if (order == 0)
		order = strcmp(a->product, b->product);
	if (order == 0)
		order = (int)a->state - (int)b->state;
	return order;
}

static int compare_words(const void *one, const void *other)
{
	const struct failure *a = one, *b = other;
	char words_a[FAILURE_WORDS_MAX_LEN + 1], words_b[FAILURE_WORDS_MAX_LEN + 1];
	int order = compare_alike(a, b);

	if (order != 0)
		return order;
	failure_words(a->detail, words_a);
	failure_words(b->detail, words_b);
	return strcmp(words_a, words_b);
}

static int compare_size(const void *one, const void *other)
{
	const struct failure *a = one, *b = other;

	if (a->n_devices != b->n_devices)
		return a->n_devices > b->n_devices ? -1 : 1;
	return compare_words(a, b);
}

static void take_in(struct failure *into, const struct failure *f, uint64_t *largest)
{
	struct failure sum = f->n_devices > *largest ? *f : *into;

	sum.n_devices = into->n_devices + f->n_devices;
	sum.first_at = into->first_at < f->first_at ? into->first_at : f->first_at;
	sum.last_at = into->last_at > f->last_at ? into->last_at : f->last_at;
	if (f->n_devices > *largest)
		*largest = f->n_devices;
	*into = sum;
}

size_t failure_merge(struct failure *list, size_t n)
{
	uint64_t largest = 0;
	size_t left = 0;

	if (n == 0)
		return 0;
	qsort(list, n, sizeof(*list), compare_words);
	for (size_t i = 0; i < n; i++) {
		if (left > 0 && compare_words(&list[left - 1], &list[i]) == 0) {
			take_in(&list[left - 1], &list[i], &largest);
			continue;
		}
		largest = list[i].n_devices;
		list[left++] = list[i];
	}
	qsort(list, left, sizeof(*list), compare_size);
	return left;
}

/* ---- showing ---- */

static int add_quoted(struct buf *b, const char *field, const char *value,
		      struct err *e)
{
	if (buf_printf(b, e, "%s%s=='", b->len == 0 ? "" : ";", field) < 0)
		return -1;
	for (; *value != '\0'; value++) {
		if ((*value == '\'' || *value == '\\') && buf_add(b, "\\", 1, e) < 0)
			return -1;
		if (buf_add(b, value, 1, e) < 0)
			return -1;
	}
	return buf_add(b, "'", 1, e);
}

int failure_filter(const struct failure *f, struct buf *ret, struct err *e)
{
	const char *state = device_state_name(
	    f->state == DEPLOYMENT_ROLLED_BACK ? DEVICE_ROLLED_BACK : DEVICE_FAILED);
	char words[FAILURE_WORDS_MAX_LEN + 1];

	failure_words(f->detail, words);
	if (buf_printf(ret, e, "state==%s", state) < 0 ||
	    add_quoted(ret, "deployment.release", f->release, e) < 0 ||
	    add_quoted(ret, "product", f->product, e) < 0 ||
	    add_quoted(ret, "hardware", f->hardware, e) < 0 ||
	    add_quoted(ret, "version", f->from, e) < 0)
		return -1;
	return add_quoted(ret, "deployment.detail", words, e);
}

static int set_text(struct json *o, const char *key, const char *text, struct err *e)
{
	return json_set(o, key, text[0] == '\0' ? json_new_null() : json_new_text(text),
			e);
}

struct json *render_failure(const struct failure *f, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO(buf) struct buf filter = BUF_INIT(2048);
	char words[FAILURE_WORDS_MAX_LEN + 1];

	failure_words(f->detail, words);
	if (o == NULL || failure_filter(f, &filter, e) < 0 ||
	    set_text(o, "words", words, e) < 0 ||
	    set_text(o, "detail", f->detail, e) < 0 ||
	    set_text(o, "state", deployment_state_name(f->state), e) < 0 ||
	    set_text(o, "product", f->product, e) < 0 ||
	    set_text(o, "hardware", f->hardware, e) < 0 ||
	    set_text(o, "from", f->from, e) < 0 ||
	    set_text(o, "release", f->release, e) < 0 ||
	    set_text(o, "version", f->version, e) < 0 ||
	    set_text(o, "device", f->device, e) < 0 ||
	    json_set(o, "devices", json_new_int((int64_t)f->n_devices), e) < 0 ||
	    json_set(o, "first_at", json_new_int(f->first_at), e) < 0 ||
	    json_set(o, "last_at", json_new_int(f->last_at), e) < 0 ||
	    set_text(o, "filter", buf_str(&filter), e) < 0)
		return NULL;
	return TAKE(o);
}
