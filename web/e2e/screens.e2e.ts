// SPDX-License-Identifier: Apache-2.0
/* What holds for each screen alike: a load that fails is told, and mended by the keyboard. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { here, House, url, violationsInBothThemes } from "./house.ts";

const FRAME = /\/api\/v1\/(session|info|events|freeze)(\?|$)/;

describe.skipIf(!here)("every screen", () => {
	let it: House;
	const of = { device: "", group: "", release: "", rollout: "", webhook: "" };
	beforeAll(async () => {
		it = await House.open();
		of.device = (await it.device("one", { product: "gateway" })).id;
		of.group = it.prefix;
		await it.call("POST", "/groups", { name: it.prefix });
		const releases = await it.call<{ items: { id: string; state: string }[] }>("GET", "/releases");
		of.release = releases.items.find((one) => one.state === "published")!.id;
		of.rollout = (await it.call<{ id: string }>("POST", "/rollouts", { name: it.prefix, release: of.release, selection: `id==${of.device}` })).id;
		of.webhook = (await it.call<{ id: string }>("POST", "/webhooks", { url: "https://hooks.example.org/x", events: ["job"] })).id;
	});
	afterAll(async () => {
		if (of.rollout) await it.call("DELETE", `/rollouts/${of.rollout}`);
		if (of.webhook) await it.call("DELETE", `/webhooks/${of.webhook}`);
		await it?.close();
	});

	const SCREENS: [string, () => string][] = [
		["the overview", () => "/"],
		["devices", () => "/devices"],
		["a device", () => `/devices/${of.device}`],
		["groups", () => "/groups"],
		["a group", () => `/groups/${of.group}`],
		["enrolment", () => "/enrolment"],
		["jobs", () => "/jobs"],
		["releases", () => "/releases"],
		["a release", () => `/releases/${of.release}`],
		["rollouts", () => "/rollouts"],
		["a rollout", () => `/rollouts/${of.rollout}`],
		["failures", () => "/failures"],
		["the audit log", () => "/audit"],
		["webhooks", () => "/webhooks"],
		["a webhook", () => `/webhooks/${of.webhook}`],
		["people", () => "/people"],
		["keys", () => "/keys"],
		["the system", () => "/system"],
		["a new rollout", () => "/rollouts/new"],
	];

	test.each(SCREENS)("%s tells that the server does not answer, and comes back when it is asked again", async (_, path) => {
		const page = await it.context.newPage();
		const calls = (address: URL) => address.origin === url && /^\/(api\/v1\/|readyz|metrics)/.test(address.pathname);
		await page.route(calls, (route) => (FRAME.test(route.request().url()) ? route.continue() : route.abort()));
		await page.goto(url + path());
		await page.getByRole("alert").filter({ hasText: "The server does not answer" }).first().waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.unroute(calls);
		for (let left = await page.getByRole("button", { name: "Try again" }).count(); left > 0; left--) {
			const again = page.getByRole("button", { name: "Try again" });
			if ((await again.count()) === 0) break;
			await again.first().press("Enter");
			await expect.poll(() => again.count()).toBeLessThan(left);
		}
		expect(await page.getByRole("alert").count()).toBe(0);
		await page.locator("h1").first().waitFor();
		await page.close();
	});
});
