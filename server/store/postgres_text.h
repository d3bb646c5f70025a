/* SPDX-License-Identifier: Apache-2.0 */
/* From the dialect of sql.h to what PostgreSQL reads, word by word. */
#ifndef OTA_SERVER_STORE_POSTGRES_TEXT_H
#define OTA_SERVER_STORE_POSTGRES_TEXT_H

#include "../../common/base/buf.h"

enum sql_part {
	SQL_PART_STATEMENT,
	SQL_PART_SCHEMA /* columns of TEXT are ordered by bytes */
};

/* Adds the translation to ret. ERR_FORMAT: a string or a comment that does not end. */
int postgres_translate(const char *sql, enum sql_part part, struct buf *ret,
		       struct err *e) MUST_USE;

#endif
