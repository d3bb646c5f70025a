/* SPDX-License-Identifier: Apache-2.0 */
#include "../../client/config/config.h"
#include "../../client/config/factory.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include "testing.h"

#include <dirent.h>
#include <stdio.h>

/* ---- the slots ----------------------------------------------------------------- */

static const char *images_a[] = {"firmware:/m/a-fw", "rootfs:/m/a-root"};
static const char *images_b[] = {"firmware:/m/b-fw", "rootfs:/m/b-root"};

static struct client_config good_config(void)
{
	return (struct client_config){
	    .slot_images = {{images_a, 2}, {images_b, 2}},
	    .slot_descriptor = {"/m/a-desc", "/m/b-desc"},
	    .boot = {.record = "/m/record"},
	    .journal_path = "/m/journal",
	};
}

static void slots_are_read_from_the_configuration(void **state)
{
	struct client_config c = good_config();
	struct slot_layout l[N_SLOTS];
	struct err e = ERR_INIT;

	(void)state;
	OK(client_config_slots(&c, l, &e));
	assert_int_equal(l[1].n_images, 2);
	assert_string_equal(l[1].images[1].name, "rootfs");
	assert_string_equal(l[1].images[1].path, "/m/b-root");
	assert_string_equal(l[0].descriptor, "/m/a-desc");
	assert_int_equal(slot_layout_find(&l[0], "rootfs"), 1);
	assert_int_equal(slot_layout_find(&l[0], "kernel"), -1);
}

static void a_layout_that_cannot_work_is_refused_with_the_reason(void **state)
{
	static const char *no_colon[] = {"firmware", "rootfs:/m/b-root"};
	static const char *relative[] = {"firmware:fw", "rootfs:/m/b-root"};
	static const char *twice[] = {"firmware:/m/x", "firmware:/m/y"};
	static const char *bad_name[] = {"Firm/ware:/m/x", "rootfs:/m/y"};
	static const char *order[] = {"rootfs:/m/b-root", "firmware:/m/b-fw"};
	static const char *shared[] = {"firmware:/m/a-fw", "rootfs:/m/b-root"};
	static const char *record[] = {"firmware:/m/record", "rootfs:/m/b-root"};
	static const struct {
		struct option_list list;
		const char *text;
	} rows[] = {
	    {{NULL, 0}, "[slot-b]: 0 images, not 1 to 4"},
	    {{no_colon, 2}, "[slot-b]: image \"firmware\" is not NAME:PATH"},
	    {{relative, 2},
	     "[slot-b]: image \"firmware:fw\": the path is not absolute"},
	    {{twice, 2}, "[slot-b]: two images are named firmware"},
	    {{bad_name, 2}, NULL},
	    {{images_b, 1},
	     "[slot-a] and [slot-b] do not have the same images in the "
	     "same order"},
	    {{order, 2},
	     "[slot-a] and [slot-b] do not have the same images in the "
	     "same order"},
	    {{shared, 2}, "/m/a-fw is configured for two purposes"},
	    {{record, 2}, "/m/record is configured for two purposes"},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct client_config c = good_config();
		struct slot_layout l[N_SLOTS];
		struct err e = ERR_INIT;

		c.slot_images[1] = rows[i].list;
		FAILS(client_config_slots(&c, l, &e), ERR_CONFIG);
		if (rows[i].text != NULL)
			assert_string_equal(e.text, rows[i].text);
	}
}

static void every_option_has_a_section_and_a_help(void **state)
{
	(void)state;
	for (const struct option *o = client_config_options; o->name != NULL; o++) {
		assert_non_null(o->section);
		assert_non_null(o->help);
		assert_true(o->help[strlen(o->help) - 1] != '.');
		assert_true(o->offset < sizeof(struct client_config));
	}
}

/* ---- the factory's directory --------------------------------------------------- */

#define KEY "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

struct place {
	char dir[64];
};

static void put(const struct place *p, const char *name, const char *content)
{
	struct err e = ERR_INIT;
	char path[128];

	OK(text_format(path, sizeof(path), &e, "%s/%s", p->dir, name));
	if (content == NULL)
		assert_int_equal(unlink(path), 0);
	else
		OK(file_replace(path, content, strlen(content), 0644, &e));
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/ota-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	put(p, "root.json", "{\"signed\":{}}");
	put(p, "ca.pem", "-----BEGIN CERTIFICATE-----\n");
	put(p, "boot-key-0.pub", KEY "\n");
	put(p, "hardware", "revA\n");
	put(p, "product", "gateway\n");
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	DIR *d = opendir(p->dir);
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			put(p, entry->d_name, NULL);
	assert_int_equal(closedir(d), 0);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

/* A symbolic link, a hard link and a detour are other names of one medium: an
 * install into B would write what runs in A. */
static void one_medium_by_two_names_is_refused(void **state)
{
	static const char *const others[] = {"symbolic", "hard", "./a-fw", "/a-fw"};
	const struct place *p = *state;
	char first[128], a[160], b[160], link_path[128];
	struct err e = ERR_INIT;

	put(p, "a-fw", "firmware");
	OK(text_format(first, sizeof(first), &e, "%s/a-fw", p->dir));
	OK(text_format(link_path, sizeof(link_path), &e, "%s/symbolic", p->dir));
	assert_int_equal(symlink("a-fw", link_path), 0);
	OK(text_format(link_path, sizeof(link_path), &e, "%s/hard", p->dir));
	assert_int_equal(link(first, link_path), 0);
	OK(text_format(a, sizeof(a), &e, "firmware:%s", first));
	for (size_t i = 0; i < N_ELEMS(others); i++) {
		const char *one[] = {a}, *two[] = {b};
		struct client_config c = good_config();
		struct slot_layout l[N_SLOTS];

		OK(text_format(b, sizeof(b), &e, "firmware:%s/%s", p->dir, others[i]));
		c.slot_images[0] = (struct option_list){one, 1};
		c.slot_images[1] = (struct option_list){two, 1};
		FAILS(client_config_slots(&c, l, &e), ERR_CONFIG);
		assert_non_null(strstr(e.text, "are one and the same"));
	}
}

static void a_factory_directory_is_read_whole(void **state)
{
	struct place *p = *state;
	struct factory f;
	struct err e = ERR_INIT;

	put(p, "boot-key-2.pub", KEY);
	OK(factory_load(p->dir, &f, &e));
	assert_string_equal(f.product, "gateway");
	assert_string_equal(f.hardware, "revA");
	assert_non_null(f.boot_keys.keys[0]);
	assert_null(f.boot_keys.keys[1]);
	assert_non_null(f.boot_keys.keys[2]);
	assert_string_equal(buf_str(&f.root), "{\"signed\":{}}");
	assert_false(f.demo);
	factory_fini(&f);
}

static void what_is_missing_or_wrong_is_never_a_default(void **state)
{
	static const struct {
		const char *name;
		const char *content; /* NULL: missing */
	} rows[] = {
	    {"root.json", NULL},
	    {"root.json", ""},
	    {"root.json", "{\"signed\":"},
	    {"root.json", "{\"signed\":{\"x-ota-demo\":1}}"},
	    {"ca.pem", NULL},
	    {"boot-key-0.pub", NULL},
	    {"boot-key-0.pub", "d75a98\n"},
	    {"boot-key-0.pub", KEY "\n" KEY "\n"},
	    {"boot-key-0.pub", KEY " demon\n"},
	    {"boot-key-1.pub", ""},
	    {"hardware", NULL},
	    {"hardware", "rev A\n"},
	    {"product", "\n"},
	    {"product", "Gate/way\n"},
	    {"product", "gateway\nother\n"},
	};
	struct place *p = *state;

	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct factory f;
		struct err e = ERR_INIT;
		void *again = NULL;

		put(p, rows[i].name, rows[i].content);
		if (factory_load(p->dir, &f, &e) != -1)
			fail_msg("row %zu (%s) was taken", i, rows[i].name);
		assert_non_null(strstr(e.text, p->dir));
		(void)tear_down(state);
		(void)set_up(&again);
		p = *state = again;
	}
}

static void demo_keys_are_refused_outside_demo_mode(void **state)
{
	struct place *p = *state;
	struct factory f;
	struct err e = ERR_INIT;

	put(p, "boot-key-0.pub", KEY " demo\n");
	FAILS(factory_load(p->dir, &f, &e), ERR_UNTRUSTED);
	put(p, "demo", "");
	OK(factory_load(p->dir, &f, &e));
	assert_true(f.demo);
	factory_fini(&f);
	put(p, "boot-key-0.pub", KEY "\n");
	put(p, "root.json", "{\"signed\":{\"x-ota-demo\":true}}");
	OK(factory_load(p->dir, &f, &e));
	factory_fini(&f);
	put(p, "demo", NULL);
	FAILS(factory_load(p->dir, &f, &e), ERR_UNTRUSTED);
	/* However it is written down. */
	put(p, "root.json", "{\n \"signed\": {\"x-ota-dem\\u006f\" : true}}");
	FAILS(factory_load(p->dir, &f, &e), ERR_UNTRUSTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slots_are_read_from_the_configuration),
	    cmocka_unit_test(a_layout_that_cannot_work_is_refused_with_the_reason),
	    cmocka_unit_test(every_option_has_a_section_and_a_help),
	    cmocka_unit_test_setup_teardown(one_medium_by_two_names_is_refused, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_factory_directory_is_read_whole, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(what_is_missing_or_wrong_is_never_a_default,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(demo_keys_are_refused_outside_demo_mode,
					    set_up, tear_down),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
