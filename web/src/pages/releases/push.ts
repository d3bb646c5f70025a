// SPDX-License-Identifier: Apache-2.0
/*
 * A bundle to the server, as `ota release push` sends it.
 *
 *	hash	each part: the server wants to know beforehand what comes, and finds what is there already
 *	send	parts of a few MiB; what was cut goes on where it stood
 *	keep	all are committed: until here a cancelled push is taken back, and nothing of it stays
 *	root	roots that the server does not have, the oldest first; the first one claims the repository
 *	publish	the server checks everything, and says how far it came
 */
import { ApiError, request } from "../../lib/api.ts";
import type { PublishCheck, Release } from "../../lib/schema.ts";
import { Sha256 } from "../../lib/sha256.ts";
import type { Bundle } from "./bundle.ts";

export type Stage = "hash" | "send" | "keep" | "root" | "publish";
export interface Told {
	stage(stage: Stage): void;
	progress(done: number, total: number): void;
}

const READ = 1 << 20;
const PART_MAX = 4 << 20;
const MOST_SURPRISES = 8; /* times that somebody else moves the same upload */
const OCTETS = { "Content-Type": "application/octet-stream" };

interface Piece {
	name: string;
	part: string;
	blob: Blob;
	sha256: string;
	upload: string;
}

/** How far a refused publication came. */
export function checksOf(problem: unknown): { step: string; checks: PublishCheck[] } | null {
	const more = problem instanceof ApiError ? problem.more : {};
	const { step, checks } = more as { step?: unknown; checks?: unknown };
	return typeof step === "string" && Array.isArray(checks) ? { step, checks: checks as PublishCheck[] } : null;
}

export async function push(bundle: Bundle, knownRoot: number, told: Told, signal: AbortSignal, ask = request): Promise<Release> {
	const roots = bundle.roots.filter((one) => one.version > knownRoot).map((one) => ({ name: `root ${one.version}`, part: "root", blob: one.blob }));
	const pieces: Piece[] = [...roots, ...bundle.pieces].map((one) => ({ ...one, sha256: "", upload: "" }));
	const total = pieces.reduce((sum, one) => sum + one.blob.size, 0);

	told.stage("hash");
	let done = 0;
	for (const piece of pieces) piece.sha256 = await hash(piece.blob, signal, (n) => told.progress((done += n), total));
	told.stage("send");
	done = 0;
	let kept = 0;
	try {
		for (const piece of pieces) {
			await send(piece, signal, ask, (at) => told.progress(done + at, total));
			done += piece.blob.size;
		}
		signal.throwIfAborted();
		told.stage("keep");
		for (const piece of pieces) {
			await ask("uploads_commit", { id: piece.upload });
			kept++;
		}
	} catch (why) {
		const begun = pieces.slice(kept).filter((one) => one.upload !== "");
		await Promise.allSettled(begun.map((one) => ask("uploads_delete", { id: one.upload })));
		throw why;
	}
	for (const piece of pieces.slice(0, roots.length)) {
		told.stage("root");
		await ask("repository_root", { body: { root: piece.sha256 } });
	}
	told.stage("publish");
	return ask("releases_create", { body: bodyOf(pieces) });
}

/* Opaque files are named by the manifest, roots went before. */
function bodyOf(pieces: Piece[]) {
	const of = (part: string) => pieces.find((one) => one.part === part)?.sha256;
	const body = { targets: of("targets")!, manifest: of("manifest")! };
	const payload = { descriptor: of("descriptor"), head: of("head"), body: of("body") };
	return payload.head ? { ...body, ...(payload as Record<"descriptor" | "head" | "body", string>) } : body;
}

async function hash(blob: Blob, signal: AbortSignal, more: (n: number) => void): Promise<string> {
	const sum = new Sha256();
	for (let at = 0; at < blob.size; at += READ) {
		signal.throwIfAborted();
		const bytes = new Uint8Array(await blob.slice(at, at + READ).arrayBuffer());
		sum.add(bytes);
		more(bytes.length);
	}
	return sum.end();
}

async function send(piece: Piece, signal: AbortSignal, ask: typeof request, at: (offset: number) => void): Promise<void> {
	signal.throwIfAborted();
	const { blob } = piece;
	const begun = await ask("uploads_create", { body: { size: blob.size, sha256: piece.sha256 } });
	piece.upload = begun.id;
	let { offset } = begun;
	for (let surprises = 0; offset < blob.size; ) {
		at(offset);
		const body = blob.slice(offset, offset + Math.min(begun.part_max ?? PART_MAX, PART_MAX)) as never;
		try {
			offset = (await ask("uploads_put", { id: begun.id, query: { offset }, body, headers: OCTETS, signal })).offset;
		} catch (why) {
			if (!(why instanceof ApiError) || why.status !== 409 || ++surprises > MOST_SURPRISES) throw why;
			offset = (await ask("uploads_get", { id: begun.id })).offset;
		}
	}
	at(blob.size);
}
