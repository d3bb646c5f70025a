// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Rollout, Wave } from "../../lib/types.ts";
import { awaiting, currentWave, isOwn, percentText, power, standingOf, sumOf } from "./judge.ts";

const wave = (counts: Wave["counts"], more: Partial<Wave> = {}): Wave => ({ wave: 1, state: "running", counts, ...more });
const counts = { members: 20, waiting: 4, "in-flight": 3, proven: 6, reported: 2, downloaded: 0, failed: 1, "rolled-back": 1, silent: 1, absent: 1, cancelled: 1 };

describe("where a wave stands", () => {
	test("counts what the plan accepts as success", () => {
		const plan = { name: "x", release: "r", selection: "" };
		expect(standingOf(wave(counts), plan)).toEqual({
			members: 19,
			offered: 14,
			ended: 12,
			good: 6,
			bad: 4,
			success_percent: (6 * 100) / 19,
			error_percent: (4 * 100) / 12,
		});
		expect(standingOf(wave(counts), { ...plan, accepts: "reported" }).good).toBe(8);
		expect(standingOf(wave({ ...counts, downloaded: 2 }), { ...plan, type: "download-only" }).good).toBe(10);
	});

	test("is nothing where nobody is", () => {
		expect(standingOf(wave({}))).toMatchObject({ members: 0, success_percent: 0, error_percent: 0 });
		expect(sumOf([])).toMatchObject({ members: 0, ended: 0 });
	});

	test("adds up over waves", () => {
		expect(sumOf([wave(counts), wave(counts)])).toMatchObject({ members: 38, ended: 24, bad: 8 });
	});
});

test("the wave that is judged is the first that has not passed", () => {
	const waves = [wave({}, { state: "passed" }), wave({}, { wave: 2, state: "soaking" }), wave({}, { wave: 3, state: "pending" })];
	expect(currentWave(waves)?.wave).toBe(2);
	expect(currentWave(waves.slice(0, 1))?.wave).toBe(1);
	expect(currentWave([])).toBeUndefined();
});

test("a wave asks for approval once its rollout is under way", () => {
	const rollout: Rollout = {
		id: "1",
		name: "x",
		release: "r",
		priority: 50,
		state: "running",
		author: "ann",
		devices: { members: 0, ended: 0, succeeded: 0 },
		waves: [wave({}, { state: "pending", approved: false }), wave({}, { wave: 2, state: "pending", approved: true })],
		plan: { name: "x", release: "r", selection: "", waves: [{ needs_approval: true }, { needs_approval: true }] },
	};
	expect(awaiting(rollout)).toEqual([1]);
	expect(awaiting({ ...rollout, state: "draft" })).toEqual([]);
	expect(isOwn(rollout, { user: "ann" })).toBe(true);
	expect(isOwn(rollout, { user: "bob" })).toBe(false);
	expect(isOwn(rollout, null)).toBe(false);
});

test("numbers read as people read them", () => {
	expect([percentText(3.14159), percentText(100), percentText(0), percentText(12.6)]).toEqual(["3.1 %", "100 %", "0 %", "13 %"]);
	expect([power(0), power(-0.5), power(2.795), power(9.613), power(-7)]).toEqual(["1.0", "0.32", "624", "4.1e9", "1.0e-7"]);
});
