/* SPDX-License-Identifier: Apache-2.0 */
/* ota job, and the changes that a job makes: device tag, untag, pin, unpin. */
#include "job.h"

#include "../common/base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct view_column rows[] = {
    {"job", "id", VIEW_TEXT},
    {"action", "action", VIEW_TEXT},
    {"filter", "filter", VIEW_TEXT},
    {"state", "state", VIEW_TEXT},
    {"done", "done", VIEW_TEXT},
    {"skipped", "skipped", VIEW_TEXT},
    {"detail", "detail", VIEW_TEXT},
    {"by", "by", VIEW_TEXT},
    {"updated", "updated_at", VIEW_TIME},
};

static int job_path(struct buf *ret, const char *id, struct err *e)
{
	if (buf_add_str(ret, "/api/v1/jobs/", e) < 0)
		return -1;
	return api_escape(ret, id, e);
}

static int about_job(const struct ota *o, const char *method, const char *id,
		     struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(1024);
	AUTO_PTR(json) struct json *job = NULL;

	if (api_init(&a, o, true, e) < 0 || job_path(&path, id, e) < 0 ||
	    api_call(&a, method, buf_str(&path), NULL, &job, e) < 0)
		return -1;
	return view_one(o, job, rows, N_ELEMS(rows), e);
}

RUN(job_show)
{
	(void)n_operands;
	(void)log;
	return about_job(values, "GET", operands[0], e);
}

RUN(job_cancel)
{
	(void)n_operands;
	(void)log;
	return about_job(values, "DELETE", operands[0], e);
}

RUN(job_list)
{
	static const struct view_column columns[] = {
	    {"JOB", "id", VIEW_TEXT},	     {"ACTION", "action", VIEW_TEXT},
	    {"FILTER", "filter", VIEW_TEXT}, {"STATE", "state", VIEW_TEXT},
	    {"DONE", "done", VIEW_TEXT},     {"SKIPPED", "skipped", VIEW_TEXT},
	    {"BY", "by", VIEW_TEXT},	     {"UPDATED", "updated_at", VIEW_TIME},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/jobs", "", columns, N_ELEMS(columns),
			     "No jobs.", e);
}

/* ---- making one ---- */

/* A device's id as a filter: quoted, so that nothing in it is read as one. */
static int set_filter(struct json *body, const struct ota *o, const char *device,
		      struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(1024);

	if ((device == NULL) == (o->filter == NULL))
		return err_set(e, ERR_USAGE, "give either a device's id or --filter");
	if (device == NULL)
		return json_set(body, "filter", json_new_text(o->filter), e);
	if (buf_add_str(&text, "id==\"", e) < 0)
		return -1;
	for (const char *c = device; *c != '\0'; c++) {
		if ((strchr("\"\\*", *c) != NULL && buf_add_str(&text, "\\", e) < 0) ||
		    buf_add(&text, c, 1, e) < 0)
			return -1;
	}
	if (buf_add_str(&text, "\"", e) < 0)
		return -1;
	return json_set(body, "filter", json_new_text(buf_str(&text)), e);
}

static bool is_running(const struct json *job)
{
	const char *state = json_text(json_get(job, "state"));

	return state != NULL && strcmp(state, "running") == 0;
}

/* One line that is written over, for who looks; nothing in a file or a pipe. */
static void show_progress(const struct json *job, bool last)
{
	if (isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr, "\r\033[K%" PRId64 " done, %" PRId64 " left%s",
			      json_int(json_get(job, "done")),
			      json_int(json_get(job, "skipped")),
			      last ? "\r\033[K" : "");
}

/* Asks until the job has ended: soon at first, once a second in the end. */
static int await_job(const struct api *a, struct json **job, struct err *e)
{
	struct timespec pause = {.tv_nsec = 50 * 1000000};

	while (is_running(*job)) {
		AUTO(buf) struct buf path = BUF_INIT(1024);
		const char *id;

		show_progress(*job, false);
		if (json_get_text(*job, "id", &id, e) < 0 || job_path(&path, id, e) < 0)
			return -1;
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 800 * 1000000)
			pause.tv_nsec *= 2;
		json_free(TAKE(*job));
		if (api_call(a, "GET", buf_str(&path), NULL, job, e) < 0)
			return -1;
	}
	show_progress(*job, true);
	return 0;
}

static int judge(const struct json *job, const char *device, struct err *e)
{
	const char *state = json_text(json_get(job, "state"));
	const char *detail = json_text(json_get(job, "detail"));

	if (state == NULL || strcmp(state, "done") != 0)
		return err_set(e, ERR_CONFLICT, "the job %s: %s",
			       state == NULL ? "?" : state,
			       detail == NULL ? "no reason given" : detail);
	if (device == NULL || json_int(json_get(job, "done")) > 0)
		return 0;
	if (detail != NULL)
		return err_set(e, ERR_CONFLICT, "%s", detail);
	return err_set(e, ERR_NOT_FOUND, "there is no device \"%s\"", device);
}

int job_run(const struct ota *o, const char *action, const char *device,
	    struct json *taken_body, struct err *e)
{
	AUTO_PTR(json) struct json *body = taken_body;
	AUTO_PTR(json) struct json *job = NULL;
	AUTO(api) struct api a = {0};

	if (body == NULL)
		return err_nomem(e);
	if (json_set(body, "action", json_new_text(action), e) < 0 ||
	    set_filter(body, o, device, e) < 0 || api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "POST", "/api/v1/jobs", body, &job, e) < 0 ||
	    (!o->no_wait && await_job(&a, &job, e) < 0) ||
	    view_one(o, job, rows, N_ELEMS(rows), e) < 0)
		return -1;
	return o->no_wait ? 0 : judge(job, device, e);
}

int job_confirm(const struct ota *o, const char *what, struct err *e)
{
	AUTO(api) struct api a = {0};
	AUTO(buf) struct buf path = BUF_INIT(16384);
	AUTO_PTR(json) struct json *page = NULL;
	bool exact = true;
	uint64_t n;

	if (o->yes)
		return 0;
	if (api_init(&a, o, true, e) < 0 ||
	    buf_add_str(&path, "/api/v1/devices?limit=1&count=true&filter=", e) < 0 ||
	    api_escape(&path, o->filter, e) < 0 ||
	    api_call(&a, "GET", buf_str(&path), NULL, &page, e) < 0 ||
	    json_get_u64(page, "total", &n, e) < 0 ||
	    json_opt_bool(page, "total_exact", &exact, e) < 0)
		return -1;
	return err_set(
	    e, ERR_USAGE, "%s%" PRIu64 " device%s match%s, nothing was done: --yes %s",
	    exact ? "" : "more than ", n, n == 1 ? "" : "s", n == 1 ? "es" : "", what);
}

/* ---- device tag, untag, pin, unpin ---- */

const struct option device_change_options[] = {
    OPTIONS_MATCHING,
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option device_pin_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT", "Why; it is shown with it"},
    {NULL, "release", OPT_TEXT, AT(release), NULL, "ID",
     "To this release; without it, to what each device runs"},
    OPTIONS_MATCHING,
    OPTIONS_SERVER,
    OPTION_END,
};

static struct json *body_with(const char *key, const char *text, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();

	if (body == NULL ||
	    (text != NULL && json_set(body, key, json_new_text(text), e) < 0))
		return NULL;
	return TAKE(body);
}

RUN(device_tag)
{
	(void)log;
	return job_run(values, "tag", n_operands > 1 ? operands[1] : NULL,
		       body_with("tag", operands[0], e), e);
}

RUN(device_untag)
{
	(void)log;
	return job_run(values, "untag", n_operands > 1 ? operands[1] : NULL,
		       body_with("tag", operands[0], e), e);
}

RUN(device_pin)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = body_with("reason", o->reason, e);

	(void)log;
	if (o->reason == NULL)
		return err_set(e, ERR_USAGE, "--reason is missing");
	if (o->release != NULL && body != NULL &&
	    json_set(body, "release", json_new_text(o->release), e) < 0)
		return -1;
	return job_run(o, "pin", n_operands > 0 ? operands[0] : NULL, TAKE(body), e);
}

RUN(device_unpin)
{
	(void)log;
	return job_run(values, "unpin", n_operands > 0 ? operands[0] : NULL,
		       json_new_object(), e);
}
