// SPDX-License-Identifier: Apache-2.0
/* The repository's metadata from where devices fetch it. */
import { envelopeOf, factsOf, ROLES, versionIn, type Envelope, type RoleFacts, type RoleName } from "./roles.ts";

const MOST_ROOTS = 1024;

async function text(tenant: string, file: string): Promise<string | null> {
	const answer = await fetch(`/${encodeURIComponent(tenant)}/repository/metadata/${file}`, { cache: "no-cache" });
	if (answer.status === 404) return null;
	if (!answer.ok) throw new Error(`${file}: status ${answer.status}`);
	return answer.text();
}

/** The envelopes as they are published now; null before the first. newest: the root's version, if known. */
export async function loadEnvelopes(tenant: string, newest = 0): Promise<Record<RoleName, Envelope> | null> {
	const timestampText = await text(tenant, "timestamp.json");
	if (timestampText === null) return null;
	const timestamp = envelopeOf(timestampText, "timestamp");
	const snapshot = envelopeOf((await text(tenant, `${versionIn(timestamp, "snapshot.json") ?? 0}.snapshot.json`)) ?? "", "snapshot");
	const targets = envelopeOf((await text(tenant, `${versionIn(snapshot, "targets.json") ?? 0}.targets.json`)) ?? "", "targets");
	const root = await newestRoot(tenant, Math.max(1, newest));
	return { root, targets, snapshot, timestamp };
}

/** All four roles; none before the first root. */
export async function loadRoles(tenant: string, newest = 0): Promise<RoleFacts[]> {
	const of = await loadEnvelopes(tenant, newest);
	return of ? ROLES.map((name) => factsOf(name, of[name], of.root)) : [];
}

async function newestRoot(tenant: string, from: number) {
	let found = await text(tenant, `${from}.root.json`);
	for (let version = from + 1; found !== null && version < MOST_ROOTS; version++) {
		const next = await text(tenant, `${version}.root.json`);
		if (next === null) break;
		found = next;
	}
	return envelopeOf(found ?? "", "root");
}
