/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_verify.h"

#include "../common/base/file.h"
#include "../common/base/text.h"
#include "api.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TILE 256u
#define BUNDLE_MAX (TILE * (2u + 65535u))
#define KEPT_MAX (16u << 20)
#define DASH "\xe2\x80\x94 "

/* A checkpoint that somebody kept. */
struct kept {
	struct checkpoint c;
	const char *file; /* whence */
};

struct audit {
	struct api api;
	struct audit_verdict *verdict;
	struct kept *kept; /* by size */
	size_t n_kept;
	size_t next_kept;
	uint64_t agreed; /* so many entries are those of a kept checkpoint */
	struct merkle_frontier tree;
};

static void audit_fini(struct audit *a)
{
	api_fini(&a->api);
	free(a->kept);
}

/* ---- what the auditor has ---- */

static int keep_one(struct audit *a, const char *note, size_t len, const char *file,
		    struct err *e)
{
	size_t name = strlen(a->verdict->key.name);
	struct kept *more;

	/* one file may have the checkpoints of several tenants */
	if (len <= name || memcmp(note, a->verdict->key.name, name) != 0 ||
	    note[name] != '\n')
		return 0;
	more = reallocarray(a->kept, a->n_kept + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	a->kept = more;
	more[a->n_kept].file = file;
	if (checkpoint_open(note, len, &a->verdict->key, &more[a->n_kept].c, e) < 0)
		return -1;
	a->n_kept++;
	return 0;
}

/* The end of the note that begins at `at`: behind its signatures. */
static const char *end_of_note(const char *at)
{
	const char *blank = strstr(at, "\n\n");

	if (blank == NULL)
		return at + strlen(at);
	at = blank + 2;
	while (strncmp(at, DASH, sizeof(DASH) - 1) == 0) {
		const char *newline = strchr(at, '\n');

		at = newline == NULL ? at + strlen(at) : newline + 1;
	}
	return at;
}

static int read_kept(struct audit *a, const char *file, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(KEPT_MAX);
	const char *at, *end;

	if (file_read(file, &text, e) < 0)
		return err_wrap(e, "%s", file);
	for (at = buf_str(&text); *at != '\0'; at = end) {
		if (*at == '\n') {
			end = at + 1;
			continue;
		}
		end = end_of_note(at);
		if (keep_one(a, at, (size_t)(end - at), file, e) < 0)
			return err_wrap(e, "%s", file);
		if (end == at)
			break;
	}
	return 0;
}

static int by_size(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	return a->c.size < b->c.size ? -1 : a->c.size > b->c.size;
}

static int read_all_kept(struct audit *a, const struct ota *o, struct err *e)
{
	for (size_t i = 0; i < o->checkpoints.n_items; i++) {
		if (read_kept(a, o->checkpoints.items[i], e) < 0)
			return -1;
	}
	if (o->keep_file != NULL && file_exists(o->keep_file) &&
	    read_kept(a, o->keep_file, e) < 0)
		return -1;
	if (a->n_kept > 0)
		qsort(a->kept, a->n_kept, sizeof(*a->kept), by_size);
	return 0;
}

/* ---- what the server has ---- */

static int find_key(struct audit *a, const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *answer = NULL;
	const char *text = o->audit_key;

	if (text == NULL &&
	    (api_call(&a->api, "GET", "/api/v1/audit/key", NULL, &answer, e) < 0 ||
	     json_get_text(answer, "key", &text, e) < 0))
		return -1;
	if (note_vkey_parse(text, &a->verdict->key, e) < 0)
		return -1;
	return text_copy(a->verdict->vkey, sizeof(a->verdict->vkey), text, "key", e);
}

/* A server that refuses to sign says that its own log does not fit what it signed. */
static int fetch_checkpoint(struct audit *a, struct buf *note, struct err *e)
{
	int there = api_fetch(&a->api, "/api/v1/audit/checkpoint", note, e);

	if (there < 0) {
		if (e->code == ERR_CONFLICT)
			e->code = ERR_UNTRUSTED;
		return -1;
	}
	if (there == 0)
		return err_set(e, ERR_UNSUPPORTED, "this server has no audit log");
	return checkpoint_open(buf_str(note), note->len, &a->verdict->key,
			       &a->verdict->now, e);
}

/* "PREFIX/x001/067.p/3" */
static int tile_path(struct buf *ret, const char *prefix, uint64_t index,
		     uint64_t width, struct err *e)
{
	if (buf_printf(ret, e, "/api/v1/audit/tile/%s/", prefix) < 0)
		return -1;
	if (index >= 1000000 &&
	    buf_printf(ret, e, "x%03u/", (unsigned)(index / 1000000 % 1000)) < 0)
		return -1;
	if (index >= 1000 &&
	    buf_printf(ret, e, "x%03u/", (unsigned)(index / 1000 % 1000)) < 0)
		return -1;
	if (buf_printf(ret, e, "%03u", (unsigned)(index % 1000)) < 0)
		return -1;
	return width == TILE ? 0 : buf_printf(ret, e, ".p/%u", (unsigned)width);
}

static int fetch_tile(struct audit *a, const char *prefix, uint64_t index,
		      uint64_t width, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(256);
	int there;

	if (tile_path(&path, prefix, index, width, e) < 0)
		return -1;
	there = api_fetch(&a->api, buf_str(&path), ret, e);
	if (there == 0)
		return err_set(e, ERR_UNTRUSTED,
			       "entries are missing among %llu to %llu",
			       (unsigned long long)(index * TILE),
			       (unsigned long long)(index * TILE + width - 1));
	return there < 0 ? -1 : 0;
}

/* ---- building the tree anew ---- */

/* All kept checkpoints over as many entries as there are now. */
static int compare_kept(struct audit *a, struct err *e)
{
	uint8_t root[SHA256_LEN];

	if (merkle_root(&a->tree, root, e) < 0)
		return -1;
	for (; a->next_kept < a->n_kept && a->kept[a->next_kept].c.size == a->tree.size;
	     a->next_kept++) {
		const struct kept *k = &a->kept[a->next_kept];

		if (memcmp(k->c.root, root, SHA256_LEN) != 0)
			return err_set(e, ERR_UNTRUSTED,
				       "the log was rewritten: it is another one than "
				       "the checkpoint over %llu entries in %s; it "
				       "begins to differ between entry %llu and %llu",
				       (unsigned long long)k->c.size, k->file,
				       (unsigned long long)a->agreed,
				       (unsigned long long)k->c.size - 1);
		a->agreed = k->c.size;
	}
	return 0;
}

static int add_entry(struct audit *a, const uint8_t *entry, size_t len,
		     const uint8_t told[SHA256_LEN], struct err *e)
{
	uint8_t leaf[SHA256_LEN];

	if (merkle_leaf(entry, len, leaf, e) < 0)
		return -1;
	if (memcmp(leaf, told, SHA256_LEN) != 0)
		return err_set(e, ERR_UNTRUSTED, "entry %llu was altered",
			       (unsigned long long)a->tree.size);
	if (merkle_append(&a->tree, leaf, NULL, NULL, e) < 0)
		return -1;
	return compare_kept(a, e);
}

static int add_bundle(struct audit *a, const struct buf *bundle,
		      const struct buf *hashes, uint64_t width, struct err *e)
{
	size_t at = 0;

	if (hashes->len != width * SHA256_LEN)
		return err_set(e, ERR_FORMAT, "a tile of %zu bytes", hashes->len);
	for (uint64_t i = 0; i < width; i++) {
		size_t len;

		if (bundle->len - at < 2)
			return err_set(e, ERR_FORMAT, "a bundle of entries is cut");
		len = (size_t)bundle->data[at] << 8 | bundle->data[at + 1];
		at += 2;
		if (bundle->len - at < len)
			return err_set(e, ERR_FORMAT, "a bundle of entries is cut");
		if (add_entry(a, bundle->data + at, len, hashes->data + i * SHA256_LEN,
			      e) < 0)
			return -1;
		at += len;
	}
	return at == bundle->len
		   ? 0
		   : err_set(e, ERR_FORMAT, "a bundle has bytes behind its entries");
}

static int build(struct audit *a, struct err *e)
{
	uint64_t size = a->verdict->now.size;

	if (compare_kept(a, e) < 0)
		return -1;
	while (a->tree.size < size) {
		AUTO(buf) struct buf bundle = BUF_INIT(BUNDLE_MAX);
		AUTO(buf) struct buf hashes = BUF_INIT(TILE * SHA256_LEN);
		uint64_t index = a->tree.size / TILE;
		uint64_t left = size - a->tree.size, width = left < TILE ? left : TILE;

		if (fetch_tile(a, "entries", index, width, &bundle, e) < 0 ||
		    fetch_tile(a, "0", index, width, &hashes, e) < 0 ||
		    add_bundle(a, &bundle, &hashes, width, e) < 0)
			return -1;
	}
	return 0;
}

static int check_end(struct audit *a, struct err *e)
{
	uint8_t root[SHA256_LEN];

	if (a->next_kept < a->n_kept)
		return err_set(
		    e, ERR_ROLLBACK,
		    "the log was cut: it has %llu entries where %s has a checkpoint "
		    "over %llu",
		    (unsigned long long)a->tree.size, a->kept[a->next_kept].file,
		    (unsigned long long)a->kept[a->next_kept].c.size);
	if (merkle_root(&a->tree, root, e) < 0)
		return -1;
	if (memcmp(root, a->verdict->now.root, SHA256_LEN) != 0)
		return err_set(e, ERR_UNTRUSTED,
			       "the entries do not lead to the root that was signed; "
			       "they begin to differ at entry %llu or later",
			       (unsigned long long)a->agreed);
	a->verdict->n_earlier = a->n_kept;
	return 0;
}

static int append_note(const char *path, const struct buf *note, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fd_write_full(fd, note->data, note->len, e) < 0 ||
	    fd_write_full(fd, "\n", 1, e) < 0)
		return err_wrap(e, "%s", path);
	return fsync(fd) < 0 ? err_sys(e, "flush %s", path) : 0;
}

int audit_judge(const struct ota *o, struct audit_verdict *ret, struct err *e)
{
	AUTO(audit) struct audit a = {.verdict = ret};
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);

	*ret = (struct audit_verdict){.n_earlier = 0};
	if (api_init(&a.api, o, true, e) < 0 || find_key(&a, o, e) < 0 ||
	    read_all_kept(&a, o, e) < 0)
		return -1;
	if (fetch_checkpoint(&a, &note, e) < 0 || build(&a, e) < 0 ||
	    check_end(&a, e) < 0)
		return err_wrap(e, "audit log");
	return o->keep_file == NULL ? 0 : append_note(o->keep_file, &note, e);
}
