/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include "../../common/base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Since Linux 6.3 a system may be set up to make memory files that cannot run unless
 * asked for; older kernels do not know the flag. */
#define WITH_EXEC 0x0010u

/* ---- images -------------------------------------------------------------------- */

/* Where the bytes of an image come from: the medium, or the sealed copy. */
struct source {
	struct dev *dev; /* or NULL: fd */
	int fd;
	uint64_t n_bytes; /* what lies behind it is zero */
};

static int source_read(const struct source *s, uint64_t offset, uint8_t *ret,
		       size_t len, struct err *e)
{
	size_t there = offset < s->n_bytes ? (size_t)(s->n_bytes - offset) : 0;

	if (there > len)
		there = len;
	memset(ret + there, 0, len - there);
	if (s->dev != NULL)
		return dev_read(s->dev, offset, ret, there, e);
	return fd_pread_full(s->fd, ret, there, offset, e);
}

static int hash_source(const struct source *s, const struct image *image,
		       uint8_t ret_root[SHA256_LEN], struct err *e)
{
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(image->salt, image->size, e);
	AUTO_FREE uint8_t *piece = malloc(DEV_MAX_IO);
	uint64_t end = verity_n_blocks(image->size) * VERITY_BLOCK;
	const uint8_t *groups;
	size_t n_groups;

	if (h == NULL)
		return -1;
	if (piece == NULL)
		return err_nomem(e);
	for (uint64_t at = 0; at < end; at += DEV_MAX_IO) {
		size_t len = end - at < DEV_MAX_IO ? (size_t)(end - at) : DEV_MAX_IO;

		if (source_read(s, at, piece, len, e) < 0)
			return -1;
		for (size_t i = 0; i < len; i += VERITY_BLOCK)
			if (verity_hasher_add(h, piece + i, e) < 0)
				return -1;
	}
	return verity_hasher_end(h, ret_root, &groups, &n_groups, e);
}

static int check_source(const struct source *s, const struct image *image,
			struct err *e)
{
	uint8_t root[SHA256_LEN];

	if (hash_source(s, image, root, e) < 0)
		return -1;
	if (memcmp(root, image->root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "its content is not what was signed");
	return 0;
}

/* The size on the medium, zero padding included. */
static uint64_t padded(const struct image *image)
{
	return verity_n_blocks(image->size) * VERITY_BLOCK;
}

static int copy_to(int fd, struct dev *d, uint64_t size, struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(DEV_MAX_IO);

	if (piece == NULL)
		return err_nomem(e);
	for (uint64_t at = 0; at < size; at += DEV_MAX_IO) {
		size_t len = size - at < DEV_MAX_IO ? (size_t)(size - at) : DEV_MAX_IO;

		if (dev_read(d, at, piece, len, e) < 0 ||
		    fd_write_full(fd, piece, len, e) < 0)
			return -1;
	}
	return 0;
}

static int memory_file(struct err *e)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ota-firmware", flags | WITH_EXEC);

	if (fd < 0)
		fd = memfd_create("ota-firmware", flags);
	if (fd < 0)
		return err_sys(e, "make memory file");
	return fd;
}

static int load_sealed(struct dev *d, const struct image *image, int *ret_fd,
		       struct err *e)
{
	AUTO_CLOSE int fd = memory_file(e);

	if (fd < 0 || copy_to(fd, d, image->size, e) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(e, "seal memory file");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* ret_fd NULL: judged on the medium. Else loaded, sealed and judged there. */
static int verify_image(const struct slot_layout *l, unsigned slot,
			const struct image *image, int *ret_fd, struct err *e)
{
	AUTO_PTR(dev) struct dev *d = NULL;
	AUTO_CLOSE int fd = -1;
	struct source s = {.fd = -1, .n_bytes = padded(image)};
	int index = slot_layout_find(l, image->name);

	if (index < 0)
		return err_set(e, ERR_INCOMPATIBLE, "this device has no place for it");
	if (slot_layout_open_image(l, slot, (size_t)index, 0, &d, e) < 0)
		return -1;
	if (padded(image) > d->size)
		return err_set(e, ERR_INCOMPATIBLE,
			       "%" PRIu64 " bytes do not fit a medium of %" PRIu64,
			       padded(image), d->size);
	s.dev = d;
	if (ret_fd == NULL)
		return check_source(&s, image, e);
	if (load_sealed(d, image, &fd, e) < 0)
		return -1;
	s = (struct source){.fd = fd, .n_bytes = image->size};
	if (check_source(&s, image, e) < 0)
		return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* ---- descriptor ---------------------------------------------------------------- */

static int read_descriptor(const struct slot_layout *l, unsigned slot,
			   uint8_t ret[DESCRIPTOR_LEN], struct err *e)
{
	AUTO_PTR(dev) struct dev *d = NULL;

	if (slot_layout_open_descriptor(l, slot, 0, &d, e) < 0)
		return -1;
	if (d->size < DESCRIPTOR_LEN)
		return err_set(e, ERR_FORMAT, "%s: too short to hold one", d->name);
	return dev_read(d, 0, ret, DESCRIPTOR_LEN, e);
}

static int check_made_for(const struct descriptor *d, const struct factory *f,
			  struct err *e)
{
	if (strcmp(d->product, f->product) != 0)
		return err_set(e, ERR_INCOMPATIBLE, "made for product %s, this is %s",
			       d->product, f->product);
	for (size_t i = 0; i < d->n_hardware; i++)
		if (strcmp(d->hardware[i], f->hardware) == 0)
			return 0;
	return err_set(e, ERR_INCOMPATIBLE, "not made for hardware %s", f->hardware);
}

static int verify_descriptor(const struct slot_layout *l, unsigned slot,
			     const struct verify_rules *rules, struct verified *ret,
			     struct err *e)
{
	uint8_t bytes[DESCRIPTOR_LEN];

	if (read_descriptor(l, slot, bytes, e) < 0 ||
	    sha256(bytes, sizeof(bytes), ret->root_hash, e) < 0)
		return -1;
	if (descriptor_verify(bytes, &rules->factory->boot_keys, rules->min_key_index,
			      &ret->descriptor, e) < 0)
		return -1;
	if (rules->root_hash != NULL &&
	    memcmp(ret->root_hash, rules->root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "not the one that was installed");
	if (ret->descriptor.security_version < rules->floor)
		return err_set(e, ERR_ROLLBACK,
			       "security version %u is below the floor %u",
			       ret->descriptor.security_version, rules->floor);
	return check_made_for(&ret->descriptor, rules->factory, e);
}

/* ---- slot ---------------------------------------------------------------------- */

static int verify_images(const struct slot_layout *l, unsigned slot,
			 const struct descriptor *d, int *ret_firmware_fd,
			 struct err *e)
{
	AUTO_CLOSE int fd = -1;
	bool has_firmware = false;

	for (size_t i = 0; i < d->n_images; i++) {
		bool starts = strcmp(d->images[i].name, FIRMWARE_IMAGE) == 0;
		bool load = starts && ret_firmware_fd != NULL;

		has_firmware = has_firmware || starts;
		if (verify_image(l, slot, &d->images[i], load ? &fd : NULL, e) < 0)
			return err_wrap(e, "image %s", d->images[i].name);
	}
	if (!has_firmware)
		return err_set(e, ERR_INCOMPATIBLE, "there is no image \"%s\" to start",
			       FIRMWARE_IMAGE);
	if (ret_firmware_fd != NULL)
		*ret_firmware_fd = TAKE_FD(fd);
	return 0;
}

int slot_verify(const struct slot_layout *l, unsigned slot,
		const struct verify_rules *rules, struct verified *ret,
		int *ret_firmware_fd, struct err *e)
{
	if (verify_descriptor(l, slot, rules, ret, e) < 0)
		return err_wrap(e, "slot %c: descriptor", slot_letter(slot));
	if (verify_images(l, slot, &ret->descriptor, ret_firmware_fd, e) < 0)
		return err_wrap(e, "slot %c", slot_letter(slot));
	return 0;
}
