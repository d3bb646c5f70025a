/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that people give to releases.
 *
 * A firmware version is opaque: 1..64 bytes of [A-Za-z0-9._+~-]. Only the security
 * version decides whether something is a downgrade; version_compare() only sorts and
 * filters.
 */
#ifndef OTA_FORMAT_VERSION_H
#define OTA_FORMAT_VERSION_H

#include "../base/err.h"

#include <stdbool.h>

#define VERSION_MAX_LEN 64
#define PRODUCT_MAX_LEN 64  /* [a-z0-9][a-z0-9._-]* */
#define HARDWARE_MAX_LEN 32 /* [A-Za-z0-9][A-Za-z0-9._-]* */
#define MAX_HARDWARE 4
#define MAX_IMAGES 4
#define IMAGE_NAME_MAX_LEN 32 /* [a-z0-9][a-z0-9._-]*; names the partition of a slot */
#define MAX_FILES 8
#define FILE_NAME_MAX_LEN 64 /* [A-Za-z0-9_][A-Za-z0-9._+~-]* */

int version_check(const char *text, struct err *e) MUST_USE;
int product_check(const char *text, struct err *e) MUST_USE;
int hardware_check(const char *text, struct err *e) MUST_USE;
int image_name_check(const char *text, struct err *e) MUST_USE;
/* A name in a URL's path and in a directory: no "..", nothing hidden. */
int file_name_check(const char *text, struct err *e) MUST_USE;

/*
 * -1, 0, 1: SemVer 2.0 precedence, carried on to every version so that the order stays
 * transitive: CORE[-PRE][+BUILD], '~' as '-'. CORE goes by runs of digits and letters
 * (numbers by value, below letters; fewer is lower: "1.0" < "1.0.0"), a version with
 * PRE is below the one without, PRE goes by SemVer's rule, BUILD does not count: 0
 * means the same precedence, not the same text. Any two NUL-terminated texts may be
 * given.
 */
int version_compare(const char *a, const char *b);

/*
 * The same order as bytes: strcmp() of two keys has the sign of version_compare(), so a
 * database may sort and compare a column. "" has the key "" (absent, below all). The
 * key is printable ASCII where the version passes version_check(); ERR_FORMAT where it
 * does not.
 *
 *	CORE   a run of digits '1' LEN DIGITS, of letters '2' LETTERS, the end '0'
 *	PRE    none '9', else '1' and its identifiers: a number '1' LEN DIGITS,
 *	       a word '2' BYTES '!', the end '0'
 *	LEN    '0' + digits without leading zeros; a letter is above each tag, and each
 *	       byte of a word above '!', so that what is shorter is lower
 */
#define VERSION_KEY_MAX_LEN (3 * VERSION_MAX_LEN + 4)
int version_key(const char *version, char ret_key[VERSION_KEY_MAX_LEN + 1],
		struct err *e) MUST_USE;

#endif
