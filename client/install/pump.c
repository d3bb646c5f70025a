/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	  body          head                        head, groups         medium
 *	    |             |                              |                 |
 *	    v             v                              v                 v
 *	 [chunk] -> its hash holds -> [leaves] -> their group's holds   [old]
 *	                          \                     |               |
 *	                           -> decode -> [run] -> leaf holds -> differs -> write
 *
 * No byte reaches the decoder before its chunk's hash held, and no block reaches the
 * medium before its own hash held; the second would do alone, the first keeps hostile
 * bytes from the decoder.
 *
 * A chunk is not aligned to segments: one that ends in the next segment is kept until
 * that one has taken its part. When an install goes on at a segment, the bytes of its
 * first chunk that belong to the segment before are hashed with it and passed over.
 *
 * Nothing here is allocated after pump_new(): buffers of fixed size, and the decoder's
 * workspace.
 */
#include "pump.h"

#include "decode.h"

#include <string.h>

#define STEP_BYTES DEV_MAX_IO
#define LEAVES_BYTES (CONTAINER_MAX_SEGMENT_BLOCKS * SHA256_LEN)
#define NO_MAP SIZE_MAX

struct pump {
	struct pump_job job;
	const struct container_head *head; /* the job's */
	struct decoder *decoder;

	size_t chunk;	  /* index; n_chunks: all taken */
	size_t chunk_len; /* bytes collected */
	size_t chunk_pos; /* bytes consumed */
	bool chunk_ok;	  /* complete, and its hash held */

	size_t segment;	   /* index; n_segments: nothing left */
	size_t map;	   /* index of the one that is being read; or NO_MAP */
	size_t map_read;   /* of the one that the decoder has */
	bool started;	   /* the decoder knows of the segment or map */
	uint64_t taken;	   /* encoded bytes of it, leaves included */
	size_t leaves_len; /* bytes of its leaves collected */
	bool leaves_ok;
	bool pending;	    /* the decoder may hold output back */
	uint32_t n_written; /* blocks of it checked and written */
	uint64_t n_skipped;

	/* What was made: STEP_BYTES, of a delta a group. */
	uint8_t *run;
	size_t run_room;
	size_t run_len;	   /* bytes made */
	size_t run_hashed; /* of a group */
	bool run_ok;	   /* checked */
	size_t run_done;   /* bytes written */

	uint8_t chunk_data[CONTAINER_CHUNK];
	uint8_t leaves[LEAVES_BYTES]; /* of the segment; of a delta, of the run */
	uint8_t old[STEP_BYTES];
};

struct pump *pump_new(struct err *e)
{
	AUTO_PTR(pump) struct pump *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	p->decoder = decoder_new(e);
	return p->decoder != NULL ? TAKE(p) : NULL;
}

void pump_free(struct pump *p)
{
	if (p != NULL) {
		decoder_free(p->decoder);
		free(p->run);
	}
	free(p);
}

static const struct segment *current(const struct pump *p)
{
	return p->segment < p->head->n_segments ? &p->head->segments[p->segment] : NULL;
}

/* What is taken from the body: the segment, or the map before it. */
static const struct segment *source(const struct pump *p)
{
	return p->map != NO_MAP ? &p->head->segments[p->map] : current(p);
}

static bool is_delta(const struct pump *p)
{
	return p->head->kind == CONTAINER_DELTA;
}

/* The map of an image, which makes no blocks of its own. */
static size_t find_map(const struct pump *p, unsigned image)
{
	for (size_t i = 0; i < p->head->n_segments; i++) {
		const struct segment *s = &p->head->segments[i];

		if (s->image == image && (s->flags & SEG_MAP) != 0)
			return i;
	}
	return NO_MAP;
}

/* The next byte that is consumed stands there. What was collected of its chunk stays. */
static void seek(struct pump *p, uint64_t offset)
{
	size_t chunk = (size_t)(offset / CONTAINER_CHUNK);

	if (offset == p->head->body_size)
		chunk = p->head->n_chunks;
	if (chunk != p->chunk) {
		p->chunk = chunk;
		p->chunk_len = 0;
		p->chunk_ok = false;
	}
	p->chunk_pos = (size_t)(offset % CONTAINER_CHUNK);
}

/* The segment from its begin, its image's map first unless the decoder has it. */
static void start_segment(struct pump *p)
{
	const struct segment *s;

	while ((s = current(p)) != NULL && (s->flags & SEG_MAP) != 0)
		p->segment++;
	p->started = false;
	p->taken = 0;
	p->leaves_len = 0;
	p->leaves_ok = false;
	p->pending = false;
	p->n_written = 0;
	p->run_len = p->run_done = p->run_hashed = 0;
	p->run_ok = false;
	p->map = s != NULL ? find_map(p, s->image) : NO_MAP;
	if (p->map == p->map_read)
		p->map = NO_MAP;
	s = source(p);
	seek(p, s != NULL ? s->body_offset : p->head->body_size);
}

/* All memory for the job. */
static int reserve(struct pump *p, struct err *e)
{
	free(p->run);
	p->run_room = is_delta(p) ? VERITY_GROUP : STEP_BYTES;
	p->run = malloc(p->run_room);
	if (p->run == NULL)
		return err_nomem(e);
	return decoder_reserve(p->decoder, p->head, e);
}

int pump_start(struct pump *p, const struct pump_job *job, struct err *e)
{
	p->job = *job;
	p->head = job->head;
	p->segment = p->head->n_segments;
	p->map = p->map_read = NO_MAP;
	if (job->segment < p->head->n_segments && reserve(p, e) < 0)
		return -1;
	p->segment = job->segment;
	p->chunk = p->head->n_chunks;
	p->chunk_len = 0;
	p->chunk_ok = false;
	p->n_skipped = 0;
	start_segment(p);
	return 0;
}

uint64_t pump_body_offset(const struct pump *p)
{
	if (p->chunk >= p->head->n_chunks)
		return p->head->body_size;
	return (uint64_t)p->chunk * CONTAINER_CHUNK + p->chunk_len;
}

size_t pump_feed(struct pump *p, const void *data, size_t len)
{
	size_t room = container_chunk_len(p->head, p->chunk) - p->chunk_len;
	size_t n = len < room ? len : room;

	if (p->chunk_ok || n == 0)
		return 0;
	memcpy(p->chunk_data + p->chunk_len, data, n);
	p->chunk_len += n;
	return n;
}

static bool chunk_complete(const struct pump *p)
{
	return p->chunk < p->head->n_chunks &&
	       p->chunk_len == container_chunk_len(p->head, p->chunk);
}

static size_t output_len(const struct segment *s)
{
	return s->n_blocks * (size_t)VERITY_BLOCK;
}

/* Bytes that the segment has yet to make. */
static size_t output_left(const struct pump *p, const struct segment *s)
{
	return output_len(s) - p->n_written * (size_t)VERITY_BLOCK -
	       (p->run_len - p->run_done);
}

static bool run_is_due(const struct pump *p, const struct segment *s)
{
	return p->run_len > 0 && (p->run_len == p->run_room || output_left(p, s) == 0);
}

bool pump_segment_done(const struct pump *p)
{
	const struct segment *s = current(p);

	return s != NULL && p->map == NO_MAP && p->n_written == s->n_blocks &&
	       p->taken == s->body_size;
}

bool pump_is_hungry(const struct pump *p)
{
	const struct segment *s = source(p);

	if (s == NULL || (s->flags & SEG_ZERO) != 0 || p->pending ||
	    (p->map == NO_MAP && run_is_due(p, s)))
		return false;
	return p->taken < s->body_size && !chunk_complete(p);
}

static void next_chunk(struct pump *p)
{
	p->chunk++;
	p->chunk_len = 0;
	p->chunk_pos = 0;
	p->chunk_ok = false;
}

/* Consumes bytes of the chunk that was checked. */
static void consume(struct pump *p, size_t n)
{
	p->chunk_pos += n;
	p->taken += n;
	if (p->chunk_ok && p->chunk_pos == p->chunk_len)
		next_chunk(p);
}

/* What the chunk has for this segment. */
static size_t available(const struct pump *p, const struct segment *s)
{
	size_t here = p->chunk_ok ? p->chunk_len - p->chunk_pos : 0;
	uint64_t wanted = s->body_size - p->taken;

	return wanted < here ? (size_t)wanted : here;
}

/* The leaves against the head's groups, which lead to the signed root. */
static int check_leaves(struct pump *p, const struct segment *s, struct err *e)
{
	const struct container_image *image = &p->head->images[s->image];
	uint64_t n_image_blocks = verity_n_blocks(image->size);
	const uint8_t *want =
	    image->groups + s->first_block / VERITY_FANOUT * (size_t)SHA256_LEN;

	for (size_t i = 0; i < s->n_blocks; i += VERITY_FANOUT, want += SHA256_LEN) {
		size_t n =
		    s->n_blocks - i < VERITY_FANOUT ? s->n_blocks - i : VERITY_FANOUT;
		uint8_t group[SHA256_LEN];

		if (verity_group(image->salt, p->leaves + i * SHA256_LEN, n,
				 n_image_blocks, group, e) < 0)
			return -1;
		if (memcmp(group, want, SHA256_LEN) != 0)
			return err_set(e, ERR_DIGEST,
				       "its leaf hashes are not what was signed");
	}
	p->leaves_ok = true;
	return 0;
}

static int take_leaves(struct pump *p, const struct segment *s, struct err *e)
{
	size_t want = s->n_blocks * (size_t)SHA256_LEN - p->leaves_len;
	size_t have = available(p, s);
	size_t n = want < have ? want : have;

	memcpy(p->leaves + p->leaves_len, p->chunk_data + p->chunk_pos, n);
	p->leaves_len += n;
	consume(p, n);
	return n == want ? check_leaves(p, s, e) : 0;
}

/* At the last byte of a segment everything must fit. */
static int check_end(const struct pump *p, const struct segment *s, struct err *e)
{
	if (p->taken < s->body_size || p->pending)
		return 0;
	if (output_left(p, s) > 0 || !decoder_at_end(p->decoder))
		return err_set(e, ERR_FORMAT, "its data ends too early");
	return 0;
}

static int decode(struct pump *p, const struct segment *s, struct err *e)
{
	size_t left = output_left(p, s), room = p->run_room - p->run_len;
	struct decoder_io io = {.in = p->chunk_data + p->chunk_pos,
				.in_len = available(p, s),
				.out = p->run + p->run_len};

	room = room < STEP_BYTES ? room : STEP_BYTES;
	io.room = left < room ? left : room;
	if (decoder_run(p->decoder, &io, e) < 0)
		return -1;
	if (io.taken == 0 && io.made == 0 && io.in_len > 0)
		return err_set(e, ERR_FORMAT, "its data makes more than its blocks");
	p->pending = io.made > 0 && io.made == io.room && output_left(p, s) > io.made;
	p->run_len += io.made;
	consume(p, io.taken);
	return check_end(p, s, e);
}

/* The leaves of a segment of zeros, which a full payload does not carry. */
static int check_zero_leaves(struct pump *p, const struct segment *s, struct err *e)
{
	const uint8_t *salt = p->head->images[s->image].salt;

	if (verity_leaf(salt, p->run, p->leaves, e) < 0)
		return -1;
	for (size_t i = 1; i < s->n_blocks; i++)
		memcpy(p->leaves + i * SHA256_LEN, p->leaves, SHA256_LEN);
	return check_leaves(p, s, e);
}

static int make_zeros(struct pump *p, const struct segment *s, struct err *e)
{
	size_t left = output_left(p, s);

	p->run_len = left < p->run_room ? left : p->run_room;
	memset(p->run, 0, p->run_len);
	return is_delta(p) || p->leaves_ok ? 0 : check_zero_leaves(p, s, e);
}

static int check_blocks(struct pump *p, const struct segment *s, struct err *e)
{
	const uint8_t *salt = p->head->images[s->image].salt;

	for (size_t i = 0; i < p->run_len / VERITY_BLOCK; i++) {
		uint8_t leaf[SHA256_LEN];
		size_t at = p->n_written + i;

		if (verity_leaf(salt, p->run + i * VERITY_BLOCK, leaf, e) < 0)
			return -1;
		if (memcmp(leaf, p->leaves + at * SHA256_LEN, SHA256_LEN) != 0)
			return err_set(e, ERR_DIGEST,
				       "block %llu is not what was signed",
				       (unsigned long long)(s->first_block + at));
	}
	p->run_ok = true;
	return 0;
}

/* A delta carries no leaves: they are made here, a step at a time, and the group's hash
 * says whether all of them are right. Segments begin where groups do. */
static int check_group(struct pump *p, const struct segment *s, struct err *e)
{
	const struct container_image *image = &p->head->images[s->image];
	uint64_t block = s->first_block + p->n_written;
	size_t left = p->run_len - p->run_hashed, n = p->run_len / VERITY_BLOCK;
	uint8_t group[SHA256_LEN];

	left = left < STEP_BYTES ? left : STEP_BYTES;
	if (verity_leaves(image->salt, p->run + p->run_hashed, left / VERITY_BLOCK,
			  p->leaves + p->run_hashed / VERITY_BLOCK * SHA256_LEN, e) < 0)
		return -1;
	p->run_hashed += left;
	if (p->run_hashed < p->run_len)
		return 0;
	if (verity_group(image->salt, p->leaves, n, verity_n_blocks(image->size), group,
			 e) < 0)
		return -1;
	if (memcmp(group, image->groups + block / VERITY_FANOUT * SHA256_LEN,
		   SHA256_LEN) != 0)
		return err_set(
		    e, ERR_DIGEST, "blocks %llu to %llu are not what was signed",
		    (unsigned long long)block, (unsigned long long)(block + n - 1));
	p->run_ok = true;
	return 0;
}

/* Writes the blocks of the run that differ from what is on the medium, neighbours
 * together. The cache is not asked: it may still hold what an attempt before wrote and
 * the medium lost. What cannot be read differs: writing may well mend it. */
static int write_changed(struct pump *p, struct dev *d, uint64_t offset,
			 const uint8_t *run, size_t len, struct err *e)
{
	bool readable = dev_read_medium(d, offset, p->old, len, NULL) == 0;
	size_t from = 0; /* of a stretch to write */

	for (size_t at = 0; at <= len; at += VERITY_BLOCK) {
		bool end = at == len;
		bool same = !end && readable &&
			    memcmp(run + at, p->old + at, VERITY_BLOCK) == 0;

		if (!end && !same)
			continue;
		if (at > from &&
		    dev_write(d, offset + from, run + from, at - from, e) < 0)
			return -1;
		p->n_skipped += same;
		from = at + VERITY_BLOCK;
	}
	return 0;
}

static int write_run(struct pump *p, const struct segment *s, struct err *e)
{
	uint64_t block = s->first_block + p->n_written;
	size_t len = p->run_len - p->run_done;

	len = len < STEP_BYTES ? len : STEP_BYTES;
	if (write_changed(p, p->job.media[s->image], block * VERITY_BLOCK,
			  p->run + p->run_done, len, e) < 0)
		return -1;
	p->n_written += (uint32_t)(len / VERITY_BLOCK);
	p->run_done += len;
	if (p->run_done == p->run_len) {
		p->run_len = p->run_done = p->run_hashed = 0;
		p->run_ok = false;
	}
	return 0;
}

static int end_run(struct pump *p, const struct segment *s, struct err *e)
{
	if (!p->run_ok && (is_delta(p) ? check_group : check_blocks)(p, s, e) < 0)
		return -1;
	return p->run_ok ? write_run(p, s, e) : 0;
}

static int check_chunk(struct pump *p, struct err *e)
{
	if (container_check_chunk(p->head, p->chunk, p->chunk_data, p->chunk_len, e) <
	    0)
		return -1;
	p->chunk_ok = true;
	return 0;
}

static int read_map(struct pump *p, const struct segment *s, struct err *e)
{
	uint64_t size = verity_n_blocks(p->head->images[s->image].size) * VERITY_BLOCK;
	struct decoder_io io = {.in = p->chunk_data + p->chunk_pos,
				.in_len = available(p, s)};

	if (!p->started)
		decoder_start_map(p->decoder, (uint32_t)s->body_size, size,
				  &p->job.old[s->image]);
	p->started = true;
	if (decoder_run_map(p->decoder, &io, e) < 0)
		return -1;
	consume(p, io.taken);
	if (decoder_map_done(p->decoder) != (p->taken == s->body_size))
		return err_set(e, ERR_FORMAT, "its map does not end where it should");
	if (p->taken < s->body_size)
		return 0;
	p->map_read = p->map;
	start_segment(p);
	return 0;
}

static int decode_blocks(struct pump *p, const struct segment *s, struct err *e)
{
	if (!is_delta(p) && !p->leaves_ok)
		return take_leaves(p, s, e);
	if (!p->started && decoder_start(p->decoder, s, e) < 0)
		return -1;
	p->started = true;
	return decode(p, s, e);
}

static int step(struct pump *p, const struct segment *s, struct err *e)
{
	if (p->map == NO_MAP && run_is_due(p, s))
		return end_run(p, s, e);
	if ((s->flags & SEG_ZERO) != 0)
		return make_zeros(p, s, e);
	if (!p->chunk_ok && chunk_complete(p))
		return check_chunk(p, e);
	return p->map != NO_MAP ? read_map(p, s, e) : decode_blocks(p, s, e);
}

int pump_step(struct pump *p, struct err *e)
{
	const struct segment *s = source(p);

	if (s == NULL || pump_segment_done(p) || pump_is_hungry(p))
		return err_set(e, ERR_INTERNAL, "a step with nothing to do");
	if (step(p, s, e) < 0)
		return err_wrap(e, "segment %zu", (size_t)(s - p->head->segments));
	return 0;
}

size_t pump_segment(const struct pump *p)
{
	return p->segment;
}

void pump_next_segment(struct pump *p)
{
	p->segment++;
	start_segment(p);
}

uint64_t pump_body_checked(const struct pump *p)
{
	if (p->chunk >= p->head->n_chunks)
		return p->head->body_size;
	return (uint64_t)p->chunk * CONTAINER_CHUNK + (p->chunk_ok ? p->chunk_len : 0);
}

uint64_t pump_blocks_skipped(const struct pump *p)
{
	return p->n_skipped;
}

uint64_t pump_segment_blocks(const struct pump *p)
{
	return p->n_written;
}
