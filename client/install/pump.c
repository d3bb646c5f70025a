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
 * An unwrapped image's segments make its new view; what the packer makes of that is
 * collected to groups and written as soon as one is complete, whatever the segments'
 * borders:
 *
 *	[chunk] -> decode (reads the old view) -> [view] -> pack -> [run] -> as above
 *
 * Nothing here is allocated after pump_start(), but for the plan of such an image and
 * what it declares.
 */
#include "pump.h"

#include "decode.h"
#include "unwrap.h"

#include <string.h>

#define STEP_BYTES DEV_MAX_IO
#define LEAVES_BYTES (CONTAINER_MAX_SEGMENT_BLOCKS * SHA256_LEN)
#define NONE SIZE_MAX

struct pump {
	struct pump_job job;
	const struct container_head *head; /* the job's */
	struct decoder *decoder;

	size_t chunk;	  /* index; n_chunks: all taken */
	size_t chunk_len; /* bytes collected */
	size_t chunk_pos; /* bytes consumed */
	bool chunk_ok;	  /* complete, and its hash held */

	unsigned image;	   /* of the segment */
	uint64_t block;	   /* of the image: the next to be written */
	size_t segment;	   /* index; n_segments: nothing left */
	size_t lead;	   /* index of the plan or map that is read before; or NONE */
	size_t plan_read;  /* of the one that `wrap` is made of */
	size_t map_read;   /* of the one that the decoder has */
	bool started;	   /* the decoder knows of the segment or map */
	uint64_t taken;	   /* encoded bytes of it, leaves included */
	size_t leaves_len; /* bytes of its leaves collected */
	bool leaves_ok;
	bool pending;	    /* the decoder may hold output back */
	size_t made;	    /* bytes that the decoder made of it */
	uint32_t n_written; /* blocks checked and written since its begin */
	uint64_t n_skipped;

	/* What was made: STEP_BYTES, of a delta a group. */
	uint8_t *run;
	size_t run_room;
	size_t run_len;	   /* bytes made */
	size_t run_hashed; /* of a group */
	bool run_ok;	   /* checked */
	size_t run_done;   /* bytes written */

	/* Of an unwrapped image: */
	struct buf plan; /* as far as it was read */
	struct recode_wrap *wrap;
	uint8_t *view; /* STEP_BYTES */

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
		recode_wrap_free(p->wrap);
		buf_fini(&p->plan);
		free(p->run);
		free(p->view);
	}
	free(p);
}

static const struct segment *current(const struct pump *p)
{
	return p->segment < p->head->n_segments ? &p->head->segments[p->segment] : NULL;
}

/* What is taken from the body: the segment, or what is read before it. */
static const struct segment *source(const struct pump *p)
{
	return p->lead != NONE ? &p->head->segments[p->lead] : current(p);
}

static bool is_delta(const struct pump *p)
{
	return p->head->kind == CONTAINER_DELTA;
}

/* The plan or the map of the segment's image, if it has to be read before. */
static size_t find_lead(const struct pump *p, const struct segment *s)
{
	const struct segment *all = p->head->segments;

	for (size_t i = 0; all + i < s; i++) {
		if (all[i].image == s->image && all[i].n_blocks == 0 &&
		    i != p->plan_read && i != p->map_read)
			return i;
	}
	return NONE;
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

static bool is_lead(const struct segment *s)
{
	return s->n_blocks == 0;
}

static void enter_image(struct pump *p, unsigned image)
{
	recode_wrap_free(TAKE(p->wrap));
	p->plan_read = p->map_read = NONE;
	p->image = image;
	p->block = 0;
}

/* The segment from its begin; what is to be read before it first. */
static void start_segment(struct pump *p)
{
	const struct segment *s;

	while ((s = current(p)) != NULL && is_lead(s))
		p->segment++;
	if (s != NULL && s->image != p->image)
		enter_image(p, s->image);
	p->lead = s != NULL ? find_lead(p, s) : NONE;
	if (s != NULL && container_plan(p->head, p->image) == NULL)
		p->block = s->first_block;
	p->started = false;
	p->taken = 0;
	p->leaves_len = 0;
	p->leaves_ok = false;
	p->pending = false;
	p->made = 0;
	p->n_written = 0;
	s = source(p);
	seek(p, s != NULL ? s->body_offset : p->head->body_size);
}

/* All memory for the job. */
static int reserve(struct pump *p, struct err *e)
{
	free(p->run);
	free(TAKE(p->view));
	p->run_room = is_delta(p) ? VERITY_GROUP : STEP_BYTES;
	p->run = malloc(p->run_room);
	if (p->run == NULL)
		return err_nomem(e);
	if ((p->head->codecs & 1u << CODEC_PLAN) != 0) {
		p->view = malloc(STEP_BYTES);
		if (p->view == NULL)
			return err_nomem(e);
	}
	return decoder_reserve(p->decoder, p->head, e);
}

/* The image's segment that makes this block, of it or its view, or that with which a
 * delta's decoder has to begin to make it. */
static size_t find_segment(const struct pump *p, uint64_t block)
{
	const struct segment *all = p->head->segments;
	size_t i = 0;

	while (all[i].image != p->image || is_lead(&all[i]) ||
	       all[i].first_block + all[i].n_blocks <= block)
		i++;
	while ((all[i].flags & SEG_CONTINUES) != 0)
		i--;
	return i;
}

/* Where to go on with so many blocks of the release on the medium; returns how many of
 * them count. Of an unwrapped image that is for its plan to say. */
static uint64_t find_place(struct pump *p, uint64_t blocks)
{
	const struct container_head *h = p->head;
	uint64_t begin = 0;
	unsigned image = 0;

	while (image < h->n_images &&
	       blocks - begin >= verity_n_blocks(h->images[image].size))
		begin += verity_n_blocks(h->images[image++].size);
	enter_image(p, image);
	p->segment = h->n_segments;
	if (image == h->n_images)
		return blocks;
	if (container_plan(h, image) != NULL) {
		p->segment = find_segment(p, 0);
		p->block = (blocks - begin) / VERITY_FANOUT * VERITY_FANOUT;
		return begin + p->block;
	}
	p->segment = find_segment(p, blocks - begin);
	return begin + h->segments[p->segment].first_block;
}

int pump_start(struct pump *p, const struct pump_job *job, uint64_t *ret_blocks,
	       struct err *e)
{
	p->job = *job;
	p->head = job->head;
	p->run_len = p->run_done = p->run_hashed = 0;
	p->run_ok = false;
	*ret_blocks = find_place(p, job->blocks);
	if (!pump_is_done(p) && reserve(p, e) < 0)
		return -1;
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
	return output_len(s) - p->made;
}

static bool run_is_due(const struct pump *p, const struct segment *s)
{
	return p->lead == NONE && p->wrap == NULL && p->run_len > 0 &&
	       (p->run_len == p->run_room || output_left(p, s) == 0);
}

bool pump_segment_done(const struct pump *p)
{
	const struct segment *s = current(p);

	if (s == NULL || p->lead != NONE || p->taken < s->body_size)
		return false;
	return p->wrap != NULL ? output_left(p, s) == 0 : p->n_written == s->n_blocks;
}

bool pump_is_hungry(const struct pump *p)
{
	const struct segment *s = source(p);

	if (s == NULL || (s->flags & SEG_ZERO) != 0 || p->pending || run_is_due(p, s))
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

/* Where the decoder puts what it makes next. */
static uint8_t *output(const struct pump *p, const struct segment *s, size_t *ret_room)
{
	size_t left = output_left(p, s);
	size_t room = p->wrap != NULL ? STEP_BYTES : p->run_room - p->run_len;

	room = room < STEP_BYTES ? room : STEP_BYTES;
	*ret_room = left < room ? left : room;
	return p->wrap != NULL ? p->view : p->run + p->run_len;
}

/* It has put so much there. */
static int take_output(struct pump *p, const struct segment *s, size_t n, struct err *e)
{
	uint64_t view_at = s->first_block * VERITY_BLOCK + p->made;
	const struct segment *next = s + 1;

	p->made += n;
	if (p->wrap == NULL) {
		p->run_len += n;
		return 0;
	}
	if (recode_wrap_add(p->wrap, view_at, p->view, n, e) < 0)
		return -1;
	if (n == 0 || output_left(p, s) > 0 ||
	    (next < p->head->segments + p->head->n_segments && next->image == s->image))
		return 0;
	return recode_wrap_end(p->wrap, e);
}

static int decode(struct pump *p, const struct segment *s, struct err *e)
{
	struct decoder_io io = {.in = p->chunk_data + p->chunk_pos,
				.in_len = available(p, s)};

	io.out = output(p, s, &io.room);
	if (decoder_run(p->decoder, &io, e) < 0)
		return -1;
	if (io.taken == 0 && io.made == 0 && io.in_len > 0)
		return err_set(e, ERR_FORMAT, "its data makes more than its blocks");
	p->pending = io.made > 0 && io.made == io.room && output_left(p, s) > io.made;
	consume(p, io.taken);
	if (take_output(p, s, io.made, e) < 0)
		return -1;
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
	size_t n;
	uint8_t *to = output(p, s, &n);

	memset(to, 0, n);
	if (!is_delta(p) && !p->leaves_ok && check_zero_leaves(p, s, e) < 0)
		return -1;
	return take_output(p, s, n, e);
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
 * says whether all of them are right. Runs begin where groups do. */
static int check_group(struct pump *p, struct err *e)
{
	const struct container_image *image = &p->head->images[p->image];
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
	if (memcmp(group, image->groups + p->block / VERITY_FANOUT * SHA256_LEN,
		   SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "blocks %llu to %llu are not what was signed",
			       (unsigned long long)p->block,
			       (unsigned long long)(p->block + n - 1));
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

static int write_run(struct pump *p, struct err *e)
{
	size_t len = p->run_len - p->run_done;

	len = len < STEP_BYTES ? len : STEP_BYTES;
	if (write_changed(p, p->job.media[p->image], p->block * VERITY_BLOCK,
			  p->run + p->run_done, len, e) < 0)
		return -1;
	p->n_written += (uint32_t)(len / VERITY_BLOCK);
	p->block += len / VERITY_BLOCK;
	p->run_done += len;
	if (p->run_done == p->run_len) {
		p->run_len = p->run_done = p->run_hashed = 0;
		p->run_ok = false;
	}
	return 0;
}

static int end_run(struct pump *p, const struct segment *s, struct err *e)
{
	if (!p->run_ok && (is_delta(p) ? check_group(p, e) : check_blocks(p, s, e)) < 0)
		return -1;
	return p->run_ok ? write_run(p, e) : 0;
}

/* From the packer, which holds nothing back: a whole group is written at once. */
static int put_image(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct pump *p = ctx;
	uint64_t size = verity_n_blocks(p->head->images[p->image].size) * VERITY_BLOCK;

	while (len > 0) {
		size_t n = p->run_room - p->run_len;
		bool is_full;

		n = n < len ? n : len;
		memcpy(p->run + p->run_len, data, n);
		p->run_len += n;
		data += n;
		len -= n;
		is_full = p->run_len == p->run_room ||
			  p->block * VERITY_BLOCK + p->run_len == size;
		while (is_full && p->run_len > 0) {
			if (end_run(p, NULL, e) < 0)
				return -1;
		}
	}
	return 0;
}

static int check_chunk(struct pump *p, struct err *e)
{
	if (container_check_chunk(p->head, p->chunk, p->chunk_data, p->chunk_len, e) <
	    0)
		return -1;
	p->chunk_ok = true;
	return 0;
}

/* The old image as the decoder reads it. */
static struct delta_source old_of(const struct pump *p)
{
	if (p->wrap == NULL)
		return p->job.old[p->image];
	return (struct delta_source){recode_wrap_read, p->wrap,
				     recode_wrap_old_size(p->wrap)};
}

static int read_map(struct pump *p, const struct segment *s, struct err *e)
{
	uint64_t size = container_made_blocks(p->head, p->image) * VERITY_BLOCK;
	const struct delta_source old = old_of(p);
	struct decoder_io io = {.in = p->chunk_data + p->chunk_pos,
				.in_len = available(p, s)};

	if (!p->started)
		decoder_start_map(p->decoder, (uint32_t)s->body_size, size, &old);
	p->started = true;
	if (decoder_run_map(p->decoder, &io, e) < 0)
		return -1;
	consume(p, io.taken);
	if (decoder_map_done(p->decoder) != (p->taken == s->body_size))
		return err_set(e, ERR_FORMAT, "its map does not end where it should");
	if (p->taken < s->body_size)
		return 0;
	p->map_read = p->lead;
	start_segment(p);
	return 0;
}

/* The plan is known: it says what is made again for the next block. */
static int open_wrap(struct pump *p, struct err *e)
{
	const struct unwrap_spec spec = {.plan = p->plan.data,
					 .plan_len = p->plan.len,
					 .means = &p->job.unwrap,
					 .old = &p->job.old[p->image],
					 .scratch = p->job.scratch,
					 .out = {put_image, p},
					 .new_size = p->head->images[p->image].size};
	uint64_t made = container_made_blocks(p->head, p->image) * VERITY_BLOCK;
	uint64_t view_at;

	if (unwrap_open(&spec, &p->wrap, e) < 0)
		return -1;
	if (recode_wrap_new_size(p->wrap) != made)
		return err_set(e, ERR_FORMAT, "its plan is not that of its segments");
	if (recode_wrap_seek(p->wrap, p->block * VERITY_BLOCK, &view_at, e) < 0)
		return -1;
	p->plan_read = p->lead;
	p->segment = find_segment(p, view_at / VERITY_BLOCK);
	start_segment(p);
	return 0;
}

static int read_plan(struct pump *p, const struct segment *s, struct err *e)
{
	size_t n = available(p, s);
	int result;

	if (!p->started) {
		buf_fini(&p->plan);
		buf_init(&p->plan, RECODE_PLAN_MAX_BYTES);
		if (s->body_size > p->job.unwrap.limit.memory_bytes)
			return err_set(e, ERR_LIMIT,
				       "its unwrapping plan has %llu bytes",
				       (unsigned long long)s->body_size);
	}
	p->started = true;
	if (buf_add(&p->plan, p->chunk_data + p->chunk_pos, n, e) < 0)
		return -1;
	consume(p, n);
	if (p->taken < s->body_size)
		return 0;
	result = open_wrap(p, e);
	buf_fini(&p->plan);
	return result;
}

static int read_lead(struct pump *p, const struct segment *s, struct err *e)
{
	return s->codec == CODEC_PLAN ? read_plan(p, s, e) : read_map(p, s, e);
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
	if (run_is_due(p, s))
		return end_run(p, s, e);
	if ((s->flags & SEG_ZERO) != 0)
		return make_zeros(p, s, e);
	if (!p->chunk_ok && chunk_complete(p))
		return check_chunk(p, e);
	return p->lead != NONE ? read_lead(p, s, e) : decode_blocks(p, s, e);
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

unsigned pump_image(const struct pump *p)
{
	return p->image;
}

bool pump_is_done(const struct pump *p)
{
	return p->segment >= p->head->n_segments;
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
