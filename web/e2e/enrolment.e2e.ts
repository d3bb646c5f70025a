// SPDX-License-Identifier: Apache-2.0
/* How devices come in, and who was registered and never called. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, PlayedDevice, violationsInBothThemes } from "./house.ts";

describe.skipIf(!here)("enrolment", () => {
	let it: House;
	beforeAll(async () => {
		it = await House.open();
	});
	afterAll(() => it?.close());
	const list = (text: string) => ({ name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(text) });

	test("a device is registered by keyboard alone, waits in the list, and leaves it when it calls", async () => {
		const page = await it.show("/enrolment");
		const id = `${it.prefix}-one`;
		await page.getByRole("button", { name: "Add a device" }).first().press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Id", { exact: true }).fill(id);
		await dialog.getByLabel("Name").fill(ATTACKS[0]);
		await page.keyboard.press("Enter");
		await dialog.getByText(`${id} may call now`).waitFor();
		const token = await dialog.locator("code").first().innerText();
		await page.keyboard.press("Escape");
		const row = page.getByRole("row").filter({ hasText: id });
		await row.getByText(ATTACKS[0]).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await new PlayedDevice(it, id, token).poll();
		await row.waitFor({ state: "detached" });
		await page.close();
	});

	test("a list is registered, its tokens are a file, and what is there already is told by name", async () => {
		const page = await it.show("/enrolment");
		await it.call("POST", "/devices", { id: `${it.prefix}-taken` });
		const file = page.getByLabel("CSV file");
		await file.setInputFiles(list(`id,colour\n${it.prefix}-a,red\n`));
		await page.getByText("names a column colour").waitFor();
		await file.setInputFiles(list(`id,name\n${it.prefix}-a,"Pump, north"\n${it.prefix}-taken,x\n${it.prefix}-b,\n`));
		await page.getByRole("button", { name: "Register 3 devices" }).press("Enter");
		await page.getByText("2 devices may call now").waitFor();
		await page.getByText("1 device could not be registered").waitFor();
		await page.getByRole("listitem").filter({ hasText: `${it.prefix}-taken` }).waitFor();
		const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download the tokens" }).click()]);
		const lines = readFileSync(await download.path(), "utf8").trim().split("\r\n");
		expect(lines[0]).toBe("id,token");
		const [id, token] = lines.find((one) => one.startsWith(`${it.prefix}-b,`))!.split(",");
		await new PlayedDevice(it, id!, token!).poll();
		expect((await it.call<{ name: string }>("GET", `/devices/${it.prefix}-a`)).name).toBe("Pump, north");
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("a device that lost its token gets another one, and the first ends", async () => {
		const first = await it.device("lost");
		const page = await it.show("/enrolment");
		await page.getByRole("button", { name: `New token… ${first.id}` }).press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByRole("button", { name: "New token" }).press("Enter");
		await dialog.getByText("shown this once").waitFor();
		const token = await dialog.locator("code").first().innerText();
		await expect(first.poll()).rejects.toThrow("401");
		await new PlayedDevice(it, first.id, token).poll();
		await page.close();
	});

	test("what lets a device in is said, changed by an administrator, and shown as a command", async () => {
		const page = await it.show("/enrolment");
		await page.getByRole("button", { name: "Change…" }).press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("A gateway's token").selectOption("yes");
		await dialog.getByText("As API call and as ota command").press("Enter");
		await dialog.getByText("gateway-tokens=yes").waitFor();
		await dialog.getByRole("button", { name: "Save" }).press("Enter");
		await dialog.waitFor({ state: "detached" });
		expect((await it.call<{ gateway_tokens: boolean }>("GET", "/settings")).gateway_tokens).toBe(true);
		await page.locator("dd").filter({ hasText: "said for this tenant" }).first().waitFor();
		await it.call("PATCH", "/settings", { gateway_tokens: null });
		await page.close();
	});

	test("a viewer sees who waits, and is offered nothing", async () => {
		const viewer = await House.open({ role: "viewer" });
		const page = await viewer.show("/enrolment");
		await page.getByRole("heading", { name: "Registered, and never called" }).waitFor();
		expect(await page.getByRole("button", { name: "Add a device" }).count()).toBe(0);
		expect(await page.getByRole("button", { name: /New token/ }).count()).toBe(0);
		await viewer.close();
	});
});
