// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isConsistent, keyOf, parseCheckpoint } from "./witness.ts";

const sha = (...parts: Uint8Array[]) => {
	const h = createHash("sha256");
	for (const one of parts) h.update(one);
	return new Uint8Array(h.digest());
};
const hash = async (data: Uint8Array) => sha(data);
const node = (a: Uint8Array, b: Uint8Array) => sha(new Uint8Array([1]), a, b);
const leaves = Array.from({ length: 40 }, (_, i) => sha(new Uint8Array([0, i])));

/* RFC 6962, section 2.1, by its own recursive words. */
const half = (n: number) => 2 ** Math.floor(Math.log2(n - 1));
const tree = (d: Uint8Array[]): Uint8Array =>
	d.length === 0 ? sha() : d.length === 1 ? d[0]! : node(tree(d.slice(0, half(d.length))), tree(d.slice(half(d.length))));
function sub(m: number, d: Uint8Array[], whole: boolean): Uint8Array[] {
	if (m === d.length) return whole ? [] : [tree(d)];
	const k = half(d.length);
	return m <= k ? [...sub(m, d.slice(0, k), whole), tree(d.slice(k))] : [...sub(m - k, d.slice(k), false), tree(d.slice(0, k))];
}

describe("a witness of the log", () => {
	test("is shown that it only grew, whatever both sizes are", async () => {
		for (let size = 1; size <= leaves.length; size++)
			for (let from = 0; from <= size; from++) {
				const old = { size: from, root: tree(leaves.slice(0, from)) };
				const now = { size, root: tree(leaves.slice(0, size)) };
				const proof = from === 0 ? [] : sub(from, leaves.slice(0, size), true);
				expect(await isConsistent(old, now, proof, hash), `${from} of ${size}`).toBe(true);
			}
	});

	test("is not taken in by a log that was rewritten, cut or padded", async () => {
		for (let size = 2; size <= 20; size++)
			for (let from = 1; from < size; from++) {
				const now = { size, root: tree(leaves.slice(0, size)) };
				const proof = sub(from, leaves.slice(0, size), true);
				const forged = tree([sha(new Uint8Array([9])), ...leaves.slice(1, from)]);
				expect(await isConsistent({ size: from, root: forged }, now, proof, hash)).toBe(false);
				const old = { size: from, root: tree(leaves.slice(0, from)) };
				expect(await isConsistent(old, { size, root: forged }, proof, hash)).toBe(false);
				expect(await isConsistent(old, now, proof.slice(1), hash), `${from} ${size}`).toBe(false);
				expect(await isConsistent(old, now, [...proof, forged], hash)).toBe(false);
				expect(await isConsistent(now, old, proof, hash)).toBe(false);
			}
	});

	test("reads a checkpoint and its key", () => {
		const root = Buffer.alloc(32, 7).toString("base64");
		const signature = Buffer.alloc(68, 3).toString("base64");
		const note = parseCheckpoint(`ota-audit/default\n1042\n${root}\ntargets 17\n\n\u2014 other AAAA\n\u2014 ota-audit/default ${signature}\n`);
		expect(note).toMatchObject({ origin: "ota-audit/default", size: 1042, root });
		expect(note.signature).toHaveLength(64);
		expect(new TextDecoder().decode(note.signed)).toBe(`ota-audit/default\n1042\n${root}\ntargets 17\n`);
		for (const bad of ["", "<html>", "a\nb\nc\n\n", `a\n1\n${root}\n`]) expect(() => parseCheckpoint(bad)).toThrow("no checkpoint");
		expect(keyOf("ota-audit/default+4cbca519+Ac7MFQfcHd1ylZUcKQiI8JWtuQRNG3PWlubfBl1oO9T8")).toHaveLength(32);
		expect(keyOf("nothing")).toBeNull();
	});
});
