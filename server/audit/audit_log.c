/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_log.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/keyfile.h"
#include "../../common/net/net.h"
#include "tree.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUSH_TIMEOUT_MS 20000
#define KEY_ROLE "audit"

struct audit_log {
	struct audit_config c;
	struct privkey *key;
	uint8_t public_key[ED25519_PUBLIC_LEN];
	pthread_mutex_t lock; /* one checkpoint at a time */
};

/* ---- names ---- */

static int key_of(const struct audit_log *l, const char *tenant, struct note_key *ret,
		  struct err *e)
{
	memcpy(ret->public_key, l->public_key, sizeof(ret->public_key));
	return text_format(ret->name, sizeof(ret->name), e, "ota-audit/%s", tenant);
}

int audit_log_vkey(const struct audit_log *l, const char *tenant,
		   char ret[NOTE_VKEY_MAX_LEN + 1], struct err *e)
{
	struct note_key k;

	return key_of(l, tenant, &k, e) < 0 ? -1 : note_vkey_write(&k, ret, e);
}

static int path_of(const struct audit_log *l, const char *tenant, char ret[PATH_MAX],
		   struct err *e)
{
	return text_format(ret, PATH_MAX, e, "%s/audit/%s.checkpoint", l->c.dir,
			   tenant);
}

/* ---- the last one ---- */

/* *ret_there false: none was signed yet. The note itself goes to ret_note. */
static int read_last(const struct audit_log *l, const char *tenant, bool *ret_there,
		     struct checkpoint *ret, struct buf *ret_note, struct err *e)
{
	struct note_key k;
	char path[PATH_MAX];

	*ret_there = false;
	if (path_of(l, tenant, path, e) < 0 || key_of(l, tenant, &k, e) < 0)
		return -1;
	if (!file_exists(path))
		return 0;
	if (file_read(path, ret_note, e) < 0 ||
	    checkpoint_open(buf_str(ret_note), ret_note->len, &k, ret, e) < 0)
		return err_wrap(e, "%s", path);
	*ret_there = true;
	return 0;
}

uint64_t audit_log_targets(struct audit_log *l, const char *tenant)
{
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	struct checkpoint c = {.size = 0};
	struct err ignored = ERR_INIT;
	bool there;

	if (read_last(l, tenant, &there, &c, &note, &ignored) < 0 || !there)
		return 0;
	return c.targets;
}

/* ---- looking ---- */

/* Entries [from, to) against their stored leaf hashes; f (or NULL) is carried on. */
static int check_entries(const struct audit_tree *t, uint64_t from, uint64_t to,
			 struct merkle_frontier *f, struct err *e)
{
	uint8_t leaf[SHA256_LEN];

	while (from < to) {
		AUTO_PTR(store_call)
		struct store_call *c = audit_tree_entries(t, from, to - from, e);
		const struct audit_entry *v = c == NULL ? NULL : c->items;

		if (c == NULL)
			return -1;
		if (c->n_items == 0)
			return err_set(e, ERR_UNTRUSTED, "entry %llu is missing",
				       (unsigned long long)from);
		for (size_t i = 0; i < c->n_items; i++, from++) {
			if (v[i].index != from)
				return err_set(e, ERR_UNTRUSTED,
					       "entry %llu is missing",
					       (unsigned long long)from);
			if (merkle_leaf(v[i].text, v[i].len, leaf, e) < 0)
				return -1;
			if (memcmp(leaf, v[i].leaf, SHA256_LEN) != 0)
				return err_set(e, ERR_UNTRUSTED,
					       "entry %llu was altered",
					       (unsigned long long)from);
			if (f != NULL && merkle_append(f, leaf, NULL, NULL, e) < 0)
				return -1;
		}
	}
	return 0;
}

static int root_differs(struct err *e, const char *what, uint64_t size)
{
	return err_set(e, ERR_UNTRUSTED,
		       "what is stored does not lead to %s over %llu entries", what,
		       (unsigned long long)size);
}

static int check_root(struct audit_tree *t, uint64_t size,
		      const uint8_t want[SHA256_LEN], const char *what, struct err *e)
{
	uint8_t root[SHA256_LEN];

	if (merkle_root_at(audit_tree_read, t, size, root, e) < 0) {
		if (e != NULL && e->code == ERR_NOT_FOUND)
			e->code = ERR_UNTRUSTED;
		return -1;
	}
	return memcmp(root, want, SHA256_LEN) == 0 ? 0 : root_differs(e, what, size);
}

/* Does what is there continue the last checkpoint? */
static int check_continues(struct audit_tree *t, const struct audit_head *head,
			   const struct checkpoint *last, struct err *e)
{
	if (head->size < last->size)
		return err_set(
		    e, ERR_ROLLBACK,
		    "the log has %llu entries and a checkpoint over %llu was "
		    "signed",
		    (unsigned long long)head->size, (unsigned long long)last->size);
	if (check_root(t, last->size, last->root, "the last checkpoint", e) < 0 ||
	    check_entries(t, last->size, head->size, NULL, e) < 0)
		return -1;
	return check_root(t, head->size, head->root, "its head", e);
}

/* ---- signing ---- */

static int find_targets(struct store *s, const char *tenant, uint64_t *ret,
			struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_METADATA_GET, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	memcpy(c->tenant, tenant, strlen(tenant) + 1);
	c->in.metadata.role = ROLE_TARGETS;
	if (store_wait(s, c, e) < 0) {
		if (c->err.code != ERR_NOT_FOUND)
			return -1;
		err_clear(e);
		*ret = 0;
		return 0;
	}
	*ret = c->out.metadata_version;
	return 0;
}

static int keep(const struct audit_log *l, const char *tenant, const struct buf *note,
		struct err *e)
{
	char path[PATH_MAX];

	if (path_of(l, tenant, path, e) < 0)
		return -1;
	return file_replace(path, note->data, note->len, 0600, e);
}

static int sign_head(struct audit_log *l, const char *tenant,
		     const struct audit_head *head, struct buf *ret, struct err *e)
{
	struct checkpoint c = {.size = head->size};
	struct note_key k;

	memcpy(c.root, head->root, SHA256_LEN);
	if (key_of(l, tenant, &k, e) < 0 ||
	    find_targets(l->c.store, tenant, &c.targets, e) < 0)
		return -1;
	memcpy(c.origin, k.name, sizeof(c.origin));
	buf_clear(ret);
	if (checkpoint_sign(&c, l->key, ret, e) < 0)
		return -1;
	return keep(l, tenant, ret, e);
}

/* ---- handing out ---- */

static int append_file(const char *path, const struct buf *note, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fd_write_full(fd, note->data, note->len, e) < 0 ||
	    fd_write_full(fd, "\n", 1, e) < 0)
		return err_wrap(e, "%s", path);
	return fsync(fd) < 0 ? err_sys(e, "flush %s", path) : 0;
}

static int post(const struct audit_log *l, const struct buf *note, struct err *e)
{
	static const char *const headers[] = {"Content-Type: text/plain", NULL};
	const struct net_config config = {.ca_file = l->c.ca_file,
					  .user_agent = "ota-server/" OTA_VERSION,
					  .connect_timeout_ms = PUSH_TIMEOUT_MS};
	const struct net_request r = {.method = "POST",
				      .url = l->c.push_url,
				      .headers = headers,
				      .body = note->data,
				      .body_len = note->len,
				      .range_start = -1,
				      .range_end = -1,
				      .timeout_ms = PUSH_TIMEOUT_MS};
	AUTO(buf) struct buf answer = BUF_INIT(64u * 1024);
	struct net_head head;

	if (net_call_sync(&config, &r, &head, &answer, e) < 0)
		return err_wrap(e, "%s", l->c.push_url);
	return head.status / 100 == 2 ? 0
				      : err_set(e, ERR_UNREACHABLE, "%s answers %d",
						l->c.push_url, head.status);
}

/* A checkpoint that did not arrive is made up for by the next one, which covers it. */
static void push(const struct audit_log *l, const struct buf *note)
{
	struct err e = ERR_INIT;

	if (l->c.push_file != NULL && append_file(l->c.push_file, note, &e) < 0)
		log_failure(l->c.log, LOG_ERROR, "audit",
			    "a checkpoint was not written", &e);
	e = ERR_INIT;
	if (l->c.push_url != NULL && post(l, note, &e) < 0)
		log_failure(l->c.log, LOG_ERROR, "audit", "a checkpoint was not pushed",
			    &e);
}

/* *ret_new: it was signed just now. */
static int make_checkpoint(struct audit_log *l, struct audit_tree *t, struct buf *note,
			   bool *ret_new, struct err *e)
{
	struct checkpoint last = {.size = 0};
	struct audit_head head;
	bool there;

	*ret_new = false;
	if (audit_tree_head(t, &head, e) < 0 ||
	    read_last(l, t->tenant, &there, &last, note, e) < 0)
		return -1;
	if (!there && check_entries(t, 0, head.size, NULL, e) < 0)
		return -1;
	if (there && check_continues(t, &head, &last, e) < 0)
		return -1;
	if (there && head.size == last.size)
		return 0;
	*ret_new = true;
	return sign_head(l, t->tenant, &head, note, e);
}

static int tree_of(struct audit_log *l, const char *tenant, struct audit_tree *ret,
		   struct err *e)
{
	*ret = (struct audit_tree){.store = l->c.store};
	return text_copy(ret->tenant, sizeof(ret->tenant), tenant, "tenant", e);
}

int audit_log_checkpoint(struct audit_log *l, const char *tenant, struct buf *ret,
			 struct err *e)
{
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	struct audit_tree t;
	bool is_new;
	int rc;

	if (tree_of(l, tenant, &t, e) < 0)
		return -1;
	pthread_mutex_lock(&l->lock);
	rc = make_checkpoint(l, &t, &note, &is_new, e);
	pthread_mutex_unlock(&l->lock);
	if (rc < 0)
		return err_wrap(e, "audit log of %s", tenant);
	if (is_new)
		push(l, &note);
	return buf_add(ret, note.data, note.len, e);
}

int audit_log_check(struct audit_log *l, const char *tenant, uint64_t *ret_n,
		    struct err *e)
{
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	struct checkpoint last = {.size = 0};
	struct merkle_frontier f = {0};
	struct audit_head head;
	struct audit_tree t;
	uint8_t root[SHA256_LEN];
	bool there;

	*ret_n = 0;
	if (tree_of(l, tenant, &t, e) < 0 || audit_tree_head(&t, &head, e) < 0 ||
	    read_last(l, tenant, &there, &last, &note, e) < 0 ||
	    check_entries(&t, 0, head.size, &f, e) < 0 || merkle_root(&f, root, e) < 0)
		return -1;
	if (memcmp(root, head.root, SHA256_LEN) != 0)
		return root_differs(e, "its head", head.size);
	if (there && check_continues(&t, &head, &last, e) < 0)
		return -1;
	*ret_n = head.size;
	return 0;
}

/* ---- going on after a restore ---- */

static int note_acceptance(struct audit_log *l, const char *tenant,
			   const struct checkpoint *last, const char *reason,
			   struct err *e)
{
	static const struct audit_actor by = {.kind = AUDIT_COMMAND};
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_AUDIT_NOTE, NULL, NULL, NULL, e);
	char hex[2 * SHA256_LEN + 1], text[DETAIL_MAX_LEN + 1];

	if (c == NULL)
		return -1;
	memcpy(c->tenant, tenant, strlen(tenant) + 1);
	hex_encode(last->root, SHA256_LEN, hex);
	(void)snprintf(text, sizeof(text),
		       "signed before: %llu entries, root %s; %.300s",
		       (unsigned long long)last->size, hex, reason);
	store_call_audit(c, &by, "audit.accept", "tenant", tenant, text);
	return store_wait(l->c.store, c, e);
}

int audit_log_accept(struct audit_log *l, const char *tenant, const char *reason,
		     struct err *e)
{
	AUTO(buf) struct buf note = BUF_INIT(NOTE_MAX_BYTES);
	struct checkpoint last = {.size = 0};
	char path[PATH_MAX];
	bool there;

	if (read_last(l, tenant, &there, &last, &note, e) < 0 ||
	    note_acceptance(l, tenant, &last, reason, e) < 0 ||
	    path_of(l, tenant, path, e) < 0)
		return -1;
	if (there && unlink(path) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

/* ---- life ---- */

static int open_key(struct audit_log *l, struct err *e)
{
	AUTO_PTR(pubkey) struct pubkey *public_key = NULL;
	struct keyfile_info info;
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), e, "%s/audit.key", l->c.dir) < 0)
		return -1;
	if (file_exists(path)) {
		l->key = keyfile_read(path, "", l->c.demo, &info, e);
	} else {
		l->key = privkey_generate(KEY_ED25519, e);
		if (l->key != NULL &&
		    keyfile_write(path, l->key, KEY_ROLE, l->c.demo, "", e) < 0)
			return -1;
	}
	public_key = l->key == NULL ? NULL : privkey_public(l->key, e);
	if (public_key == NULL)
		return err_wrap(e, "%s", path);
	return pubkey_to_ed25519(public_key, l->public_key, e);
}

struct audit_log *audit_log_new(const struct audit_config *c, struct err *e)
{
	struct audit_log *l = calloc(1, sizeof(*l));
	char path[PATH_MAX];

	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		(void)err_nomem(e);
		return NULL;
	}
	l->c = *c;
	if (text_format(path, sizeof(path), e, "%s/audit", c->dir) < 0 ||
	    dir_make(path, 0700, e) < 0 || open_key(l, e) < 0) {
		audit_log_free(l);
		return NULL;
	}
	return l;
}

void audit_log_free(struct audit_log *l)
{
	if (l == NULL)
		return;
	privkey_free(l->key);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
