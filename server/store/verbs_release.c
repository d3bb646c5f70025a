/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of releases, artifacts, uploads and the published metadata. */
#include "verbs.h"

#include "../../common/base/text.h"

#include <string.h>

/* ---- releases ---- */

static int load_images(struct conn *db, const char *tenant, struct release *r,
		       struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_IMAGE_LIST, &q, e, ARGS(ARG_T(tenant), ARG_T(r->id))) <
	    0)
		return -1;
	for (r->n_images = 0; r->n_images < MAX_IMAGES; r->n_images++) {
		struct image *i = &r->images[r->n_images];

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_text(&q, 0, i->name, sizeof(i->name));
		i->size = (uint64_t)query_int(&q, 1);
		query_bytes(&q, 2, i->salt, sizeof(i->salt));
		query_bytes(&q, 3, i->root_hash, sizeof(i->root_hash));
	}
	return 0;
}

static int load_files(struct conn *db, const char *tenant, struct release *r,
		      struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	bool row;

	if (query_open(db, SQL_FILE_LIST, &q, e, ARGS(ARG_T(tenant), ARG_T(r->id))) < 0)
		return -1;
	for (r->n_files = 0; r->n_files < MAX_FILES; r->n_files++) {
		struct release_file *f = &r->files[r->n_files];

		if (query_step(&q, &row, e) < 0)
			return -1;
		if (!row)
			return 0;
		query_text(&q, 0, f->name, sizeof(f->name));
		f->part = (enum file_part)query_int(&q, 1);
		f->size = (uint64_t)query_int(&q, 2);
		query_bytes(&q, 3, f->sha256, sizeof(f->sha256));
	}
	return 0;
}

/* Hardware ids have no blanks: they stand in one column, blank-separated. */
static void split_hardware(const char *text, struct release *r)
{
	while (*text != '\0' && r->n_hardware < MAX_HARDWARE) {
		size_t len = strcspn(text, " ");

		if (len > HARDWARE_MAX_LEN)
			len = HARDWARE_MAX_LEN;
		memcpy(r->hardware[r->n_hardware], text, len);
		r->n_hardware++;
		text += len;
		text += strspn(text, " ");
	}
}

static int load_release(struct conn *db, const char *tenant, const struct query *q,
			void *ret, struct err *e)
{
	char hardware[MAX_HARDWARE * (HARDWARE_MAX_LEN + 1)];
	struct release *r = ret;

	memset(r, 0, sizeof(*r));
	query_text(q, 0, r->id, sizeof(r->id));
	query_text(q, 1, r->product, sizeof(r->product));
	query_text(q, 2, r->version, sizeof(r->version));
	r->security_version = (uint32_t)query_int(q, 3);
	query_text(q, 4, hardware, sizeof(hardware));
	split_hardware(hardware, r);
	query_text(q, 5, r->notes, sizeof(r->notes));
	query_bytes(q, 6, r->manifest_sha256, SHA256_LEN);
	query_bytes(q, 7, r->descriptor_sha256, SHA256_LEN);
	query_bytes(q, 8, r->head_sha256, SHA256_LEN);
	query_bytes(q, 9, r->body_sha256, SHA256_LEN);
	r->head_size = (uint64_t)query_int(q, 10);
	r->body_size = (uint64_t)query_int(q, 11);
	r->created_at = query_int(q, 12);
	r->security_only = query_int(q, 13) != 0;
	r->raise_floor_to = (uint32_t)query_int(q, 14);
	r->withdrawn_at = query_int(q, 15);
	query_text(q, 16, r->withdrawn_by, sizeof(r->withdrawn_by));
	query_text(q, 17, r->withdrawn_reason, sizeof(r->withdrawn_reason));
	r->unlisted_at = query_int(q, 18);
	if (load_images(db, tenant, r, e) < 0)
		return -1;
	return load_files(db, tenant, r, e);
}

static int insert_images(struct conn *db, const struct store_call *c,
			 const struct release *r, struct err *e)
{
	for (size_t n = 0; n < r->n_images; n++) {
		const struct image *i = &r->images[n];

		if (query_run(db, SQL_IMAGE_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_I(n),
				   ARG_T(i->name), ARG_I(i->size),
				   ARG_B(i->salt, sizeof(i->salt)),
				   ARG_B(i->root_hash, sizeof(i->root_hash)))) < 0)
			return -1;
	}
	return 0;
}

static int insert_files(struct conn *db, const struct store_call *c,
			const struct release *r, struct err *e)
{
	for (size_t n = 0; n < r->n_files; n++) {
		const struct release_file *f = &r->files[n];

		if (query_run(db, SQL_FILE_INSERT, e,
			      ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_I(n),
				   ARG_T(f->name), ARG_I(f->part), ARG_I(f->size),
				   ARG_B(f->sha256, sizeof(f->sha256)))) < 0)
			return -1;
	}
	return 0;
}

int release_insert(struct conn *db, struct store_call *c, const struct release *r,
		   struct err *e)
{
	AUTO(buf) struct buf hardware = BUF_INIT(MAX_HARDWARE * (HARDWARE_MAX_LEN + 1));

	for (size_t i = 0; i < r->n_hardware; i++) {
		if (buf_printf(&hardware, e, "%s%s", i == 0 ? "" : " ",
			       r->hardware[i]) < 0)
			return -1;
	}
	if (query_run(db, SQL_RELEASE_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(r->id), ARG_T(r->product),
			   ARG_T(r->version), ARG_I(r->security_version),
			   ARG_T(buf_str(&hardware)), ARG_T(r->notes),
			   ARG_B(r->manifest_sha256, SHA256_LEN),
			   ARG_B(r->descriptor_sha256, SHA256_LEN),
			   ARG_B(r->head_sha256, SHA256_LEN),
			   ARG_B(r->body_sha256, SHA256_LEN), ARG_I(r->head_size),
			   ARG_I(r->body_size), ARG_I(c->now_ms),
			   ARG_I(r->security_only), ARG_I(r->raise_floor_to))) < 0) {
		if (e->code == ERR_CONFLICT)
			(void)err_set(e, ERR_CONFLICT,
				      "there is a release %s of %s already", r->version,
				      r->product);
		return -1;
	}
	if (insert_images(db, c, r, e) < 0)
		return -1;
	return insert_files(db, c, r, e);
}

int release_load_by_id(struct conn *db, const struct store_call *c, const char *id,
		       struct release *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_RELEASE_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_T(id))) <
		0 ||
	    step_one(&q, "release", id, e) < 0)
		return -1;
	return load_release(db, c->tenant, &q, ret, e);
}

int verb_RELEASE_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	if (release_insert(db, c, &c->in.release, e) < 0)
		return -1;
	return release_load_by_id(db, c, c->in.release.id, &c->out.release, e);
}

int verb_RELEASE_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return release_load_by_id(db, c, c->in.release_id, &c->out.release, e);
}

int verb_RELEASE_LIST(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	unsigned limit = page_limit(&c->in.page);

	if (query_open(
		db, SQL_RELEASE_LIST, &q, e,
		ARGS(ARG_T(c->tenant), ARG_T(c->in.page.after), ARG_I(limit + 1))) < 0)
		return -1;
	return load_items(&q, c, limit, sizeof(struct release), load_release, e);
}

/* ---- artifacts ---- */

static int load_artifact(struct conn *db, const char *tenant, const struct query *q,
			 void *ret, struct err *e)
{
	struct artifact *a = ret;

	(void)db;
	(void)tenant;
	(void)e;
	query_bytes(q, 0, a->sha256, SHA256_LEN);
	query_bytes(q, 1, a->sha1, SHA1_LEN);
	query_bytes(q, 2, a->md5, MD5_LEN);
	a->size = (uint64_t)query_int(q, 3);
	a->created_at = query_int(q, 4);
	return 0;
}

int verb_FILE_ARTIFACTS(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(
		db, SQL_FILE_ARTIFACTS, &q, e,
		ARGS(ARG_T(c->tenant), ARG_T(c->in.release_id), ARG_I(MAX_FILES))) < 0)
		return -1;
	return load_items(&q, c, MAX_FILES, sizeof(struct artifact), load_artifact, e);
}

int verb_ARTIFACT_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	char hex[2 * SHA256_LEN + 1];

	hex_encode(c->in.hash, SHA256_LEN, hex);
	if (query_open(db, SQL_ARTIFACT_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_B(c->in.hash, SHA256_LEN))) < 0 ||
	    step_one(&q, "artifact", hex, e) < 0)
		return -1;
	return load_artifact(db, c->tenant, &q, &c->out.artifact, e);
}

int verb_ARTIFACT_PUT(struct conn *db, struct store_call *c, struct err *e)
{
	const struct artifact *a = &c->in.artifact;

	return query_run(db, SQL_ARTIFACT_PUT, e,
			 ARGS(ARG_T(c->tenant), ARG_B(a->sha256, SHA256_LEN),
			      ARG_B(a->sha1, SHA1_LEN), ARG_B(a->md5, MD5_LEN),
			      ARG_I(a->size), ARG_I(c->now_ms)));
}

#define UNUSED_AT_ONCE 100

int verb_ARTIFACT_UNUSED(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ARTIFACT_UNUSED, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_I(c->in.unused.before_ms),
			    ARG_B(c->in.unused.sha256, SHA256_LEN),
			    ARG_I(UNUSED_AT_ONCE + 1))) < 0)
		return -1;
	return load_items(&q, c, UNUSED_AT_ONCE, sizeof(struct artifact), load_artifact,
			  e);
}

int verb_ARTIFACT_DROP(struct conn *db, struct store_call *c, struct err *e)
{
	if (query_run(db, SQL_ARTIFACT_DROP, e,
		      ARGS(ARG_T(c->tenant), ARG_I(c->in.unused.before_ms),
			   ARG_B(c->in.unused.sha256, SHA256_LEN))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(e, ERR_PRECONDITION, "the artifact is in use");
	return 0;
}

/* ---- uploads ---- */

static void load_upload(const struct query *q, struct upload *u)
{
	query_text(q, 0, u->id, sizeof(u->id));
	u->size = (uint64_t)query_int(q, 1);
	query_bytes(q, 2, u->sha256, SHA256_LEN);
	u->offset = (uint64_t)query_int(q, 3);
	u->created_at = query_int(q, 4);
}

static int upload_load_by_id(struct conn *db, const struct store_call *c,
			     const char *id, struct upload *ret, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_UPLOAD_GET, &q, e, ARGS(ARG_T(c->tenant), ARG_T(id))) <
		0 ||
	    step_one(&q, "upload", id, e) < 0)
		return -1;
	load_upload(&q, ret);
	return 0;
}

static int artifact_find(struct conn *db, const struct store_call *c,
			 const uint8_t sha256[SHA256_LEN], bool *ret_found,
			 struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_ARTIFACT_GET, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_B(sha256, SHA256_LEN))) < 0)
		return -1;
	return query_step(&q, ret_found, e);
}

static int find_upload(struct conn *db, struct store_call *c, bool *ret_found,
		       struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;

	if (query_open(db, SQL_UPLOAD_FIND, &q, e,
		       ARGS(ARG_T(c->tenant), ARG_B(c->in.upload.sha256, SHA256_LEN),
			    ARG_I(c->in.upload.size))) < 0 ||
	    query_step(&q, ret_found, e) < 0)
		return -1;
	if (*ret_found)
		load_upload(&q, &c->out.upload);
	return 0;
}

int verb_UPLOAD_CREATE(struct conn *db, struct store_call *c, struct err *e)
{
	const struct upload *u = &c->in.upload;
	bool found, known;

	if (find_upload(db, c, &found, e) < 0)
		return -1;
	if (found)
		return 0;
	if (artifact_find(db, c, u->sha256, &known, e) < 0 ||
	    tenant_check_upload(db, c, known ? 0 : u->size, e) < 0)
		return -1;
	if (query_run(db, SQL_UPLOAD_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_T(u->id), ARG_I(u->size),
			   ARG_B(u->sha256, SHA256_LEN), ARG_I(c->now_ms))) < 0)
		return -1;
	return upload_load_by_id(db, c, u->id, &c->out.upload, e);
}

int verb_UPLOAD_GET(struct conn *db, struct store_call *c, struct err *e)
{
	return upload_load_by_id(db, c, c->in.upload_id, &c->out.upload, e);
}

int verb_UPLOAD_ADVANCE(struct conn *db, struct store_call *c, struct err *e)
{
	const char *id = c->in.advance.id;

	if (query_run(db, SQL_UPLOAD_ADVANCE, e,
		      ARGS(ARG_T(c->tenant), ARG_T(id), ARG_I(c->in.advance.from),
			   ARG_I(c->in.advance.to))) < 0)
		return -1;
	if (conn_changes(db) == 1)
		return upload_load_by_id(db, c, id, &c->out.upload, e);
	if (upload_load_by_id(db, c, id, &c->out.upload, e) < 0)
		return -1;
	return err_set(e, ERR_PRECONDITION, "the upload stands at %llu of %llu bytes",
		       (unsigned long long)c->out.upload.offset,
		       (unsigned long long)c->out.upload.size);
}

int verb_UPLOAD_DELETE(struct conn *db, struct store_call *c, struct err *e)
{
	return query_run(db, SQL_UPLOAD_DELETE, e,
			 ARGS(ARG_T(c->tenant), ARG_T(c->in.upload_id)));
}

/* ---- the published repository ---- */

int verb_METADATA_GET(struct conn *db, struct store_call *c, struct err *e)
{
	AUTO(query) struct query q = QUERY_INIT;
	uint64_t version = c->in.metadata.version;
	const struct arg args[] = {ARG_T(c->tenant), ARG_I(c->in.metadata.role),
				   ARG_I(version)};

	if (query_open(db, version == 0 ? SQL_METADATA_NEWEST : SQL_METADATA_GET, &q, e,
		       args, version == 0 ? 2 : 3) < 0 ||
	    step_one(&q, "metadata", metadata_role_name(c->in.metadata.role), e) < 0)
		return -1;
	c->out.metadata_version = (uint64_t)query_int(&q, 0);
	return query_blob(&q, 1, &c->blob, e);
}

static int publish_one(struct conn *db, const struct store_call *c,
		       const struct publication *p, struct err *e)
{
	if (query_run(db, SQL_METADATA_INSERT, e,
		      ARGS(ARG_T(c->tenant), ARG_I(p->role), ARG_I(p->version),
			   ARG_B(p->data, p->len), ARG_I(p->expect_version))) < 0)
		return -1;
	if (conn_changes(db) == 0)
		return err_set(
		    e, ERR_PRECONDITION,
		    "%s is no longer at version %llu, or %llu is not above it",
		    metadata_role_name(p->role), (unsigned long long)p->expect_version,
		    (unsigned long long)p->version);
	if (p->role ==
	    ROLE_ROOT) /* the chain of roots is kept for devices that were long off */
		return 0;
	return query_run(db, SQL_METADATA_PRUNE, e,
			 ARGS(ARG_T(c->tenant), ARG_I(p->role)));
}

int verb_METADATA_PUBLISH(struct conn *db, struct store_call *c, struct err *e)
{
	const struct publication *p = c->items;

	for (size_t i = 0; i < c->n_items; i++) {
		if (publish_one(db, c, &p[i], e) < 0 ||
		    (p[i].role == ROLE_TARGETS && withdrawn_unlist(db, c, e) < 0))
			return -1;
	}
	if (online_roles_publish(db, c, e) < 0)
		return -1;
	if (c->in.publish.has_release)
		return release_insert(db, c, &c->in.publish.release, e);
	return 0;
}
