/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/format/descriptor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void material_fini(struct material *m)
{
	buf_fini(&m->targets);
	buf_fini(&m->manifest_bytes);
	container_head_fini(&m->head);
}

static int check_manifest(const struct artifacts *a, const struct publish_request *q,
			  struct material *m, struct err *e)
{
	const struct manifest *read = &m->manifest;

	steps_begin(q->steps, STEP_MANIFEST);
	if (artifacts_read(a, q->manifest, &m->manifest_bytes, e) != 0 ||
	    manifest_parse(m->manifest_bytes.data, m->manifest_bytes.len, &m->manifest,
			   e) != 0)
		return err_wrap(e, "manifest");
	if (manifest_target_name(read->product, read->version, m->name, e) != 0)
		return -1;
	steps_pass(q->steps,
		   "%s %s, security version %u; raises the floor to %u (0: leaves it)",
		   read->product, read->version, read->security_version,
		   read->raise_floor_to);
	return 0;
}

static int check_descriptor(const struct artifacts *a, const struct publish_request *q,
			    const struct manifest *m, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(DESCRIPTOR_LEN);
	struct descriptor d;

	if (memcmp(q->descriptor, m->descriptor_sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "descriptor: it is not the one that the manifest names");
	if (artifacts_read(a, q->descriptor, &bytes, e) != 0)
		return err_wrap(e, "descriptor");
	if (bytes.len != DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "descriptor: %zu bytes instead of %u",
			       bytes.len, DESCRIPTOR_LEN);
	if (descriptor_parse(bytes.data, &d, e) != 0 ||
	    descriptor_check_matches(&d, m, e) != 0)
		return err_wrap(e, "descriptor");
	return 0;
}

static int check_head(const struct artifacts *a, const struct publish_request *q,
		      struct material *m, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);

	if (memcmp(q->head, m->manifest.payload_head_sha256, SHA256_LEN) != 0)
		return err_set(
		    e, ERR_DIGEST,
		    "payload head: it is not the one that the manifest names");
	if (artifacts_read(a, q->head, &bytes, e) != 0)
		return err_wrap(e, "payload head");
	if (bytes.len != m->manifest.payload_head_size)
		return err_set(e, ERR_DIGEST, "payload head: %zu bytes instead of %llu",
			       bytes.len,
			       (unsigned long long)m->manifest.payload_head_size);
	if (container_head_parse(bytes.data, bytes.len, &m->head, e) != 0)
		return err_wrap(e, "payload head");
	if (m->head.kind != CONTAINER_FULL)
		return err_set(e, ERR_INCOMPATIBLE, "payload head: it is a delta's");
	if (container_check_matches(&m->head, &m->manifest, e) != 0)
		return err_wrap(e, "payload head");
	return 0;
}

static int check_body(const struct artifacts *a, const struct publish_request *q,
		      const struct material *m, struct err *e)
{
	AUTO_FREE uint8_t *chunk = malloc(CONTAINER_CHUNK);
	AUTO_CLOSE int fd = -1;
	uint64_t size = 0;

	if (chunk == NULL)
		return err_nomem(e);
	if (artifacts_open(a, q->body, &fd, &size, e) != 0)
		return err_wrap(e, "payload body");
	if (size != m->manifest.payload_body_size)
		return err_set(e, ERR_DIGEST,
			       "payload body: %llu bytes instead of %llu",
			       (unsigned long long)size,
			       (unsigned long long)m->manifest.payload_body_size);
	for (size_t i = 0; i < m->head.n_chunks; i++) {
		size_t len = container_chunk_len(&m->head, i);

		if (fd_read_full(fd, chunk, len, e) != 0 ||
		    container_check_chunk(&m->head, i, chunk, len, e) != 0)
			return err_wrap(e, "payload body");
	}
	return 0;
}

static int check_payload(const struct artifacts *a, const struct publish_request *q,
			 struct material *m, struct err *e)
{
	bool images = m->manifest.n_images > 0;

	if (images || q->has_payload)
		steps_begin(q->steps, STEP_PAYLOAD);
	if (images != q->has_payload)
		return err_set(e, ERR_FORMAT,
			       images
				   ? "descriptor, head and body are missing"
				   : "descriptor, head or body, and the manifest has "
				     "no images");
	if (!images)
		return 0;
	if (check_descriptor(a, q, &m->manifest, e) != 0 ||
	    check_head(a, q, m, e) != 0 || check_body(a, q, m, e) != 0)
		return -1;
	steps_pass(q->steps,
		   "descriptor and head are the ones that the manifest names; all %zu "
		   "chunks of the body are what the head says",
		   m->head.n_chunks);
	return 0;
}

/* An artifact's bytes are those of its name since it was committed. */
static int check_files(const struct artifacts *a, const struct publish_request *q,
		       const struct manifest *m, struct err *e)
{
	if (m->n_files == 0)
		return 0;
	steps_begin(q->steps, STEP_FILES);
	for (size_t i = 0; i < m->n_files; i++) {
		const struct release_file *f = &m->files[i];
		AUTO_CLOSE int fd = -1;
		uint64_t size = 0;

		if (artifacts_open(a, f->sha256, &fd, &size, e) != 0)
			return err_wrap(e, "file %s", f->name);
		if (size != f->size)
			return err_set(e, ERR_DIGEST,
				       "file %s: %llu bytes instead of %llu", f->name,
				       (unsigned long long)size,
				       (unsigned long long)f->size);
	}
	steps_pass(q->steps, "%zu opaque files are the ones that the manifest names",
		   m->n_files);
	return 0;
}

int material_check(const struct artifacts *a, const struct publish_request *q,
		   struct material *ret, struct err *e)
{
	*ret = (struct material){
	    .targets = BUF_INIT(TUF_TARGETS_MAX_BYTES),
	    .manifest_bytes = BUF_INIT(MANIFEST_MAX_BYTES),
	};
	if (artifacts_read(a, q->targets, &ret->targets, e) != 0) {
		(void)err_wrap(e, "targets");
	} else if (check_manifest(a, q, ret, e) == 0 &&
		   check_payload(a, q, ret, e) == 0 &&
		   check_files(a, q, &ret->manifest, e) == 0) {
		return 0;
	}
	material_fini(ret);
	return -1;
}

struct release material_release(const struct material *m,
				const struct publish_request *q, int64_t now_ms)
{
	const struct manifest *from = &m->manifest;
	char hex[2 * SHA256_LEN + 1];
	struct release r = {
	    .security_version = from->security_version,
	    .raise_floor_to = from->raise_floor_to,
	    .n_hardware = from->n_hardware,
	    .n_images = from->n_images,
	    .n_files = from->n_files,
	    .security_only = from->security_only,
	    .head_size = from->payload_head_size,
	    .body_size = from->payload_body_size,
	    .created_at = now_ms,
	};

	hex_encode(q->manifest, SHA256_LEN, hex);
	memcpy(r.id, hex, RELEASE_ID_LEN);
	memcpy(r.product, from->product, sizeof(r.product));
	memcpy(r.version, from->version, sizeof(r.version));
	memcpy(r.hardware, from->hardware, sizeof(r.hardware));
	memcpy(r.notes, from->notes, sizeof(r.notes));
	memcpy(r.images, from->images, sizeof(r.images));
	memcpy(r.files, from->files, sizeof(r.files));
	memcpy(r.manifest_sha256, q->manifest, SHA256_LEN);
	if (!q->has_payload)
		return r;
	memcpy(r.descriptor_sha256, q->descriptor, SHA256_LEN);
	memcpy(r.head_sha256, q->head, SHA256_LEN);
	memcpy(r.body_sha256, q->body, SHA256_LEN);
	return r;
}
