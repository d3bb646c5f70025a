// SPDX-License-Identifier: Apache-2.0
/* What is on every screen of a real server's console: the navigation, the brake, what a role is offered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, tooWide, url, violationsInBothThemes } from "./house.ts";

describe.skipIf(!here)("the frame", () => {
	let it: House;
	beforeAll(async () => void (it = await House.open()));
	afterAll(() => it?.close());

	test("the navigation leads to each screen by keyboard, and back and forward work", async () => {
		const page = await it.show("/");
		const links = page.getByRole("navigation", { name: "Main" }).getByRole("listitem").getByRole("link");
		const names = await links.allInnerTexts();
		expect(names).toContain("Devices");
		for (const name of names) {
			await links.filter({ hasText: new RegExp(`^${name}$`) }).focus();
			await page.keyboard.press("Enter");
			await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
			expect(await page.locator('nav [aria-current="page"]').allInnerTexts()).toContain(name);
		}
		await page.goBack();
		await page.getByRole("heading", { level: 1, name: names.at(-2)!, exact: true }).waitFor();
		await page.goForward();
		await page.getByRole("heading", { level: 1, name: names.at(-1)!, exact: true }).waitFor();
		await page.close();
	});

	test("the palette goes, finds and does by keyboard alone", async () => {
		await it.call("POST", "/devices", { id: `${it.prefix}-found`, name: ATTACKS[0] });
		const page = await it.show("/releases");
		await page.keyboard.press("Control+k");
		const palette = page.getByRole("combobox", { name: "Go to, find, do…" });
		await palette.waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.keyboard.type("devic");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { level: 1, name: "Devices", exact: true }).waitFor();
		await page.keyboard.press("Control+k");
		await page.keyboard.type(`${it.prefix}-fo`);
		await page.getByRole("option").filter({ hasText: ATTACKS[0] }).waitFor();
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { level: 1, name: ATTACKS[0] }).waitFor();
		await page.keyboard.press("Control+k");
		await page.keyboard.type("freeze");
		await page.keyboard.press("Enter");
		await page.getByRole("dialog", { name: "Freeze the fleet" }).waitFor();
		await page.keyboard.press("Escape");
		expect(await page.getByRole("dialog").count()).toBe(0);
		expect(await it.harm(page)).toEqual([]);
		await page.close();
	});

	test("what is typed while the palette is on its way is the palette's", async () => {
		const page = await it.context.newPage();
		let arrive = () => {};
		const held = new Promise<void>((done) => (arrive = done));
		await page.route(/\/assets\/Palette/, async (route) => (await held, route.continue()));
		await page.goto(`${url}/releases`);
		await page.locator("header .link.live").waitFor();
		await page.keyboard.press("Control+k");
		await page.keyboard.type("gd");
		arrive();
		const palette = page.getByRole("combobox", { name: "Go to, find, do…" });
		await palette.waitFor();
		expect(await palette.inputValue()).toBe("gd");
		expect(new URL(page.url()).pathname).toBe("/releases");
		await page.keyboard.press("Escape");
		await page.close();
		const other = await it.context.newPage();
		const never = new Promise<void>(() => {});
		await other.route(/\/assets\/Palette/, () => never);
		await other.goto(`${url}/releases`);
		await other.locator("header .link.live").waitFor();
		await other.keyboard.press("Control+k");
		await other.keyboard.press("Escape"); /* given up: the keys are the page's again */
		await other.keyboard.type("gd");
		await other.getByRole("heading", { level: 1, name: "Devices", exact: true }).waitFor();
		await other.close();
	});

	test("a question mark opens the sheet of shortcuts, Escape closes it, and the focus is where it was", async () => {
		const page = await it.show("/devices");
		const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
		await page.getByRole("searchbox").focus();
		await page.keyboard.type("?");
		expect(await page.getByRole("searchbox").inputValue()).toBe("?");
		expect(await sheet.count()).toBe(0);
		await page.getByRole("link", { name: "Releases", exact: true }).focus();
		await page.keyboard.press("?");
		await sheet.getByText("Write into the search").waitFor();
		await sheet.locator("kbd").getByText("/", { exact: true }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.keyboard.press("Escape");
		await sheet.waitFor({ state: "detached" });
		expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Releases");
		await page.keyboard.press("g");
		await page.keyboard.press("r");
		await page.getByRole("heading", { level: 1, name: "Releases", exact: true }).waitFor();
		await page.keyboard.press("Control+k");
		await page.getByRole("combobox", { name: "Go to, find, do…" }).waitFor();
		await page.keyboard.type("shortcuts");
		await page.keyboard.press("Enter");
		await sheet.waitFor();
		await sheet.getByRole("button", { name: "Close" }).click();
		await sheet.waitFor({ state: "detached" });
		await page.close();
	});

	test("a term of the field says what it means, and a heading with it keeps its name", async () => {
		const page = await it.show("/");
		const word = page.getByRole("button", { name: "Active rollouts", exact: true });
		const meaning = page.getByText("One release for many devices, wave by wave", { exact: true });
		await word.waitFor();
		expect(await meaning.isVisible()).toBe(false);
		await word.focus();
		await meaning.waitFor();
		await page.getByRole("heading", { level: 2, name: "Active rollouts", exact: true }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.keyboard.press("Escape");
		await meaning.waitFor({ state: "hidden" });
		await word.hover();
		await meaning.waitFor();
		await page.close();
	});

	test("axe finds nothing on any screen in either theme, nor on a narrow window", async () => {
		const page = await it.show("/");
		const paths = await page
			.getByRole("navigation", { name: "Main" })
			.getByRole("link")
			.evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
		await page.close();
		for (const path of [...new Set(paths)]) {
			const screen = await it.show(path);
			expect(await violationsInBothThemes(screen), path).toEqual([]);
			await screen.setViewportSize({ width: 390, height: 800 });
			expect(await tooWide(screen), `${path} is wider than a phone`).toEqual([]);
			await screen.close();
		}
	});

	test("a first visit loads no more than 150 kB, and nothing from elsewhere", async () => {
		const page = await it.context.newPage();
		const session = await it.context.newCDPSession(page);
		await session.send("Network.enable");
		await session.send("Network.setCacheDisabled", { cacheDisabled: true });
		let bytes = 0;
		const hosts = new Set<string>();
		const assets = new Set<string>();
		session.on("Network.responseReceived", ({ requestId, response }) => {
			hosts.add(new URL(response.url).host);
			if (!new URL(response.url).pathname.startsWith("/api/")) assets.add(requestId);
		});
		session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
			if (assets.has(requestId)) bytes += encodedDataLength;
		});
		await page.goto(url);
		await page.locator("header .link.live").waitFor();
		await page.locator("h1").waitFor();
		await page.evaluate(() => document.fonts.ready);
		expect([...hosts]).toEqual([new URL(url).host]);
		expect(bytes).toBeGreaterThan(20_000);
		expect(bytes).toBeLessThanOrEqual(150_000);
		await page.close();
	});

	test("who may only look is offered no change, and no administrator's screens", async () => {
		const viewer = await House.open({ role: "viewer" });
		const page = await viewer.show("/devices");
		expect(await page.getByRole("button", { name: "Freeze…" }).count()).toBe(0);
		expect(await page.getByRole("link", { name: "Webhooks" }).count()).toBe(0);
		await viewer.close();
	});

	test("the browser had nothing to complain of", () => {
		expect(it.complaints.filter((text) => !text.startsWith("Failed to load resource"))).toEqual([]);
	});
});
