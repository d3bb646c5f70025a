/* SPDX-License-Identifier: Apache-2.0 */
/* ota rollout: a release for many devices, wave by wave; and why a device waits. */
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLAN_MAX_BYTES (64u * 1024)
#define WATCH_EVERY_S 2

/* ---- options ---- */

const struct option rollout_create_options[] = {
    {NULL, "name", OPT_TEXT, AT(name), NULL, "NAME", "Call it so"},
    {NULL, "release", OPT_TEXT, AT(release), NULL, "ID", "The release to give out"},
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "The devices: site==north;version=lt=2.0; empty: all"},
    {NULL, "waves", OPT_TEXT, AT(waves), NULL, "LIST",
     "How many a wave takes of those that are left, as in 5,1%,10%,100%"},
    {NULL, "deadline", OPT_DURATION, AT(deadline_ms), NULL, "TIME",
     "A device that is silent for so long counts as failed (default 1d)"},
    {NULL, "soak", OPT_DURATION, AT(soak_ms), NULL, "TIME",
     "Watch each wave for so long after it succeeded"},
    {NULL, "accept-reported", OPT_FLAG, AT(accept_reported), NULL, NULL,
     "Count also successes that no bootloader proves, as other clients report them"},
    {NULL, "force", OPT_FLAG, AT(force), NULL, NULL,
     "Tell devices not to wait for a convenient time"},
    {NULL, "approvals", OPT_U64, AT(approvals), NULL, "N",
     "Start only when so many other people have approved it"},
    {NULL, "start", OPT_FLAG, AT(start), NULL, NULL, "Start it at once"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_list_options[] = {
    {NULL, "state", OPT_TEXT, AT(state), NULL, "STATE",
     "Only those in this state: draft, running, paused, .."},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_members_options[] = {
    {NULL, "wave", OPT_U64, AT(wave), "0", "N", "Of this wave only"},
    {NULL, "state", OPT_TEXT, AT(state), NULL, "STATE",
     "In this state only: waiting, in-flight, proven, reported, failed, .."},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_show_options[] = {
    {NULL, "watch", OPT_FLAG, AT(watch), NULL, NULL,
     "Go on showing it until it ends, pauses or waits for somebody"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_act_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT", "Tell everybody why"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_approve_options[] = {
    {NULL, "wave", OPT_U64, AT(wave), NULL, "N",
     "Approve this wave instead of the rollout"},
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT", "Tell everybody why"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_stop_options[] = {
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT", "Tell everybody why"},
    {NULL, "cancel-running", OPT_FLAG, AT(cancel_running), NULL, NULL,
     "Also cancel what devices have been shown; otherwise they finish it"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option rollout_rollback_options[] = {
    {NULL, "release", OPT_TEXT, AT(release), NULL, "ID",
     "Go back to this release instead of the next lower version"},
    {NULL, "reason", OPT_TEXT, AT(reason), NULL, "TEXT", "Tell everybody why"},
    {NULL, "below-security-version", OPT_FLAG, AT(below_security_version), NULL, NULL,
     "Try it also if its security version is lower: devices may refuse it"},
    OPTIONS_SERVER,
    OPTION_END,
};

/* ---- asking the server ---- */

#define ROLLOUTS "/api/v1/rollouts/"

/* About one rollout. */
static int call(const struct ota *o, const char *method, const char *id,
		const char *end, const struct json *body, struct json **ret,
		struct err *e)
{
	return api_about(o, method, ROLLOUTS, id, end, body, ret, e);
}

/* ---- in words ---- */

static long long number(const struct json *o, const char *key)
{
	return (long long)json_int(json_get(o, key));
}

static const char *text(const struct json *o, const char *key)
{
	const char *t = json_text(json_get(o, key));

	return t == NULL ? "" : t;
}

/* "running: 120 of 400 devices ended, 118 of them well" */
static void say_progress(const struct json *r)
{
	const struct json *d = json_get(r, "devices");
	char name[SAFE_TEXT_LEN], detail[SAFE_TEXT_LEN];

	(void)printf("Rollout %s \"%s\" is %s", text(r, "id"),
		     safe_text(text(r, "name"), name), text(r, "state"));
	if (number(d, "members") > 0)
		(void)printf(": %lld of %lld devices have ended, %lld of them well",
			     number(d, "ended"), number(d, "members"),
			     number(d, "succeeded"));
	(void)printf(".\n");
	if (text(r, "detail")[0] != '\0')
		(void)printf("Last: %s\n", safe_text(text(r, "detail"), detail));
}

static void say_next(const struct json *r)
{
	static const struct {
		const char *state, *hint;
	} hints[] = {
	    {"draft", "Start it with ota rollout start %s."},
	    {"awaiting-approval",
	     "Somebody who did not make it approves it with ota rollout approve %s."},
	    {"paused",
	     "See ota rollout why %s; then resume it, stop it or roll it back."},
	};

	for (size_t i = 0; i < N_ELEMS(hints); i++) {
		if (strcmp(text(r, "state"), hints[i].state) != 0)
			continue;
		(void)printf("%.*s%s%s\n", (int)strcspn(hints[i].hint, "%"),
			     hints[i].hint, text(r, "id"),
			     strchr(hints[i].hint, '%') + 2);
	}
}

static long long failed(const struct json *n)
{
	return number(n, "failed") + number(n, "rolled-back");
}

static int add_wave(struct table *t, const struct json *w, struct err *e)
{
	const struct json *n = json_get(w, "counts");
	const long long values[] = {
	    number(n, "members"),
	    number(n, "waiting"),
	    number(n, "in-flight"),
	    number(n, "proven") + number(n, "reported") + number(n, "downloaded"),
	    failed(n),
	    number(n, "silent") + number(n, "absent"),
	    number(n, "cancelled"),
	};
	char cells[N_ELEMS(values) + 1][24];
	const char *row[N_ELEMS(values) + 2] = {cells[N_ELEMS(values)],
						text(w, "state")};

	(void)snprintf(cells[N_ELEMS(values)], sizeof(cells[0]), "%lld",
		       number(w, "wave"));
	for (size_t i = 0; i < N_ELEMS(values); i++) {
		(void)snprintf(cells[i], sizeof(cells[i]), "%lld", values[i]);
		row[i + 2] = cells[i];
	}
	return table_add(t, row, e);
}

static int show_waves(const struct json *r, struct err *e)
{
	static const char *const titles[] = {"WAVE",	"STATE",  "DEVICES",
					     "WAITING", "AT IT",  "SUCCEEDED",
					     "FAILED",	"SILENT", "LEFT"};
	AUTO_PTR(table) struct table *t = table_new(titles, N_ELEMS(titles), e);
	const struct json *waves = json_get(r, "waves");

	if (t == NULL)
		return -1;
	for (size_t i = 0; i < json_len(waves); i++) {
		if (add_wave(t, json_at(waves, i), e) < 0)
			return -1;
	}
	table_print(t, "No waves.");
	return 0;
}

static int show(const struct ota *o, const struct json *r, struct err *e)
{
	if (o->json)
		return print_json(r, e);
	say_progress(r);
	if (show_waves(r, e) < 0)
		return -1;
	say_next(r);
	return 0;
}

/* ---- creating ---- */

/* "5" or "10%" */
static struct json *read_wave(const struct ota *o, const char *from, size_t len,
			      struct err *e)
{
	AUTO_PTR(json) struct json *w = json_new_object();
	char word[24], *end = NULL;
	bool percent = len > 0 && from[len - 1] == '%';
	double n;

	(void)snprintf(word, sizeof(word), "%.*s", (int)(len - percent), from);
	n = strtod(word, &end);
	if (len == 0 || len >= sizeof(word) || *end != '\0' || n <= 0) {
		(void)err_set(e, ERR_USAGE, "--waves: \"%.*s\" is neither 5 nor 10%%",
			      (int)len, from);
		return NULL;
	}
	if (w == NULL ||
	    json_set(w, percent ? "percent" : "count",
		     percent ? json_new_number(n) : json_new_int((int64_t)n), e) < 0 ||
	    (o->deadline_ms != 0 &&
	     json_set(w, "deadline_ms", json_new_int((int64_t)o->deadline_ms), e) <
		 0) ||
	    (o->soak_ms != 0 &&
	     json_set(w, "soak_ms", json_new_int((int64_t)o->soak_ms), e) < 0))
		return NULL;
	return TAKE(w);
}

static struct json *read_waves(const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	const char *at = o->waves == NULL ? "100%" : o->waves;

	for (;;) {
		size_t len = strcspn(at, ",");
		struct json *w = read_wave(o, at, len, e);

		if (w == NULL || json_append(list, w, e) < 0)
			return NULL;
		if (at[len] == '\0')
			return TAKE(list);
		at += len + 1;
	}
}

static struct json *plan_of_flags(const struct ota *o, struct err *e)
{
	AUTO_PTR(json) struct json *p = json_new_object();
	AUTO_PTR(json) struct json *waves = NULL;
	const char *name = o->name != NULL ? o->name : o->release;

	if (o->release == NULL || o->filter == NULL) {
		(void)err_set(e, ERR_USAGE,
			      "give a FILE with the plan, or --release and --filter");
		return NULL;
	}
	waves = read_waves(o, e);
	if (waves == NULL || p == NULL ||
	    json_set(p, "name", json_new_text(name), e) < 0 ||
	    json_set(p, "release", json_new_text(o->release), e) < 0 ||
	    json_set(p, "selection", json_new_text(o->filter), e) < 0 ||
	    json_set(p, "waves", TAKE(waves), e) < 0 ||
	    json_set(p, "accepts",
		     json_new_text(o->accept_reported ? "reported" : "proven"),
		     e) < 0 ||
	    json_set(p, "type", json_new_text(o->force ? "forced" : "soft"), e) < 0 ||
	    json_set(p, "approvals", json_new_int((int64_t)o->approvals), e) < 0)
		return NULL;
	return TAKE(p);
}

static struct json *plan_of_file(const char *path, struct err *e)
{
	AUTO(buf) struct buf data = BUF_INIT(PLAN_MAX_BYTES);
	struct json *p;

	if (file_read(path, &data, e) < 0)
		return NULL;
	p = json_parse(buf_str(&data), data.len, e);
	if (p == NULL)
		(void)err_wrap(e, "%s", path);
	return p;
}

RUN(rollout_create)
{
	const struct ota *o = values;
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *plan = NULL;
	AUTO_PTR(json) struct json *made = NULL;
	AUTO_PTR(json) struct json *started = NULL;

	(void)log;
	plan = n_operands == 1 ? plan_of_file(operands[0], e) : plan_of_flags(o, e);
	if (plan == NULL || api_init(&a, o, true, e) < 0 ||
	    api_call(&a, "POST", "/api/v1/rollouts", plan, &made, e) < 0)
		return -1;
	if (!o->start)
		return show(o, made, e);
	if (call(o, "POST", text(made, "id"), "/start", NULL, &started, e) < 0)
		return err_wrap(e, "rollout %s was made and not started",
				text(made, "id"));
	return show(o, started, e);
}

RUN(rollout_change)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *plan = plan_of_file(operands[1], e);
	AUTO_PTR(json) struct json *changed = NULL;

	(void)n_operands;
	(void)log;
	if (plan == NULL || call(o, "PUT", operands[0], "", plan, &changed, e) < 0)
		return -1;
	return show(o, changed, e);
}

RUN(rollout_delete)
{
	(void)n_operands;
	(void)log;
	return call(values, "DELETE", operands[0], "", NULL, NULL, e);
}

/* ---- looking ---- */

RUN(rollout_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"NAME", "name", VIEW_TEXT},
	    {"RELEASE", "release", VIEW_TEXT}, {"STATE", "state", VIEW_TEXT},
	    {"LAST", "detail", VIEW_TEXT},     {"CHANGED", "updated_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_add_query(&query, "state", o->state, e) < 0)
		return -1;
	return view_get_list(o, "/api/v1/rollouts", buf_str(&query), columns,
			     N_ELEMS(columns), "No rollouts.", e);
}

static bool goes_on(const struct json *r)
{
	return strcmp(text(r, "state"), "running") == 0 ||
	       strcmp(text(r, "state"), "scheduled") == 0;
}

RUN(rollout_show)
{
	const struct ota *o = values;
	const struct timespec pause = {.tv_sec = WATCH_EVERY_S};

	(void)n_operands;
	(void)log;
	for (;;) {
		AUTO_PTR(json) struct json *r = NULL;

		if (call(o, "GET", operands[0], "", NULL, &r, e) < 0 ||
		    show(o, r, e) < 0)
			return -1;
		if (!o->watch || !goes_on(r))
			return 0;
		(void)fflush(stdout);
		(void)nanosleep(&pause, NULL);
	}
}

RUN(rollout_preview)
{
	static const struct view_column columns[] = {
	    {"WAVE", "wave", VIEW_TEXT},
	    {"DEVICES", "devices", VIEW_TEXT},
	    {"DOWNLOADS", "bytes", VIEW_SIZE},
	};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *p = NULL;
	const struct json *left;

	(void)n_operands;
	(void)log;
	if (call(o, "GET", operands[0], "/preview", NULL, &p, e) < 0)
		return -1;
	if (o->json)
		return print_json(p, e);
	if (view_list(o, json_get(p, "waves"), columns, N_ELEMS(columns), "No waves.",
		      e) < 0)
		return -1;
	left = json_get(p, "left_out");
	(void)printf("Left out: %lld of another product or hardware, %lld that run it "
		     "already, %lld pinned, %lld in no wave.\n",
		     number(left, "incompatible"), number(left, "up_to_date"),
		     number(left, "pinned"), number(left, "no_wave"));
	return 0;
}

RUN(rollout_why)
{
	static const struct view_column columns[] = {
	    {"AT", "at", VIEW_TIME},
	    {"WAVE", "wave", VIEW_TEXT},
	    {"BY", "by", VIEW_TEXT},
	    {"WHAT", "detail", VIEW_TEXT},
	};

	(void)n_operands;
	(void)log;
	return view_get_list_of(values, ROLLOUTS, operands[0], "/decisions", "",
				columns, N_ELEMS(columns), "Nothing was decided yet.",
				e);
}

RUN(rollout_members)
{
	static const struct view_column columns[] = {
	    {"DEVICE", "device", VIEW_TEXT},	  {"WAVE", "wave", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},	  {"SITE", "site", VIEW_TEXT},
	    {"OFFERED", "offered_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)log;
	if ((o->wave != 0 && buf_printf(&query, e, "&wave=%" PRIu64, o->wave) < 0) ||
	    api_add_query(&query, "state", o->state, e) < 0)
		return -1;
	return view_get_list_of(o, ROLLOUTS, operands[0], "/members", buf_str(&query),
				columns, N_ELEMS(columns), "No members.", e);
}

/* An e-value as a power of ten: "10^1.3". */
static int add_point(struct table *t, const struct json *p, struct err *e)
{
	char at[TIME_TEXT_LEN + 1], evidence[32], offered[24], failures[24];
	const char *const row[] = {at, offered, failures, evidence};

	time_format(number(p, "at"), at);
	(void)snprintf(offered, sizeof(offered), "%lld", number(p, "offered"));
	(void)snprintf(failures, sizeof(failures), "%lld", number(p, "failed"));
	(void)snprintf(evidence, sizeof(evidence), "10^%.2f",
		       json_number(json_get(p, "log10_e")));
	return table_add(t, row, e);
}

RUN(rollout_evidence)
{
	static const char *const titles[] = {"AT", "OFFERED", "FAILED", "EVIDENCE"};
	const struct ota *o = values;
	AUTO_PTR(table) struct table *t = table_new(titles, N_ELEMS(titles), e);
	AUTO_PTR(json) struct json *r = NULL;
	const struct json *points;

	(void)n_operands;
	(void)log;
	if (t == NULL || call(o, "GET", operands[0], "/evidence", NULL, &r, e) < 0)
		return -1;
	if (o->json)
		return print_json(r, e);
	points = json_get(r, "points");
	for (size_t i = 0; i < json_len(points); i++) {
		if (add_point(t, json_at(points, i), e) < 0)
			return -1;
	}
	table_print(t, "No device has been offered it yet.");
	if (!json_is_true(json_get(r, "gate")))
		(void)puts("Its plan has no health gate.");
	else
		(void)printf("The health gate stops it from 10^%.2f on.\n",
			     json_number(json_get(r, "log10_limit")));
	return 0;
}

RUN(device_why)
{
	static const struct view_column columns[] = {{"WHY", "text", VIEW_TEXT}};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *why = NULL;

	(void)n_operands;
	(void)log;
	if (api_about(o, "GET", "/api/v1/devices/", operands[0], "/why", NULL, &why,
		      e) < 0)
		return -1;
	if (o->json)
		return print_json(why, e);
	return view_list(o, json_get(why, "reasons"), columns, N_ELEMS(columns),
			 "Nothing holds it back.", e);
}

/* ---- acting ---- */

static int act(const struct ota *o, const char *id, const char *end,
	       struct json *taken_body, struct err *e)
{
	AUTO_PTR(json) struct json *body = taken_body;
	AUTO_PTR(json) struct json *r = NULL;

	if (body == NULL)
		return err_nomem(e);
	if (o->reason != NULL &&
	    json_set(body, "reason", json_new_text(o->reason), e) < 0)
		return -1;
	if (call(o, "POST", id, end, body, &r, e) < 0)
		return -1;
	return show(o, r, e);
}

RUN(rollout_start)
{
	(void)n_operands;
	(void)log;
	return act(values, operands[0], "/start", json_new_object(), e);
}

RUN(rollout_pause)
{
	(void)n_operands;
	(void)log;
	return act(values, operands[0], "/pause", json_new_object(), e);
}

RUN(rollout_resume)
{
	(void)n_operands;
	(void)log;
	return act(values, operands[0], "/resume", json_new_object(), e);
}

RUN(rollout_approve)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();

	(void)n_operands;
	(void)log;
	if (o->wave != 0 &&
	    json_set(body, "wave", json_new_int((int64_t)o->wave), e) < 0)
		return -1;
	return act(o, operands[0], "/approve", TAKE(body), e);
}

RUN(rollout_stop)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();

	(void)n_operands;
	(void)log;
	if (json_set(body, "cancel_running", json_new_bool(o->cancel_running), e) < 0)
		return -1;
	return act(o, operands[0], "/stop", TAKE(body), e);
}

RUN(rollout_rollback)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();

	(void)n_operands;
	(void)log;
	if ((o->release != NULL &&
	     json_set(body, "release", json_new_text(o->release), e) < 0) ||
	    json_set(body, "below_security_version",
		     json_new_bool(o->below_security_version), e) < 0)
		return -1;
	return act(o, operands[0], "/rollback", TAKE(body), e);
}
