/* SPDX-License-Identifier: Apache-2.0 */
/* The bench's server: what it answers, what goes wrong with it, and the bundle it
 * exports. */
#include "agent_bench.h"

#include "../../common/ddi/ddi.h"
#include "../../common/format/bundle.h"

/* ---- the server ---- */

static void note(char *log, size_t room, const char *line, const char *more)
{
	size_t used = strlen(log);

	(void)snprintf(log + used, room - used, "%s %s\n", line, more);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void answer_text(struct bench_call *c, int status, const char *type,
			struct buf *text)
{
	struct err e = ERR_INIT;

	c->head.status = status;
	c->head.content_type = type;
	c->owned = (uint8_t *)buf_take(text, &c->len, &e);
	c->data = c->owned;
	c->head.content_length = (int64_t)c->len;
}

static void answer_status(struct bench_call *c, int status)
{
	struct buf text = BUF_INIT(16);
	struct err e = ERR_INIT;

	OK(buf_add_str(&text, "{}", &e));
	answer_text(c, status, "application/json", &text);
}

static void answer_poll(struct bench *b, struct bench_call *c)
{
	struct ddi_poll p = {.sleep_ms = 60000,
			     .repository = BENCH_ORIGIN "/metadata",
			     .repository_targets = BENCH_ORIGIN "/targets"};
	struct buf text = BUF_INIT(10000);
	struct err e = ERR_INIT;

	b->n_polls++;
	if (b->cancel != NULL)
		(void)snprintf(p.cancel_action, DDI_URL_LEN,
			       BENCH_BASE "/cancelAction/%s", b->cancel);
	else if (b->confirm != NULL)
		(void)snprintf(p.confirmation_base, DDI_URL_LEN,
			       BENCH_BASE "/confirmationBase/%s?c=7", b->confirm);
	else if (b->deployment != NULL)
		(void)snprintf(p.deployment_base, DDI_URL_LEN,
			       BENCH_BASE "/deploymentBase/%s?c=1", b->deployment);
	if (b->wants_config)
		strcpy(p.config_data, BENCH_BASE "/configData");
	if (b->offers_events)
		strcpy(p.events, BENCH_BASE "/ota/events");
	if (b->plain)
		p.repository[0] = p.repository_targets[0] = '\0';
	OK(ddi_poll_write(&p, &text, &e));
	answer_text(c, 200, "application/json", &text);
}

static void answer_deployment(struct bench *b, struct bench_call *c)
{
	struct ddi_deployment *d = calloc(1, sizeof(*d));
	struct ddi_artifact *a = &d->artifacts[0];
	struct buf text = BUF_INIT(100000);
	struct err e = ERR_INIT;

	d->unconfirmed = b->confirm != NULL;
	(void)snprintf(d->id, sizeof(d->id), "%s",
		       d->unconfirmed ? b->confirm : b->deployment);
	d->download = b->download != NULL ? DDI_SKIP : DDI_FORCED;
	d->window = b->window != NULL ? DDI_WINDOW_UNAVAILABLE : DDI_WINDOW_NONE;
	d->update = strcmp(b->update, "skip") == 0	? DDI_SKIP
		    : strcmp(b->update, "attempt") == 0 ? DDI_ATTEMPT
							: DDI_FORCED;
	strcpy(d->artifacts[0].part, "os");
	strcpy(d->version, "2.0.0");
	strcpy(d->name, "gateway");
	d->n_artifacts = 1;
	strcpy(a->filename, "payload");
	strcpy(a->download, BENCH_ORIGIN "/body");
	if (!b->plain) {
		strcpy(a->manifest, "https://cdn/manifest"); /* not ours: no token */
		strcpy(a->manifest_name, BENCH_TARGET);
		strcpy(a->payload_head, BENCH_ORIGIN "/head");
		strcpy(a->payload_body, BENCH_ORIGIN "/body");
		strcpy(a->descriptor, BENCH_ORIGIN "/descriptor");
	}
	if (b->offers_delta) {
		strcpy(a->delta.name, BENCH_DELTA);
		strcpy(a->delta.head, BENCH_ORIGIN "/delta-head");
		strcpy(a->delta.body, BENCH_ORIGIN "/delta-body");
	}
	OK(ddi_deployment_write(d, &text, &e));
	answer_text(c, 200, "application/json", &text);
	free(d);
}

static void answer_cancel(struct bench *b, struct bench_call *c)
{
	struct buf text = BUF_INIT(1000);
	struct err e = ERR_INIT;

	OK(ddi_cancel_write(b->cancel, b->cancel, &text, &e));
	answer_text(c, 200, "application/json", &text);
}

static void hear_consent(struct bench *b, struct bench_call *c,
			 const struct net_request *r)
{
	struct ddi_consent *said = calloc(1, sizeof(*said));
	struct err e = ERR_INIT;

	OK(ddi_consent_parse(r->body, r->body_len, said, &e));
	note(b->heard, sizeof(b->heard), r->url + strlen(BENCH_BASE), r->body);
	if (said->confirmed) {
		b->deployment = b->confirm;
		b->confirm = NULL;
	}
	free(said);
	answer_status(c, 200);
}

static void hear(struct bench *b, struct bench_call *c, const struct net_request *r)
{
	struct ddi_feedback *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;
	const char *path = r->url + strlen(BENCH_BASE);

	OK(ddi_feedback_parse(r->body, r->body_len, f, &e));
	note(b->heard, sizeof(b->heard), path, r->body);
	if (b->closes && f->execution == DDI_CLOSED) {
		if (strncmp(path, "/cancelAction", 13) == 0)
			b->cancel = NULL;
		if (f->finished != DDI_FAILURE || b->cancel == NULL)
			b->deployment = NULL;
	}
	free(f);
	answer_status(c, 200);
}

static void serve(struct bench_call *c, const void *data, size_t len,
		  const struct net_request *r)
{
	size_t from = r->range_start > 0 ? (size_t)r->range_start : 0;

	assert_true(from < len);
	c->head.status = r->range_start >= 0 ? 206 : 200;
	c->head.range_start = r->range_start >= 0 ? r->range_start : -1;
	c->owned = malloc(len - from);
	memcpy(c->owned, (const uint8_t *)data + from, len - from);
	c->data = c->owned;
	c->len = len - from;
	c->head.content_length = (int64_t)c->len;
}

static void serve_metadata(struct bench *b, struct bench_call *c,
			   const struct net_request *r)
{
	struct file *f =
	    files_find(&b->w.repo, r->url + strlen(BENCH_ORIGIN "/metadata/"));

	if (f == NULL)
		answer_status(c, 404);
	else
		serve(c, f->data.data, f->data.len, r);
}

static void route(struct bench *b, struct bench_call *c, const struct net_request *r)
{
	const struct install_material *m = &b->d->v2.material;

	if (strcmp(r->url, BENCH_BASE) == 0)
		answer_poll(b, c);
	else if (strstr(r->url, "/confirmationBase/") != NULL &&
		 ends_with(r->url, "/feedback") && b->confirm != NULL)
		hear_consent(b, c, r);
	else if (strstr(r->url, "/confirmationBase/") != NULL && b->confirm != NULL)
		answer_deployment(b, c);
	else if (ends_with(r->url, "/feedback"))
		hear(b, c, r);
	else if (ends_with(r->url, "/configData")) {
		b->n_configs++;
		(void)snprintf(b->config, sizeof(b->config), "%s",
			       (const char *)r->body);
		b->wants_config = false;
		answer_status(c, 200);
	} else if (strstr(r->url, "/deploymentBase/") != NULL && b->deployment != NULL)
		answer_deployment(b, c);
	else if (strstr(r->url, "/cancelAction/") != NULL && b->cancel != NULL)
		answer_cancel(b, c);
	else if (strstr(r->url, "/metadata/") != NULL)
		serve_metadata(b, c, r);
	else if (ends_with(r->url, "/manifest"))
		serve(c, m->manifest, m->manifest_len, r);
	else if (ends_with(r->url, "/descriptor"))
		serve(c, m->descriptor, m->descriptor_len, r);
	else if (ends_with(r->url, "/head"))
		serve(c, m->head, m->head_len, r);
	else if (ends_with(r->url, "/delta-head") && b->offers_delta)
		serve(c, b->d->delta_head.data, b->d->delta_head.len, r);
	else if (ends_with(r->url, "/delta-body") && b->offers_delta)
		serve(c, b->d->delta_body.data, b->d->delta_body.len, r);
	else if (ends_with(r->url, "/body"))
		serve(c, b->d->v2.body, (size_t)b->d->v2.body_size, r);
	else if (ends_with(r->url, "/ota/events")) {
		c->head.status = 200;
		c->silent = true;
	} else
		answer_status(c, 404);
}

static struct bench_fault *find_fault(struct bench *b, const char *line)
{
	for (size_t i = 0; i < N_ELEMS(b->faults); i++) {
		struct bench_fault *f = &b->faults[i];

		if (f->match != NULL && f->times != 0 &&
		    strstr(line, f->match) != NULL) {
			f->times -= f->times > 0;
			return f;
		}
	}
	return NULL;
}

static void drop_answer(struct bench_call *c)
{
	free(c->owned);
	c->owned = NULL;
	c->data = NULL;
	c->len = 0;
	c->head = (struct net_head){.content_length = -1, .range_start = -1};
}

static void spoil(struct bench *b, struct bench_call *c, const struct bench_fault *f,
		  const struct net_request *r)
{
	struct buf text = BUF_INIT(1000);
	struct net_request whole = *r;
	struct err e = ERR_INIT;

	switch (f->kind) {
	case FAULT_STATUS:
		drop_answer(c);
		answer_status(c, f->status);
		c->head.retry_after_ms = f->retry_after_ms;
		break;
	case FAULT_HTML:
		drop_answer(c);
		OK(buf_add_str(&text, "<html><body>Welcome to the hotel</body></html>",
			       &e));
		answer_text(c, 200, "text/html; charset=utf-8", &text);
		break;
	case FAULT_UNREACHABLE:
		c->unreachable = true;
		break;
	case FAULT_CUT:
		c->cut_at = (size_t)f->at;
		break;
	case FAULT_FLIP:
		if ((int64_t)f->at >= c->range_start &&
		    f->at - (uint64_t)(c->range_start > 0 ? c->range_start : 0) <
			c->len)
			c->owned[f->at - (uint64_t)(c->range_start > 0 ? c->range_start
								       : 0)] ^= 1;
		break;
	case FAULT_NO_RANGE:
		drop_answer(c);
		whole.range_start = -1;
		route(b, c, &whole);
		break;
	}
}

void bench_serve(struct bench *b, struct bench_call *c, const struct net_request *r,
		 const char *range)
{
	const struct bench_fault *f;

	note(b->asked, sizeof(b->asked), c->line, range);
	f = find_fault(b, c->line);
	if (f == NULL || f->kind == FAULT_CUT || f->kind == FAULT_FLIP)
		route(b, c, r);
	if (f != NULL)
		spoil(b, c, f, r);
}

/* ---- a bundle ---- */

struct bundle_dev {
	struct dev base;
	struct buf data;
};

static int bundle_read(struct dev *d, uint64_t offset, void *ret, size_t len,
		       struct err *e)
{
	(void)e;
	memcpy(ret, ((struct bundle_dev *)d)->data.data + offset, len);
	return 0;
}

static void bundle_close(struct dev *d)
{
	buf_fini(&((struct bundle_dev *)d)->data);
	free(d);
}

static const struct dev_ops bundle_ops = {.read = bundle_read, .close = bundle_close};

static void add_file(struct bundle *b, const void **content, enum part_type type,
		     const void *data, size_t len)
{
	content[b->n_parts] = data;
	b->parts[b->n_parts++] = (struct part){.type = type, .length = len};
}

static void add_repo_file(struct bench *w, struct bundle *b, const void **content,
			  enum part_type type, const char *name)
{
	struct file *f = files_need(&w->w.repo, name);

	add_file(b, content, type, f->data.data, f->data.len);
}

struct dev *bench_bundle(struct bench *b, int64_t flip_at)
{
	const struct install_material *m = &b->d->v2.material;
	struct bundle_dev *d = calloc(1, sizeof(*d));
	const void *content[BUNDLE_MAX_PARTS];
	struct bundle table = {.n_parts = 0};
	char snapshot[64], targets[64];
	struct err e = ERR_INIT;
	uint64_t version = 0;
	int64_t expires;

	OK(repo_peek(b->w.targets.data, b->w.targets.len, "targets", &version, &expires,
		     &e));
	(void)snprintf(targets, sizeof(targets), "%d.targets.json", (int)version);
	(void)snprintf(snapshot, sizeof(snapshot), "%d.snapshot.json",
		       (int)b->w.snapshot_version);
	add_repo_file(b, &table, content, PART_ROOT, "1.root.json");
	add_repo_file(b, &table, content, PART_TIMESTAMP, "timestamp.json");
	add_repo_file(b, &table, content, PART_SNAPSHOT, snapshot);
	add_repo_file(b, &table, content, PART_TARGETS, targets);
	add_file(&table, content, PART_MANIFEST, m->manifest, m->manifest_len);
	add_file(&table, content, PART_DESCRIPTOR, m->descriptor, m->descriptor_len);
	add_file(&table, content, PART_HEAD, m->head, m->head_len);
	add_file(&table, content, PART_BODY, b->d->v2.body, (size_t)b->d->v2.body_size);
	buf_init(&d->data, 16u << 20);
	OK(bundle_layout(&table, &d->data, &e));
	for (size_t i = 0; i < table.n_parts; i++) {
		while (d->data.len < table.parts[i].offset)
			OK(buf_add(&d->data, "", 1, &e));
		OK(buf_add(&d->data, content[i], (size_t)table.parts[i].length, &e));
	}
	if (flip_at >= 0)
		d->data
		    .data[table.parts[table.n_parts - 1].offset + (uint64_t)flip_at] ^=
		    1;
	d->base = (struct dev){.ops = &bundle_ops, .size = d->data.len};
	strcpy(d->base.name, "bundle");
	return &d->base;
}
