// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Sha256 } from "./sha256.ts";

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 7 + (i >> 5)) & 255);
const theirs = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

test("the standard's own examples", () => {
	const of = (text: string) => new Sha256().add(new TextEncoder().encode(text)).end();
	expect(of("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect(of("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	);
});

test("each length around a block, as another implementation has it", () => {
	for (const n of [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 100_003]) {
		expect(new Sha256().add(bytes(n)).end(), String(n)).toBe(theirs(bytes(n)));
	}
});

test("the pieces in which it comes make no difference", () => {
	const whole = bytes(1000);
	for (const step of [1, 3, 63, 64, 65, 200]) {
		const hash = new Sha256();
		for (let at = 0; at < whole.length; at += step) hash.add(whole.subarray(at, at + step));
		expect(hash.end(), String(step)).toBe(theirs(whole));
	}
});
