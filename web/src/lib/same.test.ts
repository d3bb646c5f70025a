// SPDX-License-Identifier: Apache-2.0
/* Every action of every screen offers the API call and the `ota` command that do the same. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { operations, type Calls } from "./schema.ts";
import { same, together } from "./same.ts";

const top = new URL("..", import.meta.url).pathname;
const files = (readdirSync(top, { recursive: true }) as string[]).filter((one) => /\.(svelte|ts)$/.test(one) && !/\.test\.ts$/.test(one));
const source = new Map(files.map((one) => [one, readFileSync(top + one, "utf8")]));

/* What changes something, as it stands in a source: request("groups_put", ..), request(`rollouts_${action}`, ..). */
function written(text: string): string[] {
	const names = [...text.matchAll(/\b(?:request|ask)\(\s*(["'`])([\w${}.]+)\1/g)].map((one) => one[2]!);
	return [...new Set(names)].filter((one) => one.includes("${") || (operations[one as keyof Calls]?.[0] ?? "GET") !== "GET");
}

/* Where a call is made for what another component shows, that one. */
const SHOWN_BY: Record<string, string> = {
	"pages/Device.svelte": "lib/ui/Timeline.svelte",
	"lib/freeze.svelte.ts": "lib/ui/Freeze.svelte",
	"pages/releases/push.ts": "pages/NewRelease.svelte",
};
/* Signing in and out, and proving who it is, are the browser's own: `ota login` makes another session. */
const OWN = new Set(["session_create", "session_delete", "session_confirm"]);
/* What no screen does. */
const NOT_HERE = new Set([
	"products_put", /* a product's description */
	"products_delete",
	"repository_targets", /* with offline keys */
	"rollouts_change", /* the wizard makes a new draft */
	"tenants_create", /* the default tenant's administrators have the command */
	"tenants_set",
]);

test("what a screen does it offers as call and as command", () => {
	const missing: string[] = [];
	for (const [file, text] of source) {
		if (file === "lib/api.ts") continue; /* request() itself */
		const shown = text + (source.get(SHOWN_BY[file] ?? "") ?? "");
		for (const name of written(text)) {
			const offer = new RegExp(`\\bsame\\(\\s*["'\`]${name.replace(/\$\{.*/, "\\$\\{")}`);
			if (!OWN.has(name) && !offer.test(shown)) missing.push(`${file}: ${name}`);
		}
	}
	expect(missing).toEqual([]);
});

test("no screen does something behind the table's back", () => {
	const api = source.get("lib/api.ts")!;
	expect(written(api).filter((one) => !OWN.has(one))).toEqual([]);
	for (const [file, text] of source) expect(/method: "(POST|PUT|PATCH|DELETE)"/.test(text) ? file : "").toBe("");
});

test("what the API can change is in some screen, or it is said that it is not", () => {
	const all = new Set([...source].filter(([file]) => file !== "lib/same.ts").flatMap(([, text]) => written(text)));
	const inTemplate = (name: string) => [...all].some((one) => one.includes("${") && name.startsWith(one.slice(0, one.indexOf("${"))));
	const writes = Object.entries(operations).filter(([, [method]]) => method !== "GET").map(([name]) => name);
	expect(writes.filter((one) => !all.has(one) && !inTemplate(one) && !NOT_HERE.has(one))).toEqual([]);
	expect([...NOT_HERE].filter((one) => all.has(one))).toEqual([]);
});

test("call and command follow from the same request", () => {
	expect(same("groups_create", { body: { name: "north", filter: "site==N x" } })).toEqual({
		calls: ['POST /api/v1/groups {"name":"north","filter":"site==N x"}'],
		commands: ["ota group create north --filter 'site==N x'"],
	});
	expect(same("rollouts_stop", { id: "7", body: { reason: "bad", cancel_running: true } }).commands).toEqual([
		"ota rollout stop 7 --reason bad --cancel-running",
	]);
	expect(same("webhooks_update", { id: "3", body: { active: false } }).commands).toEqual(["ota webhook pause 3"]);
	expect(same("settings_set", { body: { poll_interval_ms: 60_000, gateway_tokens: null } }).commands).toEqual([
		"ota settings set poll-interval=60s gateway-tokens=default",
	]);
	expect(same("jobs_create", { body: { action: "join", filter: "tag==x", group: "g" } }).commands).toEqual(["ota group add g --filter tag==x"]);
});

test("tags are told as what changes", () => {
	const asked = { id: "gw", body: { tags: ["a", "new"] } };
	expect(same("devices_patch", asked, { tags: ["a", "old"] }).commands).toEqual(["ota device tag new gw", "ota device untag old gw"]);
	expect(same("devices_patch", { id: "gw", body: { name: null, attributes: { volts: "12", x: null } } }).commands).toEqual([
		"ota device set gw --name '' --attribute volts=12 --attribute x=",
	]);
});

test("several are shown once each", () => {
	const one = same("releases_list");
	expect(together(one, one)).toEqual(one);
});
