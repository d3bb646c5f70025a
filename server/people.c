/* SPDX-License-Identifier: Apache-2.0 */
/* Users and tenants by whoever holds the data directory: the first administrator, and
 * the way back in after a lost password. They work while the server runs. */
#include "server.h"

#include "../common/base/passphrase_input.h"
#include "../common/base/text.h"
#include "store/store_tenant.h"

#include <stdio.h>
#include <string.h>

static const struct audit_actor whoever = {.kind = AUDIT_COMMAND};

int visit_tenant(const struct settings *s, struct data_dir *ret_dir,
		 const struct log *log, struct store **ret_whole,
		 struct store **ret_tenant, struct err *e)
{
	AUTO_PTR(store_call) struct store_call *c = NULL;

	*ret_tenant = NULL;
	*ret_whole = visit_store(s, ret_dir, log, e);
	if (*ret_whole == NULL)
		return -1;
	*ret_tenant = store_tenant_view(*ret_whole, s->tenant, e);
	c = store_call_new(STORE_TENANT_GET, NULL, NULL, NULL, e);
	if (*ret_tenant != NULL && c != NULL && store_wait(*ret_tenant, c, e) == 0)
		return 0;
	store_close(*ret_tenant);
	store_close(*ret_whole);
	return -1;
}

/* ---- users ---- */

static int choose_password(const struct settings *s, const char *user,
			   char ret_hash[PASSWORD_HASH_MAX_LEN + 1], struct err *e)
{
	char password[PASSPHRASE_INPUT_MAX_LEN + 1], question[USER_MAX_LEN + 32];
	int rc;

	if (text_format(question, sizeof(question), e, "Password for %s: ", user) < 0)
		return -1;
	rc = s->passphrase_fd != NULL
		 ? passphrase_read_fd(s->passphrase_fd, password, e)
		 : passphrase_ask_twice(question, password, e);
	if (rc == 0)
		rc = password_check(password, user, e);
	if (rc == 0)
		rc = password_hash(password, ret_hash, e);
	explicit_bzero(password, sizeof(password));
	return rc;
}

static int read_person(const struct settings *s, const char *name, struct person *p,
		       struct err *e)
{
	if (person_name_check(name, e) < 0 || role_parse(s->role, &p->role, e) < 0)
		return -1;
	if (p->role < ROLE_VIEWER || p->role > ROLE_ADMIN)
		return err_set(e, ERR_USAGE, "--role: \"%s\" is for no person",
			       s->role);
	if (scope_write(s->groups.items, s->groups.n_items, p->scope, e) < 0)
		return err_wrap(e, "--group");
	return text_copy(p->name, sizeof(p->name), name, "name", e);
}

static int add_user(struct store *store, const struct person *p, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_PERSON_CREATE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.person = *p;
	store_call_audit(c, &whoever, "user.create", "user", p->name,
			 role_name(p->role));
	return store_wait(store, c, e);
}

int command_user_add(void *values, int n, char **operands, const struct log *log,
		     struct err *e)
{
	const struct settings *s = values;
	struct store *whole, *store;
	struct data_dir dir;
	struct person p = {.disabled = false};
	int rc;

	(void)n;
	if (read_person(s, operands[0], &p, e) < 0 ||
	    choose_password(s, p.name, p.password, e) < 0 ||
	    visit_tenant(s, &dir, log, &whole, &store, e) < 0)
		return -1;
	rc = add_user(store, &p, e);
	store_close(store);
	store_close(whole);
	if (rc == 0)
		(void)printf("%s may log in as %s.\n", p.name, role_name(p.role));
	return rc;
}

static int reset_user(struct store *store, const struct person_change *p, struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_PERSON_SET, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.person_change = *p;
	store_call_audit(c, &whoever, "user.change", "user", p->name,
			 "enabled, password");
	return store_wait(store, c, e);
}

int command_user_reset(void *values, int n, char **operands, const struct log *log,
		       struct err *e)
{
	const struct settings *s = values;
	struct store *whole, *store;
	struct data_dir dir;
	struct person_change p = {.set_password = true, .set_disabled = true};
	int rc;

	(void)n;
	if (person_name_check(operands[0], e) < 0 ||
	    text_copy(p.name, sizeof(p.name), operands[0], "name", e) < 0 ||
	    choose_password(s, p.name, p.password, e) < 0 ||
	    visit_tenant(s, &dir, log, &whole, &store, e) < 0)
		return -1;
	rc = reset_user(store, &p, e);
	store_close(store);
	store_close(whole);
	if (rc == 0)
		(void)printf("%s may log in with the new password; their sessions have "
			     "ended.\n",
			     p.name);
	return rc;
}

/* ---- tenants ---- */

static int add_tenant(struct store *store, const struct settings *s, const char *name,
		      struct err *e)
{
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_TENANT_CREATE, NULL, NULL, NULL, e);

	if (c == NULL)
		return -1;
	c->in.tenant_row = (struct tenant){.max_devices = s->max_devices,
					   .max_bytes = s->max_bytes,
					   .max_uploads = s->max_uploads,
					   .max_streams = s->max_tenant_streams};
	store_call_audit(c, &whoever, "tenant.create", "tenant", name, NULL);
	if (text_copy(c->in.tenant_row.name, sizeof(c->in.tenant_row.name), name,
		      "tenant", e) < 0)
		return -1;
	return store_wait(store, c, e);
}

int command_tenant_add(void *values, int n, char **operands, const struct log *log,
		       struct err *e)
{
	const struct settings *s = values;
	struct data_dir dir;
	struct store *store;
	int rc;

	(void)n;
	if (tenant_name_check(operands[0], e) < 0)
		return -1;
	store = visit_store(s, &dir, log, e);
	if (store == NULL)
		return -1;
	rc = add_tenant(store, s, operands[0], e);
	store_close(store);
	if (rc == 0)
		(void)printf("Tenant %s is there. Its first administrator: ota-server "
			     "admin reset --tenant %s\n",
			     operands[0], operands[0]);
	return rc;
}
