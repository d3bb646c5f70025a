/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_entry.h"

#include "../../common/base/bytes.h"
#include "../../common/json/json.h"

static const char *const kinds[N_AUDIT_KINDS] = {
    [AUDIT_NONE] = "none",     [AUDIT_USER] = "user",	  [AUDIT_TOKEN] = "token",
    [AUDIT_DEVICE] = "device", [AUDIT_SYSTEM] = "system", [AUDIT_COMMAND] = "command",
};

const char *audit_kind_name(enum audit_kind k)
{
	return (unsigned)k < N_AUDIT_KINDS ? kinds[k] : "?";
}

int audit_entry_write(const char *tenant, int64_t at_ms, const struct audit_record *r,
		      struct buf *ret, struct err *e)
{
	const struct {
		const char *key, *text;
	} members[] = {
	    {"action", r->action},
	    {"address", r->by.address},
	    {"detail", r->detail},
	    {"kind", audit_kind_name(r->by.kind)},
	    {"object", r->object},
	    {"request", r->by.request},
	    {"role", r->by.role == ROLE_NOBODY ? "" : role_name(r->by.role)},
	    {"tenant", tenant},
	    {"who", r->by.who},
	};
	AUTO_PTR(json) struct json *o = json_new_object();

	if (o == NULL || json_set(o, "at", json_new_int(at_ms), e) < 0)
		return -1;
	for (size_t i = 0; i < N_ELEMS(members); i++) {
		if (json_set(o, members[i].key, json_new_text(members[i].text), e) < 0)
			return -1;
	}
	return json_write_canonical(o, ret, e);
}
