// SPDX-License-Identifier: Apache-2.0
/* Who is in and who is not: links, passwords, signing out, sessions that the server ended. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newUser } from "./browser.mjs";
import { here, House, url, violationsInBothThemes } from "./house.ts";

describe.skipIf(!here)("a session", () => {
	let it: House;
	beforeEach(async () => void (it = await House.open()));
	afterEach(() => it?.close());

	test("without one each page leads to sign in, and tells how to get a link", async () => {
		const stranger = await newUser(it.browser);
		const page = await stranger.context.newPage();
		for (const path of ["/", "/devices/gw-0001", "/rollouts/new", "/people"]) {
			await page.goto(url + path);
			await page.getByRole("heading", { name: "Sign in" }).waitFor();
			await page.getByText("ota-server admin").waitFor();
		}
		expect(await violationsInBothThemes(page)).toEqual([]);
		await stranger.context.close();
	});

	test("a link begins one, once, and leaves no token in the address or the history", async () => {
		const link = await it.loginLink("once");
		const guest = await newUser(it.browser);
		const page = await guest.context.newPage();
		await page.goto(link);
		await page.locator("header .link.live").waitFor();
		expect(page.url()).toBe(`${url}/`);
		await page.goBack();
		expect(page.url()).not.toContain(link.split("#")[1]);
		await guest.context.close();

		const second = await newUser(it.browser);
		const again = await second.context.newPage();
		await again.goto(link);
		await again.getByText("This link does not work any more").waitFor();
		await second.context.close();
	});

	test("a password begins one, and a wrong one is told", async () => {
		const guest = await newUser(it.browser);
		const page = await guest.context.newPage();
		await page.goto(`${url}/login`);
		for (const right of [false, true]) {
			await page.getByLabel("User").fill(it.prefix);
			await page.getByLabel("Password").fill(right ? it.password : "not the password");
			await page.getByRole("button", { name: "Sign in" }).press("Enter");
			if (right) await page.locator("header .link.live").waitFor();
			else await page.getByText("the user or the password is wrong").waitFor();
		}
		await guest.context.close();
	});

	test("signing out ends it in all tabs, and what was there is not shown again", async () => {
		const first = await it.show("/devices");
		const second = await it.show("/rollouts");
		await first.getByRole("button", { name: "Sign out" }).click();
		await first.getByRole("heading", { name: "Sign in" }).waitFor();
		await second.getByRole("heading", { name: "Sign in" }).waitFor();
		await first.goto(`${url}/devices`);
		await first.getByRole("heading", { name: "Sign in" }).waitFor();
	});

	test("after signing out another link in the same tab signs in, and is live", async () => {
		const page = await it.show("/devices");
		for (const round of ["one", "two"]) {
			await page.getByRole("button", { name: "Sign out" }).click();
			await page.getByRole("heading", { name: "Sign in" }).waitFor();
			const token = (await it.loginLink(round)).split("#")[1]!;
			await page.evaluate(() => history.pushState(null, "", "/login"));
			await page.evaluate((hash) => void (location.hash = hash), token);
			await page.locator("header .link.live").waitFor();
			await page.getByRole("link", { name: "Devices", exact: true }).first().click();
			await page.getByRole("heading", { name: "No devices yet" }).waitFor();
			await it.asBrowser("POST", "/devices", { id: `${it.prefix}-${round}` });
			await page.getByRole("row").filter({ hasText: `${it.prefix}-${round}` }).waitFor();
		}
		expect(it.complaints.filter((text) => !text.startsWith("Failed to load resource"))).toEqual([]);
	});

	test("one that the server ended leads to sign in by itself", async () => {
		const first = await it.show("/devices");
		const second = await it.show("/releases");
		const { items } = await it.call<{ items: { id: string }[] }>("GET", `/sessions?user=${it.prefix}`);
		expect(items).toHaveLength(1);
		await it.call("DELETE", `/sessions/${items[0]!.id}?user=${it.prefix}`);
		for (const page of [first, second]) await page.getByRole("heading", { name: "Sign in" }).waitFor();
	});

	test("who is disabled is out at once", async () => {
		const page = await it.show("/devices");
		await it.call("PUT", `/users/${it.prefix}`, { disabled: true });
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
	});
});
