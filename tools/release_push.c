/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota release push: a signed bundle to the server, in parts that resume. Roots that the
 * server does not have go first (the first one claims the repository). The server
 * checks all of it again, with the client that devices use, before it publishes.
 */
#include "../common/base/text.h"
#include "../publish/repo/repo.h"
#include "package.h"
#include "root_send.h"
#include "upload.h"

#include <inttypes.h>

const struct option release_push_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

static int send_roots(const struct api *a, const struct package *p, struct err *e)
{
	const struct part *part;
	uint64_t known;

	if (root_known(a, &known, e) < 0)
		return -1;
	for (size_t i = 0; (part = bundle_find(&p->table, PART_ROOT, i)) != NULL; i++) {
		AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
		uint64_t version;
		int64_t expires_ms;

		if (package_read_part(p, part, &root, e) < 0 ||
		    repo_peek(root.data, root.len, "root", &version, &expires_ms, e) <
			0)
			return -1;
		if (version > known && root_send(a, &root, e) < 0)
			return err_wrap(e, "root version %" PRIu64, version);
	}
	return 0;
}

static const struct {
	enum part_type type;
	const char *name;
} pieces[] = {
    {PART_TARGETS, "targets"},
    {PART_MANIFEST, "manifest"},
    {PART_DESCRIPTOR, "descriptor"},
    {PART_HEAD, "head"},
    {PART_BODY, "body"},
};

static int send_part(const struct api *a, const struct package *p,
		     const struct part *part, const char *name,
		     char ret_sha256[2 * SHA256_LEN + 1], struct err *e)
{
	struct upload_source source = {
	    .fd = p->fd, .offset = part->offset, .len = part->length};
	AUTO(progress) struct progress bar;

	progress_begin(&bar, name);
	if (upload_send(a, &source, &bar, ret_sha256, e) < 0)
		return err_wrap(e, "%s", name);
	return 0;
}

static int send_piece(const struct api *a, const struct package *p, size_t i,
		      struct json *request, struct err *e)
{
	const struct part *part = bundle_find(&p->table, pieces[i].type, 0);
	char sha256_text[2 * SHA256_LEN + 1];

	if (part == NULL) /* a release of files alone */
		return 0;
	if (send_part(a, p, part, pieces[i].name, sha256_text, e) < 0)
		return -1;
	return json_set(request, pieces[i].name, json_new_text(sha256_text), e);
}

/* The manifest names them: the request need not. */
static int send_files(const struct api *a, const struct package *p, struct err *e)
{
	char sha256_text[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < p->manifest.n_files; i++) {
		if (send_part(a, p, bundle_find(&p->table, PART_FILE, i),
			      p->manifest.files[i].name, sha256_text, e) < 0)
			return -1;
	}
	return 0;
}

/* The bundle's own roots are all there is to check against here; the server knows
 * better. */
static int check_signed(const struct package *p, struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
	const struct part *part = bundle_find(&p->table, PART_ROOT, 0);
	struct vouched v;

	if (package_need_signed(p, e) < 0)
		return -1;
	if (part == NULL)
		return err_set(e, ERR_UNSIGNED,
			       "%s has no root: run ota release sign again", p->path);
	if (package_read_part(p, part, &root, e) < 0 ||
	    package_vouched(p, root.data, root.len, &v, e) < 0)
		return -1;
	return package_check_body(p, e);
}

static int push(const struct api *a, const struct package *p, struct json **ret,
		struct err *e)
{
	AUTO_PTR(json) struct json *request = json_new_object();

	if (send_roots(a, p, e) < 0)
		return -1;
	for (size_t i = 0; i < N_ELEMS(pieces); i++) {
		if (send_piece(a, p, i, request, e) < 0)
			return -1;
	}
	if (send_files(a, p, e) < 0)
		return -1;
	return api_call(a, "POST", "/api/v1/releases", request, ret, e);
}

RUN(release_push)
{
	const struct ota *o = values;
	AUTO(package) struct package p = {.fd = -1};
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *release = NULL;
	const char *id = "?";
	char safe[SAFE_TEXT_LEN];

	(void)n_operands;
	(void)log;
	if (package_open(&p, operands[0], e) < 0 || check_signed(&p, e) < 0 ||
	    api_init(&a, o, true, e) < 0)
		return -1;
	if (push(&a, &p, &release, e) < 0)
		return err_wrap(e, "push %s", operands[0]);
	if (o->json)
		return print_json(release, e);
	if (json_opt_text(release, "id", &id, e) < 0)
		return -1;
	(void)printf(
	    "Published %s %s as release %s. Next: ota device assign DEVICE %s.\n",
	    p.manifest.product, p.manifest.version, safe_text(id, safe), safe);
	return 0;
}
