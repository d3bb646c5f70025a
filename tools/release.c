/* SPDX-License-Identifier: Apache-2.0 */
/* ota release list, ota release show */
#include "view.h"

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

RUN(release_show)
{
	static const struct view_column rows[] = {
	    {"release", "id", VIEW_TEXT},
	    {"product", "product", VIEW_TEXT},
	    {"version", "version", VIEW_TEXT},
	    {"state", "state", VIEW_TEXT},
	    {"withdrawn by", "withdrawn.by", VIEW_TEXT},
	    {"because", "withdrawn.reason", VIEW_TEXT},
	    {"withdrawn", "withdrawn.at", VIEW_TIME},
	    {"security version", "security_version", VIEW_TEXT},
	    {"security only", "security_only", VIEW_TEXT},
	    {"hardware", "hardware", VIEW_LIST},
	    {"size", "size", VIEW_SIZE},
	    {"published", "created_at", VIEW_TIME},
	    {"notes", "notes", VIEW_TEXT},
	};

	(void)n_operands;
	(void)log;
	return view_get_one(values, "/api/v1/releases/", operands[0], rows,
			    N_ELEMS(rows), e);
}
