// SPDX-License-Identifier: Apache-2.0
/*
 * The console as a real ota-server serves it. OTA_SERVER_URL is its address and OTA_LOGIN_TOKEN the token of a
 * one-time login link; OTA_API_TOKEN, if given, lets a script change things behind the console's back.
 * What a test adds has a name of its own, so that the server may be in use.
 */
import axe from "axe-core";
import { randomBytes } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, newUser } from "./browser.mjs";

const url = process.env["OTA_SERVER_URL"] ?? "";
const loginToken = process.env["OTA_LOGIN_TOKEN"] ?? "";
const apiToken = process.env["OTA_API_TOKEN"] ?? "";
const mine = `e2e-${randomBytes(4).toString("hex")}`;
const attack = "<img src=x onerror=alert(1)>";

describe.skipIf(url === "")("the console of a real server", () => {
	let browser: Browser;
	let user: { context: BrowserContext; complaints: string[] };
	beforeAll(async () => {
		browser = await launch();
		user = await newUser(browser);
		const page = await user.context.newPage();
		await page.goto(`${url}/login#${loginToken}`);
		await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
		await page.close();
	});
	afterAll(() => browser.close());

	async function open(path: string): Promise<Page> {
		const page = await user.context.newPage();
		await page.goto(url + path);
		await page.locator("header .live.live").waitFor();
		await page.locator("h1").waitFor();
		return page;
	}

	test("each page comes with a strict policy, and nothing of it is inline or from elsewhere", async () => {
		const page = await user.context.newPage();
		const asked: string[] = [];
		page.on("request", (request) => asked.push(request.url()));
		for (const path of ["/", "/devices", "/devices/x", "/releases", "/login"]) {
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
		const page = await user.context.newPage();
		const assets: Record<string, string>[] = [];
		page.on("response", (answer) => {
			if (new URL(answer.url()).pathname.startsWith("/assets/")) assets.push(answer.headers());
		});
		const answer = await page.goto(`${url}/devices`);
		await page.locator("header .live.live").waitFor();
		expect(answer!.headers()["cache-control"]).toMatch(/no-cache|no-store/);
		expect(assets.length).toBeGreaterThan(2);
		for (const headers of assets) expect(headers["cache-control"]).toContain("immutable");
		await page.close();
	});

	test("the login token works once", async () => {
		const other = await newUser(browser);
		const page = await other.context.newPage();
		await page.goto(`${url}/login#${loginToken}`);
		await page.getByText("This link does not work any more").waitFor();
		await other.context.close();
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

	test("a device that is not there is said so", async () => {
		const page = await open("/devices/nobody-is-here");
		await page.getByRole("heading", { name: "There is no device “nobody-is-here”." }).waitFor();
		await page.close();
	});

	test.skipIf(apiToken === "")("what a script does is seen without a reload", async () => {
		const page = await open(`/devices?q=${mine}`);
		const answer = await user.context.request.post(`${url}/api/v1/devices`, {
			headers: { Authorization: `Bearer ${apiToken}` },
			data: { id: `${mine}-b`, name: "By script" },
		});
		expect(answer.status()).toBe(201);
		await page.getByRole("row").filter({ hasText: "By script" }).waitFor();
		await page.close();
	});

	test.each(["light", "dark"] as const)("axe finds nothing in the %s theme", async (colorScheme) => {
		for (const path of ["/devices", `/devices/${mine}`, "/releases"]) {
			const page = await open(path);
			await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
			await page.evaluate(axe.source);
			const found = await page.evaluate(async () => {
				const result = await (window as unknown as { axe: typeof axe }).axe.run(document);
				return result.violations.map((one) => `${one.id}: ${one.nodes.map((n) => n.html).join(" | ")}`);
			});
			expect(found, path).toEqual([]);
			await page.close();
		}
	});

	test("the browser had nothing to complain of", () => {
		expect(user.complaints.filter((text) => !text.startsWith("Failed to load resource"))).toEqual([]);
	});
});
