/* SPDX-License-Identifier: Apache-2.0 */
/* The poll's answer: how long to sleep, and links to whatever there is to do. */
#include "link.h"

#include "../base/text.h"

#include <inttypes.h>
#include <string.h>

#define MAX_SLEEP_S (24u * 3600 - 1)

/* Exactly HH:MM:SS; clients compare nothing else, and SWUpdate stops without it. */
static int write_sleep(struct json *root, uint64_t sleep_ms, struct err *e)
{
	uint64_t s = (sleep_ms + 999) / 1000;
	struct json *config = ddi_set_object(root, "config", e);
	struct json *polling =
	    config != NULL ? ddi_set_object(config, "polling", e) : NULL;
	char text[16];

	if (polling == NULL)
		return -1;
	if (s > MAX_SLEEP_S)
		s = MAX_SLEEP_S;
	if (text_format(text, sizeof(text), e, "%02u:%02u:%02u", (unsigned)(s / 3600),
			(unsigned)(s / 60 % 60), (unsigned)(s % 60)) < 0)
		return -1;
	return ddi_set_text(polling, "sleep", text, e);
}

static int write_extensions(struct json *links, const struct ddi_poll *p, struct err *e)
{
	struct json *link;

	if (p->repository[0] != '\0') {
		link = ddi_set_object(links, "ota:repository", e);
		if (link == NULL || ddi_set_text(link, "href", p->repository, e) < 0 ||
		    ddi_set_text(link, "targets", p->repository_targets, e) < 0)
			return -1;
	}
	if (p->events[0] != '\0') {
		link = ddi_set_object(links, "ota:events", e);
		if (link == NULL || ddi_set_text(link, "href", p->events, e) < 0)
			return -1;
	}
	return 0;
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
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *links;

	if (root == NULL)
		return err_nomem(e);
	if (check_links(p, e) < 0 || write_sleep(root, p->sleep_ms, e) < 0)
		return -1;
	links = ddi_set_object(root, "_links", e);
	if (links == NULL ||
	    ddi_set_link(links, "deploymentBase", p->deployment_base, e) < 0 ||
	    ddi_set_link(links, "cancelAction", p->cancel_action, e) < 0 ||
	    ddi_set_link(links, "confirmationBase", p->confirmation_base, e) < 0 ||
	    ddi_set_link(links, "installedBase", p->installed_base, e) < 0 ||
	    ddi_set_link(links, "configData", p->config_data, e) < 0 ||
	    write_extensions(links, p, e) < 0)
		return -1;
	return json_write(root, ret, e);
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
