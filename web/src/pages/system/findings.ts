// SPDX-License-Identifier: Apache-2.0
/* What `ota-server doctor` looks at, as far as the server's own figures tell it; with the same thresholds. Pure. */
import { bytes, span } from "../../lib/format.ts";
import { words } from "../../lib/texts/screens.ts";
import { sumOf, type Sample } from "./metrics.ts";

export interface Finding {
	grade: "ok" | "warning" | "fault";
	what: string;
	text: string;
	fix: string;
}

const DAY = 86_400_000;
const FREE_FAULT = 64 * 2 ** 20;
const FREE_WARNING = 2 ** 30;
const SOON: Record<string, number> = { root: 60 * DAY, targets: 30 * DAY, snapshot: DAY, timestamp: DAY, certificate: 14 * DAY };

export function findingsOf(
	ready: Record<string, string>,
	samples: Sample[],
	roles: { name: string; expires_at: number }[],
	now: number,
): Finding[] {
	const t = words.system;
	const all: Finding[] = [];
	for (const [part, label, fix] of [["store", t.database, ""], ["signer", t.signer, t.signerFix]] as const)
		all.push({ grade: ready[part] === "ok" ? "ok" : "fault", what: label, text: ready[part] === "ok" ? t.answers : t.silent, fix: ready[part] === "ok" ? "" : fix });
	const free = sumOf(samples, "ota_disk_free_bytes");
	if (free !== null) {
		const grade = free < FREE_FAULT ? "fault" : free < FREE_WARNING ? "warning" : "ok";
		all.push({ grade, what: t.disk, text: t.diskText(bytes(free), bytes(sumOf(samples, "ota_disk_size_bytes") ?? 0)), fix: grade === "ok" ? "" : t.free });
	}
	const certificate = sumOf(samples, "ota_cert_expires_seconds");
	if (certificate !== null) all.push(expiry("certificate", t.certificate, certificate * 1000, t.certFix));
	for (const role of roles) all.push(expiry(role.name, role.name, role.expires_at - now, words.keys.why[role.name] ?? ""));
	if (roles.length === 0) all.push({ grade: "warning", what: t.repository, text: words.keys.none, fix: "ota keys init, then ota release push" });
	return all;
}

function expiry(name: string, what: string, left: number, fix: string): Finding {
	const grade = left <= 0 ? "fault" : left < (SOON[name] ?? 0) ? "warning" : "ok";
	const text = left > 0 ? words.keys.left(span(left)) : words.keys.expired(span(-left));
	return { grade, what, text, fix: grade === "ok" ? "" : fix };
}
