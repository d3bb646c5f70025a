/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks without a network: addresses, messages, and what follows from an answer. */
#include "../../common/base/base64.h"
#include "../../common/base/text.h"
#include "../../server/webhook/address.h"
#include "../../server/webhook/policy.h"

#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- addresses ---- */

static int check(const char *text, const char *allowed, struct err *e)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct address_range range;

	if (allowed != NULL)
		assert_int_equal(address_range_parse(allowed, &range, e), 0);
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return address_check((struct sockaddr *)&four, sizeof(four), &range,
				     allowed != NULL, e);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return address_check((struct sockaddr *)&six, sizeof(six), &range,
			     allowed != NULL, e);
}

static void only_public_addresses_are_connected_to(void **state)
{
	static const char *const fine[] = {
	    "8.8.8.8",	  "1.1.1.1",	 "9.255.255.255", "11.0.0.1",
	    "100.63.0.1", "100.128.0.1", "126.1.2.3",	  "128.0.0.1",
	    "172.15.0.1", "172.32.0.1",	 "192.167.1.1",	  "192.169.0.1",
	    "198.17.0.1", "198.20.0.1",	 "223.255.255.1", "2606:4700::1111",
	    "2a00::1",	  "2001:200::1",
	};
	static const char *const refused[] = {
	    "0.0.0.0",
	    "0.1.2.3",
	    "10.0.0.1",
	    "10.255.255.255",
	    "100.64.0.1",
	    "100.127.255.255",
	    "127.0.0.1",
	    "127.255.0.1",
	    "169.254.169.254",
	    "169.254.0.1",
	    "172.16.0.1",
	    "172.31.255.255",
	    "192.0.0.1",
	    "192.0.2.1",
	    "192.88.99.1",
	    "192.168.0.1",
	    "198.18.0.1",
	    "198.19.255.255",
	    "198.51.100.7",
	    "203.0.113.7",
	    "224.0.0.1",
	    "239.1.1.1",
	    "240.0.0.1",
	    "255.255.255.255",
	    "::",
	    "::1",
	    "::ffff:8.8.8.8",
	    "::ffff:127.0.0.1",
	    "::ffff:10.0.0.1",
	    "::127.0.0.1",
	    "64:ff9b::7f00:1",
	    "64:ff9b::808:808",
	    "64:ff9b:1::1",
	    "100::1",
	    "2001::1",
	    "2001:10::1",
	    "2001:db8::1",
	    "2002:7f00:1::",
	    "2002:808:808::",
	    "3fff::1",
	    "fc00::1",
	    "fd12:3456::1",
	    "fe80::1",
	    "febf::1",
	    "fec0::1",
	    "ff02::1",
	    "4000::1",
	    "8000::1",
	    "fd00:ec2::254",
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(fine); i++)
		OK(check(fine[i], NULL, &e));
	for (size_t i = 0; i < N_ELEMS(refused); i++) {
		if (check(refused[i], NULL, &e) == 0)
			fail_msg("%s was let through", refused[i]);
		assert_int_equal(e.code, ERR_FORBIDDEN);
		assert_non_null(strstr(e.text, refused[i]));
		e = ERR_INIT;
	}
}

static void a_range_that_is_allowed_lets_through_itself_and_nothing_else(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	OK(check("10.1.2.3", "10.1.0.0/16", &e));
	FAILS(check("10.2.0.1", "10.1.0.0/16", &e), ERR_FORBIDDEN);
	OK(check("127.0.0.1", "127.0.0.1", &e));
	FAILS(check("127.0.0.2", "127.0.0.1", &e), ERR_FORBIDDEN);
	OK(check("fd00::7", "fd00::/8", &e));
	/* IPv4 within IPv6 is another address */
	FAILS(check("::ffff:127.0.0.1", "127.0.0.0/8", &e), ERR_FORBIDDEN);
	FAILS(check("127.0.0.1", "::/0", &e), ERR_FORBIDDEN);
	OK(check("192.168.7.7", "0.0.0.0/0", &e));
}

static void what_is_no_internet_address_is_refused(void **state)
{
	struct sockaddr unix_socket = {.sa_family = AF_UNIX};
	struct sockaddr_in6 cut = {.sin6_family = AF_INET6};
	struct err e = ERR_INIT;

	(void)state;
	FAILS(address_check(&unix_socket, sizeof(unix_socket), NULL, 0, &e),
	      ERR_FORBIDDEN);
	FAILS(address_check((struct sockaddr *)&cut, 8, NULL, 0, &e), ERR_FORBIDDEN);
}

static void a_range_with_bits_behind_its_prefix_is_a_mistake(void **state)
{
	static const char *const bad[] = {
	    "10.1.2.3/16", "10.0.0.0/33", "10.0.0/8", "x", "fd00::1/8", "::/129", "",
	    "10.0.0.0/",   "10.0.0.0/-1"};
	struct address_range r;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(bad); i++)
		FAILS(address_range_parse(bad[i], &r, &e), ERR_FORMAT);
}

/* ---- messages ---- */

static void the_signature_is_that_of_standard_webhooks(void **state)
{
	/* the example of the standard's own text, with key 00 01 .. 1f, by Python's hmac */
	static const char body[] = "{\"test\": 2432232314}";
	uint8_t key[WEBHOOK_KEY_LEN];
	char text[WEBHOOK_SIGNATURE_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	OK(webhook_sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body,
			strlen(body), text, &e));
	assert_string_equal(text, "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=");
}

static void a_secret_reads_as_its_key(void **state)
{
	AUTO(buf) struct buf back = BUF_INIT(64);
	uint8_t key[WEBHOOK_KEY_LEN];
	char text[WEBHOOK_SECRET_TEXT_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	OK(webhook_secret_make(key, text, &e));
	assert_memory_equal(text, "whsec_", 6);
	assert_int_equal(strlen(text), WEBHOOK_SECRET_TEXT_LEN);
	OK(base64_decode(text + 6, strlen(text + 6), &back, &e));
	assert_int_equal(back.len, sizeof(key));
	assert_memory_equal(back.data, key, sizeof(key));
}

static void a_url_is_https_and_carries_no_password(void **state)
{
	static const char *const good[] = {
	    "https://example.org", "https://h:8443/a?b=c@d", "https://[2001:db8::1]/x"};
	static const char *const bad[] = {"http://example.org",
					  "https://",
					  "https://:443/",
					  "https:///x",
					  "https://u:p@h/",
					  "https://u@h",
					  "https://h/#x",
					  "https://h /",
					  "https://h/\xc3\xa4",
					  "ftp://h",
					  "HTTPS://h",
					  "file:///etc/passwd",
					  ""};
	struct err e = ERR_INIT;
	char long_url[WEBHOOK_URL_MAX_LEN + 2] = "https://h/";

	(void)state;
	for (size_t i = 0; i < N_ELEMS(good); i++)
		OK(webhook_url_check(good[i], &e));
	for (size_t i = 0; i < N_ELEMS(bad); i++)
		FAILS(webhook_url_check(bad[i], &e), ERR_FORMAT);
	memset(long_url + 10, 'a', sizeof(long_url) - 11);
	FAILS(webhook_url_check(long_url, &e), ERR_FORMAT);
	long_url[WEBHOOK_URL_MAX_LEN] = '\0';
	OK(webhook_url_check(long_url, &e));
}

static void events_are_called_by_the_names_that_streams_use(void **state)
{
	struct err e = ERR_INIT;
	uint64_t bit;

	(void)state;
	OK(webhook_event_bit("deployment", &bit, &e));
	assert_int_equal(bit, 1u << EVENT_DEPLOYMENT);
	FAILS(webhook_event_bit("deployments", &bit, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "device, deployment, release"));
}

/* ---- what follows ---- */

static void retries_wait_four_times_as_long_each_time_up_to_six_hours(void **state)
{
	static const int64_t middle_s[] = {5,	 20,	80,    320,  1280,
					   5120, 20480, 21600, 21600};

	(void)state;
	for (unsigned i = 0; i < N_ELEMS(middle_s); i++) {
		int64_t ms = middle_s[i] * 1000;

		assert_int_equal(webhook_retry_ms(i + 1, 0), ms - ms / 4);
		for (uint32_t chance = 1; chance < 1u << 31; chance *= 2) {
			int64_t got = webhook_retry_ms(i + 1, chance);

			assert_true(got >= ms - ms / 4 && got <= ms + ms / 4);
		}
	}
	assert_true(webhook_retry_ms(1000000, 1) <= WEBHOOK_RETRY_LAST_MS * 5 / 4);
}

#define NOW 1000000

static void an_answer_decides_what_follows(void **state)
{
	static const struct {
		unsigned before;
		struct webhook_outcome o;
		bool delivered, give_up;
		uint64_t cursor;
		unsigned attempts;
		int64_t next_at; /* with chance 0 */
	} rows[] = {
	    {0, {.status = 200}, true, false, 17, 0, 0},
	    {3, {.status = 204}, true, false, 17, 0, 0},
	    {0, {.status = 299}, true, false, 17, 0, 0},
	    {0, {.status = 301}, false, false, 9, 1, NOW + 3750},
	    {0, {.status = 500}, false, false, 9, 1, NOW + 3750},
	    {1, {.status = 503}, false, false, 9, 2, NOW + 15000},
	    {0,
	     {.status = 429, .retry_after_ms = 60000},
	     false,
	     false,
	     9,
	     1,
	     NOW + 60000},
	    {0,
	     {.status = 0, .err = {ERR_FORBIDDEN, 0, "127.0.0.1 .."}},
	     false,
	     false,
	     9,
	     1,
	     NOW + 3750},
	    {10,
	     {.status = 500},
	     false,
	     false,
	     9,
	     11,
	     NOW + WEBHOOK_RETRY_LAST_MS * 3 / 4},
	    {11,
	     {.status = 500},
	     false,
	     true,
	     9,
	     12,
	     NOW + WEBHOOK_RETRY_LAST_MS * 3 / 4},
	    {0, {.status = 410}, false, true, 9, 1, NOW + 3750},
	    {11, {.status = 200}, true, false, 17, 0, 0},
	};
	const struct event v = {.id = 17, .type = EVENT_DEPLOYMENT};
	struct webhook_result r;

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		struct webhook w = {.cursor = 9, .attempts = rows[i].before};

		strcpy(w.id, "0123456789abcdef");
		webhook_judge(&w, &v, &rows[i].o, 12, NOW, 0, &r);
		assert_string_equal(r.id, w.id);
		assert_int_equal(r.expect_cursor, 9);
		assert_int_equal(r.cursor, rows[i].cursor);
		assert_int_equal(r.attempts, rows[i].attempts);
		assert_int_equal(r.next_at, rows[i].next_at);
		assert_int_equal(r.give_up, rows[i].give_up);
		assert_int_equal(r.delivery.delivered, rows[i].delivered);
		assert_int_equal(r.delivery.error[0] == '\0', rows[i].delivered);
		assert_int_equal(r.reason[0] != '\0', rows[i].give_up);
		assert_int_equal(r.delivery.attempt, rows[i].before + 1);
		assert_int_equal(r.delivery.event, 17);
	}
}

static void an_excerpt_is_one_line_of_plain_text(void **state)
{
	char text[WEBHOOK_EXCERPT_MAX_LEN + 1];
	uint8_t bytes[WEBHOOK_EXCERPT_MAX_LEN + 50];

	(void)state;
	webhook_excerpt("a\nb\x1b[2J\xff", 8, text);
	assert_string_equal(text, "a b [2J ");
	memset(bytes, 'x', sizeof(bytes));
	webhook_excerpt(bytes, sizeof(bytes), text);
	assert_int_equal(strlen(text), WEBHOOK_EXCERPT_MAX_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_public_addresses_are_connected_to),
	    cmocka_unit_test(
		a_range_that_is_allowed_lets_through_itself_and_nothing_else),
	    cmocka_unit_test(what_is_no_internet_address_is_refused),
	    cmocka_unit_test(a_range_with_bits_behind_its_prefix_is_a_mistake),
	    cmocka_unit_test(the_signature_is_that_of_standard_webhooks),
	    cmocka_unit_test(a_secret_reads_as_its_key),
	    cmocka_unit_test(a_url_is_https_and_carries_no_password),
	    cmocka_unit_test(events_are_called_by_the_names_that_streams_use),
	    cmocka_unit_test(retries_wait_four_times_as_long_each_time_up_to_six_hours),
	    cmocka_unit_test(an_answer_decides_what_follows),
	    cmocka_unit_test(an_excerpt_is_one_line_of_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
