// SPDX-License-Identifier: Apache-2.0
/* Releases: uploaded with each check shown, refused at the step that failed, cancelled without a trace, looked at, withdrawn. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, violationsInBothThemes } from "./house.ts";

const path = process.env["OTA_BUNDLE"] ?? "";
const VERSION = "2.1.0";

describe.skipIf(!here || path === "")("releases", () => {
	let it: House;
	let bundle: Buffer;
	beforeAll(async () => {
		it = await House.open();
		bundle = readFileSync(path);
	});
	afterAll(() => it?.close());

	const file = (buffer: Buffer) => ({ name: "gateway.ota", mimeType: "application/octet-stream", buffer });
	const step = (page: Page, name: string) => page.locator("ol > li", { has: page.locator(".name", { hasText: new RegExp(`^${name}`) }) });
	/* The bundle with one octet turned. */
	function spoilt(at: number): Buffer {
		const copy = Buffer.from(bundle);
		copy[at]! ^= 1;
		return copy;
	}
	async function choose(buffer: Buffer): Promise<Page> {
		const page = await it.show("/releases/new");
		await page.getByLabel("Bundle").setInputFiles(file(buffer));
		return page;
	}
	async function refused(buffer: Buffer, passed: string[], at: string, words: string): Promise<void> {
		const page = await choose(buffer);
		await page.getByRole("button", { name: "Upload and publish" }).click();
		await step(page, at).getByText("refused", { exact: true }).waitFor();
		await step(page, at).getByText(words).waitFor();
		for (const name of passed) await step(page, name).getByText("passed", { exact: true }).waitFor();
		await step(page, "Publish").getByText("not reached", { exact: true }).waitFor();
		await page.getByRole("alert").filter({ hasText: words }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		const { items } = await it.call<{ items: { version: string }[] }>("GET", "/releases");
		expect(items.map((one) => one.version)).not.toContain(VERSION);
		await page.close();
	}

	test("what is no bundle, or is not signed, is told before anything is sent", async () => {
		const page = await choose(Buffer.from("not a bundle at all"));
		await page.getByRole("alert").filter({ hasText: "This is no bundle." }).waitFor();
		expect(await page.getByRole("button", { name: "Upload and publish" }).count()).toBe(0);
		await page.getByLabel("Bundle").setInputFiles(file(bundle.subarray(0, bundle.length - 1000)));
		await page.getByRole("alert").filter({ hasText: "The bundle is cut off." }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("cancelled in mid-upload it leaves nothing", async () => {
		const page = await choose(bundle);
		const begun: string[] = [];
		page.on("response", async (answer) => {
			if (answer.url().endsWith("/api/v1/uploads")) begun.push(((await answer.json()) as { id: string }).id);
		});
		/* The last part never gets there. */
		let parts = 0;
		const held = new Promise<void>((done) => void page.route(/uploads\/[^/]+\?offset=0$/, (route) => (++parts < 5 ? route.fallback() : done())));
		await page.getByRole("button", { name: "Upload and publish" }).click();
		await held;
		await page.getByRole("progressbar", { name: "Upload" }).waitFor();
		await page.getByRole("button", { name: "Cancel the upload" }).press("Enter");
		await page.getByText("Cancelled. Nothing of it stays on the server.").waitFor();
		expect(begun.length).toBe(5);
		for (const id of begun) await expect(it.call("GET", `/uploads/${id}`)).rejects.toThrow("404");
		expect(await page.getByRole("button", { name: "Upload and publish" }).isEnabled()).toBe(true);
		await page.close();
	});

	test("a payload that is not the one that was signed is refused at its hashes", async () => {
		await refused(spoilt(bundle.length - 10), ["Hash", "Upload", "Keep", "Manifest"], "Payload's hashes", "payload body");
	});

	test("a signature that does not hold is refused at the signatures, after what was fine", async () => {
		await refused(spoilt(bundle.lastIndexOf('"sig":"') + 8), ["Manifest", "Payload's hashes"], "Signatures", "targets");
	});

	test("a bundle is uploaded by keyboard, each check is shown, and the list has it without a reload", async () => {
		const list = await it.show("/releases");
		await list.getByRole("link", { name: "Upload a release" }).press("Enter");
		await list.getByRole("heading", { level: 1, name: "Upload a release" }).waitFor();
		await list.goBack();
		const page = await choose(bundle);
		await page.getByText(`Mends ${ATTACKS[0]}`).waitFor();
		await page.getByText("no release has raised a device's floor").waitFor();
		await page.getByText("As API call and as ota command").first().press("Enter");
		await page.getByText("ota release push gateway.ota").waitFor();
		await page.getByRole("button", { name: "Upload and publish" }).press("Enter");
		await page.getByText(`gateway ${VERSION} is published.`).waitFor();
		for (const name of ["Hash", "Upload", "Keep", "Manifest", "Payload's hashes", "Signatures", "List of releases", "Snapshot and timestamp", "Taken as a device", "Publish"])
			await step(page, name).getByText("passed", { exact: true }).waitFor();
		await step(page, "Signatures").getByText("needs 1 of its").waitFor();
		await step(page, "Manifest").getByText(`gateway ${VERSION}, security version 1`).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await list.getByRole("row").filter({ hasText: VERSION }).getByText("published").waitFor();
		expect(await it.harm(list)).toEqual([]);
		await page.getByRole("link", { name: "Show the release" }).press("Enter");
		await page.getByRole("heading", { level: 1, name: `gateway ${VERSION}` }).waitFor();
		await page.close();
		await list.close();
	});

	async function idOf(version: string): Promise<string> {
		const { items } = await it.call<{ items: { id: string; version: string }[] }>("GET", "/releases");
		return items.find((one) => one.version === version)!.id;
	}

	test("its page says what is in it, who signed and who has it, and follows", async () => {
		const id = await idOf(VERSION);
		const page = await it.show(`/releases/${id}`);
		await page.getByRole("row").filter({ hasText: "firmware" }).getByText("293 KiB").waitFor();
		await page.getByText("names it by its hash").waitFor();
		await page.getByText("1 of 1 needed targets keys").waitFor();
		const fact = (name: string) => page.locator("dt", { hasText: name }).locator("+ dd");
		await expect.poll(() => fact("Are at it").innerText()).toBe("0");
		const device = await it.device("has-it", { product: "gateway", hardware: "revA" });
		await it.call("POST", "/deployments", { device: device.id, release: id });
		await expect.poll(() => fact("Are at it").innerText()).toBe("1");
		await device.poll();
		await device.attributes({ product: "gateway", version: VERSION });
		await expect.poll(() => fact("Run it").innerText()).toBe("1");
		await page.getByText("No rollout gives it out.").waitFor();
		await it.call("POST", "/rollouts", { name: `${it.prefix} ${ATTACKS[0]}`, release: id, selection: `id==${it.prefix}-none` });
		await page.getByRole("link", { name: `${it.prefix} ${ATTACKS[0]}` }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.setViewportSize({ width: 390, height: 800 });
		expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
		await page.close();
	});

	test("a release that is not there is said so", async () => {
		const page = await it.show("/releases/0000");
		await page.getByRole("heading", { level: 1, name: "There is no release “0000”." }).waitFor();
		await page.close();
	});

	test("who may only look is offered neither an upload nor a withdrawal", async () => {
		const viewer = await House.open({ role: "viewer" });
		const page = await viewer.show("/releases");
		await page.getByRole("row").filter({ hasText: VERSION }).getByRole("link").click();
		await page.getByRole("heading", { level: 1, name: `gateway ${VERSION}` }).waitFor();
		await page.getByText("names it by its hash").waitFor();
		expect(await page.getByRole("button", { name: "Withdraw…" }).count()).toBe(0);
		await page.getByRole("link", { name: "Releases" }).first().click();
		await page.getByRole("heading", { level: 1, name: "Releases" }).waitFor();
		expect(await page.getByRole("link", { name: "Upload a release" }).count()).toBe(0);
		await viewer.close();
	});

	test("it is withdrawn by keyboard, its danger in view; every tab shows it, and no device can be given it", async () => {
		const id = await idOf(VERSION);
		const page = await it.show(`/releases/${id}`);
		const list = await it.show("/releases");
		await page.getByRole("button", { name: "Withdraw…" }).press("Enter");
		const dialog = page.getByRole("dialog");
		await dialog.getByText("There is no way back").waitFor();
		await dialog.getByText("1 device runs it").waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await dialog.getByLabel("Reason").fill(ATTACKS[0]);
		const end = dialog.getByRole("button", { name: "Withdraw", exact: true });
		expect(await end.isDisabled()).toBe(true);
		await dialog.getByLabel(`Type ${VERSION} to confirm`).fill(VERSION);
		await dialog.getByText("As API call and as ota command").press("Enter");
		await dialog.getByText("ota release withdraw").waitFor();
		await end.press("Enter");
		await page.getByText(`Withdrawn by`).waitFor();
		await page.locator(".withdrawn b", { hasText: ATTACKS[0] }).waitFor();
		await page.getByText("ota release unlist gateway").waitFor();
		expect(await page.getByRole("button", { name: "Withdraw…" }).count()).toBe(0);
		await list.getByRole("row").filter({ hasText: VERSION }).getByText("withdrawn").waitFor();
		const device = await it.device("later", { product: "gateway", hardware: "revA" });
		const other = await it.show(`/devices/${device.id}`);
		await other.getByLabel("Release", { exact: true }).locator("option", { hasText: "2.0.0" }).waitFor({ state: "attached" });
		expect(await other.getByLabel("Release", { exact: true }).locator("option:enabled", { hasText: VERSION }).count()).toBe(0);
		for (const one of [page, list, other]) expect(await it.harm(one)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
	});
});
