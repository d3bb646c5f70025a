/* SPDX-License-Identifier: Apache-2.0 */
/* ota product: what is said of the things that devices are. */
#include "../common/base/clock.h"
#include "../common/base/text.h"
#include "view.h"

const struct option product_set_options[] = {
    {NULL, "about", OPT_TEXT, AT(about), NULL, "TEXT", "What it is"},
    {NULL, "hardware", OPT_LIST, AT(hardware), NULL, "ID",
     "A hardware id that it is compatible with; once each"},
    {NULL, "support-ends", OPT_TEXT, AT(support_ends), NULL, "DATE",
     "The day on which support ends, as 2030-12-31"},
    OPTIONS_SERVER,
    OPTION_END,
};

static const struct view_column product_rows[] = {
    {"product", "name", VIEW_TEXT},
    {"about", "about", VIEW_TEXT},
    {"hardware", "hardware", VIEW_LIST},
    {"support ends", "support_ends_at", VIEW_DAY},
};

#define PRODUCTS "/api/v1/products/"

RUN(product_list)
{
	static const struct view_column columns[] = {
	    {"PRODUCT", "name", VIEW_TEXT},
	    {"ABOUT", "about", VIEW_TEXT},
	    {"HARDWARE", "hardware", VIEW_LIST},
	    {"SUPPORT ENDS", "support_ends_at", VIEW_DAY},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/products", "", columns, N_ELEMS(columns),
			     "No products.", e);
}

RUN(product_show)
{
	(void)n_operands;
	(void)log;
	return view_get_one(values, PRODUCTS, operands[0], product_rows,
			    N_ELEMS(product_rows), e);
}

RUN(product_delete)
{
	(void)n_operands;
	(void)log;
	return api_about(values, "DELETE", PRODUCTS, operands[0], "", NULL, NULL, e);
}

static int set_end(struct json *body, const char *date, struct err *e)
{
	char text[TIME_TEXT_LEN + 1];
	int64_t at;

	if (date == NULL)
		return 0;
	if (text_format(text, sizeof(text), NULL, "%sT00:00:00Z", date) < 0 ||
	    time_parse(text, &at, NULL) < 0)
		return err_set(e, ERR_USAGE,
			       "--support-ends: \"%.40s\" is no day like "
			       "2030-12-31",
			       date);
	return json_set(body, "support_ends_at", json_new_int(at), e);
}

RUN(product_set)
{
	const struct ota *o = values;
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO_PTR(json) struct json *hardware = json_new_array();
	AUTO_PTR(json) struct json *product = NULL;

	(void)n_operands;
	(void)log;
	for (size_t i = 0; i < o->hardware.n_items; i++) {
		if (json_append(hardware, json_new_text(o->hardware.items[i]), e) < 0)
			return -1;
	}
	if (json_set(body, "hardware", TAKE(hardware), e) < 0 ||
	    (o->about != NULL &&
	     json_set(body, "about", json_new_text(o->about), e) < 0) ||
	    set_end(body, o->support_ends, e) < 0 ||
	    api_about(o, "PUT", PRODUCTS, operands[0], "", body, &product, e) < 0)
		return -1;
	return view_one(o, product, product_rows, N_ELEMS(product_rows), e);
}
