// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { Delta } from "../../lib/schema.ts";
import { cell, matrices, share, sum } from "./matrix.ts";

const delta = (product: string, from_version: string, to_version: string, more: Partial<Delta> = {}): Delta => ({
	id: 1,
	product,
	from: "a",
	from_version,
	to: "b",
	to_version,
	state: "ready",
	detail: null,
	withdrawn: false,
	unwraps: false,
	needs: null,
	size: 170,
	full_size: 1000,
	cpu_ms: 5,
	created_at: 1,
	made_at: 2,
	devices: 0,
	saved: 0,
	...more,
});

test("a product has a table of its own, its versions newest first by their numbers", () => {
	const all = matrices([delta("meter", "1.9.0", "1.10.0"), delta("meter", "1.2.0", "1.10.0"), delta("gateway", "1", "2"), delta("meter", "1.2.0", "1.9.0")]);
	expect(all.map((one) => one.product)).toEqual(["gateway", "meter"]);
	expect(all[1]!.from).toEqual(["1.9.0", "1.2.0"]);
	expect(all[1]!.to).toEqual(["1.10.0", "1.9.0"]);
	expect(cell(all[1]!, "1.2.0", "1.9.0")).toBeDefined();
	expect(cell(all[1]!, "1.9.0", "1.9.0")).toBeUndefined();
});

test("of a plain and an unwrapped one the cell shows the smaller that can be fetched", () => {
	const unwrapped = (more: Partial<Delta>) => delta("m", "1", "2", { unwraps: true, ...more });
	const shown = (...all: Delta[]) => cell(matrices(all)[0]!, "1", "2")!;
	const plain = delta("m", "1", "2");
	for (const pair of [[plain, unwrapped({ size: 20 })], [unwrapped({ size: 20 }), plain]]) expect(shown(...pair).size).toBe(20);
	expect(shown(plain, unwrapped({ size: 200 })).unwraps).toBe(false);
	expect(shown(plain, unwrapped({ state: "making", size: null })).unwraps).toBe(false);
	expect(shown(delta("m", "1", "2", { state: "useless", size: null }), unwrapped({ size: 20 })).unwraps).toBe(true);
	expect(shown(unwrapped({ state: "useless", size: null }), delta("m", "1", "2", { state: "useless", size: null })).unwraps).toBe(false);
});

test("only one that can be fetched has a share, and none is nothing", () => {
	expect(share(delta("m", "1", "2"))).toBe(17);
	expect(share(delta("m", "1", "2", { size: 1 }))).toBe(1);
	expect(share(delta("m", "1", "2", { state: "made" }))).toBeNull();
	expect(share(delta("m", "1", "2", { withdrawn: true }))).toBeNull();
	expect(share(delta("m", "1", "2", { state: "useless", size: null }))).toBeNull();
});

test("what was saved is that of all deltas, withdrawn ones too", () => {
	const all = [delta("m", "1", "2", { devices: 2, saved: 1660 }), delta("g", "1", "2", { devices: 1, saved: 830, withdrawn: true })];
	expect(sum(all, "devices")).toBe(3);
	expect(sum(all, "saved")).toBe(2490);
});
