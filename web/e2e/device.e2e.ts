// SPDX-License-Identifier: Apache-2.0
/* A device's page of a real server, with devices that the test plays: its slots, its updates, what it says of itself. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, violationsInBothThemes, type PlayedDevice } from "./house.ts";

describe.skipIf(!here)("a device's page", () => {
	let it: House;
	let release: { id: string };
	const slot = (page: Page, name: string) => page.getByRole("listitem", { name: `Slot ${name}` });
	const gateway = { product: "gateway", hardware: "revA", version: "1.0.0", "agent.version": "0.1.0" };
	const running = { "slot.booted": "A", "slot.a.state": "GOOD", "slot.a.version": "1.0.0", "slot.a.root_hash": "a1".repeat(32) };

	beforeAll(async () => {
		it = await House.open();
		const { items } = await it.call<{ items: { id: string; version: string }[] }>("GET", "/releases");
		release = items.find((one) => one.version === "2.0.0")!;
	});
	afterAll(() => it?.close());

	async function called(name: string, more: Record<string, string> = {}): Promise<PlayedDevice> {
		const device = await it.device(name);
		await device.poll();
		await device.attributes({ ...gateway, ...running, "slot.b.state": "EMPTY", ...more });
		return device;
	}
	const assign = (device: PlayedDevice) => it.call<{ id: string }>("POST", "/deployments", { device: device.id, release: release.id });

	test("one that never called says so; its first report draws its slots", async () => {
		const device = await it.device("first", { name: "Test bench" });
		const page = await it.show(`/devices/${device.id}`);
		await page.getByText("It has not called yet.").waitFor();
		await device.poll();
		await device.attributes({ ...gateway, ...running, "slot.b.state": "EMPTY" });
		await slot(page, "A").getByText("running now").waitFor();
		await slot(page, "A").getByText("a1a1a1a1a1a1a1a1").waitFor();
		await slot(page, "B").getByText("nothing in it").waitFor();
		await page.getByText("Says that it runs 1.0.0.").waitFor();
		await device.attributes({ "component.modem.version": "EC25.1" });
		await page.getByRole("row", { name: "modem EC25.1" }).waitFor();
		expect(await page.getByText("component.modem.version").count()).toBe(0);
		await page.close();
	});

	test("draws what boots next and how many tries are left, and why a slot is bad", async () => {
		const device = await called("slots", { "slot.b.state": "BAD", "slot.b.version": "1.1.0", "slot.b.reason": "tries exhausted" });
		const page = await it.show(`/devices/${device.id}`);
		await slot(page, "B").getByText("it crashed or hung on every try").waitFor();
		expect(await page.locator("path.tries").count()).toBe(0);
		await device.attributes({ "slot.b.state": "PENDING", "slot.b.tries": "2", "slot.b.reason": "" });
		await slot(page, "B").getByText("boots next").waitFor();
		await slot(page, "B").getByText("2 tries left").waitFor();
		await expect.poll(() => page.locator("path.tries").count()).toBe(1);
		expect(await slot(page, "B").locator("circle.left").count()).toBe(2);
		expect(await slot(page, "B").getByText("it crashed").count()).toBe(0);
		await device.attributes({ "slot.b.tries": "1" });
		await slot(page, "B").getByText("1 try left").waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("follows an update from the assignment to the proof of boot, without a reload", async () => {
		const device = await called("update");
		const page = await it.show(`/devices/${device.id}`);
		const list = await it.show(`/devices?q=${device.id}`);
		await page.getByLabel("Release", { exact: true }).selectOption({ label: "2.0.0" });
		await page.getByRole("button", { name: "Assign 2.0.0" }).press("Enter");
		await page.getByText("2.0.0 is assigned.", { exact: true }).waitFor();
		const row = list.getByRole("row").filter({ hasText: device.id });
		await row.getByText("assigned").waitFor();

		const base = (await device.poll())._links["deploymentBase"]!.href;
		const action = /deploymentBase\/(\d+)/.exec(base)![1]!;
		const root = /"descriptor":"[^"]*?([0-9a-f]{64})/.exec(await device.request("GET", base))![1]!;
		const half = { result: { finished: "none", progress: { cnt: 1, of: 2 } } };
		await device.report(action, "download", "none", ["chunk 4 of 8"], half);
		await slot(page, "B").getByText("receives 2.0.0 · 50 %").waitFor();
		await expect.poll(() => slot(page, "B").locator("rect.full").count()).toBe(24);
		await row.locator('[aria-valuenow="50"]').waitFor();
		const agent = { "ota:agent": { version: "0.1.0", capabilities: ["full"] } };
		await device.report(action, "proceeding", "none", ["rebooting into slot B"], agent);
		await page.getByText("Restarts into 2.0.0.").waitFor();
		await device.attributes({ "slot.booted": "B", "slot.b.state": "GOOD", "slot.b.version": "2.0.0", "slot.b.root_hash": root });
		const proof = { rootHash: root, bootId: "b0".repeat(16), slot: "B", counter: 7 };
		await device.report(action, "closed", "success", ["health check passed"], { ...agent, "ota:proof": proof });
		await page.getByText("Runs 2.0.0 from slot B; the bootloader's hand-over proves it.").waitFor();
		await page.getByText("Proof of boot").waitFor();
		await page.getByText("b0".repeat(16)).waitFor();
		await page.getByText("health check passed").first().waitFor();
		await slot(page, "B").getByText("running now").waitFor();
		await row.filter({ hasText: "2.0.0" }).filter({ hasText: "proven" }).filter({ hasText: "idle" }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
		await list.close();
	});

	test("releases made for other hardware cannot be chosen", async () => {
		const device = await called("other", { hardware: "revB" });
		const page = await it.show(`/devices/${device.id}`);
		const choice = page.getByLabel("Release", { exact: true });
		await choice.locator("option", { hasText: "2.0.0" }).waitFor({ state: "attached" });
		expect(await choice.locator("option", { hasText: "2.0.0" }).isDisabled()).toBe(true);
		await page.close();
	});

	test("an open update is cancelled: at once if the device never saw it, else it is asked", async () => {
		const device = await called("cancel");
		const page = await it.show(`/devices/${device.id}`);
		const cancel = page.getByRole("button", { name: "Cancel this update" });
		await assign(device);
		await cancel.press("Enter");
		await page.getByText("cancelled", { exact: true }).first().waitFor();
		await cancel.waitFor({ state: "detached" });
		await assign(device);
		await cancel.waitFor();
		await device.request("GET", (await device.poll())._links["deploymentBase"]!.href);
		await cancel.press("Enter");
		await page.getByText("The device is asked to give up 2.0.0").waitFor();
		await page.close();
	});

	test("one that was deleted leaves the list, and its page says so; one that never was, too", async () => {
		const device = await called("deleted");
		const list = await it.show(`/devices?q=${device.id}`);
		const page = await it.show(`/devices/${device.id}`);
		const row = list.getByRole("row").filter({ hasText: device.id });
		await row.waitFor();
		await it.call("DELETE", `/devices/${device.id}`);
		await page.getByRole("heading", { name: `The device “${device.id}” was deleted.` }).waitFor();
		await row.waitFor({ state: "detached" });
		await page.close();
		await list.close();
		const nobody = await it.show("/devices/nobody-is-here");
		await nobody.getByRole("heading", { name: "There is no device “nobody-is-here”." }).waitFor();
		await nobody.close();
	});

	test("what a device says in any field is text, and the policy had nothing to stop", async () => {
		const attacks = [...ATTACKS, "\u202Egnp.exe", "<script>alert(1)</script>"];
		let dialogs = 0;
		it.context.on("dialog", (dialog) => void (dialogs++, dialog.dismiss()));
		const devices: PlayedDevice[] = [];
		for (const [i, attack] of attacks.entries()) {
			const device = await called(`evil-${i}`);
			devices.push(device);
			await it.call("PATCH", `/devices/${device.id}`, { name: attack, site: attack });
			await assign(device);
			await device.fail([attack, `"${attack}"`]);
			await device.attributes({
				...Object.fromEntries(["product", "hardware", "version", "agent.version"].map((key) => [key, attack])),
				...Object.fromEntries(["state", "version", "tries", "reason", "root_hash"].map((key) => [`slot.b.${key}`, attack])),
				[attack.replaceAll(/[^\w.<>='"() -]/g, "")]: attack,
			});
			await device.attributes({ "slot.b.state": "BAD", "slot.b.reason": attack, "slot.a.version": attack });
		}
		const paths = [`/devices?q=${it.prefix}-evil`, ...devices.map((one) => `/devices/${one.id}`)];
		for (const path of [...paths, "/failures", "/"]) {
			const page = await it.show(path);
			if (path.includes("evil")) await page.getByText(attacks[Number(path.at(-1)) || 0]!).first().waitFor();
			expect(await it.harm(page), path).toEqual([]);
			await page.close();
		}
		expect(dialogs).toBe(0);
	});

	test("an attack in the address is text too", async () => {
		const attack = ATTACKS[0] + it.prefix;
		const list = await it.show(`/devices?q=${encodeURIComponent(attack)}`);
		await list.getByText(`begins with “${attack}”`).waitFor();
		const page = await it.show(`/devices/${encodeURIComponent(attack)}`);
		await page.getByRole("heading", { name: attack }).waitFor();
		for (const one of [list, page]) expect(await it.harm(one)).toEqual([]);
	});
});
