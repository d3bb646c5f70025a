/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted once a minute. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_WATCH_H
#define OTA_SERVER_STORE_SQL_WATCH_H

/* Each from an index alone: device_seen, deployment_open; artifacts and deltas (in the
 * order of enum delta_progress) are few. */
/* clang-format off */
#define SQL_WATCH(X)                                                                   \
	X(WATCH_TOTALS,                                                                \
	  "SELECT (SELECT count(*) FROM device WHERE tenant = ?1 AND seen_at >= ?2), " \
	  "(SELECT count(*) FROM artifact WHERE tenant = ?1), "                        \
	  "(SELECT CAST(coalesce(sum(size), 0) AS INTEGER) FROM artifact "             \
	  "WHERE tenant = ?1), "                                                       \
	  "(SELECT count(*) FROM deployment WHERE tenant = ?1 AND state < 5), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 0), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 1), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 2), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 3), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 4), " \
	  "(SELECT count(*) FROM delta WHERE tenant = ?1 AND state = 5), " \
	  "u.n, u.saved FROM (SELECT CAST(coalesce(sum(x.n_used), 0) AS INTEGER) AS n, " \
	  "CAST(coalesce(sum(x.n_used * (t.head_size + t.body_size - x.head_size - " \
	  "x.body_size)), 0) AS INTEGER) AS saved FROM delta x JOIN release t " \
	  "ON t.tenant = x.tenant AND t.id = x.to_release WHERE x.tenant = ?1) u")
/* clang-format on */

#endif
