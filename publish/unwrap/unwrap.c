/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "../../common/crypto/digest.h"

#include <string.h>
#include <sys/mman.h>

#define SLOTS_BYTES (1024u * 1024) /* a cache of this much, if the frames allow it */
#define MIN_SLOTS 4

/* One plan in the making. */
struct making {
	const struct unwrap_image *old_image;
	const struct unwrap_image *new_image;
	const struct unwrap_options *options;
	struct recode_plan *plan;
	struct unwrap_frames old_frames;
	struct unwrap_frames new_frames;
	bool *old_stays;    /* [old frame]: its bytes stand in the new image as well */
	bool *new_stays;    /* [new frame]: its bytes stand in the old image as well */
	bool unwraps_large; /* frames beyond a slot: there is room for the old ones */
	struct recode_arena arena;
	struct unwrap_report report;
};

static bool is_large(const struct unwrap_frame *f)
{
	return f->plain_len > RECODE_MAX_SLOT;
}

static void making_fini(struct making *m)
{
	unwrap_frames_fini(&m->old_frames);
	unwrap_frames_fini(&m->new_frames);
	free(m->old_stays);
	free(m->new_stays);
	if (m->arena.base != NULL)
		(void)munmap(m->arena.base, m->arena.size);
}

/* Address space; only what codecs use becomes memory. */
static int take_arena(struct recode_arena *a, struct err *e)
{
	void *p = mmap(NULL, UNWRAP_ARENA_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return err_sys(e, "reserve memory for codecs");
	*a = (struct recode_arena){.base = p, .size = UNWRAP_ARENA_BYTES};
	return 0;
}

struct named {
	uint8_t digest[SHA256_LEN];
	size_t index;
};

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_LEN);
}

static int name_frames(const struct unwrap_image *image, const struct unwrap_frames *f,
		       struct named **ret, struct err *e)
{
	AUTO_FREE struct named *names = calloc(f->n + 1, sizeof(*names));

	if (names == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++) {
		names[i].index = i;
		if (sha256(image->data + f->v[i].at, f->v[i].enc_len, names[i].digest,
			   e) < 0)
			return -1;
	}
	qsort(names, f->n, sizeof(*names), by_digest);
	*ret = TAKE(names);
	return 0;
}

/* Marks the frames that stand in both images. */
static int match_frames(struct making *m, struct err *e)
{
	AUTO_FREE struct named *a = NULL;
	AUTO_FREE struct named *b = NULL;
	size_t i = 0;
	size_t k = 0;

	if (name_frames(m->old_image, &m->old_frames, &a, e) < 0 ||
	    name_frames(m->new_image, &m->new_frames, &b, e) < 0)
		return -1;
	while (i < m->old_frames.n && k < m->new_frames.n) {
		int order = by_digest(&a[i], &b[k]);

		if (order < 0) {
			i++;
		} else if (order > 0) {
			k++;
		} else {
			/* One of several equal ones in the old image is enough. */
			m->old_stays[a[i].index] = true;
			m->new_stays[b[k].index] = true;
			m->report.n_unchanged++;
			k++;
		}
	}
	return 0;
}

static int scan_both(struct making *m, struct err *e)
{
	const struct recode_codec *const *codecs = m->options->codecs;

	if (unwrap_scan(m->old_image, codecs, &m->arena, &m->old_frames, e) < 0 ||
	    unwrap_scan(m->new_image, codecs, &m->arena, &m->new_frames, e) < 0)
		return -1;
	m->old_stays = calloc(m->old_frames.n + 1, sizeof(*m->old_stays));
	m->new_stays = calloc(m->new_frames.n + 1, sizeof(*m->new_stays));
	if (m->old_stays == NULL || m->new_stays == NULL)
		return err_nomem(e);
	m->report.n_old = m->old_frames.n;
	m->report.n_new = m->new_frames.n;
	return match_frames(m, e);
}

/* Large frames are worth it only if the old image's fit the scratch area. */
static void weigh_large(struct making *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->old_frames.n; i++) {
		if (is_large(&m->old_frames.v[i]))
			sum += m->old_frames.v[i].plain_len;
	}
	m->unwraps_large = sum > 0 && sum <= m->options->limit.scratch_bytes;
}

/* One profile a codec that decodes frames of the old image. */
static int add_old_profiles(struct making *m, struct err *e)
{
	struct recode_plan *p = m->plan;
	uint32_t of[N_RECODE_IDS] = {0};

	for (size_t i = 0; i < m->old_frames.n; i++) {
		struct unwrap_frame *f = &m->old_frames.v[i];
		uint32_t *k = &of[f->codec->id];

		if (f->decode_bytes > m->options->limit.memory_bytes ||
		    (is_large(f) && !m->unwraps_large))
			continue; /* it stays raw */
		if (*k == 0 && p->n_profiles == RECODE_MAX_PROFILES)
			return err_set(e, ERR_LIMIT, "too many ways to compress");
		if (*k == 0) {
			*k = (uint32_t)p->n_profiles++;
			p->profiles[*k].codec = (uint8_t)f->codec->id;
		}
		if (f->decode_bytes > p->profiles[*k].decode_bytes)
			p->profiles[*k].decode_bytes = (uint32_t)f->decode_bytes;
		f->profile = *k;
	}
	return 0;
}

static int prove_new(struct making *m, struct err *e)
{
	struct unwrap_prover prover = {.plan = m->plan,
				       .arena = &m->arena,
				       .limit_bytes = m->options->limit.memory_bytes};

	for (size_t i = 0; i < m->new_frames.n; i++) {
		struct unwrap_frame *f = &m->new_frames.v[i];

		if (m->new_stays[i] || (is_large(f) && !m->unwraps_large))
			continue;
		if (unwrap_prove(&prover, m->new_image->data + f->at, f, e) < 0)
			return -1;
		m->report.n_proven += f->profile != 0;
	}
	return 0;
}

static struct recode_piece *end_of(struct recode_map *m)
{
	return &m->pieces[m->n];
}

/* Adds a piece; raw ones that meet become one, and long ones several. */
static void add_piece(struct recode_map *m, uint64_t at, uint64_t enc_len,
		      uint64_t plain_len, uint32_t profile)
{
	struct recode_piece *end = end_of(m);

	if (enc_len == 0)
		return;
	if (profile == 0 && m->n > 0 && end[-1].profile == 0 &&
	    end[-1].image_at + end[-1].enc_len == at &&
	    end[-1].enc_len + enc_len <= UINT32_MAX) {
		end[-1].enc_len += (uint32_t)enc_len;
		end->view_at += plain_len;
		end->image_at += enc_len;
		return;
	}
	end->image_at = at;
	end->enc_len = (uint32_t)enc_len;
	end->profile = profile;
	end[1].view_at = end->view_at + plain_len;
	end[1].image_at = at + enc_len;
	m->n++;
}

static void add_raw(struct recode_map *m, uint64_t at, uint64_t end)
{
	while (at < end) {
		uint64_t n = end - at < UINT32_MAX ? end - at : UINT32_MAX;

		add_piece(m, at, n, n, 0);
		at += n;
	}
}

/* Frames that have a profile in their place, all else raw. */
static int lay_out(const struct unwrap_frames *f, uint64_t image_size, size_t more,
		   struct recode_map *ret, struct err *e)
{
	uint64_t at = 0;

	ret->image_size = image_size;
	ret->pieces =
	    calloc(2 * f->n + more + image_size / UINT32_MAX + 3, sizeof(*ret->pieces));
	if (ret->pieces == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++) {
		const struct unwrap_frame *frame = &f->v[i];

		if (frame->profile == 0)
			continue;
		add_raw(ret, at, frame->at);
		add_piece(ret, frame->at, frame->enc_len, frame->plain_len,
			  frame->profile);
		at = frame->at + frame->enc_len;
	}
	add_raw(ret, at, image_size);
	return 0;
}

/* What stays raw in the new view is shown raw at the end of the old one. */
static int lay_out_old(struct making *m, struct err *e)
{
	struct recode_map *map = &m->plan->old_map;

	if (lay_out(&m->old_frames, m->old_image->len, m->old_frames.n, map, e) < 0)
		return -1;
	for (size_t i = 0; i < m->old_frames.n; i++) {
		const struct unwrap_frame *f = &m->old_frames.v[i];

		if (m->old_stays[i] && f->profile != 0)
			add_raw(map, f->at, f->at + f->enc_len);
	}
	return 0;
}

/* A cache for the old frames that fit a slot, the others go to the scratch area. */
static void size_cache(struct recode_plan *p)
{
	for (size_t i = 0; i < p->old_map.n; i++) {
		const struct recode_piece *piece = &p->old_map.pieces[i];
		uint64_t plain = recode_piece_plain(piece);

		if (piece->profile != 0 && plain <= RECODE_MAX_SLOT &&
		    plain > p->slot_size)
			p->slot_size = (uint32_t)plain;
	}
	if (p->slot_size == 0)
		return;
	p->n_slots = SLOTS_BYTES / p->slot_size;
	if (p->n_slots < MIN_SLOTS)
		p->n_slots = MIN_SLOTS;
	if (p->n_slots > RECODE_MAX_SLOTS)
		p->n_slots = RECODE_MAX_SLOTS;
}

/* Leaves out the old frames that no new one is like: the large ones, or all. */
static void drop_useless(struct making *m)
{
	bool any = false;
	bool any_large = false;

	for (size_t i = 0; i < m->new_frames.n; i++) {
		const struct unwrap_frame *f = &m->new_frames.v[i];

		any |= f->profile != 0;
		any_large |= f->profile != 0 && is_large(f);
	}
	for (size_t i = 0; i < m->old_frames.n; i++) {
		struct unwrap_frame *f = &m->old_frames.v[i];

		if (!any || (is_large(f) && !any_large))
			f->profile = 0;
	}
}

static int lay_out_both(struct making *m, struct err *e)
{
	free(m->plan->old_map.pieces);
	free(m->plan->new_map.pieces);
	m->plan->old_map = (struct recode_map){0};
	m->plan->new_map = (struct recode_map){0};
	m->plan->slot_size = 0;
	m->plan->n_slots = 0;
	if (lay_out_old(m, e) < 0 ||
	    lay_out(&m->new_frames, m->new_image->len, 0, &m->plan->new_map, e) < 0)
		return -1;
	size_cache(m->plan);
	return 0;
}

/* Within the limit by fewer slots; failing that, by unwrapping nothing. */
static int fit(struct making *m, struct err *e)
{
	struct recode_plan *p = m->plan;
	struct recode_need need;

	recode_plan_need(p, &need);
	while (need.memory_bytes > m->options->limit.memory_bytes && p->n_slots > 1) {
		p->n_slots /= 2;
		recode_plan_need(p, &need);
	}
	if (need.memory_bytes <= m->options->limit.memory_bytes)
		return 0;
	for (size_t i = 0; i < m->old_frames.n; i++)
		m->old_frames.v[i].profile = 0;
	for (size_t i = 0; i < m->new_frames.n; i++)
		m->new_frames.v[i].profile = 0;
	m->report.n_proven = 0;
	p->n_profiles = 1;
	return lay_out_both(m, e);
}

static int make(struct making *m, struct err *e)
{
	m->plan->n_profiles = 1;
	if (scan_both(m, e) < 0)
		return -1;
	weigh_large(m);
	if (add_old_profiles(m, e) < 0 || prove_new(m, e) < 0)
		return -1;
	drop_useless(m);
	if (m->report.n_proven == 0)
		m->plan->n_profiles = 1;
	if (lay_out_both(m, e) < 0 || fit(m, e) < 0)
		return -1;
	return recode_plan_check(m->plan, m->options->codecs, &m->options->limit, e);
}

int unwrap_plan_make(const struct unwrap_image *old_image,
		     const struct unwrap_image *new_image,
		     const struct unwrap_options *options, struct recode_plan *ret,
		     struct unwrap_report *ret_report, struct err *e)
{
	AUTO(recode_plan) struct recode_plan plan = {0};
	AUTO(making)
	struct making m = {.old_image = old_image,
			   .new_image = new_image,
			   .options = options,
			   .plan = &plan};

	if (take_arena(&m.arena, e) < 0 || make(&m, e) < 0)
		return err_wrap(e, "look through the images' compression");
	*ret = plan;
	plan = (struct recode_plan){0};
	if (ret_report != NULL)
		*ret_report = m.report;
	return 0;
}

static int write_frame(const struct recode_plan *p, const struct recode_piece *piece,
		       const struct recode_codec *const *codecs,
		       const struct unwrap_image *image, struct recode_arena *arena,
		       const struct recode_out *out, struct err *e)
{
	const struct recode_profile *profile = &p->profiles[piece->profile];
	const struct recode_codec *codec = recode_codec_find(codecs, profile->codec);
	struct unwrap_source source = {.at = image->data + piece->image_at,
				       .left = piece->enc_len};
	const struct recode_in in = {.read = unwrap_source_read, .ctx = &source};
	const struct recode_frame f = {.enc_len = piece->enc_len,
				       .plain_len = recode_piece_plain(piece),
				       .params = profile->params,
				       .n_params = profile->n_params};

	if (codec == NULL)
		return err_set(e, ERR_UNSUPPORTED, "codec %u is not here",
			       profile->codec);
	recode_arena_empty(arena);
	return codec->decode(arena, &f, &in, out, e);
}

int unwrap_view_write(const struct recode_plan *p, const struct recode_map *map,
		      const struct recode_codec *const *codecs,
		      const struct unwrap_image *image, const struct recode_out *out,
		      struct err *e)
{
	AUTO(making) struct making m = {0};

	if (image->len != map->image_size)
		return err_set(e, ERR_USAGE, "this is not the plan's image");
	if (take_arena(&m.arena, e) < 0)
		return -1;
	for (const struct recode_piece *piece = map->pieces;
	     piece < map->pieces + map->n; piece++) {
		int status;

		if (piece->profile == 0)
			status = out->write(out->ctx, image->data + piece->image_at,
					    piece->enc_len, e);
		else
			status = write_frame(p, piece, codecs, image, &m.arena, out, e);
		if (status < 0)
			return err_wrap(e, "unwrap at %llu",
					(unsigned long long)piece->image_at);
	}
	return 0;
}
