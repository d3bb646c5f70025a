/* SPDX-License-Identifier: Apache-2.0 */
#include "store_tenant.h"

#include "../../common/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct view {
	struct store base;
	struct store *whole;
	char tenant[TENANT_MAX_LEN + 1];
};

static void view_submit(struct store *base, struct store_call *c)
{
	struct view *v = (struct view *)base;

	memcpy(c->tenant, v->tenant, sizeof(c->tenant));
	store_submit(v->whole, c);
}

static void view_watch(struct store *base, struct loop *l, void (*fn)(void *ctx),
		       void *ctx)
{
	(void)base;
	(void)l;
	(void)fn;
	(void)ctx;
	abort(); /* a fault in the caller: the one watcher belongs to the whole store */
}

static void view_close(struct store *base)
{
	free(base);
}

static const struct store_ops view_ops = {
    .name = "tenant",
    .submit = view_submit,
    .watch = view_watch,
    .close = view_close,
};

struct store *store_tenant_view(struct store *s, const char *tenant, struct err *e)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	v->base.ops = &view_ops;
	v->whole = s;
	if (text_copy(v->tenant, sizeof(v->tenant), tenant, "tenant", e) < 0) {
		free(v);
		return NULL;
	}
	return &v->base;
}

static bool is_lower_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > TENANT_MAX_LEN || text[0] < 'a' || text[0] > 'z')
		return false;
	for (; *text != '\0'; text++) {
		if (!(*text >= 'a' && *text <= 'z') &&
		    !(*text >= '0' && *text <= '9') && *text != '-')
			return false;
	}
	return true;
}

int tenant_name_check(const char *text, struct err *e)
{
	static const char *const ours[] = {"api",     "assets", "login",
					   "healthz", "readyz", "metrics"};

	if (!is_lower_name(text))
		return err_set(e, ERR_FORMAT,
			       "a tenant's name is 1 to %d of a-z, 0-9 and \"-\", and "
			       "begins with a letter",
			       TENANT_MAX_LEN);
	for (size_t i = 0; i < N_ELEMS(ours); i++) {
		if (strcmp(text, ours[i]) == 0)
			return err_set(e, ERR_FORMAT,
				       "\"%s\" stands at the start of the server's own "
				       "paths and names no tenant",
				       text);
	}
	return 0;
}

bool tenant_name_read(const char *text, char ret[TENANT_MAX_LEN + 1])
{
	size_t len = strlen(text);

	if (len > TENANT_MAX_LEN)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (isupper((unsigned char)text[i]))
			ret[i] = (char)(text[i] - 'A' + 'a');
		else
			ret[i] = text[i];
	}
	return is_lower_name(ret);
}
