// SPDX-License-Identifier: Apache-2.0
/* The console as a real ota-server serves it: its headers, and what tabs and scripts do to each other. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, url, violationsInBothThemes } from "./house.ts";

const attack = ATTACKS[0];

describe.skipIf(!here)("the console of a real server", () => {
	let it: House;
	let mine: string;
	beforeAll(async () => {
		it = await House.open();
		mine = `${it.prefix}-own`;
	});
	afterAll(() => it?.close());
	const open = (path: string): Promise<Page> => it.show(path);

	test("each page comes with a strict policy, and nothing of it is inline or from elsewhere", async () => {
		const page = await it.context.newPage();
		const asked: string[] = [];
		page.on("request", (request) => asked.push(request.url()));
		for (const path of ["/", "/devices", "/devices/x", "/releases", "/rollouts", "/rollouts/x", "/login"]) {
			const answer = await page.goto(url + path);
			const headers = answer!.headers();
			expect(answer!.status(), path).toBe(200);
			const policy = headers["content-security-policy"] ?? "";
			expect(policy).toContain("default-src 'none'");
			expect(policy).toMatch(/frame-ancestors 'none'/);
			expect(policy).not.toMatch(/unsafe|data:|https?:|\*/);
			expect(headers["x-content-type-options"]).toBe("nosniff");
			await page.locator("h1").waitFor();
		}
		expect(asked.filter((address) => !address.startsWith(`${url}/`))).toEqual([]);
		await page.close();
	});

	test("assets are kept for ever, pages are not", async () => {
		const page = await it.context.newPage();
		const assets: Record<string, string>[] = [];
		page.on("response", (answer) => {
			if (new URL(answer.url()).pathname.startsWith("/assets/")) assets.push(answer.headers());
		});
		const answer = await page.goto(`${url}/devices`);
		await page.locator("header .link.live").waitFor();
		expect(answer!.headers()["cache-control"]).toMatch(/no-cache|no-store/);
		expect(assets.length).toBeGreaterThan(2);
		for (const headers of assets) expect(headers["cache-control"]).toContain("immutable");
		await page.close();
	});

	test("a device added in one tab is in the other without a reload; its name is text", async () => {
		const watching = await open(`/devices?q=${mine}`);
		const adding = await open("/devices");
		await adding.getByRole("button", { name: "Add a device" }).first().click();
		await adding.getByLabel("Id", { exact: true }).fill(mine);
		await adding.getByRole("textbox", { name: "Name optional" }).fill(attack);
		await adding.getByRole("button", { name: "Add", exact: true }).click();
		await adding.getByText("Its token is shown this once").waitFor();
		const row = watching.getByRole("row").filter({ hasText: mine });
		await row.getByText("never called").waitFor();
		await row.getByText(attack).waitFor();
		expect(await watching.locator("#app img").count()).toBe(0);
		await adding.getByRole("link", { name: "Open the device" }).click();
		await adding.getByText("It has not called yet.").waitFor();
		await watching.close();
		await adding.close();
	});

	test("the same id again is refused in the server's words, and nothing is lost", async () => {
		const page = await open("/devices");
		await page.getByRole("button", { name: "Add a device" }).first().click();
		await page.getByLabel("Id", { exact: true }).fill(mine);
		await page.getByRole("button", { name: "Add", exact: true }).click();
		await page.getByRole("alert").waitFor();
		expect(await page.getByRole("alert").innerText()).not.toContain("status 409");
		expect(await page.getByLabel("Id", { exact: true }).inputValue()).toBe(mine);
		await page.close();
	});

	test("what a script does is seen without a reload", async () => {
		const page = await open(`/devices?q=${mine}`);
		await it.call("POST", "/devices", { id: `${mine}-b`, name: "By script" });
		await page.getByRole("row").filter({ hasText: "By script" }).waitFor();
		await page.close();
	});

	test("a rollout appears by itself, is started, paused, resumed and stopped", async () => {
		type Release = { id: string; version: string; product: string };
		const release = (await it.call<{ items: Release[] }>("GET", "/releases")).items.find((one) => one.version === "2.0.0")!;
		const list = await open("/rollouts");
		const device = `${mine}-rollout`;
		await it.call("POST", "/devices", { id: device, product: release.product, hardware: "revA" });
		const plan = { name: `${mine} ${attack}`, release: release.id, selection: `id==${device}` };
		await it.call("POST", "/rollouts", plan);
		await list.getByRole("link", { name: plan.name }).click();
		await list.getByRole("heading", { level: 1, name: plan.name }).waitFor();
		for (const [button, state] of [
			["Start", "running"],
			["Pause", "paused"],
			["Resume", "running"],
		] as const) {
			await list.getByRole("button", { name: button, exact: true }).click();
			await list.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
			await list.locator(".note .mark", { hasText: state }).waitFor();
		}
		await list.getByRole("img", { name: "Wave 1: 1 waiting" }).waitFor();
		await list.getByRole("button", { name: "Stop", exact: true }).click();
		await list.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
		await list.locator(".note .mark", { hasText: "stopped" }).waitFor();
		await expect.poll(() => list.locator(".decisions li").count()).toBeGreaterThan(4);
		const why = await open(`/devices/${device}`);
		await why.locator("section", { hasText: "Why isn't it updating?" }).getByRole("listitem").first().waitFor();
		await why.close();
		await list.close();
	});

	test("a freeze is pulled from any page, seen on every other with its reason, and thawed", async () => {
		const page = await open("/releases");
		const other = await open("/devices");
		await page.getByRole("button", { name: "Freeze…" }).click();
		await page.getByLabel("Reason").fill(attack);
		const complaints = it.complaints.length;
		await page.getByRole("button", { name: "Freeze now" }).click();
		for (const seen of [page, other]) {
			const banner = seen.getByRole("alert").filter({ hasText: "The fleet is frozen" });
			await banner.getByText(attack).waitFor();
		}
		await other.getByRole("button", { name: "Thaw" }).click();
		await other.getByRole("dialog").getByRole("button", { name: "Thaw" }).click();
		for (const seen of [page, other]) await seen.getByText("The fleet is frozen").waitFor({ state: "detached" });
		expect(it.complaints.slice(complaints)).toEqual([]);
		await page.close();
		await other.close();
	});

	test("axe finds nothing in either theme", async () => {
		for (const path of ["/devices", `/devices/${mine}`, "/releases", "/rollouts"]) {
			const page = await open(path);
			expect(await violationsInBothThemes(page), path).toEqual([]);
			await page.close();
		}
	});

	test("the browser had nothing to complain of", () => {
		expect(it.complaints.filter((text) => !text.startsWith("Failed to load resource"))).toEqual([]);
	});
});
