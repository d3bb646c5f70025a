// SPDX-License-Identifier: Apache-2.0
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { glossary } from "./dev/glossary.mjs";

/* What the server's content security policy asks of the bundle: nothing inline, no data: URLs, no polyfill
 * that writes elements. Every file but index.html has its hash in the name and may be cached for ever. */
export default defineConfig({
	plugins: [svelte(), glossary()],
	base: "/",
	build: {
		target: "es2022",
		outDir: "dist",
		assetsDir: "assets",
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		sourcemap: false,
		reportCompressedSize: false,
	},
	worker: { format: "es" },
	test: { include: ["src/**/*.test.ts", "dev/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
