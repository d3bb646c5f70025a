// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vitest/config";

export default defineConfig({
	root: new URL("..", import.meta.url).pathname,
	test: {
		include: ["e2e/**/*.e2e.ts"],
		environment: "node",
		/* Guards, not measures: a machine may be ten times slower than the one a test was written on. */
		testTimeout: 600_000,
		hookTimeout: 300_000,
		expect: { poll: { timeout: 60_000 } },
		fileParallelism: false,
	},
});
