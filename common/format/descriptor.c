/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include "../base/bytes.h"

#include <assert.h>
#include <string.h>

#define MAGIC "OTASLOT1"
#define MAGIC_LEN 8
#define FORMAT 1

#define AT_FORMAT 8
#define AT_N_IMAGES 10
#define AT_KEY_INDEX 11
#define AT_MUST_UNDERSTAND 12
#define AT_SECURITY_VERSION 16
#define AT_RESERVED 20
#define AT_PRODUCT 24
#define AT_VERSION 88
#define AT_HARDWARE 152
#define AT_IMAGES 280
#define IMAGE_LEN 104
#define IMAGE_AT_SIZE 32
#define IMAGE_AT_SALT 40
#define IMAGE_AT_ROOT 72
#define AT_RESERVED_2 696

static_assert(AT_HARDWARE + MAX_HARDWARE * HARDWARE_MAX_LEN == AT_IMAGES, "layout");
static_assert(AT_IMAGES + MAX_IMAGES * IMAGE_LEN == AT_RESERVED_2, "layout");
static_assert(DESCRIPTOR_SIGNED_LEN + ED25519_SIG_LEN == DESCRIPTOR_LEN, "layout");

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* A text of 1..len bytes, zero to the field's end. ret has room for len + 1. */
static int load_name(const uint8_t *p, size_t len,
		     int (*check)(const char *, struct err *), char *ret, struct err *e)
{
	size_t text_len = strnlen((const char *)p, len);

	if (!all_zero(p + text_len, len - text_len))
		return err_set(e, ERR_FORMAT, "bytes after the end of a name");
	memcpy(ret, p, text_len);
	ret[text_len] = '\0';
	return check(ret, e);
}

static int parse_hardware(const uint8_t *data, struct descriptor *d, struct err *e)
{
	const uint8_t *p = data + AT_HARDWARE;

	while (d->n_hardware < MAX_HARDWARE && *p != 0) {
		if (load_name(p, HARDWARE_MAX_LEN, hardware_check,
			      d->hardware[d->n_hardware], e) < 0)
			return -1;
		for (size_t i = 0; i < d->n_hardware; i++) {
			if (strcmp(d->hardware[i], d->hardware[d->n_hardware]) == 0)
				return err_set(e, ERR_FORMAT, "a hardware id twice");
		}
		d->n_hardware++;
		p += HARDWARE_MAX_LEN;
	}
	if (d->n_hardware == 0)
		return err_set(e, ERR_FORMAT, "no hardware id");
	if (!all_zero(p, (size_t)(data + AT_IMAGES - p)))
		return err_set(e, ERR_FORMAT, "unused hardware ids are not zero");
	return 0;
}

static int parse_image(const uint8_t *p, struct image *ret, struct err *e)
{
	if (load_name(p, IMAGE_NAME_MAX_LEN, image_name_check, ret->name, e) < 0)
		return -1;
	ret->size = load_le64(p + IMAGE_AT_SIZE);
	memcpy(ret->salt, p + IMAGE_AT_SALT, VERITY_SALT_LEN);
	memcpy(ret->root_hash, p + IMAGE_AT_ROOT, SHA256_LEN);
	if (ret->size < 1 || ret->size > IMAGE_MAX_BYTES)
		return err_set(e, ERR_FORMAT, "an image of %llu bytes",
			       (unsigned long long)ret->size);
	return 0;
}

static int parse_images(const uint8_t *data, struct descriptor *d, struct err *e)
{
	const uint8_t *p = data + AT_IMAGES;

	if (d->n_images < 1 || d->n_images > MAX_IMAGES)
		return err_set(e, ERR_FORMAT, "%zu images", d->n_images);
	for (size_t i = 0; i < d->n_images; i++, p += IMAGE_LEN) {
		if (parse_image(p, &d->images[i], e) < 0)
			return err_wrap(e, "image %zu", i);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(d->images[k].name, d->images[i].name) == 0)
				return err_set(e, ERR_FORMAT, "an image's name twice");
		}
	}
	if (!all_zero(p, (size_t)(data + AT_RESERVED_2 - p)))
		return err_set(e, ERR_FORMAT, "unused images are not zero");
	return 0;
}

static int check_magic(const uint8_t *data, struct err *e)
{
	if (memcmp(data, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_FORMAT, "there is none");
	if (load_le16(data + AT_FORMAT) != FORMAT ||
	    load_le32(data + AT_MUST_UNDERSTAND) != 0)
		return err_set(e, ERR_UNSUPPORTED, "made for a newer version");
	return 0;
}

static int parse(const uint8_t *data, struct descriptor *ret, struct err *e)
{
	*ret = (struct descriptor){0};
	if (check_magic(data, e) < 0)
		return -1;
	if (!all_zero(data + AT_RESERVED, AT_PRODUCT - AT_RESERVED) ||
	    !all_zero(data + AT_RESERVED_2, DESCRIPTOR_SIGNED_LEN - AT_RESERVED_2))
		return err_set(e, ERR_FORMAT, "reserved bytes are not zero");
	ret->n_images = data[AT_N_IMAGES];
	ret->key_index = data[AT_KEY_INDEX];
	ret->security_version = load_le32(data + AT_SECURITY_VERSION);
	if (ret->key_index >= MAX_BOOT_KEYS)
		return err_set(e, ERR_FORMAT, "boot key %u", ret->key_index);
	if (load_name(data + AT_PRODUCT, PRODUCT_MAX_LEN, product_check, ret->product,
		      e) < 0 ||
	    load_name(data + AT_VERSION, VERSION_MAX_LEN, version_check, ret->version,
		      e) < 0 ||
	    parse_hardware(data, ret, e) < 0)
		return -1;
	return parse_images(data, ret, e);
}

int descriptor_parse(const uint8_t data[DESCRIPTOR_LEN], struct descriptor *ret,
		     struct err *e)
{
	if (parse(data, ret, e) < 0)
		return err_wrap(e, "slot descriptor");
	return 0;
}

static int verify(const uint8_t *data, const struct boot_keys *keys,
		  uint8_t min_key_index, struct err *e)
{
	uint8_t index = data[AT_KEY_INDEX];

	if (check_magic(data, e) < 0)
		return -1;
	if (index >= MAX_BOOT_KEYS || keys->keys[index] == NULL)
		return err_set(e, ERR_UNTRUSTED, "signed by boot key %u, unknown here",
			       index);
	if (index < min_key_index)
		return err_set(e, ERR_UNTRUSTED, "signed by boot key %u, retired",
			       index);
	if (pubkey_scheme(keys->keys[index]) != KEY_ED25519)
		return err_set(e, ERR_UNTRUSTED, "boot key %u is not Ed25519", index);
	return verify_message(keys->keys[index], data, DESCRIPTOR_SIGNED_LEN,
			      data + DESCRIPTOR_SIGNED_LEN, ED25519_SIG_LEN, e);
}

int descriptor_verify(const uint8_t data[DESCRIPTOR_LEN], const struct boot_keys *keys,
		      uint8_t min_key_index, struct descriptor *ret, struct err *e)
{
	if (verify(data, keys, min_key_index, e) < 0)
		return err_wrap(e, "slot descriptor");
	return descriptor_parse(data, ret, e);
}

/* Fields are zeroed beforehand and as long as the longest name. */
static void store_name(uint8_t *p, const char *text, size_t len)
{
	memcpy(p, text, strnlen(text, len));
}

static void store_image(uint8_t *p, const struct image *image)
{
	store_name(p, image->name, IMAGE_NAME_MAX_LEN);
	store_le64(p + IMAGE_AT_SIZE, image->size);
	memcpy(p + IMAGE_AT_SALT, image->salt, VERITY_SALT_LEN);
	memcpy(p + IMAGE_AT_ROOT, image->root_hash, SHA256_LEN);
}

static void lay_out(const struct descriptor *d, uint8_t *p)
{
	memset(p, 0, DESCRIPTOR_LEN);
	memcpy(p, MAGIC, MAGIC_LEN);
	store_le16(p + AT_FORMAT, FORMAT);
	p[AT_N_IMAGES] = (uint8_t)d->n_images;
	p[AT_KEY_INDEX] = d->key_index;
	store_le32(p + AT_SECURITY_VERSION, d->security_version);
	store_name(p + AT_PRODUCT, d->product, PRODUCT_MAX_LEN);
	store_name(p + AT_VERSION, d->version, VERSION_MAX_LEN);
	for (size_t i = 0; i < d->n_hardware; i++)
		store_name(p + AT_HARDWARE + i * HARDWARE_MAX_LEN, d->hardware[i],
			   HARDWARE_MAX_LEN);
	for (size_t i = 0; i < d->n_images; i++)
		store_image(p + AT_IMAGES + i * IMAGE_LEN, &d->images[i]);
}

int descriptor_sign(const struct descriptor *d, const struct privkey *boot_key,
		    uint8_t ret[DESCRIPTOR_LEN], struct err *e)
{
	uint8_t sig[SIG_MAX_LEN];
	struct descriptor back;
	size_t sig_len;

	if (d->n_images > MAX_IMAGES || d->n_hardware > MAX_HARDWARE)
		return err_set(e, ERR_USAGE, "sign slot descriptor: %zu images",
			       d->n_images);
	lay_out(d, ret);
	if (descriptor_parse(ret, &back, e) < 0 ||
	    sign_message(boot_key, ret, DESCRIPTOR_SIGNED_LEN, sig, &sig_len, e) < 0)
		return err_wrap(e, "sign");
	if (sig_len != ED25519_SIG_LEN)
		return err_set(e, ERR_USAGE,
			       "sign slot descriptor: not an Ed25519 key");
	memcpy(ret + DESCRIPTOR_SIGNED_LEN, sig, ED25519_SIG_LEN);
	return 0;
}

static int differs(const char *what, struct err *e)
{
	return err_set(e, ERR_DIGEST, "slot descriptor: %s differs from the manifest",
		       what);
}

static bool same_image(const struct image *a, const struct image *b)
{
	return strcmp(a->name, b->name) == 0 && a->size == b->size &&
	       memcmp(a->salt, b->salt, VERITY_SALT_LEN) == 0 &&
	       memcmp(a->root_hash, b->root_hash, SHA256_LEN) == 0;
}

int descriptor_check_matches(const struct descriptor *d, const struct manifest *m,
			     struct err *e)
{
	if (strcmp(d->product, m->product) != 0)
		return differs("the product", e);
	if (strcmp(d->version, m->version) != 0)
		return differs("the version", e);
	if (d->security_version != m->security_version)
		return differs("the security version", e);
	if (d->n_hardware != m->n_hardware || d->n_images != m->n_images)
		return differs("the number of hardware ids or images", e);
	for (size_t i = 0; i < d->n_hardware; i++) {
		if (strcmp(d->hardware[i], m->hardware[i]) != 0)
			return differs("a hardware id", e);
	}
	for (size_t i = 0; i < d->n_images; i++) {
		if (!same_image(&d->images[i], &m->images[i]))
			return differs("an image", e);
	}
	return 0;
}
