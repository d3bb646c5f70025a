// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { MAX_EVENT_CHARS, SseParser, type SseEvent } from "./sse.ts";

function parse(pieces: string[], lastId = "") {
	const events: SseEvent[] = [];
	let comments = 0;
	const retries: number[] = [];
	const parser = new SseParser(
		{ onEvent: (e) => events.push(e), onComment: () => comments++, onRetry: (ms) => retries.push(ms) },
		lastId,
	);
	for (const piece of pieces) parser.push(piece);
	return { events, comments, retries };
}

const stream = 'id: 7\nevent: device\ndata: {"id":"a"}\n\n:alive\n\nevent: progress\ndata: {"progress":4}\n\n';

describe("the event stream", () => {
	test("gives events with the last number, and counts comments", () => {
		const { events, comments } = parse([stream]);
		expect(events).toEqual([
			{ id: "7", event: "device", data: '{"id":"a"}' },
			{ id: "7", event: "progress", data: '{"progress":4}' },
		]);
		expect(comments).toBe(1);
	});

	test("is the same wherever the network cuts it, with any line ending", () => {
		for (const ending of ["\n", "\r\n", "\r"]) {
			const text = stream.replaceAll("\n", ending);
			const whole = parse([text, ending]).events;
			expect(whole).toHaveLength(2);
			for (let cut = 0; cut <= text.length; cut++) {
				expect(parse([text.slice(0, cut), text.slice(cut), ending]).events).toEqual(whole);
			}
			expect(parse([...text, ending]).events).toEqual(whole);
		}
	});

	test("joins several data lines and takes off one blank only", () => {
		expect(parse(["data:a\ndata:  b\ndata\n\n"]).events[0]?.data).toBe("a\n b\n");
	});

	test("starts at the number it is given", () => {
		expect(parse(["data: x\n\n"], "41").events[0]?.id).toBe("41");
	});

	test("an event that was not ended is none", () => {
		expect(parse(["id: 8\ndata: half"]).events).toEqual([]);
	});

	test("an event without data is none, and its name does not stick", () => {
		expect(parse(["event: device\n\ndata: x\n\n"]).events).toEqual([{ id: "", event: "message", data: "x" }]);
	});

	test("a number with a NUL is ignored, an unknown field too", () => {
		expect(parse(["id: 1\n", "id: 2\0\nfoo: bar\ndata: x\n\n"]).events[0]?.id).toBe("1");
	});

	test("retry is digits or nothing", () => {
		expect(parse(["retry: 2500\nretry: soon\nretry: -1\n"]).retries).toEqual([2500]);
	});

	test("a byte order mark at the start is skipped", () => {
		expect(parse(["\uFEFFdata: x\n\n"]).events).toHaveLength(1);
	});

	test("an event that outgrows the cap is dropped whole and the next one is heard", () => {
		const big = "x".repeat(MAX_EVENT_CHARS + 1);
		expect(parse([`data: ${big}\n\ndata: after\n\n`]).events.map((e) => e.data)).toEqual(["after"]);
		const many = `data: ${"y".repeat(MAX_EVENT_CHARS / 2)}\n`;
		expect(parse([many, many, many, "\n", "data: after\n\n"]).events.map((e) => e.data)).toEqual(["after"]);
	});

	test("a line that never ends does not grow without bound", () => {
		const piece = "z".repeat(MAX_EVENT_CHARS / 2);
		const { events } = parse(["data:", piece, piece, piece, piece, "\n\n", "data: after\n\n"]);
		expect(events.map((e) => e.data)).toEqual(["after"]);
	});
});
