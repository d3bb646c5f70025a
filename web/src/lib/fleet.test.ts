// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { LiveEvent } from "../live/live.svelte.ts";
import { applyToDevice, applyToHistory, applyToWindow, concerns, isOpen, matches, mergeDevice } from "./fleet.ts";
import type { Deployment, DeploymentState, Device, Slot } from "./types.ts";

export function device(id: string, more: Partial<Device> = {}): Device {
	return {
		id,
		name: null,
		product: "gateway",
		hardware: "gw-1",
		version: "1.0.0",
		grade: "proven",
		state: "idle",
		agent_version: "0.1.0",
		address: null,
		site: null,
		tags: [],
		pin: null,
		slots: null,
		created_at: 1,
		seen_at: 2,
		deployment: null,
		...more,
	};
}

function deployment(id: string, of: string, more: Partial<Deployment> = {}): Deployment {
	return {
		id,
		device: of,
		release: "r",
		product: "gateway",
		version: "2.0.0",
		state: "downloading",
		detail: null,
		progress: 10,
		created_at: 5,
		updated_at: 5,
		kind: "forced",
		force_at: null,
		not_before: null,
		consent: "none",
		proof: null,
		...more,
	};
}

const event = (name: string, data: unknown): LiveEvent => ({ type: "event", event: name, data });
const ids = (items: Device[]) => items.map((one) => one.id);
const window = (items: Device[], next?: string) => ({ items, next });

describe("the list", () => {
	test("takes a change where the device stands and leaves the old list as it was", () => {
		const old = window([device("a"), device("b")]);
		const { window: after } = applyToWindow(old, "", [event("device", device("b", { version: "2.0.0" }))]);
		expect(after.items[1]?.version).toBe("2.0.0");
		expect(old.items[1]?.version).toBe("1.0.0");
		expect(after.items[0]).toBe(old.items[0]);
	});

	test("a new device is put where the order has it", () => {
		const { window: after } = applyToWindow(window([device("a"), device("c")]), "", [event("device", device("b"))]);
		expect(ids(after.items)).toEqual(["a", "b", "c"]);
	});

	test("a new device behind the loaded part is left for the next page", () => {
		const { window: after } = applyToWindow(window([device("a"), device("c")], "c"), "", [
			event("device", device("b")),
			event("device", device("d")),
		]);
		expect(ids(after.items)).toEqual(["a", "b", "c"]);
	});

	test("a new device that the filter does not take stays out", () => {
		const { window: after } = applyToWindow(window([]), "gw", [
			event("device", device("gw-1")),
			event("device", device("x-1")),
		]);
		expect(ids(after.items)).toEqual(["gw-1"]);
	});

	test("the same new device twice in a batch is one row, with the later state", () => {
		const { window: after } = applyToWindow(window([]), "", [
			event("device", device("a")),
			event("device", device("a", { state: "failed" })),
		]);
		expect(after.items.map((one) => one.state)).toEqual(["failed"]);
	});

	test("progress and deployments of devices that are not loaded change nothing", () => {
		const old = window([device("a")]);
		const batch = [
			event("progress", { device: "z", deployment: "1", progress: 5, detail: "" }),
			event("deployment", deployment("1", "z")),
		];
		expect(applyToWindow(old, "", batch).window.items).toEqual(old.items);
	});

	test("a deleted device leaves, also one that came in the same batch, and may come again", () => {
		const deleted = (id: string) => event("device", { id, deleted: true });
		const old = window([device("a"), device("b")]);
		const after = applyToWindow(old, "", [deleted("a"), event("device", device("c")), deleted("c")]).window;
		expect(ids(after.items)).toEqual(["b"]);
		const again = applyToWindow(old, "", [deleted("a"), event("device", device("a", { name: "Again" }))]).window;
		expect(again.items.map((one) => one.name)).toEqual(["Again", null]);
	});

	test("a reset asks for a new load", () => {
		expect(applyToWindow(window([]), "", [event("device", device("a")), { type: "reset" }]).reset).toBe(true);
	});

	test("what is new stays out where only the server knows its place", () => {
		const { window: after } = applyToWindow(window([device("b")]), null, [event("device", device("a"))]);
		expect(ids(after.items)).toEqual(["b"]);
	});

	test("words are looked for at the beginning of id and name, in any case", () => {
		const one = device("GW-1", { name: "North Gate", version: "2.1.0" });
		expect(["gw", "north", ""].map((q) => matches(one, q))).toEqual([true, true, true]);
		expect(["w-1", "gate", "2.1"].map((q) => matches(one, q))).toEqual([false, false, false]);
	});
});

describe("a device", () => {
	const slot = (name: string, more: Partial<Slot> = {}): Slot => ({
		name,
		state: "GOOD",
		version: "1.0.0",
		tries: 3,
		reason: "",
		booted: name === "A",
		...more,
	});

	test("keeps a slot's root hash, which events do not carry, while the version is the same", () => {
		const old = device("a", { slots: [slot("A", { root_hash: "aa" }), slot("B", { root_hash: "bb" })] });
		const news = device("a", { slots: [slot("A"), slot("B", { version: "2.0.0", state: "WRITING" })] });
		expect(mergeDevice(old, news).slots?.map((one) => one.root_hash)).toEqual(["aa", undefined]);
	});

	test("keeps attributes, which events do not carry", () => {
		const old = device("a", { attributes: { region: "north" } });
		expect(mergeDevice(old, device("a")).attributes).toEqual({ region: "north" });
	});

	test("takes progress of its open deployment only", () => {
		const of = (progress: number, id: string) =>
			event("progress", { device: "a", deployment: id, progress, detail: "chunk 4" });
		const busy = device("a", { deployment: deployment("7", "a") });
		expect(applyToDevice(busy, of(40, "7")).deployment).toMatchObject({ progress: 40, detail: "chunk 4" });
		expect(applyToDevice(busy, of(40, "6"))).toBe(busy);
		const ended = device("a", { deployment: deployment("7", "a", { state: "failed" }) });
		expect(applyToDevice(ended, of(40, "7"))).toBe(ended);
	});

	test("takes the time of its last call, which never goes back", () => {
		const seen = (id: string, seen_at: number) => event("seen", { device: id, seen_at });
		const old = window([device("a", { seen_at: 5 }), device("b", { seen_at: null })]);
		const after = applyToWindow(old, "", [seen("a", 9), seen("b", 7), seen("z", 8), seen("a", 6)]).window;
		expect(after.items.map((one) => one.seen_at)).toEqual([9, 7]);
		expect(mergeDevice(after.items[0]!, device("a", { seen_at: 5, state: "failed" }))).toMatchObject({
			seen_at: 9,
			state: "failed",
		});
		const one = device("a");
		expect(applyToDevice(one, seen("b", 9))).toBe(one);
	});

	test("does not fall back when a durable event with older progress comes late", () => {
		const busy = device("a", { deployment: deployment("7", "a", { progress: 60 }) });
		const late = event("deployment", deployment("7", "a", { progress: 35 }));
		expect(applyToDevice(busy, late).deployment?.progress).toBe(60);
	});

	test("an older deployment does not hide a newer one", () => {
		const busy = device("a", { deployment: deployment("8", "a", { created_at: 9 }) });
		const old = event("deployment", deployment("7", "a", { state: "cancelled" }));
		expect(applyToDevice(busy, old).deployment?.id).toBe("8");
	});

	test("another device's event leaves it alone", () => {
		const one = device("a");
		expect(applyToDevice(one, event("device", device("b")))).toBe(one);
		expect(applyToDevice(one, event("deployment", deployment("1", "b")))).toBe(one);
	});
});

describe("the history", () => {
	test("takes a new deployment on top and a change in place", () => {
		const first = applyToHistory([], "a", event("deployment", deployment("1", "a")));
		const second = applyToHistory(first, "a", event("deployment", deployment("2", "a")));
		expect(second.map((one) => one.id)).toEqual(["2", "1"]);
		const ended = applyToHistory(second, "a", event("deployment", deployment("1", "a", { state: "confirmed" })));
		expect(ended.map((one) => one.state)).toEqual(["downloading", "confirmed"]);
	});

	test("leaves out what belongs to other devices", () => {
		expect(applyToHistory([], "a", event("deployment", deployment("1", "b")))).toEqual([]);
	});
});

test("a batch concerns a device when it or its deployment changed, not for progress", () => {
	expect(concerns([event("device", device("a"))], "a")).toBe(true);
	expect(concerns([event("deployment", deployment("1", "a"))], "a")).toBe(true);
	expect(concerns([{ type: "reset" }], "a")).toBe(true);
	expect(concerns([event("device", device("b")), event("deployment", deployment("1", "b"))], "a")).toBe(false);
	expect(concerns([event("progress", { device: "a" })], "a")).toBe(false);
});

test.each<[DeploymentState, boolean]>([
	["assigned", true],
	["downloading", true],
	["installing", true],
	["rebooting", true],
	["cancelling", true],
	["confirmed", false],
	["failed", false],
	["rolled-back", false],
	["cancelled", false],
])("a deployment that is %s: open is %s", (state, open) => {
	expect(isOpen(deployment("1", "a", { state }))).toBe(open);
});
