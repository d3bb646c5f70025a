// SPDX-License-Identifier: Apache-2.0
/* Deltas as a table a product: a row for what devices run, a column for what they are to get. */
import type { Delta } from "../../lib/schema.ts";

export interface Matrix {
	product: string;
	from: string[]; /* versions, newest first */
	to: string[];
	cells: Map<string, Delta>;
}

const order = new Intl.Collator("en", { numeric: true });
const newestFirst = (versions: Iterable<string>) => [...new Set(versions)].sort((a, b) => order.compare(b, a));
const place = (from: string, to: string) => JSON.stringify([from, to]);

/* Of a plain and an unwrapped one, that which says more: what can be fetched and is smaller. */
function better(one: Delta, other: Delta | undefined): Delta {
	if (other === undefined) return one;
	const [a, b] = [share(one), share(other)];
	if (a !== null && b !== null) return one.size! < other.size! ? one : other;
	if (a !== null || b !== null) return a !== null ? one : other;
	return one.unwraps ? other : one;
}

function placeAll(deltas: Delta[]): Map<string, Delta> {
	const cells = new Map<string, Delta>();
	for (const one of deltas) {
		const key = place(one.from_version, one.to_version);
		cells.set(key, better(one, cells.get(key)));
	}
	return cells;
}

export function matrices(deltas: Delta[]): Matrix[] {
	const products = [...new Set(deltas.map((one) => one.product))].sort(order.compare);
	return products.map((product) => {
		const own = deltas.filter((one) => one.product === product);
		return {
			product,
			from: newestFirst(own.map((one) => one.from_version)),
			to: newestFirst(own.map((one) => one.to_version)),
			cells: placeAll(own),
		};
	});
}

export const cell = (of: Matrix, from: string, to: string) => of.cells.get(place(from, to));

/** What a device fetches of the full payload, in percent; null: there is no delta to fetch. */
export function share(one: Delta): number | null {
	if (one.state !== "ready" || one.withdrawn || one.size === null || one.full_size === 0) return null;
	return Math.max(1, Math.round((one.size / one.full_size) * 100));
}

export const sum = (deltas: Delta[], of: "devices" | "saved") => deltas.reduce((total, one) => total + one[of], 0);
