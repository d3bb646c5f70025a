/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "../../common/base/text.h"
#include "../../common/ddi/ddi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

/* What a step reports; of the others nothing. */
static const struct report {
	enum ddi_execution execution;
	unsigned progress; /* of N_REPORTED */
	const char *text;
} reports[N_LIVE_STEPS] = {
    [LIVE_DOWNLOAD] = {DDI_DOWNLOAD, 1, "downloading"},
    [LIVE_INSTALL] = {DDI_PROCEEDING, 2, "installing"},
    [LIVE_REBOOT] = {DDI_PROCEEDING, 3, "rebooting"},
    [LIVE_CLOSE] = {DDI_CLOSED, 4, "self-test passed"},
    [LIVE_CANCEL] = {DDI_CLOSED, 0, "cancelled as asked"},
};
#define N_REPORTED 4u

static int write_report(const struct live_device *d, struct buf *ret, struct err *e)
{
	const struct report *r = &reports[d->step];
	bool failed = d->step == LIVE_CLOSE && d->failure[0] != '\0';
	struct ddi_feedback f = {.execution = r->execution,
				 .progress_cnt = r->progress,
				 .progress_of = r->progress > 0 ? N_REPORTED : 0,
				 .n_details = 1};

	if (r->execution == DDI_CLOSED)
		f.finished = failed ? DDI_FAILURE : DDI_SUCCESS;
	if (text_copy(f.details[0], sizeof(f.details[0]), failed ? d->failure : r->text,
		      "detail", e) < 0)
		return -1;
	return ddi_feedback_write(&f, d->action, ret, e);
}

static int write_config(const struct live_device *d, struct buf *ret, struct err *e)
{
	AUTO_PTR(json) struct json *root = json_new_object();
	struct json *data =
	    d->attributes != NULL ? json_clone(d->attributes) : json_new_object();

	if (d->version[0] != '\0' && data != NULL &&
	    json_set(data, "version", json_new_text(d->version), e) < 0) {
		json_free(data);
		return -1;
	}
	if (json_set(root, "mode", json_new_text("merge"), e) < 0) {
		json_free(data);
		return -1;
	}
	return json_set(root, "data", data, e) < 0 ? -1 : json_write(root, ret, e);
}

static int write_path(const struct live_device *d, const char *tenant,
		      char ret[REQUEST_PATH_LEN + 16], struct err *e)
{
	const char *base = d->step == LIVE_CANCEL ? d->cancel : d->deployment;

	switch (d->step) {
	case LIVE_POLL:
		return text_format(ret, REQUEST_PATH_LEN, e, "/%s/controller/v1/%s",
				   tenant, d->id);
	case LIVE_CONFIG:
		return text_copy(ret, REQUEST_PATH_LEN, d->config, "link", e);
	case LIVE_SHOW:
		return text_copy(ret, REQUEST_PATH_LEN, d->deployment, "link", e);
	case LIVE_FETCH:
		return text_copy(ret, REQUEST_PATH_LEN, d->file, "link", e);
	case LIVE_DOWNLOAD:
	case LIVE_INSTALL:
	case LIVE_REBOOT:
	case LIVE_CLOSE:
	case LIVE_CANCEL:
	case N_LIVE_STEPS:
		break;
	}
	return text_format(ret, REQUEST_PATH_LEN + 16, e, "%.*s/feedback",
			   (int)strcspn(base, "?"), base);
}

int live_request(const struct live_device *d, const char *host, const char *tenant,
		 struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf body = BUF_INIT(4096);
	char path[REQUEST_PATH_LEN + 16];
	struct request r = {
	    .host = host, .method = "GET", .path = path, .token = d->token};

	if (write_path(d, tenant, path, e) < 0)
		return -1;
	if (d->step == LIVE_CONFIG) {
		r.method = "PUT";
		if (write_config(d, &body, e) < 0)
			return -1;
	} else if (reports[d->step].text != NULL) {
		r.method = "POST";
		if (write_report(d, &body, e) < 0)
			return -1;
	}
	if (body.len > 0)
		r.body = buf_str(&body);
	return request_write(&r, ret, e);
}

/* ---- answers ---- */

static enum live_step what_was_asked(const struct live_device *d)
{
	if (d->cancel[0] != '\0')
		return LIVE_CANCEL;
	return d->deployment[0] != '\0' ? LIVE_SHOW : LIVE_POLL;
}

/* The action that a link ends with. */
static void take_action(struct live_device *d, const char *path)
{
	const char *last = strrchr(path, '/');

	if (last != NULL)
		(void)snprintf(d->action, sizeof(d->action), "%.*s",
			       (int)strcspn(last + 1, "?"), last + 1);
}

static enum live_step take_poll(struct live_device *d, const char *body, size_t len)
{
	struct ddi_poll poll;
	struct err e = ERR_INIT;

	if (ddi_poll_parse(body, len, &poll, &e) < 0)
		return LIVE_POLL;
	request_path(poll.config_data, d->config);
	request_path(poll.cancel_action, d->cancel);
	request_path(poll.deployment_base, d->deployment);
	take_action(d, d->cancel);
	return d->config[0] != '\0' ? LIVE_CONFIG : what_was_asked(d);
}

static enum live_step take_offer(struct live_device *d, const char *body, size_t len)
{
	struct ddi_deployment offer;
	struct err e = ERR_INIT;

	if (ddi_deployment_parse(body, len, &offer, &e) < 0 || offer.n_artifacts == 0)
		return LIVE_POLL;
	(void)snprintf(d->action, sizeof(d->action), "%s", offer.id);
	(void)snprintf(d->offered, sizeof(d->offered), "%s", offer.version);
	memcpy(d->sha256, offer.artifacts[0].sha256, sizeof(d->sha256));
	request_path(offer.artifacts[0].download, d->file);
	d->failure[0] = '\0';
	return LIVE_DOWNLOAD;
}

/* The value of KEY in lines of KEY=VALUE, cut to fit; "" if there is none. */
static void find_value(const char *text, const char *key, char *ret, size_t room)
{
	size_t n = strlen(key);

	ret[0] = '\0';
	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *end = strchr(line, '\n');
		size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

		if (len > n && line[n] == '=' && memcmp(line, key, n) == 0) {
			(void)snprintf(ret, room, "%.*s", (int)(len - n - 1),
				       line + n + 1);
			return;
		}
		line = end != NULL ? end + 1 : NULL;
	}
}

/* 0..99: this device's luck with this version. */
static int draw(const struct live_device *d, unsigned *ret, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	char text[256];

	if (text_format(text, sizeof(text), e, "%s/%s", d->id, d->offered) < 0 ||
	    sha256(text, strlen(text), digest, e) < 0)
		return -1;
	*ret = (((unsigned)digest[0] << 24) | ((unsigned)digest[1] << 16) |
		((unsigned)digest[2] << 8) | digest[3]) %
	       100u;
	return 0;
}

static int try_firmware(struct live_device *d, const char *text, struct err *e)
{
	char value[16];
	uint64_t fails = 0;
	unsigned lot;

	find_value(text, "fails", value, sizeof(value));
	if ((value[0] != '\0' && parse_u64(value, &fails, e) < 0) ||
	    draw(d, &lot, e) < 0)
		return -1;
	if (lot >= fails)
		return 0;
	find_value(text, "says", d->failure, sizeof(d->failure));
	if (d->failure[0] == '\0')
		(void)snprintf(d->failure, sizeof(d->failure), "self-test failed");
	return 0;
}

/* What is not what was announced is not run. */
static enum live_step take_file(struct live_device *d, const char *body, size_t len)
{
	uint8_t digest[SHA256_LEN];
	struct err e = ERR_INIT;

	if (sha256(body, len, digest, &e) < 0)
		return LIVE_POLL;
	if (memcmp(digest, d->sha256, sizeof(digest)) != 0) {
		(void)snprintf(d->failure, sizeof(d->failure),
			       "the file is not what was announced");
		return LIVE_CLOSE;
	}
	if (try_firmware(d, body, &e) < 0)
		(void)snprintf(d->failure, sizeof(d->failure), "%.100s", e.text);
	return LIVE_INSTALL;
}

static enum live_step take_end(struct live_device *d)
{
	d->n_updates++;
	if (d->failure[0] != '\0')
		d->n_failures++;
	else
		(void)snprintf(d->version, sizeof(d->version), "%s", d->offered);
	return LIVE_POLL;
}

void live_answer(struct live_device *d, int status, const char *body, size_t len)
{
	if (status != 200) {
		d->step = LIVE_POLL;
		return;
	}
	switch (d->step) {
	case LIVE_POLL:
		d->step = take_poll(d, body, len);
		break;
	case LIVE_CONFIG:
		d->step = what_was_asked(d);
		break;
	case LIVE_SHOW:
		d->step = take_offer(d, body, len);
		break;
	case LIVE_FETCH:
		d->step = take_file(d, body, len);
		break;
	case LIVE_CLOSE:
		d->step = take_end(d);
		break;
	case LIVE_DOWNLOAD:
	case LIVE_INSTALL:
	case LIVE_REBOOT:
		d->step++;
		break;
	case LIVE_CANCEL:
	case N_LIVE_STEPS:
		d->step = LIVE_POLL;
		break;
	}
}
