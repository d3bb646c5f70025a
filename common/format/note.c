/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include "../base/base64.h"
#include "../base/bytes.h"
#include "../base/text.h"

#include <ctype.h>
#include <string.h>

#define DASH "\xe2\x80\x94 " /* an em dash and a blank begin a signature */
#define KEY_ID_LEN 4
#define ALGORITHM_ED25519 1
#define TARGETS_WORD "targets "

int note_name_check(const char *text, struct err *e)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)text[i]) || text[i] == '+')
			return err_set(e, ERR_FORMAT,
				       "a key's name has no blank or plus");
	}
	return len > 0 && len <= NOTE_NAME_MAX_LEN
		   ? 0
		   : err_set(e, ERR_FORMAT, "a key's name has 1 to %d characters",
			     NOTE_NAME_MAX_LEN);
}

/* ---- keys ---- */

static int key_id(const struct note_key *k, uint8_t ret[KEY_ID_LEN], struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(256);
	uint8_t hash[SHA256_LEN];

	if (buf_printf(&text, e, "%s\n%c", k->name, ALGORITHM_ED25519) < 0 ||
	    buf_add(&text, k->public_key, ED25519_PUBLIC_LEN, e) < 0 ||
	    sha256(text.data, text.len, hash, e) < 0)
		return -1;
	memcpy(ret, hash, KEY_ID_LEN);
	return 0;
}

int note_vkey_write(const struct note_key *k, char ret[NOTE_VKEY_MAX_LEN + 1],
		    struct err *e)
{
	uint8_t id[KEY_ID_LEN], typed[1 + ED25519_PUBLIC_LEN] = {ALGORITHM_ED25519};
	char hex[2 * KEY_ID_LEN + 1], base64[BASE64_LEN(sizeof(typed)) + 1];

	if (note_name_check(k->name, e) < 0 || key_id(k, id, e) < 0)
		return -1;
	memcpy(typed + 1, k->public_key, ED25519_PUBLIC_LEN);
	hex_encode(id, sizeof(id), hex);
	base64_encode(typed, sizeof(typed), base64);
	return text_format(ret, NOTE_VKEY_MAX_LEN + 1, e, "%s+%s+%s", k->name, hex,
			   base64);
}

static int read_vkey(char *text, struct note_key *ret, struct err *e)
{
	AUTO(buf) struct buf typed = BUF_INIT(64);
	char *hex = strchr(text, '+'),
	     *base64 = hex == NULL ? NULL : strchr(hex + 1, '+');
	uint8_t id[KEY_ID_LEN], want[KEY_ID_LEN];

	if (base64 == NULL)
		return err_set(e, ERR_FORMAT, "it is not NAME+ID+KEY");
	*hex++ = '\0';
	*base64++ = '\0';
	if (note_name_check(text, e) < 0 || hex_decode(hex, id, sizeof(id), e) < 0 ||
	    base64_decode(base64, strlen(base64), &typed, e) < 0)
		return -1;
	if (typed.len != 1 + ED25519_PUBLIC_LEN || typed.data[0] != ALGORITHM_ED25519)
		return err_set(e, ERR_UNSUPPORTED, "it is no Ed25519 key");
	memcpy(ret->name, text, strlen(text) + 1);
	memcpy(ret->public_key, typed.data + 1, ED25519_PUBLIC_LEN);
	if (key_id(ret, want, e) < 0)
		return -1;
	return memcmp(id, want, sizeof(id)) == 0
		   ? 0
		   : err_set(e, ERR_FORMAT, "its id is not that of its key");
}

int note_vkey_parse(const char *text, struct note_key *ret, struct err *e)
{
	char copy[NOTE_VKEY_MAX_LEN + 1];

	if (text_copy(copy, sizeof(copy), text, "key", e) < 0 ||
	    read_vkey(copy, ret, e) < 0)
		return err_wrap(e, "audit key");
	return 0;
}

/* ---- writing ---- */

static int write_text(const struct checkpoint *c, struct buf *ret, struct err *e)
{
	char root[BASE64_LEN(SHA256_LEN) + 1];

	if (note_name_check(c->origin, e) < 0)
		return -1;
	base64_encode(c->root, SHA256_LEN, root);
	if (buf_printf(ret, e, "%s\n%llu\n%s\n", c->origin, (unsigned long long)c->size,
		       root) < 0)
		return -1;
	return c->targets == 0 ? 0
			       : buf_printf(ret, e, TARGETS_WORD "%llu\n",
					    (unsigned long long)c->targets);
}

static int own_key(const struct checkpoint *c, const struct privkey *k,
		   struct note_key *ret, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *public_key = privkey_public(k, e);

	if (public_key == NULL)
		return -1;
	memcpy(ret->name, c->origin, sizeof(ret->name));
	return pubkey_to_ed25519(public_key, ret->public_key, e);
}

int checkpoint_sign(const struct checkpoint *c, const struct privkey *k,
		    struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(NOTE_MAX_BYTES);
	uint8_t blob[KEY_ID_LEN + SIG_MAX_LEN];
	char base64[BASE64_LEN(sizeof(blob)) + 1];
	struct note_key key;
	size_t sig_len = 0;

	if (write_text(c, &text, e) < 0 || own_key(c, k, &key, e) < 0 ||
	    key_id(&key, blob, e) < 0 ||
	    sign_message(k, text.data, text.len, blob + KEY_ID_LEN, &sig_len, e) < 0)
		return err_wrap(e, "sign the checkpoint");
	base64_encode(blob, KEY_ID_LEN + sig_len, base64);
	if (buf_add(ret, text.data, text.len, e) < 0)
		return -1;
	return buf_printf(ret, e, "\n" DASH "%s %s\n", c->origin, base64);
}

/* ---- reading ---- */

/* The line at *at, without its newline; *at goes behind it. False: there is none. */
static bool next_line(const char **at, const char *end, const char **ret,
		      size_t *ret_len)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (newline == NULL)
		return false;
	*ret = *at;
	*ret_len = (size_t)(newline - *at);
	*at = newline + 1;
	return true;
}

static int read_number(const char *line, size_t len, uint64_t *ret, struct err *e)
{
	char text[24];

	if (len == 0 || len >= sizeof(text) || (len > 1 && line[0] == '0'))
		return err_set(e, ERR_FORMAT, "its number of entries is none");
	memcpy(text, line, len);
	text[len] = '\0';
	return parse_u64(text, ret, e);
}

static int read_root(const char *line, size_t len, uint8_t ret[SHA256_LEN],
		     struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(64);

	if (len != BASE64_LEN(SHA256_LEN) || base64_decode(line, len, &root, e) < 0 ||
	    root.len != SHA256_LEN)
		return err_set(e, ERR_FORMAT, "its root is no SHA-256");
	memcpy(ret, root.data, SHA256_LEN);
	return 0;
}

static int read_text(const char *at, const char *end, struct checkpoint *ret,
		     struct err *e)
{
	const char *line;
	size_t len, word = sizeof(TARGETS_WORD) - 1;

	*ret = (struct checkpoint){.size = 0};
	if (!next_line(&at, end, &line, &len) || len > NOTE_NAME_MAX_LEN)
		return err_set(e, ERR_FORMAT, "it has no origin");
	memcpy(ret->origin, line, len);
	if (note_name_check(ret->origin, e) < 0)
		return -1;
	if (!next_line(&at, end, &line, &len) ||
	    read_number(line, len, &ret->size, e) < 0)
		return err_set(e, ERR_FORMAT, "its number of entries is none");
	if (!next_line(&at, end, &line, &len))
		return err_set(e, ERR_FORMAT, "it has no root");
	if (read_root(line, len, ret->root, e) < 0)
		return -1;
	while (next_line(&at, end, &line, &len)) {
		if (len > word && memcmp(line, TARGETS_WORD, word) == 0 &&
		    read_number(line + word, len - word, &ret->targets, e) < 0)
			return -1;
	}
	return 0;
}

/* 1: this line is k's signature over the text; 0: it is another's. */
static int check_line(const char *line, size_t len, const struct note_key *k,
		      const char *text, size_t text_len, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *key = NULL;
	AUTO(buf) struct buf blob = BUF_INIT(256);
	size_t dash = sizeof(DASH) - 1, name = strlen(k->name);
	uint8_t id[KEY_ID_LEN];

	if (len < dash + name + 1 || memcmp(line, DASH, dash) != 0)
		return err_set(e, ERR_FORMAT, "what follows its text is no signature");
	if (memcmp(line + dash, k->name, name) != 0 || line[dash + name] != ' ')
		return 0;
	if (base64_decode(line + dash + name + 1, len - dash - name - 1, &blob, e) <
		0 ||
	    key_id(k, id, e) < 0)
		return -1;
	if (blob.len <= KEY_ID_LEN || memcmp(blob.data, id, KEY_ID_LEN) != 0)
		return 0;
	key = pubkey_from_ed25519(k->public_key, e);
	if (key == NULL || verify_message(key, text, text_len, blob.data + KEY_ID_LEN,
					  blob.len - KEY_ID_LEN, e) < 0)
		return -1;
	return 1;
}

static int open_note(const char *note, size_t len, const struct note_key *k,
		     struct checkpoint *ret, struct err *e)
{
	const char *blank = memmem(note, len, "\n\n", 2), *end = note + len, *at, *line;
	size_t line_len, text_len;
	int good = 0;

	if (len > NOTE_MAX_BYTES || blank == NULL || memchr(note, '\0', len) != NULL)
		return err_set(e, ERR_FORMAT, "it is no signed note");
	text_len = (size_t)(blank + 1 - note);
	at = blank + 2;
	while (good == 0 && next_line(&at, end, &line, &line_len)) {
		good = check_line(line, line_len, k, note, text_len, e);
		if (good < 0)
			return -1;
	}
	if (good == 0)
		return err_set(e, ERR_SIGNATURE, "it is not signed by %s", k->name);
	if (read_text(note, note + text_len, ret, e) < 0)
		return -1;
	return strcmp(ret->origin, k->name) == 0
		   ? 0
		   : err_set(e, ERR_SIGNATURE, "it is of %s, not of %s", ret->origin,
			     k->name);
}

int checkpoint_open(const char *note, size_t len, const struct note_key *k,
		    struct checkpoint *ret, struct err *e)
{
	return open_note(note, len, k, ret, e) < 0 ? err_wrap(e, "checkpoint") : 0;
}
