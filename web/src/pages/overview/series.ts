// SPDX-License-Identifier: Apache-2.0
/* Versions over time as the stacked chart draws them. Pure. */
import type { VersionCount, VersionPoint } from "../../lib/types.ts";

export interface Series {
	times: number[]; /* seconds since 1970, ascending: what the chart wants */
	names: string[]; /* of the bands, from the bottom to the top */
	counts: number[][]; /* counts[band][time]: of this band alone */
}

const MOST_BANDS = 6;

/** One band a version, the most common ones; all others are one band on top. The present is the last point. */
export function seriesOf(points: VersionPoint[], present: VersionCount[], now: number, product = "", rest = "other"): Series {
	const all = [...points, ...present.map((one) => ({ ...one, at: now }))].filter(
		(one) => (product === "" || one.product === product) && one.at <= now,
	);
	const total = new Map<string, number>();
	for (const one of all) total.set(nameOf(one, product), (total.get(nameOf(one, product)) ?? 0) + one.devices);
	const ranked = [...total.entries()].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])).map(([name]) => name);
	const crowded = ranked.length > MOST_BANDS;
	const names = (crowded ? ranked.slice(0, MOST_BANDS - 1) : ranked).sort(compare);
	if (crowded) names.push(rest);
	const times = [...new Set(all.map((one) => one.at))].sort((a, b) => a - b);
	const counts = names.map(() => times.map(() => 0));
	const place = new Map(times.map((at, i) => [at, i]));
	for (const one of all) {
		const band = names.indexOf(nameOf(one, product));
		counts[band < 0 ? names.length - 1 : band]![place.get(one.at)!]! += one.devices;
	}
	return { times: times.map((at) => at / 1000), names, counts };
}

/** Each band on top of those below it: what is drawn, the highest first so that lower ones lie over it. */
export function stacked(counts: number[][]): number[][] {
	const sums: number[][] = [];
	for (const [band, row] of counts.entries()) sums.push(row.map((n, i) => n + (sums[band - 1]?.[i] ?? 0)));
	return sums;
}

function nameOf(one: { product: string; version: string }, product: string): string {
	const version = one.version || "?";
	return product === "" && one.product ? `${one.product} ${version}` : version;
}

/** "2.9" before "2.10". */
export function compare(a: string, b: string): number {
	return a.localeCompare(b, "en", { numeric: true });
}
