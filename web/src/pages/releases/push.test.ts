// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { ApiError, type request } from "../../lib/api.ts";
import { openBundle } from "./bundle.ts";
import { pack, SIGNED } from "./sample.ts";
import { checksOf, push, type Stage } from "./push.ts";

/* A server that keeps uploads by digest; `before` a call may do what it likes. */
class Uploads {
	calls: string[] = [];
	stages: Stage[] = [];
	shown: number[] = [];
	uploads = new Map<string, { size: number; offset: number }>();
	abort = new AbortController();
	before: (call: string) => void = () => {};

	ask = (async (name: string, asked: { id?: string; query?: { offset: number }; body?: unknown; signal?: AbortSignal } = {}) => {
		const call = [name, asked.id, asked.query?.offset].filter((one) => one !== undefined).join(" ");
		this.before(call);
		asked.signal?.throwIfAborted();
		this.calls.push(call);
		const of = (id = "") => this.uploads.get(id)!;
		switch (name) {
			case "uploads_create": {
				const { size } = asked.body as { size: number };
				const id = `u${size}`;
				if (!this.uploads.has(id)) this.uploads.set(id, { size, offset: 0 });
				return { id, ...of(id), part_max: 8 };
			}
			case "uploads_put":
				if (asked.query!.offset !== of(asked.id).offset) throw new ApiError(409, "conflict", "elsewhere");
				return (of(asked.id).offset += (asked.body as Blob).size), of(asked.id);
			case "uploads_get":
				return of(asked.id);
			case "uploads_delete":
				return void this.uploads.delete(asked.id!);
			case "uploads_commit":
				return void this.uploads.delete(asked.id!);
			default:
				return { id: "r1", body: asked.body };
		}
	}) as unknown as typeof request;

	async push(knownRoot = 2) {
		const bundle = await openBundle(new Blob([pack(SIGNED)]));
		const told = { stage: (one: Stage) => void this.stages.push(one), progress: (done: number, total: number) => void this.shown.push(done / total) };
		return push(bundle, knownRoot, told, this.abort.signal, this.ask);
	}
}

describe("a push", () => {
	test("hashes, sends in parts, keeps, publishes; progress only grows, to the end", async () => {
		const server = new Uploads();
		const made = (await server.push()) as unknown as { body: Record<string, string> };
		expect(server.stages).toEqual(["hash", "send", "keep", "publish"]);
		expect(server.calls.filter((one) => one.startsWith("uploads_put u19"))).toEqual(["uploads_put u19 0", "uploads_put u19 8", "uploads_put u19 16"]);
		expect(Object.keys(made.body).sort()).toEqual(["body", "descriptor", "head", "manifest", "targets"]);
		const sent = server.shown.slice(server.shown.indexOf(1) + 1);
		expect(sent).toEqual([...sent].sort((a, b) => a - b));
		expect(sent.at(-1)).toBe(1);
		expect(server.uploads.size).toBe(0);
	});

	test("roots that the server does not have go before the release", async () => {
		const server = new Uploads();
		await server.push(0);
		expect(server.stages).toEqual(["hash", "send", "keep", "root", "root", "publish"]);
		expect(server.calls.slice(-3)).toEqual(["repository_root", "repository_root", "releases_create"]);
	});

	test("goes on where an upload stands, also if somebody else moves it", async () => {
		const server = new Uploads();
		server.uploads.set("u19", { size: 19, offset: 8 });
		server.before = (call) => call === "uploads_put u19 8" && (server.uploads.get("u19")!.offset = 16);
		await server.push();
		expect(server.calls.filter((one) => one.includes("u19"))).toEqual(["uploads_put u19 8", "uploads_get u19", "uploads_put u19 16", "uploads_commit u19"]);
	});

	test("cancelled on its way it leaves nothing", async () => {
		const server = new Uploads();
		server.before = (call) => call === "uploads_put u19 8" && server.abort.abort();
		await expect(server.push()).rejects.toThrow();
		expect(server.uploads.size).toBe(0);
		expect(server.calls.some((one) => one.startsWith("uploads_commit") || one === "releases_create")).toBe(false);
	});

	test("cancelled while it hashes it has asked for nothing", async () => {
		const server = new Uploads();
		server.abort.abort();
		await expect(server.push()).rejects.toThrow();
		expect(server.calls).toEqual([]);
	});

	test("a refusal tells how far it came; any other failure does not", () => {
		const checks = [{ step: "manifest", text: "gateway 2.0.0" }];
		expect(checksOf(new ApiError(422, "signature", "no", { step: "signatures", checks }))).toEqual({ step: "signatures", checks });
		expect(checksOf(new ApiError(503, "busy", "later"))).toBeNull();
		expect(checksOf(new Error("else"))).toBeNull();
	});
});
