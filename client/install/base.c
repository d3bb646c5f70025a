/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#include <string.h>

static struct dev *find_medium(const struct install_slot *slot, const char *name)
{
	for (size_t i = 0; i < slot->n_images; i++) {
		if (strcmp(slot->images[i].name, name) == 0)
			return slot->images[i].dev;
	}
	return NULL;
}

/* What fails here is the delta's failure, not the medium's that is written: another
 * code. */
static int read_old(struct dev *d, uint8_t *ret, size_t len, uint64_t offset,
		    struct err *e)
{
	struct err why = ERR_INIT;

	for (size_t done = 0, n; done < len; done += n) {
		n = len - done < DEV_MAX_IO ? len - done : DEV_MAX_IO;
		if (dev_read(d, offset + done, ret + done, n, &why) < 0)
			return err_set(e, ERR_INCOMPATIBLE, "read what is old: %.300s",
				       why.text);
	}
	return 0;
}

static int read_image(void *ctx, void *ret_data, size_t len, uint64_t offset,
		      struct err *e)
{
	return read_old(ctx, ret_data, len, offset, e);
}

static int load_descriptor(const struct install_spec *spec, struct descriptor *ret,
			   struct err *e)
{
	const struct slot *s = &spec->record->slots[spec->running];
	uint8_t bytes[DESCRIPTOR_LEN], digest[SHA256_LEN];

	if (read_old(spec->base->descriptor, bytes, sizeof(bytes), 0, e) < 0 ||
	    sha256(bytes, sizeof(bytes), digest, e) < 0)
		return -1;
	if (memcmp(digest, s->root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_INCOMPATIBLE,
			       "its descriptor is not the one that the record names");
	return descriptor_verify(bytes, spec->boot_keys, 0, ret, e);
}

int install_base_load(const struct install_spec *spec, struct install_base *ret,
		      struct err *e)
{
	struct descriptor d;

	*ret = (struct install_base){0};
	if (spec->base == NULL || spec->running >= N_SLOTS)
		return err_set(e, ERR_NOT_FOUND, "no slot runs that could be read");
	if (load_descriptor(spec, &d, e) < 0)
		return err_wrap(e, "running slot %c", slot_letter(spec->running));
	for (size_t i = 0; i < d.n_images; i++) {
		memcpy(ret->images[i].name, d.images[i].name,
		       sizeof(ret->images[i].name));
		memcpy(ret->images[i].root_hash, d.images[i].root_hash, SHA256_LEN);
		ret->images[i].size = d.images[i].size;
		ret->images[i].dev = find_medium(spec->base, d.images[i].name);
	}
	ret->n_images = d.n_images;
	return 0;
}

int install_base_open(struct install_base *b, const char *name,
		      const uint8_t root_hash[SHA256_LEN], struct delta_source *ret,
		      struct err *e)
{
	size_t i = 0;

	while (i < b->n_images && strcmp(b->images[i].name, name) != 0)
		i++;
	if (i == b->n_images || b->images[i].dev == NULL)
		return err_set(e, ERR_INCOMPATIBLE, "nothing old is here for \"%s\"",
			       name);
	if (memcmp(b->images[i].root_hash, root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_INCOMPATIBLE,
			       "the delta is for another \"%s\" than the one that runs",
			       name);
	*ret = (struct delta_source){read_image, b->images[i].dev,
				     verity_n_blocks(b->images[i].size) * VERITY_BLOCK};
	return 0;
}
