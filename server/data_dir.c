/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "../common/base/file.h"
#include "../common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int below(const struct data_dir *d, const char *name, char ret[PATH_MAX],
		 struct err *e)
{
	return text_format(ret, PATH_MAX, e, "%s/%s", d->root, name);
}

int data_dir_open(const struct settings *s, bool make, struct data_dir *ret,
		  struct err *e)
{
	if (make && dir_make(s->data_dir, 0700, e) < 0)
		return err_wrap(e, "data directory %s", s->data_dir);
	if (!file_exists(s->data_dir))
		return err_set(e, ERR_NOT_FOUND, "data directory %s: not there",
			       s->data_dir);
	if (make && access(s->data_dir, W_OK | X_OK) < 0)
		return err_sys(e, "data directory %s", s->data_dir);
	if (text_copy(ret->root, sizeof(ret->root), s->data_dir, "data directory", e) <
		0 ||
	    below(ret, "ota.db", ret->database, e) < 0 ||
	    below(ret, "artifacts", ret->artifacts, e) < 0 ||
	    below(ret, "signer", ret->signer, e) < 0 ||
	    below(ret, "tickets.key", ret->tickets, e) < 0 ||
	    below(ret, "secrets.key", ret->secrets, e) < 0 ||
	    below(ret, "lock", ret->lock, e) < 0 ||
	    below(ret, "demo", ret->demo, e) < 0)
		return -1;
	return below(ret, "running.json", ret->running, e);
}

int data_dir_check_demo(const struct data_dir *d, bool demo, struct err *e)
{
	/* The database may be elsewhere; the keys never are. */
	bool begun = file_exists(d->database) || file_exists(d->tickets);
	bool marked = file_exists(d->demo);

	if (begun && demo && !marked)
		return err_set(e, ERR_CONFIG,
			       "%s was not begun in demo mode and never will be",
			       d->root);
	if (!demo && marked)
		return err_set(e, ERR_CONFIG,
			       "%s was begun in demo mode: its keys are worth nothing; "
			       "begin another one",
			       d->root);
	if (!demo || marked)
		return 0;
	return file_replace(d->demo, "demo\n", 5, 0600, e);
}

struct store_place store_place_of(const struct settings *s, const struct data_dir *d)
{
	return (struct store_place){
	    .url = s->store_url,
	    .path = d->database,
	    .allow_insecure = s->store_insecure,
	    .n_readers = (unsigned)s->store_readers,
	};
}

struct store *open_store(const struct settings *s, const struct data_dir *d,
			 enum store_opener who, const struct log *log, struct err *e)
{
	const struct store_place place = store_place_of(s, d);

	return store_open(&place, who, log, e);
}

struct store *visit_store(const struct settings *s, struct data_dir *ret_dir,
			  const struct log *log, struct err *e)
{
	if (data_dir_open(s, false, ret_dir, e) < 0)
		return NULL;
	return open_store(s, ret_dir, STORE_VISITOR, log, e);
}

/* Our own directory, from the link that the kernel keeps. */
static int own_dir(char ret[PATH_MAX], struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return err_sys(e, "/proc/self/exe");
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (slash != NULL)
		*slash = '\0';
	return 0;
}

/* As built, beside us, as installed below one prefix. */
static int find_program(const char *name, const char *dir_built, const char *option,
			char ret_path[PATH_MAX], struct err *e)
{
	const char *const places[][2] = {
	    {dir_built, "/"}, {"", ""}, {"../libexec/ota", "/"}};
	char dir[PATH_MAX];

	if (own_dir(dir, e) < 0)
		return -1;
	for (size_t i = 0; i < N_ELEMS(places); i++) {
		if (text_format(ret_path, PATH_MAX, e, "%s/%s%s%s", dir, places[i][0],
				places[i][1], name) < 0)
			return -1;
		if (access(ret_path, X_OK) == 0)
			return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "%s: not beside %s; name it by %s", name, dir,
		       option);
}

int find_signer(const struct settings *s, char ret_path[PATH_MAX], struct err *e)
{
	if (s->signer_program != NULL)
		return text_copy(ret_path, PATH_MAX, s->signer_program, "signer", e);
	return find_program("ota-signer", "signer", "--server-signer", ret_path, e);
}

int find_maker(const struct settings *s, char ret_path[PATH_MAX], struct err *e)
{
	if (s->maker_program != NULL)
		return text_copy(ret_path, PATH_MAX, s->maker_program, "maker", e);
	return find_program("ota-delta-maker", "delta", "--delta-maker", ret_path, e);
}
