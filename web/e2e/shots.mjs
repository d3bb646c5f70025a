// SPDX-License-Identifier: Apache-2.0
/* npm run shots -- DIRECTORY: pictures of each page in both themes, over the sample fleet. For people to look at. */
import { mkdirSync } from "node:fs";
import { startFixture } from "../dev/fixture.mjs";
import { playUpdate, sampleWorld } from "../dev/sample.mjs";
import { World } from "../dev/world.mjs";
import { launch, newUser } from "./browser.mjs";

const to = process.argv[2] ?? "shots";
mkdirSync(to, { recursive: true });
const browser = await launch();

async function shoot(world, colorScheme, pages, options = {}) {
	const fixture = await startFixture(world);
	const { context, complaints } = await newUser(browser, { colorScheme, reducedMotion: "reduce", ...options });
	const page = await context.newPage();
	await page.goto(fixture.loginLink());
	await page.locator("header .link.live").waitFor();
	for (const [name, path, act] of pages) {
		await page.goto(fixture.url + path);
		await page.locator("h1").waitFor();
		await page.getByText("live", { exact: true }).waitFor();
		const undo = await act?.(page, fixture);
		await page.evaluate(() => document.fonts.ready);
		await page.screenshot({ path: `${to}/${name}-${colorScheme}.png`, fullPage: true });
		if (typeof undo === "function") undo();
	}
	if (complaints.length) console.log(complaints);
	await context.close();
	await fixture.close();
}

/* Half way through an update, and one in its trial. */
async function busyWorld() {
	const world = sampleWorld();
	let left = 14;
	await playUpdate(world, "gw-0001", "2.1.0", () => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error("stop")))).catch(
		() => {},
	);
	left = 26;
	await playUpdate(world, "gw-0003", "2.1.0", (n) => (n < 3 ? Promise.resolve() : Promise.reject(new Error("stop")))).catch(
		() => {},
	);
	return world;
}

const unfold = async (page) => page.locator("summary").nth(3).click();
const lose = async (page, fixture) => {
	fixture.cut(true);
	await page.getByText("No connection to the server").waitFor();
	return () => fixture.cut(false);
};
const signOut = async (page) => {
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByRole("heading", { name: "Sign in" }).waitFor();
};
const choose = async (page) => {
	await page.getByLabel("Release", { exact: true }).selectOption({ label: "2.1.0" });
	await page.getByText("The same by API and command").first().click();
};
const add = async (page) => page.getByRole("button", { name: "Add a device" }).first().click();
for (const scheme of ["light", "dark"]) {
	await shoot(await busyWorld(), scheme, [
		["devices", "/devices"],
		["device-updating", "/devices/gw-0001"],
		["device-confirmed", "/devices/gw-0002"],
		["device-trial", "/devices/gw-0003"],
		["device-rolled-back", "/devices/gw-0004"],
		["device-assign", "/devices/gw-0005", choose],
		["releases", "/releases", unfold],
		["unknown", "/devices/nobody"],
		["add", "/devices", add],
		["lost", "/devices", lose],
		["login", "/devices", signOut],
	]);
	await shoot(new World(), scheme, [["empty", "/devices"], ["empty-releases", "/releases"]]);
	await shoot(await busyWorld(), scheme, [["phone-devices", "/devices"], ["phone-device", "/devices/gw-0001"]], {
		viewport: { width: 390, height: 800 },
	});
}
await browser.close();
