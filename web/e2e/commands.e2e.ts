// SPDX-License-Identifier: Apache-2.0
/* `ota` takes each command that the console's table can show, for each way in which the API is asked. */
import { describe, expect, test } from "vitest";
import type { Asked } from "../src/lib/api.ts";
import { same, type Write } from "../src/lib/same.ts";
import { refusals } from "./ota.ts";

const reason = "bad; it's $(late)";
const at = 1_800_000_000_000;

/* A row for each operation that changes something: what is new does not compile without one. */
const SAMPLES: { [K in Write]: Asked<K>[] } = {
	deployments_create: [
		{ body: { device: "gw-1", release: "0011223344556677" } },
		{ body: { device: "gw-1", release: "0011223344556677", kind: "time-forced", force_at: at, not_before: at, consent: true } },
	],
	deployments_delete: [{ id: "100001" }, { id: "100001", query: { force: "true" } }],
	devices_create: [{ body: { id: "gw-1" } }, { body: { id: "gw-1", name: "it's one", product: "gateway", hardware: "revA" } }],
	devices_delete: [{ id: "gw-1" }],
	devices_patch: [
		{ id: "gw-1", body: { name: null, site: "north" } },
		{ id: "gw-1", body: { pin: { reason } } },
		{ id: "gw-1", body: { pin: { reason, release: "0011223344556677" } } },
		{ id: "gw-1", body: { pin: null } },
		{ id: "gw-1", body: { tags: ["a"] } },
		{ id: "gw-1", body: { attributes: { volts: "12", gone: null } } },
	],
	devices_token: [{ id: "gw-1" }],
	freeze_put: [{ body: { reason, cancel_running: true } }],
	freeze_delete: [{}],
	groups_create: [{ body: { name: "g", filter: "tag==x;site!=''", about: reason } }, { body: { name: "g" } }],
	groups_put: [{ id: "g", body: { filter: "tag==x" } }, { id: "g", body: { about: "x" } }, { id: "g", body: {} }],
	groups_delete: [{ id: "g" }],
	groups_members: [{ id: "g", body: { add: ["a", "b"] } }, { id: "g", body: { add: [] } }, { id: "g", body: { remove: ["a"] } }],
	jobs_create: (["tag", "untag", "assign", "cancel", "pin", "unpin", "delete", "join", "leave"] as const).flatMap((action) => [
		{ body: { action, filter: "id=in=(a,b)" } },
		{ body: { action, filter: "tag=='it''s'", tag: "t", release: "0011223344556677", reason, group: "g", force: true } },
	]),
	jobs_cancel: [{ id: "1" }],
	products_put: [{ id: "gateway", body: { about: "x", hardware: ["revA", "revB"], support_ends_at: at } }],
	products_delete: [{ id: "gateway" }],
	releases_create: [{}],
	releases_withdraw: [{ id: "0011223344556677", body: { reason, cancel_running: true } }],
	repository_root: [{}],
	repository_targets: [{}],
	rollouts_create: [{ body: { name: "x", release: "0011223344556677", selection: "tag==x" } }],
	rollouts_change: [{ id: "1", body: { name: "x", release: "0011223344556677", selection: "" } }],
	rollouts_delete: [{ id: "1" }],
	rollouts_start: [{ id: "1" }, { id: "1", body: { reason } }],
	rollouts_approve: [{ id: "1" }, { id: "1", body: { reason, wave: 2 } }],
	rollouts_pause: [{ id: "1", body: { reason } }],
	rollouts_resume: [{ id: "1", body: { reason } }],
	rollouts_stop: [{ id: "1", body: { reason, cancel_running: true } }],
	rollouts_rollback: [{ id: "1", body: { reason, release: "0011223344556677", below_security_version: true } }],
	session_create: [{ body: { user: "ann", password: "x" } }],
	session_delete: [{}],
	session_confirm: [{ body: { password: "x" } }],
	session_password: [{ body: { password: "x", new: "y" } }],
	sessions_delete: [{ id: "s" }],
	settings_set: [
		{ body: { poll_interval_ms: 90_000, target_tokens: true, gateway_tokens: false, plain_links: null } },
		{ body: { poll_interval_ms: null } },
	],
	tenants_create: [{ body: { name: "t", max_devices: 5, max_bytes: null } }],
	tenants_set: [{ id: "t", body: { max_devices: 5 } }],
	tokens_create: [
		{ body: { name: "ci", role: "gateway" } },
		{ body: { name: "ci", role: "operator", groups: ["a", "b"], expires_at: null } },
		{ body: { name: "ci", role: "viewer", expires_at: Date.now() + 30 * 86_400_000 } },
	],
	tokens_delete: [{ id: "t" }],
	uploads_create: [{}],
	uploads_put: [{}],
	uploads_commit: [{}],
	uploads_delete: [{}],
	users_create: [{ body: { name: "ann", password: "x", role: "operator", groups: ["a"] } }],
	users_set: [{ id: "ann", body: { disabled: true } }, { id: "ann", body: { disabled: false } }, { id: "ann", body: { role: "viewer", groups: ["a"] } }, { id: "ann", body: { password: "x" } }],
	users_delete: [{ id: "ann" }],
	webhooks_create: [{ body: { url: "https://hooks.example.org/x?a=b&c", events: ["rollout", "freeze"] } }],
	webhooks_update: [{ id: "1", body: { active: true } }, { id: "1", body: { active: false } }, { id: "1", body: { url: "https://x.example.org", events: ["job"] } }],
	webhooks_delete: [{ id: "1" }],
	webhooks_replay: [{ id: "1", delivery: "2" }],
};

const READS = ["audit_list", "devices_list", "groups_list", "jobs_list", "releases_list", "repository_keys", "rollouts_list", "sessions_list", "settings_get", "tokens_list", "users_list", "webhooks_list"] as const;
const ABOUT = ["devices_get", "devices_why", "groups_get", "releases_get", "rollouts_get", "rollouts_decisions", "rollouts_preview", "webhooks_deliveries"] as const;

describe.skipIf(!process.env["OTA_PROGRAM"])("commands", () => {
	test("that change something are taken by ota", async () => {
		const all = Object.entries(SAMPLES).flatMap(([name, asked]) =>
			(asked as Asked<Write>[]).flatMap((one) => same(name as Write, one, { tags: ["b"] }).commands),
		);
		expect(all.length).toBeGreaterThan(Object.keys(SAMPLES).length);
		expect(await refusals([...new Set(all)])).toEqual([]);
	});

	test("that only look are taken by ota", async () => {
		const all = [...READS.flatMap((name) => same(name).commands), ...ABOUT.flatMap((name) => same(name, { id: "x" }).commands)];
		expect(await refusals(all)).toEqual([]);
	});

	test("what ota does not know is told", async () => {
		const wrong = ["ota rollout pause", "ota device list --colour red", "ota webhook add https://x.example.org", "ota dance"];
		expect((await refusals(wrong)).map((one) => one.split("\n")[0]).sort()).toEqual([...wrong].sort());
	});
});
