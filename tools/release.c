/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

const struct option release_list_options[] = {
    OPTIONS_SERVER,
    OPTION_END,
};

RUN(release_list)
{
	static const struct view_column columns[] = {
	    {"ID", "id", VIEW_TEXT},
	    {"PRODUCT", "product", VIEW_TEXT},
	    {"VERSION", "version", VIEW_TEXT},
	    {"SECURITY", "security_version", VIEW_TEXT},
	    {"HARDWARE", "hardware", VIEW_LIST},
	    {"SIZE", "size", VIEW_SIZE},
	    {"STATE", "state", VIEW_TEXT},
	    {"PUBLISHED", "created_at", VIEW_TIME},
	};

	(void)n_operands;
	(void)operands;
	(void)log;
	return view_get_list(values, "/api/v1/releases", "", columns, N_ELEMS(columns),
			     "No releases yet.", e);
}
