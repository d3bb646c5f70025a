// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { inTurn } from "./follow.ts";

function stage() {
	const timers: (() => void)[] = [];
	const ends: (() => void)[] = [];
	let loads = 0;
	const turn = inTurn(
		() => {
			loads++;
			return new Promise<void>((end) => ends.push(end));
		},
		1000,
		(_ms, call) => {
			timers.push(call);
			return () => void timers.splice(timers.indexOf(call), 1);
		},
	);
	const settle = () => new Promise((done) => setImmediate(done));
	return { turn, timers, loads: () => loads, finish: async () => (ends.shift()?.(), await settle()) };
}

describe("loading what changed", () => {
	test("is at once, and once more for all that changed meanwhile", async () => {
		const s = stage();
		s.turn.ask();
		expect(s.loads()).toBe(1);
		s.turn.ask();
		s.turn.ask();
		await s.finish();
		expect(s.loads()).toBe(1);
		s.timers.shift()!();
		expect(s.loads()).toBe(2);
		await s.finish();
		s.timers.shift()!();
		expect(s.loads()).toBe(2);
		s.turn.ask();
		expect(s.loads()).toBe(3);
	});

	test("ends when the screen is left", async () => {
		const s = stage();
		s.turn.ask();
		s.turn.ask();
		await s.finish();
		s.turn.end();
		expect(s.timers).toEqual([]);
		s.turn.ask();
		expect(s.loads()).toBe(1);
	});

	test("a load that fails does not end it", async () => {
		const timers: (() => void)[] = [];
		let loads = 0;
		const turn = inTurn(() => (loads++, Promise.reject(new Error("no"))), 1, (_ms, call) => (timers.push(call), () => {}));
		turn.ask();
		await new Promise((done) => setImmediate(done));
		timers.shift()!();
		turn.ask();
		expect(loads).toBe(2);
	});
});
