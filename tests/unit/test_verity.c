/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle is the real veritysetup; without it the comparison is skipped and says so.
 */
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/verity.h"

#include "testing.h"

#include <fcntl.h>
#include <inttypes.h>

static const uint8_t salt[VERITY_SALT_LEN] = "a salt of thirty-two bytes, fixe";

/* Byte i of every test image: cheap, and no two blocks are alike. */
static void fill_block(uint8_t block[VERITY_BLOCK], uint64_t index, uint64_t size)
{
	memset(block, 0, VERITY_BLOCK);
	for (size_t i = 0; i < VERITY_BLOCK; i++) {
		uint64_t at = index * VERITY_BLOCK + i;

		if (at < size)
			block[i] = (uint8_t)(at * 2654435761u >> 13);
	}
}

static void hash_image(uint64_t size, struct verity_hasher *h)
{
	struct err e = ERR_INIT;
	uint8_t block[VERITY_BLOCK];

	for (uint64_t i = 0; i < verity_n_blocks(size); i++) {
		fill_block(block, i, size);
		OK(verity_hasher_add(h, block, &e));
	}
}

static void write_image(const char *path, uint64_t size)
{
	struct err e = ERR_INIT;
	uint8_t block[VERITY_BLOCK];
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < verity_n_blocks(size); i++) {
		fill_block(block, i, size);
		OK(fd_write_full(fd, block, sizeof(block), &e));
	}
}

static void oracle_root(const char *dir, uint64_t size, char ret_hex[65])
{
	char command[512];
	char line[256];
	char salt_hex[2 * VERITY_SALT_LEN + 1];
	FILE *out;

	hex_encode(salt, sizeof(salt), salt_hex);
	(void)snprintf(
	    command, sizeof(command),
	    "veritysetup format %s/data %s/hash --salt=%s --hash=sha256 "
	    "--data-block-size=4096 --hash-block-size=4096 --data-blocks=%" PRIu64,
	    dir, dir, salt_hex, verity_n_blocks(size));
	out = popen(command, "re");
	assert_non_null(out);
	ret_hex[0] = '\0';
	while (fgets(line, sizeof(line), out) != NULL)
		(void)sscanf(line, "Root hash: %64s", ret_hex);
	assert_int_equal(pclose(out), 0);
	assert_int_equal(strlen(ret_hex), 64);
}

static void compare_with_oracle(const char *dir, uint64_t size)
{
	struct err e = ERR_INIT;
	char path[128];
	char expected[65];
	char got[65];
	uint8_t root[SHA256_LEN];
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(salt, size, &e);

	(void)snprintf(path, sizeof(path), "%s/data", dir);
	write_image(path, size);
	hash_image(size, h);
	OK(verity_hasher_end(h, root, NULL, NULL, &e));
	hex_encode(root, sizeof(root), got);
	oracle_root(dir, size, expected);
	assert_string_equal(got, expected);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/hash", dir);
	assert_int_equal(unlink(path), 0);
}

static void the_root_is_the_one_veritysetup_makes(void **state)
{
	static const uint64_t sizes[] = {
	    1,
	    4095,
	    4096,
	    4097,
	    2 * 4096,
	    128 * 4096 - 7,
	    128 * 4096,
	    129 * 4096,
	    129 * 4096 + 1,
	    (128 * 128 + 1) * 4096,
	};
	char dir[] = "/tmp/ota-verity-XXXXXX";

	(void)state;
	if (system("veritysetup --version >/dev/null 2>&1") != 0) {
		print_message("veritysetup (Debian: cryptsetup-bin) is not installed: "
			      "the comparison is skipped\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < N_ELEMS(sizes); i++)
		compare_with_oracle(dir, sizes[i]);
	assert_int_equal(rmdir(dir), 0);
}

/* What a reader of a container does: leaves -> groups -> root, each on its own. */
static void check_piecewise(uint64_t size)
{
	struct err e = ERR_INIT;
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(salt, size, &e);
	uint64_t n_blocks = verity_n_blocks(size);
	const uint8_t *groups;
	size_t n_groups;
	uint8_t root[SHA256_LEN];
	uint8_t again[SHA256_LEN];
	uint8_t leaves[VERITY_FANOUT * SHA256_LEN];
	uint8_t block[VERITY_BLOCK];

	hash_image(size, h);
	OK(verity_hasher_end(h, root, &groups, &n_groups, &e));
	assert_int_equal(n_groups, verity_n_groups(size));
	OK(verity_root(salt, groups, n_groups, n_blocks, again, &e));
	assert_memory_equal(root, again, sizeof(root));
	for (size_t g = 0; g < n_groups; g++) {
		size_t n = 0;

		for (uint64_t i = g * VERITY_FANOUT; i < n_blocks && n < VERITY_FANOUT;
		     i++, n++) {
			fill_block(block, i, size);
			OK(verity_leaf(salt, block, leaves + n * SHA256_LEN, &e));
		}
		OK(verity_group(salt, leaves, n, n_blocks, again, &e));
		assert_memory_equal(groups + g * SHA256_LEN, again, sizeof(again));
	}
}

static void leaves_groups_and_root_fit_together(void **state)
{
	static const uint64_t n_blocks[] = {1, 2, 127, 128, 129, 256, 300};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(n_blocks); i++)
		check_piecewise(n_blocks[i] * VERITY_BLOCK - (i % 2));
}

static void many_leaves_at_once_are_the_same_leaves(void **state)
{
	struct err e = ERR_INIT;
	uint8_t blocks[3 * VERITY_BLOCK];
	uint8_t leaves[3 * SHA256_LEN];
	uint8_t one[SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		fill_block(blocks + i * VERITY_BLOCK, i, sizeof(blocks));
	OK(verity_leaves(salt, blocks, 3, leaves, &e));
	for (size_t i = 0; i < 3; i++) {
		OK(sha256_two(salt, sizeof(salt), blocks + i * VERITY_BLOCK,
			      VERITY_BLOCK, one, &e));
		assert_memory_equal(leaves + i * SHA256_LEN, one, SHA256_LEN);
	}
}

static void sizes_are_counted_in_started_blocks_and_groups(void **state)
{
	(void)state;
	assert_int_equal(verity_n_blocks(0), 0);
	assert_int_equal(verity_n_groups(0), 0);
	assert_int_equal(verity_n_blocks(1), 1);
	assert_int_equal(verity_n_blocks(4096), 1);
	assert_int_equal(verity_n_blocks(4097), 2);
	assert_int_equal(verity_n_groups(VERITY_GROUP), 1);
	assert_int_equal(verity_n_groups(VERITY_GROUP + 1), 2);
	assert_true(verity_n_blocks(UINT64_MAX) == UINT64_MAX / 4096 + 1);
}

static void a_hasher_wants_exactly_the_blocks_announced(void **state)
{
	struct err e = ERR_INIT;
	AUTO_PTR(verity_hasher)
	struct verity_hasher *h = verity_hasher_new(salt, 2 * VERITY_BLOCK, &e);
	uint8_t block[VERITY_BLOCK] = {0};
	uint8_t root[SHA256_LEN];

	(void)state;
	OK(verity_hasher_add(h, block, &e));
	FAILS(verity_hasher_end(h, root, NULL, NULL, &e), ERR_INTERNAL);
	OK(verity_hasher_add(h, block, &e));
	FAILS(verity_hasher_add(h, block, &e), ERR_INTERNAL);
	OK(verity_hasher_end(h, root, NULL, NULL, &e));
}

static void groups_that_cannot_be_are_refused(void **state)
{
	struct err e = ERR_INIT;
	uint8_t leaves[(VERITY_FANOUT + 1) * SHA256_LEN] = {0};
	uint8_t out[SHA256_LEN];

	(void)state;
	FAILS(verity_group(salt, leaves, 0, 5, out, &e), ERR_INTERNAL);
	FAILS(verity_group(salt, leaves, VERITY_FANOUT + 1, 500, out, &e),
	      ERR_INTERNAL);
	FAILS(verity_group(salt, leaves, 3, 2, out, &e), ERR_INTERNAL);
	FAILS(verity_root(salt, leaves, 2, 128, out, &e), ERR_INTERNAL);
	FAILS(verity_root(salt, leaves, 0, 0, out, &e), ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_root_is_the_one_veritysetup_makes),
	    cmocka_unit_test(leaves_groups_and_root_fit_together),
	    cmocka_unit_test(many_leaves_at_once_are_the_same_leaves),
	    cmocka_unit_test(sizes_are_counted_in_started_blocks_and_groups),
	    cmocka_unit_test(a_hasher_wants_exactly_the_blocks_announced),
	    cmocka_unit_test(groups_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests_name("verity", tests, NULL, NULL);
}
