// SPDX-License-Identifier: Apache-2.0
/* A list of devices to be registered, and what comes of it: comma-separated values (RFC 4180) with a first line that
 * names the columns, as `ota device add --csv` takes and gives them. Pure. */
import type { Calls } from "../../lib/schema.ts";
import { words } from "../../lib/texts/fleet.ts";

export type NewDevice = Calls["devices_create"]["body"];
const COLUMNS = ["id", "name", "product", "hardware"] as const;
export const MOST = 2_000;
const t = words.csv;

/** What is wrong with the list is an Error with a sentence that names the line. */
export function readList(text: string): NewDevice[] {
	const [head, ...rows] = split(text.replace(/^\uFEFF/, ""));
	if (!head) throw new Error(t.empty);
	const columns = head.values.map((one) => one.trim().toLowerCase());
	for (const [i, name] of columns.entries()) {
		if (!(COLUMNS as readonly string[]).includes(name)) throw new Error(t.unknown(name));
		if (columns.indexOf(name) !== i) throw new Error(t.twice(name));
	}
	if (!columns.includes("id")) throw new Error(t.noId);
	if (rows.length === 0) throw new Error(t.empty);
	if (rows.length > MOST) throw new Error(t.most(MOST));
	const seen = new Set<string>();
	return rows.map(({ line, values }) => {
		if (values.length !== columns.length) throw new Error(t.width(line, values.length, columns.length));
		const device = Object.fromEntries(columns.map((name, i) => [name, values[i]!.trim()]).filter(([, value]) => value)) as unknown as NewDevice;
		if (!device.id) throw new Error(t.noValue(line));
		if (seen.has(device.id)) throw new Error(t.again(line, device.id));
		seen.add(device.id);
		return device;
	});
}

/** Rows of values, each with the line that it begins at; lines without anything are passed over. */
function split(text: string): { line: number; values: string[] }[] {
	const rows: { line: number; values: string[] }[] = [];
	const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
	let at = 0;
	let line = 1;
	let row = { line, values: [] as string[] };
	while (at < text.length || row.values.length > 0) {
		cell.lastIndex = at;
		const found = cell.exec(text);
		if (!found) throw new Error(t.open(line));
		const [all, quoted, plain, end] = found;
		row.values.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
		line += (all.match(/\r\n|\n|\r/g) ?? []).length;
		at += all.length;
		if (end === ",") continue;
		if (row.values.some((one) => one !== "")) rows.push(row);
		row = { line, values: [] };
		if (end === "") break;
	}
	return rows;
}

/** "id,token" and a line a device. Ids and tokens have no comma and no quote. */
export function writeTokens(made: readonly { id: string; token: string }[]): string {
	return ["id,token", ...made.map((one) => `${one.id},${one.token}`)].join("\r\n") + "\r\n";
}
