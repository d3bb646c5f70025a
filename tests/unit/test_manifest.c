/* SPDX-License-Identifier: Apache-2.0 */
#include "example.h"
#include "vector.h"

static void a_manifest_is_read_back_as_written(void **state)
{
	AUTO(example) struct example x;
	struct manifest back;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	OK(manifest_parse(x.manifest_bytes.data, x.manifest_bytes.len, &back, &e));
	assert_memory_equal(&back, &x.manifest, sizeof(back));
}

static void the_documents_vector_is_what_we_write(void **state)
{
	AUTO(buf) struct buf vector = BUF_INIT(MANIFEST_MAX_BYTES);
	AUTO(example) struct example x;

	(void)state;
	example_init(&x);
	vector_read("manifest.md", 0, &vector);
	assert_int_equal(vector.len, x.manifest_bytes.len);
	assert_memory_equal(vector.data, x.manifest_bytes.data, vector.len);
}

/* Replaces the first `from` in the example's text; "" appends. */
static void parse_changed(const char *from, const char *to, enum err_code code)
{
	AUTO(example) struct example x;
	AUTO(buf) struct buf text = BUF_INIT(4 * MANIFEST_MAX_BYTES);
	struct manifest back;
	struct err e = ERR_INIT;
	const char *all, *at;

	example_init(&x);
	all = buf_str(&x.manifest_bytes);
	at = *from != '\0' ? strstr(all, from) : all + strlen(all);
	assert_non_null(at);
	OK(buf_add(&text, all, (size_t)(at - all), &e));
	OK(buf_add_str(&text, to, &e));
	OK(buf_add_str(&text, at + strlen(from), &e));
	if (code == ERR_NONE) {
		OK(manifest_parse(text.data, text.len, &back, &e));
		return;
	}
	e = ERR_INIT;
	if (manifest_parse(text.data, text.len, &back, &e) == 0)
		fail_msg("\"%s\" -> \"%s\": taken", from, to);
	if (e.code != code)
		fail_msg("\"%s\" -> \"%s\": %s", from, to, e.text);
	assert_memory_equal(e.text, "read manifest: ", 15);
}

static void a_wrong_field_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		enum err_code code;
	} rows[] = {
	    /* what kind of text */
	    {"ota-manifest", "ota-manifesto", ERR_FORMAT},
	    {"\"format\":1", "\"format\":2", ERR_FORMAT}, /* and no files */
	    {"\"format\":1", "\"format\":3", ERR_UNSUPPORTED},
	    {"\"must_understand\":0", "\"must_understand\":1", ERR_UNSUPPORTED},
	    {"\"_type\"", "\"_typ\"", ERR_FORMAT},
	    /* one text for each manifest */
	    {"\"format\":1", "\"format\": 1", ERR_FORMAT},
	    {"\"format\":1", "\"format\":1.0", ERR_FORMAT},
	    {"\"format\":1", "\"format\":1,\"format\":1", ERR_FORMAT},
	    {"", "\n", ERR_FORMAT},
	    {"", "{}", ERR_FORMAT},
	    {"gateway", "g\\u0061teway", ERR_FORMAT},
	    {"\"sha256\":\"2407312acc", "\"sha256\":\"2407312ACC", ERR_FORMAT},
	    /* absence is rejection, and so is what nobody knows */
	    {",\"format\":1", "", ERR_FORMAT},
	    {",\"security_version\":3", "", ERR_FORMAT},
	    {",\"raise_floor_to\":2", "", ERR_FORMAT},
	    {"\"product\":\"gateway\",", "", ERR_FORMAT},
	    {"\"hardware\":[\"revA\",\"revB\"],", "", ERR_FORMAT},
	    {"\"head_size\":416", "\"head_siz\":416", ERR_FORMAT},
	    {",\"version\":\"2.0.0\"", ",\"version\":\"2.0.0\",\"wanted\":1",
	     ERR_UNSUPPORTED},
	    {"\"size\":1024}", "\"size\":1024,\"url\":\"x\"}", ERR_UNSUPPORTED},
	    {"\"size\":4096}", "\"size\":4096,\"type\":\"x\"}", ERR_UNSUPPORTED},
	    {"\"head_size\":416}", "\"head_size\":416,\"key\":1}", ERR_UNSUPPORTED},
	    {",\"version\":\"2.0.0\"", ",\"version\":\"2.0.0\",\"x-note\":1", ERR_NONE},
	    /* who it is for */
	    {"\"product\":\"gateway\"", "\"product\":\"../gateway\"", ERR_FORMAT},
	    {"\"product\":\"gateway\"", "\"product\":\"\"", ERR_FORMAT},
	    {"\"product\":\"gateway\"", "\"product\":7", ERR_FORMAT},
	    {"[\"revA\",\"revB\"]", "[]", ERR_FORMAT},
	    {"[\"revA\",\"revB\"]", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", ERR_FORMAT},
	    {"[\"revA\",\"revB\"]", "[\"revA\",\"revA\"]", ERR_FORMAT},
	    {"[\"revA\",\"revB\"]", "[\"revA\",1]", ERR_FORMAT},
	    {"[\"revA\",\"revB\"]", "\"revA\"", ERR_FORMAT},
	    /* versions */
	    {"\"version\":\"2.0.0\"", "\"version\":\"2 0\"", ERR_FORMAT},
	    {"\"raise_floor_to\":2", "\"raise_floor_to\":4", ERR_FORMAT},
	    {"\"security_version\":3", "\"security_version\":4294967296", ERR_LIMIT},
	    {"\"security_version\":3", "\"security_version\":-3", ERR_FORMAT},
	    /* images */
	    {"\"name\":\"rootfs\"", "\"name\":\"firmware\"", ERR_FORMAT},
	    {"\"name\":\"rootfs\"", "\"name\":\"../rootfs\"", ERR_FORMAT},
	    {"\"size\":620000", "\"size\":0", ERR_LIMIT},
	    {"\"size\":620000", "\"size\":1099511627777", ERR_LIMIT},
	    {"\"size\":620000", "\"size\":1099511627776", ERR_NONE},
	    {"\"size\":620000", "\"size\":9007199254740992", ERR_FORMAT},
	    {"\"salt\":\"5a", "\"salt\":\"", ERR_FORMAT},
	    {"\"salt\":\"5a", "\"salt\":\"5a5a", ERR_FORMAT},
	    {"\"root_hash\":\"17", "\"root_hash\":\"1g", ERR_FORMAT},
	    /* what hangs on it */
	    {"\"size\":1024", "\"size\":1023", ERR_UNSUPPORTED},
	    {"\"head_size\":416", "\"head_size\":0", ERR_LIMIT},
	    {"\"head_size\":416", "\"head_size\":16777217", ERR_LIMIT},
	    {"\"head_size\":416", "\"head_size\":16777216", ERR_NONE},
	    {"\"body_size\":70000", "\"body_size\":-1", ERR_FORMAT},
	    {"\"body_size\":70000", "\"body_size\":5000000000", ERR_NONE},
	    {"\"body_size\":70000", "\"body_size\":\"70000\"", ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		parse_changed(rows[i].from, rows[i].to, rows[i].code);
}

/* One with two files and, if `images`, the example's images; its text. */
static void files_manifest(struct manifest *m, bool images, struct buf *ret)
{
	AUTO(example) struct example x;
	struct err e = ERR_INIT;

	example_init(&x);
	*m = x.manifest;
	if (!images) {
		m->n_images = 0;
		memset(m->images, 0, sizeof(m->images));
		memset(m->descriptor_sha256, 0, SHA256_LEN);
		memset(m->payload_head_sha256, 0, SHA256_LEN);
		m->payload_head_size = m->payload_body_size = 0;
	}
	(void)strcpy(m->files[0].name, "update.swu");
	m->files[0].size = 1051136;
	memset(m->files[0].sha256, 0xaa, SHA256_LEN);
	(void)strcpy(m->files[1].name, "app.bin");
	m->files[1].part = FILE_APPLICATION;
	m->files[1].size = 7;
	m->n_files = 2;
	OK(manifest_write(m, ret, &e));
}

static void files_come_besides_images_or_instead_of_them(void **state)
{
	(void)state;
	for (int images = 0; images < 2; images++) {
		AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
		struct manifest m, back;
		struct err e = ERR_INIT;

		files_manifest(&m, images == 1, &text);
		OK(manifest_parse(text.data, text.len, &back, &e));
		assert_memory_equal(&back, &m, sizeof(back));
		assert_non_null(strstr(buf_str(&text), "\"format\":2"));
		assert_int_equal(strstr(buf_str(&text), "\"payload\"") != NULL, images);
	}
}

static void the_agent_takes_no_release_without_images(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
	struct manifest m;
	struct err e = ERR_INIT;

	(void)state;
	files_manifest(&m, true, &text);
	OK(manifest_check_images(&m, &e));
	files_manifest(&m, false, &text);
	FAILS(manifest_check_images(&m, &e), ERR_UNSUPPORTED);
}

static void a_mark_for_security_is_no_new_format(void **state)
{
	AUTO(example) struct example x;
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
	struct manifest back;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	x.manifest.security_only = true;
	OK(manifest_write(&x.manifest, &text, &e));
	assert_non_null(strstr(buf_str(&text), "\"x-ota-security-only\":true"));
	assert_non_null(strstr(buf_str(&text), "\"format\":1"));
	OK(manifest_parse(text.data, text.len, &back, &e));
	assert_true(back.security_only);
}

static void a_wrong_file_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		enum err_code code;
	} rows[] = {
	    {"\"format\":2", "\"format\":1", ERR_FORMAT},
	    {"update.swu", "app.bin", ERR_FORMAT},
	    {"update.swu", "../update", ERR_FORMAT},
	    {"update.swu", ".hidden", ERR_FORMAT},
	    {"update.swu", "a b", ERR_FORMAT},
	    {"update.swu", "", ERR_FORMAT},
	    {"update.swu", "payload", ERR_FORMAT},
	    {"update.swu", "x.MD5SUM", ERR_FORMAT},
	    {"\"part\":\"os\"", "\"part\":\"kernel\"", ERR_FORMAT},
	    {"\"part\":\"os\"", "\"part\":\"jvm\"", ERR_FORMAT},
	    {"\"size\":7}", "\"size\":0}", ERR_LIMIT},
	    {"\"size\":7}", "\"size\":7,\"url\":\"x\"}", ERR_UNSUPPORTED},
	    {"\"sha256\":\"aa", "\"sha256\":\"AA", ERR_FORMAT},
	    {"\"images\":[]", "\"descriptor\":{},\"images\":[]", ERR_FORMAT},
	    {"\"format\":2,", "\"format\":2,\"x-ota-security-only\":true,", ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf text = BUF_INIT(MANIFEST_MAX_BYTES);
		AUTO(buf) struct buf changed = BUF_INIT(MANIFEST_MAX_BYTES);
		struct manifest m;
		struct err e = ERR_INIT;
		const char *at;

		files_manifest(&m, false, &text);
		at = strstr(buf_str(&text), rows[i].from);
		assert_non_null(at);
		OK(buf_printf(&changed, &e, "%.*s%s%s", (int)(at - buf_str(&text)),
			      buf_str(&text), rows[i].to, at + strlen(rows[i].from)));
		if (manifest_parse(changed.data, changed.len, &m, &e) == 0 ||
		    e.code != rows[i].code)
			fail_msg("\"%s\" -> \"%s\": %s", rows[i].from, rows[i].to,
				 e.text);
	}
}

static void a_manifest_cut_anywhere_is_refused(void **state)
{
	AUTO(example) struct example x;
	struct manifest back;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	for (size_t len = 0; len < x.manifest_bytes.len; len++)
		FAILS(manifest_parse(x.manifest_bytes.data, len, &back, &e),
		      ERR_FORMAT);
}

static void notes_and_the_whole_have_a_longest_length(void **state)
{
	AUTO(example) struct example x;
	AUTO(buf) struct buf text = BUF_INIT(2 * MANIFEST_MAX_BYTES);
	static uint8_t large[MANIFEST_MAX_BYTES + 1];
	struct manifest back;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	memset(x.manifest.notes, 'n', NOTES_MAX_LEN);
	x.manifest.notes[NOTES_MAX_LEN] = '\0';
	OK(manifest_write(&x.manifest, &text, &e));
	OK(manifest_parse(text.data, text.len, &back, &e));
	FAILS(manifest_parse(large, sizeof(large), &back, &e), ERR_LIMIT);
}

static void nothing_is_written_that_would_be_refused(void **state)
{
	AUTO(example) struct example x;
	AUTO(buf) struct buf text = BUF_INIT(2 * MANIFEST_MAX_BYTES);
	struct manifest m;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	m = x.manifest;
	m.n_images = 0;
	FAILS(manifest_write(&m, &text, &e), ERR_FORMAT);
	m.n_images = MAX_IMAGES + 1;
	FAILS(manifest_write(&m, &text, &e), ERR_USAGE);
	m = x.manifest;
	m.images[0].size = UINT64_MAX;
	FAILS(manifest_write(&m, &text, &e), ERR_LIMIT);
	m = x.manifest;
	m.product[0] = '/';
	FAILS(manifest_write(&m, &text, &e), ERR_FORMAT);
	assert_int_equal(text.len, 0);
}

static void a_target_is_named_by_product_and_version(void **state)
{
	char name[TARGET_NAME_MAX_LEN + 1];
	char longest[65];
	struct err e = ERR_INIT;

	(void)state;
	OK(manifest_target_name("gateway", "2.0.0", name, &e));
	assert_string_equal(name, "release/gateway/2.0.0.json");
	memset(longest, 'a', 64);
	longest[64] = '\0';
	OK(manifest_target_name(longest, longest, name, &e));
	FAILS(manifest_target_name("gate/way", "2.0.0", name, &e), ERR_FORMAT);
	FAILS(manifest_target_name("gateway", "2/0", name, &e), ERR_FORMAT);
}

static void a_manifest_for_another_device_says_what_it_is_for(void **state)
{
	AUTO(example) struct example x;
	struct err e = ERR_INIT;

	(void)state;
	example_init(&x);
	OK(manifest_check_fits(&x.manifest, "gateway", "revB", &e));
	FAILS(manifest_check_fits(&x.manifest, "gateway", "revC", &e),
	      ERR_INCOMPATIBLE);
	assert_string_equal(e.text, "made for hardware revA, revB, this is \"revC\"");
	FAILS(manifest_check_fits(&x.manifest, "gate", "revA", &e), ERR_INCOMPATIBLE);
	assert_string_equal(e.text, "made for product \"gateway\", this is \"gate\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_manifest_is_read_back_as_written),
	    cmocka_unit_test(the_documents_vector_is_what_we_write),
	    cmocka_unit_test(a_wrong_field_is_refused),
	    cmocka_unit_test(files_come_besides_images_or_instead_of_them),
	    cmocka_unit_test(the_agent_takes_no_release_without_images),
	    cmocka_unit_test(a_mark_for_security_is_no_new_format),
	    cmocka_unit_test(a_wrong_file_is_refused),
	    cmocka_unit_test(a_manifest_cut_anywhere_is_refused),
	    cmocka_unit_test(notes_and_the_whole_have_a_longest_length),
	    cmocka_unit_test(nothing_is_written_that_would_be_refused),
	    cmocka_unit_test(a_target_is_named_by_product_and_version),
	    cmocka_unit_test(a_manifest_for_another_device_says_what_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
