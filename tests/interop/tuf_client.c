/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our TUF client behind the command line that the public conformance suite drives:
 *
 *	C --metadata-dir D init ROOT
 *	C --metadata-url U --metadata-dir D refresh
 *	C --metadata-url U --metadata-dir D --target-name P.. --target-dir T
 *	  --target-base-url B download
 *
 * Exit status 0, or 1 with one line on stderr. The clock is the system's (the suite
 * fakes it with libfaketime, so this program must stay dynamically linked); plain http
 * is allowed, and names of targets are as free as the specification has them. No other
 * program of ours does either.
 */
#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/net/net.h"
#include "../../common/tuf/tuf.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TARGET_MAX_BYTES (64u * 1024 * 1024)
#define MAX_TARGETS 16

struct job {
	const char *metadata_dir, *metadata_url, *target_dir, *target_url;
	const char *names[MAX_TARGETS];
	size_t n_names;
};

/* All but unreserved characters and those in `keep` as %XX. */
static int quote(const char *text, const char *keep, char *ret, size_t room,
		 struct err *e)
{
	size_t n = 0;

	ret[0] = '\0';
	for (; *text != '\0'; text++) {
		unsigned char ch = (unsigned char)*text;
		bool plain = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
			     (ch >= 'a' && ch <= 'z') || strchr("-._~", ch) != NULL ||
			     strchr(keep, ch) != NULL;

		if (text_format(ret + n, room - n, e, plain ? "%c" : "%%%02X", ch) != 0)
			return -1;
		n += plain ? 1 : 3;
	}
	return 0;
}

/* 1: there it is; 0: the server has no such file. */
static int fetch(const char *base, const char *path, size_t max_bytes, struct buf *ret,
		 struct err *e)
{
	const struct net_config config = {
	    .ca_file = "/etc/ssl/certs/ca-certificates.crt",
	    .connect_timeout_ms = 10000,
	    .stall_timeout_ms = 10000,
	    .min_rate_bytes = 1,
	    .allow_plain_http = true,
	};
	const char *slash = base[0] != '\0' && base[strlen(base) - 1] == '/' ? "" : "/";
	struct net_head head = {0};
	char url[4096];

	if (text_format(url, sizeof(url), e, "%s%s%s", base, slash, path) != 0)
		return -1;
	const struct net_request request = {
	    .method = "GET",
	    .url = url,
	    .range_start = -1,
	    .range_end = -1,
	    .max_bytes = max_bytes,
	    .timeout_ms = 60000,
	};

	if (net_call_sync(&config, &request, &head, ret, e) != 0)
		return err_wrap(e, "%s", path);
	if (head.status == 404 || head.status == 403)
		return 0;
	if (head.status != 200)
		return err_set(e, ERR_UNREACHABLE, "%s: status %d", path, head.status);
	return 1;
}

static int drive(struct tuf_client *c, const struct job *j, struct err *e)
{
	struct tuf_request asked;

	while (tuf_client_next(c, &asked) == TUF_FETCH) {
		AUTO(buf) struct buf data = BUF_INIT(asked.max_bytes + 4096);
		int found =
		    fetch(j->metadata_url, asked.path, asked.max_bytes + 1, &data, e);

		if (found < 0)
			return -1;
		if (found > 0 ? tuf_client_give(c, data.data, data.len, e) != 0
			      : tuf_client_missing(c, e) != 0)
			return -1;
	}
	return 0;
}

static int download(struct tuf_client *c, const struct job *j, const char *name,
		    struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(TARGET_MAX_BYTES);
	char path[3 * TUF_PATH_MAX_LEN + 1], file[PATH_MAX],
	    local[3 * TUF_PATH_MAX_LEN + 1];
	struct tuf_target t;
	int found;

	if (tuf_client_seek(c, name, e) != 0 || drive(c, j, e) != 0 ||
	    tuf_client_found(c, &t, e) != 0 ||
	    quote(t.path, "/", path, sizeof(path), e) != 0 ||
	    quote(t.name, "", local, sizeof(local), e) != 0 ||
	    text_format(file, sizeof(file), e, "%s/%s", j->target_dir, local) != 0)
		return -1;
	found = fetch(j->target_url, path, t.length + 1, &data, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "the repository has no %s", path);
	if (tuf_target_check(&t, data.data, data.len, e) != 0)
		return -1;
	return file_replace(file, data.data, data.len, 0644, e);
}

static int update(const struct job *j, struct err *e)
{
	const struct tuf_policy policy = {
	    .now_utc_ms = clock_utc_ms(&clock_system),
	    .any_names = true,
	};
	AUTO_PTR(tuf_client) struct tuf_client *c = NULL;
	struct tuf_store store;

	tuf_store_dir(j->metadata_dir, &store);
	c = tuf_client_new(&store, &policy, e);
	if (c == NULL || tuf_client_refresh(c, e) != 0 || drive(c, j, e) != 0)
		return -1;
	for (size_t i = 0; i < j->n_names; i++) {
		if (download(c, j, j->names[i], e) != 0)
			return -1;
	}
	return 0;
}

static int init(const struct job *j, const char *root_path, struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);
	struct tuf_store store;

	tuf_store_dir(j->metadata_dir, &store);
	if (dir_make(j->metadata_dir, 0755, e) != 0 ||
	    file_read(root_path, &root, e) != 0)
		return -1;
	return tuf_init(&store, root.data, root.len, e);
}

static int options(struct job *j, int argc, char **argv, struct err *e)
{
	static const struct option table[] = {
	    {"metadata-dir", required_argument, NULL, 'd'},
	    {"metadata-url", required_argument, NULL, 'u'},
	    {"target-name", required_argument, NULL, 'n'},
	    {"target-dir", required_argument, NULL, 't'},
	    {"target-base-url", required_argument, NULL, 'b'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			j->metadata_dir = optarg;
		else if (c == 'u')
			j->metadata_url = optarg;
		else if (c == 't')
			j->target_dir = optarg;
		else if (c == 'b')
			j->target_url = optarg;
		else if (c == 'n' && j->n_names < MAX_TARGETS)
			j->names[j->n_names++] = optarg;
		else
			return err_set(e, ERR_USAGE, "an option is not understood");
	}
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct job j = {0};
	const char *command;

	if (options(&j, argc, argv, e) != 0)
		return -1;
	command = optind < argc ? argv[optind] : "";
	if (j.metadata_dir == NULL)
		return err_set(e, ERR_USAGE, "--metadata-dir is missing");
	if (strcmp(command, "init") == 0 && optind + 2 == argc)
		return init(&j, argv[optind + 1], e);
	if (j.metadata_url == NULL)
		return err_set(e, ERR_USAGE, "--metadata-url is missing");
	if (strcmp(command, "refresh") == 0 && j.n_names == 0)
		return update(&j, e);
	if (strcmp(command, "download") == 0 && j.n_names > 0 && j.target_dir != NULL &&
	    j.target_url != NULL)
		return update(&j, e);
	return err_set(e, ERR_USAGE, "init ROOT, refresh or download with its options");
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (run(argc, argv, &e) == 0)
		return 0;
	(void)fprintf(stderr, "tuf_client: %s\n", e.text);
	return 1;
}
