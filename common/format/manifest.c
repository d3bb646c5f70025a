/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include "../base/text.h"
#include "../json/json.h"
#include "container.h"
#include "descriptor.h"

#include <string.h>

#define TYPE "ota-manifest"
#define FORMAT_IMAGES 1
#define FORMAT_FILES 2
#define SECURITY_ONLY "x-ota-security-only"
#define HEX_DIGITS "0123456789abcdef"

static const char *const part_names[N_FILE_PARTS] = {
    [FILE_OS] = "os", [FILE_APPLICATION] = "bApp", [FILE_RUNTIME] = "jvm"};

/* "x-..." is anybody's, below it everything is ours: an unknown name is a mistake or a
 * feature that this version would get wrong. */
static int check_members(const struct json *object, const char *const *known, size_t n,
			 struct err *e)
{
	for (void *it = json_first(object); it != NULL; it = json_next(object, it)) {
		const char *key = json_key(it);
		size_t i = 0;

		if (strncmp(key, "x-", 2) == 0)
			continue;
		while (i < n && strcmp(key, known[i]) != 0)
			i++;
		if (i == n)
			return err_set(e, ERR_UNSUPPORTED, "unknown field \"%.32s\"",
				       key);
	}
	return 0;
}

static int get_u32(const struct json *object, const char *key, uint32_t *ret,
		   struct err *e)
{
	uint64_t v;

	if (json_get_u64(object, key, &v, e) < 0)
		return -1;
	if (v > UINT32_MAX)
		return err_set(e, ERR_LIMIT, "field \"%s\": %llu is too large", key,
			       (unsigned long long)v);
	*ret = (uint32_t)v;
	return 0;
}

/* Lower case only: one text for each value. */
static int get_digest(const struct json *object, const char *key, uint8_t ret[32],
		      struct err *e)
{
	const char *text;

	if (json_get_text(object, key, &text, e) < 0)
		return -1;
	if (strlen(text) != 64 || strspn(text, HEX_DIGITS) != 64)
		return err_set(e, ERR_FORMAT,
			       "field \"%s\": not 64 lower-case hex digits", key);
	return hex_decode(text, ret, 32, e);
}

static int get_name(const struct json *object, const char *key,
		    int (*check)(const char *, struct err *), char *ret, size_t room,
		    struct err *e)
{
	const char *text;

	if (json_get_text(object, key, &text, e) < 0)
		return -1;
	if (check(text, e) < 0)
		return err_wrap(e, "field \"%s\"", key);
	return text_copy(ret, room, text, key, e);
}

static int check_format(uint64_t format, const struct json *j, struct err *e)
{
	bool has_files = json_get(j, "files") != NULL;

	if (format != FORMAT_IMAGES && format != FORMAT_FILES)
		return err_set(e, ERR_UNSUPPORTED, "made for a newer version");
	if (has_files != (format == FORMAT_FILES))
		return err_set(e, ERR_FORMAT, "format %d %s files", (int)format,
			       has_files ? "has no" : "needs");
	return 0;
}

static int parse_type(const struct json *j, struct err *e)
{
	static const char *const known[] = {
	    "_type",	  "format",	      "must_understand", "product", "hardware",
	    "version",	  "security_version", "raise_floor_to",	 "notes",   "images",
	    "descriptor", "payload",	      "files",
	};
	uint64_t format, must_understand;
	const char *type;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, "not an object");
	if (json_get_text(j, "_type", &type, e) < 0 ||
	    json_get_u64(j, "format", &format, e) < 0 ||
	    json_get_u64(j, "must_understand", &must_understand, e) < 0)
		return -1;
	if (strcmp(type, TYPE) != 0)
		return err_set(e, ERR_FORMAT, "field \"_type\": not \"%s\"", TYPE);
	if (must_understand != 0)
		return err_set(e, ERR_UNSUPPORTED, "made for a newer version");
	if (check_format(format, j, e) < 0)
		return -1;
	return check_members(j, known, N_ELEMS(known), e);
}

static int parse_hardware(const struct json *j, struct manifest *m, struct err *e)
{
	const struct json *list;

	if (json_get_array(j, "hardware", &list, e) < 0)
		return -1;
	m->n_hardware = json_len(list);
	if (m->n_hardware < 1 || m->n_hardware > MAX_HARDWARE)
		return err_set(e, ERR_FORMAT, "%zu hardware ids, not 1..%d",
			       m->n_hardware, MAX_HARDWARE);
	for (size_t i = 0; i < m->n_hardware; i++) {
		const char *text = json_text(json_at(list, i));

		if (text == NULL)
			return err_set(e, ERR_FORMAT, "hardware id %zu is not text", i);
		if (hardware_check(text, e) < 0 ||
		    text_copy(m->hardware[i], sizeof(m->hardware[i]), text,
			      "hardware id", e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(m->hardware[k], text) == 0)
				return err_set(e, ERR_FORMAT,
					       "hardware id \"%s\" is there twice",
					       text);
		}
	}
	return 0;
}

static int parse_identity(const struct json *j, struct manifest *m, struct err *e)
{
	const char *notes;

	if (get_name(j, "product", product_check, m->product, sizeof(m->product), e) <
		0 ||
	    parse_hardware(j, m, e) < 0 ||
	    get_name(j, "version", version_check, m->version, sizeof(m->version), e) <
		0 ||
	    get_u32(j, "security_version", &m->security_version, e) < 0 ||
	    get_u32(j, "raise_floor_to", &m->raise_floor_to, e) < 0 ||
	    json_get_text(j, "notes", &notes, e) < 0 ||
	    text_copy(m->notes, sizeof(m->notes), notes, "notes", e) < 0 ||
	    json_opt_bool(j, SECURITY_ONLY, &m->security_only, e) < 0)
		return -1;
	if (m->raise_floor_to > m->security_version)
		return err_set(
		    e, ERR_FORMAT,
		    "raises the security floor to %u, above its own version %u",
		    (unsigned)m->raise_floor_to, (unsigned)m->security_version);
	return 0;
}

static int parse_image(const struct json *j, struct image *ret, struct err *e)
{
	static const char *const known[] = {"name", "size", "salt", "root_hash"};

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, "not an object");
	if (get_name(j, "name", image_name_check, ret->name, sizeof(ret->name), e) <
		0 ||
	    json_get_u64(j, "size", &ret->size, e) < 0 ||
	    get_digest(j, "salt", ret->salt, e) < 0 ||
	    get_digest(j, "root_hash", ret->root_hash, e) < 0)
		return -1;
	if (ret->size < 1 || ret->size > IMAGE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "field \"size\": %llu bytes",
			       (unsigned long long)ret->size);
	return check_members(j, known, N_ELEMS(known), e);
}

static int parse_images(const struct json *j, struct manifest *m, struct err *e)
{
	const struct json *list;

	if (json_get_array(j, "images", &list, e) < 0)
		return -1;
	m->n_images = json_len(list);
	if (m->n_images > MAX_IMAGES || (m->n_images == 0 && m->n_files == 0))
		return err_set(e, ERR_FORMAT, "%zu images, not 1..%d", m->n_images,
			       MAX_IMAGES);
	for (size_t i = 0; i < m->n_images; i++) {
		if (parse_image(json_at(list, i), &m->images[i], e) < 0)
			return err_wrap(e, "image %zu", i);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(m->images[k].name, m->images[i].name) == 0)
				return err_set(e, ERR_FORMAT,
					       "image \"%s\" is there twice",
					       m->images[i].name);
		}
	}
	return 0;
}

/* A name is a file's in a directory and the last of a path in a URL, where ".MD5SUM" is
 * its digest. */
static int check_file_name(const char *name, struct err *e)
{
	if (file_name_check(name, e) < 0)
		return -1;
	if (strcmp(name, PAYLOAD_FILE_NAME) == 0 || text_ends_with(name, ".MD5SUM"))
		return err_set(e, ERR_FORMAT, "\"%s\" is not a name for a file", name);
	return 0;
}

static int parse_file(const struct json *j, struct release_file *ret, struct err *e)
{
	static const char *const known[] = {"name", "part", "size", "sha256"};
	const char *part;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, "not an object");
	if (get_name(j, "name", check_file_name, ret->name, sizeof(ret->name), e) < 0 ||
	    json_get_text(j, "part", &part, e) < 0 ||
	    file_part_parse(part, &ret->part, e) < 0 ||
	    json_get_u64(j, "size", &ret->size, e) < 0 ||
	    get_digest(j, "sha256", ret->sha256, e) < 0)
		return -1;
	if (ret->size < 1 || ret->size > IMAGE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "field \"size\": %llu bytes",
			       (unsigned long long)ret->size);
	return check_members(j, known, N_ELEMS(known), e);
}

/* Those of one part stand together: a client is given a chunk a part. */
static int check_file_among(const struct manifest *m, size_t i, struct err *e)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(m->files[k].name, m->files[i].name) == 0)
			return err_set(e, ERR_FORMAT, "file \"%s\" is there twice",
				       m->files[i].name);
	}
	if (i > 0 && m->files[i].part < m->files[i - 1].part)
		return err_set(e, ERR_FORMAT, "part %s follows part %s",
			       file_part_name(m->files[i].part),
			       file_part_name(m->files[i - 1].part));
	return 0;
}

static int parse_files(const struct json *j, struct manifest *m, struct err *e)
{
	const struct json *list;

	if (json_get(j, "files") == NULL)
		return 0;
	if (json_get_array(j, "files", &list, e) < 0)
		return -1;
	m->n_files = json_len(list);
	if (m->n_files < 1 || m->n_files > MAX_FILES)
		return err_set(e, ERR_FORMAT, "%zu files, not 1..%d", m->n_files,
			       MAX_FILES);
	for (size_t i = 0; i < m->n_files; i++) {
		if (parse_file(json_at(list, i), &m->files[i], e) < 0 ||
		    check_file_among(m, i, e) < 0)
			return err_wrap(e, "file %zu", i);
	}
	return 0;
}

static int parse_descriptor(const struct json *j, struct manifest *m, struct err *e)
{
	static const char *const known[] = {"size", "sha256"};
	const struct json *d;
	uint64_t size;

	if (json_get_object(j, "descriptor", &d, e) < 0)
		return -1;
	if (json_get_u64(d, "size", &size, e) < 0 ||
	    get_digest(d, "sha256", m->descriptor_sha256, e) < 0 ||
	    check_members(d, known, N_ELEMS(known), e) < 0)
		return err_wrap(e, "descriptor");
	if (size != DESCRIPTOR_LEN)
		return err_set(e, ERR_UNSUPPORTED, "a descriptor of %llu bytes, not %u",
			       (unsigned long long)size, DESCRIPTOR_LEN);
	return 0;
}

static int parse_payload(const struct json *j, struct manifest *m, struct err *e)
{
	static const char *const known[] = {"head_size", "head_sha256", "body_size"};
	const struct json *p;

	if (json_get_object(j, "payload", &p, e) < 0)
		return -1;
	if (json_get_u64(p, "head_size", &m->payload_head_size, e) < 0 ||
	    get_digest(p, "head_sha256", m->payload_head_sha256, e) < 0 ||
	    json_get_u64(p, "body_size", &m->payload_body_size, e) < 0 ||
	    check_members(p, known, N_ELEMS(known), e) < 0)
		return err_wrap(e, "payload");
	if (m->payload_head_size < 1 || m->payload_head_size > CONTAINER_HEAD_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "a payload head of %llu bytes",
			       (unsigned long long)m->payload_head_size);
	return 0;
}

/* Descriptor and payload are of the images. */
static int parse_install(const struct json *j, struct manifest *m, struct err *e)
{
	if (m->n_images > 0)
		return parse_descriptor(j, m, e) < 0 ? -1 : parse_payload(j, m, e);
	if (json_get(j, "descriptor") != NULL || json_get(j, "payload") != NULL)
		return err_set(e, ERR_FORMAT,
			       "a descriptor or a payload without images");
	return 0;
}

/* Two texts that read the same must not both be a release's manifest. */
static int check_canonical(const struct json *j, const void *data, size_t len,
			   struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);

	if (json_write_canonical(j, &text, e) < 0)
		return -1;
	if (text.len != len || memcmp(text.data, data, len) != 0)
		return err_set(e, ERR_FORMAT, "not in canonical form");
	return 0;
}

static int parse(const void *data, size_t len, struct manifest *ret, struct err *e)
{
	AUTO_PTR(json) struct json *j = NULL;

	*ret = (struct manifest){0};
	if (len > MANIFEST_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%zu bytes, more than %u", len,
			       MANIFEST_MAX_BYTES);
	j = json_parse_strict(data, len, e);
	if (j == NULL)
		return -1;
	if (parse_type(j, e) < 0 || check_canonical(j, data, len, e) < 0 ||
	    parse_identity(j, ret, e) < 0 || parse_files(j, ret, e) < 0 ||
	    parse_images(j, ret, e) < 0)
		return -1;
	return parse_install(j, ret, e);
}

int manifest_parse(const void *data, size_t len, struct manifest *ret, struct err *e)
{
	if (parse(data, len, ret, e) < 0)
		return err_wrap(e, "read manifest");
	return 0;
}

static int set_u64(struct json *object, const char *key, uint64_t v, struct err *e)
{
	if (v > INT64_MAX)
		return err_set(e, ERR_LIMIT, "field \"%s\": too large", key);
	return json_set(object, key, json_new_int((int64_t)v), e);
}

static struct json *new_image(const struct image *image, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();

	if (json_set(j, "name", json_new_text(image->name), e) < 0 ||
	    set_u64(j, "size", image->size, e) < 0 ||
	    json_set(j, "salt", json_new_hex(image->salt, VERITY_SALT_LEN), e) < 0 ||
	    json_set(j, "root_hash", json_new_hex(image->root_hash, SHA256_LEN), e) < 0)
		return NULL;
	return TAKE(j);
}

static struct json *new_images(const struct manifest *m, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < m->n_images; i++) {
		struct json *image = new_image(&m->images[i], e);

		if (image == NULL || json_append(list, image, e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *new_file(const struct release_file *f, struct err *e)
{
	AUTO_PTR(json) struct json *j = json_new_object();

	if (json_set(j, "name", json_new_text(f->name), e) < 0 ||
	    json_set(j, "part", json_new_text(file_part_name(f->part)), e) < 0 ||
	    set_u64(j, "size", f->size, e) < 0 ||
	    json_set(j, "sha256", json_new_hex(f->sha256, SHA256_LEN), e) < 0)
		return NULL;
	return TAKE(j);
}

static struct json *new_files(const struct manifest *m, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < m->n_files; i++) {
		struct json *file = new_file(&m->files[i], e);

		if (file == NULL || json_append(list, file, e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *new_hardware(const struct manifest *m, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < m->n_hardware; i++) {
		if (json_append(list, json_new_text(m->hardware[i]), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *new_descriptor(const struct manifest *m, struct err *e)
{
	AUTO_PTR(json) struct json *d = json_new_object();

	if (set_u64(d, "size", DESCRIPTOR_LEN, e) < 0 ||
	    json_set(d, "sha256", json_new_hex(m->descriptor_sha256, SHA256_LEN), e) <
		0)
		return NULL;
	return TAKE(d);
}

static struct json *new_payload(const struct manifest *m, struct err *e)
{
	AUTO_PTR(json) struct json *p = json_new_object();

	if (set_u64(p, "head_size", m->payload_head_size, e) < 0 ||
	    json_set(p, "head_sha256", json_new_hex(m->payload_head_sha256, SHA256_LEN),
		     e) < 0 ||
	    set_u64(p, "body_size", m->payload_body_size, e) < 0)
		return NULL;
	return TAKE(p);
}

/* NULL says that its maker has failed and why. */
static int set_made(struct json *object, const char *key, struct json *made,
		    struct err *e)
{
	return made != NULL ? json_set(object, key, made, e) : -1;
}

/* What not every manifest has. */
static int fill_options(const struct manifest *m, struct json *j, struct err *e)
{
	if (m->n_images > 0 &&
	    (set_made(j, "descriptor", new_descriptor(m, e), e) < 0 ||
	     set_made(j, "payload", new_payload(m, e), e) < 0))
		return -1;
	if (m->n_files > 0 && set_made(j, "files", new_files(m, e), e) < 0)
		return -1;
	return m->security_only ? json_set(j, SECURITY_ONLY, json_new_bool(true), e)
				: 0;
}

static int fill_object(const struct manifest *m, struct json *j, struct err *e)
{
	uint64_t format = m->n_files > 0 ? FORMAT_FILES : FORMAT_IMAGES;

	if (json_set(j, "_type", json_new_text(TYPE), e) < 0 ||
	    set_u64(j, "format", format, e) < 0 ||
	    set_u64(j, "must_understand", 0, e) < 0 ||
	    json_set(j, "product", json_new_text(m->product), e) < 0 ||
	    set_made(j, "hardware", new_hardware(m, e), e) < 0 ||
	    json_set(j, "version", json_new_text(m->version), e) < 0 ||
	    set_u64(j, "security_version", m->security_version, e) < 0 ||
	    set_u64(j, "raise_floor_to", m->raise_floor_to, e) < 0 ||
	    json_set(j, "notes", json_new_text(m->notes), e) < 0 ||
	    set_made(j, "images", new_images(m, e), e) < 0)
		return -1;
	return fill_options(m, j, e);
}

/* What was written is read back: nothing leaves that a device would refuse. */
int manifest_write(const struct manifest *m, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
	AUTO_PTR(json) struct json *j = json_new_object();
	struct manifest back;

	if (m->n_images > MAX_IMAGES || m->n_hardware > MAX_HARDWARE ||
	    m->n_files > MAX_FILES)
		return err_set(
		    e, ERR_USAGE,
		    "write manifest: %zu images, %zu files, %zu hardware ids",
		    m->n_images, m->n_files, m->n_hardware);
	if (fill_object(m, j, e) < 0 || json_write_canonical(j, &text, e) < 0 ||
	    manifest_parse(text.data, text.len, &back, e) < 0)
		return err_wrap(e, "write manifest");
	return buf_add(ret, text.data, text.len, e);
}

int manifest_target_name(const char *product, const char *version,
			 char ret[TARGET_NAME_MAX_LEN + 1], struct err *e)
{
	if (product_check(product, e) < 0 || version_check(version, e) < 0)
		return -1;
	return text_format(ret, TARGET_NAME_MAX_LEN + 1, e, "release/%s/%s.json",
			   product, version);
}

const char *file_part_name(enum file_part p)
{
	return (unsigned)p < N_FILE_PARTS ? part_names[p] : "?";
}

int file_part_parse(const char *text, enum file_part *ret, struct err *e)
{
	for (unsigned i = 0; i < N_FILE_PARTS; i++) {
		if (strcmp(part_names[i], text) == 0) {
			*ret = (enum file_part)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT, "\"%.16s\" is not a part: os, bApp or jvm", text);
}

int manifest_check_images(const struct manifest *m, struct err *e)
{
	if (m->n_images > 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
		       "release %s has files for other clients and no image",
		       m->version);
}

int manifest_check_fits(const struct manifest *m, const char *product,
			const char *hardware, struct err *e)
{
	if (strcmp(m->product, product) != 0)
		return err_set(e, ERR_INCOMPATIBLE,
			       "made for product \"%s\", this is \"%s\"", m->product,
			       product);
	for (size_t i = 0; i < m->n_hardware; i++) {
		if (strcmp(m->hardware[i], hardware) == 0)
			return 0;
	}
	return err_set(
	    e, ERR_INCOMPATIBLE, "made for hardware %s%s%s%s%s%s%s, this is \"%s\"",
	    m->hardware[0], m->n_hardware > 1 ? ", " : "",
	    m->n_hardware > 1 ? m->hardware[1] : "", m->n_hardware > 2 ? ", " : "",
	    m->n_hardware > 2 ? m->hardware[2] : "", m->n_hardware > 3 ? ", " : "",
	    m->n_hardware > 3 ? m->hardware[3] : "", hardware);
}
