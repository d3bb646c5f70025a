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
};

struct decoder *decoder_new(struct err *e)
{
	AUTO_PTR(decoder) struct decoder *d = calloc(1, sizeof(*d));
	size_t size = ZSTD_estimateDStreamSize((size_t)1 << CONTAINER_WINDOW_LOG);
	size_t code;

	if (d == NULL || (d->workspace = malloc(size)) == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	d->zstd = ZSTD_initStaticDStream(d->workspace, size);
	if (d->zstd == NULL) {
		(void)err_set(e, ERR_INTERNAL, "zstd: %zu bytes are not enough", size);
		return NULL;
	}
	code =
	    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, CONTAINER_WINDOW_LOG);
	if (ZSTD_isError(code)) {
		(void)err_set(e, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(code));
		return NULL;
	}
	return TAKE(d);
}

void decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	free(d->workspace);
	free(d);
}

void decoder_start(struct decoder *d, enum codec codec)
{
	d->codec = codec;
	d->frame_ended = false;
	(void)ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
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

int decoder_run(struct decoder *d, struct decoder_io *io, struct err *e)
{
	io->taken = 0;
	io->made = 0;
	if (d->codec == CODEC_ZSTD)
		return run_zstd(d, io, e);
	run_raw(io);
	return 0;
}

bool decoder_at_end(const struct decoder *d)
{
	return d->codec == CODEC_RAW || d->frame_ended;
}
