/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target once over each file of its corpus directory, so that every run of
 * the tests replays what fuzzing found, without clang. Of each file all prefixes of a
 * few lengths and a few single-bit changes are run as well: cheap, and the same in each
 * run.
 */
#include "../../common/base/file.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

#define MAX_INPUT_BYTES (4u << 20)
#define N_VARIANTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A block of exactly this size, so that the sanitizers see the first byte too far. */
static void run_exact(const uint8_t *data, size_t len)
{
	AUTO_FREE uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
}

static void run_variants(struct buf *content)
{
	run_exact(content->data, content->len);
	for (size_t i = 0; i < N_VARIANTS && content->len > 0; i++) {
		size_t at = i * content->len / N_VARIANTS;
		uint8_t bit = (uint8_t)(1u << i % 8);

		run_exact(content->data, at);
		content->data[at] ^= bit;
		run_exact(content->data, content->len);
		content->data[at] ^= bit;
	}
}

static int run_file(const char *dir, const char *name, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(MAX_INPUT_BYTES);
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, "%s/%s: name too long", dir, name);
	if (file_read(path, &content, e) < 0)
		return -1;
	run_variants(&content);
	return 0;
}

static int run_dir(const char *dir, size_t *ret_n_files, struct err *e)
{
	DIR *d = opendir(dir);
	int result = 0;

	if (d == NULL)
		return err_sys(e, "corpus %s", dir);
	for (struct dirent *entry; result == 0 && (entry = readdir(d)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		result = run_file(dir, entry->d_name, e);
		*ret_n_files += 1;
	}
	(void)closedir(d);
	return result;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	size_t n_files = 0;

	if (argc != 2)
		return EXIT_USAGE;
	if (run_dir(argv[1], &n_files, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		return EXIT_FAILED;
	}
	if (n_files == 0) {
		(void)fprintf(stderr, "corpus %s is empty\n", argv[1]);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
