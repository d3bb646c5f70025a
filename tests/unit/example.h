/* SPDX-License-Identifier: Apache-2.0 */
/* One release, used by the tests of the formats and written out in docs/formats/:
 * product "gateway", two images (620,000 bytes and one block), boot key 1 with the seed
 * 00 01 .. 1f. */
#ifndef OTA_TESTS_EXAMPLE_H
#define OTA_TESTS_EXAMPLE_H

#include "../../common/format/container.h"
#include "../../common/format/descriptor.h"

#include "testing.h"

#define EXAMPLE_KEY_INDEX 1

struct example {
	struct manifest manifest;
	struct container_head head; /* nothing in it is owned */
	struct segment segments[2];
	uint8_t groups[3 * SHA256_LEN];
	uint8_t chunks[2 * SHA256_LEN];
	uint8_t descriptor[DESCRIPTOR_LEN];
	struct buf head_bytes;
	struct buf manifest_bytes;
};

static inline struct privkey *example_boot_key(void)
{
	struct err e = ERR_INIT;
	uint8_t seed[ED25519_SEED_LEN];
	struct privkey *key;

	for (uint8_t i = 0; i < sizeof(seed); i++)
		seed[i] = i;
	key = privkey_from_ed25519_seed(seed, &e);
	assert_non_null(key);
	return key;
}

static inline void example_images(struct example *x)
{
	struct manifest *m = &x->manifest;
	const struct {
		const char *name;
		uint64_t size;
		size_t n_groups;
	} rows[] = {{"firmware", 620000, 2}, {"rootfs", 4096, 1}};
	uint8_t *groups = x->groups;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 2; i++) {
		struct container_image *c = &x->head.images[i];

		(void)strcpy(m->images[i].name, rows[i].name);
		m->images[i].size = c->size = rows[i].size;
		memset(m->images[i].salt, 0x5a, VERITY_SALT_LEN);
		memset(c->salt, 0x5a, VERITY_SALT_LEN);
		c->groups = groups;
		c->n_groups = rows[i].n_groups;
		memset(groups, (int)(0x11 * (i + 1)), c->n_groups * SHA256_LEN);
		OK(verity_root(c->salt, groups, c->n_groups, verity_n_blocks(c->size),
			       m->images[i].root_hash, &e));
		groups += c->n_groups * SHA256_LEN;
	}
	m->n_images = x->head.n_images = 2;
}

/* One zstd segment of 152 blocks in 70,000 bytes, so of two chunks, and one of zeros.
 */
static inline void example_head(struct example *x)
{
	struct err e = ERR_INIT;

	x->segments[0] =
	    (struct segment){.codec = CODEC_ZSTD, .n_blocks = 152, .body_size = 70000};
	x->segments[1] = (struct segment){
	    .image = 1, .flags = SEG_ZERO, .n_blocks = 1, .body_offset = 70000};
	memset(x->chunks, 0xc0, SHA256_LEN);
	memset(x->chunks + SHA256_LEN, 0xc1, SHA256_LEN);
	x->head.body_size = 70000;
	x->head.codecs = 1 << CODEC_ZSTD;
	x->head.segments = x->segments;
	x->head.n_segments = 2;
	x->head.chunks = x->chunks;
	x->head.n_chunks = 2;
	buf_clear(&x->head_bytes);
	OK(container_head_write(&x->head, &x->head_bytes, &e));
}

static inline void example_descriptor_of(const struct manifest *m,
					 struct descriptor *ret)
{
	*ret = (struct descriptor){.key_index = EXAMPLE_KEY_INDEX,
				   .security_version = m->security_version,
				   .n_hardware = m->n_hardware,
				   .n_images = m->n_images};
	(void)strcpy(ret->product, m->product);
	(void)strcpy(ret->version, m->version);
	memcpy(ret->hardware, m->hardware, sizeof(ret->hardware));
	memcpy(ret->images, m->images, sizeof(ret->images));
}

/* Fills *ret; the caller calls example_fini(). */
static inline void example_init(struct example *ret)
{
	AUTO_PTR(privkey) struct privkey *key = example_boot_key();
	struct manifest *m = &ret->manifest;
	struct descriptor d;
	struct err e = ERR_INIT;

	*ret = (struct example){.head_bytes = BUF_INIT(1 << 20),
				.manifest_bytes = BUF_INIT(MANIFEST_MAX_BYTES)};
	(void)strcpy(m->product, "gateway");
	(void)strcpy(m->hardware[0], "revA");
	(void)strcpy(m->hardware[1], "revB");
	m->n_hardware = 2;
	(void)strcpy(m->version, "2.0.0");
	m->security_version = 3;
	m->raise_floor_to = 2;
	(void)strcpy(m->notes, "Says \"hello\" in \xc3\xa4 new way.");
	example_images(ret);
	example_head(ret);
	example_descriptor_of(m, &d);
	OK(descriptor_sign(&d, key, ret->descriptor, &e));
	OK(sha256(ret->descriptor, DESCRIPTOR_LEN, m->descriptor_sha256, &e));
	m->payload_head_size = ret->head_bytes.len;
	OK(sha256(ret->head_bytes.data, ret->head_bytes.len, m->payload_head_sha256,
		  &e));
	m->payload_body_size = ret->head.body_size;
	OK(manifest_write(m, &ret->manifest_bytes, &e));
}

static inline void example_fini(struct example *x)
{
	buf_fini(&x->head_bytes);
	buf_fini(&x->manifest_bytes);
}

#endif
