// SPDX-License-Identifier: Apache-2.0
/* What the server counts (GET /metrics, Prometheus' text format 0.0.4), read back. Pure. */
export interface Sample {
	name: string;
	labels: Record<string, string>;
	value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Lines that are none are passed over: what a newer server adds must not blind an older page. */
export function parseMetrics(text: string): Sample[] {
	const samples: Sample[] = [];
	for (const line of text.split("\n")) {
		const found = line.startsWith("#") ? null : LINE.exec(line.trim());
		if (!found) continue;
		const value = valueOf(found[3]!);
		if (!Number.isNaN(value)) samples.push({ name: found[1]!, labels: labelsOf(found[2] ?? ""), value });
	}
	return samples;
}

/** The sum of all samples of a name whose labels are as said; null: there is none. */
export function sumOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number | null {
	const found = samples.filter(
		(one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
	);
	return found.length === 0 ? null : found.reduce((sum, one) => sum + one.value, 0);
}

export interface Rate {
	at: number;
	total: number;
	perSecond: number;
}

/** Two looks at a counter become a rate; one that began anew (the server restarted) counts from nothing. */
export function rateOf(before: { at: number; total: number }, now: { at: number; total: number }): Rate | null {
	const seconds = (now.at - before.at) / 1000;
	if (seconds <= 0) return null;
	const grown = now.total >= before.total ? now.total - before.total : now.total;
	return { at: now.at, total: now.total, perSecond: grown / seconds };
}

function valueOf(text: string): number {
	if (text === "+Inf") return Infinity;
	if (text === "-Inf") return -Infinity;
	return Number(text);
}

function labelsOf(text: string): Record<string, string> {
	const labels: Record<string, string> = {};
	for (const [, name, value] of text.matchAll(LABEL))
		labels[name!] = value!.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
	return labels;
}
