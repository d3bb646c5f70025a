/* SPDX-License-Identifier: Apache-2.0 */
/* confirmationBase: what is consented to has deploymentBase's form (deployment.c); here is
 * who consents, once or for all. */
#include "link.h"

#include "../base/text.h"

#include <string.h>

static const char *const consent_names[] = {"denied", "confirmed"};

static int write_auto(struct json *root, const struct ddi_auto_confirm *c,
		      struct err *e)
{
	struct json *o = ddi_set_object(root, "autoConfirm", e);

	if (o == NULL || json_set(o, "active", json_new_bool(c->active), e) < 0)
		return -1;
	if (!c->active)
		return 0;
	if (ddi_set_text(o, "initiator", c->initiator, e) < 0 ||
	    ddi_set_text(o, "remark", c->remark, e) < 0)
		return -1;
	return json_set(o, "activatedAt", json_new_int(c->activated_at), e);
}

int ddi_confirmation_base_write(const struct ddi_auto_confirm *c, const char *base,
				const char *confirmation, struct buf *ret,
				struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	const char *word = c->active ? "deactivateAutoConfirm" : "activateAutoConfirm";
	char url[DDI_URL_LEN];
	struct json *links;

	if (root == NULL)
		return err_nomem(e);
	if (write_auto(root, c, e) < 0 ||
	    text_format(url, sizeof(url), e, "%s/%s", base, word) < 0)
		return -1;
	links = ddi_set_object(root, "_links", e);
	if (links == NULL || ddi_set_link(links, word, url, e) < 0 ||
	    ddi_set_link(links, "confirmationBase", confirmation, e) < 0)
		return -1;
	return json_write(root, ret, e);
}

static int read_text_cut(const struct json *root, const char *key, char *ret,
			 size_t room, struct err *e)
{
	const char *text = "";

	if (json_opt_text(root, key, &text, e) < 0)
		return -1;
	ddi_copy_cut(ret, room, text);
	return 0;
}

int ddi_auto_confirm_parse(const void *data, size_t len, struct ddi_auto_confirm *ret,
			   struct err *e)
{
	AUTO_PTR(json) struct json *root = NULL;

	*ret = (struct ddi_auto_confirm){.active = true};
	if (len == 0)
		return 0;
	root = json_parse_lenient(data, len, e);
	if (root == NULL ||
	    read_text_cut(root, "initiator", ret->initiator, sizeof(ret->initiator),
			  e) < 0 ||
	    read_text_cut(root, "remark", ret->remark, sizeof(ret->remark), e) < 0)
		return err_wrap(e, "activateAutoConfirm");
	return 0;
}

int ddi_consent_write(const struct ddi_consent *c, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *list;

	if (root == NULL)
		return err_nomem(e);
	if (ddi_set_text(root, "confirmation", consent_names[c->confirmed], e) < 0)
		return -1;
	list = ddi_set_list(root, "details", e);
	if (list == NULL)
		return -1;
	for (size_t i = 0; i < c->n_details; i++) {
		if (json_append(list, json_new_text(c->details[i]), e) < 0)
			return -1;
	}
	return json_write(root, ret, e);
}

int ddi_consent_parse(const void *data, size_t len, struct ddi_consent *ret,
		      struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse_lenient(data, len, e);
	const char *word;
	size_t i = 0;

	*ret = (struct ddi_consent){0};
	if (root == NULL || json_get_text(root, "confirmation", &word, e) < 0 ||
	    ddi_name_index(consent_names, N_ELEMS(consent_names), word,
			   "confirmed or denied", &i, e) < 0)
		return err_wrap(e, "confirmation");
	ret->confirmed = i == 1;
	ret->n_details = ddi_get_details(root, ret->details);
	return 0;
}
