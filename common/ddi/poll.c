/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The poll's answer: how long to sleep, and links to whatever there is to do.
 *
 * It is the one message that a fleet asks for all day, and nothing in it needs an escape, so it is
 * written as text: a tree of values for it cost more than all else that a poll does.
 */
#include "link.h"

#include "../base/text.h"

#include <inttypes.h>
#include <string.h>

#define MAX_SLEEP_S (24u * 3600 - 1)

/* Exactly HH:MM:SS; clients compare nothing else, and SWUpdate stops without it. */
static int add_sleep(struct buf *ret, uint64_t sleep_ms, struct err *e)
{
	uint64_t s = (sleep_ms + 999) / 1000;

	if (s > MAX_SLEEP_S)
		s = MAX_SLEEP_S;
	return buf_printf(
	    ret, e, "{\"config\":{\"polling\":{\"sleep\":\"%02u:%02u:%02u\"}}",
	    (unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* A URL's characters (RFC 3986) need no escape in JSON; what has others is no URL. */
static bool is_plain(const char *url)
{
	while (*url > ' ' && *url < 0x7f && *url != '"' && *url != '\\')
		url++;
	return *url == '\0';
}

static int check_url(const char *key, const char *url, size_t max_len, struct err *e)
{
	if (strlen(url) >= max_len)
		return err_set(e, ERR_LIMIT, "link \"%s\" has %zu bytes or more", key,
			       max_len);
	return is_plain(url) ? 0
			     : err_set(e, ERR_INTERNAL, "link \"%s\" is no URL", key);
}

/* One link of "_links", the first of which opens them; nothing for "". `targets` as a
 * second member, or NULL. */
static int add_link(struct buf *ret, bool *opened, const char *key, const char *href,
		    const char *targets, size_t max_len, struct err *e)
{
	if (href[0] == '\0')
		return 0;
	if (check_url(key, href, max_len, e) < 0 ||
	    (targets != NULL && check_url(key, targets, max_len, e) < 0) ||
	    buf_printf(ret, e, "%s\"%s\":{\"href\":\"%s\"", *opened ? "," : "", key,
		       href) < 0 ||
	    (targets != NULL && targets[0] != '\0' &&
	     buf_printf(ret, e, ",\"targets\":\"%s\"", targets) < 0))
		return -1;
	*opened = true;
	return buf_add(ret, "}", 1, e);
}

static int add_links(struct buf *ret, const struct ddi_poll *p, struct err *e)
{
	const struct {
		const char *key, *href, *targets;
		size_t max_len;
	} links[] = {
	    {"deploymentBase", p->deployment_base, NULL, DDI_FOREIGN_URL_LEN},
	    {"cancelAction", p->cancel_action, NULL, DDI_FOREIGN_URL_LEN},
	    {"confirmationBase", p->confirmation_base, NULL, DDI_FOREIGN_URL_LEN},
	    {"installedBase", p->installed_base, NULL, DDI_FOREIGN_URL_LEN},
	    {"configData", p->config_data, NULL, DDI_FOREIGN_URL_LEN},
	    {"ota:repository", p->repository, p->repository_targets, DDI_URL_LEN},
	    {"ota:events", p->events, NULL, DDI_URL_LEN},
	};
	bool opened = false;

	if (buf_add_str(ret, ",\"_links\":{", e) < 0)
		return -1;
	for (size_t i = 0; i < N_ELEMS(links); i++) {
		if (add_link(ret, &opened, links[i].key, links[i].href,
			     links[i].targets, links[i].max_len, e) < 0)
			return -1;
	}
	return buf_add_str(ret, "}}", e);
}

/* Clients do one thing at a time, and append "/feedback" to the cancel link as it is.
 */
static int check_links(const struct ddi_poll *p, struct err *e)
{
	int n = (p->deployment_base[0] != '\0') + (p->cancel_action[0] != '\0') +
		(p->confirmation_base[0] != '\0');

	if (n > 1)
		return err_set(e, ERR_INTERNAL,
			       "a poll offers one of deploymentBase, cancelAction and "
			       "confirmationBase, not %d",
			       n);
	if (strchr(p->cancel_action, '?') != NULL)
		return err_set(e, ERR_INTERNAL, "a cancelAction link has no query");
	return 0;
}

int ddi_poll_write(const struct ddi_poll *p, struct buf *ret, struct err *e)
{
	size_t start = ret->len;

	if (check_links(p, e) < 0)
		return -1;
	if (add_sleep(ret, p->sleep_ms, e) == 0 && add_links(ret, p, e) == 0)
		return 0;
	buf_cut(ret, start);
	return -1;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

static int parse_sleep(const char *text, uint64_t *ret_ms, struct err *e)
{
	static const char form[] = "00:00:00";
	bool ok = strlen(text) == sizeof(form) - 1;

	for (size_t i = 0; ok && form[i] != '\0'; i++)
		ok = form[i] == ':' ? text[i] == ':' : text[i] >= '0' && text[i] <= '9';
	if (!ok || two_digits(text) > 23 || two_digits(text + 3) > 59 ||
	    two_digits(text + 6) > 59)
		return err_set(e, ERR_FORMAT, "polling.sleep \"%.20s\" is not HH:MM:SS",
			       text);
	*ret_ms = (uint64_t)(two_digits(text) * 3600 + two_digits(text + 3) * 60 +
			     two_digits(text + 6)) *
		  1000;
	return 0;
}

static int read_sleep(const struct json *root, uint64_t *ret_ms, struct err *e)
{
	const struct json *config = json_get(root, "config");
	const struct json *polling =
	    config != NULL ? json_get(config, "polling") : NULL;
	const char *text = NULL;

	if (polling == NULL || json_opt_text(polling, "sleep", &text, e) < 0)
		return polling == NULL ? 0 : -1;
	return text == NULL ? 0 : parse_sleep(text, ret_ms, e);
}

static int read_extensions(const struct json *links, struct ddi_poll *ret,
			   struct err *e)
{
	const struct json *repository = ddi_extension(links, "ota:repository");
	const struct json *events = ddi_extension(links, "ota:events");

	if (repository != NULL &&
	    (ddi_get_text(repository, "href", ret->repository, DDI_URL_LEN, e) < 0 ||
	     ddi_get_text(repository, "targets", ret->repository_targets, DDI_URL_LEN,
			  e) < 0))
		return -1;
	if (events != NULL &&
	    ddi_get_text(events, "href", ret->events, DDI_URL_LEN, e) < 0)
		return -1;
	return 0;
}

static int read_links(const struct json *links, struct ddi_poll *ret, struct err *e)
{
	if (links == NULL)
		return 0;
	if (!json_is_object(links))
		return err_set(e, ERR_FORMAT, "field \"_links\": not an object");
	if (ddi_get_link(links, "deploymentBase", ret->deployment_base, e) < 0 ||
	    ddi_get_link(links, "cancelAction", ret->cancel_action, e) < 0 ||
	    ddi_get_link(links, "confirmationBase", ret->confirmation_base, e) < 0 ||
	    ddi_get_link(links, "installedBase", ret->installed_base, e) < 0 ||
	    ddi_get_link(links, "configData", ret->config_data, e) < 0)
		return -1;
	return read_extensions(links, ret, e);
}

int ddi_poll_parse(const void *data, size_t len, struct ddi_poll *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_parse(data, len, e);

	*ret = (struct ddi_poll){0};
	if (root == NULL)
		return err_wrap(e, "poll answer");
	if (!json_is_object(root) ||
	    (json_get(root, "config") == NULL && json_get(root, "_links") == NULL))
		return err_set(e, ERR_FORMAT,
			       "poll answer: neither \"config\" nor \"_links\"");
	if (read_sleep(root, &ret->sleep_ms, e) < 0 ||
	    read_links(json_get(root, "_links"), ret, e) < 0)
		return err_wrap(e, "poll answer");
	return 0;
}
