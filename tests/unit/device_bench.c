/* SPDX-License-Identifier: Apache-2.0 */
#include "device_bench.h"

#include "../../client/boot/boot_model.h"
#include "../../client/install/journal.h"
#include "../../common/base/file.h"
#include "../../common/format/bundle.h"
#include "../../publish/bundle/maker.h"
#include "../../publish/unwrap/wrapped.h"

#include "testing.h"

#include <zlib.h>
#include <zstd.h>

#define CAP (8u << 20)
#define ERASE_SIZE 4096u
#define MIB (1u << 20)

static const char *const hardware[] = {"revA"};

static void fill_noise(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(seed >> 56);
	}
}

/*
 * Firmware of three segments: one that compresses in part, one of zeros, one raw that
 * is not a whole number of blocks. 300 KiB in front are the same in both versions.
 */
static void make_firmware(struct buf *b, unsigned version)
{
	struct err e = ERR_INIT;
	size_t len = 2 * MIB + 200000;

	OK(buf_reserve(b, len + VERITY_BLOCK, &e));
	memset(b->data, 0, len + VERITY_BLOCK);
	fill_noise(b->data, 300 << 10, 1);
	memset(b->data + (300 << 10), 'a' + (int)version, MIB - (300 << 10));
	fill_noise(b->data + MIB - (200 << 10), 200 << 10, version);
	fill_noise(b->data + 2 * MIB, 200000, 10 + version);
	b->len = len;
}

/* Text of a kind; what changes from version to version is little. */
static void fill_content(uint8_t *p, size_t len, unsigned version)
{
	uint8_t noise[64];

	for (size_t i = 0; i < len; i++) {
		if (i % 4096 == 0)
			fill_noise(noise, sizeof(noise), i + 3);
		p[i] = (uint8_t)(i % 64 < 8 ? noise[i / 64 % 8 * 8 + i % 8]
					    : 'a' + i % 64);
	}
	for (size_t i = 70000; i + 8 < len; i += 200000)
		p[i] = (uint8_t)('0' + version);
}

#define PACKED_PLAIN ((1u << 20) + (200u << 10))
#define PACKED_FRAME (128u << 10)

static void add_gzip(struct buf *b, uint8_t *content, size_t len)
{
	z_stream z = {.next_in = content, .avail_in = (uInt)len};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_out = b->data + b->len;
	z.avail_out = (uInt)(b->room - b->len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b->len += z.total_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
}

static void make_packed_firmware(struct buf *b, unsigned version)
{
	AUTO_FREE uint8_t *content = malloc(PACKED_PLAIN);
	struct err e = ERR_INIT;
	size_t n;

	assert_non_null(content);
	fill_content(content, PACKED_PLAIN, version);
	OK(buf_reserve(b, 2 * MIB, &e));
	fill_noise(b->data, 600000, 5);
	b->len = 600000;
	for (size_t i = 0; i < 4; i++) {
		content[i * PACKED_FRAME + 99] = (uint8_t)version;
		n = ZSTD_compress(b->data + b->len, b->room - b->len,
				  content + i * PACKED_FRAME, PACKED_FRAME, 3);
		assert_false(ZSTD_isError(n));
		b->len += n;
	}
	add_gzip(b, content, PACKED_PLAIN);
	fill_noise(b->data + b->len, 300001, 6);
	b->len += 300001;
	OK(buf_reserve(b, VERITY_BLOCK, &e));
}

static void make_rootfs(struct buf *b, unsigned version)
{
	struct err e = ERR_INIT;

	OK(buf_reserve(b, VERITY_BLOCK, &e));
	memset(b->data, 'r' + (int)version, VERITY_BLOCK);
	b->len = VERITY_BLOCK;
}

static void pad(struct buf *b)
{
	struct err e = ERR_INIT;
	uint8_t zeros[VERITY_BLOCK] = {0};

	OK(buf_add(b, zeros, (VERITY_BLOCK - b->len % VERITY_BLOCK) % VERITY_BLOCK,
		   &e));
}

/* Through files, since that is what the maker takes. */
static void run_maker(struct bench_release *r, const char *version,
		      uint32_t security_version, const struct privkey *key)
{
	char dir[] = "/tmp/ota-bench-XXXXXX", paths[3][64];
	struct err e = ERR_INIT;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(paths[0], sizeof(paths[0]), "%s/firmware", dir);
	(void)snprintf(paths[1], sizeof(paths[1]), "%s/rootfs", dir);
	(void)snprintf(paths[2], sizeof(paths[2]), "%s/out", dir);
	for (size_t i = 0; i < N_BENCH_IMAGES; i++)
		OK(file_replace(paths[i], r->images[i].data, r->images[i].len, 0600,
				&e));
	OK(maker_make(&(struct maker_spec){.product = "gateway",
					   .hardware = hardware,
					   .n_hardware = 1,
					   .version = version,
					   .security_version = security_version,
					   .images = {{"firmware", paths[0]},
						      {"rootfs", paths[1]}},
					   .n_images = 2,
					   .boot_key = key},
		      paths[2], &e));
	OK(file_read(paths[2], &r->file, &e));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(unlink(paths[i]), 0);
	assert_int_equal(rmdir(dir), 0);
}

static const void *part_of(const struct bench_release *r, const struct bundle *b,
			   enum part_type type, size_t *ret_len)
{
	const struct part *p = bundle_find(b, type, 0);

	assert_non_null(p);
	*ret_len = (size_t)p->length;
	return r->file.data + p->offset;
}

static void make_release(struct bench_release *r, unsigned version, bool is_packed,
			 const struct privkey *key)
{
	struct install_material *m = &r->material;
	struct err e = ERR_INIT;
	struct bundle b;
	size_t len;

	buf_init(&r->file, CAP);
	for (size_t i = 0; i < N_BENCH_IMAGES; i++)
		buf_init(&r->images[i], CAP);
	(is_packed ? make_packed_firmware : make_firmware)(&r->images[IMAGE_FIRMWARE],
							   version);
	make_rootfs(&r->images[IMAGE_ROOTFS], version);
	run_maker(r, version == 1 ? "1.0.0" : "2.0.0", version, key);
	for (size_t i = 0; i < N_BENCH_IMAGES; i++)
		pad(&r->images[i]);
	OK(bundle_parse(r->file.data, r->file.len, r->file.len, &b, &e));
	m->manifest = part_of(r, &b, PART_MANIFEST, &m->manifest_len);
	m->descriptor = part_of(r, &b, PART_DESCRIPTOR, &m->descriptor_len);
	m->head = part_of(r, &b, PART_HEAD, &m->head_len);
	r->body = part_of(r, &b, PART_BODY, &len);
	r->body_size = len;
	OK(manifest_parse(m->manifest, m->manifest_len, &r->manifest, &e));
}

static void release_free(struct bench_release *r)
{
	buf_fini(&r->file);
	for (size_t i = 0; i < N_BENCH_IMAGES; i++)
		buf_fini(&r->images[i]);
}

static void add_media(struct device *d)
{
	static const char *const names[N_SLOTS][3] = {
	    {"slot A firmware", "slot A rootfs", "slot A descriptor"},
	    {"slot B firmware", "slot B rootfs", "slot B descriptor"}};

	for (size_t s = 0; s < N_SLOTS; s++) {
		d->images[s][0] = sim_add(&d->sim, names[s][0], 2 * MIB + (256 << 10));
		d->images[s][1] = sim_add(&d->sim, names[s][1], VERITY_BLOCK);
		d->descriptors[s] = sim_add(&d->sim, names[s][2], VERITY_BLOCK);
	}
	d->journal = sim_add(&d->sim, "journal", 2 * JOURNAL_SPACING);
	d->record = sim_add(&d->sim, "slot record", 2 * ERASE_SIZE);
	if (d->is_packed)
		d->scratch = sim_add(&d->sim, "scratch", 2 * MIB);
}

/* What the factory does. */
static void fill_slot_a(struct device *d)
{
	struct slot_content content = {.version = "1.0.0", .security_version = 1};
	const struct bench_release *r = &d->v1;
	struct slot_record record;
	AUTO_PTR(boot) struct boot *boot = NULL;
	struct slot_record old;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < N_BENCH_IMAGES; i++) {
		struct dev *to = d->images[0][i];

		for (size_t at = 0; at < r->images[i].len; at += VERITY_BLOCK)
			OK(dev_write(to, at, r->images[i].data + at, VERITY_BLOCK, &e));
		OK(dev_flush(to, &e));
	}
	OK(dev_write(d->descriptors[0], 0, r->material.descriptor, DESCRIPTOR_LEN, &e));
	OK(dev_flush(d->descriptors[0], &e));
	memcpy(content.root_hash, r->manifest.descriptor_sha256, SHA256_LEN);
	OK(record_init_factory(&record, 0, &content, &e));
	FAILS(device_open(d, &boot, &old, &e), ERR_NOT_FOUND);
	OK(boot_store(boot, &record, &e));
}

static struct device *make_device(bool is_packed)
{
	static const uint8_t seed[ED25519_SEED_LEN] = {7};
	AUTO_PTR(privkey) struct privkey *key = NULL;
	struct device *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	assert_non_null(d);
	key = privkey_from_ed25519_seed(seed, &e);
	assert_non_null(key);
	d->keys.keys[0] = privkey_public(key, &e);
	d->is_packed = is_packed;
	make_release(&d->v1, 1, is_packed, key);
	make_release(&d->v2, 2, is_packed, key);
	add_media(d);
	fill_slot_a(d);
	sim_power_on(&d->sim);
	return d;
}

struct device *device_new(void)
{
	return make_device(false);
}

struct device *device_new_packed(void)
{
	return make_device(true);
}

void device_free(struct device *d)
{
	union {
		const struct pubkey *borrowed;
		struct pubkey *owned;
	} key = {d->keys.keys[0]};

	sim_fini(&d->sim);
	release_free(&d->v1);
	release_free(&d->v2);
	buf_fini(&d->delta_head);
	buf_fini(&d->delta_body);
	pubkey_free(key.owned);
	free(d);
}

static struct recode_means means(void)
{
	return (struct recode_means){
	    recode_codecs, {.memory_bytes = 16 * MIB, .scratch_bytes = 2 * MIB}};
}

/* Unwrapped, if there is something to unwrap. */
static void make_delta(const struct device *d, const struct patch_spec *spec,
		       struct buf *head, struct buf *body)
{
	const struct recode_means has = means();
	struct unwrap_report report = {0};
	struct err e = ERR_INIT;

	if (d->is_packed)
		OK(wrapped_make(spec, &has, head, body, &report, &e));
	if (report.n_proven == 0)
		OK(patch_make(spec, head, body, &e));
	else
		assert_int_equal(report.n_proven, 5);
}

void device_add_delta(struct device *d)
{
	struct buf heads[N_BENCH_IMAGES], bodies[N_BENCH_IMAGES];
	struct patch_part parts[N_BENCH_IMAGES];
	struct err e = ERR_INIT;

	buf_init(&d->delta_head, CAP);
	buf_init(&d->delta_body, CAP);
	for (size_t i = 0; i < N_BENCH_IMAGES; i++) {
		const struct image *image = &d->v2.manifest.images[i];
		struct patch_spec spec = {.old_data = d->v1.images[i].data,
					  .old_size = d->v1.manifest.images[i].size,
					  .new_data = d->v2.images[i].data,
					  .new_size = image->size,
					  .segment_blocks = VERITY_FANOUT,
					  .group_bytes = 64u << 10};

		memcpy(spec.salt, image->salt, VERITY_SALT_LEN);
		buf_init(&heads[i], CAP);
		buf_init(&bodies[i], CAP);
		make_delta(d, &spec, &heads[i], &bodies[i]);
		parts[i] = (struct patch_part){heads[i].data, heads[i].len,
					       bodies[i].data, bodies[i].len};
	}
	OK(patch_join(parts, N_BENCH_IMAGES, &d->delta_head, &d->delta_body, &e));
	for (size_t i = 0; i < N_BENCH_IMAGES; i++) {
		buf_fini(&heads[i]);
		buf_fini(&bodies[i]);
	}
	d->base = (struct install_slot){
	    .images = {{"firmware", d->images[0][0]}, {"rootfs", d->images[0][1]}},
	    .n_images = 2,
	    .descriptor = d->descriptors[0]};
	d->by_delta = true;
}

struct install_material device_material(const struct device *d)
{
	struct install_material m = d->v2.material;

	if (!d->by_delta)
		return m;
	m.head = d->delta_head.data;
	m.head_len = d->delta_head.len;
	m.is_delta = true;
	return m;
}

uint64_t device_body_size(const struct device *d)
{
	return d->by_delta ? d->delta_body.len : d->v2.body_size;
}

int device_open(struct device *d, struct boot **ret_boot, struct slot_record *ret,
		struct err *e)
{
	struct boot_params p = {
	    .erase_size_bytes = ERASE_SIZE, .handover_fd = -1, .watchdog_fd = -1};

	if (boot_model_new(d->record, &p, ret_boot, e) < 0)
		return -1;
	return boot_load(*ret_boot, ret, e);
}

void device_spec(struct device *d, struct boot *boot, struct slot_record *record,
		 struct install_spec *ret)
{
	*ret = (struct install_spec){
	    .target = {.images = {{"firmware", d->images[1][0]},
				  {"rootfs", d->images[1][1]}},
		       .n_images = 2,
		       .descriptor = d->descriptors[1]},
	    .slot = 1,
	    .running = 0,
	    .journal = d->journal,
	    .boot = boot,
	    .record = record,
	    .boot_keys = &d->keys,
	    .product = "gateway",
	    .hardware = "revA",
	    .base = d->base.n_images > 0 ? &d->base : NULL,
	    .delta_memory = 2 * MIB,
	    .unwrap = means(),
	    .scratch = d->scratch,
	};
}

static int push_body(struct device *d, struct install *in, struct err *e)
{
	enum install_want want;
	uint64_t size = device_body_size(d);
	const uint8_t *body = d->by_delta ? d->delta_body.data : d->v2.body;

	if (install_push(in, NULL, 0, &want, e) < 0)
		return -1;
	while (want == INSTALL_FEED) {
		uint64_t at = install_body_offset(in), left = size - at;
		size_t n = left < BENCH_PIECE ? (size_t)left : BENCH_PIECE;

		assert_true(n > 0);
		d->n_fetched += n;
		if (install_push(in, body + at, n, &want, e) < 0)
			return -1;
	}
	return 0;
}

int device_install(struct device *d, struct err *e)
{
	const struct install_material m = device_material(d);
	AUTO_PTR(boot) struct boot *boot = NULL;
	AUTO_PTR(install) struct install *in = NULL;
	struct slot_record record;
	struct install_spec spec;
	uint64_t offset;

	if (device_open(d, &boot, &record, e) < 0)
		return -1;
	device_spec(d, boot, &record, &spec);
	in = install_new(&spec, e);
	if (in == NULL || install_begin(in, &m, &offset, e) < 0 ||
	    push_body(d, in, e) < 0)
		return -1;
	return install_arm(in, DEFAULT_TRIES, e);
}

static int check_image(struct dev *dev, const struct image *image, struct err *e)
{
	AUTO_PTR(verity_hasher) struct verity_hasher *h = NULL;
	uint8_t block[VERITY_BLOCK], root[SHA256_LEN];
	const uint8_t *groups;
	size_t n_groups;

	h = verity_hasher_new(image->salt, image->size, e);
	for (uint64_t i = 0; h != NULL && i < verity_n_blocks(image->size); i++) {
		if (dev_read_medium(dev, i * VERITY_BLOCK, block, sizeof(block), e) <
			0 ||
		    verity_hasher_add(h, block, e) < 0)
			return -1;
	}
	if (h == NULL || verity_hasher_end(h, root, &groups, &n_groups, e) < 0)
		return -1;
	if (memcmp(root, image->root_hash, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST, "%s: another root hash", dev->name);
	return 0;
}

int device_check_slot(struct device *d, unsigned slot, const struct bench_release *r,
		      struct err *e)
{
	uint8_t bytes[DESCRIPTOR_LEN];
	struct descriptor desc;

	if (dev_read_medium(d->descriptors[slot], 0, bytes, sizeof(bytes), e) < 0 ||
	    descriptor_verify(bytes, &d->keys, 0, &desc, e) < 0 ||
	    descriptor_check_matches(&desc, &r->manifest, e) < 0)
		return -1;
	for (size_t i = 0; i < N_BENCH_IMAGES; i++) {
		if (check_image(d->images[slot][i], &desc.images[i], e) < 0)
			return -1;
	}
	return 0;
}

unsigned device_boot(struct device *d)
{
	AUTO_PTR(boot) struct boot *boot = NULL;
	struct slot_record record;
	struct err e = ERR_INIT;
	unsigned slot = NO_SLOT;
	enum boot_choice choice;

	OK(device_open(d, &boot, &record, &e));
	choice = record_choose(&record, &slot);
	assert_true(choice == BOOT_SLOT || choice == BOOT_TRY);
	OK(device_check_slot(d, slot, slot == 0 ? &d->v1 : &d->v2, &e));
	return slot;
}
