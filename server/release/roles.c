/* SPDX-License-Identifier: Apache-2.0 */
#include "roles.h"

#include "../../common/base/clock.h"
#include "../../common/base/text.h"
#include "../../common/tuf/metadata.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000ull
#define LIFE_MS (180 * DAY_MS)
#define TOP_NAME "delta"
#define UNWRAPPED ":unwrapped"

int delta_target_name(const struct fleet_delta *d, char ret[DELTA_TARGET_MAX_LEN + 1],
		      struct err *e)
{
	return text_format(ret, DELTA_TARGET_MAX_LEN + 1, e, "delta/%s/%s:%s%s",
			   d->product, d->from_version, d->to_version,
			   d->unwraps ? UNWRAPPED : "");
}

bool delta_target_from(const char *name, const char *product, const char *to,
		       char ret[VERSION_MAX_LEN + 1], bool *ret_unwraps)
{
	char again[DELTA_TARGET_MAX_LEN + 1];
	struct fleet_delta d = {0};
	const char *from = strrchr(name, '/');
	const char *end = from == NULL ? NULL : strchr(from, ':');

	if (end == NULL || end - from - 1 > VERSION_MAX_LEN)
		return false;
	memcpy(d.from_version, from + 1, (size_t)(end - from - 1));
	d.unwraps = strlen(end) > sizeof(UNWRAPPED) &&
		    strcmp(end + strlen(end) - (sizeof(UNWRAPPED) - 1), UNWRAPPED) == 0;
	if (text_copy(d.product, sizeof(d.product), product, "product", NULL) < 0 ||
	    text_copy(d.to_version, sizeof(d.to_version), to, "version", NULL) < 0 ||
	    delta_target_name(&d, again, NULL) < 0 || strcmp(name, again) != 0)
		return false;
	memcpy(ret, d.from_version, sizeof(d.from_version));
	*ret_unwraps = d.unwraps;
	return true;
}

void roles_made_fini(struct roles_made *m)
{
	free(m->rows);
	free(m->deltas);
}

/* ------------------------------------------------------------------ the delegation */

static bool lets_sign(const struct tuf_delegation *d, const struct pubkey *key)
{
	if (strcmp(d->name, TOP_NAME) != 0 || d->role.threshold != 1)
		return false;
	for (size_t i = 0; i < d->role.n_keys; i++) {
		if (d->role.keys[i]->key != NULL &&
		    pubkey_equal(d->role.keys[i]->key, key))
			return true;
	}
	return false;
}

int roles_check_delegated(const struct repository *r, const struct signer *s,
			  struct err *e)
{
	struct tuf_envelope env = {0};
	AUTO_PTR(tuf_targets) struct tuf_targets *t = NULL;
	bool found = false;

	if (tuf_envelope_parse(r->targets.data, r->targets.len, &env, e) != 0)
		return -1;
	t = tuf_targets_parse(&env, e);
	tuf_envelope_fini(&env);
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < t->n_delegations && !found; i++)
		found = lets_sign(&t->delegations[i], signer_snapshot_key(s));
	return found ? 0
		     : err_set(e, ERR_UNSUPPORTED,
			       "the published targets do not delegate deltas to this "
			       "server: sign and push the next release with "
			       "ota release sign");
}

/* ------------------------------------------------------------------ one role */

static struct repository_role *find_role(struct repository *r, const char *name)
{
	for (size_t i = 0; i < r->n_roles; i++) {
		if (strcmp(r->roles[i].name, name) == 0)
			return &r->roles[i];
	}
	return NULL;
}

static struct repository_role *make_room(struct repository *r, const char *name,
					 struct err *e)
{
	struct repository_role *role = find_role(r, name);

	if (role != NULL)
		return role;
	role = reallocarray(r->roles, r->n_roles + 1, sizeof(*role));
	if (role == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	r->roles = role;
	role = &r->roles[r->n_roles];
	*role = (struct repository_role){.version = 0};
	buf_init(&role->data, STORE_BLOB_MAX);
	(void)snprintf(role->name, sizeof(role->name), "%s", name);
	(void)snprintf(role->file, sizeof(role->file), "%s.json", name);
	r->n_roles++;
	return role;
}

static bool is_due(const struct roles_config *c, const struct repository_role *role)
{
	uint64_t version = 0;
	int64_t expires = 0;

	return repo_peek(role->data.data, role->data.len, "targets", &version, &expires,
			 NULL) != 0 ||
	       clock_utc_ms(c->clock) >= expires - (int64_t)(LIFE_MS / 2);
}

static int sign_role(const struct roles_config *c, struct repository *r,
		     const struct signer_role_ask *ask, const char *name, struct err *e)
{
	struct repository_role *role = make_room(r, name, e);
	struct signer_role_ask a = *ask;

	if (role == NULL)
		return -1;
	a.floor = role->version;
	a.life_ms = LIFE_MS;
	role->is_new = true;
	buf_clear(&role->data);
	return signer_role(c->signer, &a, &role->data, &role->version, e);
}

/* ------------------------------------------------------------------ products */

static struct store_call *ask_store(const struct roles_config *c, enum store_verb verb,
				    const char *product, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *q = store_call_new(verb, NULL, NULL, NULL, e);

	if (q == NULL)
		return NULL;
	(void)snprintf(q->in.page.text, sizeof(q->in.page.text), "%s", product);
	if (store_wait(c->store, q, e) != 0)
		return NULL;
	return TAKE(q);
}

static int note_new(struct roles_made *m, const struct fleet_delta *d, struct err *e)
{
	uint64_t *more;

	if (d->state != DELTA_MADE)
		return 0;
	more = reallocarray(m->deltas, m->n_deltas + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	m->deltas = more;
	m->deltas[m->n_deltas++] = d->id;
	m->example = *d;
	return 0;
}

static int renew_product(const struct roles_config *c, struct repository *r,
			 const char *product, struct roles_made *m, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *q = ask_store(c, STORE_DELTA_LINES, product, e);
	const struct fleet_delta *d = q == NULL ? NULL : q->items;
	size_t n = q == NULL ? 0 : q->n_items;
	AUTO_FREE struct repo_line *lines = calloc(n + 1, sizeof(*lines));
	AUTO_FREE char(*names)[DELTA_TARGET_MAX_LEN + 1] =
	    calloc(n + 1, sizeof(*names));
	struct signer_role_ask ask = {.product = product, .lines = lines, .n_lines = n};
	char role[ONLINE_ROLE_NAME_MAX_LEN + 1];

	if (q == NULL)
		return -1;
	if (lines == NULL || names == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		if (delta_target_name(&d[i], names[i], e) != 0 ||
		    note_new(m, &d[i], e) != 0)
			return -1;
		lines[i] =
		    (struct repo_line){.name = names[i], .length = d[i].head_size};
		memcpy(lines[i].sha256, d[i].head_sha256, SHA256_LEN);
	}
	if (text_format(role, sizeof(role), e, TOP_NAME "-%s", product) != 0)
		return -1;
	return sign_role(c, r, &ask, role, e);
}

/* A role is made anew for a new delta and when its time is half over. */
static int renew_products(const struct roles_config *c, struct repository *r,
			  const struct store_call *products, struct roles_made *m,
			  struct err *e)
{
	const struct fleet_delta *d = products->items;

	for (size_t i = 0; i < products->n_items; i++) {
		char name[ONLINE_ROLE_NAME_MAX_LEN + 1];
		const struct repository_role *known;

		if (text_format(name, sizeof(name), e, TOP_NAME "-%s", d[i].product) !=
		    0)
			return -1;
		known = find_role(r, name);
		if ((known == NULL || d[i].state == DELTA_MADE || is_due(c, known)) &&
		    renew_product(c, r, d[i].product, m, e) != 0)
			return err_wrap(e, "%s", name);
	}
	return 0;
}

/* ------------------------------------------------------------------ delta itself */

static const char *product_of(const struct repository_role *role)
{
	return strcmp(role->name, TOP_NAME) == 0 ? NULL : role->name + sizeof(TOP_NAME);
}

static int renew_top(const struct roles_config *c, struct repository *r, struct err *e)
{
	/* Room first: the names lie in r->roles, which it may move. */
	bool room = make_room(r, TOP_NAME, e) != NULL;
	AUTO_FREE struct repo_line *lines = calloc(r->n_roles + 1, sizeof(*lines));
	struct signer_role_ask ask = {.product = "", .lines = lines};

	if (!room)
		return -1;
	if (lines == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < r->n_roles; i++) {
		if (product_of(&r->roles[i]) != NULL)
			lines[ask.n_lines++].name = product_of(&r->roles[i]);
	}
	return sign_role(c, r, &ask, TOP_NAME, e);
}

static int list_rows(const struct repository *r, struct roles_made *m, struct err *e)
{
	m->rows = calloc(r->n_roles + 1, sizeof(*m->rows));
	if (m->rows == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < r->n_roles; i++) {
		const struct repository_role *role = &r->roles[i];
		struct online_role *row = &m->rows[m->n_rows];

		if (!role->is_new)
			continue;
		*row = (struct online_role){.version = role->version,
					    .data = role->data.data,
					    .len = role->data.len};
		(void)snprintf(row->name, sizeof(row->name), "%s", role->name);
		m->n_rows++;
	}
	return 0;
}

int roles_renew(const struct roles_config *c, struct repository *r,
		struct roles_made *ret, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *products = ask_store(c, STORE_DELTA_PRODUCTS, "", e);
	const struct repository_role *top;
	size_t before = r->n_roles;

	*ret = (struct roles_made){.rows = NULL};
	if (products == NULL || renew_products(c, r, products, ret, e) != 0)
		return err_wrap(e, "roles of deltas");
	top = find_role(r, TOP_NAME);
	if (r->n_roles == 0 || (top != NULL && r->n_roles == before && !is_due(c, top)))
		return list_rows(r, ret, e);
	return renew_top(c, r, e) != 0 ? err_wrap(e, "roles of deltas")
				       : list_rows(r, ret, e);
}

/* ------------------------------------------------------------------ the snapshot */

int roles_describe(const struct repository *r, struct repo_file **ret, struct err *e)
{
	AUTO_FREE struct repo_file *files = calloc(r->n_roles + 1, sizeof(*files));

	if (files == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < r->n_roles; i++) {
		const struct repository_role *role = &r->roles[i];

		files[i] = (struct repo_file){.name = role->file,
					      .version = role->version,
					      .length = role->data.len};
		if (sha256(role->data.data, role->data.len, files[i].sha256, e) != 0)
			return -1;
	}
	*ret = TAKE(files);
	return 0;
}
