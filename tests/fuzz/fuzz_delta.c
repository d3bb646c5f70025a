/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any map and any segment, over an old image of 10,000 bytes: the decoder makes at most
 * what it declares, reads only what there is, and stops. The first bytes say the counts
 * of the head and how the rest is divided; the input also goes in as a head by itself.
 */
#include "../../common/base/bytes.h"
#include "../../common/delta/delta.h"

#include <stdlib.h>
#include <string.h>

#define OLD_SIZE 10000u
#define OUT_SIZE 20000u

static int read_old(void *ctx, void *ret_data, size_t len, uint64_t offset,
		    struct err *e)
{
	uint8_t *to = ret_data;

	(void)ctx;
	(void)e;
	if (offset > OLD_SIZE || len > OLD_SIZE - offset)
		abort();
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)((offset + i) * 7 ^ (offset + i) >> 5);
	return 0;
}

static void try_head(const uint8_t *data, size_t size)
{
	uint8_t back[DELTA_HEAD_LEN];
	struct delta_head h;

	if (size < DELTA_HEAD_LEN || delta_head_parse(data, &h, NULL) < 0)
		return;
	delta_head_write(&h, back);
	if (memcmp(back, data, DELTA_HEAD_LEN) != 0)
		abort();
}

static int read_map(struct delta *d, const struct delta_head *h, const uint8_t *data,
		    size_t len)
{
	uint8_t head[DELTA_HEAD_LEN];
	struct delta_io io = {.in = head, .in_len = sizeof(head)};

	delta_head_write(h, head);
	if (delta_read_map(d, &io, NULL) < 0)
		return -1;
	io = (struct delta_io){.in = data, .in_len = len};
	if (delta_read_map(d, &io, NULL) < 0 || !delta_map_done(d))
		return -1;
	return 0;
}

static void run(struct delta *d, const uint8_t *data, size_t len)
{
	const struct delta_segment s = {0, OUT_SIZE, (uint32_t)len, false};
	uint8_t *out = malloc(OUT_SIZE);
	struct delta_io io = {.in = data, .in_len = len, .out = out, .room = OUT_SIZE};

	if (out == NULL || delta_start(d, &s, NULL) < 0)
		abort();
	if (delta_run(d, &io, NULL) == 0 && !delta_segment_done(d))
		abort();
	if (io.made > OUT_SIZE || io.taken > len)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct delta_source old = {read_old, NULL, OLD_SIZE};
	struct delta_head h = {
	    .old_size = OLD_SIZE, .new_size = OUT_SIZE, .window = 4096};
	size_t map_len;
	struct delta *d;

	try_head(data, size);
	if (size < 4)
		return 0;
	h.n_rows = data[0] & 7;
	h.n_pieces = data[1];
	map_len = load_le16(data + 2);
	data += 4;
	size -= 4;
	map_len = map_len < size ? map_len : size;
	h.map_size = DELTA_HEAD_LEN + (uint32_t)map_len;
	h.memory = delta_head_memory(&h);
	d = delta_new(&h, UINT64_MAX, &old, NULL);
	if (d == NULL)
		abort();
	if (read_map(d, &h, data, map_len) == 0)
		run(d, data + map_len, size - map_len);
	delta_free(d);
	return 0;
}
