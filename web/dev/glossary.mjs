// SPDX-License-Identifier: Apache-2.0
/* A Vite plugin: `import glossary from "virtual:glossary"` is the first two columns of docs/GLOSSARY.md's table, so
 * that a word has one meaning in the console and in the documents. A row of several terms counts for each. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FILE = fileURLToPath(new URL("../../docs/GLOSSARY.md", import.meta.url));
const NAME = "virtual:glossary";

/** {term in lower case: meaning} of the table in a Markdown text. */
export function termsOf(text) {
	const rows = text.split("\n").filter((line) => /^\|(?![\s-]*\|?-)/.test(line));
	const terms = {};
	for (const row of rows.slice(1)) {
		const [, names, meaning] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""));
		const sentence = meaning.charAt(0).toUpperCase() + meaning.slice(1);
		for (const name of names.split(/,| \/ /)) terms[name.trim().toLowerCase()] = sentence;
	}
	return terms;
}

export function glossary() {
	return {
		name: "glossary",
		resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
		load(id) {
			if (id !== `\0${NAME}`) return null;
			this.addWatchFile(FILE);
			return `export default ${JSON.stringify(termsOf(readFileSync(FILE, "utf8")))}`;
		},
	};
}
