/* SPDX-License-Identifier: Apache-2.0 */
/* deploymentBase: what to install. A chunk a part, of which most clients want no more than
 * one; other clients read its artifacts, our agent the `ota:` links of the first. */
#include "link.h"

#include "../base/text.h"

#include <string.h>

#define FIRST_ID 100001u

static const char *const handling_names[] = {"skip", "attempt", "forced"};
static const char *const window_names[] = {"", "available", "unavailable"};

static int set_hex(struct json *object, const char *key, const uint8_t *digest,
		   size_t len, struct err *e)
{
	return json_set(object, key, json_new_hex(digest, len), e);
}

static int write_hashes(struct json *artifact, const struct ddi_artifact *a,
			struct err *e)
{
	struct json *hashes = ddi_set_object(artifact, "hashes", e);

	if (hashes == NULL || set_hex(hashes, "sha1", a->sha1, SHA1_LEN, e) < 0 ||
	    set_hex(hashes, "md5", a->md5, MD5_LEN, e) < 0)
		return -1;
	return set_hex(hashes, "sha256", a->sha256, SHA256_LEN, e);
}

static int write_delta(struct json *links, const struct ddi_delta *d, struct err *e)
{
	struct json *delta;

	if (d->name[0] == '\0')
		return 0;
	delta = ddi_set_object(links, "ota:delta", e);
	if (delta == NULL || ddi_set_text(delta, "head", d->head, e) < 0 ||
	    ddi_set_text(delta, "body", d->body, e) < 0)
		return -1;
	return ddi_set_text(delta, "name", d->name, e);
}

static int write_extensions(struct json *links, const struct ddi_artifact *a,
			    struct err *e)
{
	struct json *manifest, *payload;

	if (a->manifest[0] == '\0')
		return 0;
	manifest = ddi_set_object(links, "ota:manifest", e);
	if (manifest == NULL || ddi_set_text(manifest, "href", a->manifest, e) < 0 ||
	    ddi_set_text(manifest, "name", a->manifest_name, e) < 0)
		return -1;
	payload = ddi_set_object(links, "ota:payload", e);
	if (payload == NULL || ddi_set_text(payload, "head", a->payload_head, e) < 0 ||
	    ddi_set_text(payload, "body", a->payload_body, e) < 0)
		return -1;
	if (ddi_set_text(payload, "descriptor", a->descriptor, e) < 0)
		return -1;
	return write_delta(links, &a->delta, e);
}

/* Zephyr reads no other links than the -http ones. They lead to the same place, unless
 * somebody chose to serve these files without TLS. */
static int set_plain_link(struct json *links, const char *key, const char *url,
			  const char *plain_base, struct err *e)
{
	static const char scheme[] = "https://";
	char plain[DDI_URL_LEN];
	const char *path;

	if (plain_base == NULL || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return ddi_set_link(links, key, url, e);
	path = url + sizeof(scheme) - 1;
	path += strcspn(path, "/");
	if (text_format(plain, sizeof(plain), e, "%s%s", plain_base, path) < 0)
		return -1;
	return ddi_set_link(links, key, plain, e);
}

static int write_links(struct json *artifact, const struct ddi_artifact *a,
		       const char *plain_base, struct err *e)
{
	struct json *links = ddi_set_object(artifact, "_links", e);

	if (links == NULL || ddi_set_link(links, "download", a->download, e) < 0 ||
	    ddi_set_link(links, "md5sum", a->md5sum, e) < 0 ||
	    set_plain_link(links, "download-http", a->download, plain_base, e) < 0 ||
	    set_plain_link(links, "md5sum-http", a->md5sum, plain_base, e) < 0)
		return -1;
	return write_extensions(links, a, e);
}

int ddi_artifact_write(struct json *list, const struct ddi_artifact *a,
		       const char *plain_base, struct err *e)
{
	struct json *artifact = json_new_object();

	if (json_append(list, artifact, e) < 0 ||
	    ddi_set_text(artifact, "filename", a->filename, e) < 0 ||
	    json_set(artifact, "size", json_new_int((int64_t)a->size), e) < 0 ||
	    write_hashes(artifact, a, e) < 0)
		return -1;
	return write_links(artifact, a, plain_base, e);
}

/* The list that a chunk's artifacts go to; borrowed. */
static struct json *new_chunk(struct json *chunks, const struct ddi_deployment *d,
			      const char *part, struct err *e)
{
	struct json *chunk = json_new_object();

	if (json_append(chunks, chunk, e) < 0 ||
	    ddi_set_text(chunk, "part", part, e) < 0 ||
	    ddi_set_text(chunk, "version", d->version, e) < 0 ||
	    ddi_set_text(chunk, "name", d->name, e) < 0)
		return NULL;
	return ddi_set_list(chunk, "artifacts", e);
}

static int write_chunks(struct json *deployment, const struct ddi_deployment *d,
			struct err *e)
{
	struct json *chunks = ddi_set_list(deployment, "chunks", e);
	struct json *artifacts = NULL;

	if (chunks == NULL)
		return -1;
	for (size_t i = 0; i < d->n_artifacts; i++) {
		const struct ddi_artifact *a = &d->artifacts[i];

		if (i == 0 || strcmp(a->part, d->artifacts[i - 1].part) != 0)
			artifacts = new_chunk(chunks, d, a->part, e);
		if (artifacts == NULL ||
		    ddi_artifact_write(artifacts, a, d->plain_base, e) < 0)
			return -1;
	}
	return 0;
}

static int write_history(struct json *root, const struct ddi_history *h, struct err *e)
{
	struct json *history, *messages;

	if (!h->present)
		return 0;
	history = ddi_set_object(root, "actionHistory", e);
	if (history == NULL || ddi_set_text(history, "status", h->status, e) < 0)
		return -1;
	messages = ddi_set_list(history, "messages", e);
	for (size_t i = 0; messages != NULL && i < json_len(h->messages); i++) {
		const char *text = json_text(json_at(h->messages, i));

		if (json_append(messages, json_new_text(text), e) < 0)
			return -1;
	}
	return messages == NULL ? -1 : 0;
}

static int check_new_id(const char *id, struct err *e)
{
	uint64_t value = 0;

	if (ddi_id_check(id, e) < 0 || parse_u64(id, &value, e) < 0)
		return -1;
	if (value < FIRST_ID)
		return err_set(
		    e, ERR_INTERNAL,
		    "action id %s: Zephyr drops its first digit, so ids start "
		    "at %u",
		    id, FIRST_ID);
	return 0;
}

int ddi_deployment_write(const struct ddi_deployment *d, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *deployment;

	if (root == NULL)
		return err_nomem(e);
	if (check_new_id(d->id, e) < 0 || ddi_set_text(root, "id", d->id, e) < 0)
		return -1;
	deployment =
	    ddi_set_object(root, d->unconfirmed ? "confirmation" : "deployment", e);
	if (deployment == NULL ||
	    ddi_set_text(deployment, "download", handling_names[d->download], e) < 0 ||
	    ddi_set_text(deployment, "update", handling_names[d->update], e) < 0 ||
	    ddi_set_text(deployment, "maintenanceWindow", window_names[d->window], e) <
		0 ||
	    write_chunks(deployment, d, e) < 0 ||
	    write_history(root, &d->history, e) < 0)
		return -1;
	return json_write(root, ret, e);
}

static int read_name(const struct json *object, const char *key,
		     const char *const *names, size_t n, size_t *ret_index,
		     struct err *e)
{
	const char *text;

	if (json_get_text(object, key, &text, e) < 0)
		return -1;
	if (ddi_name_index(names, n, text, "skip, attempt or forced", ret_index, e) < 0)
		return err_wrap(e, "field \"%s\"", key);
	return 0;
}

static int read_hex(const struct json *hashes, const char *key, uint8_t *ret,
		    size_t len, struct err *e)
{
	return json_get(hashes, key) == NULL ? 0
					     : json_get_hex(hashes, key, ret, len, e);
}

static int read_hashes(const struct json *artifact, struct ddi_artifact *ret,
		       struct err *e)
{
	const struct json *hashes;

	if (json_get_object(artifact, "hashes", &hashes, e) < 0 ||
	    json_get_hex(hashes, "sha1", ret->sha1, SHA1_LEN, e) < 0 ||
	    read_hex(hashes, "md5", ret->md5, MD5_LEN, e) < 0)
		return -1;
	return read_hex(hashes, "sha256", ret->sha256, SHA256_LEN, e);
}

static int read_delta(const struct json *links, struct ddi_delta *ret, struct err *e)
{
	const struct json *delta = ddi_extension(links, "ota:delta");

	if (delta == NULL)
		return 0;
	if (ddi_get_text(delta, "head", ret->head, DDI_URL_LEN, e) < 0 ||
	    ddi_get_text(delta, "body", ret->body, DDI_URL_LEN, e) < 0)
		return -1;
	return ddi_get_text(delta, "name", ret->name, sizeof(ret->name), e);
}

static int read_extensions(const struct json *links, struct ddi_artifact *ret,
			   struct err *e)
{
	const struct json *manifest = ddi_extension(links, "ota:manifest");
	const struct json *payload = ddi_extension(links, "ota:payload");

	if (manifest == NULL || payload == NULL)
		return 0;
	if (ddi_get_text(manifest, "href", ret->manifest, DDI_URL_LEN, e) < 0 ||
	    ddi_get_text(manifest, "name", ret->manifest_name,
			 sizeof(ret->manifest_name), e) < 0 ||
	    ddi_get_text(payload, "head", ret->payload_head, DDI_URL_LEN, e) < 0 ||
	    ddi_get_text(payload, "body", ret->payload_body, DDI_URL_LEN, e) < 0)
		return -1;
	if (ddi_get_text(payload, "descriptor", ret->descriptor, DDI_URL_LEN, e) < 0)
		return -1;
	return read_delta(links, &ret->delta, e);
}

static int read_artifact(const struct json *artifact, struct ddi_artifact *ret,
			 struct err *e)
{
	const struct json *links = json_get(artifact, "_links");

	if (ddi_get_text(artifact, "filename", ret->filename, sizeof(ret->filename),
			 e) < 0 ||
	    json_get_u64(artifact, "size", &ret->size, e) < 0 ||
	    read_hashes(artifact, ret, e) < 0 ||
	    ddi_get_link(links, "download", ret->download, e) < 0 ||
	    ddi_get_link(links, "md5sum", ret->md5sum, e) < 0)
		return -1;
	if (ret->download[0] == '\0' &&
	    ddi_get_link(links, "download-http", ret->download, e) < 0)
		return -1;
	return read_extensions(links, ret, e);
}

static int read_chunk(const struct json *chunk, struct ddi_deployment *ret,
		      struct err *e)
{
	const struct json *artifacts;
	char part[sizeof(ret->artifacts[0].part)] = "";

	if (ddi_get_text(chunk, "part", part, sizeof(part), e) < 0 ||
	    ddi_get_text(chunk, "version", ret->version, sizeof(ret->version), e) < 0 ||
	    ddi_get_text(chunk, "name", ret->name, sizeof(ret->name), e) < 0 ||
	    json_get_array(chunk, "artifacts", &artifacts, e) < 0)
		return -1;
	if (json_len(artifacts) > DDI_MAX_ARTIFACTS - ret->n_artifacts)
		return err_set(e, ERR_LIMIT, "more than %d artifacts",
			       DDI_MAX_ARTIFACTS);
	for (size_t i = 0; i < json_len(artifacts); i++) {
		struct ddi_artifact *a = &ret->artifacts[ret->n_artifacts++];

		if (read_artifact(json_at(artifacts, i), a, e) < 0)
			return err_wrap(e, "artifact %zu", i);
		memcpy(a->part, part, sizeof(part));
	}
	return 0;
}

static int read_window(const struct json *deployment, enum ddi_window *ret,
		       struct err *e)
{
	const char *text = "";
	size_t i = 0;

	if (json_opt_text(deployment, "maintenanceWindow", &text, e) < 0 ||
	    ddi_name_index(window_names, N_ELEMS(window_names), text,
			   "available or unavailable", &i, e) < 0)
		return err_wrap(e, "field \"maintenanceWindow\"");
	*ret = (enum ddi_window)i;
	return 0;
}

static int read_deployment(const struct json *root, struct ddi_deployment *ret,
			   struct err *e)
{
	const struct json *deployment, *chunks;
	const char *id;
	size_t download = 0, update = 0;

	if (json_get_text(root, "id", &id, e) < 0 || ddi_id_check(id, e) < 0 ||
	    text_copy(ret->id, sizeof(ret->id), id, "id", e) < 0)
		return -1;
	ret->unconfirmed = json_get(root, "confirmation") != NULL;
	if (json_get_object(root, ret->unconfirmed ? "confirmation" : "deployment",
			    &deployment, e) < 0 ||
	    read_name(deployment, "download", handling_names, N_ELEMS(handling_names),
		      &download, e) < 0 ||
	    read_name(deployment, "update", handling_names, N_ELEMS(handling_names),
		      &update, e) < 0 ||
	    read_window(deployment, &ret->window, e) < 0 ||
	    json_get_array(deployment, "chunks", &chunks, e) < 0)
		return -1;
	ret->download = (enum ddi_handling)download;
	ret->update = (enum ddi_handling)update;
	if (json_len(chunks) == 0)
		return err_set(e, ERR_UNSUPPORTED, "a deployment of nothing");
	for (size_t i = 0; i < json_len(chunks); i++) {
		if (read_chunk(json_at(chunks, i), ret, e) < 0)
			return -1;
	}
	return 0;
}

int ddi_deployment_parse(const void *data, size_t len, struct ddi_deployment *ret,
			 struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse(data, len, e);

	*ret = (struct ddi_deployment){0};
	if (root == NULL || read_deployment(root, ret, e) < 0)
		return err_wrap(e, "deployment");
	return 0;
}
