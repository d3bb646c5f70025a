/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include "model_delta.h"
#include "model_rollout.h"

#include "../../common/base/text.h"

#include <string.h>

static const char *const grades[N_GRADES] = {
    [GRADE_UNKNOWN] = "unknown",
    [GRADE_REPORTED] = "reported",
    [GRADE_PROVEN] = "proven",
};

static const char *const member_statuses[N_MEMBER_STATUSES] = {
#define X(status, word) [MEMBER_##status] = (word),
    MEMBER_STATUSES(X)
#undef X
};

static const char *const device_states[N_DEVICE_STATES] = {
    [DEVICE_IDLE] = "idle",
    [DEVICE_UPDATING] = "updating",
    [DEVICE_FAILED] = "failed",
    [DEVICE_ROLLED_BACK] = "rolled-back",
};

static const char *const deployment_states[N_DEPLOYMENT_STATES] = {
    [DEPLOYMENT_ASSIGNED] = "assigned",	    [DEPLOYMENT_DOWNLOADING] = "downloading",
    [DEPLOYMENT_INSTALLING] = "installing", [DEPLOYMENT_REBOOTING] = "rebooting",
    [DEPLOYMENT_CANCELLING] = "cancelling", [DEPLOYMENT_CONFIRMED] = "confirmed",
    [DEPLOYMENT_FAILED] = "failed",	    [DEPLOYMENT_ROLLED_BACK] = "rolled-back",
    [DEPLOYMENT_CANCELLED] = "cancelled",   [DEPLOYMENT_DOWNLOADED] = "downloaded",
};

static const char *const deployment_kinds[N_KINDS] = {
    [KIND_SOFT] = "soft",
    [KIND_FORCED] = "forced",
    [KIND_TIME_FORCED] = "time-forced",
    [KIND_DOWNLOAD_ONLY] = "download-only",
};

static const char *const consents[N_CONSENTS] = {
    [CONSENT_NONE] = "none",
    [CONSENT_ASKED] = "asked",
    [CONSENT_GIVEN] = "given",
    [CONSENT_DENIED] = "denied",
};

static const char *const delta_progresses[N_DELTA_PROGRESSES] = {
    "wanted", "making", "made", "ready", "useless", "failed"};

static const char *const metadata_roles[N_METADATA_ROLES] = {
    [ROLE_ROOT] = "root",
    [ROLE_TIMESTAMP] = "timestamp",
    [ROLE_SNAPSHOT] = "snapshot",
    [ROLE_TARGETS] = "targets",
};

static const char *const event_types[N_EVENT_TYPES] = {
    [EVENT_DEVICE] = "device",	 [EVENT_DEPLOYMENT] = "deployment",
    [EVENT_RELEASE] = "release", [EVENT_ROLLOUT] = "rollout",
    [EVENT_FREEZE] = "freeze",	 [EVENT_GROUP] = "group",
    [EVENT_AUDIT] = "audit",	 [EVENT_WEBHOOK] = "webhook",
    [EVENT_JOB] = "job",
};

static const char *const roles[N_ROLES] = {
    [ROLE_NOBODY] = "nobody",	  [ROLE_VIEWER] = "viewer",
    [ROLE_OPERATOR] = "operator", [ROLE_RELEASE_MANAGER] = "release-manager",
    [ROLE_ADMIN] = "admin",	  [ROLE_GATEWAY] = "gateway",
};

/* A value out of the range is a fault of ours; its name must not be a crash as well. */
static const char *name_of(const char *const *names, size_t n, unsigned value)
{
	return value < n ? names[value] : "?";
}

static int value_of(const char *const *names, size_t n, const char *text,
		    const char *what, unsigned *ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.40s\" is not a %s", text, what);
}

const char *grade_name(enum grade g)
{
	return name_of(grades, N_GRADES, g);
}

const char *member_status_name(enum member_status s)
{
	return name_of(member_statuses, N_MEMBER_STATUSES, s);
}

int member_status_parse(const char *text, enum member_status *ret, struct err *e)
{
	unsigned v = 0;

	if (value_of(member_statuses, N_MEMBER_STATUSES, text, "member's status", &v,
		     e) < 0)
		return -1;
	*ret = (enum member_status)v;
	return 0;
}

const char *device_state_name(enum device_state s)
{
	return name_of(device_states, N_DEVICE_STATES, s);
}

const char *deployment_state_name(enum deployment_state s)
{
	return name_of(deployment_states, N_DEPLOYMENT_STATES, s);
}

int deployment_state_parse(const char *text, enum deployment_state *ret, struct err *e)
{
	unsigned v = 0;

	if (value_of(deployment_states, N_DEPLOYMENT_STATES, text, "deployment state",
		     &v, e) < 0)
		return -1;
	*ret = (enum deployment_state)v;
	return 0;
}

const char *deployment_kind_name(enum deployment_kind k)
{
	return name_of(deployment_kinds, N_KINDS, k);
}

int deployment_kind_parse(const char *text, enum deployment_kind *ret, struct err *e)
{
	unsigned v = 0;

	if (value_of(deployment_kinds, N_KINDS, text, "deployment kind", &v, e) < 0)
		return -1;
	*ret = (enum deployment_kind)v;
	return 0;
}

const char *consent_name(enum consent c)
{
	return name_of(consents, N_CONSENTS, c);
}

const char *delta_progress_name(enum delta_progress s)
{
	return name_of(delta_progresses, N_DELTA_PROGRESSES, s);
}

const char *metadata_role_name(enum metadata_role r)
{
	return name_of(metadata_roles, N_METADATA_ROLES, r);
}

const char *event_type_name(enum event_type t)
{
	return name_of(event_types, N_EVENT_TYPES, t);
}

const char *role_name(enum role r)
{
	return name_of(roles, N_ROLES, r);
}

int role_parse(const char *text, enum role *ret, struct err *e)
{
	unsigned v = 0;

	if (value_of(roles, N_ROLES, text, "role", &v, e) < 0)
		return -1;
	*ret = (enum role)v;
	return 0;
}

int device_id_check(const char *text, struct err *e)
{
	if (!text_is_name(text, DEVICE_ID_MAX_LEN, "._:-") || text[0] == '.')
		return err_set(e, ERR_FORMAT,
			       "\"%.40s\" is not a device id: 1 to %d letters, digits "
			       "and . _ : -, "
			       "not beginning with a dot",
			       text, DEVICE_ID_MAX_LEN);
	return 0;
}
