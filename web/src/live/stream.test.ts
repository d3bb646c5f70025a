// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { LiveStream, pause, SILENCE_MS, type LiveMessage, type StreamHost } from "./stream.ts";

/* A server that the test plays by hand, and a clock that it turns. */
class Stage implements StreamHost {
	requests: { headers: Record<string, string>; answer: (r: Response) => void; signal: AbortSignal }[] = [];
	timers: { ms: number; call: () => void }[] = [];
	heard: LiveMessage[] = [];
	stream = new LiveStream("/events", (message) => this.heard.push(message), this);

	fetch(_url: string, init: RequestInit): Promise<Response> {
		return new Promise((answer, fail) => {
			const signal = init.signal!;
			this.requests.push({ headers: init.headers as Record<string, string>, answer, signal });
			signal.addEventListener("abort", () => fail(new Error("aborted")));
		});
	}
	after(ms: number, call: () => void): () => void {
		const timer = { ms, call };
		this.timers.push(timer);
		return () => (this.timers = this.timers.filter((one) => one !== timer));
	}
	now() {
		return 1000;
	}
	random() {
		return 0;
	}

	/* Answers the open request with an event stream; what it returns writes to it or ends it. */
	async open() {
		let to!: ReadableStreamDefaultController<Uint8Array>;
		const body = new ReadableStream<Uint8Array>({ start: (controller) => void (to = controller) });
		this.last().answer(new Response(body, { headers: { "content-type": "text/event-stream" } }));
		this.last().signal.addEventListener("abort", () => to.error(new Error("aborted")));
		await settle();
		return {
			write: async (text: string) => {
				to.enqueue(new TextEncoder().encode(text));
				await settle();
			},
			end: async () => {
				to.close();
				await settle();
			},
		};
	}
	async refuse(status: number) {
		this.last().answer(new Response("", { status }));
		await settle();
	}
	async tick() {
		const timer = this.timers.shift();
		timer?.call();
		await settle();
		return timer?.ms;
	}
	last() {
		return this.requests[this.requests.length - 1]!;
	}
	states() {
		return this.heard.flatMap((m) => (m.type === "state" ? [m.state] : []));
	}
	resets() {
		return this.heard.filter((m) => m.type === "reset").length;
	}
}

async function settle() {
	for (let i = 0; i < 20; i++) await Promise.resolve();
	await new Promise((done) => setImmediate(done));
}

function started() {
	const stage = new Stage();
	stage.stream.start();
	return stage;
}

describe("the live stream", () => {
	test("says live, then passes events on with their numbers", async () => {
		const stage = started();
		const server = await stage.open();
		await server.write('id: 5\nevent: device\ndata: {"id":"a"}\n\n');
		expect(stage.states()).toEqual(["live"]);
		expect(stage.heard[1]).toEqual({ type: "event", event: "device", id: "5", data: { id: "a" } });
	});

	test("resumes by the last number after a break, and asks for no reload", async () => {
		const stage = started();
		const server = await stage.open();
		expect(stage.last().headers).not.toHaveProperty("Last-Event-ID");
		await server.write("id: 5\nevent: device\ndata: {}\n\n");
		await server.end();
		expect(stage.states()).toEqual(["live", "lost"]);
		await stage.tick();
		expect(stage.last().headers["Last-Event-ID"]).toBe("5");
		await stage.open();
		expect(stage.states()).toEqual(["live", "lost", "live"]);
		expect(stage.resets()).toBe(0);
	});

	test("a break before the first number asks for a reload: nothing says what was missed", async () => {
		const stage = started();
		const server = await stage.open();
		await server.end();
		await stage.tick();
		await stage.open();
		expect(stage.resets()).toBe(1);
	});

	test("the server's reset is passed on", async () => {
		const stage = started();
		const server = await stage.open();
		await server.write("event: reset\ndata: {}\n\n");
		expect(stage.resets()).toBe(1);
	});

	test("comes back after a refusal with a growing pause, which a success ends", async () => {
		const stage = started();
		const pauses = [];
		for (let i = 0; i < 7; i++) {
			await stage.refuse(503);
			pauses.push(await stage.tick());
		}
		expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 7500, 7500]);
		await (await stage.open()).end();
		expect(stage.timers[0]?.ms).toBe(250);
	});

	test("takes the server's retry: as its first pause", async () => {
		const stage = started();
		const server = await stage.open();
		await server.write("retry: 3000\n\n");
		await server.end();
		expect(stage.timers[0]?.ms).toBe(1500);
	});

	test("retry() does not wait for the pause, and opens no second stream", async () => {
		const stage = started();
		await stage.refuse(503);
		stage.stream.retry();
		stage.stream.retry();
		expect(stage.requests).toHaveLength(2);
		expect(stage.timers).toHaveLength(0);
		await stage.open();
		stage.stream.retry();
		expect(stage.requests).toHaveLength(2);
	});

	test.each([401, 403])("rests when the server answers %i, until it is asked again", async (status) => {
		const stage = started();
		await stage.refuse(status);
		expect(stage.states()).toEqual(["signed-out"]);
		expect(stage.timers).toHaveLength(0);
		stage.stream.retry();
		await stage.open();
		expect(stage.states()).toEqual(["signed-out", "connecting", "live"]);
	});

	test("a page of a captive portal with status 200 is not a stream", async () => {
		const stage = started();
		stage.last().answer(new Response("<html>", { headers: { "content-type": "text/html" } }));
		await settle();
		expect(stage.states()).toEqual(["lost"]);
	});

	test("silence after a first comment is a lost connection", async () => {
		const stage = started();
		const server = await stage.open();
		await server.write("event: device\ndata: {}\n\n");
		expect(stage.timers).toHaveLength(0);
		await server.write(":\n");
		await server.write(":\n");
		expect(stage.timers.map((timer) => timer.ms)).toEqual([SILENCE_MS]);
		await stage.tick();
		expect(stage.states()).toEqual(["live", "lost"]);
	});

	test("an event that is not JSON is skipped, the next one is heard", async () => {
		const stage = started();
		const server = await stage.open();
		await server.write("event: device\ndata: {oops\n\nevent: device\ndata: {}\n\n");
		expect(stage.heard.filter((m) => m.type === "event")).toHaveLength(1);
	});

	test("recheck() finds out that the session has ended", async () => {
		const stage = started();
		await stage.open();
		stage.stream.recheck();
		await settle();
		await stage.tick();
		await stage.refuse(401);
		expect(stage.states()).toEqual(["live", "lost", "signed-out"]);
	});

	test("stop() ends it and nothing comes back", async () => {
		const stage = started();
		await stage.refuse(503);
		stage.stream.stop();
		expect(stage.timers).toHaveLength(0);
		expect(stage.requests).toHaveLength(1);
	});
});

test("half of a pause is chance", () => {
	expect(pause(0, 500, 0)).toBe(250);
	expect(pause(0, 500, 1)).toBe(500);
	expect(pause(50, 500, 1)).toBe(15_000);
});
