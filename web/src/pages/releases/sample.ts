// SPDX-License-Identifier: Apache-2.0
/* For tests: bundles of parts that mean nothing, as the format wants them. */
import { PARTS, type PartName } from "./bundle.ts";

/* A bundle of these parts, as the format wants it. */
export function pack(parts: [PartName, string][]): Uint8Array<ArrayBuffer> {
	const texts = parts.map(([, text]) => new TextEncoder().encode(text));
	let at = 16 + 24 * parts.length;
	const places = texts.map((one) => ((at = Math.ceil(at / 8) * 8), (at += one.length) - one.length));
	const whole = new Uint8Array(at);
	const view = new DataView(whole.buffer);
	whole.set(new TextEncoder().encode("OTABNDL1"));
	view.setUint16(8, 1, true);
	view.setUint16(10, parts.length, true);
	for (const [i, [name]] of parts.entries()) {
		view.setUint32(16 + 24 * i, PARTS.indexOf(name) + 1, true);
		view.setBigUint64(24 + 24 * i, BigInt(places[i]!), true);
		view.setBigUint64(32 + 24 * i, BigInt(texts[i]!.length), true);
		whole.set(texts[i]!, places[i]!);
	}
	return whole;
}
export const SIGNED: [PartName, string][] = [
	["root", '{"signed":{"version":1},"signatures":[]}'],
	["root", '{"signed":{"version":2},"signatures":[]}'],
	["targets", '{"signed":{"version":7},"signatures":[{"keyid":"aa"},{"keyid":"bb"},{"keyid":"aa"}]}'],
	["manifest", '{"product":"gateway","version":"2.0.0","security_version":3,"raise_floor_to":2,"hardware":["revA"],"notes":"","images":[{"name":"os","size":9,"root_hash":"00"}]}'],
	["descriptor", "DESCRIPTOR"],
	["head", "HEAD"],
	["body", "BODY of the release"],
];
