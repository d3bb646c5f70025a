/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include "../../common/json/json.h"
#include "stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_BUCKETS 1024	  /* device streams of a port, by hash of the id */
#define N_REMEMBERED 4096 /* devices in a pace; a collision only tells one more */
#define VOLATILE_EVERY_MS 1000
#define CREDENTIAL_TEXT_LEN 64
#define TENANTS_MAX_ROOM 4096 /* tenants whose streams are counted apart */

struct device_stream {
	struct device_stream *next;
	struct port *port;
	struct http_stream *http;
	char tenant[TENANT_MAX_LEN + 1];
	char device[DEVICE_ID_MAX_LEN + 1];
};

struct console_stream {
	struct console console; /* first: console_closed() frees the whole */
	struct port *port;
	struct loop_timer *end;
	char user[USER_MAX_LEN + 1];
	char credential[CREDENTIAL_TEXT_LEN + 1];
};

/* The streams of one HTTP thread; touched only there, but for `next`. */
struct port {
	struct port *next;
	struct hub *hub;
	struct loop *loop;
	struct console *consoles;
	struct device_stream *devices[N_BUCKETS];
};

/* When something volatile was told last of a device. */
struct pace {
	struct {
		uint32_t hash;
		int64_t at_ms;
	} devices[N_REMEMBERED];
};

/* How many streams a tenant has; made at its first one. */
struct tenant_count {
	struct tenant_count *next;
	char tenant[TENANT_MAX_LEN + 1];
	size_t n;
};

struct hub {
	struct store *store;
	struct loop *main_loop;
	const struct clock *clock;
	const struct log *log;
	size_t max_device_streams;
	atomic_size_t n_consoles;

	pthread_mutex_t lock; /* guards what follows */
	struct port *ports;
	size_t n_device_streams;
	struct tenant_count *tenants;
	struct pace progress, seen;
};

static uint32_t hash_on(uint32_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

/* FNV-1a over TENANT/DEVICE. */
static uint32_t hash_of(const char *tenant, const char *device)
{
	return hash_on(hash_on(hash_on(2166136261u, tenant), "/"), device);
}

/* ---- messages to ports: one allocation for each, freed where it arrives ---- */

enum message_kind { WAKE, POKE, PROGRESS, SEEN, DELIVERY, END_CREDENTIAL, END_USER };

struct message {
	struct port *port;
	enum message_kind kind;
	char tenant[TENANT_MAX_LEN + 1]; /* "": of all */
	char text[]; /* POKE: device; PROGRESS, SEEN, DELIVERY: data; END_..: whose */
};

static struct device_stream **bucket_of(struct port *p, const char *tenant,
					const char *device)
{
	return &p->devices[hash_of(tenant, device) % N_BUCKETS];
}

static bool is_of(const struct device_stream *s, const char *tenant, const char *device)
{
	return strcmp(s->device, device) == 0 && strcmp(s->tenant, tenant) == 0;
}

static void poke_streams(struct port *p, const char *tenant, const char *device)
{
	struct device_stream *next;

	for (struct device_stream *s = *bucket_of(p, tenant, device); s != NULL;
	     s = next) {
		next = s->next; /* ending a stream frees it */
		if (is_of(s, tenant, device) &&
		    http_stream_send(s->http, NULL, "poll", "{}") < 0)
			http_stream_end(s->http);
	}
}

static void wake_consoles(struct port *p)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		next = c->next;
		console_wake(c);
	}
}

/* Who sees some groups only would have to be asked about in the store; what is volatile
 * is not worth that. */
static void show(struct port *p, const char *tenant, const char *event,
		 const char *data)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		next = c->next;
		if (c->scope[0] == '\0' && strcmp(c->tenant, tenant) == 0 &&
		    http_stream_send(c->http, NULL, event, data) < 0)
			http_stream_end(c->http);
	}
}

static bool is_meant(const struct console *c, const struct message *m)
{
	const struct console_stream *s = (const struct console_stream *)c;

	if (m->kind == END_CREDENTIAL)
		return strcmp(s->credential, m->text) == 0;
	return strcmp(c->tenant, m->tenant) == 0 && strcmp(s->user, m->text) == 0;
}

static void end_consoles(struct port *p, const struct message *m)
{
	struct console *next;

	for (struct console *c = p->consoles; c != NULL; c = next) {
		next = c->next;
		if (is_meant(c, m))
			http_stream_end(c->http);
	}
}

static void arrive(void *ctx)
{
	struct message *m = ctx;

	switch (m->kind) {
	case WAKE:
		wake_consoles(m->port);
		break;
	case POKE:
		poke_streams(m->port, m->tenant, m->text);
		break;
	case END_CREDENTIAL:
	case END_USER:
		end_consoles(m->port, m);
		break;
	case SEEN:
		show(m->port, m->tenant, "seen", m->text);
		break;
	case DELIVERY:
		show(m->port, m->tenant, "delivery", m->text);
		break;
	case PROGRESS:
	default:
		show(m->port, m->tenant, "progress", m->text);
		break;
	}
	free(m);
}

/* Without memory a message is lost: a poke is made up for by the next poll, a wake by
 * the next event, progress and calls by the next ones. */
static void send_to_port(struct port *p, enum message_kind kind, const char *tenant,
			 const char *text)
{
	size_t len = strlen(text) + 1;
	struct message *m = malloc(sizeof(*m) + len);

	if (m == NULL)
		return;
	m->port = p;
	m->kind = kind;
	(void)snprintf(m->tenant, sizeof(m->tenant), "%s", tenant);
	memcpy(m->text, text, len);
	if (loop_wake(p->loop, arrive, m, NULL) < 0)
		free(m);
}

static void send_to_all(struct hub *h, enum message_kind kind, const char *tenant,
			const char *text)
{
	pthread_mutex_lock(&h->lock);
	for (struct port *p = h->ports; p != NULL; p = p->next)
		send_to_port(p, kind, tenant, text);
	pthread_mutex_unlock(&h->lock);
}

/* ---- the hub ---- */

static void on_store_events(void *ctx)
{
	send_to_all(ctx, WAKE, "", "");
}

struct hub *hub_new(struct store *s, struct loop *main_loop, const struct clock *clock,
		    const struct log *log, size_t max_device_streams, struct err *e)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (h == NULL || pthread_mutex_init(&h->lock, NULL) != 0) {
		free(h);
		(void)err_nomem(e);
		return NULL;
	}
	h->store = s;
	h->main_loop = main_loop;
	h->clock = clock;
	h->log = log;
	h->max_device_streams = max_device_streams;
	store_watch(s, main_loop, on_store_events, h);
	return h;
}

void hub_free(struct hub *h)
{
	struct port *next;
	struct tenant_count *next_count;

	if (h == NULL)
		return;
	store_watch(h->store, NULL, NULL, NULL);
	for (struct port *p = h->ports; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	for (struct tenant_count *t = h->tenants; t != NULL; t = next_count) {
		next_count = t->next;
		free(t);
	}
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct port *find_port(struct hub *h, struct loop *l)
{
	struct port *p;

	pthread_mutex_lock(&h->lock);
	for (p = h->ports; p != NULL && p->loop != l; p = p->next)
		;
	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p != NULL) {
			p->hub = h;
			p->loop = l;
			p->next = h->ports;
			h->ports = p;
		}
	}
	pthread_mutex_unlock(&h->lock);
	return p;
}

void hub_poke(struct hub *h, const char *tenant, const char *device)
{
	send_to_all(h, POKE, tenant, device);
}

/* True at most once a second a device. */
static bool is_due(struct hub *h, struct pace *pace, const char *tenant,
		   const char *device)
{
	uint32_t hash = hash_of(tenant, device);
	int64_t now_ms = clock_mono_ms(h->clock);
	bool due;

	pthread_mutex_lock(&h->lock);
	due = pace->devices[hash % N_REMEMBERED].hash != hash ||
	      now_ms - pace->devices[hash % N_REMEMBERED].at_ms >= VOLATILE_EVERY_MS;
	if (due) {
		pace->devices[hash % N_REMEMBERED].hash = hash;
		pace->devices[hash % N_REMEMBERED].at_ms = now_ms;
	}
	pthread_mutex_unlock(&h->lock);
	return due;
}

void hub_progress(struct hub *h, const char *tenant, const char *device,
		  uint64_t deployment, unsigned percent, const char *detail)
{
	AUTO_PTR(json) struct json *o = NULL;
	AUTO(buf) struct buf text = BUF_INIT(8192);
	char id[24];

	if (!is_due(h, &h->progress, tenant, device))
		return;
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)deployment);
	o = json_new_object();
	if (o == NULL || json_set(o, "device", json_new_text(device), NULL) < 0 ||
	    json_set(o, "deployment", json_new_text(id), NULL) < 0 ||
	    json_set(o, "progress", json_new_int(percent), NULL) < 0 ||
	    json_set(o, "detail",
		     detail[0] == '\0' ? json_new_null() : json_new_text(detail),
		     NULL) < 0 ||
	    json_write(o, &text, NULL) < 0)
		return;
	send_to_all(h, PROGRESS, tenant, buf_str(&text));
}

void hub_seen(struct hub *h, const char *tenant, const char *device, int64_t at_ms)
{
	AUTO_PTR(json) struct json *o = NULL;
	AUTO(buf) struct buf text = BUF_INIT(8192);

	if (atomic_load(&h->n_consoles) == 0 || !is_due(h, &h->seen, tenant, device))
		return;
	o = json_new_object();
	if (o == NULL || json_set(o, "device", json_new_text(device), NULL) < 0 ||
	    json_set(o, "seen_at", json_new_int(at_ms), NULL) < 0 ||
	    json_write(o, &text, NULL) < 0)
		return;
	send_to_all(h, SEEN, tenant, buf_str(&text));
}

void hub_delivery(void *ctx, const char *tenant, const char *webhook)
{
	AUTO_PTR(json) struct json *o = NULL;
	AUTO(buf) struct buf text = BUF_INIT(1024);
	struct hub *h = ctx;

	if (atomic_load(&h->n_consoles) == 0)
		return;
	o = json_new_object();
	if (o == NULL || json_set(o, "webhook", json_new_text(webhook), NULL) < 0 ||
	    json_write(o, &text, NULL) < 0)
		return;
	send_to_all(h, DELIVERY, tenant, buf_str(&text));
}

/* ---- how many streams a tenant has ---- */

static struct tenant_count *count_of(struct hub *h, const char *tenant)
{
	struct tenant_count *t;
	size_t n = 0;

	for (t = h->tenants; t != NULL && strcmp(t->tenant, tenant) != 0; t = t->next)
		n++;
	if (t != NULL || n >= TENANTS_MAX_ROOM)
		return t;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	(void)snprintf(t->tenant, sizeof(t->tenant), "%s", tenant);
	t->next = h->tenants;
	h->tenants = t;
	return t;
}

/* One more stream of the tenant, and of a device if is_device. */
static int take_place(struct hub *h, const char *tenant, bool is_device,
		      size_t max_streams, struct err *e)
{
	struct tenant_count *t;
	int rc = 0;

	pthread_mutex_lock(&h->lock);
	t = count_of(h, tenant);
	if (t == NULL)
		rc = err_nomem(e);
	else if (is_device && h->n_device_streams >= h->max_device_streams)
		rc = err_set(e, ERR_BUSY, "%zu devices listen already: poll instead",
			     h->max_device_streams);
	else if (max_streams != 0 && t->n >= max_streams)
		rc = err_set(e, ERR_BUSY,
			     "this tenant has its %zu event streams open already",
			     max_streams);
	if (rc == 0) {
		t->n++;
		h->n_device_streams += is_device;
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static void give_place_back(struct hub *h, const char *tenant, bool is_device)
{
	struct tenant_count *t;

	pthread_mutex_lock(&h->lock);
	t = count_of(h, tenant); /* there since the place was taken */
	if (t != NULL)
		t->n--;
	h->n_device_streams -= is_device;
	pthread_mutex_unlock(&h->lock);
}

/* ---- console streams ---- */

static void on_console_close(void *ctx)
{
	struct console_stream *s = ctx;

	for (struct console **p = &s->port->consoles; *p != NULL; p = &(*p)->next) {
		if (*p == &s->console) {
			*p = s->console.next;
			break;
		}
	}
	atomic_fetch_sub(&s->port->hub->n_consoles, 1);
	give_place_back(s->port->hub, s->console.tenant, false);
	loop_timer_free(TAKE(s->end));
	console_closed(&s->console);
}

static void on_console_end(void *ctx)
{
	struct console_stream *s = ctx;

	http_stream_end(s->console.http); /* frees s */
}

void hub_end_credential(struct hub *h, const char *credential)
{
	if (credential[0] != '\0')
		send_to_all(h, END_CREDENTIAL, "", credential);
}

void hub_end_user(struct hub *h, const char *tenant, const char *user)
{
	send_to_all(h, END_USER, tenant, user);
}

static struct console_stream *
console_stream_new(struct port *p, const struct hub_viewer *v, struct err *e)
{
	struct console_stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	s->port = p;
	(void)snprintf(s->user, sizeof(s->user), "%s", v->user);
	(void)snprintf(s->credential, sizeof(s->credential), "%s", v->credential);
	s->end = loop_timer_new(p->loop, on_console_end, s, e);
	if (s->end == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

int hub_stream_console(struct hub *h, struct http_request *r,
		       const struct hub_viewer *v, struct err *e)
{
	struct port *p = find_port(h, http_loop(r));
	struct console_stream *s;

	if (p == NULL)
		return err_nomem(e);
	if (take_place(h, v->tenant, false, v->max_streams, e) < 0)
		return -1;
	s = console_stream_new(p, v, e);
	if (s == NULL) {
		give_place_back(h, v->tenant, false);
		return -1;
	}
	console_init(&s->console, h->store, p->loop, v->tenant, v->scope,
		     http_header(r, "Last-Event-ID"));
	s->console.http = http_stream_begin(r, on_console_close, s);
	if (s->console.http == NULL) {
		give_place_back(h, v->tenant, false);
		loop_timer_free(s->end);
		free(s);
		return 0;
	}
	s->console.next = p->consoles;
	p->consoles = &s->console;
	atomic_fetch_add(&h->n_consoles, 1);
	loop_timer_set(s->end, v->life_ms);
	console_wake(&s->console);
	return 0;
}

/* ---- device streams ---- */

static void on_device_close(void *ctx)
{
	struct device_stream *s = ctx;
	struct device_stream **p = bucket_of(s->port, s->tenant, s->device);

	for (; *p != NULL; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	give_place_back(s->port->hub, s->tenant, true);
	free(s);
}

/* Who comes back after its network changed has left a stream behind that nobody has
 * noticed yet; and one device must not take the places of all. */
static void end_old_streams(struct port *p, const char *tenant, const char *device)
{
	struct device_stream *next;

	for (struct device_stream *s = *bucket_of(p, tenant, device); s != NULL;
	     s = next) {
		next = s->next;
		if (is_of(s, tenant, device))
			http_stream_end(s->http); /* frees s */
	}
}

int hub_stream_device(struct hub *h, struct http_request *r, const char *tenant,
		      const char *device, size_t max_streams, struct err *e)
{
	struct port *p = find_port(h, http_loop(r));
	struct device_stream *s, **bucket;

	if (p == NULL)
		return err_nomem(e);
	end_old_streams(p, tenant, device);
	if (take_place(h, tenant, true, max_streams, e) < 0)
		return -1;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		give_place_back(h, tenant, true);
		return err_nomem(e);
	}
	s->port = p;
	(void)snprintf(s->tenant, sizeof(s->tenant), "%s", tenant);
	(void)snprintf(s->device, sizeof(s->device), "%s", device);
	s->http = http_stream_begin(r, on_device_close, s);
	if (s->http == NULL) {
		give_place_back(h, tenant, true);
		free(s);
		return 0;
	}
	bucket = bucket_of(p, tenant, device);
	s->next = *bucket;
	*bucket = s;
	/* What was assigned between its poll and now would else wait for the next. */
	poke_streams(p, tenant, device);
	return 0;
}
