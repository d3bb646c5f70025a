// SPDX-License-Identifier: Apache-2.0
/*
 * Every key that the console takes, as a table. Handlers ask it what a press means (which), the sheet that "?" opens
 * is drawn from it (sheet), so what is shown is what holds. Pure; the words are in texts-screens.ts.
 *
 * A row is a key in a place. Where somebody writes, a letter is a letter: rows of a place that is no field itself hold
 * there only with Ctrl (on a Mac: Cmd). With Alt nothing is ours.
 */
import type { Screen } from "./router.ts";

export type Place = "everywhere" | "devices" | "search" | "row" | "menu" | "palette" | "dialog";
/** The places in the order of the sheet; those whose focus is in a field of text take keys while somebody writes. */
export const PLACES: Readonly<Record<Place, { isField: boolean }>> = {
	everywhere: { isField: false },
	devices: { isField: false },
	search: { isField: true },
	row: { isField: false },
	menu: { isField: false },
	palette: { isField: true },
	dialog: { isField: false },
};

export interface Shortcut {
	place: Place;
	key: string; /* KeyboardEvent.key; letters in lower case */
	does: string; /* what the handler of the place is told */
	text: string; /* which sentence says it; rows of a place with one sentence share a line of the sheet */
	mod?: true; /* with Ctrl or Cmd */
	shift?: true; /* with Shift; signs such as "?" take it or not, as the keyboard has them */
	after?: string; /* the key that is pressed and let go before */
	to?: Screen; /* where it leads; its text is the screen's title */
	browser?: true; /* the browser does it by itself: shown, never answered */
}

/* Each with Shift, too, where devices may be selected: it selects on the way. */
const STEPS = [
	{ key: "ArrowDown", does: "next", text: "walk" },
	{ key: "ArrowUp", does: "previous", text: "walk" },
	{ key: "PageDown", does: "nextPage", text: "page" },
	{ key: "PageUp", does: "previousPage", text: "page" },
	{ key: "Home", does: "first", text: "ends" },
	{ key: "End", does: "last", text: "ends" },
] as const;

const goTo = <T extends Screen>(key: string, to: T) => ({ place: "everywhere", after: "g", key, does: "go", to, text: "go" }) as const;

const TABLE = [
	{ place: "everywhere", key: "k", mod: true, does: "palette", text: "palette" },
	{ place: "everywhere", key: "?", does: "sheet", text: "sheet" },
	goTo("o", "overview"),
	goTo("d", "devices"),
	goTo("g", "groups"),
	goTo("r", "releases"),
	goTo("u", "rollouts"),
	goTo("f", "failures"),
	goTo("a", "audit"),
	goTo("k", "keys"),
	goTo("s", "system"),
	{ place: "devices", key: "/", does: "search", text: "search" },
	{ place: "search", key: "Enter", does: "now", text: "now" },
	{ place: "search", key: "ArrowDown", does: "leave", text: "leave" },
	...STEPS.map((one) => ({ place: "row", ...one }) as const),
	{ place: "row", key: "Enter", does: "open", text: "open", browser: true },
	{ place: "row", key: " ", does: "choose", text: "choose" },
	...STEPS.map((one) => ({ place: "row", ...one, shift: true, text: "chooseOn" }) as const),
	{ place: "menu", key: "ArrowDown", does: "next", text: "walk" },
	{ place: "menu", key: "ArrowUp", does: "previous", text: "walk" },
	{ place: "menu", key: "Home", does: "first", text: "ends" },
	{ place: "menu", key: "End", does: "last", text: "ends" },
	{ place: "menu", key: "Escape", does: "close", text: "close" },
	{ place: "palette", key: "ArrowDown", does: "next", text: "walk" },
	{ place: "palette", key: "ArrowUp", does: "previous", text: "walk" },
	{ place: "palette", key: "Enter", does: "take", text: "take" },
	{ place: "palette", key: "Escape", does: "close", text: "close", browser: true },
	{ place: "dialog", key: "Escape", does: "close", text: "close", browser: true },
] as const satisfies readonly Shortcut[];

export type ShortcutText = (typeof TABLE)[number]["text"];
export type Does = (typeof TABLE)[number]["does"];
type Row = Shortcut & { does: Does; text: ShortcutText };
export const SHORTCUTS: readonly Row[] = TABLE;

export interface Press {
	key: string;
	ctrlKey: boolean;
	metaKey: boolean;
	altKey: boolean;
	shiftKey: boolean;
}

const isSign = (key: string) => /^[^\p{L}\s]$/u.test(key);
const keyOf = (press: Press) => (press.key.length === 1 ? press.key.toLowerCase() : press.key);

function fits(row: Row, press: Press, before: string): boolean {
	if (press.altKey || (press.ctrlKey || press.metaKey) !== (row.mod ?? false)) return false;
	if (keyOf(press) !== row.key || (row.after ?? "") !== before) return false;
	return isSign(row.key) || press.shiftKey === (row.shift ?? false);
}
const holding = (place: Place, writing: boolean) =>
	SHORTCUTS.filter((row) => row.place === place && !row.browser && (!writing || row.mod || PLACES[place].isField));

/** What a press means in a place. writing: the focus is in a field (isWriting); before: the key that leads() told of
 *  the press before. A key that leads is forgotten by a second one that does not go on from it. */
export function which(place: Place, press: Press, writing: boolean, before = ""): Row | undefined {
	const rows = holding(place, writing);
	return rows.find((row) => fits(row, press, before)) ?? rows.find((row) => fits(row, press, ""));
}

/** The key of a press that is the first of two; else "". */
export function leads(place: Place, press: Press, writing: boolean): string {
	const key = keyOf(press);
	const isPlain = !press.ctrlKey && !press.metaKey && !press.altKey && !press.shiftKey;
	return isPlain && holding(place, writing).some((row) => row.after === key) ? key : "";
}

/** Whether what is pressed here is written: a box to tick is no field of text. */
export function isWriting(target: EventTarget | null): boolean {
	const on = target as Partial<Element> | null;
	return !!on?.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
}

const CAPS: Record<string, string> = {
	ArrowDown: "↓",
	ArrowUp: "↑",
	PageDown: "Page Down",
	PageUp: "Page Up",
	Escape: "Esc",
	" ": "Space",
};

/** What is printed on the keys of a row: those held or pressed before, and the key. */
export function capsOf(row: Shortcut, isMac: boolean): { first: string[]; key: string } {
	const held = [...(row.mod ? [isMac ? "⌘" : "Ctrl"] : []), ...(row.shift ? ["Shift"] : [])];
	const key = CAPS[row.key] ?? (row.mod ? row.key.toUpperCase() : row.key);
	return { first: [...held, ...(row.after ? [row.after] : [])], key };
}

export const isMac = (platform: string) => /Mac|iPhone|iPad/.test(platform);

export interface Line {
	id: string;
	first: string[];
	keys: string[]; /* each of them, after or with the first */
	text: ShortcutText;
	to?: Screen;
}

/** The sheet: each place with its lines. may(screen): whether a screen is offered at all. */
export function sheet(onMac: boolean, may: (screen: Screen) => boolean): { place: Place; lines: Line[] }[] {
	return (Object.keys(PLACES) as Place[]).map((place) => {
		const lines = new Map<string, Line>();
		for (const row of SHORTCUTS) {
			if (row.place !== place || (row.to && !may(row.to))) continue;
			const { first, key } = capsOf(row, onMac);
			const id = [row.text, row.to ?? "", ...first].join(" ");
			const line = lines.get(id) ?? { id, first, keys: [], text: row.text, ...(row.to ? { to: row.to } : {}) };
			line.keys.push(key);
			lines.set(id, line);
		}
		return { place, lines: [...lines.values()] };
	});
}
