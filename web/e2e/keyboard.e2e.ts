// SPDX-License-Identifier: Apache-2.0
/*
 * Whole tasks without a mouse: each control is reached by Tab from where the focus is, must show that it has it, and is
 * worked by its keys. Where the server refuses, its sentence is there and nothing that was typed is lost.
 */
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { here, House, url, violationsInBothThemes } from "./house.ts";

const FAR = 120; /* so many Tabs reach anything on a screen */
const PASSWORD = "correct horse battery";

/* Tab, as often as needed. What has the focus can be seen to have it. */
async function reach(page: Page, target: Locator): Promise<void> {
	await target.waitFor();
	for (let i = 0; i < FAR; i++) {
		if (await target.evaluate((one) => one === document.activeElement)) {
			const look = await target.evaluate((one) => {
				const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
				return { outline: outlineStyle !== "none" && parseFloat(outlineWidth) > 0, shadow: boxShadow !== "none" };
			});
			expect(look.outline || look.shadow, `the focus of ${await target.evaluate((one) => one.outerHTML.slice(0, 120))} cannot be seen`).toBe(true);
			return;
		}
		await page.keyboard.press("Tab");
	}
	throw new Error(`not reached by ${FAR} Tabs: ${await target.evaluate((one) => one.outerHTML.slice(0, 200))}`);
}
async function press(page: Page, target: Locator, key = "Enter"): Promise<void> {
	await reach(page, target);
	await page.keyboard.press(key);
}
async function type(page: Page, target: Locator, text: string): Promise<void> {
	await reach(page, target);
	await page.keyboard.press("Control+a");
	await page.keyboard.type(text);
}
const button = (within: Page | Locator, name: string | RegExp) => within.getByRole("button", { name, exact: true });

/* A dialog has the focus, keeps it however often Tab is pressed, and gives it back when Escape closes it. */
async function holds(page: Page, opener: Locator): Promise<void> {
	await press(page, opener);
	const dialog = page.getByRole("dialog");
	await dialog.waitFor();
	for (let i = 0; i < 15; i++) {
		expect(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest("dialog"))).toBe(true);
		await page.keyboard.press("Tab");
	}
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "detached" });
	expect(await opener.evaluate((one) => one === document.activeElement)).toBe(true);
}

describe.skipIf(!here)("by keyboard alone", () => {
	let it: House;
	beforeAll(async () => void (it = await House.open()));
	afterAll(() => it?.close());

	test("the fleet is frozen and thawed; a server that is away is told in the dialog, and nothing typed is lost", async () => {
		const page = await it.show("/jobs");
		const dialog = page.getByRole("dialog");
		await holds(page, button(page, "Freeze…"));
		await press(page, button(page, "Freeze…"));
		await type(page, dialog.getByLabel("Reason"), `${it.prefix} by key`);
		await page.route(`${url}/api/v1/freeze`, (route) => route.abort());
		await press(page, button(dialog, "Freeze now"));
		await dialog.getByRole("alert").filter({ hasText: "The server does not answer" }).waitFor();
		expect(await dialog.getByLabel("Reason").inputValue()).toBe(`${it.prefix} by key`);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.unroute(`${url}/api/v1/freeze`);
		await press(page, button(dialog, "Freeze now"));
		const banner = page.getByRole("alert").filter({ hasText: `${it.prefix} by key` });
		await banner.waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await press(page, button(banner, "Thaw"));
		await press(page, button(dialog, "Thaw"));
		await banner.waitFor({ state: "detached" });
		await page.close();
	});

	test("a webhook is added, refused where it may not go, and deleted", async () => {
		const page = await it.show("/webhooks");
		const dialog = page.getByRole("dialog");
		await holds(page, button(page, "Add a webhook"));
		await press(page, button(page, "Add a webhook"));
		await type(page, dialog.getByLabel("Address"), "http://example.org/hook");
		await press(page, button(dialog, "Add a webhook"));
		await dialog.getByRole("alert").waitFor();
		await type(page, dialog.getByLabel("Address"), `https://hooks.example.org/${it.prefix}`);
		await press(page, button(dialog, "Add a webhook"));
		await press(page, dialog.getByRole("link", { name: "Open" }));
		await page.getByRole("heading", { level: 1, name: it.prefix }).waitFor();
		await press(page, button(page, "Delete"));
		await press(page, button(dialog, "Delete"));
		await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
		await page.close();
	});

	test("a user is added with a role, disabled and removed", async () => {
		const page = await it.show("/people");
		const dialog = page.getByRole("dialog");
		const name = `${it.prefix}-keys`;
		await holds(page, button(page, "Add a user"));
		await press(page, button(page, "Add a user"));
		await type(page, dialog.getByLabel("Name"), name);
		await type(page, dialog.getByLabel("Password"), PASSWORD);
		await press(page, dialog.getByRole("combobox").first(), "ArrowDown");
		await press(page, button(dialog, "Add a user"));
		const row = page.getByRole("row").filter({ hasText: name });
		await press(page, button(row, /^Disable/));
		await row.getByText("disabled").waitFor();
		await press(page, button(row, /^Remove/));
		await press(page, button(dialog, "Remove"));
		await row.waitFor({ state: "detached" });
		await page.close();
	});

	test("a group is made by a rule", async () => {
		const page = await it.show("/groups");
		const dialog = page.getByRole("dialog");
		await holds(page, button(page, "Make a group").first());
		await press(page, button(page, "Make a group").first());
		await type(page, dialog.getByLabel("Name", { exact: true }), `${it.prefix}-keys`);
		await type(page, dialog.getByRole("searchbox"), `id==${it.prefix}-*`);
		await dialog.getByText("0 devices").waitFor();
		await press(page, button(dialog, "Keep"));
		await page.getByRole("row").filter({ hasText: `${it.prefix}-keys` }).waitFor();
		await page.close();
	});

	test("a job that ended meanwhile cannot be stopped, in the server's words", async () => {
		await it.device("job");
		const job = await it.call<{ id: string }>("POST", "/jobs", { action: "tag", filter: `id==${it.prefix}-job`, tag: it.prefix });
		await expect.poll(async () => (await it.call<{ state: string }>("GET", `/jobs/${job.id}`)).state).toBe("done");
		const page = await it.context.newPage();
		/* As a tab has it that has not heard of its end. */
		await page.route(/\/api\/v1\/jobs\?/, async (route) => {
			const answer = await route.fetch();
			const body = (await answer.json()) as { items: { id: string; state: string }[] };
			for (const one of body.items) if (String(one.id) === String(job.id)) one.state = "running";
			await route.fulfill({ response: answer, json: body });
		});
		await page.goto(`${url}/jobs`);
		const row = page.getByRole("row").filter({ hasText: it.prefix }).first();
		await press(page, row.getByRole("button", { name: /^Stop/ }));
		await page.getByRole("alert").filter({ hasText: `job ${job.id} is done` }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("a rollout is rolled back, and its devices are seen to come back", async () => {
		const releases = (await it.call<{ items: { id: string; version: string }[] }>("GET", "/releases")).items;
		const release = releases.find((one) => one.version === "2.0.0")!;
		const device = await it.device("back", { product: "gateway", hardware: "revA" });
		const made = await it.call<{ id: string }>("POST", "/rollouts", {
			name: `${it.prefix} back`,
			release: release.id,
			selection: `id==${device.id}`,
			accepts: "reported",
			type: "forced",
		});
		await it.call("POST", `/rollouts/${made.id}/start`);
		const page = await it.show(`/rollouts/${made.id}`);
		const install = async () => {
			await expect.poll(() => device.action()).not.toBe("");
			const action = await device.action();
			await device.request("GET", `/deploymentBase/${action}`);
			await device.report(action, "closed", "success", ["runs it"]);
		};
		await install();
		await page.getByRole("img", { name: /Wave 1: 1/ }).waitFor();
		const dialog = page.getByRole("dialog");
		await holds(page, button(page, "Roll back"));
		await press(page, button(page, "Roll back"));
		await type(page, dialog.getByLabel("Reason"), `${it.prefix} is bad`);
		await press(page, button(dialog, "Roll back"));
		await page.getByText("Rolls back").first().waitFor();
		expect(page.url()).not.toContain(`/rollouts/${made.id}`);
		await install();
		await page.locator(".note .mark", { hasText: "finished" }).waitFor();
		const version = (await it.call<{ version: string }>("GET", `/devices/${device.id}`)).version;
		expect(version).toBe("1.0.0");
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});
});
