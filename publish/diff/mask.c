/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instruction set a block of 4 KiB holds is told by how frequent its most frequent
 * opcodes are; a wrong guess makes for worse pieces, not for wrong ones. The same bytes
 * are masked alike in both images, which is all that matters.
 */
#include "mask.h"

#include "../../common/base/bytes.h"
#include "../../common/delta/predict.h"

#include <string.h>

#define BLOCK 4096u

static bool looks_a64(const uint8_t *p, uint32_t len)
{
	static const uint8_t tops[] = {0x94, 0x97, 0xf9, 0xa9, 0x91, 0xd1, 0x52, 0xaa,
				       0x2a, 0xb9, 0x54, 0x34, 0x35, 0xb4, 0xb5, 0x14,
				       0x17, 0xd5, 0xd6, 0x71, 0xf1, 0xeb, 0x6b, 0x39,
				       0xb0, 0x90, 0xd0, 0xf0, 0xf8, 0xd2, 0x72};
	uint32_t n = 0;

	for (uint32_t i = 3; i < len; i += 4)
		n += memchr(tops, p[i], sizeof(tops)) != NULL;
	return n * 16 > len / 4 * 9;
}

static bool looks_a32(const uint8_t *p, uint32_t len)
{
	uint32_t n = 0;

	for (uint32_t i = 3; i < len; i += 4)
		n += p[i] >> 4 == 0xe;
	return n * 2 > len / 4;
}

static bool looks_thumb(const uint8_t *p, uint32_t len)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i + 4 <= len; i += 2)
		n += (load_le32(p + i) & 0xd000f800) == 0xd000f000;
	return n * 128 > len;
}

static bool looks_x86(const uint8_t *p, uint32_t len)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i + 1 < len; i++)
		n += p[i] == 0xe8 || (p[i] == 0x48 && (p[i + 1] & 0xfc) == 0x88) ||
		     p[i] == 0x0f || (p[i] == 0x48 && p[i + 1] == 0x8d);
	return n * 25 > len;
}

/* The low half of an address only counts as one soon after its page. */
static void mask_a64(uint8_t *p, uint32_t len, uint32_t pages[32])
{
	for (uint32_t i = 0; i + 4 <= len; i += 4) {
		uint32_t w = load_le32(p + i), base = w >> 5 & 31;

		if ((w & 0x7c000000) == 0x14000000) {
			store_le32(p + i, w & 0xfc000000);
		} else if ((w & 0x9f000000) == 0x90000000) {
			store_le32(p + i, w & 0x9f00001f);
			pages[w & 31] = i + 1;
		} else if (((w & 0xffc00000) == 0x91000000 ||
			    (w & 0x3b000000) == 0x39000000) &&
			   pages[base] != 0 && i + 1 - pages[base] <= 64) {
			store_le32(p + i, w & 0xffc003ff);
		}
	}
	memset(pages, 0, 32 * sizeof(*pages));
}

static void mask_a32(uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i + 4 <= len; i += 4) {
		if ((p[i + 3] & 0x0e) == 0x0a)
			memset(p + i, 0, 3);
	}
}

static void mask_thumb(uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i + 4 <= len; i += 2) {
		uint32_t w = load_le32(p + i);

		if ((w & 0x9000f800) != 0x9000f000)
			continue;
		store_le32(p + i, w & 0xd000f800);
		i += 2;
	}
}

static void mask_x86(uint8_t *p, uint32_t len, uint32_t size)
{
	for (uint32_t i = 3; i + 4 <= len; i++) {
		uint32_t v = load_le32(p + i);

		if (!predict_x86_displaces(p + i) || (v > size && 0 - v > size))
			continue;
		memset(p + i, 0, 4);
		i += 3;
	}
}

void mask_references(uint8_t *data, uint32_t size)
{
	uint32_t pages[32] = {0};

	for (uint32_t at = 0; at < size; at += BLOCK) {
		uint32_t len = size - at < BLOCK ? size - at : BLOCK;

		if (len < 64)
			break;
		if (looks_a32(data + at, len))
			mask_a32(data + at, len);
		else if (looks_a64(data + at, len))
			mask_a64(data + at, len, pages);
		else if (looks_thumb(data + at, len))
			mask_thumb(data + at, len);
		else if (looks_x86(data + at, len))
			mask_x86(data + at, len, size);
	}
}
