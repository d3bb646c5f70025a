// SPDX-License-Identifier: Apache-2.0
/* The terms that the console explains are those of docs/GLOSSARY.md: what is not in there would be plain text. */
import { readdirSync, readFileSync } from "node:fs";
import glossary from "virtual:glossary";
import { expect, test } from "vitest";
import { texts } from "../src/lib/texts/frame.ts";

const SOURCES = new URL("../src/", import.meta.url);
const files = (readdirSync(SOURCES, { recursive: true }) as string[]).filter((one) => one.endsWith(".svelte"));
const sources = files.map((file) => ({ file, text: readFileSync(new URL(file, SOURCES), "utf8") }));

/* What a name that is no literal can be. An expression that is not here has no meaning that anybody looked at. */
const NAMES: Record<string, readonly string[]> = {
	"role.name": ["root", "targets", "snapshot", "timestamp"],
	"texts.grade[grade]": Object.values(texts.grade),
	'rollout.plan?.accepts ?? "proven"': ["proven", "reported"],
};
/* Components that hand a name on: theirs is looked at where they are used. */
const HANDED_ON: Record<string, string> = { "lib/ui/Panel.svelte": "{term}", "lib/ui/Timeline.svelte": "{name}" };

interface Use {
	file: string;
	name: string;
}
/** Each name that is given: of <Term name=..>, of a panel's term, of the timeline's words. */
function usesIn({ file, text }: (typeof sources)[number]): Use[] {
	const given = [
		...text.matchAll(/<Term\b\s*(?:name=)?("[^"]*"|\{[^}]*\})?/g),
		...text.matchAll(/<Panel\b[^>]*?\sterm=("[^"]*"|\{[^}]*\})/g),
		...text.matchAll(/\{@render word\(("[^"]*")/g),
	].map((found) => found[1] ?? "");
	return given.filter((one) => one !== HANDED_ON[file]).map((name) => ({ file, name }));
}
const uses = sources.filter((one) => !one.file.endsWith("ui/Term.svelte")).flatMap(usesIn);

test("each term in the sources is in the glossary", () => {
	expect(uses.length).toBeGreaterThan(15);
	for (const { file, name } of uses) {
		const names = name.startsWith('"') ? [name.slice(1, -1)] : NAMES[name.slice(1, -1)];
		expect(names, `${file}: what ${name} can be is not known here`).toBeTruthy();
		for (const one of names!) expect(glossary[one.toLowerCase()], `${file}: "${one}" is not in docs/GLOSSARY.md`).toBeTruthy();
	}
});

test("a term stands in nothing that is pressed or followed", () => {
	for (const { file, text } of sources)
		for (const [, tag, inner] of text.matchAll(/<(button|a|summary|label|option)\b(?:[^>"]|"[^"]*"|=>)*>([\s\S]*?)<\/\1>/g))
			expect(inner, `${file}: <${tag}>`).not.toMatch(/<Term\b/);
});

test("each meaning is a sentence, and no term has two", () => {
	for (const [name, meaning] of Object.entries(glossary)) expect(meaning, name).toMatch(/^\S.{10,}/);
	const rows = readFileSync(new URL("../../docs/GLOSSARY.md", import.meta.url), "utf8").split("\n").filter((line) => line.startsWith("| "));
	const names = rows.slice(1).flatMap((row) => row.split("|")[1]!.replaceAll("`", "").split(/,| \/ /).map((one) => one.trim()));
	expect(names.filter((one, i) => names.indexOf(one) !== i)).toEqual([]);
});
