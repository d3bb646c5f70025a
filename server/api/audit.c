/* SPDX-License-Identifier: Apache-2.0 */
/* What each request that changes something leaves in the audit log. */
#include "api.h"

#include "../../common/base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Actions are for ever: who filters by one, or verifies an old log, reads it. */
static const struct audit_rule rules[] = {
    /* devices */
    {handle_devices_create, "device.create", "device", NULL},
    {handle_devices_delete, "device.delete", "device", "id"},
    {handle_devices_token, "device.token", "device", "id"},
    {handle_devices_patch, "device.change", "device", "id"},
    /* groups and products */
    {handle_groups_create, "group.create", "group", NULL},
    {handle_groups_put, "group.change", "group", "id"},
    {handle_groups_delete, "group.delete", "group", "id"},
    {handle_groups_members, "group.members", "group", "id"},
    /* what a job changes is told by its record: which action, and all that match what */
    {handle_jobs_create, "job.create", "job", NULL},
    {handle_jobs_cancel, "job.cancel", "job", "id"},
    {handle_products_put, "product.change", "product", "id"},
    {handle_products_delete, "product.delete", "product", "id"},
    /* deployments */
    {handle_deployments_create, "deployment.create", "deployment", NULL},
    {handle_deployments_delete, "deployment.cancel", "deployment", "id"},
    /* releases: the publisher writes these records but the withdrawal's, in its own transaction */
    {handle_releases_create, "release.publish", "release", NULL},
    {handle_releases_withdraw, "release.withdraw", "release", "id"},
    {handle_repository_targets, "targets.publish", "targets", NULL},
    {handle_repository_root, "root.publish", "root", NULL},
    /* bytes on their way: nothing uses them before a release names them */
    {handle_uploads_create, NULL, NULL, NULL},
    {handle_uploads_put, NULL, NULL, NULL},
    {handle_uploads_commit, NULL, NULL, NULL},
    {handle_uploads_delete, NULL, NULL, NULL},
    /* rollouts */
    {handle_rollouts_create, "rollout.create", "rollout", NULL},
    {handle_rollouts_change, "rollout.change", "rollout", "id"},
    {handle_rollouts_delete, "rollout.delete", "rollout", "id"},
    {handle_rollouts_start, "rollout.start", "rollout", "id"},
    {handle_rollouts_approve, "rollout.approve", "rollout", "id"},
    {handle_rollouts_pause, "rollout.pause", "rollout", "id"},
    {handle_rollouts_resume, "rollout.resume", "rollout", "id"},
    {handle_rollouts_stop, "rollout.stop", "rollout", "id"},
    {handle_rollouts_rollback, "rollout.rollback", "rollout", "id"},
    /* the whole fleet */
    {handle_freeze_put, "freeze.start", "tenant", NULL},
    {handle_freeze_delete, "freeze.end", "tenant", NULL},
    /* webhooks */
    {handle_webhooks_create, "webhook.create", "webhook", NULL},
    {handle_webhooks_update, "webhook.update", "webhook", "id"},
    {handle_webhooks_delete, "webhook.delete", "webhook", "id"},
    {handle_webhooks_replay, "webhook.replay", "webhook", "id"},
    /* people */
    {handle_session_create, "session.begin", "user", NULL},
    {handle_session_delete, "session.end", "session", NULL},
    {handle_session_confirm, NULL, NULL, NULL}, /* what it is for has a record */
    {handle_session_password, "user.password", "user", NULL},
    {handle_sessions_delete, "session.revoke", "session", "id"},
    {handle_users_create, "user.create", "user", NULL},
    {handle_users_set, "user.change", "user", "id"},
    {handle_users_delete, "user.delete", "user", "id"},
    {handle_tokens_create, "token.create", "token", NULL},
    {handle_tokens_delete, "token.revoke", "token", "id"},
    {handle_settings_set, "settings.change", "tenant", NULL},
    {handle_tenants_create, "tenant.create", "tenant", NULL},
    {handle_tenants_set, "tenant.change", "tenant", "id"},
};

const struct audit_rule *api_audit_rule(void (*handle)(struct api_call *a))
{
	for (size_t i = 0; i < N_ELEMS(rules); i++) {
		if (rules[i].handle == handle)
			return &rules[i];
	}
	return NULL;
}

void api_audit_id(struct api_call *a, const char *id)
{
	free(a->audit_id);
	a->audit_id = strdup(id);
}

void api_audit_detail(struct api_call *a, const char *fmt, ...)
{
	char text[DETAIL_MAX_LEN + 1];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	free(a->audit_detail);
	a->audit_detail = strdup(text);
}

void api_audit_enough(struct api_call *a)
{
	a->audited = true;
}

/* ---- who ---- */

static bool is_request_id(const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	}
	return len > 0 && len <= AUDIT_REQUEST_MAX_LEN;
}

/* The client's own if it is plain, else one of ours; the answer carries it. */
static void name_request(struct api_call *a)
{
	const char *given = http_header(a->http, "X-Request-Id");
	uint8_t random[12];

	if (a->request_id[0] != '\0')
		return;
	if (is_request_id(given))
		(void)snprintf(a->request_id, sizeof(a->request_id), "%s", given);
	else if (random_bytes(random, sizeof(random), NULL) == 0)
		hex_encode(random, sizeof(random), a->request_id);
	http_add_header(a->http, "X-Request-Id", a->request_id);
}

struct audit_actor api_actor(struct api_call *a)
{
	struct audit_actor by = {.role = a->role};
	bool is_device = PERMISSION(a->row->permission) == A_DEVICE;

	by.kind = is_device ? AUDIT_DEVICE : a->in_session ? AUDIT_USER : AUDIT_TOKEN;
	name_request(a);
	(void)snprintf(by.who, sizeof(by.who), "%s",
		       is_device ? a->device.id : a->user);
	(void)snprintf(by.request, sizeof(by.request), "%s", a->request_id);
	(void)snprintf(by.address, sizeof(by.address), "%s", http_peer(a->http));
	return by;
}

void api_audit(struct api_call *a, struct store_call *c)
{
	const struct audit_rule *rule;
	struct audit_actor by;
	const char *id;

	if (store_verb_kind(c->verb) != STORE_WRITE || c->audit.by.kind != AUDIT_NONE)
		return;
	rule = api_audit_rule(a->row->handle);
	if (rule == NULL || rule->action == NULL || a->audited)
		return;
	by = api_actor(a);
	id = rule->param != NULL ? http_param(a->http, rule->param) : a->audit_id;
	store_call_audit(c, &by, rule->action, rule->kind, id, a->audit_detail);
}
