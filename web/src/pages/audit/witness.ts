// SPDX-License-Identifier: Apache-2.0
/*
 * This browser as a witness of the audit log (docs/formats/audit.md): it keeps the last head that it saw, and has
 * the server prove that what it shows now begins with that (RFC 6962, section 2.1.2, consistency proofs). A log that
 * was rewritten, cut or replaced cannot be proven so. The signature is checked where the browser knows Ed25519.
 */
export interface Head {
	origin: string;
	size: number;
	root: string; /* Base64 */
}

export interface Note extends Head {
	signed: Uint8Array; /* what the signature is over */
	signature: Uint8Array | null; /* of the origin's own key */
}

/** Throws a sentence if it is no checkpoint. */
export function parseCheckpoint(text: string): Note {
	const end = text.indexOf("\n\n");
	const [origin = "", size = "", root = ""] = text.slice(0, Math.max(0, end)).split("\n");
	if (end < 0 || origin === "" || !/^\d+$/.test(size) || fromBase64(root)?.length !== 32)
		throw new Error("the server sent no checkpoint");
	const line = text.slice(end + 2).split("\n").find((one) => one.startsWith(`\u2014 ${origin} `));
	const packed = line ? fromBase64(line.slice(origin.length + 3)) : null;
	return {
		origin,
		size: Number(size),
		root,
		signed: new TextEncoder().encode(text.slice(0, end + 1)),
		signature: packed && packed.length === 68 ? packed.slice(4) : null,
	};
}

/** "NAME+ID+KEY" -> the 32 bytes of an Ed25519 key; null if it is another kind. */
export function keyOf(vkey: string): Uint8Array | null {
	const packed = fromBase64(vkey.slice(vkey.indexOf("+", vkey.indexOf("+") + 1) + 1));
	return packed && packed.length === 33 && packed[0] === 1 ? packed.slice(1) : null;
}

export type Hash = (data: Uint8Array) => Promise<Uint8Array>;

/** Whether the tree of `size` leaves with root `root` begins with that of `from` leaves and root `old`. */
export async function isConsistent(
	old: { size: number; root: Uint8Array },
	now: { size: number; root: Uint8Array },
	proof: Uint8Array[],
	hash: Hash,
): Promise<boolean> {
	if (old.size > now.size || proof.some((one) => one.length !== 32)) return false;
	if (old.size === now.size) return proof.length === 0 && equal(old.root, now.root);
	if (old.size === 0) return proof.length === 0;
	const node = (left: Uint8Array, right: Uint8Array) => hash(concat(new Uint8Array([1]), left, right));
	const rest = [...proof];
	let [a, b] = [old.size - 1, now.size - 1];
	while (a % 2 === 1) [a, b] = [Math.floor(a / 2), Math.floor(b / 2)];
	/* A complete old tree is a node of the new one: it is not in the proof. */
	const seed = a === 0 ? old.root : rest.shift();
	if (!seed) return false;
	let [before, after] = [seed, seed];
	for (const one of rest) {
		if (b === 0) return false;
		if (a % 2 === 1 || a === b) {
			before = await node(one, before);
			after = await node(one, after);
			while (a % 2 === 0 && a !== 0) [a, b] = [Math.floor(a / 2), Math.floor(b / 2)];
		} else after = await node(after, one);
		[a, b] = [Math.floor(a / 2), Math.floor(b / 2)];
	}
	return b === 0 && equal(before, old.root) && equal(after, now.root);
}

export function fromBase64(text: string): Uint8Array | null {
	try {
		return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
	} catch {
		return null;
	}
}

function concat(...parts: Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
	let at = 0;
	for (const one of parts) {
		whole.set(one, at);
		at += one.length;
	}
	return whole;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
