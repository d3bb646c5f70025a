/* SPDX-License-Identifier: Apache-2.0 */
/* The bench's repository with a delta in it: the online role `delta` lists its head. */
#include "agent_bench.h"

static void put_role(struct bench *b, unsigned long long version, const char *role,
		     const char *targets, const char *delegations, enum who signer)
{
	AUTO(buf) struct buf body = BUF_INIT(1u << 20);
	struct err e = ERR_INIT;
	char path[64];

	OK(buf_printf(&body, &e,
		      "{\"_type\":\"targets\"," FAR ",\"version\":%llu,"
		      "\"targets\":{%s}%s}",
		      version, targets, delegations));
	(void)snprintf(path, sizeof(path), "%llu.%s.json", version, role);
	repo_put_signed(&b->w, path, buf_str(&body), &signer, 1);
}

/* One line of "targets". */
static void put_line(char *ret, size_t room, const char *name, const void *data,
		     size_t len)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	struct err e = ERR_INIT;

	OK(sha256(data, len, hash, &e));
	hex_encode(hash, sizeof(hash), hex);
	(void)snprintf(ret, room,
		       "\"%s\":{\"length\":%zu,\"hashes\":{\"sha256\":\"%s\"}}", name,
		       len, hex);
}

/* The online role is the first NEXT has signed: its key id stands there. */
static void put_targets(struct bench *b, unsigned long long version)
{
	const struct install_material *m = &b->d->v2.material;
	AUTO(buf) struct buf public = BUF_INIT(1024);
	char line[512], delegations[1024], path[64], id[2 * SHA256_LEN + 1];
	struct err e = ERR_INIT;

	(void)snprintf(path, sizeof(path), "%llu.delta.json", version);
	(void)snprintf(id, sizeof(id), "%.64s",
		       text_after(files_need(&b->w.repo, path), "\"keyid\":\""));
	OK(pubkey_to_text(b->w.pub[NEXT], &public, &e));
	(void)snprintf(delegations, sizeof(delegations),
		       ",\"delegations\":{\"keys\":{\"%s\":{\"keytype\":\"ed25519\","
		       "\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"%s\"}}},"
		       "\"roles\":[{\"name\":\"delta\",\"keyids\":[\"%s\"],"
		       "\"threshold\":1,\"paths\":[\"delta/*/*\"],"
		       "\"terminating\":true}]}",
		       id, buf_str(&public), id);
	put_line(line, sizeof(line), BENCH_TARGET, m->manifest, m->manifest_len);
	put_role(b, version, "targets", line, delegations, TARGETS);
}

void bench_list_delta(struct bench *b, uint64_t version)
{
	static const enum who by_snapshot[] = {SNAPSHOT}, by_timestamp[] = {TIMESTAMP};
	unsigned long long v = version;
	char line[512], path[64], text[400];

	put_line(line, sizeof(line), BENCH_DELTA, b->d->delta_head.data,
		 b->d->delta_head.len);
	put_role(b, v, "delta", line, "", NEXT);
	put_targets(b, v);
	(void)snprintf(text, sizeof(text),
		       "{\"_type\":\"snapshot\"," FAR ",\"version\":%llu,\"meta\":{"
		       "\"targets.json\":{\"version\":%llu},"
		       "\"delta.json\":{\"version\":%llu}}}",
		       v, v, v);
	(void)snprintf(path, sizeof(path), "%llu.snapshot.json", v);
	repo_put_signed(&b->w, path, text, by_snapshot, 1);
	(void)snprintf(text, sizeof(text),
		       "{\"_type\":\"timestamp\"," FAR ",\"version\":%llu,\"meta\":{"
		       "\"snapshot.json\":{\"version\":%llu}}}",
		       v, v);
	repo_put_signed(&b->w, "timestamp.json", text, by_timestamp, 1);
}

void bench_add_delta(struct bench *b)
{
	device_add_delta(b->d);
	b->offers_delta = true;
	bench_list_delta(b, 50);
}
