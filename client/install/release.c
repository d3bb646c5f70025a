/* SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include "journal.h"

#include <string.h>

static int check_floor(const struct install_spec *spec, const struct manifest *m,
		       struct err *e)
{
	if (m->security_version >= spec->record->floor)
		return 0;
	return err_set(
	    e, ERR_ROLLBACK, "version %s has security version %u, below the floor %u",
	    m->version, (unsigned)m->security_version, (unsigned)spec->record->floor);
}

/* By the keys the bootloader has: what it would refuse is not written in the first
 * place. */
static int load_descriptor(const struct install_spec *spec, const void *data,
			   size_t len, struct release *r, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	struct descriptor d;

	if (len != DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "slot descriptor: %zu bytes, not %u", len,
			       DESCRIPTOR_LEN);
	memcpy(r->descriptor, data, DESCRIPTOR_LEN);
	if (sha256(r->descriptor, DESCRIPTOR_LEN, digest, e) < 0)
		return -1;
	if (memcmp(digest, r->manifest.descriptor_sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "slot descriptor: not the manifest's");
	if (descriptor_verify(r->descriptor, spec->boot_keys,
			      spec->record->min_key_index, &d, e) < 0)
		return -1;
	return descriptor_check_matches(&d, &r->manifest, e);
}

static int check_full_head(const void *data, size_t len, const struct manifest *m,
			   struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (len != m->payload_head_size)
		return err_set(e, ERR_DIGEST,
			       "payload head: %zu bytes, the manifest says %llu", len,
			       (unsigned long long)m->payload_head_size);
	if (sha256(data, len, digest, e) < 0)
		return -1;
	if (memcmp(digest, m->payload_head_sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "payload head: not the manifest's");
	return 0;
}

/* The old images are the very ones, and the decoder gets no more than it may. */
static int check_delta(const struct install_spec *spec, struct release *r,
		       struct err *e)
{
	struct install_base base;

	if (r->head.memory > spec->delta_memory)
		return err_set(e, ERR_LIMIT,
			       "the delta needs %llu bytes of memory, %llu may be",
			       (unsigned long long)r->head.memory,
			       (unsigned long long)spec->delta_memory);
	if (install_base_load(spec, &base, e) < 0)
		return -1;
	for (size_t i = 0; i < r->manifest.n_images; i++) {
		if (install_base_open(&base, r->manifest.images[i].name,
				      r->head.images[i].base_root, &r->old[i], e) < 0)
			return -1;
	}
	return 0;
}

static int load_head(const struct install_spec *spec, const struct install_material *m,
		     struct release *r, struct err *e)
{
	enum container_kind kind = m->is_delta ? CONTAINER_DELTA : CONTAINER_FULL;

	if (!m->is_delta && check_full_head(m->head, m->head_len, &r->manifest, e) < 0)
		return -1;
	if (container_head_parse(m->head, m->head_len, &r->head, e) < 0)
		return -1;
	if (r->head.kind != kind || (!m->is_delta && r->head.memory > 0))
		return err_set(e, ERR_UNSUPPORTED,
			       "payload head: of another kind, or needs more memory");
	if (container_check_matches(&r->head, &r->manifest, e) < 0)
		return -1;
	return m->is_delta ? check_delta(spec, r, e) : 0;
}

/* Everything that will be written has its place, so that nothing fails for that at the
 * end. */
static int check_places(const struct install_spec *spec, struct err *e)
{
	const struct dev *d = spec->target.descriptor, *j = spec->journal;

	if (d->size < DESCRIPTOR_LEN || j->size < JOURNAL_LEN)
		return err_set(
		    e, ERR_CONFIG, "%s has %llu bytes, too few",
		    d->size < DESCRIPTOR_LEN ? d->name : j->name,
		    (unsigned long long)(d->size < DESCRIPTOR_LEN ? d->size : j->size));
	return 0;
}

static struct dev *find_medium(const struct install_slot *slot, const char *name)
{
	for (size_t i = 0; i < slot->n_images; i++) {
		if (strcmp(slot->images[i].name, name) == 0)
			return slot->images[i].dev;
	}
	return NULL;
}

/* Each image has its medium and fits; no medium of the slot is left with something
 * older. */
static int assign_media(const struct install_spec *spec, struct release *r,
			struct err *e)
{
	const struct install_slot *slot = &spec->target;

	for (size_t i = 0; i < r->manifest.n_images; i++) {
		const struct image *image = &r->manifest.images[i];
		uint64_t n_blocks = verity_n_blocks(image->size);
		struct dev *d = find_medium(slot, image->name);

		if (d == NULL)
			return err_set(e, ERR_INCOMPATIBLE,
				       "this device has no place for image \"%s\"",
				       image->name);
		if (n_blocks > d->size / VERITY_BLOCK)
			return err_set(e, ERR_NO_SPACE,
				       "image \"%s\" needs %llu bytes, %s has %llu",
				       image->name,
				       (unsigned long long)(n_blocks * VERITY_BLOCK),
				       d->name, (unsigned long long)d->size);
		r->media[i] = d;
		r->n_blocks += n_blocks;
	}
	if (slot->n_images != r->manifest.n_images)
		return err_set(e, ERR_INCOMPATIBLE,
			       "the release has %zu images, slot %c is made of %zu",
			       r->manifest.n_images, slot_letter(spec->slot),
			       slot->n_images);
	return 0;
}

static int load(const struct install_spec *spec, const struct install_material *m,
		struct release *r, struct err *e)
{
	if (check_places(spec, e) < 0 ||
	    manifest_parse(m->manifest, m->manifest_len, &r->manifest, e) < 0 ||
	    sha256(m->manifest, m->manifest_len, r->manifest_sha256, e) < 0 ||
	    manifest_check_fits(&r->manifest, spec->product, spec->hardware, e) < 0 ||
	    check_floor(spec, &r->manifest, e) < 0 || assign_media(spec, r, e) < 0 ||
	    load_descriptor(spec, m->descriptor, m->descriptor_len, r, e) < 0)
		return -1;
	return load_head(spec, m, r, e);
}

int release_load(const struct install_spec *spec, const struct install_material *m,
		 struct release *ret, struct err *e)
{
	*ret = (struct release){0};
	if (load(spec, m, ret, e) < 0) {
		release_fini(ret);
		return -1;
	}
	return 0;
}

void release_fini(struct release *r)
{
	container_head_fini(&r->head);
}
