/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include "../../common/base/text.h"
#include "../../common/json/json.h"

#include <string.h>

#define FORMAT 1
#define COUNTER_AFTER_LOSS ((uint64_t)1 << 40)

static void copy_cut(char *ret, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (len >= room) {
		len = room - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memmove(ret, text, len);
	ret[len] = '\0';
}

struct memory_failed *memory_find_failed(struct memory *m, const char *id)
{
	for (size_t i = 0; i < m->n_failed; i++) {
		if (strcmp(m->failed[i].id, id) == 0)
			return &m->failed[i];
	}
	return NULL;
}

void memory_add_failed(struct memory *m, const char *id, const char *reason)
{
	struct memory_failed *f = memory_find_failed(m, id);

	if (f == NULL && m->n_failed == MEMORY_MAX_FAILED) {
		memmove(&m->failed[0], &m->failed[1],
			(MEMORY_MAX_FAILED - 1) * sizeof(m->failed[0]));
		m->n_failed--;
	}
	if (f == NULL)
		f = &m->failed[m->n_failed++];
	copy_cut(f->id, sizeof(f->id), id);
	copy_cut(f->reason, sizeof(f->reason), reason);
	f->told = false;
}

void memory_note_delta(struct memory *m, const char *id, const char *what,
		       const char *why)
{
	struct memory_failed *f = &m->delta;
	char text[2 * MEMORY_REASON_LEN];

	(void)snprintf(text, sizeof(text), "the delta failed: %.80s: %.300s", what,
		       why);
	copy_cut(f->id, sizeof(f->id), id);
	copy_cut(f->reason, sizeof(f->reason), text);
}

/* ---- reading ---- */

static int read_u32(const struct json *o, const char *key, uint32_t max, uint32_t *ret,
		    struct err *e)
{
	uint64_t v;

	if (json_get_u64(o, key, &v, e) < 0)
		return -1;
	if (v > max)
		return err_set(e, ERR_FORMAT, "field \"%s\": too large", key);
	*ret = (uint32_t)v;
	return 0;
}

static int read_deployment(const struct json *root, struct memory_deployment *ret,
			   struct err *e)
{
	const struct json *d;
	const char *id, *detail, *delta = "";
	uint32_t slot = 0;

	if (json_get(root, "deployment") == NULL)
		return 0;
	if (json_get_object(root, "deployment", &d, e) < 0 ||
	    json_get_text(d, "id", &id, e) < 0 ||
	    text_copy(ret->id, sizeof(ret->id), id, "id", e) < 0 ||
	    read_u32(d, "transaction", UINT32_MAX, &ret->transaction, e) < 0 ||
	    read_u32(d, "slot", 1, &slot, e) < 0 ||
	    json_get_hex(d, "descriptor_sha256", ret->descriptor_sha256, SHA256_LEN,
			 e) < 0 ||
	    json_get_hex(d, "manifest_sha256", ret->manifest_sha256, SHA256_LEN, e) <
		0 ||
	    json_get_text(d, "detail", &detail, e) < 0 ||
	    json_opt_text(d, "delta", &delta, e) < 0 ||
	    text_copy(ret->delta, sizeof(ret->delta), delta, "delta", e) < 0)
		return -1;
	ret->slot = slot;
	copy_cut(ret->detail, sizeof(ret->detail), detail);
	return 0;
}

static int read_failed(const struct json *root, struct memory *ret, struct err *e)
{
	const struct json *list;

	if (json_get_array(root, "failed", &list, e) < 0)
		return -1;
	for (size_t i = 0; i < json_len(list); i++) {
		const char *id, *reason;
		bool told = false;

		if (json_get_text(json_at(list, i), "id", &id, e) < 0 ||
		    json_get_text(json_at(list, i), "reason", &reason, e) < 0 ||
		    json_get_bool(json_at(list, i), "told", &told, e) < 0)
			return -1;
		memory_add_failed(ret, id, reason);
		ret->failed[ret->n_failed - 1].told = told;
	}
	return 0;
}

static int read_delta(const struct json *root, struct memory_failed *ret, struct err *e)
{
	const struct json *d;
	const char *id, *reason;

	if (json_get(root, "delta") == NULL)
		return 0;
	if (json_get_object(root, "delta", &d, e) < 0 ||
	    json_get_text(d, "id", &id, e) < 0 ||
	    text_copy(ret->id, sizeof(ret->id), id, "id", e) < 0 ||
	    json_get_text(d, "reason", &reason, e) < 0)
		return -1;
	copy_cut(ret->reason, sizeof(ret->reason), reason);
	return 0;
}

static int parse(const struct buf *text, struct memory *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse(text->data, text->len, e);
	uint64_t format = 0, bits = 0, floor = 0;

	if (root == NULL || json_get_u64(root, "format", &format, e) < 0 ||
	    json_get_u64(root, "must_understand", &bits, e) < 0)
		return -1;
	if (format != FORMAT || bits != 0)
		return err_set(e, ERR_UNSUPPORTED, "format %llu is not known here",
			       (unsigned long long)format);
	if (json_get_u64(root, "reports", &ret->n_reports, e) < 0 ||
	    json_get_u64(root, "floor_utc_ms", &floor, e) < 0 ||
	    read_deployment(root, &ret->deployment, e) < 0 ||
	    read_failed(root, ret, e) < 0 || read_delta(root, &ret->delta, e) < 0)
		return -1;
	ret->floor_utc_ms = (int64_t)floor;
	return 0;
}

int memory_load(const struct tuf_store *files, struct memory *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MEMORY_MAX_BYTES);
	struct err why = ERR_INIT;

	*ret = (struct memory){0};
	if (files->get(files->ctx, MEMORY_FILE, &text, &why) < 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		ret->n_reports = COUNTER_AFTER_LOSS;
		return err_set(e, why.code, "%s: %s", MEMORY_FILE, why.text);
	}
	if (parse(&text, ret, e) == 0)
		return 0;
	*ret = (struct memory){.n_reports = COUNTER_AFTER_LOSS};
	return err_wrap(e, "%s", MEMORY_FILE);
}

/* ---- writing ---- */

static int write_deployment(struct json *root, const struct memory_deployment *d,
			    struct err *e)
{
	struct json *o = json_new_object();

	if (json_set(root, "deployment", o, e) < 0 ||
	    json_set(o, "id", json_new_text(d->id), e) < 0 ||
	    json_set(o, "transaction", json_new_int(d->transaction), e) < 0 ||
	    json_set(o, "slot", json_new_int((int64_t)d->slot), e) < 0 ||
	    json_set(o, "descriptor_sha256",
		     json_new_hex(d->descriptor_sha256, SHA256_LEN), e) < 0 ||
	    json_set(o, "manifest_sha256", json_new_hex(d->manifest_sha256, SHA256_LEN),
		     e) < 0 ||
	    json_set(o, "detail", json_new_text(d->detail), e) < 0)
		return -1;
	return d->delta[0] == '\0' ? 0
				   : json_set(o, "delta", json_new_text(d->delta), e);
}

static int write_failed(struct json *root, const struct memory *m, struct err *e)
{
	struct json *list = json_new_array();

	if (json_set(root, "failed", list, e) < 0)
		return -1;
	for (size_t i = 0; i < m->n_failed; i++) {
		struct json *o = json_new_object();

		if (json_append(list, o, e) < 0 ||
		    json_set(o, "id", json_new_text(m->failed[i].id), e) < 0 ||
		    json_set(o, "reason", json_new_text(m->failed[i].reason), e) < 0 ||
		    json_set(o, "told", json_new_bool(m->failed[i].told), e) < 0)
			return -1;
	}
	return 0;
}

static int write_delta(struct json *root, const struct memory_failed *d, struct err *e)
{
	struct json *o = json_new_object();

	if (json_set(root, "delta", o, e) < 0 ||
	    json_set(o, "id", json_new_text(d->id), e) < 0)
		return -1;
	return json_set(o, "reason", json_new_text(d->reason), e);
}

int memory_save(const struct tuf_store *files, const struct memory *m, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	AUTO(buf) struct buf text = BUF_INIT(MEMORY_MAX_BYTES);

	if (root == NULL)
		return err_nomem(e);
	if (json_set(root, "format", json_new_int(FORMAT), e) < 0 ||
	    json_set(root, "must_understand", json_new_int(0), e) < 0 ||
	    json_set(root, "reports", json_new_int((int64_t)m->n_reports), e) < 0 ||
	    json_set(root, "floor_utc_ms", json_new_int(m->floor_utc_ms), e) < 0 ||
	    (m->deployment.id[0] != '\0' &&
	     write_deployment(root, &m->deployment, e) < 0) ||
	    write_failed(root, m, e) < 0 ||
	    (m->delta.id[0] != '\0' && write_delta(root, &m->delta, e) < 0) ||
	    json_write(root, &text, e) < 0 ||
	    files->put(files->ctx, MEMORY_FILE, text.data, text.len, e) < 0)
		return err_wrap(e, "store %s", MEMORY_FILE);
	return 0;
}
