/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and queries (RFC 3986), decoded strictly. Pure functions. */
#ifndef OTA_HTTP_URI_H
#define OTA_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#define URI_MAX_QUERY 4096u

/*
 * Decodes %XX in text[0..len) to ret_text (room for len + 1), NUL-terminated; with
 * `plus`, '+' is a blank. False on a malformed escape, a control character (NUL first
 * of all) or what is not UTF-8: a decoded text is always fit for a C string, a log and
 * JSON.
 */
bool uri_decode(const char *text, size_t len, bool plus, char *ret_text);

/*
 * Decodes one segment of a path. False also for "", ".", ".." and for an encoded '/' or
 * '\': no decoded segment can become another path.
 */
bool uri_decode_segment(const char *text, size_t len, char *ret_text);

/*
 * Finds `name` in a query ("a=1&b=two%20words", without '?'). 1: ret_value (room for
 * strlen(query) + 1) is its decoded value; 0: it is not there; -1: it is there twice or
 * malformed.
 */
int uri_query_get(const char *query, const char *name, char *ret_value);

/* True if it is at most URI_MAX_QUERY long, every value decodes, names are plain and
 * none comes twice. */
bool uri_query_is_good(const char *query);

#endif
