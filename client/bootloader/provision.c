/* SPDX-License-Identifier: Apache-2.0 */
#include "provision.h"

#include "../../common/base/file.h"
#include "../../common/format/bundle.h"
#include "recovery.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define FACTORY_SLOT 0
#define BUNDLE_MAGIC "OTABNDL1"

/* ---- the descriptor ------------------------------------------------------------ */

static int read_front(int fd, uint8_t *ret, size_t room, size_t *ret_len, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "size");
	*ret_len = (uint64_t)st.st_size < room ? (size_t)st.st_size : room;
	return fd_pread_full(fd, ret, *ret_len, 0, e);
}

static int descriptor_of_bundle(int fd, const uint8_t *front, size_t len,
				uint8_t ret[DESCRIPTOR_LEN], struct err *e)
{
	const struct part *part;
	struct bundle bundle;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "size");
	if (bundle_parse(front, len, (uint64_t)st.st_size, &bundle, e) < 0)
		return -1;
	part = bundle_find(&bundle, PART_DESCRIPTOR, 0);
	if (part == NULL || part->length != DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "the bundle holds no slot descriptor");
	return fd_pread_full(fd, ret, DESCRIPTOR_LEN, part->offset, e);
}

static int read_descriptor(const char *path, uint8_t ret[DESCRIPTOR_LEN], struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t front[BUNDLE_TABLE_MAX_BYTES];
	size_t len;

	if (fd < 0)
		return err_sys(e, "open");
	if (read_front(fd, front, sizeof(front), &len, e) < 0)
		return -1;
	if (len >= strlen(BUNDLE_MAGIC) &&
	    memcmp(front, BUNDLE_MAGIC, strlen(BUNDLE_MAGIC)) == 0)
		return descriptor_of_bundle(fd, front, len, ret, e);
	if (len != DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "neither a bundle nor a slot descriptor");
	memcpy(ret, front, DESCRIPTOR_LEN);
	return 0;
}

/* ---- the images ---------------------------------------------------------------- */

/* The file given for an image as NAME=FILE, or NULL. */
static const char *file_of(const char *name, char *const *images, size_t n_images)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n_images; i++)
		if (strncmp(images[i], name, len) == 0 && images[i][len] == '=')
			return images[i] + len + 1;
	return NULL;
}

/* The file, then zeros up to the end of its last block. */
static int copy_image(int fd, uint64_t size, struct dev *d, struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(DEV_MAX_IO);
	uint64_t end = verity_n_blocks(size) * VERITY_BLOCK;

	if (piece == NULL)
		return err_nomem(e);
	for (uint64_t at = 0; at < end; at += DEV_MAX_IO) {
		size_t len = end - at < DEV_MAX_IO ? (size_t)(end - at) : DEV_MAX_IO;
		size_t there = size - at < len ? (size_t)(size - at) : len;

		memset(piece, 0, len);
		if (fd_pread_full(fd, piece, there, at, e) < 0 ||
		    dev_write(d, at, piece, len, e) < 0)
			return -1;
	}
	return dev_flush(d, e);
}

static int write_image(const struct bootloader *b, const struct image *image,
		       const char *path, struct err *e)
{
	const struct slot_layout *l = &b->slots[FACTORY_SLOT];
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_PTR(dev) struct dev *d = NULL;
	int index = slot_layout_find(l, image->name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", path);
	if ((uint64_t)st.st_size != image->size)
		return err_set(e, ERR_DIGEST,
			       "%s has %lld bytes, the descriptor says %" PRIu64, path,
			       (long long)st.st_size, image->size);
	if (index < 0)
		return err_set(e, ERR_INCOMPATIBLE, "this device has no place for it");
	if (slot_layout_open_image(l, FACTORY_SLOT, (size_t)index, 1, &d, e) < 0)
		return -1;
	return copy_image(fd, image->size, d, e);
}

static int write_images(const struct bootloader *b, const struct descriptor *d,
			char *const *images, size_t n_images, struct err *e)
{
	if (n_images != d->n_images)
		return err_set(e, ERR_USAGE, "the descriptor names %zu images, not %zu",
			       d->n_images, n_images);
	for (size_t i = 0; i < d->n_images; i++) {
		const char *path = file_of(d->images[i].name, images, n_images);

		if (path == NULL)
			return err_set(e, ERR_USAGE, "no %s=FILE is given",
				       d->images[i].name);
		if (write_image(b, &d->images[i], path, e) < 0)
			return err_wrap(e, "image %s", d->images[i].name);
	}
	return 0;
}

static int write_descriptor(const struct bootloader *b,
			    const uint8_t bytes[DESCRIPTOR_LEN], struct err *e)
{
	AUTO_PTR(dev) struct dev *d = NULL;

	if (slot_layout_open_descriptor(&b->slots[FACTORY_SLOT], FACTORY_SLOT, 1, &d,
					e) < 0 ||
	    dev_write(d, 0, bytes, DESCRIPTOR_LEN, e) < 0)
		return -1;
	return dev_flush(d, e);
}

/* ---- all of it ----------------------------------------------------------------- */

static int check_is_new(struct boot *boot, struct err *e)
{
	struct slot_record r;
	struct err why = ERR_INIT;

	if (boot_load(boot, &r, &why) == 0)
		return err_set(e, ERR_CONFLICT, "this device is provisioned already");
	if (why.code == ERR_NOT_FOUND)
		return 0;
	return err_set(e, why.code, "%s", why.text);
}

static int store_factory_record(struct boot *boot, const struct verified *v,
				struct err *e)
{
	struct slot_record r;
	struct slot_content content = {
	    .version = v->descriptor.version,
	    .security_version = v->descriptor.security_version,
	    .key_index = v->descriptor.key_index,
	};

	memcpy(content.root_hash, v->root_hash, SHA256_LEN);
	if (record_init_factory(&r, FACTORY_SLOT, &content, e) < 0)
		return -1;
	return bootloader_store_both(boot, &r, e);
}

int bootloader_provision(const struct bootloader *b, const char *descriptor_file,
			 char *const *images, size_t n_images, struct err *e)
{
	const struct slot_layout *l = &b->slots[FACTORY_SLOT];
	struct verify_rules rules = {.factory = b->factory};
	AUTO_PTR(boot) struct boot *boot = NULL;
	uint8_t bytes[DESCRIPTOR_LEN];
	struct descriptor d;
	struct verified v;

	if (bootloader_open_boot(b, &boot, e) < 0 || check_is_new(boot, e) < 0)
		return -1;
	if (read_descriptor(descriptor_file, bytes, e) < 0 ||
	    descriptor_verify(bytes, &b->factory->boot_keys, 0, &d, e) < 0)
		return err_wrap(e, "%s", descriptor_file);
	if (write_images(b, &d, images, n_images, e) < 0 ||
	    write_descriptor(b, bytes, e) < 0 ||
	    slot_verify(l, FACTORY_SLOT, &rules, &v, NULL, e) < 0)
		return -1;
	return store_factory_record(boot, &v, e);
}
