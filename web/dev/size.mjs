// SPDX-License-Identifier: Apache-2.0
/* Prints what a first visit loads, compressed as the server sends it, and fails above the budget. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 150;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const packed = new Set([".woff2"]); /* compressed already */

let total = 0;
for (const name of readdirSync(dist, { recursive: true }).sort()) {
	if (!statSync(dist + name).isFile()) continue;
	const raw = readFileSync(dist + name);
	const size = [...packed].some((end) => name.endsWith(end)) ? raw.length : gzipSync(raw, { level: 9 }).length;
	total += size;
	console.log(`${(size / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(8)} kB  in all, compressed; the budget is ${BUDGET_KB} kB`);
if (total > BUDGET_KB * 1000) {
	console.error(`the console outgrew its budget of ${BUDGET_KB} kB`);
	process.exit(1);
}
