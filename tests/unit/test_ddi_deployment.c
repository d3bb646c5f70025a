/* SPDX-License-Identifier: Apache-2.0 */
/* What to install, and who consents to it. Each test of a quirk names the client that
 * has it. */
#include "testing.h"

#include "../../common/ddi/ddi.h"
#include "../../common/json/json.h"

#include <stdlib.h>

#define CAP (256u * 1024)

static bool has(const struct buf *b, const char *text)
{
	return strstr(buf_str(b), text) != NULL;
}

/* ---- deployment ---- */

static struct ddi_deployment *a_deployment(void)
{
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct ddi_artifact *a;

	assert_non_null(d);
	strcpy(d->id, "100042");
	d->download = d->update = DDI_FORCED;
	d->window = DDI_WINDOW_AVAILABLE;
	strcpy(d->version, "2.0");
	strcpy(d->name, "gateway");
	d->n_artifacts = 1;
	a = &d->artifacts[0];
	strcpy(a->part, "os");
	strcpy(a->filename, "payload");
	a->size = 1051136;
	memset(a->sha1, 0xAB, sizeof(a->sha1));
	memset(a->md5, 0xCD, sizeof(a->md5));
	memset(a->sha256, 0xEF, sizeof(a->sha256));
	strcpy(a->download, "https://h/a");
	strcpy(a->md5sum, "https://h/a.MD5SUM");
	strcpy(a->manifest, "https://h/m");
	strcpy(a->manifest_name, "release/gateway/2.0.json");
	strcpy(a->payload_head, "https://h/head");
	strcpy(a->payload_body, "https://h/body");
	strcpy(a->descriptor, "https://h/descriptor");
	return d;
}

static void a_deployment_survives_the_way_there_and_back(void **state)
{
	struct ddi_deployment *d = a_deployment();
	struct ddi_deployment *back = calloc(1, sizeof(*back));
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(back);
	OK(ddi_deployment_write(d, &b, &e));
	OK(ddi_deployment_parse(b.data, b.len, back, &e));
	assert_memory_equal(d, back, sizeof(*d));
	free(d);
	free(back);
}

static void a_deployment_has_what_each_client_needs(void **state)
{
	static const char *const needed[] = {
	    "\"id\":\"100042\"",   /* a string */
	    "\"sha1\":\"abababab", /* SWUpdate, rhu: lower case */
	    "\"md5\":\"cdcd",	   /* hawkbit-rs */
	    "\"sha256\":\"efef",   /* Zephyr */
	    "\"download-http\":{\"href\":\"https://h/a\"}", /* Zephyr */
	    "\"md5sum\":{\"href\":\"https://h/a.MD5SUM\"}",
	    "\"maintenanceWindow\":\"available\"",
	};
	struct ddi_deployment *d = a_deployment();
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	OK(ddi_deployment_write(d, &b, &e));
	for (size_t i = 0; i < N_ELEMS(needed); i++)
		assert_true(has(&b, needed[i]));
	assert_false(has(&b, "\\/"));
	free(d);
}

static void an_action_without_a_window_does_not_mention_it(void **state)
{
	struct ddi_deployment *d = a_deployment();
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	d->window = DDI_WINDOW_NONE;
	OK(ddi_deployment_write(d, &b, &e));
	assert_false(has(&b, "maintenanceWindow"));
	free(d);
}

static void action_ids_start_where_zephyr_and_swupdate_survive_them(void **state)
{
	static const struct {
		const char *id;
		enum err_code code;
	} rows[] = {
	    {"100001", ERR_NONE},	{"2147483647", ERR_NONE},
	    {"100000", ERR_INTERNAL},	{"7", ERR_INTERNAL},
	    {"2147483648", ERR_FORMAT}, {"0100001", ERR_FORMAT},
	    {"", ERR_FORMAT},		{"1e6", ERR_FORMAT},
	    {"-100001", ERR_FORMAT},	{"99999999999", ERR_FORMAT},
	};
	struct ddi_deployment *d = a_deployment();

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		AUTO(buf) struct buf b = BUF_INIT(CAP);
		struct err e = ERR_INIT;

		strcpy(d->id, rows[i].id);
		assert_int_equal(ddi_deployment_write(d, &b, &e),
				 rows[i].code == ERR_NONE ? 0 : -1);
		assert_int_equal(e.code, rows[i].code);
	}
	free(d);
}

#define DEPLOYMENT(chunks)                                                             \
	"{\"id\":\"5\",\"deployment\":{\"download\":\"forced\",\"update\":"            \
	"\"attempt\","                                                                 \
	"\"chunks\":" chunks "}}"

static void a_plain_hawkbit_deployment_is_read_without_ota_links(void **state)
{
	static const char text[] = DEPLOYMENT(
	    "[{\"part\":\"bApp\",\"version\":\"1\",\"name\":\"n\",\"artifacts\":[{"
	    "\"filename\":\"f\",\"size\":9,\"hashes\":{"
	    "\"sha1\":\"0123456789abcdef0123456789abcdef01234567\"},"
	    "\"_links\":{\"download-http\":{\"href\":\"http://h/f\"}}}]}]");
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(d);
	OK(ddi_deployment_parse(text, strlen(text), d, &e));
	assert_int_equal(d->update, DDI_ATTEMPT);
	assert_int_equal(d->window, DDI_WINDOW_NONE);
	assert_string_equal(d->artifacts[0].download, "http://h/f");
	assert_string_equal(d->artifacts[0].manifest, "");
	free(d);
}

static void files_of_one_part_are_a_chunk_and_may_have_plain_links(void **state)
{
	struct ddi_deployment *d = a_deployment();
	struct ddi_deployment *back = calloc(1, sizeof(*back));
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(back);
	d->n_artifacts = 3;
	d->artifacts[0].manifest[0] = '\0';
	d->artifacts[1] = d->artifacts[2] = d->artifacts[0];
	strcpy(d->artifacts[2].part, "bApp");
	strcpy(d->artifacts[0].download, "https://h:8443/default/a");
	d->plain_base = "http://cache.local:8080";
	OK(ddi_deployment_write(d, &b, &e));
	assert_true(has(&b, "\"download\":{\"href\":\"https://h:8443/default/a\"}"));
	assert_true(has(&b, "\"download-http\":{\"href\":"
			    "\"http://cache.local:8080/default/a\"}"));
	OK(ddi_deployment_parse(b.data, b.len, back, &e));
	assert_int_equal(back->n_artifacts, 3);
	assert_string_equal(back->artifacts[1].part, "os");
	assert_string_equal(back->artifacts[2].part, "bApp");
	free(d);
	free(back);
}

static void what_waits_for_consent_has_the_form_of_a_deployment(void **state)
{
	struct ddi_deployment *d = a_deployment();
	struct ddi_deployment *back = calloc(1, sizeof(*back));
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(back);
	d->unconfirmed = true;
	OK(ddi_deployment_write(d, &b, &e));
	assert_true(has(&b, "\"confirmation\":{\"download\":\"forced\""));
	assert_false(has(&b, "\"deployment\":"));
	OK(ddi_deployment_parse(b.data, b.len, back, &e));
	assert_true(back->unconfirmed);
	free(d);
	free(back);
}

static void the_history_that_was_asked_for_stands_beside_the_deployment(void **state)
{
	struct ddi_deployment *d = a_deployment();
	AUTO_PTR(json) struct json *lines = json_new_array();
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	OK(json_append(lines, json_new_text("newest"), &e));
	OK(json_append(lines, json_new_text("older"), &e));
	d->history = (struct ddi_history){
	    .present = true, .status = "RUNNING", .messages = lines};
	OK(ddi_deployment_write(d, &b, &e));
	assert_true(has(&b, "\"actionHistory\":{\"status\":\"RUNNING\","
			    "\"messages\":[\"newest\",\"older\"]}"));
	free(d);
}

/* ---- consent ---- */

static void consent_survives_the_way_there_and_back(void **state)
{
	struct ddi_consent c = {.confirmed = true, .n_details = 1};
	struct ddi_consent *back = calloc(1, sizeof(*back));
	AUTO(buf) struct buf b = BUF_INIT(CAP);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(back);
	strcpy(c.details[0], "Ada said so");
	OK(ddi_consent_write(&c, &b, &e));
	OK(ddi_consent_parse(b.data, b.len, back, &e));
	assert_memory_equal(&c, back, sizeof(c));
	free(back);
}

static void consent_is_one_of_two_words(void **state)
{
	static const struct {
		const char *text;
		bool ok, confirmed;
	} rows[] = {
	    {"{\"confirmation\":\"confirmed\",\"code\":10}", true, true},
	    {"{\"confirmation\":\"denied\",\"details\":[\"no\",\"w\nr\"]}", true,
	     false},
	    {"{\"confirmation\":\"yes\"}", false, false},
	    {"{\"confirmation\":true}", false, false},
	    {"{}", false, false},
	    {"", false, false},
	    {"[]", false, false},
	};
	struct ddi_consent *c = calloc(1, sizeof(*c));

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(
		    ddi_consent_parse(rows[i].text, strlen(rows[i].text), c, &e),
		    rows[i].ok ? 0 : -1);
		if (rows[i].ok)
			assert_int_equal(c->confirmed, rows[i].confirmed);
		else
			assert_int_equal(e.code, ERR_FORMAT);
	}
	free(c);
}

static void the_base_of_consent_says_where_to_change_it(void **state)
{
	AUTO(buf) struct buf off = BUF_INIT(CAP);
	AUTO(buf) struct buf on = BUF_INIT(CAP);
	struct ddi_auto_confirm c = {0};
	struct err e = ERR_INIT;

	(void)state;
	OK(ddi_confirmation_base_write(&c, "https://h/c", "https://h/c/100001", &off,
				       &e));
	assert_string_equal(
	    buf_str(&off),
	    "{\"autoConfirm\":{\"active\":false},\"_links\":{"
	    "\"activateAutoConfirm\":{\"href\":\"https://h/c/activateAutoConfirm\"},"
	    "\"confirmationBase\":{\"href\":\"https://h/c/100001\"}}}");
	OK(ddi_auto_confirm_parse("{\"initiator\":\"Ada\",\"remark\":\"r\"}", 32, &c,
				  &e));
	c.activated_at = 5;
	OK(ddi_confirmation_base_write(&c, "https://h/c", "", &on, &e));
	assert_string_equal(
	    buf_str(&on),
	    "{\"autoConfirm\":{\"active\":true,\"initiator\":\"Ada\",\"remark\":\"r\","
	    "\"activatedAt\":5},\"_links\":{\"deactivateAutoConfirm\":{"
	    "\"href\":\"https://h/c/deactivateAutoConfirm\"}}}");
	OK(ddi_auto_confirm_parse("", 0, &c, &e));
	assert_true(c.active);
	FAILS(ddi_auto_confirm_parse("{\"remark\":1}", 12, &c, &e), ERR_FORMAT);
}

static void what_is_no_deployment_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} rows[] = {
	    {"<html>", ERR_FORMAT},
	    {"[]", ERR_FORMAT},
	    {"{\"id\":\"5\"}", ERR_FORMAT},
	    {"{\"id\":5,\"deployment\":{}}", ERR_FORMAT},
	    {"{\"id\":\"../5\",\"deployment\":{}}", ERR_FORMAT},
	    {"{\"id\":\"5\",\"deployment\":{\"download\":\"now\"}}", ERR_FORMAT},
	    {DEPLOYMENT("{}"), ERR_FORMAT},
	    {DEPLOYMENT("[]"), ERR_UNSUPPORTED},
	    {DEPLOYMENT("[{},{}]"), ERR_FORMAT},
	    {DEPLOYMENT("[5]"), ERR_FORMAT},
	    {DEPLOYMENT("[{\"artifacts\":[{\"size\":-1}]}]"), ERR_FORMAT},
	    {DEPLOYMENT("[{\"artifacts\":[{\"size\":1,\"hashes\":{}}]}]"), ERR_FORMAT},
	    {DEPLOYMENT("[{\"artifacts\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}]"),
	     ERR_LIMIT},
	};
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		FAILS(ddi_deployment_parse(rows[i].text, strlen(rows[i].text), d, &e),
		      rows[i].code);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_deployment_survives_the_way_there_and_back),
	    cmocka_unit_test(a_deployment_has_what_each_client_needs),
	    cmocka_unit_test(an_action_without_a_window_does_not_mention_it),
	    cmocka_unit_test(action_ids_start_where_zephyr_and_swupdate_survive_them),
	    cmocka_unit_test(a_plain_hawkbit_deployment_is_read_without_ota_links),
	    cmocka_unit_test(files_of_one_part_are_a_chunk_and_may_have_plain_links),
	    cmocka_unit_test(what_waits_for_consent_has_the_form_of_a_deployment),
	    cmocka_unit_test(
		the_history_that_was_asked_for_stands_beside_the_deployment),
	    cmocka_unit_test(consent_survives_the_way_there_and_back),
	    cmocka_unit_test(consent_is_one_of_two_words),
	    cmocka_unit_test(the_base_of_consent_says_where_to_change_it),
	    cmocka_unit_test(what_is_no_deployment_is_refused),
	};

	return cmocka_run_group_tests_name("ddi_deployment", tests, NULL, NULL);
}
