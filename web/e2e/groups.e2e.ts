// SPDX-License-Identifier: Apache-2.0
/* Groups and jobs of a real server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, violationsInBothThemes } from "./house.ts";

describe.skipIf(!here)("groups and jobs", () => {
	let it: House;
	beforeAll(async () => {
		it = await House.open();
		await it.seed(6);
	});
	afterAll(() => it?.close());

	test("a group by a rule says whom it takes before it is made, and leads to its devices", async () => {
		const page = await it.show("/groups");
		await page.getByRole("button", { name: "Make a group" }).first().click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Name", { exact: true }).fill(it.prefix);
		await dialog.getByLabel("About").fill(ATTACKS[0]);
		await dialog.getByRole("searchbox").fill("state==lost");
		await dialog.getByText('Column 8: "lost" is no state').waitFor();
		expect(await dialog.getByRole("button", { name: "Keep" }).isDisabled()).toBe(true);
		await dialog.getByRole("searchbox").fill(`id==${it.prefix}-*`);
		await dialog.getByText("6 devices").waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await dialog.getByRole("button", { name: "Keep" }).click();
		const row = page.getByRole("row").filter({ hasText: it.prefix });
		await row.getByText(ATTACKS[0]).waitFor();
		await row.getByRole("link", { name: it.prefix }).click();
		await page.getByRole("heading", { level: 1, name: it.prefix }).waitFor();
		await page.locator(".note").getByText("6 devices").waitFor();
		await page.getByRole("link", { name: "Filter them further" }).click();
		await page.locator(".filter .count").getByText("6 devices").waitFor();
		expect(await it.harm(page)).toEqual([]);
		await page.close();
	});

	test("a group that a rule names cannot be removed, in the server's words", async () => {
		await it.call("POST", "/groups", { name: `${it.prefix}-b`, filter: `group==${it.prefix}` });
		const page = await it.show("/groups");
		await page.getByRole("button", { name: `Remove: ${it.prefix}`, exact: true }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
		await page.getByRole("dialog").getByRole("alert").waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: `Remove: ${it.prefix}-b`, exact: true }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
		await page.getByRole("row").filter({ hasText: `${it.prefix}-b` }).waitFor({ state: "detached" });
		await page.close();
	});

	const size = async (name: string) => (await it.call<{ devices: number }>("GET", `/groups/${name}`)).devices;

	test("devices are put into a listed group by id, by keyboard alone; one that is not there refuses all", async () => {
		const name = `${it.prefix}-listed`;
		await it.call("POST", "/groups", { name, about: ATTACKS[1] });
		const page = await it.show(`/groups/${name}`);
		await page.getByText("Nobody is in it").waitFor();
		await page.getByRole("button", { name: "Put devices in…" }).press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByRole("textbox", { name: "Ids" }).fill(`${it.prefix}-0001, ${it.prefix}-nobody\n${it.prefix}-0002`);
		await dialog.getByRole("button", { name: "Put in" }).press("Enter");
		await dialog.getByRole("alert").filter({ hasText: `${it.prefix}-nobody` }).waitFor();
		expect(await size(name)).toBe(0);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await dialog.getByRole("textbox", { name: "Ids" }).fill(`${it.prefix}-0001 ${it.prefix}-0002`);
		await dialog.getByRole("button", { name: "Put in" }).press("Enter");
		await page.getByRole("row").filter({ hasText: `${it.prefix}-0002` }).waitFor();
		await page.locator(".note").getByText("2 devices").waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("all that match go in, and those that are chosen come out, while the page follows", async () => {
		const name = `${it.prefix}-many`;
		await it.call("POST", "/groups", { name });
		const page = await it.show(`/groups/${name}`);
		await page.getByRole("button", { name: "Put devices in…" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("All that match a filter").check();
		await dialog.getByRole("searchbox").fill(`id==${it.prefix}-00*`);
		await dialog.getByText("6 devices").waitFor();
		await dialog.getByRole("button", { name: "Put in" }).click();
		await page.locator(".note").getByText("6 devices").waitFor();
		await page.getByRole("checkbox", { name: `Select ${it.prefix}-0003` }).check();
		await page.getByRole("checkbox", { name: `Select ${it.prefix}-0004` }).check();
		await page.getByRole("button", { name: "Take out…" }).click();
		await dialog.getByRole("heading", { name: `Take 2 devices out of ${name}?` }).waitFor();
		await dialog.getByRole("button", { name: "Take out" }).click();
		await page.locator(".note").getByText("4 devices").waitFor();
		expect(await size(name)).toBe(4);
		await it.call("POST", `/groups/${name}/members`, { add: [`${it.prefix}-0003`] });
		await page.getByRole("row").filter({ hasText: `${it.prefix}-0003` }).waitFor();
		await page.close();
	});

	test("a selection of the devices' list joins a listed group", async () => {
		const name = `${it.prefix}-chosen`;
		await it.call("POST", "/groups", { name });
		const page = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}-00*`, chosen: "all" })}`);
		await page.getByRole("button", { name: "Change them" }).press("Enter");
		await page.getByRole("menuitem", { name: "Put into a group" }).press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Group", { exact: true }).selectOption(name);
		await dialog.getByText("As API call and as ota command").press("Enter");
		await dialog.getByText(`ota group add ${name} --filter`).waitFor();
		await dialog.getByRole("button", { name: "Put into a group" }).press("Enter");
		await expect.poll(() => size(name)).toBe(6);
		await page.close();
	});

	test("a group that is not there is said so", async () => {
		const page = await it.show(`/groups/${it.prefix}-none`);
		await page.getByRole("heading", { name: "There is no group" }).waitFor();
		await page.close();
	});

	test("a job appears by itself with what it changed", async () => {
		const page = await it.show("/jobs");
		await it.call("POST", "/jobs", { action: "tag", filter: `id==${it.prefix}-*`, tag: "by-job" });
		const row = page.getByRole("row").filter({ hasText: "by-job" }).filter({ hasText: it.prefix });
		await row.getByText("done").waitFor();
		expect(await row.innerText()).toMatch(/Tag by-job[\s\S]*\b6\b/);
		await page.close();
	});

	test("a job that changes nothing is seen to end, too, and what it says is text", async () => {
		const page = await it.show("/jobs");
		await it.call("POST", "/jobs", { action: "pin", filter: `name=='${ATTACKS[0]}${it.prefix}'`, reason: ATTACKS[0] });
		const row = page.getByRole("row").filter({ hasText: `${ATTACKS[0]}${it.prefix}` });
		await row.getByText("done", { exact: true }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});
});
