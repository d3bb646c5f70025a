// SPDX-License-Identifier: Apache-2.0
/*
 * Each field that a device or a user can fill, filled with what would run if it were markup, and each screen looked at.
 * What the server's grammar does not take must be refused in one sentence. A screen that is not visited here fails.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCREENS, type Screen } from "../src/lib/router.ts";
import { ATTACKS, here, House, tooWide, url, type PlayedDevice } from "./house.ts";

const NOT_VISITED: Screen[] = ["login"]; /* who is signed in is led away from it; session.e2e.ts has it */

describe.skipIf(!here)("what others say is text", () => {
	let it: House;
	let release: string;
	let device: PlayedDevice;
	const of: Partial<Record<Screen, string>> = {};
	const made: [string, string][] = []; /* what is not of this test alone is taken back */
	const each = (name: string) => ATTACKS.map((attack) => `${name} ${attack}`);

	async function fleet() {
		for (const [i, attack] of ATTACKS.entries()) {
			const one = await it.device(`evil-${i}`, { product: "gateway", hardware: "revA" });
			await it.call("PATCH", `/devices/${one.id}`, { name: attack, site: attack, attributes: { note: attack } });
			await it.call("POST", "/deployments", { device: one.id, release });
			await one.fail([attack, `"${attack}"`]);
			await one.attributes({
				...Object.fromEntries(["product", "hardware", "version", "agent.version", "agent.capabilities"].map((key) => [key, attack])),
				...Object.fromEntries(["state", "version", "tries", "reason", "root_hash"].map((key) => [`slot.b.${key}`, attack])),
				"component.modem.version": attack,
			});
			device = one;
		}
		of.device = device.id;
	}

	async function things() {
		const words = each(it.prefix);
		of.group = it.prefix;
		await it.call("POST", "/groups", { name: it.prefix, about: ATTACKS[0] + ATTACKS[4] });
		await it.call("PUT", "/products/gateway", { about: ATTACKS[0] + ATTACKS[4] });
		for (const name of words) {
			const rollout = await it.call<{ id: string }>("POST", "/rollouts", { name: name.slice(0, 64), release, selection: `name=='${name.replaceAll("'", "")}'` });
			of.rollout = rollout.id;
			made.push(["DELETE", `/rollouts/${rollout.id}`]);
			await it.call("POST", "/jobs", { action: "pin", filter: `name=='${name.replaceAll("'", "")}'`, reason: name });
		}
		const webhook = await it.call<{ id: string }>("POST", "/webhooks", { url: `https://hooks.example.org/${encodeURI(words[0]!)}?${words[1]!.replaceAll(" ", "+")}`, events: ["job"] });
		of.webhook = webhook.id;
		made.push(["DELETE", `/webhooks/${webhook.id}`]);
		await it.call("PUT", "/freeze", { reason: words[0]! });
		made.push(["DELETE", "/freeze"]);
		of.release = release;
	}

	beforeAll(async () => {
		it = await House.open();
		const releases = await it.call<{ items: { id: string; state: string }[] }>("GET", "/releases");
		release = releases.items.find((one) => one.state === "published")!.id;
		await fleet();
		await things();
	});
	afterAll(async () => {
		for (const [method, path] of made.reverse()) await it.call(method, path);
		await it?.close();
	});

	/* All that opens by itself or by one key: sheets of commands, the palette with words of the attack, the first dialog. */
	async function disturb(page: Page, screen: Screen) {
		for (const one of await page.locator("details:not([open]) > summary").all()) if (await one.isVisible()) await one.press("Enter");
		await page.keyboard.press("Control+k");
		await page.getByRole("dialog").getByRole("combobox").fill("<img");
		await page.keyboard.press("Escape");
		for (const title of await page.locator("#app [title]").evaluateAll((all) => all.map((one) => one.getAttribute("title")))) expect(title, screen).not.toBe("");
	}

	test("the wire is tripped by what it is there for", async () => {
		const own = await House.open();
		const page = await own.show("/");
		expect(await own.harm(page)).toEqual([]);
		/* As markup: the policy's trusted types stop it, and that it was tried is told. */
		await expect(page.evaluate((attack) => (document.querySelector("#app")!.innerHTML += attack), ATTACKS[0])).rejects.toThrow("TrustedHTML");
		await expect.poll(() => own.tripped.join()).toContain("the policy stopped require-trusted-types-for");
		/* As elements that a script makes: there they are, and what they would run is stopped. */
		await page.evaluate(() => {
			const image = document.createElement("img");
			image.src = "https://evil.example/x";
			const link = document.createElement("a");
			link.href = "javascript:alert(1)";
			document.querySelector("#app")!.append(image, link);
		});
		await expect.poll(() => own.tripped.join()).toContain("the policy stopped img-src");
		const found = await own.harm(page);
		expect(found).toContain("1 elements out of text");
		expect(found).toContain("1 links that run");
		await page.evaluate(() => alert(1));
		expect(await own.harm(page)).toContain("alert(1) ran");
		await own.close();
	});

	test.each((Object.keys(SCREENS) as Screen[]).filter((one) => !NOT_VISITED.includes(one)))("on the screen %s", async (screen) => {
		const path = screen === "unknown" ? `/nowhere/${encodeURIComponent(ATTACKS[0])}` : SCREENS[screen].replace(":id", of[screen] ?? "");
		expect(path, "a screen of one thing needs one here").not.toMatch(/\/$(?<=.\/)|:id/);
		const page = await it.show(path);
		await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
		expect(await it.harm(page)).toEqual([]);
		await disturb(page, screen);
		expect(await it.harm(page)).toEqual([]);
		await page.setViewportSize({ width: 390, height: 800 });
		expect(await tooWide(page), "wider than a phone").toEqual([]);
		await page.close();
	});

	test("each is there as it was said", async () => {
		const seen: [string, string[]][] = [
			[`/devices?q=${it.prefix}-evil`, [...ATTACKS]],
			[`/groups/${it.prefix}`, [ATTACKS[0]]],
			["/rollouts", [ATTACKS[0], ATTACKS[4]]],
			["/jobs", [ATTACKS[1]]],
			["/audit", [it.prefix]],
		];
		for (const [path, words] of seen) {
			const page = await it.show(path);
			for (const one of words) await page.getByText(one).first().waitFor();
			expect(await it.harm(page), path).toEqual([]);
			await page.close();
		}
	});

	/* Where names are names, nothing else is one. */
	const REFUSED: [string, string, (attack: string) => object][] = [
		["POST", "/devices", (id) => ({ id })],
		["POST", "/groups", (name) => ({ name })],
		["POST", "/users", (name) => ({ name, password: "correct horse battery", role: "viewer" })],
		["POST", "/tokens", (name) => ({ name, role: "viewer" })],
		["POST", "/tenants", (name) => ({ name })],
		["POST", "/webhooks", (address) => ({ url: address, events: ["job"] })],
	];
	test.each(REFUSED)("%s %s takes none of them for a name", async (method, path, body) => {
		for (const attack of ATTACKS) {
			const answer = await it.context.request.fetch(`${url}/api/v1${path}`, {
				method,
				headers: { Authorization: `Bearer ${process.env["OTA_API_TOKEN"]}` },
				data: body(attack),
			});
			expect([400, 422], `${path} ${attack}: ${await answer.text()}`).toContain(answer.status());
			expect(answer.headers()["content-type"]).toContain("json");
		}
	});
});
