// SPDX-License-Identifier: Apache-2.0
/* What is shown to be typed into a shell. */

/** A word as a POSIX shell takes it: as it is where nothing in it has a meaning there, else in single quotes. */
export function quote(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** command("group", "create", name, {filter, static: true}): "ota group create NAME --filter '...' --static".
 *  Options that are empty, false or absent are left out. */
export function command(...parts: (string | Record<string, string | number | boolean | undefined>)[]): string {
	const words: string[] = ["ota"];
	for (const part of parts) {
		if (typeof part === "string") words.push(quote(part));
		else
			for (const [name, value] of Object.entries(part)) {
				if (value === undefined || value === "" || value === false) continue;
				words.push(`--${name}`);
				if (value !== true) words.push(quote(String(value)));
			}
	}
	return words.join(" ");
}
