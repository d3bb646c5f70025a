/* SPDX-License-Identifier: Apache-2.0 */
/* Text to values and back: strict, bounded, without locale. */
#ifndef OTA_BASE_TEXT_H
#define OTA_BASE_TEXT_H

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes 2 * len lower-case digits and a NUL to ret_text. */
void hex_encode(const uint8_t *data, size_t len, char *ret_text);

/* 0..15, or -1 if c is no hexadecimal digit of either case. */
int hex_digit(char c);

/* Exactly 2 * len digits of either case, nothing else. */
int hex_decode(const char *text, uint8_t *ret_data, size_t len, struct err *e) MUST_USE;

/* Base64url without padding (RFC 4648 section 5). ret_text needs BASE64URL_LEN(len)
 * + 1. */
#define BASE64URL_LEN(len) (((len)*4 + 2) / 3)
void base64url_encode(const uint8_t *data, size_t len, char *ret_text);

/* Decimal digits only; no sign, no blanks, no overflow. */
int parse_u64(const char *text, uint64_t *ret_value, struct err *e) MUST_USE;

/* "64KiB", "10MiB", "1GiB", "512" -> bytes. */
int parse_size(const char *text, uint64_t *ret_bytes, struct err *e) MUST_USE;

/* "250ms", "30s", "5m", "2h", "90d" -> milliseconds. A bare number is refused. */
int parse_duration(const char *text, uint64_t *ret_ms, struct err *e) MUST_USE;

/* "yes|no|true|false|on|off|1|0". */
int parse_bool(const char *text, bool *ret_value, struct err *e) MUST_USE;

/* snprintf that refuses to cut: ERR_LIMIT names what did not fit. */
int text_format(char *ret_text, size_t room, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(4, 5) MUST_USE;

/* Copies text into a fixed field; ERR_LIMIT names `what` if it does not fit. */
int text_copy(char *ret_text, size_t room, const char *text, const char *what,
	      struct err *e) MUST_USE;

/* True if text is 1..max_len bytes of [A-Za-z0-9] and the characters in `more`. */
bool text_is_name(const char *text, size_t max_len, const char *more);

bool text_ends_with(const char *text, const char *end);

/* Length of the well-formed UTF-8 sequence (RFC 3629) at data, of which len > 0 bytes may
 * be read; 0 if there is none. */
size_t utf8_len(const uint8_t *data, size_t len);

/* UTC ms <-> "2026-11-23T14:41:07Z" (RFC 3339, seconds; TUF's form). */
#define TIME_TEXT_LEN 20
void time_format(int64_t utc_ms, char ret_text[TIME_TEXT_LEN + 1]);
int time_parse(const char *text, int64_t *ret_utc_ms, struct err *e) MUST_USE;

/* "1.2 MiB", "340 B": for people. */
void size_format(uint64_t bytes, char *ret_text, size_t room);

#endif
