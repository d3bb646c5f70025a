/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof by doing: a frame is decoded once, then encoded with one set of parameters after
 * the other by the codec that devices run, compared as it comes out, until one makes
 * exactly its bytes. A wrong guess is given up at its first wrong byte. The parameters
 * that did for the frame before are tried first, so a whole squashfs costs one encoding
 * of it; where the first frames defy all guesses the rest are not asked any more.
 */
#include "frames.h"

#include "../../common/base/text.h"
#include "../../common/recode/codec_deflate.h"
#include "../../common/recode/codec_lz4.h"
#include "../../common/recode/codec_xz.h"
#include "../../common/recode/codec_zstd.h"

#include <string.h>

#define MAX_FAILURES 16 /* in a row, before a codec is given up */

struct candidates {
	uint32_t params[64][RECODE_MAX_PARAMS];
	size_t n;
	size_t n_params;
};

static uint32_t *next_candidate(struct candidates *c)
{
	return c->n < N_ELEMS(c->params) ? c->params[c->n++] : c->params[0];
}

/* Levels by how often they are met: mksquashfs' default is 15; kernels and initrds are
 * packed with 19, 22 or the program's default. */
static void zstd_candidates(const uint8_t *data, const struct unwrap_frame *f,
			    struct candidates *c)
{
	static const uint8_t levels[] = {15, 19, 22, 3,	 9,  1, 18, 17, 16, 20, 21,
					 14, 13, 12, 11, 10, 8, 7,  6,	5,  4,	2};
	uint32_t flags;

	c->n_params = RECODE_ZSTD_N_PARAMS;
	if (recode_zstd_frame_flags(data, f->enc_len, &flags) < 0)
		return;
	for (size_t i = 0; flags == RECODE_ZSTD_SIZE && i < N_ELEMS(levels); i++) {
		uint32_t *p = next_candidate(c);

		p[RECODE_ZSTD_LEVEL] = levels[i];
		p[RECODE_ZSTD_FLAGS] = RECODE_ZSTD_ONE_CALL | flags;
	}
	for (size_t i = 0; i < N_ELEMS(levels); i++) {
		uint32_t *p = next_candidate(c);

		p[RECODE_ZSTD_LEVEL] = levels[i];
		p[RECODE_ZSTD_FLAGS] = flags;
	}
}

/* A gzip member's stream is GNU gzip's, nearly always; a squashfs has zlib's. */
static void deflate_candidates(const uint8_t *data, const struct unwrap_frame *f,
			       struct candidates *c)
{
	static const uint8_t levels[] = {9, 6, 8, 7, 5, 4};
	static const struct {
		uint8_t mem_level;
		uint8_t gzip;
	} programs[] = {{8, 1}, {8, 0}, {9, 0}};

	(void)data;
	(void)f;
	c->n_params = RECODE_DEFLATE_N_PARAMS;
	for (size_t i = 0; i < N_ELEMS(levels) * N_ELEMS(programs); i++) {
		uint32_t *p = next_candidate(c);
		size_t program = i % N_ELEMS(programs);

		p[RECODE_DEFLATE_LEVEL] = levels[i / N_ELEMS(programs)];
		p[RECODE_DEFLATE_MEM_LEVEL] = programs[program].mem_level;
		p[RECODE_DEFLATE_GZIP] = programs[program].gzip;
	}
}

/* The headers leave only the preset open; 7 to 9 are 6 with a larger dictionary. */
static void xz_candidates(const uint8_t *data, const struct unwrap_frame *f,
			  struct candidates *c)
{
	static const uint8_t presets[] = {6, 5, 4, 3, 2, 1, 0};
	uint32_t params[RECODE_XZ_N_PARAMS];

	c->n_params = RECODE_XZ_N_PARAMS;
	if (recode_xz_params(data, f->enc_len, params) < 0)
		return;
	for (size_t i = 0; i < 2 * N_ELEMS(presets); i++) {
		uint32_t *p = next_candidate(c);

		memcpy(p, params, sizeof(params));
		p[RECODE_XZ_PRESET] =
		    presets[i / 2] | (i % 2 == 1 ? RECODE_XZ_EXTREME : 0);
	}
}

/* `lz4 -l -9` packs kernels, and without a level initrds. */
static void lz4_candidates(const uint8_t *data, const struct unwrap_frame *f,
			   struct candidates *c)
{
	static const uint8_t levels[] = {9, 1, 12, 3, 4, 5, 6, 7, 8, 10, 11};

	(void)data;
	(void)f;
	c->n_params = RECODE_LZ4_N_PARAMS;
	for (size_t i = 0; i < N_ELEMS(levels); i++)
		next_candidate(c)[RECODE_LZ4_LEVEL] = levels[i];
}

/* The guesses for each codec. */
static void (*const guessers[N_RECODE_IDS])(const uint8_t *data,
					    const struct unwrap_frame *f,
					    struct candidates *c) = {
    [RECODE_ZSTD] = zstd_candidates,
    [RECODE_DEFLATE] = deflate_candidates,
    [RECODE_XZ] = xz_candidates,
    [RECODE_LZ4] = lz4_candidates,
};

/* Compares what is made with what has to come out. */
struct expected {
	const uint8_t *at;
	size_t left;
};

static int compare(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct expected *x = ctx;

	if (len > x->left || memcmp(data, x->at, len) != 0)
		return err_set(e, ERR_DIGEST, "it comes out otherwise");
	x->at += len;
	x->left -= len;
	return 0;
}

/* Decoded bytes go straight to the encoder. */
struct pipe {
	const struct recode_codec *codec;
	void *state;
};

static int encode_more(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
	struct pipe *p = ctx;

	return p->codec->encode_add(p->state, data, len, e);
}

/* True if these parameters make the frame again; *ret_bytes of arena were used. The
 * decoder has the upper half of the arena. */
static bool makes_it(const struct unwrap_prover *p, const uint8_t *data,
		     const struct unwrap_frame *f, const struct recode_profile *profile,
		     size_t *ret_bytes)
{
	struct recode_arena encoder = {.base = p->arena->base,
				       .size = p->arena->size / 2};
	struct recode_arena decoder = {.base = p->arena->base + p->arena->size / 2,
				       .size = p->arena->size / 2};
	struct expected expected = {.at = data, .left = f->enc_len};
	struct unwrap_source source = {.at = data, .left = f->enc_len};
	struct pipe pipe = {.codec = f->codec};
	const struct recode_in in = {.read = unwrap_source_read, .ctx = &source};
	const struct recode_out plain = {.write = encode_more, .ctx = &pipe};
	const struct recode_out out = {.write = compare, .ctx = &expected};
	const struct recode_frame frame = {.enc_len = f->enc_len,
					   .plain_len = f->plain_len,
					   .params = profile->params,
					   .n_params = profile->n_params};

	if (p->limit_bytes < encoder.size)
		encoder.size = (size_t)p->limit_bytes;
	if (f->codec->encode_begin(&encoder, &frame, &out, &pipe.state, NULL) < 0 ||
	    f->codec->decode(&decoder, &frame, &in, &plain, NULL) < 0 ||
	    f->codec->encode_end(pipe.state, NULL) < 0)
		return false;
	*ret_bytes = encoder.peak;
	return expected.left == 0;
}

/* Tries profile i; on success it has the frame's memory as well. */
static bool try_profile(struct unwrap_prover *p, const uint8_t *data,
			struct unwrap_frame *f, uint32_t i)
{
	struct recode_profile *profile = &p->plan->profiles[i];
	size_t bytes;

	if (profile->codec != f->codec->id || profile->version[0] == '\0' ||
	    !makes_it(p, data, f, profile, &bytes))
		return false;
	if (bytes > profile->encode_bytes)
		profile->encode_bytes = (uint32_t)bytes;
	f->profile = i;
	p->hint[f->codec->id] = i;
	return true;
}

static bool try_known(struct unwrap_prover *p, const uint8_t *data,
		      struct unwrap_frame *f)
{
	uint32_t hint = p->hint[f->codec->id];

	if (hint != 0 && try_profile(p, data, f, hint))
		return true;
	for (uint32_t i = 1; i < p->plan->n_profiles; i++) {
		if (i != hint && try_profile(p, data, f, i))
			return true;
	}
	return false;
}

/* Guesses; the first that is right becomes a profile. */
static int try_guesses(struct unwrap_prover *p, const uint8_t *data,
		       struct unwrap_frame *f, struct err *e)
{
	AUTO_FREE struct candidates *c = calloc(1, sizeof(*c));
	uint32_t i = (uint32_t)p->plan->n_profiles;
	struct recode_profile *profile;

	if (c == NULL)
		return err_nomem(e);
	if (i == RECODE_MAX_PROFILES || guessers[f->codec->id] == NULL)
		return 0;
	guessers[f->codec->id](data, f, c);
	profile = &p->plan->profiles[i];
	for (size_t k = 0; k < c->n; k++) {
		*profile = (struct recode_profile){.codec = (uint8_t)f->codec->id,
						   .n_params = (uint8_t)c->n_params};
		memcpy(profile->params, c->params[k], sizeof(profile->params));
		if (text_copy(profile->version, sizeof(profile->version),
			      f->codec->version(), "version", e) < 0)
			return -1;
		if (try_profile(p, data, f, i)) {
			p->plan->n_profiles++;
			return 0;
		}
	}
	*profile = (struct recode_profile){0};
	return 0;
}

int unwrap_prove(struct unwrap_prover *p, const uint8_t *data, struct unwrap_frame *f,
		 struct err *e)
{
	enum recode_id id = f->codec->id;

	if (p->failures[id] >= MAX_FAILURES)
		return 0;
	if (!try_known(p, data, f) && try_guesses(p, data, f, e) < 0)
		return -1;
	p->failures[id] = f->profile == 0 ? p->failures[id] + 1 : 0;
	return 0;
}
