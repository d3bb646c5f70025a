/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"
#include "request.h"

#include "../../common/base/text.h"
#include "../../common/crypto/digest.h"

#include <string.h>

int script_token(const struct script *s, uint64_t number, char ret[48], struct err *e)
{
	uint8_t digest[SHA256_LEN];
	char text[128];

	if (text_format(text, sizeof(text), e, "swarm%s-%llu", s->seed,
			(unsigned long long)number) < 0 ||
	    sha256(text, strlen(text), digest, e) < 0)
		return -1;
	memcpy(ret, "otd_", 5);
	base64url_encode(digest, sizeof(digest), ret + 4);
	return 0;
}

/* ---- requests ---- */

static int write_request(const struct script *s, const struct script_device *d,
			 const char *method, const char *path, const char *body,
			 bool last, struct buf *ret, struct err *e)
{
	struct request r = {.host = s->host,
			    .method = method,
			    .path = path,
			    .body = body,
			    .close = last && s->close};
	char token[48];

	if (s->kind != SCRIPT_GET) {
		if (script_token(s, d->number, token, e) < 0)
			return -1;
		r.token = token;
	}
	return request_write(&r, ret, e);
}

static int write_poll(const struct script *s, const struct script_device *d, bool last,
		      struct buf *ret, struct err *e)
{
	char path[DDI_URL_LEN];

	if (text_format(path, sizeof(path), e, "/%s/controller/v1/%s%llu", s->tenant,
			s->prefix, (unsigned long long)d->number) < 0)
		return -1;
	return write_request(s, d, "GET", path, NULL, last, ret, e);
}

static int write_report(const struct script *s, const struct script_device *d,
			struct buf *ret, struct err *e)
{
	bool closed = d->reported == s->reports;
	char path[DDI_URL_LEN + 16], body[256];
	size_t n = strcspn(d->deployment, "?");

	if (text_format(path, sizeof(path), e, "%.*s/feedback", (int)n, d->deployment) <
		0 ||
	    text_format(body, sizeof(body), e,
			"{\"status\":{\"execution\":\"%s\",\"result\":{\"finished\":"
			"\"%s\"},\"details\":[\"step %u\"]}}",
			closed ? "closed" : "proceeding", closed ? "success" : "none",
			d->reported) < 0)
		return -1;
	return write_request(s, d, "POST", path, body, false, ret, e);
}

static int write_config(const struct script *s, const struct script_device *d,
			struct buf *ret, struct err *e)
{
	return write_request(s, d, "PUT", d->config,
			     "{\"mode\":\"merge\",\"data\":{\"hw\":\"revA\",\"load\":"
			     "\"swarm\"}}",
			     false, ret, e);
}

static int write_step(const struct script *s, const struct script_device *d,
		      struct buf *ret, struct err *e)
{
	bool one_poll = s->kind == SCRIPT_POLL;

	switch (d->step) {
	case STEP_BEGIN:
		return s->kind == SCRIPT_GET
			   ? write_request(s, d, "GET", s->path, NULL, true, ret, e)
			   : write_poll(s, d, one_poll, ret, e);
	case STEP_POLLED:
		return write_config(s, d, ret, e);
	case STEP_CONFIGURED:
		return write_request(s, d, "GET", d->deployment, NULL, false, ret, e);
	case STEP_SHOWN:
		return write_report(s, d, ret, e);
	case STEP_REPORTED:
		return write_poll(s, d, true, ret, e);
	case STEP_END:
	case STEP_FAILED:
		break;
	}
	return 0;
}

int script_next(const struct script *s, struct script_device *d, struct buf *ret,
		struct err *e)
{
	buf_clear(ret);
	if (d->step == STEP_POLLED && d->config[0] == '\0')
		d->step = STEP_CONFIGURED;
	if (d->step == STEP_CONFIGURED && d->deployment[0] == '\0')
		d->step = STEP_FAILED; /* an update was to be had */
	return write_step(s, d, ret, e);
}

/* ---- answers ---- */

static enum script_step take_poll(struct script_device *d, const char *body, size_t len)
{
	struct ddi_poll poll;
	struct err e = ERR_INIT;

	if (ddi_poll_parse(body, len, &poll, &e) < 0)
		return STEP_FAILED;
	request_path(poll.config_data, d->config);
	request_path(poll.deployment_base, d->deployment);
	return STEP_POLLED;
}

void script_answer(const struct script *s, struct script_device *d, int status,
		   const char *body, size_t len)
{
	if (status != 200)
		d->step = STEP_FAILED;
	else if (s->kind != SCRIPT_UPDATE || d->step == STEP_REPORTED)
		d->step = STEP_END;
	else if (d->step == STEP_BEGIN)
		d->step = take_poll(d, body, len);
	else if (d->step == STEP_POLLED)
		d->step = STEP_CONFIGURED;
	else if (d->step == STEP_CONFIGURED)
		d->step = STEP_SHOWN;
	else if (d->step == STEP_SHOWN && d->reported++ == s->reports)
		d->step = STEP_REPORTED;
}
