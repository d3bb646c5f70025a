// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { capsOf, isMac, isWriting, leads, PLACES, sheet, SHORTCUTS, which, type Place, type Press } from "./keys.ts";
import { SCREENS } from "./router.ts";
import { words } from "./texts/screens.ts";

const press = (key: string, ...held: ("ctrlKey" | "metaKey" | "altKey" | "shiftKey")[]): Press => ({
	key,
	ctrlKey: held.includes("ctrlKey"),
	metaKey: held.includes("metaKey"),
	altKey: held.includes("altKey"),
	shiftKey: held.includes("shiftKey"),
});
/** The press that a row asks for. */
const pressOf = (row: (typeof SHORTCUTS)[number]) =>
	press(row.key, ...(row.mod ? (["ctrlKey"] as const) : []), ...(row.shift ? (["shiftKey"] as const) : []));

test("no two rows are the same press in one place, and none takes the key that leads to others", () => {
	const presses = SHORTCUTS.map((row) => [row.place, row.after ?? "", row.mod ?? "", row.shift ?? "", row.key].join(" "));
	expect(presses.filter((one, i) => presses.indexOf(one) !== i)).toEqual([]);
	for (const { place, after } of SHORTCUTS)
		if (after) expect(which(place, press(after), false), `${after} in ${place}`).toBeUndefined();
});

test("each row is found by its press, but for what the browser does by itself", () => {
	for (const row of SHORTCUTS)
		expect(which(row.place, pressOf(row), PLACES[row.place].isField, row.after), `${row.place} ${row.key}`).toBe(
			row.browser ? undefined : row,
		);
});

test("while somebody writes only what is held with Ctrl or Cmd holds, outside of fields of its own", () => {
	for (const row of SHORTCUTS.filter((one) => !one.browser && !PLACES[one.place].isField))
		expect(which(row.place, pressOf(row), true, row.after), `${row.place} ${row.key}`).toBe(row.mod ? row : undefined);
	expect(leads("everywhere", press("g"), true)).toBe("");
	expect(which("palette", press("Enter"), true)?.does).toBe("take");
});

test("a key held with others is another one", () => {
	expect(which("everywhere", press("K", "metaKey"), true)?.does).toBe("palette");
	expect(which("everywhere", press("k"), false)).toBeUndefined();
	expect(which("everywhere", press("k", "ctrlKey", "shiftKey"), false)).toBeUndefined();
	for (const row of SHORTCUTS)
		expect(which(row.place, { ...pressOf(row), altKey: true }, false, row.after), `Alt ${row.key}`).toBeUndefined();
	expect(which("devices", press("/", "shiftKey"), false)?.does, "Shift 7 on some keyboards").toBe("search");
	expect(which("everywhere", press("?"), false)?.does, "without Shift on others").toBe("sheet");
	expect(which("row", press(" ", "shiftKey"), false)).toBeUndefined();
});

test("of two keys the first alone does nothing, and another one than the second forgets it", () => {
	const first = leads("everywhere", press("g"), false);
	expect(first).toBe("g");
	expect(which("everywhere", press("d"), false, first)?.to).toBe("devices");
	expect(which("everywhere", press("d"), false)).toBeUndefined();
	expect(which("everywhere", press("?", "shiftKey"), false, first)?.does).toBe("sheet");
	expect(which("everywhere", press("x"), false, first)).toBeUndefined();
	expect(leads("everywhere", press("g", "ctrlKey"), false)).toBe("");
	expect(leads("devices", press("g"), false)).toBe("");
});

test("a field of text is written in, a box to tick and a link are not", () => {
	const inside = (found: boolean) => ({ closest: (selector: string) => (found && selector.includes("textarea") ? {} : null) });
	expect(isWriting(inside(true) as unknown as EventTarget)).toBe(true);
	expect(isWriting(inside(false) as unknown as EventTarget)).toBe(false);
	expect(isWriting(null)).toBe(false);
});

test("the sheet has each row once, in words, and no screen that is not offered", () => {
	const groups = sheet(false, () => true);
	expect(groups.map((one) => one.place)).toEqual(Object.keys(PLACES));
	expect(groups.flatMap((one) => one.lines.flatMap((line) => line.keys)).length).toBe(SHORTCUTS.length);
	for (const { place, lines } of groups) {
		expect(words.shortcuts.places[place as Place], place).toBeTruthy();
		expect(new Set(lines.map((line) => line.id)).size).toBe(lines.length);
		for (const line of lines) expect(line.to ? line.to in SCREENS : words.shortcuts.does[line.text], line.id).toBeTruthy();
	}
	const few = sheet(false, (screen) => screen !== "audit").flatMap((one) => one.lines);
	expect(few.some((line) => line.to === "audit")).toBe(false);
	expect(few.some((line) => line.to === "system")).toBe(true);
});

test("keys are called as they are printed", () => {
	const palette = SHORTCUTS.find((one) => one.does === "palette")!;
	expect(capsOf(palette, false)).toEqual({ first: ["Ctrl"], key: "K" });
	expect(capsOf(palette, isMac("MacIntel"))).toEqual({ first: ["⌘"], key: "K" });
	expect(isMac("Linux x86_64")).toBe(false);
	const row = sheet(false, () => true).find((one) => one.place === "row")!;
	expect(row.lines.find((line) => line.text === "walk")?.keys).toEqual(["↓", "↑"]);
	expect(row.lines.find((line) => line.text === "chooseOn")?.first).toEqual(["Shift"]);
});
