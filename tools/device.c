/* SPDX-License-Identifier: Apache-2.0 */
/* ota device: what is in the field, and what it shall run. */
#include "../common/base/text.h"
#include "csv.h"
#include "view.h"

#include <string.h>

const struct option device_list_options[] = {
    {NULL, "query", OPT_TEXT, AT(query), NULL, "TEXT",
     "Only devices whose id or name begins with this"},
    {NULL, "filter", OPT_TEXT, AT(filter), NULL, "FILTER",
     "Only devices that match, e.g. tag==lab;version=lt=2.0;lastseen=ge=-24h"},
    {NULL, "sort", OPT_TEXT, AT(sort), NULL, "FIELD",
     "By id, name, product, version, lastseen, created or state; -FIELD: descending"},
    {NULL, "csv", OPT_FLAG, AT(csv), NULL, NULL, "Print CSV for spreadsheets"},
    OPTIONS_SERVER,
    OPTION_END,
};

const struct option device_add_options[] = {
    {NULL, "name", OPT_TEXT, AT(name), NULL, NULL, "A name for people"},
    {NULL, "product", OPT_TEXT, AT(product), NULL, "NAME", "Product it is"},
    {NULL, "hardware", OPT_TEXT, AT(hardware_id), NULL, "ID", "Its hardware"},
    {NULL, "csv", OPT_PATH, AT(csv_file), NULL, NULL,
     "Add many: lines of id,name,product,hardware; the first line names the columns"},
    OPTIONS_SERVER,
    OPTION_END,
};

#define DEVICES "/api/v1/devices/"

RUN(device_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},	       {"NAME", "name", VIEW_TEXT},
	    {"PRODUCT", "product", VIEW_TEXT}, {"HARDWARE", "hardware", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT}, {"GRADE", "grade", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},     {"SEEN", "seen_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(16384);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (api_add_query(&query, "q", o->query, e) < 0 ||
	    api_add_query(&query, "filter", o->filter, e) < 0 ||
	    api_add_query(&query, "sort", o->sort, e) < 0)
		return -1;
	if (o->csv)
		return view_print_csv(o, "/api/v1/devices", buf_str(&query), e);
	return view_get_list(o, "/api/v1/devices", buf_str(&query), columns,
			     N_ELEMS(columns), "No devices.", e);
}

static int show_slots(const struct ota *o, const struct json *device, struct err *e)
{
	static const struct view_column columns[] = {
	    {"SLOT", "name", VIEW_TEXT},       {"STATE", "state", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT}, {"TRIES", "tries", VIEW_TEXT},
	    {"BOOTED", "booted", VIEW_TEXT},   {"REASON", "reason", VIEW_TEXT},
	};
	const struct json *slots = json_get(device, "slots");

	if (o->json || json_len(slots) == 0)
		return 0;
	(void)puts("");
	return view_list(o, slots, columns, N_ELEMS(columns), "", e);
}

static int show_components(const struct ota *o, const struct json *device,
			   struct err *e)
{
	static const struct view_column columns[] = {
	    {"COMPONENT", "name", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT},
	    {"GRADE", "grade", VIEW_TEXT},
	};
	const struct json *components = json_get(device, "components");

	if (o->json || json_len(components) == 0)
		return 0;
	(void)puts("");
	return view_list(o, components, columns, N_ELEMS(columns), "", e);
}

static int show_deployment(const struct ota *o, const struct json *device,
			   struct err *e)
{
	static const struct view_column rows[] = {
	    {"deployment", "id", VIEW_TEXT},   {"  of", "version", VIEW_TEXT},
	    {"  state", "state", VIEW_TEXT},   {"  progress", "progress", VIEW_PERCENT},
	    {"  detail", "detail", VIEW_TEXT},
	};
	const struct json *deployment = json_get(device, "deployment");

	if (o->json || !json_is_object(deployment))
		return 0;
	return view_one(o, deployment, rows, N_ELEMS(rows), e);
}

RUN(device_show)
{
	static const struct view_column rows[] = {
	    {"id", "id", VIEW_TEXT},	       {"name", "name", VIEW_TEXT},
	    {"product", "product", VIEW_TEXT}, {"hardware", "hardware", VIEW_TEXT},
	    {"version", "version", VIEW_TEXT}, {"grade", "grade", VIEW_TEXT},
	    {"state", "state", VIEW_TEXT},     {"agent", "agent_version", VIEW_TEXT},
	    {"address", "address", VIEW_TEXT}, {"seen", "seen_at", VIEW_TIME},
	};
	const struct ota *o = values;
	AUTO_PTR(json) struct json *device = NULL;

	(void)n_operands;
	(void)log;
	if (api_about(o, "GET", DEVICES, operands[0], "", NULL, &device, e) < 0 ||
	    view_one(o, device, rows, N_ELEMS(rows), e) < 0 ||
	    show_deployment(o, device, e) < 0 || show_components(o, device, e) < 0)
		return -1;
	return show_slots(o, device, e);
}

RUN(device_history)
{
	static const struct view_column columns[] = {
	    {"DEPLOYMENT", "id", VIEW_TEXT},	{"VERSION", "version", VIEW_TEXT},
	    {"STATE", "state", VIEW_TEXT},	{"GRADE", "grade", VIEW_TEXT},
	    {"BEGAN", "created_at", VIEW_TIME}, {"CHANGED", "updated_at", VIEW_TIME},
	    {"DETAIL", "detail", VIEW_TEXT},
	};

	(void)n_operands;
	(void)log;
	return view_get_list_of(values, DEVICES, operands[0], "/history", "", columns,
				N_ELEMS(columns), "It was given nothing yet.", e);
}

/* add */

struct new_device {
	const char *id;
	const char *name;
	const char *product;
	const char *hardware;
};

static int set_text(struct json *j, const char *key, const char *text, struct err *e)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	return json_set(j, key, json_new_text(text), e);
}

/* The token is shown once: it goes to standard output, and nowhere else. */
static int add_one(const struct api *a, const struct new_device *d,
		   struct json *results, struct err *e)
{
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *answer = NULL;
	AUTO_PTR(json) struct json *row = json_new_object();
	const char *token;

	if (set_text(body, "id", d->id, e) < 0 ||
	    set_text(body, "name", d->name, e) < 0 ||
	    set_text(body, "product", d->product, e) < 0 ||
	    set_text(body, "hardware", d->hardware, e) < 0 ||
	    api_call(a, "POST", "/api/v1/devices", body, &answer, e) < 0 ||
	    json_get_text(answer, "token", &token, e) < 0 ||
	    json_set(row, "id", json_new_text(d->id), e) < 0 ||
	    json_set(row, "token", json_new_text(token), e) < 0)
		return err_wrap(e, "device %s", d->id);
	return json_append(results, TAKE(row), e);
}

/* One line of the file; what was added before a line that fails stays and has been
 * told. */
static int add_row(const struct api *a, const struct csv *c, size_t row,
		   struct json *results, struct err *e)
{
	struct new_device d = {
	    .id = csv_get(c, row, "id"),
	    .name = csv_get(c, row, "name"),
	    .product = csv_get(c, row, "product"),
	    .hardware = csv_get(c, row, "hardware"),
	};

	if (d.id == NULL || d.id[0] == '\0')
		return err_set(e, ERR_FORMAT, "line %zu: no id", csv_line(c, row));
	if (add_one(a, &d, results, e) < 0)
		return err_wrap(e, "line %zu", csv_line(c, row));
	return 0;
}

static int add_csv(const struct api *a, const char *path, struct json *results,
		   struct err *e)
{
	static const char *const columns[] = {"id", "name", "product", "hardware",
					      NULL};
	AUTO_PTR(csv) struct csv *c = csv_read(path, columns, e);

	for (size_t i = 0; c != NULL && i < csv_n_rows(c); i++) {
		if (add_row(a, c, i, results, e) < 0)
			return err_wrap(e, "%s", path);
	}
	return c != NULL ? 0 : -1;
}

static int show_tokens(const struct ota *o, const struct json *results, struct err *e)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},
	    {"TOKEN (shown once)", "token", VIEW_TEXT},
	};

	if (json_len(results) == 0)
		return 0;
	return view_list(o, results, columns, N_ELEMS(columns), "No devices.", e);
}

RUN(device_add)
{
	const struct ota *o = values;
	struct new_device d = {
	    .name = o->name, .product = o->product, .hardware = o->hardware_id};
	AUTO(api) struct api a = {0};
	AUTO_PTR(json) struct json *results = json_new_array();
	int result;

	(void)log;
	if ((n_operands == 0) == (o->csv_file == NULL))
		return err_set(e, ERR_USAGE, "give either a device's id or --csv FILE");
	if (api_init(&a, o, true, e) < 0)
		return -1;
	d.id = n_operands > 0 ? operands[0] : "";
	result = o->csv_file != NULL ? add_csv(&a, o->csv_file, results, e)
				     : add_one(&a, &d, results, e);
	/* Also after a failure: the tokens of those added before it are shown only
	 * now. */
	if (show_tokens(o, results, result < 0 ? NULL : e) < 0)
		return -1;
	return result;
}

RUN(device_token)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *answer = NULL;
	const char *token;

	(void)n_operands;
	(void)log;
	if (api_about(o, "POST", DEVICES, operands[0], "/token", NULL, &answer, e) < 0)
		return -1;
	if (o->json)
		return print_json(answer, e);
	if (json_get_text(answer, "token", &token, e) < 0)
		return -1;
	(void)printf("%s\n", token);
	return 0;
}
