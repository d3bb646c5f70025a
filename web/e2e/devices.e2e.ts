// SPDX-License-Identifier: Apache-2.0
/* The list of devices of a real server: found, filtered, sorted, scrolled, chosen, changed, live. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, url, violationsInBothThemes } from "./house.ts";

const N = 650;

describe.skipIf(!here)("the list of devices", () => {
	let it: House;
	const row = (page: Page, id: string) => page.getByRole("row").filter({ hasText: `${it.prefix}-${id}` });
	const box = (page: Page) => page.getByRole("searchbox");
	const count = (page: Page) => page.locator(".filter .count");
	const rowCount = (page: Page) => page.locator("table").getAttribute("aria-rowcount");
	beforeAll(async () => {
		it = await House.open();
		await it.seed(N);
	});
	afterAll(() => it?.close());

	test("says how many there are and draws only what is in view, to the very end", async () => {
		const page = await it.show(`/devices?q=${it.prefix}`);
		await count(page).getByText(`${N} devices`).waitFor();
		expect(await page.locator("tbody tr[data-at]").count()).toBeLessThan(80);
		const scroller = page.locator(".scroller");
		await expect
			.poll(async () => {
				await scroller.evaluate((one) => one.scrollTo(0, one.scrollHeight));
				return rowCount(page);
			})
			.toBe(String(N + 1));
		await scroller.evaluate((one) => one.scrollTo(0, one.scrollHeight)); /* the last page came after the last scroll */
		await row(page, String(N).padStart(4, "0")).waitFor();
		expect(await page.locator("tbody tr[data-at]").count()).toBeLessThan(80);
		await scroller.evaluate((one) => one.scrollTo(0, 0));
		await row(page, "0001").waitFor();
		await page.close();
	});

	test("a filter counts as it is typed, and what is wrong is shown at its column", async () => {
		const page = await it.show("/devices");
		await page.keyboard.press("/");
		await page.keyboard.type(`id==${it.prefix}*;tag==pilot`);
		await count(page).getByText(`${Math.floor(N / 3)} devices`).waitFor();
		expect(new URL(page.url()).searchParams.get("filter")).toBe(`id==${it.prefix}*;tag==pilot`);
		await box(page).fill("tag==pilot;state==lost");
		await page.getByText('Column 19: "lost" is no state').waitFor();
		expect(await page.locator("mark").innerText()).toBe("lost");
		expect(await box(page).getAttribute("aria-invalid")).toBe("true");
		expect(await violationsInBothThemes(page)).toEqual([]);
		await box(page).fill(`id==${it.prefix}-0007`);
		await count(page).getByText("1 device", { exact: true }).waitFor();
		await page.close();
	});

	test("the builder writes the filter, and reads one that was typed", async () => {
		const page = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}*` })}`);
		await page.getByRole("button", { name: "Build" }).click();
		expect(await page.getByRole("combobox", { name: "Field" }).inputValue()).toBe("id");
		await page.getByRole("button", { name: "Add a test" }).click();
		await page.getByRole("combobox", { name: "Field" }).last().selectOption("product");
		await page.getByRole("textbox", { name: "Value" }).last().fill("meter");
		await expect.poll(() => box(page).inputValue()).toBe(`id==${it.prefix}*;product==meter`);
		await count(page).getByText(`${Math.floor(N / 2)} devices`).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("sorts, and back and forward lead through it", async () => {
		const page = await it.show(`/devices?q=${it.prefix}`);
		const first = () => page.locator("tbody tr[data-at] .device").first().innerText();
		await page.getByRole("button", { name: "Device", exact: true }).click();
		await expect.poll(first).toContain(`${it.prefix}-${String(N).padStart(4, "0")}`);
		expect(page.url()).toContain("sort=-id");
		await page.goBack();
		await expect.poll(first).toContain(`${it.prefix}-0001`);
		await page.goForward();
		await expect.poll(first).toContain(`${it.prefix}-${String(N).padStart(4, "0")}`);
		await page.close();
	});

	test("an address carries the view: filter, sort, columns, what is chosen", async () => {
		const view = { filter: `id==${it.prefix}*`, sort: "-id", columns: "device,site", chosen: `${it.prefix}-0650` };
		const page = await it.show(`/devices?${new URLSearchParams(view)}`);
		await page.getByText("1 device selected").waitFor();
		expect(await row(page, "0650").getByRole("checkbox").isChecked()).toBe(true);
		expect(await page.getByRole("columnheader").allInnerTexts()).toEqual(["", expect.stringMatching(/^Device\s↓$/), "Site"]);
		await page.close();
	});

	test("is worked by keyboard alone: down, on, choose a run, open, and back", async () => {
		const page = await it.show(`/devices?q=${it.prefix}`);
		await row(page, "0001").waitFor();
		await page.keyboard.press("/");
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Space");
		await page.keyboard.press("Shift+ArrowDown");
		await page.keyboard.press("Shift+ArrowDown");
		await page.getByText("3 devices selected").waitFor();
		await page.keyboard.press("PageDown");
		await page.keyboard.press("Home");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { level: 1, name: "Device 1", exact: true }).waitFor();
		await page.goBack();
		await page.getByText("3 devices selected").waitFor();
		await page.close();
	});

	test("what is done to all that match is a job, and is seen in the list without a reload", async () => {
		const page = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}-000*` })}`);
		await count(page).getByText("9 devices").waitFor();
		await row(page, "0001").getByRole("checkbox").check();
		await page.getByRole("button", { name: "Select all that match (9 devices)" }).click();
		await page.getByText("all 9 devices selected").waitFor();
		await page.getByRole("button", { name: "Change them" }).click();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.getByRole("menuitem", { name: "Tag", exact: true }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Tag", { exact: true }).fill("chosen");
		await dialog.getByText("As API call and as ota command").click();
		await dialog.getByText(`ota device tag chosen --filter 'id==${it.prefix}-000*'`).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await dialog.getByRole("button", { name: "Tag", exact: true }).click();
		await page.getByText("Tag: begun for all 9 devices.").waitFor();
		await row(page, "0009").getByText("chosen").waitFor();
		await page.close();
	});

	test("a refusal of a job is told in the server's words, and nothing is lost", async () => {
		const page = await it.show(`/devices?q=${it.prefix}-0001`);
		await row(page, "0001").getByRole("checkbox").check();
		await page.getByRole("button", { name: "Change them" }).click();
		await page.getByRole("menuitem", { name: "Delete" }).click();
		const dialog = page.getByRole("dialog");
		const go = dialog.getByRole("button", { name: "Delete", exact: true });
		expect(await go.isDisabled()).toBe(true);
		await page.route("**/api/v1/jobs", (route) =>
			route.fulfill({
				status: 503,
				contentType: "application/problem+json",
				body: JSON.stringify({ code: "busy", title: "busy", status: 503, detail: "the store cannot keep up" }),
			}),
		);
		await dialog.getByLabel("Type delete to go on").fill("delete");
		await go.click();
		await dialog.getByRole("alert").getByText("the store cannot keep up").waitFor();
		await page.keyboard.press("Escape");
		await page.getByText("1 device selected").waitFor();
		await page.close();
	});

	test("a new device appears where it belongs, and a filtered list follows what changes", async () => {
		const plain = await it.show(`/devices?q=${it.prefix}-new`);
		const filtered = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}-new;tag==late` })}`);
		await filtered.getByText("No device matches this filter.").waitFor();
		await it.call("POST", "/devices", { id: `${it.prefix}-new`, name: ATTACKS[0] });
		await row(plain, "new").getByText(ATTACKS[0]).waitFor();
		await it.call("PATCH", `/devices/${it.prefix}-new`, { tags: ["late"] });
		await row(filtered, "new").getByText("late").waitFor();
		await plain.close();
		await filtered.close();
	});

	test("a view is kept in the browser, found again and forgotten", async () => {
		const page = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}-00*`, sort: "-id" })}`);
		await page.getByRole("button", { name: "Views" }).click();
		await page.getByRole("menuitem", { name: "Keep this view…" }).click();
		await page.getByLabel("Name", { exact: true }).fill(ATTACKS[1]);
		await page.getByRole("button", { name: "Keep", exact: true }).click();
		const other = await it.show("/devices");
		await other.getByRole("button", { name: "Views" }).click();
		await other.getByRole("menuitem", { name: ATTACKS[1], exact: true }).click();
		await expect.poll(() => box(other).inputValue()).toBe(`id==${it.prefix}-00*`);
		await other.getByRole("button", { name: "Views" }).click();
		await other.getByRole("menuitem", { name: "Forget" }).click();
		await other.reload();
		await other.getByRole("button", { name: "Views" }).click();
		expect(await other.getByRole("menuitem").allInnerTexts()).toEqual(["Keep this view…"]);
		await page.close();
		await other.close();
	});

	test("the export has all that match", async () => {
		const page = await it.show(`/devices?${new URLSearchParams({ filter: `id==${it.prefix}-00*` })}`);
		const address = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
		const answer = await it.context.request.get(url + address);
		expect(answer.headers()["content-type"]).toContain("text/csv");
		expect((await answer.text()).trim().split("\n").length).toBe(100);
		await page.close();
	});

	test("who may only look is offered no selection and no change", async () => {
		const viewer = await House.open({ role: "viewer" });
		const page = await viewer.show(`/devices?q=${it.prefix}`);
		await row(page, "0001").waitFor();
		expect(await page.getByRole("checkbox").count()).toBe(0);
		expect(await page.getByRole("button", { name: "Add a device" }).count()).toBe(0);
		await viewer.close();
	});

	test("nothing that was put into fields or addresses harmed", async () => {
		const attack = encodeURIComponent(`name=='${ATTACKS[0]}'`);
		const page = await it.show(`/devices?filter=${attack}&sort=${attack}&columns=${attack}&chosen=${attack}`);
		await page.getByRole("alert").filter({ hasText: "sort" }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		await page.close();
	});
});
