/* SPDX-License-Identifier: Apache-2.0 */
#include "../../common/base/text.h"
#include "form.h"
#include "window.h"

#include <string.h>

#define ALL_DAYS 0x7f

static const char *const day_names[] = {"mon", "tue", "wed", "thu",
					"fri", "sat", "sun"};

static const struct form_field window_fields[] = {
    {"zone", FORM_TEXT, offsetof(struct window_plan, zone), 1, ZONE_NAME_MAX_LEN,
     .required = true},
    {"zone_attribute", FORM_TEXT, offsetof(struct window_plan, zone_attribute), 1,
     ZONE_ATTRIBUTE_MAX_LEN, .omit = true},
    {"open", .kind = FORM_ELSEWHERE, .required = true},
};

static const struct form_field open_fields[] = {
    {"days", .kind = FORM_ELSEWHERE},
    {"from", .kind = FORM_ELSEWHERE, .required = true},
    {"to", .kind = FORM_ELSEWHERE, .required = true},
};

static int read_day(const struct json *j, uint8_t *days)
{
	const char *text = json_text(j);

	for (unsigned i = 0; text != NULL && i < N_ELEMS(day_names); i++) {
		if (strcmp(text, day_names[i]) == 0) {
			*days |= (uint8_t)(1u << i);
			return 0;
		}
	}
	return -1;
}

/* Absent: every day. */
static int read_days(const struct json *list, const char *where, uint8_t *ret,
		     struct err *e)
{
	bool good = json_is_array(list) && json_len(list) > 0;

	*ret = list == NULL ? ALL_DAYS : 0;
	for (size_t i = 0; i < json_len(list); i++)
		good = read_day(json_at(list, i), ret) == 0 && good;
	if (list != NULL && !good)
		return form_fail(e, where, "days",
				 "must be a list of mon, tue, wed, thu, fri, sat, sun");
	return 0;
}

static int digits_two(const char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

static int read_minute(const struct json *o, const char *key, const char *where,
		       uint16_t *ret, struct err *e)
{
	const char *text = json_text(json_get(o, key));
	int hour = -1, minute = -1;

	if (text != NULL && strlen(text) == 5 && text[2] == ':') {
		hour = digits_two(text);
		minute = digits_two(text + 3);
	}
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return form_fail(e, where, key, "must be a time from 00:00 to 23:59");
	*ret = (uint16_t)(hour * 60 + minute);
	return 0;
}

static int read_window(const struct json *o, size_t i, struct window *ret,
		       struct err *e)
{
	char where[32];

	if (text_format(where, sizeof(where), e, "windows.open[%zu].", i) < 0 ||
	    form_read(open_fields, N_ELEMS(open_fields), o, where, ret, e) < 0)
		return -1;
	if (read_days(json_get(o, "days"), where, &ret->days, e) < 0 ||
	    read_minute(o, "from", where, &ret->from_minute, e) < 0)
		return -1;
	return read_minute(o, "to", where, &ret->to_minute, e);
}

int window_plan_read(const struct json *j, struct window_plan *ret, struct err *e)
{
	const struct json *list;

	*ret = (struct window_plan){0};
	if (j == NULL || json_is_null(j))
		return 0;
	if (form_read(window_fields, N_ELEMS(window_fields), j, "windows.", ret, e) < 0)
		return -1;
	if (zone_name_check(ret->zone, e) < 0)
		return err_wrap(e, "windows.zone");
	list = json_get(j, "open");
	ret->n_windows = json_len(list);
	if (!json_is_array(list) || ret->n_windows == 0 ||
	    ret->n_windows > PLAN_MAX_WINDOWS)
		return form_fail(e, "windows.", "open",
				 "must be a list of 1 to %d windows", PLAN_MAX_WINDOWS);
	for (size_t i = 0; i < ret->n_windows; i++) {
		if (read_window(json_at(list, i), i, &ret->windows[i], e) < 0)
			return -1;
	}
	return 0;
}

/* ---- writing ---- */

static struct json *write_days(uint8_t days, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();

	for (unsigned i = 0; i < N_ELEMS(day_names); i++) {
		if ((days >> i & 1) != 0 &&
		    json_append(list, json_new_text(day_names[i]), e) < 0)
			return NULL;
	}
	return TAKE(list);
}

static struct json *write_minute(uint16_t minute)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%02u:%02u", minute / 60u, minute % 60u);
	return json_new_text(text);
}

static struct json *write_window(const struct window *w, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();

	if (json_set(o, "days", write_days(w->days, e), e) < 0 ||
	    json_set(o, "from", write_minute(w->from_minute), e) < 0 ||
	    json_set(o, "to", write_minute(w->to_minute), e) < 0)
		return NULL;
	return TAKE(o);
}

struct json *window_plan_write(const struct window_plan *p, struct err *e)
{
	AUTO_PTR(json) struct json *o = json_new_object();
	struct json *list = json_new_array();

	if (json_set(o, "open", list, e) < 0)
		return NULL;
	for (size_t i = 0; i < p->n_windows; i++) {
		if (json_append(list, write_window(&p->windows[i], e), e) < 0)
			return NULL;
	}
	if (form_write(window_fields, N_ELEMS(window_fields), p, o, e) < 0)
		return NULL;
	return TAKE(o);
}
