/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-endian loads and stores, and arithmetic that refuses to wrap.
 *
 * On-disk formats are read and written field by field with these, never by
 * casting a struct: the same bytes on every machine, whatever its byte order,
 * alignment or padding.
 */
#ifndef OTA_BASE_BYTES_H
#define OTA_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)load_le16(p) | (uint32_t)load_le16(p + 2) << 16;
}

static inline uint64_t load_le64(const uint8_t *p)
{
	return (uint64_t)load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static inline void store_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
	store_le16(p, (uint16_t)v);
	store_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void store_le64(uint8_t *p, uint64_t v)
{
	store_le32(p, (uint32_t)v);
	store_le32(p + 4, (uint32_t)(v >> 32));
}

/* True and *ret = a op b, or false if the result does not fit. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static inline uint64_t div_up_u64(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* CRC-32 (IEEE 802.3, reflected, as zlib's), over len bytes. */
uint32_t crc32_ieee(const void *data, size_t len);

#endif
