/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/format/bundle.h"
#include "../../publish/bundle/maker.h"

#include "testing.h"

#include <sys/stat.h>
#include <zstd.h>

#define BUNDLE_CAP (16u << 20)

/* A directory with two images, and what is made of them. */
struct workshop {
	char dir[32];
	char firmware[64], rootfs[64], out[64];
	struct privkey *boot_key;
	struct maker_spec spec;
	uint64_t reported;
};

static const char *const hardware[] = {"revA"};

/* Bytes that do not compress, the same in each run. */
static void fill_noise(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(seed >> 56);
	}
}

/* 1 MiB of text, 1 MiB of noise, 1 MiB of zeros, and a last part that is not a whole
 * block. */
static void write_firmware(const char *path)
{
	size_t len = (3u << 20) + 1234567;
	AUTO_FREE uint8_t *p = calloc(1, len);
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 1u << 20; i++)
		p[i] = (uint8_t)((size_t) "a quiet text "[i % 13] + (i >> 12 & 1));
	fill_noise(p + (1 << 20), 1 << 20, 1);
	memset(p + (3 << 20), 'x', 1234567);
	OK(file_replace(path, p, len, 0600, &e));
}

static void on_progress(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
	struct workshop *w = ctx;

	assert_true(done_bytes > w->reported && done_bytes <= all_bytes);
	w->reported = done_bytes;
}

static void workshop_init(struct workshop *w)
{
	struct err e = ERR_INIT;
	uint8_t seed[ED25519_SEED_LEN] = {1};

	*w = (struct workshop){.dir = "/tmp/ota-maker-XXXXXX"};
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->firmware, sizeof(w->firmware), "%s/firmware", w->dir);
	(void)snprintf(w->rootfs, sizeof(w->rootfs), "%s/rootfs", w->dir);
	(void)snprintf(w->out, sizeof(w->out), "%s/out.bundle", w->dir);
	write_firmware(w->firmware);
	OK(file_replace(w->rootfs, "one block", 9, 0600, &e));
	w->boot_key = privkey_from_ed25519_seed(seed, &e);
	w->spec = (struct maker_spec){
	    .product = "gateway",
	    .hardware = hardware,
	    .n_hardware = 1,
	    .version = "2.0.0",
	    .security_version = 3,
	    .notes = "notes",
	    .images = {{"firmware", w->firmware}, {"rootfs", w->rootfs}},
	    .n_images = 2,
	    .boot_key = w->boot_key,
	    .progress = on_progress,
	    .progress_ctx = w};
}

static void workshop_fini(struct workshop *w)
{
	(void)unlink(w->firmware);
	(void)unlink(w->rootfs);
	(void)unlink(w->out);
	assert_int_equal(rmdir(w->dir), 0); /* nothing else was left behind */
	privkey_free(w->boot_key);
}

/* A bundle, taken apart as a reader would. */
struct opened {
	struct buf file;
	struct bundle table;
	struct manifest manifest;
	struct descriptor descriptor;
	struct container_head head;
	const uint8_t *body;
};

static const uint8_t *part_of(const struct opened *o, enum part_type type,
			      size_t *ret_len)
{
	const struct part *p = bundle_find(&o->table, type, 0);

	assert_non_null(p);
	*ret_len = (size_t)p->length;
	return o->file.data + p->offset;
}

static void opened_init(struct opened *o, const char *path)
{
	struct err e = ERR_INIT;
	const uint8_t *p;
	size_t len;

	*o = (struct opened){.file = BUF_INIT(BUNDLE_CAP)};
	OK(file_read(path, &o->file, &e));
	OK(bundle_parse(o->file.data, o->file.len, o->file.len, &o->table, &e));
	p = part_of(o, PART_MANIFEST, &len);
	OK(manifest_parse(p, len, &o->manifest, &e));
	p = part_of(o, PART_DESCRIPTOR, &len);
	assert_int_equal(len, DESCRIPTOR_LEN);
	OK(descriptor_parse(p, &o->descriptor, &e));
	p = part_of(o, PART_HEAD, &len);
	OK(container_head_parse(p, len, &o->head, &e));
	o->body = part_of(o, PART_BODY, &len);
}

static void opened_fini(struct opened *o)
{
	buf_fini(&o->file);
	container_head_fini(&o->head);
}

static void everything_in_a_bundle_agrees(void **state)
{
	AUTO(workshop) struct workshop w;
	AUTO(opened) struct opened o;
	AUTO_PTR(pubkey) struct pubkey *public = NULL;
	uint8_t digest[SHA256_LEN];
	struct descriptor d;
	struct err e = ERR_INIT;
	const uint8_t *p;
	size_t len;

	(void)state;
	workshop_init(&w);
	OK(maker_make(&w.spec, w.out, &e));
	assert_true(w.reported == (3u << 20) + 1234567 + 9);
	opened_init(&o, w.out);
	OK(container_check_matches(&o.head, &o.manifest, &e));
	OK(descriptor_check_matches(&o.descriptor, &o.manifest, &e));
	p = part_of(&o, PART_HEAD, &len);
	OK(sha256(p, len, digest, &e));
	assert_memory_equal(digest, o.manifest.payload_head_sha256, SHA256_LEN);
	p = part_of(&o, PART_DESCRIPTOR, &len);
	OK(sha256(p, len, digest, &e));
	assert_memory_equal(digest, o.manifest.descriptor_sha256, SHA256_LEN);
	public = privkey_public(w.boot_key, &e);
	OK(descriptor_verify(p, &(struct boot_keys){{public}}, 0, &d, &e));
	for (size_t i = 0; i < o.head.n_chunks; i++)
		OK(container_check_chunk(&o.head, i, o.body + i * CONTAINER_CHUNK,
					 container_chunk_len(&o.head, i), &e));
}

/* Decodes one segment in the plainest way there is. */
static void decode(const struct opened *o, const struct segment *s, uint8_t *ret)
{
	size_t leaves = s->n_blocks * (size_t)SHA256_LEN, len = s->n_blocks * 4096ul;
	const uint8_t *from = o->body + s->body_offset + leaves;

	memset(ret, 0, len);
	if (s->codec == CODEC_ZSTD) {
		size_t from_len = (size_t)s->body_size - leaves;

		assert_true(ZSTD_getFrameContentSize(from, from_len) == len);
		assert_true(ZSTD_decompress(ret, len, from, from_len) == len);
	} else if ((s->flags & SEG_ZERO) == 0) {
		memcpy(ret, from, len);
	}
}

static void the_segments_make_the_images_and_their_leaves_hold(void **state)
{
	AUTO(workshop) struct workshop w;
	AUTO(opened) struct opened o;
	AUTO(buf) struct buf image = BUF_INIT(BUNDLE_CAP);
	AUTO_FREE uint8_t *plain = malloc(CONTAINER_SEGMENT);
	uint8_t leaf[SHA256_LEN], zeros[VERITY_BLOCK] = {0};
	struct err e = ERR_INIT;

	(void)state;
	workshop_init(&w);
	OK(maker_make(&w.spec, w.out, &e));
	opened_init(&o, w.out);
	OK(file_read(w.firmware, &image, &e));
	OK(buf_add(&image, zeros, VERITY_BLOCK - image.len % VERITY_BLOCK, &e));
	assert_int_equal(o.head.n_segments, 6);
	assert_int_equal(o.head.segments[1].codec, CODEC_RAW);
	assert_int_equal(o.head.segments[2].flags, SEG_ZERO);
	assert_true(o.head.body_size < 5 << 18);
	for (size_t i = 0; i < 5; i++) {
		const struct segment *s = &o.head.segments[i];

		decode(&o, s, plain);
		assert_memory_equal(plain, image.data + s->first_block * VERITY_BLOCK,
				    s->n_blocks * VERITY_BLOCK);
		for (size_t k = 0; k < s->n_blocks && s->flags == 0; k++) {
			OK(verity_leaf(o.head.images[0].salt, plain + k * VERITY_BLOCK,
				       leaf, &e));
			assert_memory_equal(
			    leaf, o.body + s->body_offset + k * SHA256_LEN, SHA256_LEN);
		}
	}
}

static void the_same_images_make_the_same_bytes(void **state)
{
	AUTO(workshop) struct workshop w;
	AUTO(buf)
	struct buf first = BUF_INIT(BUNDLE_CAP), second = BUF_INIT(BUNDLE_CAP);
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	workshop_init(&w);
	OK(maker_make(&w.spec, w.out, &e));
	OK(file_read(w.out, &first, &e));
	w.reported = 0;
	OK(maker_make(&w.spec, w.out, &e));
	OK(file_read(w.out, &second, &e));
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	assert_int_equal(stat(w.out, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void wrong_input_is_named_and_leaves_no_file(void **state)
{
	AUTO(workshop) struct workshop w;
	struct maker_spec s;
	struct err e = ERR_INIT;

	(void)state;
	workshop_init(&w);
	s = w.spec;
	s.product = "no such/product";
	FAILS(maker_make(&s, w.out, &e), ERR_FORMAT);
	s = w.spec;
	s.n_hardware = 0;
	FAILS(maker_make(&s, w.out, &e), ERR_USAGE);
	s = w.spec;
	s.raise_floor_to = 4;
	FAILS(maker_make(&s, w.out, &e), ERR_USAGE);
	s = w.spec;
	s.boot_key_index = 4;
	FAILS(maker_make(&s, w.out, &e), ERR_USAGE);
	s = w.spec;
	s.images[1].name = "firmware";
	FAILS(maker_make(&s, w.out, &e), ERR_USAGE);
	s = w.spec;
	s.images[1].path = "/nowhere/rootfs";
	FAILS(maker_make(&s, w.out, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "/nowhere/rootfs"));
	s.images[1].path = "/dev/null";
	FAILS(maker_make(&s, w.out, &e), ERR_USAGE);
	FAILS(maker_make(&w.spec, "/nowhere/out.bundle", &e), ERR_NOT_FOUND);
	assert_false(file_exists(w.out));
}

static void files_are_kept_byte_for_byte_in_the_order_of_their_parts(void **state)
{
	AUTO(workshop) struct workshop w;
	AUTO(buf) struct buf file = BUF_INIT(BUNDLE_CAP);
	struct bundle table;
	struct manifest m;
	const struct part *p;
	struct err e = ERR_INIT;

	(void)state;
	workshop_init(&w);
	w.spec.n_images = 0;
	w.spec.boot_key = NULL;
	w.spec.files[0] = (struct maker_file){"app.bin", w.rootfs, FILE_APPLICATION};
	w.spec.files[1] = (struct maker_file){"update.swu", w.firmware, FILE_OS};
	w.spec.n_files = 2;
	OK(maker_make(&w.spec, w.out, &e));
	OK(file_read(w.out, &file, &e));
	OK(bundle_parse(file.data, file.len, file.len, &table, &e));
	assert_int_equal(table.n_parts, 3);
	p = bundle_find(&table, PART_MANIFEST, 0);
	OK(manifest_parse(file.data + p->offset, (size_t)p->length, &m, &e));
	assert_string_equal(m.files[0].name, "update.swu");
	assert_string_equal(m.files[1].name, "app.bin");
	p = bundle_find(&table, PART_FILE, 1);
	assert_int_equal(p->length, 9);
	assert_memory_equal(file.data + p->offset, "one block", 9);
}

static void the_salt_is_the_products(void **state)
{
	uint8_t a[VERITY_SALT_LEN], b[VERITY_SALT_LEN], expected[SHA256_LEN];
	struct err e = ERR_INIT;

	(void)state;
	OK(maker_salt("gateway", a, &e));
	OK(sha256("ota verity salt 1\ngateway\n", 26, expected, &e));
	assert_memory_equal(a, expected, sizeof(a));
	OK(maker_salt("gateway2", b, &e));
	assert_memory_not_equal(a, b, sizeof(a));
	FAILS(maker_salt("Gateway", b, &e), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_in_a_bundle_agrees),
	    cmocka_unit_test(the_segments_make_the_images_and_their_leaves_hold),
	    cmocka_unit_test(the_same_images_make_the_same_bytes),
	    cmocka_unit_test(wrong_input_is_named_and_leaves_no_file),
	    cmocka_unit_test(files_are_kept_byte_for_byte_in_the_order_of_their_parts),
	    cmocka_unit_test(the_salt_is_the_products),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
