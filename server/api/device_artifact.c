/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for devices: the payload as DDI has it, content by hash, and the TUF
 * repository. */
#include "api.h"
#include "repository_path.h"

#include "../../common/base/text.h"

#include <inttypes.h>
#include <string.h>

#define FILE_NAME "payload"

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

/* ---- softwaremodules: the body of the device's own open action ---- */

static void with_artifact(struct api_call *a, void (*done)(struct store_call *c))
{
	struct store_call *c;

	if (!deployment_is_open(a->deployment.state)) {
		not_found(a, "artifact");
		return;
	}
	c = api_store(a, STORE_ARTIFACT_GET, done);
	if (c == NULL)
		return;
	memcpy(c->in.hash, a->release.body_sha256, SHA256_LEN);
	api_submit(a, c);
}

static void send_md5(struct api_call *a, const struct artifact *f)
{
	char hex[2 * MD5_LEN + 1], line[2 * MD5_LEN + sizeof(FILE_NAME) + 4];

	hex_encode(f->md5, MD5_LEN, hex);
	(void)snprintf(line, sizeof(line), "%s  " FILE_NAME "\n", hex);
	api_reply_text(a, 200, "text/plain", line, strlen(line));
}

static void got_artifact(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	const char *file = http_param(a->http, "file");
	char etag[2 * SHA1_LEN + 1];

	if (api_failed(a, c))
		return;
	hex_encode(c->out.artifact.sha1, SHA1_LEN, etag);
	if (strcmp(file, FILE_NAME ".MD5SUM") == 0)
		send_md5(a, &c->out.artifact);
	else if (strcmp(file, FILE_NAME) == 0)
		send_artifact(a, c->out.artifact.sha256, "application/octet-stream",
			      etag);
	else
		not_found(a, "artifact");
}

static void find_artifact(struct api_call *a)
{
	with_artifact(a, got_artifact);
}

void handle_device_artifact(struct api_call *a)
{
	load_own_action(a, find_artifact);
}

static int set_hash(struct json *o, const char *key, const uint8_t *hash, size_t len,
		    struct err *e)
{
	return json_set(o, key, json_new_hex(hash, len), e);
}

static struct json *render_listing(struct api_call *a, const struct artifact *f,
				   struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	AUTO_PTR(json) struct json *o = json_new_object();
	AUTO_PTR(json) struct json *hashes = json_new_object();
	AUTO_PTR(json) struct json *links = json_new_object();
	AUTO_PTR(json) struct json *link = json_new_object();
	char url[512];

	if (device_url(a, url, sizeof(url), e,
		       "/softwaremodules/%llu/artifacts/" FILE_NAME,
		       (unsigned long long)a->deployment.id) < 0)
		return NULL;
	if (list == NULL || o == NULL || hashes == NULL || links == NULL ||
	    link == NULL || set_hash(hashes, "sha1", f->sha1, SHA1_LEN, e) < 0 ||
	    set_hash(hashes, "md5", f->md5, MD5_LEN, e) < 0 ||
	    set_hash(hashes, "sha256", f->sha256, SHA256_LEN, e) < 0 ||
	    json_set(link, "href", json_new_text(url), e) < 0 ||
	    json_set(links, "download", TAKE(link), e) < 0 ||
	    json_set(o, "filename", json_new_text(FILE_NAME), e) < 0 ||
	    json_set(o, "hashes", TAKE(hashes), e) < 0 ||
	    json_set(o, "size", json_new_int((int64_t)f->size), e) < 0 ||
	    json_set(o, "_links", TAKE(links), e) < 0 ||
	    json_append(list, TAKE(o), e) < 0)
		return NULL;
	return TAKE(list);
}

static void got_listing(struct store_call *c)
{
	AUTO_PTR(store_call) struct store_call *owned = c;
	struct api_call *a = c->ctx;
	struct err e = ERR_INIT;
	struct json *list;

	if (api_failed(a, c))
		return;
	list = render_listing(a, &c->out.artifact, &e);
	if (list == NULL)
		api_fail(a, &e);
	else
		api_reply_json(a, 200, list);
}

static void find_listing(struct api_call *a)
{
	with_artifact(a, got_listing);
}

void handle_device_artifacts(struct api_call *a)
{
	load_own_action(a, find_listing);
}

/* ---- content by hash: what the device's own open deployment consists of ---- */

static void find_content(struct api_call *a)
{
	const struct release *r = &a->release;
	const char *hex = http_param(a->http, "sha256");
	const uint8_t *const parts[] = {r->manifest_sha256, r->descriptor_sha256,
					r->head_sha256, r->body_sha256};
	struct err e = ERR_INIT;
	uint8_t want[SHA256_LEN];

	if (hex_decode(hex, want, sizeof(want), &e) < 0) {
		not_found(a, "content");
		return;
	}
	for (size_t i = 0; i < N_ELEMS(parts); i++) {
		if (memcmp(parts[i], want, SHA256_LEN) == 0) {
			send_artifact(a, want, "application/octet-stream", hex);
			return;
		}
	}
	not_found(a, "content in your deployment");
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

void handle_repository_metadata(struct api_call *a)
{
	enum metadata_role role;
	uint64_t version;
	struct store_call *c;

	if (repository_parse_metadata(http_param(a->http, "file"), &role, &version) <
	    0) {
		not_found(a, "metadata");
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
