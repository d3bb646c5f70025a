/* SPDX-License-Identifier: Apache-2.0 */
/* ota audit: who changed what, and whether the log of it was tampered with. */
#include "audit_verify.h"
#include "view.h"

const struct option audit_list_options[] = {
    {NULL, "who", OPT_TEXT, AT(who), NULL, "NAME", "Only what this user or token did"},
    {NULL, "action", OPT_TEXT, AT(action), NULL, "ACTION",
     "Only this action: device.delete"},
    {NULL, "object", OPT_TEXT, AT(object), NULL, "KIND/ID",
     "Only what was done to this: device/dev-1"},
    {NULL, "from", OPT_TEXT, AT(from), NULL, "TIME",
     "Only from this time on: 2026-11-23T14:41:07Z"},
    {NULL, "to", OPT_TEXT, AT(to), NULL, "TIME", "Only before this time"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option audit_verify_options[] = {
    {NULL, "checkpoint", OPT_LIST, AT(checkpoints), NULL, "FILE",
     "The log must continue the checkpoints in this file"},
    {NULL, "keep", OPT_PATH, AT(keep_file), NULL, "FILE",
     "Append the checkpoint to this file when all is well; those in it are checked "
     "too"},
    {NULL, "audit-key", OPT_TEXT, AT(audit_key), NULL, "KEY",
     "The key that signs the log, as it was when you learned it (NAME+ID+KEY)"},
    OPTIONS_SERVER,
    OPTION_END,
};

static int add_filter(struct buf *query, const char *name, const char *value,
		      struct err *e)
{
	if (value == NULL)
		return 0;
	if (buf_printf(query, e, "&%s=", name) < 0)
		return -1;
	return api_escape(query, value, e);
}

RUN(audit_list)
{
	static const struct view_column columns[] = {
	    {"ENTRY", "entry", VIEW_TEXT},   {"AT", "at", VIEW_TIME},
	    {"KIND", "kind", VIEW_TEXT},     {"WHO", "who", VIEW_TEXT},
	    {"ACTION", "action", VIEW_TEXT}, {"OBJECT", "object", VIEW_TEXT},
	    {"DETAIL", "detail", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(4096);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (add_filter(&query, "who", o->who, e) < 0 ||
	    add_filter(&query, "action", o->action, e) < 0 ||
	    add_filter(&query, "object", o->object, e) < 0 ||
	    add_filter(&query, "from", o->from, e) < 0 ||
	    add_filter(&query, "to", o->to, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/audit", buf_str(&query), columns,
			     N_ELEMS(columns), "No entries.", e);
}

static int tell_verified(const struct ota *o, const struct audit_verdict *v,
			 struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();

	if (!o->json) {
		(void)printf("The log is whole: %llu entries, signed by %s.\n",
			     (unsigned long long)v->now.size, v->key.name);
		(void)printf("It continues %zu earlier checkpoint%s.\n", v->n_earlier,
			     v->n_earlier == 1 ? "" : "s");
		if (o->audit_key == NULL)
			(void)printf(
			    "The key was taken from the server; next time give "
			    "--audit-key %s\n",
			    v->vkey);
		return 0;
	}
	if (j == NULL ||
	    json_set(j, "entries", json_new_int((int64_t)v->now.size), e) < 0 ||
	    json_set(j, "root", json_new_hex(v->now.root, SHA256_LEN), e) < 0 ||
	    json_set(j, "earlier", json_new_int((int64_t)v->n_earlier), e) < 0 ||
	    json_set(j, "key", json_new_text(v->vkey), e) < 0)
		return -1;
	return print_json(j, e);
}

RUN(audit_verify)
{
	const struct ota *o = values;
	struct audit_verdict v;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (audit_judge(o, &v, e) < 0)
		return -1;
	return tell_verified(o, &v, e);
}
