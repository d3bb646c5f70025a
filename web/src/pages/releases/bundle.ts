// SPDX-License-Identifier: Apache-2.0
/*
 * A bundle as `ota bundle create` and `ota release sign` leave it (docs/formats/bundle.md), taken apart to be sent.
 * The table's rules are enforced; nothing else is vouched for here: the server checks every part before it publishes.
 */
export const PARTS = ["root", "timestamp", "snapshot", "targets", "manifest", "descriptor", "head", "body", "file"] as const;
export type PartName = (typeof PARTS)[number];
export interface Part {
	name: PartName;
	offset: number;
	length: number;
}

const MAGIC = "OTABNDL1";
const HEAD = 16;
const ROW = 24;
const MOST_PARTS = 64;
const TABLE_MAX = HEAD + ROW * MOST_PARTS;
/* Beyond these no server takes the part; none is read into memory before. */
const TEXT_MAX: Partial<Record<PartName, number>> = { root: 512 * 1024, targets: 5 * 1024 * 1024, manifest: 65_536 };

export interface Manifest {
	product: string;
	version: string;
	security_version: number;
	raise_floor_to: number;
	hardware: string[];
	notes: string;
	images: { name: string; size: number; root_hash: string }[];
	files: { name: string; part: string; size: number }[];
}

/** What can be seen of it before anybody has checked it. */
export interface Bundle {
	manifest: Manifest;
	size: number;
	pieces: { name: string; part: PartName; blob: Blob }[]; /* to be uploaded, roots apart */
	roots: { version: number; blob: Blob }[];
	targets_version: number;
	signers: string[]; /* key ids */
}

/** The rows of the table; a sentence is thrown if it is none. */
export function readTable(front: Uint8Array, size: number): Part[] {
	const view = new DataView(front.buffer, front.byteOffset, front.byteLength);
	if (front.length < HEAD || new TextDecoder("latin1").decode(front.subarray(0, 8)) !== MAGIC) throw new Error("This is no bundle.");
	const n = view.getUint16(10, true);
	if (view.getUint16(8, true) !== 1 || view.getUint32(12, true) !== 0) throw new Error("This bundle is of a newer format than this console reads.");
	if (n < 1 || n > MOST_PARTS || front.length < HEAD + ROW * n) throw new Error("The bundle's table of parts is cut off.");
	const parts: Part[] = [];
	let end = HEAD + ROW * n;
	for (let i = 0; i < n; i++) {
		const at = HEAD + ROW * i;
		const name = PARTS[view.getUint32(at, true) - 1];
		const part = { name: name!, offset: Number(view.getBigUint64(at + 8, true)), length: Number(view.getBigUint64(at + 16, true)) };
		if (!name) throw new Error("The bundle has a part that this console does not know.");
		checkPlace(part, parts.at(-1), end);
		parts.push(part);
		end = part.offset + part.length;
	}
	if (end !== size) throw new Error(end > size ? "The bundle is cut off." : "Something follows the bundle's last part.");
	return parts;
}

function checkPlace(part: Part, before: Part | undefined, end: number): void {
	const order = before ? PARTS.indexOf(part.name) - PARTS.indexOf(before.name) : 1;
	if (order < 0 || (order === 0 && part.name !== "root" && part.name !== "file")) throw new Error("The bundle's parts are out of order.");
	if (part.offset !== Math.ceil(end / 8) * 8) throw new Error("The bundle's parts are not where they must be.");
	if (part.length === 0 && part.name !== "body") throw new Error(`The bundle's part ${part.name} is empty.`);
}

interface Signed {
	signed: { version: number };
	signatures: { keyid: string }[];
}

export async function openBundle(file: Blob): Promise<Bundle> {
	const front = new Uint8Array(await file.slice(0, TABLE_MAX).arrayBuffer());
	const parts = readTable(front, file.size);
	const blob = (part: Part) => file.slice(part.offset, part.offset + part.length);
	const text = async (name: PartName, part = parts.find((one) => one.name === name)) => {
		if (!part) throw new Error(name === "targets" ? "This bundle is not signed yet: run ota release sign." : `The bundle has no ${name}.`);
		if (part.length > TEXT_MAX[name]!) throw new Error(`The bundle's part ${name} is too long.`);
		return json<never>(name, await blob(part).text());
	};
	const manifest: Manifest = await text("manifest");
	const targets: Signed = await text("targets");
	const roots: Bundle["roots"] = [];
	for (const part of parts.filter((one) => one.name === "root")) {
		const root: Signed = await text("root", part);
		roots.push({ version: root.signed.version, blob: blob(part) });
	}
	const named = parts.filter((one) => ["targets", "manifest", "descriptor", "head", "body"].includes(one.name));
	const files = parts.filter((one) => one.name === "file");
	return {
		manifest: { ...manifest, images: manifest.images ?? [], files: manifest.files ?? [] },
		size: file.size,
		roots,
		pieces: [...named.map((part) => ({ name: part.name, part: part.name, blob: blob(part) })),
			...files.map((part, i) => ({ name: manifest.files?.[i]?.name ?? `file ${i + 1}`, part: part.name, blob: blob(part) }))],
		targets_version: targets.signed.version,
		signers: [...new Set(targets.signatures.map((one) => one.keyid))],
	};
}

function json<T>(name: PartName, text: string): T {
	try {
		return JSON.parse(text) as T;
	} catch {
		throw new Error(`The bundle's part ${name} is no JSON.`);
	}
}
