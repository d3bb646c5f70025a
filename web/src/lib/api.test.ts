// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, apiPath, ApiError, problemOf, request, whenSignedOut } from "./api.ts";

const problem = (status: number, body: object) =>
	new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });

let calls: { path: string; init: RequestInit }[] = [];
let answer: () => Response | Promise<Response>;

beforeEach(() => {
	calls = [];
	vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
		calls.push({ path, init });
		return answer();
	});
});
afterEach(() => {
	vi.unstubAllGlobals();
	whenSignedOut(() => {});
});

test("a path leaves out what is not asked for and escapes what is", () => {
	expect(apiPath("/devices", { q: "", after: undefined, limit: 5 })).toBe("/api/v1/devices?limit=5");
	expect(apiPath("/devices", { q: "a&b=c d" })).toBe("/api/v1/devices?q=a%26b%3Dc+d");
});

test("an id cannot leave its place in the path", async () => {
	answer = () => new Response("{}", { headers: { "content-type": "application/json" } });
	await api.device("a/../../session?x#y");
	expect(calls[0]?.path).toBe("/api/v1/devices/a%2F..%2F..%2Fsession%3Fx%23y");
});

describe("a failure reads as a sentence", () => {
	test("the server's own detail, with its code", async () => {
		answer = () => problem(404, { title: "not found", code: "not-found", detail: 'there is no device "x"' });
		await expect(api.device("x")).rejects.toMatchObject({
			status: 404,
			code: "not-found",
			message: 'there is no device "x"',
		});
	});
	test("the title when there is no detail", async () => {
		expect((await problemOf(problem(409, { title: "conflict" }))).message).toBe("conflict");
	});
	test("the status when the answer is not the server's", async () => {
		const page = new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "content-type": "text/html" } });
		expect((await problemOf(page)).message).toMatch(/status 502/);
		expect((await problemOf(problem(500, []))).message).toMatch(/status 500/);
	});
	test("no answer at all", async () => {
		answer = () => Promise.reject(new TypeError("failed to fetch"));
		await expect(api.info()).rejects.toMatchObject({ status: 0, code: "unreachable" });
	});
	test("a captive portal's page with status 200", async () => {
		answer = () => new Response("<html>", { headers: { "content-type": "text/html" } });
		await expect(api.info()).rejects.toThrow(/not from the update server/);
	});
});

test("a 401 signs out, but not when it is the answer to signing in", async () => {
	let out = 0;
	whenSignedOut(() => out++);
	answer = () => problem(401, { code: "unauthenticated", detail: "sign in" });
	await expect(api.devices({})).rejects.toBeInstanceOf(ApiError);
	expect(out).toBe(1);
	await expect(api.login("x")).rejects.toBeInstanceOf(ApiError);
	await expect(api.session()).rejects.toBeInstanceOf(ApiError);
	expect(out).toBe(1);
});

test("each change carries JSON and stays on the origin", async () => {
	answer = () => new Response(null, { status: 204 });
	await request("deployments_create", { body: { device: "d", release: "r" } });
	await request("deployments_delete", { id: "1" });
	for (const { init } of calls) {
		expect((init.headers as Record<string, string>)["Content-Type"]).toBe("application/json");
		expect(init.credentials).toBe("same-origin");
	}
	expect(calls[0]?.init.body).toBe('{"device":"d","release":"r"}');
	expect(calls[1]?.init.body).toBeUndefined();
});
