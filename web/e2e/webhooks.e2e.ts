// SPDX-License-Identifier: Apache-2.0
/* Webhooks that a receiver of the test's own gets: the log of deliveries, a test, a replay, a refusal, a pause. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, here, House, violationsInBothThemes } from "./house.ts";

const pem = process.env["OTA_RECEIVER"] ?? "";

/* Keeps what it got, and answers as it was told. */
class Receiver {
	readonly got: { id: string; type: string }[] = [];
	answer: { status: number; text: string } = { status: 200, text: "thanks" };
	readonly #server: Server;

	constructor() {
		const both = readFileSync(pem);
		this.#server = createServer({ key: both, cert: both }, (request, response) => {
			let body = "";
			request.on("data", (part) => (body += part));
			request.on("end", () => {
				this.got.push({ id: String(request.headers["webhook-id"]), type: (JSON.parse(body) as { type: string }).type });
				response.writeHead(this.answer.status).end(this.answer.text);
			});
		});
	}
	async listen(): Promise<string> {
		await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
		return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
	}
	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((done) => this.#server.close(done));
	}
}

describe.skipIf(!here || pem === "")("a webhook's page", () => {
	let it: House;
	let receiver: Receiver;
	let id: string;
	beforeAll(async () => {
		it = await House.open();
		receiver = new Receiver();
		id = (await it.call<{ id: string }>("POST", "/webhooks", { url: await receiver.listen(), events: ["group"] })).id;
	});
	afterAll(async () => {
		if (id) await it.call("DELETE", `/webhooks/${id}`);
		await it?.close();
		await receiver?.close();
	});
	const happens = (name: string) => it.call("POST", "/groups", { name: `${it.prefix}-${name}` });

	test("logs each delivery as it happens, and a test sends the last one once more", async () => {
		const page = await it.show(`/webhooks/${id}`);
		await page.getByText("Nothing was sent yet").waitFor();
		await happens("first");
		const rows = page.getByRole("row").filter({ hasText: "group" });
		await rows.first().getByText("200", { exact: true }).waitFor();
		await rows.first().getByText("thanks").waitFor();
		expect(receiver.got).toHaveLength(1);
		await page.getByRole("button", { name: "Send a test" }).press("Enter");
		await expect.poll(() => receiver.got.length).toBe(2);
		await rows.nth(1).waitFor();
		await rows.first().getByText("by hand").waitFor();
		expect(receiver.got[1]!.id).toBe(receiver.got[0]!.id);
		expect(await violationsInBothThemes(page)).toEqual([]);
		await page.close();
	});

	test("says what a receiver answered that refused, as text, and replays it by keyboard once it is well", async () => {
		receiver.answer = { status: 503, text: ATTACKS[0] };
		const before = receiver.got.length;
		const page = await it.show(`/webhooks/${id}`);
		await happens("second");
		const refused = page.getByRole("row").filter({ hasText: "503" }).first();
		await refused.getByText(ATTACKS[0]).waitFor();
		expect(await it.harm(page)).toEqual([]);
		expect(await violationsInBothThemes(page)).toEqual([]);
		receiver.answer = { status: 200, text: "well again" };
		await refused.getByRole("button", { name: "Send again" }).press("Enter");
		await page.getByRole("row").filter({ hasText: "well again" }).filter({ hasText: "by hand" }).first().waitFor();
		expect(receiver.got.length).toBeGreaterThan(before + 1);
		await page.close();
	});

	test("is paused and resumed, and every tab shows it", async () => {
		const page = await it.show(`/webhooks/${id}`);
		const other = await it.show("/webhooks");
		const row = other.getByRole("row").filter({ has: other.locator(`a[href="/webhooks/${id}"]`) });
		await row.getByText("active").waitFor();
		await page.getByRole("button", { name: "Deactivate" }).press("Enter");
		await page.getByRole("button", { name: "Go on" }).waitFor();
		await row.getByText("active").waitFor({ state: "detached" });
		await page.getByRole("button", { name: "Go on" }).press("Enter");
		await row.getByText("active").waitFor();
	});
});
