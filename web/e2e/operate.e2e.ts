// SPDX-License-Identifier: Apache-2.0
/* What an operator does on a real server's console: looks, makes rollouts and steers them, finds out why, mends. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, violationsInBothThemes } from "./house.ts";

describe.skipIf(!here)("operating", () => {
	let it: House;
	let release: { id: string; version: string };
	beforeAll(async () => {
		it = await House.open();
		const all = await it.call<{ items: { id: string; version: string }[] }>("GET", "/releases");
		release = all.items.find((one) => one.version === "2.0.0")!;
	});
	afterAll(() => it?.close());
	const attack = ATTACKS[0];

	/* A device of the release's product that fails what it is given, in these words. */
	async function failing(name: string, words: string) {
		const device = await it.device(name, { product: "gateway", hardware: "revA" });
		await it.call("POST", "/deployments", { device: device.id, release: release.id });
		const link = (await device.poll())._links["deploymentBase"]!.href;
		await device.request("GET", link);
		await device.fail([words]);
		return device.id;
	}
	const plan = (name: string, more = {}) => ({ name, release: release.id, selection: `id==${it.prefix}-*`, ...more });

	test("the overview counts the fleet, follows it without a reload, and leads to what needs a person", async () => {
		await it.device("seen", { product: "gateway", hardware: "revA" });
		const page = await it.show("/");
		const tile = page.locator(".tiles a", { hasText: "Devices" }).locator("b");
		await expect.poll(() => tile.innerText()).toMatch(/^\d/);
		const before = Number((await tile.innerText()).replaceAll(",", ""));
		await it.call("POST", "/devices", { id: `${it.prefix}-later` });
		await expect.poll(async () => Number((await tile.innerText()).replaceAll(",", "")), { timeout: 30_000 }).toBeGreaterThan(before);
		const made = await it.call<{ id: string }>("POST", "/rollouts", plan(attack));
		await page.getByRole("link", { name: `${attack} is a draft` }).click();
		await page.getByRole("heading", { level: 1, name: attack }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		await it.call("DELETE", `/rollouts/${made.id}`);
		await page.close();
	});

	test("a rollout is made by keyboard alone: dry run, start, and its page is live", async () => {
		await it.device("member", { product: "gateway", hardware: "revA" });
		const page = await it.show("/rollouts/new");
		await page.getByRole("button", { name: "Next" }).press("Enter");
		await page.getByText("Give it a name of at most 64 characters.").waitFor();
		await page.getByLabel("Name").fill(`${it.prefix} keys`);
		await page.getByLabel("Release").selectOption(release.id);
		await page.getByRole("button", { name: "Next" }).press("Enter");
		const filter = page.getByLabel("Devices", { exact: true });
		await filter.fill("id==(");
		await page.getByRole("alert").filter({ hasText: "column" }).waitFor();
		await filter.fill(`id==${it.prefix}-member`);
		await page.getByText("1 device matches now").waitFor();
		await page.getByRole("button", { name: "Next" }).press("Enter");
		await page.getByRole("button", { name: "All at once" }).press("Enter");
		await page.getByText("As API call and as ota command").press("Enter");
		await page.getByText("ota rollout create --name").waitFor();
		await page.getByRole("button", { name: "Dry run" }).press("Enter");
		await page.getByRole("button", { name: "Start the rollout" }).waitFor();
		expect(await page.locator(".figures").innerText()).toMatch(/^1\s+Devices/);
		expect(page.url()).toMatch(/draft=\d+/);
		await page.reload();
		await page.getByRole("button", { name: "Start the rollout" }).press("Enter");
		await page.locator(".note .mark", { hasText: "running" }).waitFor();
		await page.getByRole("img", { name: /Wave 1: 1/ }).waitFor();
		await page.getByRole("button", { name: "Stop", exact: true }).press("Enter");
		await page.getByRole("dialog").getByLabel("Reason").fill(attack);
		await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).press("Enter");
		await page.locator(".note .mark", { hasText: "stopped" }).waitFor();
		await page.locator(".decisions li", { hasText: attack }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("a plan that the server refuses is told in its words, and nothing is lost", async () => {
		const page = await it.show("/rollouts/new");
		await page.getByLabel("Name").fill(`${it.prefix} refused`);
		await page.getByLabel("Release").selectOption(release.id);
		await page.getByRole("button", { name: "Next" }).click();
		await page.getByRole("button", { name: "Next" }).click();
		await page.getByLabel("Wave 1: Success at least %").fill("101");
		await page.getByRole("button", { name: "Dry run" }).click();
		await page.getByRole("alert").filter({ hasText: "success_percent" }).waitFor();
		expect(await page.getByLabel("Wave 1: Success at least %").inputValue()).toBe("101");
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("who made a rollout does not approve it", async () => {
		const page = await it.show("/rollouts/new");
		await page.getByLabel("Name").fill(`${it.prefix} four eyes`);
		await page.getByLabel("Release").selectOption(release.id);
		await page.getByRole("button", { name: "Next" }).click();
		await page.getByLabel("Devices", { exact: true }).fill(`id==${it.prefix}-*`);
		await page.getByRole("button", { name: "Next" }).click();
		await page.getByLabel("Approvals by others").fill("1");
		await page.getByRole("button", { name: "Dry run" }).click();
		await page.getByRole("button", { name: "Submit for approval" }).click();
		await page.locator(".note .mark", { hasText: "awaits approval" }).waitFor();
		await page.getByText("somebody else must approve").waitFor();
		expect(await page.getByRole("button", { name: "Approve", exact: true }).isDisabled()).toBe(true);
		await it.call("POST", `/rollouts/${/rollouts\/(\d+)/.exec(page.url())![1]}/stop`, {});
		await page.locator(".note .mark", { hasText: "stopped" }).waitFor();
		await page.close();
	});

	test("failures stand by cause, appear by themselves, and lead to their devices", async () => {
		const page = await it.show("/failures");
		const id = await failing("broken", `slot 17: ${attack} ${it.prefix}`);
		const cause = page.locator("section.panel", { hasText: `${attack} ${it.prefix.split("-")[0]}` }).filter({ hasText: id });
		await cause.waitFor();
		await cause.getByRole("button", { name: "Retry" }).first().click();
		await page.getByRole("dialog").getByText("is assigned to them anew").waitFor();
		await page.keyboard.press("Escape");
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await cause.getByRole("link", { name: id }).click();
		await page.getByRole("heading", { level: 1, name: id }).waitFor();
		await page.close();
	});

	test("the audit log is witnessed, filtered by its address, and grows", async () => {
		await it.call("POST", "/devices", { id: `${it.prefix}-audited`, name: attack });
		const page = await it.show(`/audit?object=device/${it.prefix}-audited`);
		await page.getByRole("row").filter({ hasText: `${it.prefix}-audited` }).first().waitFor();
		await page.getByText("This browser keeps the head from now on").waitFor();
		await it.call("DELETE", `/devices/${it.prefix}-audited`);
		await page.getByRole("button", { name: "New entries have come" }).click();
		await page.getByText("nothing before was rewritten: proven in this browser").waitFor();
		await page.getByRole("row").filter({ hasText: "device.delete" }).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("an audit log that is not the one that was seen before is told", async () => {
		const page = await it.show("/audit");
		await page.getByText("head signed").waitFor();
		await page.evaluate(() => {
			const key = Object.keys(localStorage).find((one) => one.startsWith("ota-witness:"))!;
			localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key)!), root: btoa("x".repeat(32)) }));
		});
		await page.reload();
		await page.getByText("This log is not the one that this browser saw before").waitFor();
		await page.evaluate(() => localStorage.clear());
		await page.close();
	});

	test("a webhook is added with its secret, refused where it may not go, and deleted", async () => {
		const page = await it.show("/webhooks");
		await page.getByRole("button", { name: "Add a webhook" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Address").fill("http://example.org/hook");
		await dialog.getByRole("button", { name: "Add a webhook" }).click();
		await dialog.getByRole("alert").waitFor();
		await dialog.getByLabel("Address").fill(`https://hooks.example.org/${it.prefix}`);
		await dialog.getByRole("button", { name: "Add a webhook" }).click();
		await dialog.getByText("whsec_").waitFor();
		await dialog.getByRole("link", { name: "Open" }).click();
		await page.getByRole("heading", { level: 1, name: it.prefix }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.getByRole("button", { name: "Delete", exact: true }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
		await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
		await page.close();
	});

	test("a user and a token are made, shown as text, and taken back", async () => {
		const page = await it.show("/people");
		const name = `${it.prefix}-new`;
		await page.getByRole("button", { name: "Add a user" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Name").fill(attack);
		await dialog.getByLabel("Password").fill("correct horse battery");
		await dialog.getByRole("button", { name: "Add a user" }).click();
		await dialog.getByRole("alert").waitFor();
		await dialog.getByLabel("Name").fill(name);
		await dialog.getByRole("button", { name: "Add a user" }).click();
		const row = page.getByRole("row").filter({ hasText: name });
		await row.getByText("may sign in").waitFor();
		await row.getByRole("button", { name: "Disable" }).click();
		await row.getByText("disabled").waitFor();
		await row.getByRole("button", { name: "Remove" }).click();
		await dialog.getByRole("button", { name: "Remove" }).click();
		await row.waitFor({ state: "detached" });
		await page.getByRole("link", { name: "API tokens" }).click();
		await page.getByRole("button", { name: "Make an API token" }).click();
		await dialog.getByLabel("What it is for").fill(name);
		await dialog.getByRole("button", { name: "Make an API token" }).click();
		await dialog.getByText(/ota_/).first().waitFor();
		await dialog.getByRole("button", { name: "Close" }).last().click();
		await page.getByRole("row").filter({ hasText: name }).getByRole("button", { name: "Revoke" }).click();
		await dialog.getByRole("button", { name: "Revoke" }).click();
		await page.getByRole("row").filter({ hasText: name }).waitFor({ state: "detached" });
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("what a script does to people is seen without a reload", async () => {
		const page = await it.show("/people");
		const name = `${it.prefix}-script`;
		await it.call("POST", "/users", { name, password: "correct horse battery", role: "viewer" });
		const row = page.getByRole("row").filter({ hasText: name });
		await row.getByText("may sign in").waitFor();
		await it.call("PUT", `/users/${name}`, { disabled: true });
		await row.getByText("disabled").waitFor();
		await it.call("DELETE", `/users/${name}`);
		await row.waitFor({ state: "detached" });
		await page.close();
	});

	test("keys say who signed and until when; the system says that it is well", async () => {
		const keys = await it.show("/keys");
		await keys.getByRole("listitem").filter({ hasText: "timestamp" }).getByText("1 of 1 needed").waitFor();
		await keys.close();
		const system = await it.show("/system");
		await system.getByRole("listitem").filter({ hasText: "Signer" }).getByText("answers").waitFor();
		await system.getByText("Requests answered").waitFor();
		await system.close();
	});

	test("a device is tagged, pinned with a reason, and decommissioned only by its name", async () => {
		const device = await it.device("managed", { product: "gateway", hardware: "revA" });
		const page = await it.show(`/devices/${device.id}`);
		await page.getByRole("textbox", { name: "Tag" }).fill("pilot");
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: "Remove the tag pilot" }).waitFor();
		const menu = page.getByRole("button", { name: "Edit" });
		await menu.press("Enter");
		await page.getByRole("menuitem", { name: "Pin…" }).press("Enter");
		await page.getByRole("dialog").getByLabel("Reason").fill(attack);
		await page.getByRole("dialog").getByRole("button", { name: "Pin" }).press("Enter");
		await page.getByText("keeps what it runs").first().waitFor();
		await page.getByText(attack).first().waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await menu.press("Enter");
		await page.getByRole("menuitem", { name: "Decommission…" }).press("Enter");
		const end = page.getByRole("dialog").getByRole("button", { name: "Decommission" });
		expect(await end.isDisabled()).toBe(true);
		await page.getByLabel(`Type ${device.id} to confirm`).fill(device.id);
		await end.press("Enter");
		await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
		await page.close();
	});

	test("what somebody may not do is not offered", async () => {
		const viewer = await House.open({ role: "viewer" });
		const page = await viewer.show("/");
		expect(await page.getByRole("link", { name: "New rollout" }).count()).toBe(0);
		await page.goto(page.url() + "failures");
		await page.getByRole("heading", { level: 1, name: "Failures" }).waitFor();
		expect(await page.getByRole("button", { name: "Retry" }).count()).toBe(0);
		await viewer.close();
	});
});
