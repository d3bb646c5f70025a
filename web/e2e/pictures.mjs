// SPDX-License-Identifier: Apache-2.0
/* node pictures.mjs LOGIN-LINK DEVICE DIRECTORY: the pictures of the README, taken of a real server. */
import { launch, newUser } from "./browser.mjs";

const [link, device, to] = process.argv.slice(2);
const browser = await launch();

for (const colorScheme of ["light"]) {
	const { context, complaints } = await newUser(browser, {
		colorScheme,
		reducedMotion: "reduce",
		viewport: { width: 1180, height: 560 },
	});
	const page = await context.newPage();
	await page.goto(link);
	await page.locator("header .link.live").waitFor();
	await page.goto(new URL("/devices", link).href);
	await page.locator("header .link.live").waitFor();
	await page.getByText("downloading").first().waitFor();
	await page.evaluate(() => document.fonts.ready);
	await page.screenshot({ path: `${to}/devices.png` });
	await page.goto(new URL(`/devices/${device}`, link).href);
	await page.getByText("being written").waitFor();
	await page.evaluate(() => document.fonts.ready);
	await page.screenshot({ path: `${to}/device.png`, fullPage: true });
	if (complaints.length) throw new Error(complaints.join("\n"));
	await context.close();
}
await browser.close();
