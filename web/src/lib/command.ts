// SPDX-License-Identifier: Apache-2.0
/* What is shown to be typed into a shell. */

/** A word as a POSIX shell takes it: as it is where nothing in it has a meaning there, else in single quotes. */
export function quote(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

type Value = string | number | boolean | null | undefined | readonly string[];

/** command("group", "create", name, {filter, static: true}): "ota group create NAME --filter '...' --static".
 *  Options that are empty, false or absent are left out; null says that there shall be nothing: --name ''. A list is
 *  the option once for each. */
export function command(...parts: (string | Readonly<Record<string, Value>>)[]): string {
	const words: string[] = ["ota"];
	for (const part of parts) {
		if (typeof part === "string") words.push(quote(part));
		else for (const [name, value] of Object.entries(part)) words.push(...option(`--${name}`, value));
	}
	return words.join(" ");
}

function option(name: string, value: Value): string[] {
	if (value === undefined || value === "" || value === false) return [];
	if (value === true) return [name];
	if (value === null) return [name, quote("")];
	if (typeof value === "object") return value.flatMap((one) => [name, quote(one)]);
	return [name, quote(String(value))];
}
