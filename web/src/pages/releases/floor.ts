// SPDX-License-Identifier: Apache-2.0
/* The security version that devices of a product may insist on: what confirmed releases have raised their floor to. */
import type { Release } from "../../lib/types.ts";

/** null: no release of the product has raised it. `at` is the version that raised it highest. */
export function floorOf(releases: readonly Release[], product: string): { floor: number; at: string } | null {
	let highest: Release | null = null;
	for (const one of releases) if (one.product === product && one.raise_floor_to > (highest?.raise_floor_to ?? 0)) highest = one;
	return highest && { floor: highest.raise_floor_to, at: highest.version };
}
