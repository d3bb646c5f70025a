// SPDX-License-Identifier: Apache-2.0
/* Holds the server's audit log against the head that this browser kept. */
import { apiPath, problemOf, request } from "../../lib/api.ts";
import { fromBase64, isConsistent, keyOf, parseCheckpoint, type Hash, type Head, type Note } from "./witness.ts";

export type Verdict =
	| { state: "first"; head: Head; text: string }
	| { state: "unsafe"; head: Head; text: string }
	| { state: "whole"; head: Head; text: string; grown: number; since: number }
	| { state: "broken" | "failed"; why: string };

interface Kept extends Head {
	at: number;
}

const keyFor = (origin: string) => `ota-witness:${origin}`;
const hash: Hash = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data as BufferSource));

export async function checkLog(): Promise<Verdict> {
	const answer = await fetch(apiPath("/audit/checkpoint"), { credentials: "same-origin" });
	if (!answer.ok) return { state: "failed", why: (await problemOf(answer)).message };
	const text = await answer.text();
	try {
		const note = parseCheckpoint(text);
		if ((await isSigned(note)) === false) return { state: "broken", why: "its head carries a wrong signature" };
		return await compare(note, text);
	} catch (why) {
		return { state: "failed", why: (why as Error).message };
	}
}

/** null: this browser does not know Ed25519. */
async function isSigned(note: Note): Promise<boolean | null> {
	const key = keyOf((await request("audit_key")).key);
	if (!key || !note.signature) return false;
	try {
		const imported = await crypto.subtle.importKey("raw", key as BufferSource, { name: "Ed25519" }, false, ["verify"]);
		return await crypto.subtle.verify({ name: "Ed25519" }, imported, note.signature as BufferSource, note.signed as BufferSource);
	} catch {
		return null;
	}
}

async function compare(note: Note, text: string): Promise<Verdict> {
	const { origin, size, root } = note;
	const head: Head = { origin, size, root };
	const kept = load(origin);
	if (!crypto.subtle) return { state: "unsafe", head, text };
	if (kept && kept.size > size) return { state: "broken", why: `it had ${kept.size} entries and has ${size}` };
	if (kept && !(await follows(kept, head))) return { state: "broken", why: `its first ${kept.size} entries are others` };
	store({ ...head, at: kept?.at ?? Date.now() });
	return kept ? { state: "whole", head, text, grown: size - kept.size, since: kept.at } : { state: "first", head, text };
}

async function follows(kept: Head, head: Head): Promise<boolean> {
	const plain = kept.size === 0 || kept.size === head.size;
	const proof = plain ? [] : (await request("audit_consistency", { query: { from: kept.size, to: head.size } })).hashes;
	const bytes = proof.map(fromBase64);
	const [old, now] = [fromBase64(kept.root), fromBase64(head.root)];
	if (!old || !now || bytes.some((one) => one === null)) return false;
	return isConsistent({ size: kept.size, root: old }, { size: head.size, root: now }, bytes as Uint8Array[], hash);
}

function load(origin: string): Kept | null {
	try {
		return JSON.parse(localStorage.getItem(keyFor(origin)) ?? "null") as Kept | null;
	} catch {
		return null;
	}
}

function store(kept: Kept): void {
	try {
		localStorage.setItem(keyFor(kept.origin), JSON.stringify(kept));
	} catch {
		/* without a place to keep it each look is the first */
	}
}
