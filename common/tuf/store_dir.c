/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted metadata as files in a directory. */
#include "tuf.h"

#include "../base/file.h"
#include "../base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int path_of(void *ctx, const char *name, char ret[PATH_MAX], struct err *e)
{
	if (strchr(name, '/') != NULL)
		return err_set(e, ERR_INTERNAL, "\"%s\" is not a file name", name);
	return text_format(ret, PATH_MAX, e, "%s/%s", (const char *)ctx, name);
}

static int dir_get(void *ctx, const char *name, struct buf *ret, struct err *e)
{
	char path[PATH_MAX];

	if (path_of(ctx, name, path, e) != 0)
		return -1;
	return file_read(path, ret, e);
}

static int dir_put(void *ctx, const char *name, const void *data, size_t len,
		   struct err *e)
{
	char path[PATH_MAX];

	if (path_of(ctx, name, path, e) != 0)
		return -1;
	return file_replace(path, data, len, 0644, e);
}

static int dir_del(void *ctx, const char *name, struct err *e)
{
	char path[PATH_MAX];

	if (path_of(ctx, name, path, e) != 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	return dir_sync((const char *)ctx, e);
}

void tuf_store_dir(const char *dir, struct tuf_store *ret)
{
	char *ctx;

	memcpy(&ctx, &dir, sizeof(ctx)); /* borrowed, never written to */
	*ret = (struct tuf_store){dir_get, dir_put, dir_del, ctx};
}
