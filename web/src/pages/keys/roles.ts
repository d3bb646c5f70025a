// SPDX-License-Identifier: Apache-2.0
/* TUF metadata as devices fetch it, read for people: who signs what, how many must, and until when. Pure. Nothing is
 * verified here: devices do that; this shows what they are given. */
export type RoleName = "root" | "targets" | "snapshot" | "timestamp";
export const ROLES: RoleName[] = ["root", "targets", "snapshot", "timestamp"];

export interface RoleFacts {
	name: RoleName;
	version: number;
	expires_at: number;
	signatures: number;
	threshold: number;
	keys: { id: string; type: string; signed: boolean }[];
	demo: boolean; /* of a demonstration: everybody has these keys */
}

export interface Envelope {
	signed: {
		_type: string;
		version: number;
		expires: string;
		keys?: Record<string, { keytype?: string }>;
		"x-ota-demo"?: boolean;
		roles?: Record<string, { keyids: string[]; threshold: number }>;
		meta?: Record<string, { version: number }>;
		targets?: Record<string, { hashes?: { sha256?: string } }>;
	};
	signatures: { keyid: string }[];
}

/** Throws a sentence if text is no metadata of that role. */
export function envelopeOf(text: string, role: RoleName): Envelope {
	const whole = JSON.parse(text) as Envelope;
	if (whole.signed?._type !== role || !Number.isInteger(whole.signed.version) || Number.isNaN(Date.parse(whole.signed.expires)))
		throw new Error(`this is no metadata of the role ${role}`);
	return whole;
}

/** Which versions the snapshot and the timestamp name: what is fetched next. */
export function versionIn(envelope: Envelope, file: "snapshot.json" | "targets.json"): number | null {
	return envelope.signed.meta?.[file]?.version ?? null;
}

export function factsOf(name: RoleName, envelope: Envelope, root: Envelope): RoleFacts {
	const role = root.signed.roles?.[name] ?? { keyids: [], threshold: 0 };
	const signers = new Set(envelope.signatures.map((one) => one.keyid));
	const keys = role.keyids.map((id) => {
		const key = root.signed.keys?.[id];
		return { id, type: key?.keytype ?? "?", signed: signers.has(id) };
	});
	return {
		name,
		version: envelope.signed.version,
		expires_at: Date.parse(envelope.signed.expires),
		signatures: keys.filter((key) => key.signed).length,
		threshold: role.threshold,
		keys,
		demo: root.signed["x-ota-demo"] === true,
	};
}

/** Does the list of releases name a manifest with this hash? */
export function lists(targets: Envelope, sha256: string): boolean {
	return Object.values(targets.signed.targets ?? {}).some((one) => one.hashes?.sha256 === sha256);
}
