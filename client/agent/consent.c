/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consent of the device's user: the agent passes it through.
 *
 *	poll: confirmationBase ──> GET it ──> shown by `ota-client status`
 *	`ota-client confirm` or `deny` ──> next poll ──> POST feedback ──> polls again
 *
 * An answer is about the deployment that was shown, and is dropped if another one waits
 * by the time it could be told. It is kept in memory only: a device that restarts in
 * between asks again, which is better than to consent for somebody.
 */
#include "internal.h"

#include "../../common/base/text.h"

#include <string.h>

/* The link's path ends with the deployment's id, in front of a query. */
static bool link_is_of(const char *url, const char *id)
{
	const char *end = url + strcspn(url, "?");
	size_t len = strlen(id);

	return len > 0 && (size_t)(end - url) > len &&
	       end[-(ptrdiff_t)len - 1] == '/' && strncmp(end - len, id, len) == 0;
}

static void go_on(struct agent *a)
{
	void (*over)(struct agent *) = a->contact.consent_over;

	over(a);
}

static int check(const struct net_head *h, const struct err *why, struct err *e)
{
	if (why->code != ERR_NONE) {
		*e = *why;
		return -1;
	}
	return agent_check_status(h, "confirmationBase", e);
}

/* ---- what waits ---- */

static int take(struct agent *a, const struct buf *body, struct err *e)
{
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct consent *c = &a->consent;
	int result;

	if (d == NULL)
		return err_nomem(e);
	result = ddi_deployment_parse(body->data, body->len, d, e);
	if (result == 0) {
		*c = (struct consent){0};
		memcpy(c->id, d->id, sizeof(c->id));
		memcpy(c->version, d->version, sizeof(c->version));
	}
	free(d);
	return result;
}

static void on_waiting(struct agent *a, const struct net_head *h,
		       const struct buf *body, const struct err *why)
{
	struct err e = ERR_INIT;

	if (check(h, why, &e) < 0 || take(a, body, &e) < 0) {
		contact_failed(a, "ask what waits for consent", h, &e);
		return;
	}
	log_info(a->spec.log, "agent", "a deployment waits for the user's consent",
		 "id", a->consent.id, "version", a->consent.version, NULL);
	go_on(a);
}

/* ---- the answer ---- */

static void on_told(struct agent *a, const struct net_head *h, const struct buf *body,
		    const struct err *why)
{
	struct err e = ERR_INIT;

	(void)body;
	/* 410: nobody waits for it any more */
	if (check(h, why, &e) < 0 && e.code != ERR_GONE) {
		contact_failed(a, "tell the user's consent", h, &e);
		return;
	}
	a->consent = (struct consent){0};
	a->contact.again = true; /* what was consented to is offered now */
	go_on(a);
}

static int tell(struct agent *a, const char *url, struct err *e)
{
	struct ddi_consent *c = calloc(1, sizeof(*c));
	AUTO(buf) struct buf text = BUF_INIT(ANSWER_MAX_BYTES);
	char to[DDI_URL_LEN];
	struct net_request r = {.method = "POST",
				.url = to,
				.range_start = -1,
				.range_end = -1,
				.max_bytes = ANSWER_MAX_BYTES,
				.timeout_ms = CALL_TIMEOUT_MS};
	int result;

	if (c == NULL)
		return err_nomem(e);
	c->confirmed = a->consent.confirmed;
	result = ddi_consent_write(c, &text, e);
	free(c);
	if (result < 0 || text_format(to, sizeof(to), e, "%.*s/feedback",
				      (int)strcspn(url, "?"), url) < 0)
		return -1;
	r.body = text.data;
	r.body_len = text.len;
	return agent_request(a, AGENT_CALL, &r, "Content-Type: application/json",
			     ANSWER_MAX_BYTES, on_told, e);
}

/* ---- both ---- */

bool consent_look(struct agent *a, const char *url, void (*over)(struct agent *a))
{
	bool same = link_is_of(url, a->consent.id);
	struct err e = ERR_INIT;
	int result;

	a->contact.consent_over = over;
	if (url[0] == '\0') {
		a->consent = (struct consent){0};
		return false;
	}
	if (same && !a->consent.answered)
		return false;
	if (!same)
		a->consent = (struct consent){0};
	result = same ? tell(a, url, &e)
		      : agent_get(a, AGENT_CALL, url, ANSWER_MAX_BYTES, on_waiting, &e);
	if (result < 0)
		contact_failed(a, "the user's consent", NULL, &e);
	return true;
}

int agent_consent(struct agent *a, bool confirmed, struct err *e)
{
	struct consent *c = &a->consent;

	if (c->id[0] == '\0')
		return err_set(e, ERR_CONFLICT, "no deployment waits for consent");
	c->answered = true;
	c->confirmed = confirmed;
	contact_soon(a);
	return 0;
}
