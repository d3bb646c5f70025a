// SPDX-License-Identifier: Apache-2.0
/*
 * What the browser's tests of a real server share: who signs in, what is in the fleet, and how a screen is looked at.
 *
 *	const it = await House.open();		a browser, signed in as an administrator of a user of its own
 *	const page = await it.show("/groups");	a tab at a screen, live and quiet
 *	await it.call("POST", "/groups", {..});	as a script, behind the console's back
 *	await it.loginLink("x");		a one-time link: of a new tenant's first administrator
 *	await it.metric("ota_http_event_streams");	what the server counts
 *	await it.seed(200);			devices "PREFIX-0001".. of several products, versions, states
 *	const device = await it.device("x");	plays a device: device.poll(), .attributes({..}), .report(..)
 *	expect(await violations(page)).toEqual([]);
 *	await it.close();
 *
 * `here` is false where there is no server (OTA_SERVER_URL): describe.skipIf(!here). What a test makes carries
 * it.prefix, so that the server may be in use, and tests may run in any order.
 */
import axe from "axe-core";
import { randomBytes } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launch, newUser } from "./browser.mjs";
import { collectCommands, refusals } from "./ota.ts";

export const url = process.env["OTA_SERVER_URL"] ?? "";
const apiToken = process.env["OTA_API_TOKEN"] ?? "";
export const here = url !== "" && apiToken !== "";

/** What is tried in each field that a device or a user can fill. Whatever of it runs trips the wire. */
export const ATTACKS = [
	"<img src=x onerror=alert(1)>",
	'"><svg onload=alert(1)>',
	"javascript:alert(1)",
	"{@html '<b>x</b>'} ${alert(1)} {{7*7}}",
	"<script>alert(1)</script>",
	"' onmouseover='alert(1)",
	"<style>*{background:url(https://evil.example/x)}</style>",
	"\u202Egnp.exe\u202D",
] as const;
export const THEMES = ["light", "dark"] as const;

/* In each page, before anything of it: what an attack would do is told to the test, also what the policy stopped,
 * since then the text had become markup. */
const TRIPWIRE = () => {
	const trip = (what: string) => void (window as unknown as { trip(what: string): Promise<void> }).trip(what);
	window.alert = window.prompt = (text) => (trip(`alert(${text}) ran`), null);
	window.confirm = (text) => (trip(`confirm(${text}) ran`), false);
	document.addEventListener("securitypolicyviolation", (event) => trip(`the policy stopped ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
};

type Options = Parameters<typeof newUser>[1];

export class House {
	readonly prefix = `e2e-${randomBytes(4).toString("hex")}`;
	readonly password = randomBytes(12).toString("hex");
	readonly browser: Browser;
	readonly context: BrowserContext;
	/* What the browser complained of: refused loads, the policy's refusals, errors of scripts. */
	readonly complaints: string[];
	/* What the wire told; harm() tells it on. */
	readonly tripped: string[] = [];
	/* Each `ota` command that a page showed: it is held against `ota` itself when the house closes. */
	readonly commands = new Set<string>();

	private constructor(browser: Browser, context: BrowserContext, complaints: string[]) {
		this.browser = browser;
		this.context = context;
		this.complaints = complaints;
	}

	static async open(options: Options & { role?: string } = {}): Promise<House> {
		const { role = "admin", ...rest } = options;
		const browser = await launch();
		const { context, complaints } = await newUser(browser, rest);
		const house = new House(browser, context, complaints);
		await context.exposeFunction("trip", (what: string) => void house.tripped.push(what));
		await context.addInitScript(TRIPWIRE);
		await collectCommands(context, house.commands);
		await house.call("POST", "/users", { name: house.prefix, password: house.password, role });
		await house.asBrowser("POST", "/session", { user: house.prefix, password: house.password });
		return house;
	}

	/** The management API with the browser's own cookie, as the console's pages ask it; fails on any answer but 2xx. */
	async asBrowser(method: string, path: string, data?: unknown): Promise<void> {
		const headers = { Origin: url, "Sec-Fetch-Site": "same-origin" };
		const answer = await this.context.request.fetch(`${url}/api/v1${path}`, { method, headers, ...(data ? { data } : {}) });
		if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
	}

	async loginLink(name: string): Promise<string> {
		const made = await this.call<{ login: string }>("POST", "/tenants", { name: `${this.prefix}-${name}` });
		return `${url}/login#${made.login}`;
	}

	async metric(name: string): Promise<number> {
		const headers = { Authorization: `Bearer ${apiToken}` };
		const text = await (await this.context.request.get(`${url}/metrics?names=${name}`, { headers })).text();
		return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
	}

	async close(): Promise<void> {
		await this.browser.close();
		const refused = await refusals([...this.commands]);
		if (refused.length > 0) throw new Error(`ota does not take what the console shows:\n${refused.join("\n")}`);
	}

	/** A tab at a path, once the console is live and the screen has its heading; base: where the server is reached. */
	async show(path: string, base = url): Promise<Page> {
		const page = await this.context.newPage();
		await page.goto(base + path);
		await page.locator("header .link.live").waitFor();
		await page.locator("h1").first().waitFor();
		return page;
	}

	/** The management API with the token of a script; fails on any answer but 2xx. */
	async call<T = Record<string, unknown>>(method: string, path: string, data?: unknown): Promise<T> {
		const answer = await this.context.request.fetch(`${url}/api/v1${path}`, {
			method,
			headers: { Authorization: `Bearer ${apiToken}` },
			...(data === undefined ? {} : { data }),
		});
		if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
		return (answer.status() === 204 ? undefined : await answer.json()) as T;
	}

	/** n devices, "PREFIX-0001" on: each third is tagged "pilot", each has a name, a product and a site. */
	async seed(n: number): Promise<void> {
		const ids = Array.from({ length: n }, (_, i) => i + 1);
		const make = async (i: number) => {
			const id = `${this.prefix}-${String(i).padStart(4, "0")}`;
			await this.call("POST", "/devices", { id, name: `Device ${i}`, product: i % 2 ? "gateway" : "meter", hardware: "revA" });
			await this.call("PATCH", `/devices/${id}`, { site: i % 5 ? "north" : "south", tags: i % 3 ? [] : ["pilot"] });
		};
		while (ids.length > 0) await Promise.all(ids.splice(0, 16).map(make));
	}

	/** A device that the test plays. */
	async device(name: string, more: Record<string, string> = {}): Promise<PlayedDevice> {
		const id = `${this.prefix}-${name}`;
		const made = await this.call<{ token: string }>("POST", "/devices", { id, ...more });
		return new PlayedDevice(this, id, made.token);
	}

	/** Nothing that a test put in became markup or ran, and the browser had nothing to complain of. */
	async harm(page: Page): Promise<string[]> {
		const found = await page.locator("#app img, #app script, #app style, #app [onload], #app [onerror], #app [onmouseover], #app b:text-is('x')").count();
		const links = await page.locator('#app [href^="javascript"], #app [src^="javascript"], #app [action^="javascript"]').count();
		return [
			...this.tripped.splice(0),
			...(found ? [`${found} elements out of text`] : []),
			...(links ? [`${links} links that run`] : []),
			...this.complaints.filter((text) => !text.startsWith("Failed to load resource")),
		];
	}
}

/** The device API, spoken as a plain client would. */
export class PlayedDevice {
	constructor(
		private readonly house: House,
		readonly id: string,
		private readonly token: string,
	) {}

	async request(method: string, path: string, data?: unknown): Promise<string> {
		const address = path.startsWith("https:") ? path : `${url}/default/controller/v1/${this.id}${path}`;
		const headers = { Authorization: `TargetToken ${this.token}` };
		const answer = await this.house.context.request.fetch(address, { method, headers, ...(data ? { data } : {}) });
		if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
		return answer.text();
	}

	async poll(): Promise<{ _links: Record<string, { href: string } | undefined> }> {
		return JSON.parse(await this.request("GET", ""));
	}

	attributes(data: Record<string, string>): Promise<string> {
		return this.request("PUT", "/configData", { mode: "merge", data });
	}

	/** Polls; the number of the action that waits for it, or "". */
	async action(): Promise<string> {
		const base = (await this.poll())._links["deploymentBase"]?.href ?? "";
		return /deploymentBase\/(\d+)/.exec(base)?.[1] ?? "";
	}

	report(action: string, execution: string, finished: string, details: string[], more: object = {}): Promise<string> {
		const status = { execution, result: { finished }, details, ...more };
		return this.request("POST", `/deploymentBase/${action}/feedback`, { status });
	}

	/** Takes what waits for it and fails it, with these words. */
	async fail(details: string[]): Promise<void> {
		const action = await this.action();
		await this.report(action, "download", "none", ["fetching"]);
		await this.report(action, "closed", "failure", details);
	}
}

/** Nothing in the page is on its way from one look to another: a theme that was just changed is painted. */
function settled(page: Page): Promise<void> {
	return page.evaluate(async () => {
		const frame = () => new Promise((done) => requestAnimationFrame(done));
		const ends = () => document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
		await frame();
		while (ends().length > 0) await Promise.allSettled(ends().map((one) => one.finished));
		await frame();
	});
}

/** What axe finds in a page as it is now, as "rule: elements". By the debugger, not by a script element: the page's
 *  policy stays in force. */
export async function violations(page: Page): Promise<string[]> {
	await page.bringToFront(); /* what nobody looks at is not painted */
	await page.evaluate(axe.source);
	await settled(page);
	return page.evaluate(async () => {
		const result = await (window as unknown as { axe: typeof axe }).axe.run(document);
		return result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((n) => `${n.html} ${n.any[0]?.message ?? ""}`).join(" | ")} (${one.nodes.length})`);
	});
}

/** The same in both themes; the page stays in the second. */
export async function violationsInBothThemes(page: Page): Promise<string[]> {
	const all: string[] = [];
	for (const colorScheme of THEMES) {
		await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
		all.push(...(await violations(page)).map((one) => `${colorScheme}: ${one}`));
	}
	return all;
}

/** What makes a page wider than its window: the innermost elements that reach beyond its right edge. */
export function tooWide(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) return [];
		const beyond = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width);
		return ["", ...beyond.filter((one) => !beyond.some((other) => other !== one && one.contains(other))).map((one) => one.outerHTML.slice(0, 200))];
	});
}
