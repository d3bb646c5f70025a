// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Rollout } from "../../lib/types.ts";
import { attention, type Facts } from "./attention.ts";

const DAY = 86_400_000;
const calm: Facts = {
	now: 1_000_000_000_000,
	freeze: { frozen: false },
	rollouts: [],
	failed: 0,
	silent: 0,
	newest: [],
	roles: [],
	webhooks: [],
	notReady: [],
};
const rollout = (fields: Partial<Rollout>): Rollout => ({
	id: "7",
	name: "spring",
	release: "0123456789abcdef",
	priority: 50,
	state: "running",
	devices: { members: 1, ended: 0, succeeded: 0 },
	...fields,
});

describe("what needs a person", () => {
	test("is nothing where all is well", () => {
		expect(attention(calm)).toEqual([]);
		expect(attention({ ...calm, rollouts: [rollout({})], silent: null })).toEqual([]);
	});

	test.each([
		["paused", "error-threshold", "bad"],
		["paused", "operator", "warn"],
		["awaiting-approval", "approval", "warn"],
		["running", "wave-approval", "warn"],
		["draft", "draft", "busy"],
	] as const)("a rollout that is %s because of %s", (state, reason, tone) => {
		const calls = attention({ ...calm, rollouts: [rollout({ state, reason, detail: "3 of 5 failed" })] });
		expect(calls).toHaveLength(1);
		expect(calls[0]).toMatchObject({ tone, href: "/rollouts/7", text: "3 of 5 failed" });
	});

	test("signatures ask in time: those that people make sooner than those that the server makes", () => {
		const at = (name: string, days: number) => ({ ...calm, roles: [{ name, expires_at: calm.now + days * DAY }] });
		expect(attention(at("root", 59))[0]?.tone).toBe("warn");
		expect(attention(at("root", 61))).toEqual([]);
		expect(attention(at("timestamp", 1.5))).toEqual([]);
		expect(attention(at("timestamp", -1))[0]?.tone).toBe("bad");
	});

	test("the most urgent stands first, and each leads somewhere", () => {
		const calls = attention({
			...calm,
			freeze: { frozen: true, reason: "<b>stop</b>", by: "ann", since_at: 5, cancel_running: false },
			rollouts: [rollout({ state: "draft" }), rollout({ state: "paused", reason: "health-gate" })],
			failed: 3,
			silent: 2,
			newest: [{ product: "gw", version: "2", release: "r", behind: 4, behind_filter: "version=lt=2" }],
			webhooks: [{ id: "h", url: "https://x", active: false, reason: "410" }],
			notReady: ["signer"],
		});
		expect(calls.map((one) => one.tone)).toEqual(["bad", "bad", "bad", "warn", "warn", "warn", "busy", "busy"]);
		expect(calls.every((one) => one.href.startsWith("/"))).toBe(true);
		expect(calls.find((one) => one.text === "<b>stop</b>")?.at).toBe(5);
	});
});
