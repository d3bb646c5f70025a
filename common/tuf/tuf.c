/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TUF client workflow (section 5 of the specification) as a state machine without
 * I/O.
 *
 *	refresh    ROOT:      <n+1>.root.json ---given---> ROOT
 *	                                      --missing--> TIMESTAMP
 *	           TIMESTAMP: timestamp.json ------------> SNAPSHOT
 *	           SNAPSHOT:  <v>.snapshot.json ---------> TARGETS
 *	           TARGETS:   <v>.targets.json ----------> DONE
 *	seek       DONE --> DELEGATED: <v>.<role>.json ..> DONE
 *
 * SNAPSHOT and TARGETS are skipped if the store has the file; a seek goes through the
 * roles that match, in pre-order. An error in a refresh leads to FAILED, which only
 * another refresh leaves; in a seek, to DONE.
 *
 * What is checked, and the attack that each check stops:
 *
 *	size of each file and number of roots bounded	endless data
 *	root n+1 signed by a threshold of old and	a stranger's root
 *	new keys
 *	root version exactly n+1, stored at each step	rollback; interruption
 *	expiry of the final root only			freeze; a device that slept
 *							for years
 *	timestamp or snapshot key withdrawn: both	fast-forward
 *	forgotten
 *	timestamp: threshold, not older, equal stops	rollback
 *	quietly
 *	timestamp's snapshot version not lower		rollback
 *	timestamp, snapshot, targets unexpired		freeze
 *	snapshot: length, hash, version as the		mix-and-match
 *	timestamp says
 *	each file listed before still listed, not	rollback
 *	older
 *	targets: length, hash, version as the		mix-and-match
 *	snapshot says
 *	delegated role: threshold of *this		a key that speaks out of turn
 *	delegator's* keys
 *	pre-order, each role once, at most 32,		endless delegation; hijacked
 *	terminating					names
 *	each key counted once, by material;		one thief under many names
 *	threshold >= 1
 *	release/ and delta/ only from those who may	stolen online keys
 *	length and hash of a target			altered content
 *
 * After a crash the store holds some prefix of these steps, each complete and verified:
 * the next refresh goes on from there. The store is never ahead of what was verified.
 *
 * Who may list what, whatever the delegations say: the online role is `delta`, with all
 * it delegates to; it lists delta/ and nothing else, and nobody else does. release/ is
 * listed by the top-level targets role, or by a delegated role named after the product,
 * and then only release/<that role's name>/.
 */
#include "tuf.h"

#include "../base/text.h"
#include "trusted.h"

#include <string.h>

#define ONLINE_ROLE "delta"
#define RELEASE_PREFIX "release/"
#define DELTA_PREFIX "delta/"

enum state { DONE, FAILED, ROOT, TIMESTAMP, SNAPSHOT, TARGETS, DELEGATED, N_STATES };

/* A delegated role that is still to be looked at. */
struct pending {
	const struct tuf_delegation *d; /* into loaded targets */
	bool online;			/* it is, or descends from, the online role */
};

struct tuf_client {
	struct tuf_trusted trusted;
	enum state state;
	bool refreshed;
	unsigned n_roots; /* taken in this refresh */

	/* of a seek */
	char name[TUF_PATH_MAX_LEN + 1];
	struct tuf_targets *loaded[TUF_MAX_DELEGATIONS]; /* keeps names alive */
	const char *visited[TUF_MAX_DELEGATIONS];
	size_t n_visited, n_loaded;
	struct pending *stack; /* the next one is the last */
	size_t n_stack, stack_room;
	bool found;
	struct tuf_target target;
};

/* ------------------------------------------------------------------ life */

static void seek_clear(struct tuf_client *c)
{
	for (size_t i = 0; i < c->n_loaded; i++)
		tuf_targets_free(c->loaded[i]);
	c->n_loaded = c->n_visited = c->n_stack = 0;
	c->found = false;
}

struct tuf_client *tuf_client_new(const struct tuf_store *store,
				  const struct tuf_policy *p, struct err *e)
{
	AUTO_PTR(tuf_client) struct tuf_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	c->trusted.store = *store;
	c->trusted.policy = *p;
	if (tuf_trusted_load(&c->trusted, e) != 0)
		return NULL;
	return TAKE(c);
}

void tuf_client_free(struct tuf_client *c)
{
	if (c == NULL)
		return;
	seek_clear(c);
	free(c->stack);
	tuf_trusted_fini(&c->trusted);
	free(c);
}

static int init_over(const struct buf *have, const struct tuf_root *root,
		     const void *data, size_t len, struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *old = NULL;

	old = tuf_root_verify_self(have->data, have->len, e);
	if (old == NULL)
		return err_wrap(e, "trusted root.json");
	if (old->common.version == root->common.version &&
	    (have->len != len || memcmp(have->data, data, len) != 0))
		return err_set(e, ERR_CONFLICT,
			       "another root of version %llu is trusted already",
			       (unsigned long long)old->common.version);
	return 0;
}

int tuf_init(const struct tuf_store *store, const void *root, size_t len, struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *parsed = tuf_root_verify_self(root, len, e);
	AUTO(buf) struct buf have = BUF_INIT(TUF_ROOT_MAX_BYTES);
	struct err why = ERR_INIT;

	if (parsed == NULL)
		return -1;
	if (store->get(store->ctx, "root.json", &have, &why) == 0)
		return init_over(&have, parsed, root, len, e);
	if (why.code != ERR_NOT_FOUND) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	return store->put(store->ctx, "root.json", root, len, e);
}

int tuf_forget_damaged_root(const struct tuf_store *store, bool *ret_forgotten,
			    struct err *e)
{
	AUTO_PTR(tuf_root) struct tuf_root *sound = NULL;
	AUTO(buf) struct buf have = BUF_INIT(TUF_ROOT_MAX_BYTES);
	struct err why = ERR_INIT;

	*ret_forgotten = false;
	if (store->get(store->ctx, "root.json", &have, &why) < 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		/* More bytes than any root has are damage, silence of the medium is not. */
		if (why.code != ERR_LIMIT)
			return err_set(e, why.code, "%s", why.text);
	}
	if (why.code == ERR_NONE)
		sound = tuf_root_verify_self(have.data, have.len, &why);
	if (sound != NULL || why.code == ERR_NO_MEMORY)
		return sound != NULL ? 0 : err_nomem(e);
	*ret_forgotten = true;
	return store->del(store->ctx, "root.json", e);
}

/* ------------------------------------------------------------------ refresh */

int tuf_client_refresh(struct tuf_client *c, struct err *e)
{
	if (c->state != DONE && c->state != FAILED)
		return err_set(e, ERR_USAGE, "a refresh is under way");
	seek_clear(c);
	c->refreshed = false;
	c->n_roots = 0;
	c->state = ROOT;
	return 0;
}

/* Passes over what the store has already. */
static int after_snapshot(struct tuf_client *c, struct err *e)
{
	(void)e;
	c->refreshed = tuf_trusted_has_targets(&c->trusted);
	c->state = c->refreshed ? DONE : TARGETS;
	return 0;
}

static int after_timestamp(struct tuf_client *c, struct err *e)
{
	if (tuf_trusted_has_snapshot(&c->trusted))
		return after_snapshot(c, e);
	c->state = SNAPSHOT;
	return 0;
}

static int give_root(struct tuf_client *c, const void *data, size_t len, struct err *e)
{
	if (c->n_roots >= TUF_MAX_ROOTS)
		return err_set(e, ERR_LIMIT, "root: more than %d new versions",
			       TUF_MAX_ROOTS);
	c->n_roots++;
	return tuf_trusted_give_root(&c->trusted, data, len, e);
}

static int give_timestamp(struct tuf_client *c, const void *data, size_t len,
			  struct err *e)
{
	if (tuf_trusted_give_timestamp(&c->trusted, data, len, e) != 0)
		return -1;
	return after_timestamp(c, e);
}

static int give_snapshot(struct tuf_client *c, const void *data, size_t len,
			 struct err *e)
{
	if (tuf_trusted_give_snapshot(&c->trusted, data, len, e) != 0)
		return -1;
	return after_snapshot(c, e);
}

static int give_targets(struct tuf_client *c, const void *data, size_t len,
			struct err *e)
{
	if (tuf_trusted_give_targets(&c->trusted, data, len, e) != 0)
		return -1;
	c->refreshed = true;
	c->state = DONE;
	return 0;
}

/* ------------------------------------------------------------------ names */

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* May a role that is online or not list, or lead to, this name at all? */
static bool name_is_for(const struct tuf_client *c, bool online)
{
	if (c->trusted.policy.any_names)
		return true;
	return begins_with(c->name, online ? DELTA_PREFIX : RELEASE_PREFIX);
}

/* May this delegated role itself list the name? */
static bool role_may_list(const struct tuf_client *c, const struct pending *p)
{
	const char *product = c->name + strlen(RELEASE_PREFIX);
	size_t len = strlen(p->d->name);

	if (c->trusted.policy.any_names)
		return true;
	if (p->online)
		return begins_with(c->name, DELTA_PREFIX);
	return begins_with(c->name, RELEASE_PREFIX) &&
	       strncmp(product, p->d->name, len) == 0 && product[len] == '/';
}

/* ------------------------------------------------------------------ seek */

static int make_target(const struct tuf_client *c, const struct tuf_target_line *line,
		       struct tuf_target *ret, struct err *e)
{
	const char *slash = strrchr(line->name, '/');
	const char *base = slash == NULL ? line->name : slash + 1;
	char hex[2 * SHA256_LEN + 1];

	*ret = (struct tuf_target){.length = line->length};
	memcpy(ret->sha256, line->sha256, SHA256_LEN);
	if (text_copy(ret->name, sizeof(ret->name), line->name, "target", e) != 0)
		return -1;
	if (!c->trusted.root->consistent_snapshot)
		return text_copy(ret->path, sizeof(ret->path), line->name, "target", e);
	hex_encode(line->sha256, SHA256_LEN, hex);
	return text_format(ret->path, sizeof(ret->path), e, "%.*s%s.%s",
			   (int)(base - line->name), line->name, hex, base);
}

static bool was_visited(const struct tuf_client *c, const char *role)
{
	for (size_t i = 0; i < c->n_visited; i++) {
		if (strcmp(c->visited[i], role) == 0)
			return true;
	}
	return false;
}

static int stack_push(struct tuf_client *c, struct pending p, struct err *e)
{
	if (c->n_stack == c->stack_room) {
		size_t room = c->stack_room == 0 ? 16 : 2 * c->stack_room;
		struct pending *stack = reallocarray(c->stack, room, sizeof(*stack));

		if (stack == NULL)
			return err_nomem(e);
		c->stack = stack;
		c->stack_room = room;
	}
	c->stack[c->n_stack++] = p;
	return 0;
}

/* Puts the roles that targets delegates this name to before all that wait, in their
 * order; a terminating one makes what comes after it, and what waits, irrelevant. */
static int push_children(struct tuf_client *c, const struct tuf_targets *targets,
			 bool online, struct err *e)
{
	size_t last = 0, first_new;

	for (; last < targets->n_delegations; last++) {
		const struct tuf_delegation *d = &targets->delegations[last];

		if (d->terminating && tuf_delegation_matches(d, c->name)) {
			c->n_stack = 0;
			last++;
			break;
		}
	}
	first_new = c->n_stack;
	for (size_t i = last; i-- > 0;) {
		const struct tuf_delegation *d = &targets->delegations[i];
		struct pending p = {d, online || strcmp(d->name, ONLINE_ROLE) == 0};

		if (!tuf_delegation_matches(d, c->name) || !name_is_for(c, p.online))
			continue;
		/* Each role is visited once: more than that many cannot matter. */
		if (c->n_stack - first_new >= TUF_MAX_ROLES)
			return err_set(e, ERR_LIMIT, "too many delegations");
		if (stack_push(c, p, e) != 0)
			return -1;
	}
	return 0;
}

static int visit(struct tuf_client *c, const struct tuf_targets *targets, bool may_list,
		 bool online, struct err *e)
{
	const struct tuf_target_line *line = tuf_targets_find(targets, c->name);

	if (line != NULL && may_list) {
		c->found = true;
		c->n_stack = 0;
		return make_target(c, line, &c->target, e);
	}
	return push_children(c, targets, online, e);
}

/* Takes the role on top of the stack as visited, with its metadata. */
static int visit_top(struct tuf_client *c, struct tuf_targets *targets, struct err *e)
{
	struct pending p = c->stack[--c->n_stack];

	c->loaded[c->n_loaded++] = targets;
	c->visited[c->n_visited++] = p.d->name;
	return visit(c, targets, role_may_list(c, &p), p.online, e);
}

/* Goes on until a role's metadata has to be fetched, or nothing is left to look at. */
static int seek_on(struct tuf_client *c, struct err *e)
{
	while (c->n_stack > 0) {
		const struct pending *p = &c->stack[c->n_stack - 1];
		struct tuf_targets *stored;

		if (was_visited(c, p->d->name)) {
			c->n_stack--;
			continue;
		}
		if (c->n_visited == TUF_MAX_DELEGATIONS)
			return err_set(e, ERR_LIMIT, "more than %d delegated roles",
				       TUF_MAX_DELEGATIONS);
		if (tuf_trusted_delegated_file(&c->trusted, p->d->name, e) == NULL)
			return -1;
		stored = tuf_trusted_delegated_stored(&c->trusted, p->d);
		if (stored == NULL) {
			c->state = DELEGATED;
			return 0;
		}
		if (visit_top(c, stored, e) != 0)
			return -1;
	}
	c->state = DONE;
	return 0;
}

static int give_delegated(struct tuf_client *c, const void *data, size_t len,
			  struct err *e)
{
	const struct pending *p = &c->stack[c->n_stack - 1];
	struct tuf_targets *t;

	t = tuf_trusted_delegated_give(&c->trusted, p->d, data, len, e);
	if (t == NULL || visit_top(c, t, e) != 0)
		return -1;
	return seek_on(c, e);
}

int tuf_client_seek(struct tuf_client *c, const char *name, struct err *e)
{
	if (c->state != DONE || !c->refreshed)
		return err_set(e, ERR_USAGE, "no refresh has succeeded");
	seek_clear(c);
	if (text_copy(c->name, sizeof(c->name), name, "target name", e) != 0)
		return -1;
	if (!name_is_for(c, false) && !name_is_for(c, true))
		return err_set(e, ERR_UNTRUSTED,
			       "target \"%s\": neither " RELEASE_PREFIX
			       " nor " DELTA_PREFIX,
			       name);
	if (visit(c, c->trusted.targets, name_is_for(c, false), false, e) != 0 ||
	    seek_on(c, e) != 0) {
		seek_clear(c);
		return err_wrap(e, "target \"%s\"", name);
	}
	return 0;
}

int tuf_client_found(const struct tuf_client *c, struct tuf_target *ret, struct err *e)
{
	if (c->state != DONE)
		return err_set(e, ERR_USAGE, "the search is not finished");
	if (!c->found)
		return err_set(e, ERR_NOT_FOUND, "target \"%s\": no role lists it",
			       c->name);
	*ret = c->target;
	return 0;
}

/* ------------------------------------------------------------------ the driver's side
 */

static const struct {
	int (*give)(struct tuf_client *c, const void *data, size_t len, struct err *e);
} states[N_STATES] = {
    [ROOT] = {give_root},	    [TIMESTAMP] = {give_timestamp},
    [SNAPSHOT] = {give_snapshot},   [TARGETS] = {give_targets},
    [DELEGATED] = {give_delegated},
};

/* Names of roles become part of a URL: all but unreserved characters are
 * percent-encoded. */
static void path_set(struct tuf_request *ret, bool versioned, uint64_t version,
		     const char *role)
{
	static const char digits[] = "0123456789ABCDEF";
	char name[3 * TUF_ROLE_NAME_MAX_LEN + 1], *out = name;
	int n;

	for (const char *in = role; *in != '\0'; in++) {
		unsigned char ch = (unsigned char)*in;

		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || strchr("-._~", ch) != NULL) {
			*out++ = (char)ch;
		} else {
			*out++ = '%';
			*out++ = digits[ch >> 4];
			*out++ = digits[ch & 15];
		}
	}
	*out = '\0';
	if (versioned)
		n = snprintf(ret->path, sizeof(ret->path), "%llu.%s.json",
			     (unsigned long long)version, name);
	else
		n = snprintf(ret->path, sizeof(ret->path), "%s.json", name);
	if (n < 0 || (size_t)n >= sizeof(ret->path))
		ret->path[0] =
		    '\0'; /* cannot be asked for: the driver finds it missing */
}

static size_t smaller(const struct tuf_file *f, size_t cap)
{
	return f != NULL && f->has_length && f->length < cap ? (size_t)f->length : cap;
}

/* What the state asks for, and how much of it is taken. */
static void request_of(const struct tuf_client *c, struct tuf_request *ret)
{
	const struct tuf_trusted *t = &c->trusted;
	bool versioned = t->root->consistent_snapshot;
	const struct tuf_file *f = NULL;
	const char *role = NULL;

	switch (c->state) {
	case ROOT:
		path_set(ret, true, t->root->common.version + 1, "root");
		ret->max_bytes = TUF_ROOT_MAX_BYTES;
		return;
	case TIMESTAMP:
		path_set(ret, false, 0, "timestamp");
		ret->max_bytes = TUF_TIMESTAMP_MAX_BYTES;
		return;
	case SNAPSHOT:
		path_set(ret, versioned, t->timestamp->snapshot.version, "snapshot");
		ret->max_bytes =
		    smaller(&t->timestamp->snapshot, TUF_SNAPSHOT_MAX_BYTES);
		return;
	case TARGETS:
		role = "targets";
		f = tuf_snapshot_find(t->snapshot, "targets.json");
		break;
	case DELEGATED:
		role = c->stack[c->n_stack - 1].d->name;
		f = tuf_trusted_delegated_file(t, role, NULL);
		break;
	case DONE:
	case FAILED:
	case N_STATES:
		return;
	}
	path_set(ret, versioned, f == NULL ? 0 : f->version, role);
	ret->max_bytes = smaller(f, TUF_TARGETS_MAX_BYTES);
}

enum tuf_step tuf_client_next(struct tuf_client *c, struct tuf_request *ret)
{
	if (states[c->state].give == NULL)
		return TUF_IDLE;
	request_of(c, ret);
	return TUF_FETCH;
}

/* A search that failed leaves the refresh good: other names can still be looked up. */
static int failed(struct tuf_client *c)
{
	bool seeking = c->state == DELEGATED;

	if (seeking)
		seek_clear(c);
	c->state = seeking ? DONE : FAILED;
	return -1;
}

int tuf_client_give(struct tuf_client *c, const void *data, size_t len, struct err *e)
{
	struct tuf_request asked = {0};

	if (tuf_client_next(c, &asked) != TUF_FETCH)
		return err_set(e, ERR_USAGE, "nothing was asked for");
	if (len > asked.max_bytes) {
		(void)err_set(e, ERR_LIMIT, "%s: more than %zu bytes", asked.path,
			      asked.max_bytes);
		return failed(c);
	}
	if (states[c->state].give(c, data, len, e) != 0)
		return failed(c);
	return 0;
}

int tuf_client_missing(struct tuf_client *c, struct err *e)
{
	struct tuf_request asked = {0};

	if (tuf_client_next(c, &asked) != TUF_FETCH)
		return err_set(e, ERR_USAGE, "nothing was asked for");
	if (c->state != ROOT) {
		(void)err_set(e, ERR_NOT_FOUND, "the repository has no %s", asked.path);
		return failed(c);
	}
	if (tuf_trusted_root_final(&c->trusted, e) != 0)
		return failed(c);
	c->state = TIMESTAMP;
	return 0;
}

/* ------------------------------------------------------------------ looking at it */

int tuf_target_check(const struct tuf_target *t, const void *data, size_t len,
		     struct err *e)
{
	struct tuf_file f = {
	    .has_length = true, .length = t->length, .has_sha256 = true};

	memcpy(f.sha256, t->sha256, SHA256_LEN);
	if (tuf_file_check(&f, data, len, e) != 0)
		return err_wrap(e, "target \"%s\"", t->name);
	return 0;
}

int tuf_client_role(const struct tuf_client *c, const char *role, uint64_t *ret_version,
		    int64_t *ret_expires_ms, struct err *e)
{
	const struct tuf_trusted *t = &c->trusted;
	const struct tuf_common *commons[N_TUF_TOP_ROLES] = {
	    [TUF_ROOT] = &t->root->common,
	    [TUF_TIMESTAMP] = t->timestamp == NULL ? NULL : &t->timestamp->common,
	    [TUF_SNAPSHOT] = t->snapshot == NULL ? NULL : &t->snapshot->common,
	    [TUF_TARGETS] = t->targets == NULL ? NULL : &t->targets->common,
	};

	for (size_t i = 0; i < N_TUF_TOP_ROLES; i++) {
		if (strcmp(tuf_top_role_name((enum tuf_top_role)i), role) != 0 ||
		    commons[i] == NULL)
			continue;
		*ret_version = commons[i]->version;
		*ret_expires_ms = commons[i]->expires_utc_ms;
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "no %s is trusted", role);
}
