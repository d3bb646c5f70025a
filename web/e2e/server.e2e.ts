// SPDX-License-Identifier: Apache-2.0
/*
 * The console as a real ota-server serves it. OTA_SERVER_URL is its address and OTA_LOGIN_TOKEN the token of a
 * one-time login link; OTA_API_TOKEN, if given, lets a script change things behind the console's back and play
 * a device; that device takes release 2.0.0 of product "gateway" for hardware "revA", if the server has it.
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
		await page.locator("header .link.live").waitFor();
		await page.close();
	});
	afterAll(() => browser.close());

	async function open(path: string): Promise<Page> {
		const page = await user.context.newPage();
		await page.goto(url + path);
		await page.locator("header .link.live").waitFor();
		await page.locator("h1").waitFor();
		return page;
	}

	test("each page comes with a strict policy, and nothing of it is inline or from elsewhere", async () => {
		const page = await user.context.newPage();
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
		const page = await user.context.newPage();
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

	test.skipIf(apiToken === "")("a user comes in with a password, and a wrong one is told", async () => {
		const password = randomBytes(12).toString("hex");
		const made = await user.context.request.post(`${url}/api/v1/users`, {
			headers: { Authorization: `Bearer ${apiToken}` },
			data: { name: mine, password, role: "viewer" },
		});
		expect(made.status()).toBe(201);
		const other = await newUser(browser);
		const page = await other.context.newPage();
		await page.goto(`${url}/login`);
		for (const [given, then] of [["not the password", "wrong"], [password, "right"]] as const) {
			await page.getByLabel("User").fill(mine);
			await page.getByLabel("Password").fill(given);
			await page.getByRole("button", { name: "Sign in" }).click();
			if (then === "wrong") await page.getByText("the user or the password is wrong").waitFor();
			else await page.locator("header .link.live").waitFor();
		}
		await other.context.close();
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

	describe.skipIf(apiToken === "")("with a device of the test's own", () => {
		const id = `${mine}-device`;
		let token = "";

		/* The device API, spoken as a plain client would. */
		async function call(method: string, path: string, data?: unknown) {
			const address = path.startsWith("https:") ? path : `${url}/default/controller/v1/${id}${path}`;
			const headers = { Authorization: `TargetToken ${token}` };
			const answer = await user.context.request.fetch(address, { method, headers, ...(data ? { data } : {}) });
			expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
			return answer;
		}
		const attributes = (data: Record<string, string>) => call("PUT", "/configData", { mode: "merge", data });
		const report = (action: string, execution: string, finished: string, more: object, details: string[]) =>
			call("POST", `/deploymentBase/${action}/feedback`, {
				status: { execution, result: { finished, ...("result" in more ? more.result! : {}) }, details, ...more },
			});

		test("its first report draws its slots; an update is followed to the proof of its boot", async () => {
			const made = await user.context.request.post(`${url}/api/v1/devices`, {
				headers: { Authorization: `Bearer ${apiToken}` },
				data: { id, name: "Test bench" },
			});
			token = ((await made.json()) as { token: string }).token;
			const page = await open(`/devices/${id}`);
			await page.getByText("It has not called yet.").waitFor();

			await call("GET", "");
			await attributes({
				product: "gateway",
				hardware: "revA",
				version: "1.0.0",
				"slot.booted": "A",
				"slot.a.state": "GOOD",
				"slot.a.version": "1.0.0",
				"slot.a.root_hash": "a1".repeat(32),
				"slot.b.state": "EMPTY",
				site: attack,
			});
			const b = page.getByRole("listitem", { name: "Slot B" });
			await page.getByRole("listitem", { name: "Slot A" }).getByText("running now").waitFor();
			await page.getByText("a1a1a1a1a1a1a1a1").waitFor();
			await b.getByText("nothing in it").waitFor();
			await page.getByText(attack).waitFor();
			await page.getByText("Says that it runs 1.0.0.").waitFor();

			await page.getByLabel("Release", { exact: true }).selectOption({ label: "2.0.0" });
			await page.getByRole("button", { name: "Assign 2.0.0" }).click();
			await page.getByRole("button", { name: "Cancel this update" }).waitFor();
			const poll = (await (await call("GET", "")).json()) as { _links: { deploymentBase: { href: string } } };
			const base = poll._links.deploymentBase.href;
			const action = /deploymentBase\/(\d+)/.exec(base)![1]!;
			const root = /"descriptor":"[^"]*?([0-9a-f]{64})/.exec(await (await call("GET", base)).text())![1]!;

			const half = { result: { finished: "none", progress: { cnt: 1, of: 2 } } };
			await report(action, "download", "none", half, ["chunk 4 of 8"]);
			await b.getByText("receives 2.0.0 · 50 %").waitFor();
			const agent = { "ota:agent": { version: "0.1.0", capabilities: ["full"] } };
			await report(action, "proceeding", "none", agent, ["rebooting into slot B"]);
			await page.getByText("Restarts into 2.0.0.").waitFor();
			await attributes({
				"slot.booted": "B",
				"slot.b.state": "GOOD",
				"slot.b.version": "2.0.0",
				"slot.b.root_hash": root,
			});
			const proof = { rootHash: root, bootId: "b0".repeat(16), slot: "B", counter: 7 };
			await report(action, "closed", "success", { ...agent, "ota:proof": proof }, ["health check passed"]);
			await page.getByText("Runs 2.0.0 from slot B; the bootloader's hand-over proves it.").waitFor();
			await page.getByText("Proof of boot").waitFor();
			await page.getByText("b0".repeat(16)).waitFor();
			await page.getByText("health check passed").first().waitFor();
			await b.getByText("running now").waitFor();
			await page.close();
		});

		test("the list follows it too, and its release is listed", async () => {
			const page = await open(`/devices?q=${id}`);
			expect(await page.getByRole("row").filter({ hasText: id }).innerText()).toMatch(/idle[\s\S]*2\.0\.0[\s\S]*proven/);
			const releases = await open("/releases");
			await releases.getByRole("row").filter({ hasText: "2.0.0" }).getByText("revA").waitFor();
			await page.close();
			await releases.close();
		});
	});

	test.skipIf(apiToken === "")("a rollout appears by itself, is started, paused, resumed and stopped", async () => {
		const call = async (method: string, path: string, body?: object) => {
			const answer = await user.context.request.fetch(`${url}/api/v1${path}`, {
				method,
				headers: { Authorization: `Bearer ${apiToken}` },
				...(body ? { data: body } : {}),
			});
			expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
			return (await answer.json()) as { id: string; items: { id: string; version: string; product: string }[] };
		};
		const release = (await call("GET", "/releases")).items.find((one) => one.version === "2.0.0")!;
		const list = await open("/rollouts");
		const device = `${mine}-rollout`;
		await call("POST", "/devices", { id: device, product: release.product, hardware: "revA" });
		const plan = { name: `${mine} ${attack}`, release: release.id, selection: `id==${device}` };
		const rollout = await call("POST", "/rollouts", plan);
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
		expect(rollout.id).not.toBe("");
		await list.close();
	});

	test("a freeze is pulled from any page, seen on every other with its reason, and thawed", async () => {
		const page = await open("/releases");
		const other = await open("/devices");
		await page.getByRole("button", { name: "Freeze…" }).click();
		await page.getByLabel("Reason").fill(attack);
		const complaints = user.complaints.length;
		await page.getByRole("button", { name: "Freeze now" }).click();
		for (const seen of [page, other]) {
			const banner = seen.getByRole("alert").filter({ hasText: "The fleet is frozen" });
			await banner.getByText(attack).waitFor();
		}
		await other.getByRole("button", { name: "Thaw" }).click();
		await other.getByRole("dialog").getByRole("button", { name: "Thaw" }).click();
		for (const seen of [page, other]) await seen.getByText("The fleet is frozen").waitFor({ state: "detached" });
		expect(user.complaints.slice(complaints)).toEqual([]);
		await page.close();
		await other.close();
	});

	test.each(["light", "dark"] as const)("axe finds nothing in the %s theme", async (colorScheme) => {
		for (const path of ["/devices", `/devices/${mine}`, "/releases", "/rollouts"]) {
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
