/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota release withdraw, ota release unlist: a release is taken back.
 *
 *	withdraw	the server offers it to nobody from here on; no key is needed
 *	unlist		offline, as ota release sign: the next list without it
 *	withdraw --targets	publishes that list
 */
#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/format/manifest.h"
#include "../common/tuf/trusted.h"
#include "../publish/repo/repo.h"
#include "keys.h"
#include "passphrase.h"
#include "upload.h"
#include "view.h"

#include <inttypes.h>
#include <limits.h>

const struct option release_withdraw_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT",
     "Why, for everybody who looks (required)"},
    {NULL, "cancel-running", OPT_FLAG, AT(cancel_running), NULL, NULL,
     "Also cancel what devices have been shown; otherwise they finish it"},
    {NULL, "targets", OPT_PATH, AT(targets_file), NULL, "FILE",
     "Publish this list, which ota release unlist made"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option release_unlist_options[] = {
    {NULL, "keys", OPT_PATH, AT(keys_dir), NULL, "DIR", "Key directory (required)"},
    {NULL, "targets-lifetime", OPT_DURATION, AT(targets_lifetime_ms), "1095d", NULL,
     "How long the new list of releases is valid"},
    OPTIONS_PASSPHRASE,
    OPTION_END,
};

/* ---- on the server ---- */

static int call_withdraw(const struct api *a, const char *release, const struct ota *o,
			 struct json **ret, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO(buf) struct buf path = BUF_INIT(256);

	if (buf_add_str(&path, "/api/v1/releases/", e) < 0 ||
	    api_escape(&path, release, e) < 0 || buf_add_str(&path, "/withdraw", e) < 0)
		return -1;
	if (json_set(body, "reason", json_new_text(o->reason), e) < 0 ||
	    json_set(body, "cancel_running", json_new_bool(o->cancel_running), e) < 0)
		return -1;
	return api_call(a, "POST", buf_str(&path), body, ret, e);
}

static int publish_targets(const struct api *a, const char *file, struct err *e)
{
	AUTO(buf) struct buf targets = BUF_INIT(TUF_TARGETS_MAX_BYTES);
	AUTO_PTR(json) struct json *body = json_new_object();
	struct upload_source source = {.fd = -1};
	AUTO(progress) struct progress bar;
	char sha256_text[2 * SHA256_LEN + 1];

	if (file_read(file, &targets, e) < 0)
		return -1;
	source.data = targets.data;
	source.len = targets.len;
	progress_begin(&bar, "targets");
	if (upload_send(a, &source, &bar, sha256_text, e) < 0 ||
	    json_set(body, "targets", json_new_text(sha256_text), e) < 0)
		return -1;
	return api_call(a, "POST", "/api/v1/repository/targets", body, NULL, e);
}

/* Those that run it stay as they are: somebody has to look at them. */
static int show_devices(const struct ota *o, const struct api *a,
			const struct json *release, struct err *e)
{
	static const struct view_column columns[] = {{"DEVICE", "id", VIEW_TEXT},
						     {"SITE", "site", VIEW_TEXT},
						     {"STATE", "state", VIEW_TEXT},
						     {"SEEN", "seen_at", VIEW_TIME}};
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO(buf) struct buf filter = BUF_INIT(512);
	AUTO_PTR(json) struct json *page = NULL;
	const char *product, *version;

	if (json_get_text(release, "product", &product, e) < 0 ||
	    json_get_text(release, "version", &version, e) < 0 ||
	    buf_printf(&filter, e, "product=='%s';version=='%s'", product, version) <
		0 ||
	    buf_add_str(&path, "/api/v1/devices?limit=500&filter=", e) < 0 ||
	    api_escape(&path, buf_str(&filter), e) < 0 ||
	    api_call(a, "GET", buf_str(&path), NULL, &page, e) < 0)
		return -1;
	if (json_len(json_get(page, "items")) > 0)
		(void)printf("Devices that run it (ota device list --filter \"%s\"):\n",
			     buf_str(&filter));
	return view_list(o, json_get(page, "items"), columns, N_ELEMS(columns),
			 "No device runs it.", e);
}

RUN(release_withdraw)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *release = NULL;

	(void)n_operands;
	(void)log;
	if (o->reason == NULL)
		return err_set(e, ERR_USAGE, "--reason is missing");
	if (api_init(&a, o, true, e) < 0 ||
	    call_withdraw(&a, operands[0], o, &release, e) < 0)
		return -1;
	if (o->targets_file != NULL && publish_targets(&a, o->targets_file, e) < 0)
		return err_wrap(e, "withdrawn, but its list was not published");
	if (o->json)
		return print_json(release, e);
	(void)printf("Withdrawn: no device is offered it any more. %" PRIu64
		     " deployments were cancelled.\n",
		     (uint64_t)json_int(json_get(release, "cancelled")));
	if (o->targets_file == NULL)
		(void)puts("The signed list still names it. Next: ota release unlist, "
			   "where the keys are, then ota release withdraw --targets.");
	return show_devices(o, &a, release, e);
}

/* ---- where the keys are ---- */

struct unlisting {
	const struct ota *o;
	char name[TARGET_NAME_MAX_LEN + 1];
	uint64_t version; /* of the newest list */
	struct buf root, current, draft, next;
};

static void unlisting_fini(struct unlisting *u)
{
	buf_fini(&u->root);
	buf_fini(&u->current);
	buf_fini(&u->draft);
	buf_fini(&u->next);
}

static struct tuf_targets *check_list(const struct unlisting *u,
				      const struct buf *bytes, struct err *e)
{
	AUTO_PTR(tuf_root)
	struct tuf_root *root = tuf_root_verify_self(u->root.data, u->root.len, e);

	return root == NULL ? NULL : targets_verify(root, bytes->data, bytes->len, e);
}

static int load_newest(struct unlisting *u, struct err *e)
{
	const char *dir = u->o->keys_dir;
	uint64_t root_version;

	if (keys_newest(dir, "root", &root_version, e) < 0 ||
	    keys_newest(dir, "targets", &u->version, e) < 0)
		return -1;
	if (root_version == 0 || u->version == 0)
		return err_set(e, ERR_NOT_FOUND, "%s is not a key directory", dir);
	if (keys_read_metadata(dir, "root", root_version, &u->root, e) < 0)
		return -1;
	return keys_read_metadata(dir, "targets", u->version, &u->current, e);
}

/* Signed, and nothing but this release is gone. */
static int check_next(const struct unlisting *u, const struct tuf_targets *now,
		      struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *next = check_list(u, &u->next, e);

	if (next == NULL)
		return err_wrap(e, "what was just signed");
	if (next->common.version != u->version + 1 ||
	    next->n_targets + 1 != now->n_targets ||
	    tuf_targets_find(next, u->name) != NULL)
		return err_set(e, ERR_INTERNAL,
			       "what was just signed is not what was drafted");
	return 0;
}

static int sign_without(struct unlisting *u, struct err *e)
{
	AUTO_PTR(tuf_targets) struct tuf_targets *now = check_list(u, &u->current, e);
	AUTO(passphrase) struct passphrase pass = {0};
	AUTO_PTR(privkey) struct privkey *key = NULL;
	int64_t expires =
	    clock_utc_ms(&clock_system) + (int64_t)u->o->targets_lifetime_ms;

	if (now == NULL)
		return err_wrap(e, "%s", u->o->keys_dir);
	if (tuf_targets_find(now, u->name) == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s is not in list %" PRIu64, u->name,
			       u->version);
	(void)fprintf(stderr,
		      "targets      version %" PRIu64 " -> %" PRIu64
		      ", %zu releases -> %zu\n- %s\n",
		      u->version, u->version + 1, now->n_targets, now->n_targets - 1,
		      u->name);
	if (repo_draft_targets_remove(u->current.data, u->current.len, u->name, expires,
				      &u->draft, e) < 0)
		return -1;
	key = key_open(u->o, u->o->keys_dir, "targets.key", "targets", &pass, e);
	if (key == NULL || repo_sign(u->draft.data, u->draft.len, key, &u->next, e) < 0)
		return -1;
	return check_next(u, now, e);
}

static int tell_unlisted(const struct unlisting *u, const char *path, struct err *e)
{
	AUTO_PTR(json) struct json *j = NULL;

	if (!u->o->json) {
		(void)printf("%s no longer names %s. Next: ota release withdraw "
			     "--targets %s.\n",
			     path, u->name, path);
		return 0;
	}
	j = json_new_object();
	if (json_set(j, "target", json_new_text(u->name), e) < 0 ||
	    json_set(j, "targets_version", json_new_int((int64_t)u->version + 1), e) <
		0 ||
	    json_set(j, "targets", json_new_text(path), e) < 0)
		return -1;
	return print_json(j, e);
}

RUN(release_unlist)
{
	AUTO(unlisting)
	struct unlisting u = {.o = values,
			      .root = BUF_INIT(TUF_ROOT_MAX_BYTES),
			      .current = BUF_INIT(TUF_TARGETS_MAX_BYTES),
			      .draft = BUF_INIT(TUF_TARGETS_MAX_BYTES),
			      .next = BUF_INIT(TUF_TARGETS_MAX_BYTES)};
	char path[PATH_MAX];

	(void)n_operands;
	(void)log;
	if (u.o->keys_dir == NULL)
		return err_set(e, ERR_USAGE, "--keys is missing");
	if (manifest_target_name(operands[0], operands[1], u.name, e) < 0 ||
	    load_newest(&u, e) < 0 || sign_without(&u, e) < 0 ||
	    text_format(path, sizeof(path), e, "%s/repository/%" PRIu64 ".targets.json",
			u.o->keys_dir, u.version + 1) < 0 ||
	    file_create(path, u.next.data, u.next.len, 0644, e) < 0)
		return -1;
	return tell_unlisted(&u, path, e);
}
