/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <string.h>

/* For a decoder in memory of our own: it then cannot allocate, whatever a frame says.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

struct decoder {
	enum codec codec;
	bool frame_ended;
	ZSTD_DCtx *zstd; /* lives in workspace */
	void *workspace;

	void *memory; /* of the delta's decoder, which lives in it */
	size_t memory_len;
	struct delta *delta; /* NULL: no map was begun */
	struct delta_source old;
	uint64_t new_size;
	uint32_t map_size;
	uint8_t map_head[DELTA_HEAD_LEN];
	size_t map_head_len;
};

struct decoder *decoder_new(struct err *e)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d == NULL)
		(void)err_nomem(e);
	return d;
}

static void give_back(struct decoder *d)
{
	free(d->workspace);
	free(d->memory);
	*d = (struct decoder){0};
}

void decoder_free(struct decoder *d)
{
	if (d != NULL)
		give_back(d);
	free(d);
}

static int reserve_zstd(struct decoder *d, struct err *e)
{
	size_t size = ZSTD_estimateDStreamSize((size_t)1 << CONTAINER_WINDOW_LOG);
	size_t code;

	d->workspace = malloc(size);
	if (d->workspace == NULL)
		return err_nomem(e);
	d->zstd = ZSTD_initStaticDStream(d->workspace, size);
	if (d->zstd == NULL)
		return err_set(e, ERR_INTERNAL, "zstd: %zu bytes are not enough", size);
	code =
	    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, CONTAINER_WINDOW_LOG);
	if (ZSTD_isError(code))
		return err_set(e, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(code));
	return 0;
}

int decoder_reserve(struct decoder *d, const struct container_head *h, struct err *e)
{
	give_back(d);
	if ((h->codecs & 1u << CODEC_ZSTD) != 0 && reserve_zstd(d, e) < 0)
		return -1;
	if ((h->codecs & 1u << CODEC_DELTA) == 0)
		return 0;
	if (h->memory > SIZE_MAX || (d->memory = malloc((size_t)h->memory)) == NULL)
		return err_nomem(e);
	d->memory_len = (size_t)h->memory;
	return 0;
}

/* ---- the map ---- */

void decoder_start_map(struct decoder *d, uint32_t map_size, uint64_t new_size,
		       const struct delta_source *old)
{
	d->delta = NULL;
	d->old = *old;
	d->map_size = map_size;
	d->new_size = new_size;
	d->map_head_len = 0;
}

static int place(struct decoder *d, struct err *e)
{
	struct delta_io io = {.in = d->map_head, .in_len = sizeof(d->map_head)};
	struct delta_head h;

	if (delta_head_parse(d->map_head, &h, e) < 0)
		return -1;
	if (h.map_size != d->map_size || h.new_size != d->new_size)
		return err_set(e, ERR_FORMAT, "the map is not of this image");
	d->delta = delta_place(d->memory, d->memory_len, &h, &d->old, e);
	return d->delta == NULL ? -1 : delta_read_map(d->delta, &io, e);
}

int decoder_run_map(struct decoder *d, struct decoder_io *io, struct err *e)
{
	struct delta_io rest = {0};
	size_t n = sizeof(d->map_head) - d->map_head_len;

	n = n < io->in_len ? n : io->in_len;
	memcpy(d->map_head + d->map_head_len, io->in, n);
	d->map_head_len += n;
	io->taken = n;
	if (d->map_head_len < sizeof(d->map_head))
		return 0;
	if (d->delta == NULL && place(d, e) < 0)
		return -1;
	rest.in = io->in + n;
	rest.in_len = io->in_len - n;
	if (delta_read_map(d->delta, &rest, e) < 0)
		return -1;
	io->taken += rest.taken;
	return 0;
}

bool decoder_map_done(const struct decoder *d)
{
	return d->delta != NULL && delta_map_done(d->delta);
}

/* ---- segments ---- */

int decoder_start(struct decoder *d, const struct segment *s, struct err *e)
{
	const struct delta_segment segment = {.offset = s->first_block * VERITY_BLOCK,
					      .size = s->n_blocks * VERITY_BLOCK,
					      .body_size = (uint32_t)s->body_size,
					      .continues =
						  (s->flags & SEG_CONTINUES) != 0};

	d->codec = (enum codec)s->codec;
	d->frame_ended = false;
	if (d->codec == CODEC_ZSTD)
		(void)ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
	if (d->codec != CODEC_DELTA)
		return 0;
	if (d->delta == NULL)
		return err_set(e, ERR_INTERNAL, "its map was not read");
	return delta_start(d->delta, &segment, e);
}

static void run_raw(struct decoder_io *io)
{
	io->taken = io->in_len < io->room ? io->in_len : io->room;
	if (io->taken > 0)
		memcpy(io->out, io->in, io->taken);
	io->made = io->taken;
}

static int run_zstd(struct decoder *d, struct decoder_io *io, struct err *e)
{
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->room, 0};
	size_t code;

	if (d->frame_ended && io->in_len > 0)
		return err_set(e, ERR_FORMAT, "bytes after the end of the zstd frame");
	if (d->frame_ended)
		return 0;
	code = ZSTD_decompressStream(d->zstd, &out, &in);
	if (ZSTD_isError(code))
		return err_set(e, ERR_FORMAT, "zstd: %s", ZSTD_getErrorName(code));
	d->frame_ended = code == 0;
	io->taken = in.pos;
	io->made = out.pos;
	return 0;
}

static int run_delta(struct decoder *d, struct decoder_io *io, struct err *e)
{
	struct delta_io mine = {
	    .in = io->in, .in_len = io->in_len, .out = io->out, .room = io->room};

	if (delta_run(d->delta, &mine, e) < 0)
		return -1;
	io->taken = mine.taken;
	io->made = mine.made;
	return 0;
}

int decoder_run(struct decoder *d, struct decoder_io *io, struct err *e)
{
	io->taken = 0;
	io->made = 0;
	if (d->codec == CODEC_ZSTD)
		return run_zstd(d, io, e);
	if (d->codec == CODEC_DELTA)
		return run_delta(d, io, e);
	run_raw(io);
	return 0;
}

bool decoder_at_end(const struct decoder *d)
{
	if (d->codec == CODEC_DELTA)
		return delta_segment_done(d->delta);
	return d->codec == CODEC_RAW || d->frame_ended;
}
