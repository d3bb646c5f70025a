/* SPDX-License-Identifier: Apache-2.0 */
/* A small fleet in a store, and selections from it. */
#ifndef OTA_TESTS_FLEET_FIXTURE_H
#define OTA_TESTS_FLEET_FIXTURE_H

#include "store_fixture.h"

#define NOW INT64_C(1795500000000)
#define HOUR INT64_C(3600000)

void parse(const char *text, struct filter *ret);
const char *select_ids(struct store *s, const char *filter, const char *sort,
		       unsigned limit);
void must_select(struct store *s, const char *filter, const char *ids);
struct device_count count_of(struct store *s, const char *filter);
void patch(struct store *s, const char *id, const char *site, const char *tags,
	   enum pin pin);
void report(struct store *s, const char *id, const char *product, const char *version,
	    const char *key, const char *value);
void seen(struct store *s, const char *id, int64_t at);
void put_group(struct store *s, const char *name, const char *rule,
	       enum err_code expected);
void change_members(struct store *s, const char *group, const char *device,
		    bool remove);
void five_devices(struct store *s);

#endif
