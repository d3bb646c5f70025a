/* SPDX-License-Identifier: Apache-2.0 */
/* ota bundle verify: each thing is said for what it is worth, and what was not looked
 * at too. */
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "keys.h"
#include "ota.h"
#include "package.h"
#include "table.h"

#include <inttypes.h>

const struct option bundle_verify_options[] = {
    {NULL, "root", OPT_PATH, AT(root_file), NULL, NULL,
     "root.json of those who are trusted to release; without it only integrity is "
     "checked"},
    {NULL, "boot-key", OPT_LIST, AT(boot_keys), NULL, "FILE",
     "Boot public keys as the bootloader has them, by index"},
    OPTION_END,
};

struct verdict {
	int boot_key; /* -1: not checked */
	bool asked;   /* who vouches for it was checked */
	struct vouched by;
};

static int load_boot_keys(const struct ota *o, struct boot_key_ring *r, struct err *e)
{
	if (o->boot_keys.n_items > MAX_BOOT_KEYS)
		return err_set(e, ERR_USAGE, "--boot-key: at most %d", MAX_BOOT_KEYS);
	for (size_t i = 0; i < o->boot_keys.n_items; i++) {
		r->owned[i] = keys_read_public(o->boot_keys.items[i], e);
		if (r->owned[i] == NULL)
			return -1;
		r->keys.keys[i] = r->owned[i];
	}
	return 0;
}

static int check_boot_key(const struct ota *o, const struct package *p,
			  struct verdict *v, struct err *e)
{
	AUTO(boot_key_ring) struct boot_key_ring ring = {0};
	struct descriptor d;

	v->boot_key = -1;
	if (o->boot_keys.n_items == 0 || p->manifest.n_images == 0)
		return 0;
	if (load_boot_keys(o, &ring, e) < 0)
		return -1;
	if (descriptor_verify(p->descriptor_bytes, &ring.keys, 0, &d, e) < 0)
		return err_wrap(e, "%s: slot descriptor", p->path);
	v->boot_key = d.key_index;
	return 0;
}

static int check_root(const struct ota *o, const struct package *p, struct verdict *v,
		      struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(TUF_ROOT_MAX_BYTES);

	v->asked = o->root_file != NULL;
	if (!v->asked)
		return 0;
	if (file_read(o->root_file, &root, e) < 0)
		return -1;
	return package_vouched(p, root.data, root.len, &v->by, e);
}

static void say_boot_key(const struct verdict *v)
{
	if (v->boot_key < 0)
		(void)puts(
		    "not checked  the slot descriptor's signature (no --boot-key)");
	else
		(void)printf(
		    "ok           the slot descriptor is signed by boot key %d\n",
		    v->boot_key);
}

static void say_root(const struct package *p, const struct verdict *v)
{
	char until[TIME_TEXT_LEN + 1];

	if (!v->asked) {
		(void)printf("not checked  who vouches for it (no --root); it is %s\n",
			     package_state(p));
		return;
	}
	time_format(v->by.targets_expires_ms, until);
	(void)printf("ok           vouched for by targets version %" PRIu64
		     " under root version %" PRIu64 ", valid until %s\n",
		     v->by.targets_version, v->by.root_version, until);
	if (!v->by.published)
		(void)puts(
		    "not there    timestamp and snapshot: it is signed but not "
		    "published; devices take it from a server or after ota release "
		    "export");
}

static int add_vouched(struct json *all, const struct vouched *by, struct err *e)
{
	struct json *j = json_new_object();

	if (json_set(all, "vouched", j, e) < 0 ||
	    json_set(j, "root_version", json_new_int((int64_t)by->root_version), e) <
		0 ||
	    json_set(j, "targets_version", json_new_int((int64_t)by->targets_version),
		     e) < 0 ||
	    json_set(j, "expires_at", json_new_int(by->targets_expires_ms), e) < 0)
		return -1;
	return json_set(j, "published", json_new_bool(by->published), e);
}

static int print_verdict(const struct package *p, const struct verdict *v,
			 struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();

	if (json_set(j, "target", json_new_text(p->target), e) < 0 ||
	    json_set(j, "chunks", json_new_int((int64_t)p->head.n_chunks), e) < 0 ||
	    json_set(j, "signed", json_new_bool(package_is_signed(p)), e) < 0 ||
	    json_set(j, "boot_key",
		     v->boot_key < 0 ? json_new_null() : json_new_int(v->boot_key),
		     e) < 0)
		return -1;
	if (v->asked ? add_vouched(j, &v->by, e) < 0
		     : json_set(j, "vouched", json_new_null(), e) < 0)
		return -1;
	return print_json(j, e);
}

static void say_contents(const struct package *p)
{
	if (p->manifest.n_images > 0)
		(void)printf("ok           all %zu chunks of the payload\n",
			     p->head.n_chunks);
	if (p->manifest.n_files > 0)
		(void)printf("ok           all %zu opaque files\n",
			     p->manifest.n_files);
}

/* What held is said before what does not, so that an error is the last line. */
static int verify(const struct ota *o, const struct package *p, struct verdict *v,
		  struct err *e)
{
	bool talk = !o->json;

	bool images = p->manifest.n_images > 0;

	if (talk)
		(void)puts(images
			       ? "ok           manifest, slot descriptor and payload "
				 "head belong together"
			       : "ok           manifest: files for other clients, no "
				 "image");
	if (package_check_body(p, e) < 0)
		return -1;
	if (talk)
		say_contents(p);
	if (check_boot_key(o, p, v, e) < 0)
		return -1;
	if (talk && images)
		say_boot_key(v);
	if (check_root(o, p, v, e) < 0)
		return -1;
	if (talk)
		say_root(p, v);
	return 0;
}

RUN(bundle_verify)
{
	const struct ota *o = values;
	AUTO(package) struct package p = {.fd = -1};
	struct verdict v = {0};

	(void)n_operands;
	(void)log;
	if (package_open(&p, operands[0], e) < 0 || verify(o, &p, &v, e) < 0)
		return -1;
	return o->json ? print_verdict(&p, &v, e) : 0;
}
