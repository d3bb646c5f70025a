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

	test("a job appears by itself with what it changed", async () => {
		const page = await it.show("/jobs");
		await it.call("POST", "/jobs", { action: "tag", filter: `id==${it.prefix}-*`, tag: "by-job" });
		const row = page.getByRole("row").filter({ hasText: it.prefix });
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
