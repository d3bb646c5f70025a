/* SPDX-License-Identifier: Apache-2.0 */
#include "factory.h"

#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/json/json.h"

#include <string.h>

#define LINE_MAX_BYTES 256
#define DEMO_MEMBER "x-ota-demo"

static int path_in(const char *dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	return text_format(ret, PATH_MAX, e, "%s/%s", dir, name);
}

/* The one line of a file, without its newline. */
static int read_line(const char *dir, const char *name, char ret[LINE_MAX_BYTES],
		     struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(LINE_MAX_BYTES - 1);
	char path[PATH_MAX];
	size_t len;

	if (path_in(dir, name, path, e) < 0 || file_read(path, &content, e) < 0)
		return -1;
	len = strcspn(buf_str(&content), "\n");
	if (len + 1 < content.len || len == 0)
		return err_set(e, ERR_CONFIG, "%s is not one line of text", path);
	memcpy(ret, buf_str(&content), len);
	ret[len] = '\0';
	return 0;
}

static int refuse_demo(const struct factory *f, const char *name, struct err *e)
{
	if (f->demo)
		return 0;
	return err_set(e, ERR_UNTRUSTED,
		       "%s is a demo key, and this device is not in demo mode", name);
}

static int parse_key(struct factory *f, const char *name, char *line, size_t index,
		     struct err *e)
{
	uint8_t raw[ED25519_PUBLIC_LEN];
	char *mark = strchr(line, ' ');

	if (mark != NULL && strcmp(mark, " demo") == 0) {
		if (refuse_demo(f, name, e) < 0)
			return -1;
		*mark = '\0';
	}
	if (hex_decode(line, raw, sizeof(raw), e) < 0)
		return err_wrap(e, "%s", name);
	f->keys[index] = pubkey_from_ed25519(raw, e);
	if (f->keys[index] == NULL)
		return err_wrap(e, "%s", name);
	f->boot_keys.keys[index] = f->keys[index];
	return 0;
}

static int load_keys(struct factory *f, const char *dir, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < MAX_BOOT_KEYS; i++) {
		char name[24], line[LINE_MAX_BYTES], path[PATH_MAX];

		if (text_format(name, sizeof(name), e, "boot-key-%zu.pub", i) < 0 ||
		    path_in(dir, name, path, e) < 0)
			return -1;
		if (!file_exists(path))
			continue;
		if (read_line(dir, name, line, e) < 0 ||
		    parse_key(f, name, line, i, e) < 0)
			return -1;
		n++;
	}
	if (n == 0)
		return err_set(e, ERR_CONFIG, "there is no boot-key-N.pub");
	return 0;
}

/* Whether root.json says of itself that its keys are for demos. */
static int is_demo_root(const struct buf *text, bool *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse_strict(text->data, text->len, e);
	const struct json *body;

	*ret = false;
	if (root == NULL || json_get_object(root, "signed", &body, e) < 0 ||
	    json_opt_bool(body, DEMO_MEMBER, ret, e) < 0)
		return -1;
	return 0;
}

static int load_root(struct factory *f, const char *dir, struct err *e)
{
	char path[PATH_MAX];
	bool demo;

	buf_init(&f->root, FACTORY_ROOT_MAX_BYTES);
	if (path_in(dir, "root.json", path, e) < 0 || file_read(path, &f->root, e) < 0)
		return -1;
	if (f->root.len == 0)
		return err_set(e, ERR_CONFIG, "root.json is empty");
	if (is_demo_root(&f->root, &demo, e) < 0)
		return err_wrap(e, "root.json");
	return demo ? refuse_demo(f, "root.json", e) : 0;
}

static int load_names(struct factory *f, const char *dir, struct err *e)
{
	char line[LINE_MAX_BYTES];

	if (read_line(dir, "product", line, e) < 0 || product_check(line, e) < 0 ||
	    text_copy(f->product, sizeof(f->product), line, "product", e) < 0)
		return -1;
	if (read_line(dir, "hardware", line, e) < 0 || hardware_check(line, e) < 0)
		return -1;
	return text_copy(f->hardware, sizeof(f->hardware), line, "hardware", e);
}

static int load(struct factory *f, const char *dir, struct err *e)
{
	char path[PATH_MAX];

	if (path_in(dir, "demo", path, e) < 0)
		return -1;
	f->demo = file_exists(path);
	if (path_in(dir, "ca.pem", f->ca_path, e) < 0)
		return -1;
	if (!file_exists(f->ca_path))
		return err_set(e, ERR_CONFIG, "there is no ca.pem");
	if (load_names(f, dir, e) < 0 || load_keys(f, dir, e) < 0)
		return -1;
	return load_root(f, dir, e);
}

int factory_load(const char *dir, struct factory *ret, struct err *e)
{
	*ret = (struct factory){0};
	if (dir == NULL)
		return err_set(e, ERR_CONFIG, "[factory] dir is missing");
	if (load(ret, dir, e) < 0) {
		factory_fini(ret);
		return err_wrap(e, "factory directory %s", dir);
	}
	return 0;
}

void factory_fini(struct factory *f)
{
	for (size_t i = 0; i < MAX_BOOT_KEYS; i++)
		pubkey_free(f->keys[i]);
	buf_fini(&f->root);
	*f = (struct factory){0};
}
