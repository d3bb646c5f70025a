/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#define POLY_REFLECTED 0xedb88320u

/* Bit by bit: it guards records of 512 bytes, where a table would be larger
 * than what it saves. */
uint32_t crc32_ieee(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (POLY_REFLECTED & (0u - (crc & 1u)));
	}
	return ~crc;
}
