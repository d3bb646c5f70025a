/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of 64 parts, each with a lock, its share of the memory, and its devices in the
 * order of their use.
 *
 * Forgetting does not look for a device: it moves the mark that the device's id leads to (a
 * few others share it, and are read again, too), and what was kept under another mark is not
 * valid any more. The order in which marks and `n_forgotten` move makes the following true:
 * a read is kept only if nothing was forgotten between its beginning and the moment its mark
 * was taken; if something is forgotten after that, the mark moves after it, too.
 */
#include "device_cache.h"

#include "../../common/base/bytes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_SHARDS 64u
#define N_MARKS 65536u
#define FIRST_BUCKETS 64u
/* Runs of zeros shorter than the head of a run are not worth one. */
#define SHORT_RUN 4u
#define PACKED_MAX (2 * sizeof(struct device))

struct entry {
	struct entry *next;	     /* in its bucket */
	struct entry *newer, *older; /* by use */
	atomic_uint_least32_t *mark; /* of the device; valid while it stands so: */
	uint32_t mark_stood, all_stood;
	uint8_t hash[SHA256_LEN];
	char tenant[TENANT_MAX_LEN + 1];
	uint16_t len;
	uint8_t packed[];
};

struct shard {
	pthread_mutex_t lock; /* guards all below */
	struct entry **buckets;
	size_t n_buckets, n_entries, n_bytes;
	struct entry *newest, *oldest;
};

enum outcome { HIT, MISS, N_OUTCOMES };

struct device_cache {
	size_t max_bytes; /* of a shard */
	struct metric *asked, *bytes;
	atomic_uint_fast64_t n_forgotten;
	atomic_uint_least32_t all;
	atomic_uint_least32_t marks[N_MARKS];
	struct shard shards[N_SHARDS];
};

/* ---- what a write touches ---- */

enum reach {
	EVERY_DEVICE, /* also of verbs without a row */
	NO_DEVICE,
	ONE_DEVICE,  /* its id stands `at` so many bytes into the call */
	EACH_DEVICE, /* of the items, of `size` bytes each, `at` so many into it */
};

struct touch {
	enum reach reach;
	size_t at, size;
};

#define NONE                                                                           \
	{                                                                              \
		.reach = NO_DEVICE                                                     \
	}
#define ONE(field)                                                                     \
	{                                                                              \
		.reach = ONE_DEVICE, .at = offsetof(struct store_call, field)          \
	}

static const struct touch touches[N_STORE_VERBS] = {
    [STORE_DEVICE_CREATE] = ONE(out.device.id),
    [STORE_DEVICE_ENSURE] = ONE(out.device.id),
    [STORE_DEVICE_SET_ATTRIBUTES] = ONE(in.attributes.id),
    [STORE_DEVICE_SET_TOKEN] = ONE(in.device_token.id),
    [STORE_DEVICE_DELETE] = ONE(in.device_id),
    [STORE_DEVICE_PATCH] = ONE(in.patch.id),
    [STORE_DEPLOYMENT_ASSIGN] = ONE(in.assign.device),
    [STORE_DEPLOYMENT_MOVE] = ONE(out.deployment.device),
    [STORE_ROLLOUT_ASSIGN] = {.reach = EACH_DEVICE,
			      .at = offsetof(struct rollout_task, device),
			      .size = sizeof(struct rollout_task)},
    /* Members, waves and the lead are no part of a device. */
    [STORE_ROLLOUT_SWEEP] = NONE,
    [STORE_ROLLOUT_APPLY] = NONE,
    [STORE_LEAD_TAKE] = NONE,
    [STORE_DEVICE_SEEN] = NONE,
    [STORE_VERSION_SAMPLE] = NONE,
    [STORE_EVENT_PRUNE] = NONE,
    [STORE_EXPIRE] = NONE,
    [STORE_SETTING_PUT] = NONE,
    [STORE_ARTIFACT_PUT] = NONE,
    [STORE_ARTIFACT_DROP] = NONE,
    [STORE_UPLOAD_CREATE] = NONE,
    [STORE_UPLOAD_ADVANCE] = NONE,
    [STORE_UPLOAD_DELETE] = NONE,
    [STORE_METADATA_PUBLISH] = NONE,
    [STORE_AUDIT_NOTE] = NONE,
    [STORE_DELTA_ADD] = NONE,
    [STORE_DELTA_TAKE] = NONE,
    [STORE_DELTA_END] = NONE,
    [STORE_SESSION_OPEN] = NONE,
    [STORE_SESSION_TOUCH] = NONE,
    [STORE_SESSION_DELETE] = NONE,
    [STORE_LOGIN_CREATE] = NONE,
    [STORE_LOGIN_EXCHANGE] = NONE,
    [STORE_ONCE_BEGIN] = NONE,
    [STORE_ONCE_END] = NONE,
    [STORE_ONCE_DROP] = NONE,
    [STORE_WEBHOOK_RESULT] = NONE,
    [STORE_WEBHOOK_REPLAYED] = NONE,
};

/* ---- marks ---- */

/* FNV-1a */
static uint64_t add_text(uint64_t h, const char *text)
{
	do
		h = (h ^ (uint8_t)*text) * 0x100000001b3u;
	while (*text++ != '\0');
	return h;
}

static atomic_uint_least32_t *mark_of(struct device_cache *k, const char *tenant,
				      const char *id)
{
	uint64_t h = add_text(add_text(0xcbf29ce484222325u, tenant), id);

	return &k->marks[(h ^ h >> 32) % N_MARKS];
}

static void forget(struct device_cache *k, atomic_uint_least32_t *mark)
{
	(void)atomic_fetch_add(&k->n_forgotten, 1);
	(void)atomic_fetch_add(mark, 1);
}

/* A write that was refused has changed nothing; of one that failed nobody knows. */
static void forget_written(struct device_cache *k, const struct store_call *c)
{
	const struct touch *t = &touches[c->verb];
	bool unknown = c->err.code == ERR_IO || c->err.code == ERR_INTERNAL;

	if (t->reach == NO_DEVICE || (c->err.code != ERR_NONE && !unknown))
		return;
	if (t->reach == EVERY_DEVICE || unknown) {
		forget(k, &k->all);
	} else if (t->reach == ONE_DEVICE) {
		forget(k, mark_of(k, c->tenant, (const char *)c + t->at));
	} else {
		const char *item = c->items;

		for (size_t i = 0; i < c->n_items; i++, item += t->size)
			forget(k, mark_of(k, c->tenant, item + t->at));
	}
}

/* ---- a device in few bytes: most of its fields' rooms are zero ---- */

static size_t count_zeros(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == 0)
		i++;
	return i;
}

/* Up to the next run of zeros that is worth a head of its own. */
static size_t count_data(const uint8_t *p, size_t n)
{
	size_t i = 0, zeros = 0;

	while (i < n && zeros < SHORT_RUN) {
		zeros = p[i] == 0 ? zeros + 1 : 0;
		i++;
	}
	return i - zeros;
}

/* Runs of (zeros, data): their lengths in 16 bits each, then the data. */
static size_t pack(const struct device *d, uint8_t ret[PACKED_MAX])
{
	const uint8_t *from = (const uint8_t *)d;
	size_t at = 0, len = 0;

	while (at < sizeof(*d)) {
		size_t zeros = count_zeros(from + at, sizeof(*d) - at);
		size_t data = count_data(from + at + zeros, sizeof(*d) - at - zeros);

		store_le16(ret + len, (uint16_t)zeros);
		store_le16(ret + len + 2, (uint16_t)data);
		memcpy(ret + len + 4, from + at + zeros, data);
		len += 4 + data;
		at += zeros + data;
	}
	return len;
}

static void unpack(const uint8_t *packed, size_t len, struct device *ret)
{
	uint8_t *to = (uint8_t *)ret;

	memset(ret, 0, sizeof(*ret));
	for (size_t at = 0; at < len;) {
		size_t data = load_le16(packed + at + 2);

		to += load_le16(packed + at);
		memcpy(to, packed + at + 4, data);
		to += data;
		at += 4 + data;
	}
}

/* ---- a shard, with its lock held ---- */

static struct shard *shard_of(struct device_cache *k, const uint8_t *hash)
{
	return &k->shards[hash[0] % N_SHARDS];
}

static struct entry **bucket_of(const struct shard *s, const uint8_t *hash)
{
	return &s->buckets[load_le32(hash + 4) & (s->n_buckets - 1)];
}

static size_t size_of(const struct entry *n)
{
	return sizeof(*n) + n->len;
}

static void unlink_use(struct shard *s, struct entry *n)
{
	*(n->newer != NULL ? &n->newer->older : &s->newest) = n->older;
	*(n->older != NULL ? &n->older->newer : &s->oldest) = n->newer;
}

static void link_newest(struct shard *s, struct entry *n)
{
	n->newer = NULL;
	n->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = n;
	s->newest = n;
}

static struct entry **find(const struct shard *s, const char *tenant,
			   const uint8_t *hash)
{
	struct entry **p = bucket_of(s, hash);

	while (*p != NULL && (memcmp((*p)->hash, hash, SHA256_LEN) != 0 ||
			      strcmp((*p)->tenant, tenant) != 0))
		p = &(*p)->next;
	return p;
}

static void drop(struct shard *s, struct entry **p)
{
	struct entry *n = *p;

	*p = n->next;
	unlink_use(s, n);
	s->n_entries--;
	s->n_bytes -= size_of(n);
	free(n);
}

/* Without memory it stays as it is: longer chains. */
static void grow(struct shard *s)
{
	size_t n_old = s->n_buckets;
	struct entry **old = s->buckets, **fresh = calloc(2 * n_old, sizeof(*fresh));

	if (fresh == NULL)
		return;
	s->buckets = fresh;
	s->n_buckets = 2 * n_old;
	for (size_t i = 0; i < n_old; i++) {
		for (struct entry *n = old[i], *next; n != NULL; n = next) {
			struct entry **p = bucket_of(s, n->hash);

			next = n->next;
			n->next = *p;
			*p = n;
		}
	}
	free(old);
}

static void put(struct shard *s, struct entry *n, size_t max_bytes)
{
	struct entry **p = find(s, n->tenant, n->hash);

	if (*p != NULL)
		drop(s, p);
	while (s->oldest != NULL && s->n_bytes + size_of(n) > max_bytes)
		drop(s, find(s, s->oldest->tenant, s->oldest->hash));
	if (s->n_entries >= s->n_buckets)
		grow(s);
	p = bucket_of(s, n->hash);
	n->next = *p;
	*p = n;
	link_newest(s, n);
	s->n_entries++;
	s->n_bytes += size_of(n);
}

/* ---- reads ---- */

static bool is_wanted(const struct store_call *c)
{
	return c->verb == STORE_DEVICE_BY_TOKEN && c->scope[0] == '\0';
}

static bool is_valid(struct device_cache *k, const struct entry *n)
{
	return atomic_load(n->mark) == n->mark_stood &&
	       atomic_load(&k->all) == n->all_stood;
}

static bool take(struct device_cache *k, struct store_call *c)
{
	struct shard *s = shard_of(k, c->in.hash);
	struct entry *n;
	bool known;

	(void)pthread_mutex_lock(&s->lock);
	n = *find(s, c->tenant, c->in.hash);
	known = n != NULL && is_valid(k, n);
	if (known) {
		unpack(n->packed, n->len, &c->out.device);
		unlink_use(s, n);
		link_newest(s, n);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return known;
}

/* NULL: it is not kept, and the next poll reads again. */
static struct entry *entry_new(struct device_cache *k, const struct store_call *c)
{
	const struct device *d = &c->out.device;
	atomic_uint_least32_t *mark = mark_of(k, c->tenant, d->id);
	uint32_t mark_stood = atomic_load(mark), all_stood = atomic_load(&k->all);
	uint8_t packed[PACKED_MAX];
	struct entry *n;
	size_t len;

	if (atomic_load(&k->n_forgotten) != c->cache_stood)
		return NULL;
	len = pack(d, packed);
	n = malloc(sizeof(*n) + len);
	if (n == NULL)
		return NULL;
	*n = (struct entry){.mark = mark,
			    .mark_stood = mark_stood,
			    .all_stood = all_stood,
			    .len = (uint16_t)len};
	memcpy(n->hash, c->in.hash, SHA256_LEN);
	memcpy(n->tenant, c->tenant, sizeof(n->tenant));
	memcpy(n->packed, packed, len);
	return n;
}

static void keep_read(struct device_cache *k, const struct store_call *c)
{
	struct shard *s = shard_of(k, c->in.hash);
	struct entry *n = c->err.code == ERR_NONE ? entry_new(k, c) : NULL;
	size_t before;

	if (n == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	before = s->n_bytes;
	put(s, n, k->max_bytes);
	metric_move(k->bytes, 0, 0, (int64_t)s->n_bytes - (int64_t)before);
	(void)pthread_mutex_unlock(&s->lock);
}

bool device_cache_answer(struct device_cache *k, struct store_call *c)
{
	bool known;

	if (k == NULL || (store_verb_kind(c->verb) != STORE_WRITE && !is_wanted(c)))
		return false;
	c->cache = k;
	if (!is_wanted(c))
		return false;
	c->cache_stood = atomic_load(&k->n_forgotten);
	known = take(k, c);
	metric_count(k->asked, known ? HIT : MISS, 0, 1);
	if (known) {
		c->cache = NULL;
		err_clear(&c->err);
	}
	return known;
}

void device_cache_end(struct store_call *c)
{
	struct device_cache *k = c->cache;

	if (k == NULL)
		return;
	c->cache = NULL;
	if (store_verb_kind(c->verb) == STORE_WRITE)
		forget_written(k, c);
	else
		keep_read(k, c);
}

/* ---- its life ---- */

static void add_metrics(struct device_cache *k, struct metrics *m)
{
	static const char *const outcomes[N_OUTCOMES] = {
	    [HIT] = "hit", [MISS] = "miss"};

	if (m == NULL)
		return;
	k->asked = metrics_add(
	    m, &(struct metric_desc){.name = "ota_store_device_cache_total",
				     .help = "Devices asked for by their token.",
				     .kind = METRIC_COUNTER,
				     .labels = {{"outcome", outcomes, N_OUTCOMES}}});
	k->bytes = metrics_add(
	    m, &(struct metric_desc){.name = "ota_store_device_cache_bytes",
				     .help = "Memory of the devices that are kept.",
				     .kind = METRIC_GAUGE});
}

struct device_cache *device_cache_new(size_t max_bytes, struct metrics *m,
				      struct err *e)
{
	struct device_cache *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	k->max_bytes = max_bytes / N_SHARDS;
	for (size_t i = 0; i < N_SHARDS; i++) {
		struct shard *s = &k->shards[i];

		(void)pthread_mutex_init(&s->lock, NULL);
		s->n_buckets = FIRST_BUCKETS;
		s->buckets = calloc(s->n_buckets, sizeof(struct entry *));
		if (s->buckets == NULL) {
			device_cache_free(k);
			(void)err_nomem(e);
			return NULL;
		}
	}
	add_metrics(k, m);
	return k;
}

void device_cache_free(struct device_cache *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < N_SHARDS; i++) {
		struct shard *s = &k->shards[i];

		while (s->oldest != NULL)
			drop(s, find(s, s->oldest->tenant, s->oldest->hash));
		free(s->buckets);
		(void)pthread_mutex_destroy(&s->lock);
	}
	free(k);
}
