// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { openBundle, readTable, type PartName } from "./bundle.ts";
import { pack, SIGNED } from "./sample.ts";

describe("a bundle's table", () => {
	test("is the one of the format's own vector", () => {
		const hex =
			"4f5441424e444c310100040000000000" +
			"010000000000000070000000000000000500000000000000010000000000000078000000000000000800000000000000" +
			"050000000000000080000000000000001400000000000000080000000000000098000000000000004000000000000000";
		const front = Uint8Array.from(hex.match(/../g)!, (two) => Number.parseInt(two, 16));
		expect(readTable(front, 216)).toEqual([
			{ name: "root", offset: 112, length: 5 },
			{ name: "root", offset: 120, length: 8 },
			{ name: "manifest", offset: 128, length: 20 },
			{ name: "body", offset: 152, length: 64 },
		]);
	});

	test.each([
		["no bundle", (b: Uint8Array) => b.fill(0, 0, 1), "no bundle"],
		["a newer format", (b: Uint8Array) => b.fill(2, 8, 9), "newer format"],
		["what must be understood", (b: Uint8Array) => b.fill(1, 12, 13), "newer format"],
		["no parts", (b: Uint8Array) => b.fill(0, 10, 11), "cut off"],
		["an unknown part", (b: Uint8Array) => b.fill(77, 16, 17), "does not know"],
		["parts out of order", (b: Uint8Array) => b.fill(9, 16, 17), "out of order"],
		["two of a kind", (b: Uint8Array) => b.fill(8, 16 + 24 * 5, 17 + 24 * 5), "out of order"],
		["a part elsewhere", (b: Uint8Array) => b.fill(0xf1, 24, 25), "not where they must be"],
	])("with %s is refused in a sentence", (_, spoil, words) => {
		const whole = pack(SIGNED);
		spoil(whole);
		expect(() => readTable(whole, whole.length)).toThrow(words);
	});

	test("that ends elsewhere than the file is refused", () => {
		const whole = pack(SIGNED);
		expect(() => readTable(whole, whole.length - 1)).toThrow("cut off");
		expect(() => readTable(whole, whole.length + 1)).toThrow("follows");
		expect(() => readTable(whole.subarray(0, 20), whole.length)).toThrow("cut off");
		expect(() => readTable(new Uint8Array(3), 3)).toThrow("no bundle");
	});
});

describe("a bundle", () => {
	test("is taken apart: what it is, who signed, what is to be sent", async () => {
		const bundle = await openBundle(new Blob([pack(SIGNED)]));
		expect(bundle.manifest).toMatchObject({ product: "gateway", version: "2.0.0", security_version: 3, raise_floor_to: 2, files: [] });
		expect(bundle.roots.map((one) => one.version)).toEqual([1, 2]);
		expect(bundle.pieces.map((one) => one.name)).toEqual(["targets", "manifest", "descriptor", "head", "body"]);
		expect(await bundle.pieces[4]!.blob.text()).toBe("BODY of the release");
		expect([bundle.targets_version, bundle.signers]).toEqual([7, ["aa", "bb"]]);
	});

	test("that is not signed yet says what to do", async () => {
		const unsigned = SIGNED.filter(([name]) => name === "manifest" || name === "body");
		await expect(openBundle(new Blob([pack(unsigned)]))).rejects.toThrow("ota release sign");
	});

	test("whose parts are no metadata is refused", async () => {
		const broken = SIGNED.map(([name, text]): [PartName, string] => [name, name === "manifest" ? "<html>" : text]);
		await expect(openBundle(new Blob([pack(broken)]))).rejects.toThrow("manifest is no JSON");
	});
});
