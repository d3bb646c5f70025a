// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { explain, reasonText, stateOf } from "./explain.ts";
import type { Deployment, DeploymentState, Device } from "./types.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

function device(more: Partial<Device> = {}): Device {
	return {
		id: "gw-1",
		name: null,
		product: "gateway",
		hardware: "gw-1",
		version: "1.0.0",
		grade: "proven",
		state: "idle",
		agent_version: null,
		address: null,
		site: null,
		tags: [],
		pin: null,
		slots: null,
		deployment: null,
		created_at: 1,
		seen_at: NOW - MINUTE,
		...more,
	};
}

function update(state: DeploymentState, more: Partial<Deployment> = {}): Deployment {
	const ids = { id: "1", device: "gw-1", release: "r", product: "gateway" };
	const times = { created_at: NOW, updated_at: NOW };
	const kind = { kind: "forced" as const, force_at: null, not_before: null, consent: "none" as const };
	return { ...ids, ...times, ...kind, version: "2.0.0", state, detail: null, progress: 40, proof: null, ...more };
}

const said = (one: Device) => explain(one, NOW);

describe("what a device is doing, in words", () => {
	const silent = { seen_at: null, version: null, agent_version: null, slots: null };

	test("never called", () => {
		expect(said(device(silent))).toMatchObject({ tone: "warn", text: /^It has not called yet/ });
		expect(stateOf(device(silent))).toBe("new");
		expect(stateOf(device())).toBe("idle");
	});

	test("a device whose time of contact is not written yet has called all the same", () => {
		expect(stateOf(device({ ...silent, version: "1.0.0" }))).toBe("idle");
		expect(said(device({ seen_at: null })).text).toMatch(/^Runs 1\.0\.0/);
	});

	test("waiting for a device that is away is said with how long", () => {
		const away = device({ deployment: update("assigned"), seen_at: NOW - 180 * MINUTE });
		expect(said(away)).toMatchObject({ tone: "warn", text: /last seen 3 h ago/ });
	});

	test("waiting for a device's first call", () => {
		expect(said(device({ ...silent, deployment: update("assigned"), seen_at: 0 })).text).toMatch(/first call/);
	});

	test.each<[DeploymentState, RegExp]>([
		["assigned", /begins at its next call/],
		["downloading", /40 %/],
		["installing", /What runs now is not touched/],
		["rebooting", /only after its health check/],
		["cancelling", /give up 2\.0\.0/],
	])("while %s", (state, text) => {
		expect(said(device({ state: "updating", deployment: update(state) }))).toMatchObject({ tone: "busy", text });
	});

	test("a rollback says why and where it is back", () => {
		const back = device({ state: "rolled-back", deployment: update("rolled-back", { detail: "tries exhausted." }) });
		expect(said(back).text).toBe("2.0.0 was tried and given up: tries exhausted. It is back on 1.0.0.");
	});

	test("a failure says why, and that what ran runs on", () => {
		const failed = device({ state: "failed", deployment: update("failed") });
		expect(said(failed)).toEqual({ tone: "bad", text: "2.0.0 was not installed. What ran before runs on." });
	});

	test("proven and reported are never told in the same words", () => {
		const slots = [{ name: "B", state: "GOOD" as const, version: "1.0.0", tries: 3, reason: null, booted: true }];
		expect(said(device({ slots })).text).toBe("Runs 1.0.0 from slot B; the bootloader's hand-over proves it.");
		expect(said(device()).text).toMatch(/proves it/);
		expect(said(device({ grade: "reported" })).text).toMatch(/no proof/);
		expect(said(device({ grade: "unknown", version: "" })).tone).toBe("warn");
		expect(said(device({ grade: "unknown" })).text).toMatch(/^Says that it runs 1\.0\.0\. It has not been updated/);
	});

	test("a cancelled update is told together with what runs", () => {
		expect(said(device({ deployment: update("cancelled") })).text).toMatch(/2\.0\.0 was cancelled\. Runs 1\.0\.0/);
	});

	test("silence is added to what is known and is a warning", () => {
		const quiet = said(device({ seen_at: NOW - 11 * MINUTE }));
		expect(quiet).toMatchObject({ tone: "warn", text: /Runs 1\.0\.0.*Last seen 11 min ago\.$/ });
	});

	test("a page left open does not call a device silent that it has not asked about since", () => {
		const loaded = NOW - 30 * MINUTE;
		expect(explain(device({ seen_at: loaded }), NOW, loaded).tone).toBe("calm");
		const waiting = device({ seen_at: loaded, deployment: update("assigned") });
		expect(explain(waiting, NOW, loaded).tone).toBe("busy");
		expect(explain(waiting, NOW, NOW).tone).toBe("warn");
	});
});

test("a slot's reason is told in words, an unknown one as it came", () => {
	expect(reasonText("tries exhausted")).toBe("it crashed or hung on every try");
	expect(reasonText("Health check failed")).toBe("its health check failed");
	expect(reasonText("moon phase")).toBe("moon phase");
	expect(reasonText("none")).toBe("");
	expect(reasonText("")).toBe("");
	expect(reasonText(null)).toBe("");
});
