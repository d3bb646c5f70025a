/* SPDX-License-Identifier: Apache-2.0 */
/* How a rollout's evidence grew. The dialect is described in sql.h. */
#ifndef OTA_SERVER_STORE_SQL_FAILURE_H
#define OTA_SERVER_STORE_SQL_FAILURE_H

/* clang-format off */
#define SQL_FAILURE(X)                                                                 \
	/* Whoever left is no evidence; who is absent was never offered it. */         \
	X(EVIDENCE_LIST,                                                               \
	  "SELECT m.wave, 0, (m.offered_at - ?3) / ?4, count(*) "                      \
	  "FROM rollout_member m WHERE m.tenant = ?1 AND m.rollout = ?2 "              \
	  "AND m.offered_at > 0 AND m.status BETWEEN 1 AND 7 GROUP BY 1, 3 "           \
	  "UNION ALL "                                                                 \
	  "SELECT m.wave, m.status, ((CASE m.status WHEN 7 THEN m.offered_at "         \
	  "ELSE p.updated_at END) - ?3) / ?4, count(*) "                               \
	  "FROM rollout_member m JOIN deployment p "                                   \
	  "ON p.tenant = m.tenant AND p.id = m.deployment "                            \
	  "WHERE m.tenant = ?1 AND m.rollout = ?2 AND m.offered_at > 0 "               \
	  "AND m.status BETWEEN 2 AND 7 GROUP BY 1, 2, 3 ORDER BY 1, 3")
/* clang-format on */

#endif
