/* SPDX-License-Identifier: Apache-2.0 */
/* ota delta list: what the server makes by itself. */
#include "view.h"

const struct option delta_list_options[] = {
    {NULL, "product", OPT_TEXT, AT(product), NULL, "PRODUCT", "Only of this product"},
    OPTIONS_SERVER,
    OPTION_END,
};

RUN(delta_list)
{
	static const struct view_column columns[] = {
	    {"DELTA", "id", VIEW_TEXT},		 {"PRODUCT", "product", VIEW_TEXT},
	    {"FROM", "from_version", VIEW_TEXT}, {"TO", "to_version", VIEW_TEXT},
	    {"UNWRAPS", "unwraps", VIEW_TEXT},	 {"STATE", "state", VIEW_TEXT},
	    {"SIZE", "size", VIEW_SIZE},	 {"FULL", "full_size", VIEW_SIZE},
	    {"MADE", "made_at", VIEW_TIME},	 {"USED", "devices", VIEW_TEXT},
	    {"SAVED", "saved", VIEW_SIZE},	 {"DETAIL", "detail", VIEW_TEXT},
	};
	const struct ota *o = values;
	AUTO(buf) struct buf query = BUF_INIT(1024);

	(void)n_operands;
	(void)operands;
	(void)log;
	if (o->product != NULL && (buf_add_str(&query, "&product=", e) < 0 ||
				   api_escape(&query, o->product, e) < 0))
		return -1;
	return view_get_list(o, "/api/v1/deltas", buf_str(&query), columns,
			     N_ELEMS(columns), "No deltas.", e);
}
