/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a plan's fields, and what they must be together. */
#include "plan.h"

#include "../../common/base/text.h"
#include "form.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)
#define MAX_COUNT 10000000
#define MAX_TIME_MS (INT64_C(1) << 52)

static const char *const joiners[N_LATE_JOINERS] = {
    [LATE_STAY_OUT] = "stay-out",
    [LATE_LAST_WAVE] = "last-wave",
};

static const char *grade_word(uint32_t v)
{
	return grade_name((enum grade)v);
}

static const char *kind_word(uint32_t v)
{
	return deployment_kind_name((enum deployment_kind)v);
}

static const char *joiners_word(uint32_t v)
{
	return joiners[v];
}

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

static const struct form_field plan_fields[] = {
    /*                                                          min, max */
    {"name", FORM_TEXT, AT(rollout_plan, name),                 1, PLAN_NAME_MAX_LEN, .required = true},
    {"release", FORM_TEXT, AT(rollout_plan, release),           1, RELEASE_ID_LEN, .required = true},
    {"selection", FORM_FILTER, AT(rollout_plan, selection),     0, FILTER_TEXT_MAX_LEN, .required = true},
    {"waves", .kind = FORM_ELSEWHERE},
    {"accepts", FORM_WORD, AT(rollout_plan, accepts),           GRADE_REPORTED, GRADE_PROVEN, .otherwise = GRADE_PROVEN, .word = grade_word},
    {"type", FORM_WORD, AT(rollout_plan, type),                 0, N_KINDS - 1, .otherwise = KIND_SOFT, .word = kind_word},
    {"force_at", FORM_TIME, AT(rollout_plan, force_at),         1, MAX_TIME_MS, .omit = true},
    {"start_at", FORM_TIME, AT(rollout_plan, start_at),         1, MAX_TIME_MS, .omit = true},
    {"seed", FORM_TEXT, AT(rollout_plan, seed),                 1, PLAN_SEED_MAX_LEN, .omit = true},
    {"stratify_by", FORM_TEXT, AT(rollout_plan, stratify_by),   1, PLAN_STRATIFY_MAX_LEN, .omit = true},
    {"late_joiners", FORM_WORD, AT(rollout_plan, late_joiners), 0, N_LATE_JOINERS - 1, .otherwise = LATE_STAY_OUT, .word = joiners_word},
    {"limits", .kind = FORM_ELSEWHERE},
    {"priority", FORM_NUMBER, AT(rollout_plan, priority),       0, 100, .otherwise = 50},
    {"windows", .kind = FORM_ELSEWHERE},
    {"needs_consent", FORM_BOOL, AT(rollout_plan, needs_consent), .otherwise = false},
    {"delta_wait_ms", FORM_TIME, AT(rollout_plan, delta_wait_ms), 0, PLAN_MAX_DURATION_MS, .otherwise = 0},
    {"gate", .kind = FORM_ELSEWHERE},
    {"approvals", FORM_NUMBER, AT(rollout_plan, approvals),     0, PLAN_MAX_APPROVALS, .otherwise = 0},
};

static const struct form_field wave_fields[] = {
    {"count", FORM_NUMBER, AT(wave_plan, count),                1, MAX_COUNT, .omit = true},
    {"percent", FORM_SHARE, AT(wave_plan, percent_bp),          1, PLAN_ALL_BP, .omit = true},
    {"filter", FORM_FILTER, AT(wave_plan, filter),              1, PLAN_FILTER_MAX_LEN, .omit = true},
    {"success_percent", FORM_SHARE, AT(wave_plan, success_bp),  1, PLAN_ALL_BP, .otherwise = 9500},
    {"error_percent", FORM_SHARE, AT(wave_plan, error_bp),      0, PLAN_ALL_BP, .otherwise = 500},
    {"min_finished", FORM_NUMBER, AT(wave_plan, min_finished),  1, MAX_COUNT, .otherwise = 10},
    {"deadline_ms", FORM_TIME, AT(wave_plan, deadline_ms),      1000, PLAN_MAX_DURATION_MS, .otherwise = DAY_MS},
    {"soak_ms", FORM_TIME, AT(wave_plan, soak_ms),              0, PLAN_MAX_DURATION_MS, .otherwise = 0},
    {"needs_approval", FORM_BOOL, AT(wave_plan, needs_approval), .otherwise = false},
};

static const struct form_field limits_fields[] = {
    {"in_flight", FORM_NUMBER, AT(rollout_limits, in_flight),   1, MAX_COUNT, .omit = true},
    {"per_site", FORM_NUMBER, AT(rollout_limits, per_site),     1, MAX_COUNT, .omit = true},
    {"egress_bytes_per_s", FORM_LARGE, AT(rollout_limits, egress_bytes_per_s), 1024, MAX_TIME_MS, .omit = true},
};

static const struct form_field gate_fields[] = {
    {"alpha_percent", FORM_SHARE, AT(gate_plan, alpha_bp),      1, 2000, .otherwise = 100},
    {"baseline_percent", FORM_SHARE, AT(gate_plan, baseline_bp), 0, 5000, .otherwise = 100},
    {"tolerated_percent", FORM_SHARE, AT(gate_plan, tolerated_bp), 0, 5000, .otherwise = 0},
};
/* clang-format on */

const char *late_joiners_name(enum late_joiners l)
{
	return joiners[l];
}

void share_format(uint64_t bp, char ret_text[SHARE_TEXT_LEN + 1])
{
	unsigned long long whole = bp / 100 % 100000000, part = bp % 100;

	if (part == 0)
		(void)snprintf(ret_text, SHARE_TEXT_LEN + 1, "%llu %%", whole);
	else if (part % 10 == 0)
		(void)snprintf(ret_text, SHARE_TEXT_LEN + 1, "%llu.%llu %%", whole,
			       part / 10);
	else
		(void)snprintf(ret_text, SHARE_TEXT_LEN + 1, "%llu.%02llu %%", whole,
			       part);
}

/* ---- waves ---- */

static int settle_size(struct wave_plan *w, const char *where, struct err *e)
{
	int n = (w->count != 0) + (w->percent_bp != 0) + (w->filter[0] != '\0');

	if (n != 1)
		return form_fail(e, where, "count",
				 "a wave has exactly one of count, percent and filter");
	w->by = w->count != 0	     ? WAVE_BY_COUNT
		: w->percent_bp != 0 ? WAVE_BY_PERCENT
				     : WAVE_BY_FILTER;
	return 0;
}

static int read_wave(const struct json *o, size_t i, struct wave_plan *ret,
		     struct err *e)
{
	char where[24];

	if (text_format(where, sizeof(where), e, "waves[%zu].", i) < 0)
		return -1;
	if (form_read(wave_fields, N_ELEMS(wave_fields), o, where, ret, e) < 0)
		return -1;
	return settle_size(ret, where, e);
}

static int check_cascade(const struct rollout_plan *p, struct err *e)
{
	for (size_t i = 0; i + 1 < p->n_waves; i++) {
		if (p->waves[i].percent_bp == PLAN_ALL_BP)
			return err_set(e, ERR_FORMAT,
				       "waves[%zu]: nothing is left for it, since "
				       "waves[%zu] takes 100 %%",
				       i + 1, i);
	}
	return 0;
}

/* None given: one wave of everybody. */
static int read_waves(const struct json *body, struct rollout_plan *p, struct err *e)
{
	const struct json *list = json_get(body, "waves");
	AUTO_PTR(json) struct json *all = NULL;

	p->n_waves = json_len(list);
	if (list == NULL) {
		all = json_new_object();
		p->n_waves = 1;
		if (json_set(all, "percent", json_new_int(100), e) < 0)
			return -1;
	} else if (!json_is_array(list) || p->n_waves == 0 ||
		   p->n_waves > PLAN_MAX_WAVES) {
		return form_fail(e, "", "waves", "must be a list of 1 to %d waves",
				 PLAN_MAX_WAVES);
	}
	for (size_t i = 0; i < p->n_waves; i++) {
		if (read_wave(list == NULL ? all : json_at(list, i), i, &p->waves[i],
			      e) < 0)
			return -1;
	}
	return check_cascade(p, e);
}

/* ---- what belongs together ---- */

static int check_release(const struct rollout_plan *p, struct err *e)
{
	uint8_t digits[RELEASE_ID_LEN / 2];

	if (hex_decode(p->release, digits, sizeof(digits), NULL) < 0)
		return form_fail(e, "", "release", "must be %d hexadecimal digits",
				 RELEASE_ID_LEN);
	return 0;
}

static int check_force(const struct rollout_plan *p, struct err *e)
{
	if (p->type == KIND_TIME_FORCED && p->force_at == 0)
		return form_fail(e, "", "force_at",
				 "is missing; a time-forced rollout needs it");
	if (p->type != KIND_TIME_FORCED && p->force_at != 0)
		return form_fail(e, "", "force_at",
				 "is for type time-forced, and this is %s",
				 deployment_kind_name(p->type));
	if (p->force_at != 0 && p->force_at < p->start_at)
		return form_fail(e, "", "force_at", "must not be before start_at");
	return 0;
}

static int check_stratify(const struct rollout_plan *p, struct err *e)
{
	static const char attribute[] = "attribute.";

	if (p->stratify_by[0] == '\0' || strcmp(p->stratify_by, "site") == 0)
		return 0;
	if (strncmp(p->stratify_by, attribute, sizeof(attribute) - 1) == 0 &&
	    p->stratify_by[sizeof(attribute) - 1] != '\0')
		return 0;
	return form_fail(e, "", "stratify_by", "must be site or attribute.KEY");
}

/* A device that is off until the window opens would count as absent before. */
static int check_deadlines(const struct rollout_plan *p, struct err *e)
{
	int64_t gap = window_longest_gap_ms(&p->windows);

	for (size_t i = 0; i < p->n_waves; i++) {
		if (p->waves[i].deadline_ms <= gap)
			return err_set(
			    e, ERR_FORMAT,
			    "waves[%zu].deadline_ms: must be more than %lld, "
			    "the longest time between two windows",
			    i, (long long)gap);
	}
	return 0;
}

static int check_whole(const struct rollout_plan *p, struct err *e)
{
	if (check_release(p, e) < 0 || check_force(p, e) < 0)
		return -1;
	return check_stratify(p, e) < 0 ? -1 : check_deadlines(p, e);
}

static int read_limits(const struct json *body, struct rollout_plan *p, struct err *e)
{
	const struct json *o = json_get(body, "limits");

	if (o == NULL)
		return 0;
	return form_read(limits_fields, N_ELEMS(limits_fields), o, "limits.",
			 &p->limits, e);
}

/* On unless it is null. */
static int read_gate(const struct json *body, struct rollout_plan *p, struct err *e)
{
	AUTO_PTR(json) struct json *defaults = json_new_object();
	const struct json *o = json_get(body, "gate");
	uint32_t borne;

	p->gate.on = !json_is_null(o);
	if (defaults == NULL)
		return err_nomem(e);
	if (form_read(gate_fields, N_ELEMS(gate_fields),
		      o == NULL || !p->gate.on ? defaults : o, "gate.", &p->gate,
		      e) < 0)
		return -1;
	borne = p->gate.baseline_bp + p->gate.tolerated_bp;
	if (borne < 1 || borne > 5000)
		return form_fail(e, "gate.", "baseline_percent",
				 "together with tolerated_percent must be from 0.01 to "
				 "50");
	return 0;
}

int plan_read(const struct json *body, struct rollout_plan *ret, struct err *e)
{
	*ret = (struct rollout_plan){0};
	if (form_read(plan_fields, N_ELEMS(plan_fields), body, "", ret, e) < 0 ||
	    read_waves(body, ret, e) < 0 || read_limits(body, ret, e) < 0 ||
	    read_gate(body, ret, e) < 0 ||
	    window_plan_read(json_get(body, "windows"), &ret->windows, e) < 0)
		return -1;
	return check_whole(ret, e);
}

/* ---- writing ---- */

static struct json *write_waves(const struct rollout_plan *p, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (size_t i = 0; i < p->n_waves; i++) {
		struct json *o = json_new_object();

		if (json_append(list, o, e) < 0 ||
		    form_write(wave_fields, N_ELEMS(wave_fields), &p->waves[i], o, e) <
			0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *write_form(const struct form_field *fields, size_t n,
			       const void *value, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	return form_write(fields, n, value, o, e) < 0 ? NULL : TAKE(o);
}

static struct json *write_gate(const struct gate_plan *g, struct err *e)
{
	return g->on ? write_form(gate_fields, N_ELEMS(gate_fields), g, e)
		     : json_new_null();
}

struct json *plan_write(const struct rollout_plan *p, struct err *e)
{
	AUTO_PTR(json)
	struct json *o = write_form(plan_fields, N_ELEMS(plan_fields), p, e);

	if (o == NULL || json_set(o, "waves", write_waves(p, e), e) < 0 ||
	    json_set(o, "limits",
		     write_form(limits_fields, N_ELEMS(limits_fields), &p->limits, e),
		     e) < 0 ||
	    json_set(o, "gate", write_gate(&p->gate, e), e) < 0)
		return NULL;
	if (p->windows.n_windows > 0 &&
	    json_set(o, "windows", window_plan_write(&p->windows, e), e) < 0)
		return NULL;
	return TAKE(o);
}
