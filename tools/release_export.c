/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota release export: the self-contained .ota for devices without a network. The
 * metadata is what the server publishes now, taken by the TUF client from the bundle's
 * first root (or
 * --root) onwards; the payload is the local bundle's. What comes out is verified once
 * more, as a device would.
 */
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "api.h"
#include "package.h"
#include "table.h"
#include "vouch.h"

#include <inttypes.h>
#include <string.h>

const struct option release_export_options[] = {
    {NULL, "root", OPT_PATH, AT(root_file), NULL, NULL,
     "root.json to begin with, instead of the bundle's first one"},
    OPTIONS_SERVER,
    OPTION_END,
};

struct export
{
	struct api api;
	struct package package;
	struct package_metadata metadata;
};

static void export_fini(struct export *x)
{
	api_fini(&x->api);
	package_fini(&x->package);
	package_metadata_fini(&x->metadata);
}

/* Where a fetched file is kept for the new bundle; NULL: nowhere (a delegated
 * role's). */
static struct buf *place_for(struct export *x, const char *path)
{
	struct package_metadata *m = &x->metadata;

	if (text_ends_with(path, ".root.json"))
		return m->n_roots < PACKAGE_MAX_ROOTS ? &m->roots[m->n_roots++] : NULL;
	if (strcmp(path, "timestamp.json") == 0)
		return &m->timestamp;
	if (text_ends_with(path, ".snapshot.json"))
		return &m->snapshot;
	return text_ends_with(path, ".targets.json") ? &m->targets : NULL;
}

static int fetch(void *ctx, const struct tuf_request *r, struct buf *ret, struct err *e)
{
	struct export *x = ctx;
	AUTO(buf) struct buf path = BUF_INIT(1024);
	struct buf *place;
	int there;

	if (buf_add_str(&path, "/", e) < 0 || api_escape(&path, x->api.tenant, e) < 0 ||
	    buf_printf(&path, e, "/repository/metadata/%s", r->path) < 0)
		return -1;
	there = api_fetch(&x->api, buf_str(&path), ret, e);
	place = there == 1 ? place_for(x, r->path) : NULL;
	if (place == NULL)
		return there;
	buf_clear(place);
	return buf_add(place, ret->data, ret->len, e) < 0 ? -1 : 1;
}

static int first_root(struct export *x, const char *root_file, struct err *e)
{
	const struct part *part = bundle_find(&x->package.table, PART_ROOT, 0);

	x->metadata.n_roots = 1;
	if (root_file != NULL)
		return file_read(root_file, &x->metadata.roots[0], e);
	if (part == NULL)
		return err_set(e, ERR_UNTRUSTED,
			       "%s has no root to begin with: give --root root.json",
			       x->package.path);
	return package_read_part(&x->package, part, &x->metadata.roots[0], e);
}

static int collect(struct export *x, struct err *e)
{
	const struct buf *root = &x->metadata.roots[0];
	const struct package *p = &x->package;
	struct vouch_result v;

	if (vouch(root->data, root->len, p->target, false, fetch, x, &v, e) < 0) {
		if (e->code == ERR_NOT_FOUND)
			return err_set(
			    e, ERR_UNSIGNED,
			    "%s is not published on %s: run ota release push",
			    p->target, buf_str(&x->api.base));
		return err_wrap(e, "metadata of %s", buf_str(&x->api.base));
	}
	if (v.target.length != p->manifest_bytes.len ||
	    memcmp(v.target.sha256, p->manifest_sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "the server publishes another %s than %s",
			       p->target, p->path);
	return 0;
}

static int print_result(const char *path, const struct package *p,
			const struct vouched *v, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();
	int64_t root_version = (int64_t)v->root_version;
	int64_t targets_version = (int64_t)v->targets_version;

	if (json_set(j, "file", json_new_text(path), e) < 0 ||
	    json_set(j, "product", json_new_text(p->manifest.product), e) < 0 ||
	    json_set(j, "version", json_new_text(p->manifest.version), e) < 0 ||
	    json_set(j, "root_version", json_new_int(root_version), e) < 0 ||
	    json_set(j, "targets_version", json_new_int(targets_version), e) < 0)
		return -1;
	return print_json(j, e);
}

/* As a device would: nothing but the new file and the root it began with. */
static int check_result(const char *path, const struct buf *root, bool as_json,
			struct err *e)
{
	AUTO(package) struct package p = {.fd = -1};
	struct vouched v;

	if (package_open(&p, path, e) < 0 ||
	    package_vouched(&p, root->data, root->len, &v, e) < 0)
		return -1;
	if (as_json)
		return print_result(path, &p, &v, e);
	(void)printf("%s: %s %s, vouched for by targets version %" PRIu64
		     " under root version %" PRIu64 ".\n",
		     path, p.manifest.product, p.manifest.version, v.targets_version,
		     v.root_version);
	return 0;
}

RUN(release_export)
{
	const struct ota *o = values;
	AUTO(export) struct export x = {.package = {.fd = -1}};

	(void)n_operands;
	(void)log;
	package_metadata_init(&x.metadata);
	if (package_open(&x.package, operands[0], e) < 0 ||
	    manifest_check_images(&x.package.manifest, e) < 0 ||
	    package_check_body(&x.package, e) < 0 ||
	    api_init(&x.api, o, false, e) < 0 || first_root(&x, o->root_file, e) < 0 ||
	    collect(&x, e) < 0 ||
	    package_write(&x.package, &x.metadata, operands[1], e) < 0)
		return -1;
	return check_result(operands[1], &x.metadata.roots[0], o->json, e);
}
