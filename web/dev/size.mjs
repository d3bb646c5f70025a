// SPDX-License-Identifier: Apache-2.0
/*
 * Prints what the console weighs, compressed as the server sends it, and fails if a first visit loads more than the
 * budget: index.html, what it names, what those import before they run, the fonts, the live worker, and whichever
 * screen is the heaviest.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 150;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const assets = readdirSync(`${dist}assets`).sort();

function sizeOf(path) {
	const raw = readFileSync(dist + path);
	return path.endsWith(".woff2") ? raw.length : gzipSync(raw, { level: 9 }).length; /* compressed already */
}

/* Names of other assets in a file. A script that is imported only when it is wanted is named by import(). */
function namedIn(path, lazy) {
	const text = readFileSync(dist + path, "utf8");
	const later = new Set([...text.matchAll(/import\("\.\/([^"]+)"\)/g)].map((found) => found[1]));
	const parts = [...text.matchAll(/__vite__mapDeps[^=]*=|\["assets\/[^\]]*\]/g)].map((found) => found[0]).join(" ");
	return assets.filter((name) => text.includes(name) && (lazy ? later.has(name) : !later.has(name) && !parts.includes(name)));
}

function closure(paths) {
	const all = new Set();
	const visit = (path) => {
		if (all.has(path)) return;
		all.add(path);
		if (/\.(js|css|html)$/.test(path)) for (const name of namedIn(path, false)) visit(`assets/${name}`);
	};
	paths.forEach(visit);
	return all;
}

const sum = (paths) => [...paths].reduce((total, path) => total + sizeOf(path), 0);
const kB = (bytes) => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;

const frame = closure(["index.html"]);
const lazy = new Set([...frame].filter((path) => path.endsWith(".js")).flatMap((path) => namedIn(path, true)));
/* A screen's styles have its script's name. */
const screens = [...lazy].map((name) => {
	const styles = assets.filter((one) => one.endsWith(".css") && one.split("-")[0] === name.split("-")[0]);
	const parts = closure([`assets/${name}`, ...styles.map((one) => `assets/${one}`)]);
	return { name, bytes: sum([...parts].filter((path) => !frame.has(path))) };
});
screens.sort((a, b) => b.bytes - a.bytes);

for (const path of [...frame].sort()) console.log(`${kB(sizeOf(path))}  ${path}`);
for (const { name, bytes } of screens) console.log(`${kB(bytes)}  + ${name}`);
const first = sum(frame) + (screens[0]?.bytes ?? 0);
const all = ["index.html", ...assets.map((name) => `assets/${name}`)].filter((path) => statSync(dist + path).isFile());
console.log(`${kB(sum(all))}  in all`);
console.log(`${kB(first)}  at most on a first visit; the budget is ${BUDGET_KB} kB`);
if (first > BUDGET_KB * 1000) {
	console.error(`a first visit outgrew its budget of ${BUDGET_KB} kB`);
	process.exit(1);
}
