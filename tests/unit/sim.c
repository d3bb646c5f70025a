/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include "../../common/base/text.h"

#include <stdlib.h>
#include <string.h>

static struct sim_medium *of(struct dev *d)
{
	return (struct sim_medium *)d;
}

/* Counts an operation; -1 if it is the one that goes wrong. A cut is the caller's. */
static int count(struct sim *s, struct err *e)
{
	unsigned long n = s->n_ops++;

	if (s->dead)
		return err_set(e, ERR_IO, "no power");
	if (n != s->at)
		return 0;
	if (s->fault == SIM_EIO)
		return err_set(e, ERR_IO, "input/output error");
	if (s->fault == SIM_ENOSPC)
		return err_set(e, ERR_NO_SPACE, "no space left");
	return 0;
}

/* Counts a change; true if the power goes at it. */
static bool is_cut(struct sim_medium *m, bool flush)
{
	struct sim *s = m->sim;

	if (s->n_changes < SIM_MAX_CHANGES)
		s->log[s->n_changes] =
		    (struct sim_change){.medium = (size_t)(m - s->media),
					.flush = flush,
					.dirty = m->dirty};
	return s->n_changes++ == s->at && s->fault == SIM_CUT;
}

static int cut(struct sim *s, struct err *e)
{
	for (size_t i = 0; i < s->n_media && !s->tear.cache_lost; i++)
		memcpy(s->media[i].durable, s->media[i].seen, s->media[i].base.size);
	s->dead = true;
	return err_set(e, ERR_IO, "the power went");
}

static int sim_read(struct dev *d, uint64_t offset, void *ret, size_t len,
		    struct err *e)
{
	if (count(of(d)->sim, e) < 0)
		return -1;
	memcpy(ret, of(d)->seen + offset, len);
	return 0;
}

static int sim_read_medium(struct dev *d, uint64_t offset, void *ret, size_t len,
			   struct err *e)
{
	if (count(of(d)->sim, e) < 0)
		return -1;
	memcpy(ret, of(d)->durable + offset, len);
	return 0;
}

/* The write that is cut leaves some of its sectors. */
static void tear(struct sim_medium *m, uint64_t offset, const uint8_t *data, size_t len)
{
	size_t n = len / SIM_SECTOR * m->sim->tear.eighths / 8 * SIM_SECTOR;
	size_t from = m->sim->tear.tail ? len - n : 0;

	memcpy(m->durable + offset + from, data + from, n);
}

static int sim_write(struct dev *d, uint64_t offset, const void *data, size_t len,
		     struct err *e)
{
	struct sim_medium *m = of(d);

	if (count(m->sim, e) < 0)
		return -1;
	if (is_cut(m, false)) {
		(void)cut(m->sim, e);
		tear(m, offset, data, len);
		return -1;
	}
	memcpy(m->seen + offset, data, len);
	if (m->stale)
		memcpy(m->durable + offset, data, len);
	m->n_written_bytes += len;
	m->dirty = true;
	return 0;
}

static int sim_flush(struct dev *d, struct err *e)
{
	struct sim_medium *m = of(d);

	if (count(m->sim, e) < 0)
		return -1;
	if (is_cut(m, true))
		return cut(m->sim, e);
	if (m->lies || m->stale || m->sim->n_changes - 1 == m->sim->lie_at)
		return 0;
	memcpy(m->durable, m->seen, m->base.size);
	m->dirty = false;
	return 0;
}

static void sim_close(struct dev *d)
{
	(void)d;
}

static const struct dev_ops sim_ops = {
    .read = sim_read,
    .read_medium = sim_read_medium,
    .write = sim_write,
    .flush = sim_flush,
    .close = sim_close,
};

struct dev *sim_add(struct sim *s, const char *name, size_t size)
{
	struct sim_medium *m = &s->media[s->n_media++];

	m->base.ops = &sim_ops;
	m->base.size = size;
	m->sim = s;
	s->lie_at = SIM_NEVER;
	m->durable = calloc(1, size);
	m->seen = calloc(1, size);
	if (m->durable == NULL || m->seen == NULL ||
	    text_copy(m->base.name, sizeof(m->base.name), name, "name", NULL) < 0)
		abort();
	return &m->base;
}

void sim_fini(struct sim *s)
{
	for (size_t i = 0; i < s->n_media; i++) {
		free(s->media[i].durable);
		free(s->media[i].seen);
	}
}

void sim_power_on(struct sim *s)
{
	for (size_t i = 0; i < s->n_media; i++)
		memcpy(s->media[i].seen, s->media[i].durable, s->media[i].base.size);
	for (size_t i = 0; i < s->n_media; i++)
		s->media[i].dirty = false;
	s->lie_at = SIM_NEVER;
	s->n_ops = 0;
	s->n_changes = 0;
	s->fault = SIM_NONE;
	s->dead = false;
}

void sim_copy(struct sim *to, const struct sim *from)
{
	for (size_t i = 0; i < from->n_media; i++) {
		memcpy(to->media[i].durable, from->media[i].durable,
		       from->media[i].base.size);
		to->media[i].lies = from->media[i].lies;
		to->media[i].stale = from->media[i].stale;
	}
	sim_power_on(to);
}
