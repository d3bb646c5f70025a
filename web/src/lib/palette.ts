// SPDX-License-Identifier: Apache-2.0
/* What the command palette shows for what was typed, best first. Pure. */
export interface Found {
	label: string;
	hint: string; /* what kind of thing it is */
	run: () => void;
}

const MOST = 24;

/** How well words fit a label: 3 begins with them, 2 a word in it does, 1 they are in it, 0 not all of them are. */
export function fit(typed: string, label: string): number {
	const whole = label.toLowerCase();
	const words = typed.toLowerCase().split(/\s+/).filter((one) => one !== "");
	if (!words.every((one) => whole.includes(one))) return 0;
	const first = words[0] ?? "";
	if (whole.startsWith(first)) return 3;
	return whole.split(/[^\p{L}\p{N}]+/u).some((one) => one.startsWith(first)) ? 2 : 1;
}

/** known: all that there is, searched here; answered: what the server found for these words. Without words what is
 *  known is shown as it comes. */
export function rank(typed: string, known: readonly Found[], answered: readonly Found[]): Found[] {
	const fits = known
		.map((one, place) => ({ one, place, fit: fit(typed, one.label) }))
		.filter((entry) => entry.fit > 0)
		.sort((a, b) => b.fit - a.fit || a.place - b.place)
		.map((entry) => entry.one);
	return (typed.trim() === "" ? fits : [...fits.slice(0, MOST - answered.length), ...answered]).slice(0, MOST);
}
