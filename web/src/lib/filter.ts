// SPDX-License-Identifier: Apache-2.0
/*
 * Filters of devices (docs/API.md, "Filters") as the console writes and reads them. Pure. The server decides what a
 * filter means and what is wrong with it; here are only the fields that the builder offers, how a value is written
 * so that it means itself, and the flat filters that the builder can take apart again.
 */
export interface FilterField {
	id: string;
	kind: "text" | "order" | "one" | "time" | "flag";
	values?: readonly string[]; /* of "one" */
}

export const FIELDS: readonly FilterField[] = [
	{ id: "state", kind: "one", values: ["idle", "updating", "failed", "rolled-back"] },
	{ id: "product", kind: "text" },
	{ id: "hardware", kind: "text" },
	{ id: "version", kind: "order" },
	{ id: "grade", kind: "one", values: ["unknown", "reported", "proven"] },
	{ id: "tag", kind: "text" },
	{ id: "group", kind: "text" },
	{ id: "site", kind: "text" },
	{ id: "lastseen", kind: "time" },
	{ id: "created", kind: "time" },
	{
		id: "deployment.state",
		kind: "one",
		values: [
			"none", "assigned", "downloading", "installing", "rebooting", "confirmed", "failed", "rolled-back", "cancelling",
			"cancelled", "downloaded",
		],
	},
	{ id: "deployment.release", kind: "text" },
	{ id: "pinned", kind: "flag", values: ["true", "false"] },
	{ id: "id", kind: "text" },
	{ id: "name", kind: "text" },
	{ id: "address", kind: "text" },
	{ id: "agentversion", kind: "order" },
	{ id: "attribute.", kind: "order" },
	{ id: "component.", kind: "order" },
];

export type Operator = "==" | "!=" | "=lt=" | "=le=" | "=gt=" | "=ge=";
export const OPERATORS: Record<FilterField["kind"], readonly Operator[]> = {
	text: ["==", "!="],
	order: ["==", "!=", "=lt=", "=le=", "=gt=", "=ge="],
	one: ["==", "!="],
	time: ["=ge=", "=lt=", "==", "!="],
	flag: ["=="],
};

export interface Test {
	field: string;
	operator: Operator;
	value: string;
}

export interface Flat {
	any: boolean; /* one of the tests is enough */
	tests: Test[];
}

/** A value as a filter takes it: as it is, or in quotes where a sign in it has a meaning. Inside quotes "*" is
 *  written "\*" so that it stands for itself. */
export function text(value: string): string {
	if (/^[^"'();,=!<>\s*\\]+$/.test(value) && !/^(and|or)$/.test(value)) return value;
	return `'${value.replace(/[\\'*]/g, "\\$&")}'`;
}

/** Likewise, but "*" stays what stands for any run of characters. */
export function pattern(value: string): string {
	return value.includes("*") && /^[^"'();,=!<>\s\\]+$/.test(value) ? value : text(value);
}

/** The search for what begins so, as a filter: a search by words minds no letter case, a filter does. */
export function beginning(words: string): string {
	const quoted = text(words);
	const start = quoted.endsWith("'") ? `${quoted.slice(0, -1)}*'` : `${quoted}*`;
	return `id==${start},name==${start}`;
}

/** Is what somebody typed a filter? Otherwise it is words to be searched for. */
export function isFilter(typed: string): boolean {
	return /[=<>!]/.test(typed);
}

export function write(flat: Flat): string {
	const whole = flat.tests.filter((one) => one.field !== "" && !one.field.endsWith("."));
	return whole.map((one) => one.field + one.operator + pattern(one.value)).join(flat.any ? "," : ";");
}

const TEST = /^([A-Za-z][\w.-]*)(==|!=|=lt=|=le=|=gt=|=ge=|<=|>=|<|>)(?:'((?:[^'\\]|\\.)*)'|([^"'();,=!<>\s\\]+))/;
const SIGNS: Record<string, Operator> = { "<": "=lt=", "<=": "=le=", ">": "=gt=", ">=": "=ge=" };

/** A filter without parentheses, of one kind of joint, as the builder shows it; null: not so simple. */
export function read(filter: string): Flat | null {
	const flat: Flat = { any: false, tests: [] };
	let rest = filter.trim();
	let joint = "";
	while (rest !== "") {
		const found = TEST.exec(rest);
		if (!found) return null;
		const [all, field, operator, quoted, plain] = found;
		if (quoted !== undefined && /(^|[^\\])(\\\\)*\*/.test(quoted)) return null; /* a pattern within quotes */
		const value = plain ?? quoted!.replace(/\\(.)/g, "$1");
		flat.tests.push({ field: field!, operator: SIGNS[operator!] ?? (operator as Operator), value });
		rest = rest.slice(all.length).trimStart();
		if (rest === "") return flat;
		const sign = rest[0]!;
		if ((sign !== ";" && sign !== ",") || (joint !== "" && joint !== sign)) return null;
		joint = sign;
		flat.any = sign === ",";
		rest = rest.slice(1).trimStart();
		if (rest === "") return null;
	}
	return flat;
}

/** Where the server found a fault: its "column N" (of characters, from 1), and the sentence behind it. */
export function fault(detail: string): { column: number; sentence: string } | null {
	const found = /column (\d+): (.*)$/s.exec(detail);
	return found ? { column: Number(found[1]), sentence: found[2]! } : null;
}

/** A text at a column of the server's: before, the run of characters there, behind. */
export function around(filter: string, column: number): [string, string, string] {
	const signs = [...filter];
	const from = Math.min(Math.max(0, column - 1), signs.length);
	let to = from;
	while (to < signs.length && /[^\s;,()=!<>]/.test(signs[to]!)) to++;
	to = Math.max(to, Math.min(from + 1, signs.length));
	return [signs.slice(0, from).join(""), signs.slice(from, to).join(""), signs.slice(to).join("")];
}

const MOST_VALUES = 200; /* of the server's 256 */
const MOST_BYTES = 3500; /* of its 4,096 */

/** Filters that together name exactly these devices. */
export function ofIds(ids: readonly string[]): string[] {
	const filters: string[] = [];
	let part: string[] = [];
	let size = 0;
	for (const id of ids) {
		const value = text(id);
		if (part.length === MOST_VALUES || size + value.length > MOST_BYTES) {
			filters.push(`id=in=(${part.join(",")})`);
			part = [];
			size = 0;
		}
		part.push(value);
		size += value.length + 1;
	}
	if (part.length > 0) filters.push(`id=in=(${part.join(",")})`);
	return filters;
}
