// SPDX-License-Identifier: Apache-2.0
/*
 * The console in a real browser, with the policy that the server sends. The fixture's world is in this process:
 * a test plays the device's part by calling it, and waits for what the browser shows, never for a time.
 */
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFixture } from "../dev/fixture.mjs";
import { sampleWorld } from "../dev/sample.mjs";
import { hex, proofOf, slotPair, World } from "../dev/world.mjs";
import { launch, newUser } from "./browser.mjs";

type Fixture = Awaited<ReturnType<typeof startFixture>>;
let browser: Browser;
let fixture: Fixture;
let world: World;
let user: { context: BrowserContext; complaints: string[] };

beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());
beforeEach(async () => {
	world = sampleWorld();
	fixture = await startFixture(world);
	user = await newUser(browser);
});
afterEach(async () => {
	await user.context.close();
	await fixture.close();
});

/* A signed-in tab at `path`, once it is live. */
async function open(path: string): Promise<Page> {
	const page = await user.context.newPage();
	if (user.context.pages().length === 1) {
		await page.goto(fixture.loginLink());
		await page.locator("header .link.live").waitFor();
	}
	await page.goto(fixture.url + path);
	await page.locator("header .link.live").waitFor();
	await page.locator("h1").waitFor();
	return page;
}
const row = (page: Page, id: string) => page.getByRole("row").filter({ hasText: id });
/* A refused load is the browser's own complaint, not the console's. */
const own = (complaints: string[]) => complaints.filter((text) => !/Failed to load resource|ERR_/.test(text));

describe("signing in", () => {
	test("a login link signs in once and leaves no token in the address or the history", async () => {
		const page = await user.context.newPage();
		const link = fixture.loginLink();
		await page.goto(link);
		await page.locator("header .link.live").waitFor();
		expect(page.url()).toBe(`${fixture.url}/`);
		await page.goBack();
		expect(page.url()).not.toContain(link.split("#")[1]);

		const other = await newUser(browser);
		const again = await other.context.newPage();
		await again.goto(link);
		await again.getByText("This link does not work any more").waitFor();
		await other.context.close();
	});

	test("without a session each page tells how to get a link", async () => {
		const page = await user.context.newPage();
		await page.goto(`${fixture.url}/devices/gw-0001`);
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await page.getByText("ota-server admin").waitFor();
	});

	test("signing out ends the session", async () => {
		const page = await open("/devices");
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await page.goto(`${fixture.url}/devices`);
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
	});

	test("after signing out, another link in the same tab signs in and is live again", async () => {
		const page = await open("/devices");
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await page.goto(`${fixture.url}/login`);
		for (let round = 0; round < 2; round++) {
			const hash = fixture.loginLink().split("#")[1]!;
			await page.evaluate((token) => void (location.href = `/login#${token}`), hash);
			await page.locator("header .link.live").waitFor();
			world.changeDevice("gw-0001", { name: `Round ${round}` });
			await row(page, `Round ${round}`).waitFor();
			await page.getByRole("button", { name: "Sign out" }).click();
			await page.getByRole("heading", { name: "Sign in" }).waitFor();
			await page.evaluate(() => history.pushState(null, "", "/login"));
		}
		expect(own(user.complaints)).toEqual([]);
	});

	test("signing out in one tab signs out the others", async () => {
		const first = await open("/devices");
		const second = await open("/devices/gw-0001");
		await first.getByRole("button", { name: "Sign out" }).click();
		await second.getByRole("heading", { name: "Sign in" }).waitFor();
	});

	test("a session that the server ended leads to the login page by itself", async () => {
		const page = await open("/devices");
		fixture.endSessions();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
	});
});

describe("the device list", () => {
	test("shows state, version, grade, progress and when it was seen", async () => {
		const page = await open("/devices");
		const text = await row(page, "gw-0005").innerText();
		expect(text).toMatch(/idle\s+Tower crane\s*gw-0005\s+gateway · gw-1\s+2\.0\.0\s+reported\s+–\s+\d+ s ago/);
		expect(await row(page, "gw-0002").innerText()).toContain("proven");
		expect(await row(page, "mtr-0102").innerText()).toMatch(/never called[\s\S]*never/);
	});

	test("changes by itself: a new device, an update, its progress, its end", async () => {
		const page = await open("/devices");
		world.addDevice({ id: "gw-0000", name: "Newcomer", seen_at: Date.now() });
		await row(page, "gw-0000").waitFor();
		expect(await page.locator("tbody tr").first().innerText()).toContain("gw-0000");

		const release = [...world.releases.values()].find((one) => one.version === "2.1.0");
		const deployment = world.assign("gw-0001", release.id);
		await row(page, "gw-0001").getByText("assigned").waitFor();
		world.move(deployment.id, "downloading");
		world.progress(deployment.id, 37);
		await row(page, "gw-0001").locator('[aria-valuenow="37"]').waitFor();
		world.move(deployment.id, "confirmed", { proof: proofOf("2.1.0", "B", 3) });
		await row(page, "gw-0001").filter({ hasText: "2.1.0" }).filter({ hasText: "idle" }).waitFor();
	});

	test("explains itself when there are no devices, and adds one whose token is shown once", async () => {
		await fixture.close();
		fixture = await startFixture(new World());
		const page = await open("/devices");
		await page.getByRole("heading", { name: "No devices yet" }).waitFor();
		await page.getByRole("button", { name: "Add a device" }).last().click();
		await page.getByLabel("Id", { exact: true }).fill("gw-9");
		await page.getByRole("button", { name: "Add", exact: true }).click();
		await page.getByText("Its token is shown this once").waitFor();
		await row(page, "gw-9").waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		expect(fixture.world.devices.has("gw-9")).toBe(true);
	});

	test("a refusal is told in the server's words", async () => {
		const page = await open("/devices");
		await page.getByRole("button", { name: "Add a device" }).click();
		await page.getByLabel("Id", { exact: true }).fill("gw-0001");
		await page.getByRole("button", { name: "Add", exact: true }).click();
		await page.getByText('there is a device "gw-0001" already').waitFor();
	});
});

describe("a device's page", () => {
	test("draws the slots: what runs, what boots next and how many tries are left, why one is bad", async () => {
		const page = await open("/devices/gw-0004");
		const b = page.getByRole("listitem", { name: "Slot B" });
		await b.getByText("it crashed or hung on every try").waitFor();
		await page.getByRole("listitem", { name: "Slot A" }).getByText("running now").waitFor();
		world.changeSlot("gw-0004", "B", { state: "PENDING", version: "2.1.0", tries: 2, reason: "" });
		await b.getByText("boots next").waitFor();
		await b.getByText("2 tries left").waitFor();
		await expect.poll(() => page.locator("path.tries").count()).toBe(1);
	});

	test("follows an update from the assignment to the proof of boot, without a reload", async () => {
		const page = await open("/devices/gw-0001");
		await page.getByLabel("Release", { exact: true }).selectOption({ label: "2.1.0" });
		await page.getByRole("button", { name: "Assign 2.1.0" }).click();
		await page.getByText("2.1.0 is assigned.", { exact: true }).waitFor();
		const deployment = world.devices.get("gw-0001").deployment;
		world.changeSlot("gw-0001", "B", { state: "WRITING", version: "2.1.0" });
		world.move(deployment.id, "downloading");
		world.progress(deployment.id, 50);
		await page.getByText("receives 2.1.0 · 50 %").waitFor();
		await expect.poll(() => page.locator("li[aria-label='Slot B'] rect.full").count()).toBe(24);
		const slots = slotPair("1.1.0", { A: { booted: false }, B: { state: "GOOD", version: "2.1.0", booted: true } });
		world.changeDevice("gw-0001", { slots });
		world.report(deployment.id, "closed", "success", ["health check passed"]);
		world.move(deployment.id, "confirmed", { proof: proofOf("2.1.0", "B", 41) });
		await page.getByText("Runs 2.1.0 from slot B; the bootloader's hand-over proves it.").waitFor();
		await page.getByText("health check passed").waitFor();
		await page.getByText("Proof of boot").waitFor();
		await page.getByText(hex("slot 2.1.0").slice(0, 24)).waitFor();
	});

	test("releases made for other hardware cannot be chosen", async () => {
		const page = await open("/devices/gw-0001");
		const other = page.locator("option", { hasText: "meter 0.9.0" });
		await other.waitFor({ state: "attached" });
		expect(await other.isDisabled()).toBe(true);
	});

	test("an open update can be cancelled", async () => {
		const release = [...world.releases.values()].find((one) => one.version === "2.1.0");
		world.assign("gw-0001", release.id);
		const page = await open("/devices/gw-0001");
		await page.getByRole("button", { name: "Cancel this update" }).click();
		await page.getByText("The device is asked to give up 2.1.0").waitFor();
	});

	test("a deleted device leaves the list, and its page says so", async () => {
		const list = await open("/devices");
		const page = await open("/devices/gw-0001");
		world.deleteDevice("gw-0001");
		await page.getByRole("heading", { name: "The device “gw-0001” was deleted." }).waitFor();
		await row(list, "gw-0001").waitFor({ state: "detached" });
	});

	test("a device that is not there is said so", async () => {
		const page = await open("/devices/nobody");
		await page.getByRole("heading", { name: "There is no device “nobody”." }).waitFor();
	});
});

describe("the connection", () => {
	test("is one for all tabs of a browser, and ends with the last", async () => {
		const first = await open("/devices");
		const second = await open("/devices/gw-0001");
		const third = await open("/releases");
		expect(fixture.streams()).toBe(1);
		world.changeDevice("gw-0001", { name: "Renamed" });
		await row(first, "Renamed").waitFor();
		await second.getByRole("heading", { level: 1, name: "Renamed" }).waitFor();
		await Promise.all([first, second, third].map((page) => page.close()));
		await expect.poll(() => fixture.streams()).toBe(0);
	});

	test("when lost it is said, and when back what was missed is there", async () => {
		const page = await open("/devices");
		world.changeDevice("gw-0002", { name: "Before" });
		await row(page, "Before").waitFor();
		fixture.cut(true);
		await page.getByText("No connection to the server.").waitFor();
		world.changeDevice("gw-0002", { name: "Meanwhile" });
		fixture.cut(false);
		await page.getByRole("button", { name: "Try now" }).click();
		await row(page, "Meanwhile").waitFor();
		await page.getByText("The connection is back.").waitFor();
	});

	test("back after longer than the server remembers, everything is loaded anew", async () => {
		const page = await open("/devices");
		world.changeDevice("gw-0002", { name: "Before" });
		await row(page, "Before").waitFor();
		fixture.cut(true);
		await page.getByText("No connection to the server.").waitFor();
		world.devices.get("gw-0003").name = "Without an event";
		for (let i = 0; i < 1100; i++) world.changeDevice("gw-0002", { name: `Change ${i}` });
		fixture.cut(false);
		await page.getByRole("button", { name: "Try now" }).click();
		await row(page, "Without an event").waitFor();
		await row(page, "Change 1099").waitFor();
	});

	test.each(["SharedWorker", "SharedWorker,locks", "SharedWorker,BroadcastChannel"])(
		"works in a browser without %s",
		async (missing) => {
			await user.context.addInitScript((names) => {
				for (const name of names.split(",")) {
					if (name === "locks") Object.defineProperty(navigator, "locks", { value: undefined });
					else Object.defineProperty(window, name, { value: undefined });
				}
			}, missing);
			const first = await open("/devices");
			const second = await open("/devices");
			await expect.poll(() => fixture.streams()).toBe(missing === "SharedWorker" ? 1 : 2);
			world.changeDevice("gw-0001", { name: "Renamed" });
			await Promise.all([row(first, "Renamed").waitFor(), row(second, "Renamed").waitFor()]);
			await first.close();
			await expect.poll(() => fixture.streams()).toBe(1);
			world.changeDevice("gw-0001", { name: "After the first" });
			await row(second, "After the first").waitFor();
		},
	);
});

describe("what devices say is text", () => {
	const attacks = [
		"<img src=x onerror=alert(1)>",
		"<script>alert(1)</script>",
		'"><svg onload=alert(1)>',
		"javascript:alert(1)",
		"{@html '<b>x</b>'} ${alert(1)} {{7*7}}",
		"\u202Egnp.exe\u0000\u0007",
	];

	test("no field of a device, a release or a report becomes markup, and the policy had nothing to stop", async () => {
		attacks.forEach((attack, i) => {
			const id = `evil-${i}`;
			world.addDevice({
				id,
				name: attack,
				product: attack,
				hardware: attack,
				version: attack,
				grade: "reported",
				agent_version: attack,
				address: attack,
				seen_at: Date.now(),
				slots: slotPair(attack, { B: { state: "BAD", reason: attack, version: attack, root_hash: attack } }),
			});
			world.attributes.set(id, { [attack]: attack });
			const release = world.addRelease({ product: attack, version: attack, notes: attack, hardware: [attack] });
			const deployment = world.assign(id, release.id);
			world.report(deployment.id, attack, attack, [attack]);
			world.move(deployment.id, "failed", { detail: attack });
		});
		let dialogs = 0;
		user.context.on("dialog", (dialog) => {
			dialogs++;
			void dialog.dismiss();
		});
		for (const path of ["/devices?q=evil", "/releases", ...attacks.map((_, i) => `/devices/evil-${i}`)]) {
			const page = await open(path);
			await page.getByText(attacks[path === "/releases" ? 0 : Number(path.at(-1)) || 0]!).first().waitFor();
			expect(await page.locator("#app img, #app script, #app [onload], #app [onerror]").count()).toBe(0);
			expect(await page.locator('#app a[href^="javascript"]').count()).toBe(0);
			await page.close();
		}
		expect(dialogs).toBe(0);
		expect(user.complaints).toEqual([]);
	});

	test("an attack in the address is text too", async () => {
		const page = await open(`/devices?q=${encodeURIComponent(attacks[0]!)}`);
		await page.getByText(`begins with “${attacks[0]!}”`).waitFor();
		const other = await open(`/devices/${encodeURIComponent(attacks[0]!)}`);
		await other.getByRole("heading", { name: attacks[0]! }).waitFor();
		expect(own(user.complaints)).toEqual([]);
	});
});

describe("accessibility", () => {
	const pages = ["/devices", "/devices/gw-0002", "/devices/gw-0003", "/devices/gw-0004", "/releases", "/devices/none"];

	test.each(["light", "dark"] as const)("axe finds nothing in the %s theme", async (colorScheme) => {
		await user.context.close();
		user = await newUser(browser, { colorScheme, reducedMotion: "reduce" });
		const release = [...world.releases.values()].find((one) => one.version === "2.1.0");
		const deployment = world.assign("gw-0003", release.id);
		world.move(deployment.id, "downloading", { progress: 40 });
		for (const path of pages) {
			const page = await open(path);
			if (path === "/devices") await page.getByRole("button", { name: "Add a device" }).click();
			expect(await violations(page), path).toEqual([]);
			await page.close();
		}
		await user.context.clearCookies();
		const login = await user.context.newPage();
		await login.goto(`${fixture.url}/login`);
		await login.getByRole("heading", { name: "Sign in" }).waitFor();
		expect(await violations(login), "login").toEqual([]);
		expect(own(user.complaints)).toEqual([]);
	});

	async function violations(page: Page): Promise<string[]> {
		/* By the debugger, not by a script element: the page's policy stays in force. */
		await page.evaluate(axe.source);
		const found = await page.evaluate(async () => {
			const result = await (window as unknown as { axe: typeof axe }).axe.run(document);
			return result.violations.map((one) => `${one.id}: ${one.nodes.map((n) => n.html).join(" | ")}`);
		});
		return found;
	}
});
