/* SPDX-License-Identifier: Apache-2.0 */
/* ota bundle: from images to an unsigned release, and what is in a bundle. */
#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../publish/bundle/maker.h"
#include "keys.h"
#include "package.h"
#include "passphrase.h"
#include "table.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

const struct option bundle_create_options[] = {
    {NULL, "keys", OPT_PATH, AT(keys_dir), NULL, "DIR",
     "Key directory, for the boot key that signs the slot descriptor"},
    {NULL, "boot-key-index", OPT_U64, AT(boot_key_index), "0", NULL,
     "Which boot key: boot-N.key"},
    {NULL, "product", OPT_TEXT, AT(product), NULL, "NAME", "Product it is made for"},
    {NULL, "hardware", OPT_LIST, AT(hardware), NULL, "ID", "Hardware it runs on"},
    {NULL, "version", OPT_TEXT, AT(version), NULL, "VERSION",
     "Version of the firmware"},
    {NULL, "security-version", OPT_U64, AT(security_version), "1", NULL,
     "Security version: devices never go below their floor"},
    {NULL, "raise-floor-to", OPT_U64, AT(raise_floor_to), "0", NULL,
     "Once confirmed, the floor becomes this (0: it stays)"},
    {NULL, "notes", OPT_TEXT, AT(notes), NULL, NULL, "Release notes"},
    {NULL, "notes-file", OPT_PATH, AT(notes_file), NULL, NULL,
     "Release notes from a file"},
    {NULL, "image", OPT_LIST, AT(images), NULL, "NAME=FILE",
     "An image for the slot's partition NAME, 1 to 4 of them"},
    {NULL, "file", OPT_LIST, AT(files), NULL, "[PART=]FILE",
     "An opaque file for clients of others (.swu, .raucb); PART is os, bApp or jvm"},
    {NULL, "security-only", OPT_FLAG, AT(security_only), NULL, NULL,
     "Mark the release: it mends security and nothing else"},
    OPTIONS_PASSPHRASE,
    OPTION_END,
};

static int missing(const char *option, struct err *e)
{
	return err_set(e, ERR_USAGE, "--%s is missing", option);
}

static int check_given(const struct ota *o, struct err *e)
{
	if (o->keys_dir == NULL && o->images.n_items > 0)
		return missing("keys", e);
	if (o->product == NULL)
		return missing("product", e);
	if (o->hardware.n_items == 0)
		return missing("hardware", e);
	if (o->version == NULL)
		return missing("version", e);
	if (o->images.n_items == 0 && o->files.n_items == 0)
		return missing("image", e);
	if (o->images.n_items > MAX_IMAGES || o->hardware.n_items > MAX_HARDWARE ||
	    o->files.n_items > MAX_FILES)
		return err_set(e, ERR_USAGE,
			       "at most %d images, %d files and %d hardware ids",
			       MAX_IMAGES, MAX_FILES, MAX_HARDWARE);
	if (o->notes != NULL && o->notes_file != NULL)
		return err_set(e, ERR_USAGE,
			       "--notes and --notes-file exclude each other");
	if (o->security_version > UINT32_MAX || o->raise_floor_to > UINT32_MAX ||
	    o->boot_key_index >= MAX_BOOT_KEYS)
		return err_set(e, ERR_USAGE, "a number is too large");
	return 0;
}

/* "name=path"; the names are cut out into `names`. */
static int take_images(const struct ota *o, struct maker_spec *spec,
		       char names[MAX_IMAGES][IMAGE_NAME_MAX_LEN + 1], struct err *e)
{
	for (size_t i = 0; i < o->images.n_items; i++) {
		const char *text = o->images.items[i];
		const char *equals = strchr(text, '=');

		if (equals == NULL || equals[1] == '\0' ||
		    equals - text > IMAGE_NAME_MAX_LEN)
			return err_set(e, ERR_USAGE, "--image: \"%s\" is not NAME=FILE",
				       text);
		(void)snprintf(names[i], IMAGE_NAME_MAX_LEN + 1, "%.*s",
			       (int)(equals - text), text);
		spec->images[i] = (struct maker_image){names[i], equals + 1};
	}
	spec->n_images = o->images.n_items;
	return 0;
}

/* "update.swu", "bApp=app.bin": what stands before an equals sign is the part, unless
 * it belongs to a path. */
static int take_files(const struct ota *o, struct maker_spec *spec, struct err *e)
{
	for (size_t i = 0; i < o->files.n_items; i++) {
		const char *path = o->files.items[i];
		const char *equals = strchr(path, '=');
		struct maker_file *f = &spec->files[i];
		char part[16];

		if (equals != NULL &&
		    memchr(path, '/', (size_t)(equals - path)) == NULL) {
			(void)snprintf(part, sizeof(part), "%.*s", (int)(equals - path),
				       path);
			if (file_part_parse(part, &f->part, e) < 0)
				return err_wrap(e, "--file %s", path);
			path = equals + 1;
		}
		f->path = path;
		f->name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	}
	spec->n_files = o->files.n_items;
	return 0;
}

static int take_notes(const struct ota *o, struct buf *text, struct maker_spec *spec,
		      struct err *e)
{
	spec->notes = o->notes;
	if (o->notes_file == NULL)
		return 0;
	if (file_read(o->notes_file, text, e) < 0)
		return -1;
	spec->notes = buf_str(text);
	return 0;
}

static void draw(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
	progress_at(ctx, done_bytes, all_bytes);
}

static int make(struct maker_spec *spec, const char *path, struct err *e)
{
	AUTO(progress) struct progress bar;

	progress_begin(&bar, "packing");
	spec->progress = draw;
	spec->progress_ctx = &bar;
	return maker_make(spec, path, e);
}

/* info */

static int add_images(const struct package *p, struct json *list, struct err *e)
{
	for (size_t i = 0; i < p->manifest.n_images; i++) {
		const struct image *image = &p->manifest.images[i];
		struct json *j = json_new_object();

		if (json_append(list, j, e) < 0 ||
		    json_set(j, "name", json_new_text(image->name), e) < 0 ||
		    json_set(j, "size", json_new_int((int64_t)image->size), e) < 0 ||
		    json_set(j, "root_hash", json_new_hex(image->root_hash, SHA256_LEN),
			     e) < 0)
			return -1;
	}
	return 0;
}

static int add_files(const struct package *p, struct json *list, struct err *e)
{
	for (size_t i = 0; i < p->manifest.n_files; i++) {
		const struct release_file *f = &p->manifest.files[i];
		struct json *j = json_new_object();

		if (json_append(list, j, e) < 0 ||
		    json_set(j, "name", json_new_text(f->name), e) < 0 ||
		    json_set(j, "part", json_new_text(file_part_name(f->part)), e) <
			0 ||
		    json_set(j, "size", json_new_int((int64_t)f->size), e) < 0 ||
		    json_set(j, "sha256", json_new_hex(f->sha256, SHA256_LEN), e) < 0)
			return -1;
	}
	return 0;
}

static struct json *info_json(const struct package *p, struct err *e)
{
	const struct manifest *m = &p->manifest;
	AUTO_PTR(json) struct json *j = json_new_object();
	struct json *hardware = json_new_array();
	struct json *images = json_new_array();
	struct json *files = json_new_array();
	int failed = json_set(j, "hardware", hardware, e) < 0;

	failed |= json_set(j, "images", images, e) < 0;
	failed |= json_set(j, "files", files, e) < 0;
	for (size_t i = 0; i < m->n_hardware && !failed; i++)
		failed = json_append(hardware, json_new_text(m->hardware[i]), e) < 0;
	if (failed || add_images(p, images, e) < 0 || add_files(p, files, e) < 0 ||
	    json_set(j, "security_only", json_new_bool(m->security_only), e) < 0 ||
	    json_set(j, "product", json_new_text(m->product), e) < 0 ||
	    json_set(j, "version", json_new_text(m->version), e) < 0 ||
	    json_set(j, "security_version", json_new_int(m->security_version), e) < 0 ||
	    json_set(j, "raise_floor_to", json_new_int(m->raise_floor_to), e) < 0 ||
	    json_set(j, "notes", json_new_text(m->notes), e) < 0 ||
	    json_set(j, "payload", json_new_int((int64_t)m->payload_body_size), e) <
		0 ||
	    json_set(j, "target", json_new_text(p->target), e) < 0 ||
	    json_set(j, "manifest_sha256", json_new_hex(p->manifest_sha256, SHA256_LEN),
		     e) < 0 ||
	    json_set(j, "signed", json_new_bool(package_is_signed(p)), e) < 0)
		return NULL;
	return TAKE(j);
}

static int print_images(const struct package *p, struct err *e)
{
	static const char *const titles[] = {"IMAGE", "SIZE", "ROOT HASH"};
	AUTO_PTR(table) struct table *t = table_new(titles, N_ELEMS(titles), e);

	if (t == NULL)
		return -1;
	for (size_t i = 0; i < p->manifest.n_images; i++) {
		const struct image *image = &p->manifest.images[i];
		char root[2 * SHA256_LEN + 1];
		char size[32];

		hex_encode(image->root_hash, SHA256_LEN, root);
		size_format(image->size, size, sizeof(size));
		if (table_add(t, (const char *const[]){image->name, size, root}, e) < 0)
			return -1;
	}
	table_print(t, "no images");
	return 0;
}

static int print_files(const struct package *p, struct err *e)
{
	static const char *const titles[] = {"FILE", "PART", "SIZE"};
	AUTO_PTR(table) struct table *t = NULL;

	if (p->manifest.n_files == 0)
		return 0;
	t = table_new(titles, N_ELEMS(titles), e);
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < p->manifest.n_files; i++) {
		const struct release_file *f = &p->manifest.files[i];
		char size[32];

		size_format(f->size, size, sizeof(size));
		if (table_add(
			t,
			(const char *const[]){f->name, file_part_name(f->part), size},
			e) < 0)
			return -1;
	}
	table_print(t, "no files");
	return 0;
}

static int print_info(const struct package *p, struct err *e)
{
	const struct manifest *m = &p->manifest;
	char size[32];
	char notes[SAFE_TEXT_LEN];

	size_format(m->payload_body_size, size, sizeof(size));
	(void)printf("product           %s\nversion           %s\nhardware         ",
		     m->product, m->version);
	for (size_t i = 0; i < m->n_hardware; i++)
		(void)printf(" %s", m->hardware[i]);
	(void)printf("\nsecurity version  %" PRIu32 "\n", m->security_version);
	if (m->raise_floor_to > 0)
		(void)printf("raises floor to   %" PRIu32 "\n", m->raise_floor_to);
	(void)printf("payload           %s\nstate             %s\n", size,
		     package_state(p));
	if (m->security_only)
		(void)puts("marked            security only");
	if (m->notes[0] != '\0')
		(void)printf("notes             %s\n", safe_text(m->notes, notes));
	(void)puts("");
	if (m->n_images > 0 && print_images(p, e) < 0)
		return -1;
	return print_files(p, e);
}

static int print_info_json(const struct package *p, struct err *e)
{
	AUTO_PTR(json) struct json *j = info_json(p, e);

	return j != NULL ? print_json(j, e) : -1;
}

RUN(bundle_info)
{
	const struct ota *o = values;
	AUTO(package) struct package p;

	(void)n_operands;
	(void)log;
	if (package_open(&p, operands[0], e) < 0)
		return -1;
	return o->json ? print_info_json(&p, e) : print_info(&p, e);
}

/* create */

static int say_made(const char *path, bool as_json, struct err *e)
{
	AUTO(package) struct package p;
	char size[32];

	if (package_open(&p, path, e) < 0)
		return -1;
	if (as_json)
		return print_info_json(&p, e);
	size_format(p.size, size, sizeof(size));
	(void)printf("%s: %s %s, %zu image%s, %zu file%s, %s. Not signed yet: run ota "
		     "release sign.\n",
		     path, p.manifest.product, p.manifest.version, p.manifest.n_images,
		     p.manifest.n_images == 1 ? "" : "s", p.manifest.n_files,
		     p.manifest.n_files == 1 ? "" : "s", size);
	return 0;
}

/* Files alone need no boot key: nothing of them is ever booted by our bootloader. */
static int take_boot_key(const struct ota *o, const struct maker_spec *spec,
			 struct passphrase *pass, struct privkey **ret, struct err *e)
{
	char key_file[32];

	if (spec->n_images == 0)
		return 0;
	if (text_format(key_file, sizeof(key_file), e, "boot-%u.key",
			spec->boot_key_index) < 0)
		return -1;
	*ret = key_open(o, o->keys_dir, key_file, "boot", pass, e);
	return *ret == NULL ? -1 : 0;
}

RUN(bundle_create)
{
	const struct ota *o = values;
	struct maker_spec spec = {.product = o->product,
				  .hardware = o->hardware.items,
				  .n_hardware = o->hardware.n_items,
				  .version = o->version,
				  .security_version = (uint32_t)o->security_version,
				  .raise_floor_to = (uint32_t)o->raise_floor_to,
				  .security_only = o->security_only,
				  .boot_key_index = (uint8_t)o->boot_key_index};
	char names[MAX_IMAGES][IMAGE_NAME_MAX_LEN + 1];
	AUTO(buf) struct buf notes = BUF_INIT(NOTES_MAX_LEN);
	AUTO(passphrase) struct passphrase pass = {0};
	AUTO_PTR(privkey) struct privkey *key = NULL;

	(void)n_operands;
	(void)log;
	if (check_given(o, e) < 0 || take_images(o, &spec, names, e) < 0 ||
	    take_files(o, &spec, e) < 0 || take_notes(o, &notes, &spec, e) < 0 ||
	    take_boot_key(o, &spec, &pass, &key, e) < 0)
		return -1;
	spec.boot_key = key;
	if (make(&spec, operands[0], e) < 0)
		return -1;
	return say_made(operands[0], o->json, e);
}
