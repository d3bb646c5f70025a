/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of routes. A route without a permission cannot be written down. */
#include "../http/assets.h"
#include "api.h"

#define KIB 1024u
#define NO_BODY 0
#define C "/{tenant}/controller/v1/{id}"

/* clang-format off */
#define ROUTES(X)                                                                        \
	/* the device API */                                                             \
	X("GET",    C,                                         NO_BODY,  A_DEVICE, true, device_poll) \
	X("PUT",    C "/configData",                           64 * KIB, A_DEVICE, true, device_config) \
	X("GET",    C "/deploymentBase/{action}",              NO_BODY,  A_DEVICE, true, device_deployment) \
	X("POST",   C "/deploymentBase/{action}/feedback",     256 * KIB, A_DEVICE, true, device_feedback) \
	X("GET",    C "/cancelAction/{action}",                NO_BODY,  A_DEVICE, true, device_cancel) \
	X("POST",   C "/cancelAction/{action}/feedback",       256 * KIB, A_DEVICE, true, device_cancel_feedback) \
	X("GET",    C "/installedBase/{action}",               NO_BODY,  A_DEVICE, true, device_installed) \
	X("GET",    C "/confirmationBase",                     NO_BODY,  A_DEVICE, true, device_confirmation_base) \
	X("POST",   C "/confirmationBase/activateAutoConfirm", 64 * KIB, A_DEVICE, true, device_auto_confirm_on) \
	X("POST",   C "/confirmationBase/deactivateAutoConfirm", 64 * KIB, A_DEVICE, true, device_auto_confirm_off) \
	X("GET",    C "/confirmationBase/{action}",            NO_BODY,  A_DEVICE, true, device_confirmation) \
	X("POST",   C "/confirmationBase/{action}/feedback",   64 * KIB, A_DEVICE, true, device_confirmation_feedback) \
	X("GET",    C "/softwaremodules/{action}/artifacts",   NO_BODY,  A_DEVICE, true, device_artifacts) \
	X("GET",    C "/softwaremodules/{action}/artifacts/{file}", NO_BODY, A_DEVICE, true, device_artifact) \
	X("GET",    C "/ota/content/{sha256}",                 NO_BODY,  A_DEVICE, true, device_content) \
	X("GET",    C "/ota/events",                           NO_BODY,  A_DEVICE, true, device_events) \
	X("GET",    "/{tenant}/repository/metadata/{file}",    NO_BODY,  ANYBODY,  true, repository_metadata) \
	X("GET",    "/{tenant}/repository/targets/{path*}",    NO_BODY,  ANYBODY,  true, repository_target) \
	/* the management API */                                                         \
	X("GET",    "/api/v1/info",                            NO_BODY,  ANYBODY,  false, info_get) \
	X("GET",    "/api/v1/openapi.json",                    NO_BODY,  ANYBODY,  false, openapi_get) \
	X("POST",   "/api/v1/session",                         4 * KIB,  ANYBODY,  false, session_create) \
	X("GET",    "/api/v1/session",                         NO_BODY,  MAY_VIEW | SCOPED, false, session_get) \
	X("DELETE", "/api/v1/session",                         4 * KIB,  MAY_VIEW | SCOPED, false, session_delete) \
	/* people */                                                                     \
	X("POST",   "/api/v1/session/confirm",                 4 * KIB,  MAY_VIEW | SCOPED, false, session_confirm) \
	X("PUT",    "/api/v1/session/password",                4 * KIB,  MAY_VIEW | SCOPED, false, session_password) \
	X("GET",    "/api/v1/sessions",                        NO_BODY,  MAY_VIEW | SCOPED, false, sessions_list) \
	X("DELETE", "/api/v1/sessions/{id}",                   4 * KIB,  MAY_VIEW | SCOPED, false, sessions_delete) \
	X("GET",    "/api/v1/users",                           NO_BODY,  MAY_ADMINISTER, false, users_list) \
	X("POST",   "/api/v1/users",                           4 * KIB,  MAY_ADMINISTER | FRESH, false, users_create) \
	X("GET",    "/api/v1/users/{id}",                      NO_BODY,  MAY_ADMINISTER, false, users_get) \
	X("PUT",    "/api/v1/users/{id}",                      4 * KIB,  MAY_ADMINISTER | FRESH, false, users_set) \
	X("DELETE", "/api/v1/users/{id}",                      4 * KIB,  MAY_ADMINISTER | FRESH, false, users_delete) \
	X("GET",    "/api/v1/tokens",                          NO_BODY,  MAY_ADMINISTER, false, tokens_list) \
	X("POST",   "/api/v1/tokens",                          4 * KIB,  MAY_ADMINISTER | FRESH, false, tokens_create) \
	X("DELETE", "/api/v1/tokens/{id}",                     4 * KIB,  MAY_ADMINISTER, false, tokens_delete) \
	X("GET",    "/api/v1/settings",                        NO_BODY,  MAY_VIEW, false, settings_get) \
	X("PATCH",  "/api/v1/settings",                        4 * KIB,  MAY_ADMINISTER | FRESH, false, settings_set) \
	X("GET",    "/api/v1/tenants",                         NO_BODY,  MAY_ADMINISTER | SUPER, false, tenants_list) \
	X("POST",   "/api/v1/tenants",                         4 * KIB,  MAY_ADMINISTER | SUPER | FRESH, false, tenants_create) \
	X("PUT",    "/api/v1/tenants/{id}",                    4 * KIB,  MAY_ADMINISTER | SUPER | FRESH, false, tenants_set) \
	X("GET",    "/api/v1/devices",                         NO_BODY,  MAY_VIEW | SCOPED, false, devices_list) \
	X("POST",   "/api/v1/devices",                         4 * KIB,  MAY_OPERATE, false, devices_create) \
	X("GET",    "/api/v1/devices/{id}",                    NO_BODY,  MAY_VIEW | SCOPED, false, devices_get) \
	X("DELETE", "/api/v1/devices/{id}",                    4 * KIB,  MAY_OPERATE | SCOPED, false, devices_delete) \
	X("POST",   "/api/v1/devices/{id}/token",              4 * KIB,  MAY_OPERATE | SCOPED, false, devices_token) \
	X("GET",    "/api/v1/devices/{id}/history",            NO_BODY,  MAY_VIEW | SCOPED, false, devices_history) \
	X("GET",    "/api/v1/releases",                        NO_BODY,  MAY_VIEW | SCOPED, false, releases_list) \
	X("GET",    "/api/v1/releases/{id}",                   NO_BODY,  MAY_VIEW | SCOPED, false, releases_get) \
	X("POST",   "/api/v1/releases",                        4 * KIB,  MAY_RELEASE | FRESH, false, releases_create) \
	X("POST",   "/api/v1/releases/{id}/withdraw",          4 * KIB,  MAY_RELEASE, false, releases_withdraw) \
	X("POST",   "/api/v1/uploads",                         4 * KIB,  MAY_RELEASE, false, uploads_create) \
	X("GET",    "/api/v1/uploads/{id}",                    NO_BODY,  MAY_RELEASE, false, uploads_get) \
	X("PUT",    "/api/v1/uploads/{id}",                    UPLOAD_PART_MAX_BYTES, MAY_RELEASE, false, uploads_put) \
	X("POST",   "/api/v1/uploads/{id}/commit",             4 * KIB,  MAY_RELEASE, false, uploads_commit) \
	X("DELETE", "/api/v1/uploads/{id}",                    NO_BODY,  MAY_RELEASE, false, uploads_delete) \
	X("POST",   "/api/v1/repository/root",                 4 * KIB,  MAY_RELEASE | FRESH, false, repository_root) \
	X("POST",   "/api/v1/repository/targets",              4 * KIB,  MAY_RELEASE | FRESH, false, repository_targets) \
	X("GET",    "/api/v1/repository/keys",                 NO_BODY,  MAY_VIEW, false, repository_keys) \
	X("GET",    "/api/v1/deployments",                     NO_BODY,  MAY_VIEW | SCOPED, false, deployments_list) \
	X("POST",   "/api/v1/deployments",                     4 * KIB,  MAY_OPERATE | SCOPED, false, deployments_create) \
	X("GET",    "/api/v1/deployments/{id}",                NO_BODY,  MAY_VIEW | SCOPED, false, deployments_get) \
	X("DELETE", "/api/v1/deployments/{id}",                4 * KIB,  MAY_OPERATE | SCOPED | MATCHES, false, deployments_delete) \
	/* rollouts */                                                                   \
	X("GET",    "/api/v1/rollouts",                            NO_BODY,  MAY_VIEW, false, rollouts_list) \
	X("POST",   "/api/v1/rollouts",                            64 * KIB, MAY_OPERATE, false, rollouts_create) \
	X("GET",    "/api/v1/rollouts/{id}",                       NO_BODY,  MAY_VIEW, false, rollouts_get) \
	X("PUT",    "/api/v1/rollouts/{id}",                       64 * KIB, MAY_OPERATE | MATCHES, false, rollouts_change) \
	X("DELETE", "/api/v1/rollouts/{id}",                       4 * KIB,  MAY_OPERATE, false, rollouts_delete) \
	X("GET",    "/api/v1/rollouts/{id}/preview",               NO_BODY,  MAY_VIEW, false, rollouts_preview) \
	X("GET",    "/api/v1/rollouts/{id}/members",               NO_BODY,  MAY_VIEW, false, rollouts_members) \
	X("GET",    "/api/v1/rollouts/{id}/decisions",             NO_BODY,  MAY_VIEW, false, rollouts_decisions) \
	X("POST",   "/api/v1/rollouts/{id}/start",                 4 * KIB,  MAY_OPERATE, false, rollouts_start) \
	X("POST",   "/api/v1/rollouts/{id}/approve",               4 * KIB,  MAY_OPERATE, false, rollouts_approve) \
	X("POST",   "/api/v1/rollouts/{id}/pause",                 4 * KIB,  MAY_OPERATE, false, rollouts_pause) \
	X("POST",   "/api/v1/rollouts/{id}/resume",                4 * KIB,  MAY_OPERATE, false, rollouts_resume) \
	X("POST",   "/api/v1/rollouts/{id}/stop",                  4 * KIB,  MAY_OPERATE, false, rollouts_stop) \
	X("POST",   "/api/v1/rollouts/{id}/rollback",              4 * KIB,  MAY_OPERATE, false, rollouts_rollback) \
	X("GET",    "/api/v1/devices/{id}/why",                    NO_BODY,  MAY_VIEW | SCOPED, false, devices_why) \
	/* what went wrong */                                                            \
	X("GET",    "/api/v1/failures",                            NO_BODY,  MAY_VIEW | SCOPED, false, failures_list) \
	X("GET",    "/api/v1/rollouts/{id}/evidence",              NO_BODY,  MAY_VIEW, false, rollouts_evidence) \
	/* deltas */                                                                     \
	X("GET",    "/api/v1/deltas",                              NO_BODY,  MAY_VIEW | SCOPED, false, deltas_list) \
	/* freeze */                                                                     \
	X("GET",    "/api/v1/freeze",                          NO_BODY,  MAY_VIEW | SCOPED, false, freeze_get) \
	X("PUT",    "/api/v1/freeze",                          4 * KIB,  MAY_OPERATE, false, freeze_put) \
	X("DELETE", "/api/v1/freeze",                          4 * KIB,  MAY_OPERATE, false, freeze_delete) \
	/* fleet */                                                                      \
	X("PATCH", "/api/v1/devices/{id}",                   32 * KIB, MAY_OPERATE | SCOPED | MATCHES, false, devices_patch) \
	X("GET",   "/api/v1/groups",                         NO_BODY, MAY_VIEW, false, groups_list) \
	X("POST",  "/api/v1/groups",                         16 * KIB, MAY_OPERATE, false, groups_create) \
	X("GET",   "/api/v1/groups/{id}",                    NO_BODY, MAY_VIEW, false, groups_get) \
	X("PUT",   "/api/v1/groups/{id}",                    16 * KIB, MAY_OPERATE | MATCHES, false, groups_put) \
	X("DELETE","/api/v1/groups/{id}",                    4 * KIB, MAY_OPERATE, false, groups_delete) \
	X("POST",  "/api/v1/groups/{id}/members",            1024 * KIB, MAY_OPERATE, false, groups_members) \
	X("GET",   "/api/v1/products",                       NO_BODY, MAY_VIEW | SCOPED, false, products_list) \
	X("GET",   "/api/v1/products/{id}",                  NO_BODY, MAY_VIEW | SCOPED, false, products_get) \
	X("PUT",   "/api/v1/products/{id}",                  4 * KIB, MAY_RELEASE, false, products_put) \
	X("DELETE","/api/v1/products/{id}",                  4 * KIB, MAY_RELEASE, false, products_delete) \
	X("GET",   "/api/v1/jobs",                           NO_BODY, MAY_VIEW, false, jobs_list) \
	X("POST",  "/api/v1/jobs",                           16 * KIB, MAY_OPERATE, false, jobs_create) \
	X("GET",   "/api/v1/jobs/{id}",                      NO_BODY, MAY_VIEW, false, jobs_get) \
	X("DELETE","/api/v1/jobs/{id}",                      4 * KIB, MAY_OPERATE, false, jobs_cancel) \
	X("GET",   "/api/v1/versions/history",               NO_BODY, MAY_VIEW, false, versions_history) \
	X("GET",    "/api/v1/versions",                        NO_BODY,  MAY_VIEW | SCOPED, false, versions_list) \
	X("GET",    "/api/v1/events",                          NO_BODY,  MAY_VIEW | SCOPED, false, events_stream) \
	/* audit */                                                                      \
	X("GET",    "/api/v1/audit",                           NO_BODY,  MAY_VIEW, false, audit_list) \
	X("GET",    "/api/v1/audit/checkpoint",                NO_BODY,  MAY_VIEW, false, audit_checkpoint) \
	X("GET",    "/api/v1/audit/key",                       NO_BODY,  MAY_VIEW, false, audit_key) \
	X("GET",    "/api/v1/audit/tile/{path*}",              NO_BODY,  MAY_VIEW, false, audit_tile) \
	X("GET",    "/api/v1/audit/proof/inclusion",           NO_BODY,  MAY_VIEW, false, audit_inclusion) \
	X("GET",    "/api/v1/audit/proof/consistency",         NO_BODY,  MAY_VIEW, false, audit_consistency) \
	/* webhooks */                                                                   \
	X("GET",    "/api/v1/webhooks",                        NO_BODY,  MAY_ADMINISTER, false, webhooks_list) \
	X("POST",   "/api/v1/webhooks",                        4 * KIB,  MAY_ADMINISTER | FRESH, false, webhooks_create) \
	X("GET",    "/api/v1/webhooks/{id}",                   NO_BODY,  MAY_ADMINISTER, false, webhooks_get) \
	X("PATCH",  "/api/v1/webhooks/{id}",                   4 * KIB,  MAY_ADMINISTER | FRESH, false, webhooks_update) \
	X("DELETE", "/api/v1/webhooks/{id}",                   4 * KIB,  MAY_ADMINISTER, false, webhooks_delete) \
	X("GET",    "/api/v1/webhooks/{id}/deliveries",        NO_BODY,  MAY_ADMINISTER, false, webhooks_deliveries) \
	X("POST",   "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", 4 * KIB, MAY_ADMINISTER, false, webhooks_replay) \
	X("GET",    "/healthz",                                NO_BODY,  ANYBODY,  false, health_live) \
	X("GET",    "/readyz",                                 NO_BODY,  ANYBODY,  false, health_ready) \
	X("GET",    "/metrics",                                NO_BODY,  MAY_VIEW | SUPER, false, metrics_get)
/* clang-format on */

enum {
#define X(method_, pattern_, body_, permission_, device_side_, handler) ROW_##handler,
	ROUTES(X)
#undef X
	    N_ROWS
};

static const struct api_row rows[N_ROWS] = {
#define X(method_, pattern_, body_, permission_, device_side_, handler)                \
	[ROW_##handler] = {.method = method_,                                          \
			   .pattern = pattern_,                                        \
			   .max_body = body_,                                          \
			   .permission = permission_,                                  \
			   .permission_name = #permission_,                            \
			   .device_side = device_side_,                                \
			   .name = #handler,                                           \
			   .handle = handle_##handler},
    ROUTES(X)
#undef X
};

/* HTTP hands a handler the request and nothing of the row: each row has a function of
 * its own that knows it. */
#define X(method_, pattern_, body_, permission_, device_side_, handler)                \
	static void enter_##handler(struct http_request *r, void *app)                 \
	{                                                                              \
		api_enter(r, app, &rows[ROW_##handler]);                               \
	}
ROUTES(X)
#undef X

static const struct http_route routes[] = {
#define X(method_, pattern_, body_, permission_, device_side_, handler)                \
	{.method = method_,                                                            \
	 .pattern = pattern_,                                                          \
	 .max_body = body_,                                                            \
	 .handle = enter_##handler},
    ROUTES(X)
#undef X
    /* all else is the console, which anybody may look at: it shows nothing by itself */
    {.method = "GET", .pattern = "/{path*}", .handle = assets_handle},
};

const struct http_route *api_routes(size_t *ret_n)
{
	*ret_n = N_ELEMS(routes);
	return routes;
}

const struct api_row *api_rows(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}
