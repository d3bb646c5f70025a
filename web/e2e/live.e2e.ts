// SPDX-License-Identifier: Apache-2.0
/*
 * The connection between a browser and the server: one, told when it is lost, whole again when it is back. It is cut
 * for real: the browser comes through a wire that the test holds in its hand. Streams are counted by the server's own
 * metric, so that nobody else may be on it.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { here, House, url } from "./house.ts";

/* Octets between browser and server; cut(), it carries none, and whoever tries is hung up on. */
class Wire {
	readonly #server: Server;
	readonly #ends = new Set<Socket>();
	#whole = true;

	private constructor(server: Server) {
		this.#server = server;
		server.on("connection", (near) => this.#carry(near));
	}
	static async lay(): Promise<Wire> {
		const server = createServer();
		await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
		return new Wire(server);
	}
	get url(): string {
		return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}
	cut(): void {
		this.#whole = false;
		for (const end of this.#ends) end.destroy();
	}
	mend(): void {
		this.#whole = true;
	}
	async remove(): Promise<void> {
		this.cut();
		await new Promise((done) => this.#server.close(done));
	}
	#carry(near: Socket): void {
		if (!this.#whole) return void near.destroy();
		const to = new URL(url);
		const far = connect(Number(to.port), to.hostname);
		for (const [end, other] of [[near, far], [far, near]] as const) {
			this.#ends.add(end);
			end.on("error", () => {}).on("close", () => (this.#ends.delete(end), other.destroy()));
			end.pipe(other);
		}
	}
}

describe.skipIf(!here)("the connection", () => {
	let it: House;
	let wire: Wire;
	const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });
	const streams = () => expect.poll(() => it.metric("ota_http_event_streams"));
	const rename = (id: string, name: string) => it.call("PATCH", `/devices/${it.prefix}-${id}`, { name });
	const list = () => `/devices?q=${it.prefix}`;

	beforeEach(async () => {
		it = await House.open();
		wire = await Wire.lay();
		for (const id of ["one", "two"]) await it.call("POST", "/devices", { id: `${it.prefix}-${id}` });
		await streams().toBe(0);
	});
	afterEach(async () => {
		await it?.close();
		await wire?.remove();
	});

	test("is one for all tabs of a browser, and ends with the last", async () => {
		const first = await it.show(list());
		const second = await it.show(`/devices/${it.prefix}-one`);
		const third = await it.show("/releases");
		expect(await it.metric("ota_http_event_streams")).toBe(1);
		await rename("one", "Renamed");
		await row(first, "Renamed").waitFor();
		await second.getByRole("heading", { level: 1, name: "Renamed" }).waitFor();
		expect(await it.metric("ota_http_event_streams")).toBe(1);
		await Promise.all([first.close(), second.close()]);
		expect(await it.metric("ota_http_event_streams")).toBe(1);
		await third.close();
		await streams().toBe(0);
	});

	test("when lost it is said; one who is impatient has it back at once, with what was missed", async () => {
		const page = await it.show(list(), wire.url);
		wire.cut();
		await page.getByText("No connection to the server.").waitFor();
		await rename("one", "Meanwhile");
		wire.mend();
		await page.getByRole("button", { name: "Try now" }).press("Enter");
		await row(page, "Meanwhile").waitFor();
		await page.getByText("The connection is back.").waitFor();
		expect(await page.getByText("No connection to the server.").count()).toBe(0);
	});

	test("heals by itself in each tab, and goes on where it was", async () => {
		const first = await it.show(list(), wire.url);
		const second = await it.show(`/devices/${it.prefix}-two`, wire.url);
		await rename("one", "Before");
		await row(first, "Before").waitFor();
		wire.cut();
		for (const page of [first, second]) await page.getByText("No connection to the server.").waitFor();
		await rename("two", "Meanwhile");
		wire.mend();
		await row(first, "Meanwhile").waitFor();
		await second.getByRole("heading", { level: 1, name: "Meanwhile" }).waitFor();
		await rename("two", "Afterwards");
		await row(first, "Afterwards").waitFor();
		await streams().toBe(1);
	});

	test("back after longer than the server remembers, everything is loaded anew", async () => {
		await without("SharedWorker"); /* whose requests no test can reach */
		const page = await it.show(list(), wire.url);
		await rename("one", "Before");
		await row(page, "Before").waitFor();
		let resumed = 0;
		await page.route("**/api/v1/events", (route) => {
			resumed++;
			return route.continue({ headers: { ...route.request().headers(), "last-event-id": "not-remembered" } });
		});
		wire.cut();
		await page.getByText("No connection to the server.").waitFor();
		await rename("one", "Long ago");
		await it.call("DELETE", `/devices/${it.prefix}-two`);
		wire.mend();
		await row(page, "Long ago").waitFor();
		await row(page, `${it.prefix}-two`).waitFor({ state: "detached" });
		expect(resumed).toBeGreaterThan(0);
	});

	test.each([
		["SharedWorker", 1],
		["SharedWorker,locks", 2],
		["SharedWorker,BroadcastChannel", 2],
	] as const)("works in a browser without %s", async (missing, n) => {
		await without(missing);
		const first = await it.show(list());
		const second = await it.show(list());
		await streams().toBe(n);
		await rename("one", "Renamed");
		await Promise.all([row(first, "Renamed").waitFor(), row(second, "Renamed").waitFor()]);
		await first.close();
		await streams().toBe(1);
		await rename("one", "After the first");
		await row(second, "After the first").waitFor();
	});

	function without(missing: string): Promise<unknown> {
		return it.context.addInitScript((names) => {
			for (const name of names.split(",")) {
				if (name === "locks") Object.defineProperty(navigator, "locks", { value: undefined });
				else Object.defineProperty(window, name, { value: undefined });
			}
		}, missing);
	}
});
