// SPDX-License-Identifier: Apache-2.0
/* The matrix of deltas below the releases: one that the server makes for a device of the test's own, seen as it comes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { here, House, violationsInBothThemes, type PlayedDevice } from "./house.ts";

describe.skipIf(!here)("the delta matrix", () => {
	let it: House;
	beforeAll(async () => void (it = await House.open()));
	afterAll(() => it?.close());

	interface Release {
		id: string;
		version: string;
	}

	/* Gets a release and proves that it runs it, as its bootloader would let it. */
	async function prove(device: PlayedDevice, release: string, counter: number, more = {}) {
		await it.call("POST", "/deployments", { device: device.id, release });
		const action = await device.action();
		const offer = await device.request("GET", `/deploymentBase/${action}`);
		const rootHash = /"descriptor":"[^"]*\/content\/([0-9a-f]{64})"/.exec(offer)![1];
		await device.report(action, "closed", "success", ["confirmed"], {
			"ota:proof": { rootHash, bootId: "00112233445566778899aabbccddeeff", slot: "A", counter },
			...more,
		});
	}

	test("a delta is seen to be made, says what it saves, and leads to its release by keyboard", async () => {
		const { items } = await it.call<{ items: Release[] }>("GET", "/releases");
		const from = items.find((one) => one.version === "1.0.0")!;
		const page = await it.show("/releases");
		const region = page.getByRole("region", { name: "Deltas of gateway" });
		/* It proves that it runs 1.0.0, and is to get 2.0.0: somebody waits for a delta. */
		const device = await it.device("proven", { product: "gateway", hardware: "revA" });
		await device.attributes({ product: "gateway", hardware: "revA", "agent.version": "0.1.0", "agent.capabilities": "full,delta" });
		await prove(device, from.id, 1);
		const cell = region.getByRole("row", { name: /^1\.0\.0/ }).getByRole("link").filter({ hasText: "%" });
		await cell.waitFor();
		expect(await cell.getAttribute("title")).toMatch(/ instead of .* · made in .* of CPU/);
		const [delta] = (await it.call<{ items: { size: number; full_size: number; to: string }[] }>("GET", "/deltas")).items;
		expect(await cell.innerText()).toContain(`${Math.max(1, Math.round((delta!.size / delta!.full_size) * 100))}`);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await prove(device, items.find((one) => one.version === "2.0.0")!.id, 2, { "ota:delta": { name: "delta/gateway/1.0.0:2.0.0" } });
		await page.getByText("1 install by delta saved").waitFor();
		await page.setViewportSize({ width: 390, height: 800 });
		expect(await violationsInBothThemes(page)).toEqual([]);
		await cell.press("Enter");
		await page.getByRole("heading", { level: 1, name: "2.0.0" }).waitFor();
		expect(page.url()).toContain(delta!.to);
		await page.close();
	});

	test("a server that is away is told, and asked again", async () => {
		const page = await it.context.newPage();
		await page.route(/\/api\/v1\/deltas/, (route) => route.abort());
		await page.goto(`${process.env["OTA_SERVER_URL"]}/releases`);
		await page.getByRole("alert").filter({ hasText: "The server does not answer" }).waitFor();
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.unroute(/\/api\/v1\/deltas/);
		await page.getByRole("button", { name: "Try again" }).press("Enter");
		await page.getByRole("region", { name: "Deltas of gateway" }).waitFor();
		await page.close();
	});
});
