/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for devices: the payload as DDI has it, content by hash, and the TUF
 * repository. */
#include "api.h"
#include "device_delta.h"
#include "settings.h"
#include "repository_path.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void not_found(struct api_call *a, const char *what)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, ERR_NOT_FOUND, "there is no such %s", what);
	api_fail(a, &e);
}

static void send_artifact(struct api_call *a, const uint8_t sha256[SHA256_LEN],
			  const char *type, const char *etag)
{
	struct home *home = api_home(a);
	struct err e = ERR_INIT;
	uint64_t size;
	int fd;

	if (home == NULL)
		return;
	if (artifacts_open(home->artifacts, sha256, &fd, &size, &e) < 0)
		api_fail(a, &e);
	else
		http_reply_file(a->http, fd, size, type, etag);
}

/* ---- softwaremodules: the files of the device's own open action ---- */

/* What it is shown it may fetch, and while it is asked to stop it may still be at it. */
static bool may_fetch(const struct api_call *a)
{
	struct handling h;

	device_handling(a, &h);
	return device_was_shown(a) &&
	       (h.show == SHOW_DEPLOYMENT || h.show == SHOW_CANCEL);
}

static void with_artifacts(struct api_call *a, void (*then)(struct api_call *a))
{
	if (may_fetch(a))
		load_artifacts(a, then);
	else
		not_found(a, "artifact");
}

static void send_md5(struct api_call *a, const struct artifact *f, const char *name)
{
	char hex[2 * MD5_LEN + 1], line[2 * MD5_LEN + FILE_NAME_MAX_LEN + 4];

	hex_encode(f->md5, MD5_LEN, hex);
	(void)snprintf(line, sizeof(line), "%s  %s\n", hex, name);
	api_reply_text(a, 200, "text/plain", line, strlen(line));
}

static const char *name_of(const struct api_call *a, size_t i)
{
	return handling_gives_files(&a->device, &a->release) ? a->release.files[i].name
							     : PAYLOAD_FILE_NAME;
}

static void send_named(struct api_call *a)
{
	const char *want = http_param(a->http, "file");
	char etag[2 * SHA1_LEN + 1];

	for (size_t i = 0; i < a->n_artifacts; i++) {
		const char *name = name_of(a, i);
		size_t len = strlen(name);

		if (strncmp(want, name, len) != 0)
			continue;
		if (strcmp(want + len, ".MD5SUM") == 0) {
			send_md5(a, &a->artifacts[i], name);
			return;
		}
		if (want[len] != '\0')
			continue;
		hex_encode(a->artifacts[i].sha1, SHA1_LEN, etag);
		send_artifact(a, a->artifacts[i].sha256, "application/octet-stream",
			      etag);
		return;
	}
	not_found(a, "artifact");
}

static void find_artifact(struct api_call *a)
{
	with_artifacts(a, send_named);
}

void handle_device_artifact(struct api_call *a)
{
	load_own_action(a, find_artifact);
}

static struct json *render_listing(struct api_call *a, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	AUTO_FREE struct ddi_artifact *f = NULL;

	for (size_t i = 0; i < a->n_artifacts; i++) {
		free(f);
		f = calloc(1, sizeof(*f));
		if (f == NULL)
			(void)err_nomem(e);
		if (f == NULL || device_artifact_fill(a, i, f, e) < 0 ||
		    ddi_artifact_write(list, f, settings_plain_base(a), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static void send_listing(struct api_call *a)
{
	struct err e = ERR_INIT;
	struct json *list = render_listing(a, &e);

	if (list == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, list);
}

static void find_listing(struct api_call *a)
{
	with_artifacts(a, send_listing);
}

void handle_device_artifacts(struct api_call *a)
{
	load_own_action(a, find_listing);
}

/* ---- content by hash: what the device's own open deployment consists of ---- */

static void find_in_delta(struct api_call *a)
{
	const char *hex = http_param(a->http, "sha256");
	struct err e = ERR_INIT;
	uint8_t want[SHA256_LEN];

	if (a->delta.id != 0 && hex_decode(hex, want, sizeof(want), &e) == 0 &&
	    (memcmp(a->delta.head_sha256, want, SHA256_LEN) == 0 ||
	     memcmp(a->delta.body_sha256, want, SHA256_LEN) == 0))
		send_artifact(a, want, "application/octet-stream", hex);
	else
		not_found(a, "content in your deployment");
}

static void find_content(struct api_call *a)
{
	const struct release *r = &a->release;
	const char *hex = http_param(a->http, "sha256");
	const uint8_t *const parts[] = {r->manifest_sha256, r->descriptor_sha256,
					r->head_sha256, r->body_sha256};
	struct err e = ERR_INIT;
	uint8_t want[SHA256_LEN];

	if (hex_decode(hex, want, sizeof(want), &e) < 0 || r->n_images == 0 ||
	    !may_fetch(a)) {
		not_found(a, "content");
		return;
	}
	for (size_t i = 0; i < N_ELEMS(parts); i++) {
		if (memcmp(parts[i], want, SHA256_LEN) == 0) {
			send_artifact(a, want, "application/octet-stream", hex);
			return;
		}
	}
	load_delta(a, find_in_delta);
}

void handle_device_content(struct api_call *a)
{
	load_open_action(a, find_content);
}

/* ---- the TUF repository: public, since all of it is signed and none of it secret ---- */

static void got_metadata(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	http_add_header(a->http, "Cache-Control",
			c->in.metadata.version == 0 ? "no-cache"
						    : "public, max-age=31536000");
	api_reply_text(a, 200, "application/json", buf_str(&c->blob), c->blob.len);
}

static void got_online_role(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;

	if (api_failed(a, c))
		return;
	http_add_header(a->http, "Cache-Control", "public, max-age=31536000");
	api_reply_text(a, 200, "application/json", buf_str(&c->blob), c->blob.len);
}

static void serve_online_role(struct api_call *a, const char *file)
{
	struct online_role role;
	struct store_call *c;

	if (repository_parse_role(file, &role) < 0) {
		not_found(a, "metadata");
		return;
	}
	c = api_store(a, STORE_ONLINE_ROLE_GET, got_online_role);
	if (c == NULL)
		return;
	c->in.online_role = role;
	api_submit(a, c);
}

void handle_repository_metadata(struct api_call *a)
{
	const char *file = http_param(a->http, "file");
	enum metadata_role role;
	uint64_t version;
	struct store_call *c;

	if (repository_parse_metadata(file, &role, &version) < 0) {
		serve_online_role(a, file);
		return;
	}
	c = api_store(a, STORE_METADATA_GET, got_metadata);
	if (c == NULL)
		return;
	c->in.metadata.role = role;
	c->in.metadata.version = version;
	api_submit(a, c);
}

static void got_target_release(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	uint8_t want[SHA256_LEN];
	char etag[2 * SHA256_LEN + 1];

	if (c->err.code == ERR_NONE &&
	    (repository_parse_target(http_param(a->http, "path"), want) < 0 ||
	     memcmp(c->out.release.manifest_sha256, want, SHA256_LEN) != 0)) {
		not_found(a, "target");
		return;
	}
	if (api_failed(a, c))
		return;
	hex_encode(want, SHA256_LEN, etag);
	send_artifact(a, want, "application/json", etag);
}

/* Only manifests of releases: payloads are for the devices they are assigned to. */
void handle_repository_target(struct api_call *a)
{
	uint8_t want[SHA256_LEN];
	char id[2 * SHA256_LEN + 1];
	struct store_call *c;

	if (repository_parse_target(http_param(a->http, "path"), want) < 0) {
		not_found(a, "target");
		return;
	}
	c = api_store(a, STORE_RELEASE_GET, got_target_release);
	if (c == NULL)
		return;
	hex_encode(want, SHA256_LEN, id);
	memcpy(c->in.release_id, id, RELEASE_ID_LEN);
	api_submit(a, c);
}
