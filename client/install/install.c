/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an install, and what is safe when the power goes in each phase:
 *
 *	begin ──> BODY ──segment complete──> FLUSH ──> CURSOR ──┐
 *	            ^                                           │
 *	            └───────────────more segments───────────────┤
 *	                                                        │ last one
 *	  WRITTEN <── RECORD <── READ_BACK <── SEAL <── DESCRIPTOR
 *
 *	BODY		blocks of one segment, at most, are on the medium and not in the
 *			journal: they are fetched and compared again, and written where
 *			they differ
 *	FLUSH		likewise. Flushed also if nothing had to be written: a block
 *			that is equal may be so in a cache only, written by an attempt
 *			that was killed
 *	CURSOR		the old cursor or the new one
 *	DESCRIPTOR,	images complete and flushed, descriptor old, torn or new. The
 *	SEAL		record says WRITING, so no bootloader looks at it. Restart:
 *			cursor at the end, so nothing is fetched, the descriptor is
 *			written again
 *	READ_BACK	likewise. If the medium does not hold what was written the
 *			cursor goes back to 0, and the next attempt starts anew
 *	RECORD		the old record (WRITING: as above) or the new one (WRITTEN)
 *	WRITTEN		restart: install_begin() sees that the slot holds this release
 *
 * The record says WRITING before the first byte of the slot changes, and WRITTEN only
 * after all of it was read back from the medium. The running slot is not among the
 * media at all.
 *
 * Which cursor counts: the journal's, if the record says WRITING with the journal's
 * transaction and the journal names this manifest. record_write_begin() makes a new
 * transaction, so a crash between the record's store and the journal's leaves a journal
 * that does not count.
 */
#include "install.h"

#include "journal.h"
#include "pump.h"
#include "release.h"

#include <string.h>

#define GROUP_BLOCKS VERITY_FANOUT
#define STEP_BLOCKS (DEV_MAX_IO / VERITY_BLOCK)

enum phase {
	PHASE_NONE, /* before install_begin(), and after an error */
	PHASE_BODY,
	PHASE_FLUSH,
	PHASE_CURSOR,
	PHASE_DESCRIPTOR,
	PHASE_SEAL,
	PHASE_READ_BACK,
	PHASE_RECORD,
	PHASE_WRITTEN,
	N_PHASES
};

/* The edges of the diagram; any phase may fall back to NONE. */
#define TO(phase) (1u << (phase))
static const unsigned edges[N_PHASES] = {
    [PHASE_NONE] = TO(PHASE_BODY) | TO(PHASE_DESCRIPTOR) | TO(PHASE_WRITTEN),
    [PHASE_BODY] = TO(PHASE_FLUSH),
    [PHASE_FLUSH] = TO(PHASE_CURSOR),
    [PHASE_CURSOR] = TO(PHASE_BODY) | TO(PHASE_DESCRIPTOR),
    [PHASE_DESCRIPTOR] = TO(PHASE_SEAL),
    [PHASE_SEAL] = TO(PHASE_READ_BACK),
    [PHASE_READ_BACK] = TO(PHASE_RECORD),
    [PHASE_RECORD] = TO(PHASE_WRITTEN),
    [PHASE_WRITTEN] = 0,
};

struct read_back {
	size_t image;
	uint64_t block;	   /* next one of this image */
	size_t n_leaves;   /* of its group */
	uint64_t n_blocks; /* read, of all images */
	uint8_t leaves[GROUP_BLOCKS * SHA256_LEN];
	uint8_t data[DEV_MAX_IO];
};

struct install {
	struct install_spec spec;
	struct release release;
	struct pump *pump;
	struct journal journal;
	enum phase phase;
	bool resumed;
	uint64_t body_begin;
	struct read_back back;
};

struct install *install_new(const struct install_spec *spec, struct err *e)
{
	AUTO_PTR(install) struct install *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	in->spec = *spec;
	in->pump = pump_new(e);
	return in->pump != NULL ? TAKE(in) : NULL;
}

void install_free(struct install *in)
{
	if (in == NULL)
		return;
	release_fini(&in->release);
	pump_free(in->pump);
	free(in);
}

/* An edge that is not in the table would be a fault of ours; it ends the attempt. */
static int move(struct install *in, enum phase to, struct err *e)
{
	if ((edges[in->phase] & TO(to)) == 0)
		return err_set(e, ERR_INTERNAL, "from phase %d to %d", (int)in->phase,
			       (int)to);
	in->phase = to;
	return 0;
}

/* --- beginning --------------------------------------------------------------- */

int install_check(const struct install_spec *spec, const struct install_material *m,
		  struct err *e)
{
	struct release r;

	if (release_load(spec, m, &r, e) < 0)
		return err_wrap(e, "install into slot %c", slot_letter(spec->slot));
	release_fini(&r);
	return 0;
}

static struct slot *slot_of(const struct install *in)
{
	return &in->spec.record->slots[in->spec.slot];
}

/* Is this very release in the slot already, complete? */
static bool holds_release(const struct install *in)
{
	const struct slot *s = slot_of(in);

	return (s->state == SLOT_WRITTEN || s->state == SLOT_PENDING) &&
	       memcmp(s->root_hash, in->release.manifest.descriptor_sha256,
		      SHA256_LEN) == 0;
}

/* Is there a journal of this install? in->journal keeps the sequence in any case. */
static bool journal_counts(struct install *in)
{
	const struct slot_record *r = in->spec.record;

	if (journal_load(in->spec.journal, &in->journal, NULL) < 0) {
		in->journal = (struct journal){0};
		return false;
	}
	return slot_of(in)->state == SLOT_WRITING &&
	       in->journal.transaction == r->transaction &&
	       in->journal.blocks <= in->release.n_blocks &&
	       memcmp(in->journal.manifest_sha256, in->release.manifest_sha256,
		      SHA256_LEN) == 0;
}

/* Changes a copy of the record, stores that, and only then takes it over. */
static int store_record(struct install *in, const struct slot_record *changed,
			struct err *e)
{
	if (boot_store(in->spec.boot, changed, e) < 0)
		return -1;
	*in->spec.record = *changed;
	return 0;
}

static int start_anew(struct install *in, struct err *e)
{
	struct slot_record changed = *in->spec.record;

	if (record_write_begin(&changed, in->spec.slot, in->spec.running, e) < 0 ||
	    store_record(in, &changed, e) < 0)
		return -1;
	in->journal.transaction = changed.transaction;
	in->journal.blocks = 0;
	memcpy(in->journal.manifest_sha256, in->release.manifest_sha256, SHA256_LEN);
	return journal_store(in->spec.journal, &in->journal, e);
}

/* What is made again counts no more. */
static int start_pump(struct install *in, struct err *e)
{
	struct pump_job job = {.head = &in->release.head,
			       .unwrap = in->spec.unwrap,
			       .scratch = in->spec.scratch,
			       .blocks = in->journal.blocks};

	memcpy(job.media, in->release.media, sizeof(job.media));
	memcpy(job.old, in->release.old, sizeof(job.old));
	return pump_start(in->pump, &job, &in->journal.blocks, e);
}

static int begin(struct install *in, const struct install_material *m, struct err *e)
{
	if (in->spec.slot >= N_SLOTS || in->spec.slot == in->spec.running)
		return err_set(e, ERR_CONFLICT, "the running slot is never written");
	if (boot_load(in->spec.boot, in->spec.record, e) < 0 ||
	    release_load(&in->spec, m, &in->release, e) < 0)
		return -1;
	if (holds_release(in)) {
		in->journal.blocks = in->release.n_blocks;
		return start_pump(in, e) < 0 ? -1 : move(in, PHASE_WRITTEN, e);
	}
	in->resumed = journal_counts(in);
	if (!in->resumed && start_anew(in, e) < 0)
		return -1;
	if (start_pump(in, e) < 0)
		return -1;
	return move(in, pump_is_done(in->pump) ? PHASE_DESCRIPTOR : PHASE_BODY, e);
}

int install_begin(struct install *in, const struct install_material *m,
		  uint64_t *ret_body_offset, struct err *e)
{
	release_fini(&in->release);
	in->release = (struct release){0};
	in->back = (struct read_back){0};
	in->phase = PHASE_NONE;
	in->resumed = false;
	if (begin(in, m, e) < 0) {
		in->phase = PHASE_NONE;
		return err_wrap(e, "install into slot %c", slot_letter(in->spec.slot));
	}
	in->body_begin = pump_body_offset(in->pump);
	*ret_body_offset = in->body_begin;
	return 0;
}

/* --- the phases -------------------------------------------------------------- */

static int step_body(struct install *in, struct err *e)
{
	if (pump_step(in->pump, e) < 0)
		return -1;
	return pump_segment_done(in->pump) ? move(in, PHASE_FLUSH, e) : 0;
}

static int step_flush(struct install *in, struct err *e)
{
	if (dev_flush(in->release.media[pump_image(in->pump)], e) < 0)
		return -1;
	return move(in, PHASE_CURSOR, e);
}

static int step_cursor(struct install *in, struct err *e)
{
	struct journal next = in->journal;

	next.blocks += pump_segment_blocks(in->pump);
	if (journal_store(in->spec.journal, &next, e) < 0)
		return -1;
	in->journal = next;
	pump_next_segment(in->pump);
	return move(in, pump_is_done(in->pump) ? PHASE_DESCRIPTOR : PHASE_BODY, e);
}

static int step_descriptor(struct install *in, struct err *e)
{
	if (dev_write(in->spec.target.descriptor, 0, in->release.descriptor,
		      DESCRIPTOR_LEN, e) < 0)
		return -1;
	return move(in, PHASE_SEAL, e);
}

static int step_seal(struct install *in, struct err *e)
{
	if (dev_flush(in->spec.target.descriptor, e) < 0)
		return -1;
	return move(in, PHASE_READ_BACK, e);
}

/* The medium lies or is worn: what the journal says of it is void. */
static int medium_differs(struct install *in, const char *what, struct err *e)
{
	in->journal.blocks = 0;
	if (journal_store(in->spec.journal, &in->journal, e) < 0)
		return err_wrap(
		    e, "read back: %s differs from what was written, and so", what);
	return err_set(e, ERR_IO, "read back: %s differs from what was written", what);
}

static int read_back_descriptor(struct install *in, struct err *e)
{
	uint8_t data[DESCRIPTOR_LEN];

	if (dev_read_medium(in->spec.target.descriptor, 0, data, sizeof(data), e) < 0)
		return -1;
	if (memcmp(data, in->release.descriptor, sizeof(data)) != 0)
		return medium_differs(in, "the slot descriptor", e);
	return move(in, PHASE_RECORD, e);
}

/* At the end of a group: is it the head's? All groups together are the signed root. */
static int check_group(struct install *in, struct err *e)
{
	struct read_back *b = &in->back;
	const struct container_image *image = &in->release.head.images[b->image];
	size_t group = (size_t)((b->block - 1) / GROUP_BLOCKS);
	uint8_t digest[SHA256_LEN];

	if (verity_group(image->salt, b->leaves, b->n_leaves,
			 verity_n_blocks(image->size), digest, e) < 0)
		return -1;
	b->n_leaves = 0;
	if (memcmp(digest, image->groups + group * SHA256_LEN, SHA256_LEN) != 0)
		return medium_differs(in, in->release.media[b->image]->name, e);
	return 0;
}

static int read_back_blocks(struct install *in, size_t n, struct err *e)
{
	struct read_back *b = &in->back;

	if (dev_read_medium(in->release.media[b->image], b->block * VERITY_BLOCK,
			    b->data, n * VERITY_BLOCK, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++, b->n_leaves++) {
		if (verity_leaf(in->release.head.images[b->image].salt,
				b->data + i * VERITY_BLOCK,
				b->leaves + b->n_leaves * SHA256_LEN, e) < 0)
			return -1;
	}
	b->block += n;
	b->n_blocks += n;
	return 0;
}

/* STEP_BLOCKS divides GROUP_BLOCKS, so a step never crosses a group's border. */
static int step_read_back(struct install *in, struct err *e)
{
	struct read_back *b = &in->back;
	uint64_t all, left;

	if (b->image == in->release.head.n_images)
		return read_back_descriptor(in, e);
	all = verity_n_blocks(in->release.head.images[b->image].size);
	left = all - b->block;
	if (read_back_blocks(in, left < STEP_BLOCKS ? (size_t)left : STEP_BLOCKS, e) <
	    0)
		return -1;
	if ((b->n_leaves == GROUP_BLOCKS || b->block == all) && check_group(in, e) < 0)
		return -1;
	if (b->block == all) {
		b->image++;
		b->block = 0;
	}
	return 0;
}

static int step_record(struct install *in, struct err *e)
{
	const struct manifest *m = &in->release.manifest;
	struct slot_record changed = *in->spec.record;

	if (record_write_done(&changed, in->spec.slot, m->descriptor_sha256, m->version,
			      m->security_version, e) < 0 ||
	    store_record(in, &changed, e) < 0)
		return -1;
	return move(in, PHASE_WRITTEN, e);
}

static int (*const steps[N_PHASES])(struct install *in, struct err *e) = {
    [PHASE_BODY] = step_body,	  [PHASE_FLUSH] = step_flush,
    [PHASE_CURSOR] = step_cursor, [PHASE_DESCRIPTOR] = step_descriptor,
    [PHASE_SEAL] = step_seal,	  [PHASE_READ_BACK] = step_read_back,
    [PHASE_RECORD] = step_record,
};

static bool is_hungry(const struct install *in)
{
	return in->phase == PHASE_BODY && pump_is_hungry(in->pump);
}

static enum install_want want_of(const struct install *in)
{
	if (in->phase == PHASE_WRITTEN)
		return INSTALL_WRITTEN;
	return is_hungry(in) ? INSTALL_FEED : INSTALL_STEP;
}

int install_step(struct install *in, enum install_want *ret, struct err *e)
{
	if (in->phase == PHASE_NONE)
		return err_set(e, ERR_CONFLICT,
			       "install: not begun, or ended by an error");
	if (steps[in->phase] != NULL && !is_hungry(in) && steps[in->phase](in, e) < 0) {
		in->phase = PHASE_NONE;
		return err_wrap(e, "install into slot %c", slot_letter(in->spec.slot));
	}
	*ret = want_of(in);
	return 0;
}

size_t install_feed(struct install *in, const void *data, size_t len)
{
	return in->phase != PHASE_NONE ? pump_feed(in->pump, data, len) : 0;
}

uint64_t install_body_offset(const struct install *in)
{
	return in->phase != PHASE_NONE ? pump_body_offset(in->pump) : 0;
}

/* What of [at, +len) of the body is passed over or taken now. */
static size_t feed_at(struct install *in, const uint8_t *data, uint64_t at, size_t len)
{
	uint64_t offset = install_body_offset(in);

	if (len == 0 || !is_hungry(in))
		return 0;
	if (offset > at)
		return offset - at < len ? (size_t)(offset - at) : len;
	return install_feed(in, data, len);
}

int install_push(struct install *in, const void *data, size_t len,
		 enum install_want *ret, struct err *e)
{
	const uint8_t *p = data;
	uint64_t at = install_body_offset(in);

	do {
		size_t n = feed_at(in, p, at, len);

		if (n > 0)
			p += n;
		at += n;
		len -= n;
		do {
			if (install_step(in, ret, e) < 0)
				return -1;
		} while (*ret == INSTALL_STEP);
	} while (len > 0 && *ret == INSTALL_FEED);
	return 0;
}

int install_arm(struct install *in, uint8_t tries, struct err *e)
{
	struct slot_record changed = *in->spec.record;

	if (in->phase != PHASE_WRITTEN)
		return err_set(e, ERR_CONFLICT, "arm slot %c: it is not written yet",
			       slot_letter(in->spec.slot));
	if (slot_of(in)->state == SLOT_PENDING)
		return 0;
	if (record_arm(&changed, in->spec.slot, tries, e) < 0 ||
	    store_record(in, &changed, e) < 0)
		return err_wrap(e, "arm slot %c", slot_letter(in->spec.slot));
	return 0;
}

void install_progress(const struct install *in, struct install_progress *ret)
{
	*ret = (struct install_progress){0};
	if (in->phase == PHASE_NONE)
		return;
	*ret = (struct install_progress){
	    .resumed = in->resumed,
	    .body_size = in->release.head.body_size,
	    .body_begin = in->body_begin,
	    .body_checked = pump_body_checked(in->pump),
	    .blocks = in->release.n_blocks,
	    .blocks_kept = in->journal.blocks,
	    .blocks_done = in->journal.blocks + pump_segment_blocks(in->pump),
	    .blocks_skipped = pump_blocks_skipped(in->pump),
	    .blocks_read_back = in->back.n_blocks,
	};
}
