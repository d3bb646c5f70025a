// SPDX-License-Identifier: Apache-2.0
/* Failures as the screen shows them: one group for what devices say, and in it where it comes from. Pure. */
import type { FailureCluster } from "../../lib/schema.ts";

export interface Cause {
	words: string; /* "" where the devices said nothing */
	state: FailureCluster["state"];
	devices: number;
	last_at: number;
	first_at: number;
	rows: FailureCluster[]; /* the largest first */
}

export type Side = "hardware" | "version" | "from" | "product";

export function causesOf(items: FailureCluster[]): Cause[] {
	const causes = new Map<string, Cause>();
	for (const row of items) {
		const key = `${row.state} ${row.words ?? ""}`;
		const cause = causes.get(key);
		if (!cause) {
			const { state, devices, last_at, first_at } = row;
			causes.set(key, { words: row.words ?? "", state, devices, last_at, first_at, rows: [row] });
			continue;
		}
		cause.devices += row.devices;
		cause.last_at = Math.max(cause.last_at, row.last_at);
		cause.first_at = Math.min(cause.first_at, row.first_at);
		cause.rows.push(row);
	}
	return [...causes.values()].sort((a, b) => b.devices - a.devices || b.last_at - a.last_at);
}

/** How many devices of a cause stand on each side of it, the most first: is it one hardware, or all of them? */
export function sharesOf(cause: Cause, side: Side): { name: string; devices: number }[] {
	const shares = new Map<string, number>();
	for (const row of cause.rows) shares.set(row[side] ?? "", (shares.get(row[side] ?? "") ?? 0) + row.devices);
	return [...shares].map(([name, devices]) => ({ name, devices })).sort((a, b) => b.devices - a.devices);
}

/** All devices of a cause, as a filter; null if it would be longer than the server reads. */
export function filterOf(cause: Cause): string | null {
	const filter = cause.rows.map((row) => (cause.rows.length > 1 ? `(${row.filter})` : row.filter)).join(",");
	return new TextEncoder().encode(filter).length <= 4096 && cause.rows.length <= 16 ? filter : null;
}
