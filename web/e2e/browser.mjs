// SPDX-License-Identifier: Apache-2.0
/* Debian's Chromium, with a profile of its own that is gone afterwards. */
import { chromium } from "playwright-core";

export function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		headless: true,
		args: [
			"--no-sandbox",
			"--ignore-certificate-errors" /* ignoreHTTPSErrors does not reach shared workers */,
			"--disable-gpu",
			"--disable-background-networking",
			"--no-first-run",
			"--disable-sync",
			"--disable-component-update",
		],
	});
}

/* A browser's own context: cookies, shared workers and tabs of one user. Collects what the pages complain of. */
export async function newUser(browser, options = {}) {
	const context = await browser.newContext({
		ignoreHTTPSErrors: true,
		viewport: { width: 1280, height: 860 },
		locale: "en-GB",
		timezoneId: "Europe/Berlin",
		...options,
	});
	context.setDefaultTimeout(60_000);
	const complaints = [];
	context.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
	context.on("weberror", (error) => complaints.push(String(error.error())));
	return { context, complaints };
}
