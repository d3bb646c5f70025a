// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { FailureCluster } from "../../lib/schema.ts";
import { causesOf, filterOf, sharesOf } from "./clusters.ts";

const cluster = (fields: Partial<FailureCluster>): FailureCluster => ({
	words: "no space",
	detail: "no space",
	state: "failed",
	product: "gateway",
	hardware: "revA",
	from: "1.0",
	release: "r",
	version: "2.0",
	devices: 1,
	device: "d",
	first_at: 10,
	last_at: 20,
	filter: "id==d",
	...fields,
});

describe("causes of failures", () => {
	test("are what devices say, and how it ended; the largest first", () => {
		const causes = causesOf([
			cluster({ devices: 2 }),
			cluster({ hardware: "revB", devices: 3, first_at: 5, last_at: 30 }),
			cluster({ state: "rolled-back", devices: 1 }),
			cluster({ words: null, devices: 9 }),
		]);
		expect(causes.map((one) => [one.words, one.state, one.devices])).toEqual([
			["", "failed", 9],
			["no space", "failed", 5],
			["no space", "rolled-back", 1],
		]);
		expect(causes[1]).toMatchObject({ first_at: 5, last_at: 30 });
	});

	test("say on which side they are", () => {
		const [cause] = causesOf([cluster({ devices: 2 }), cluster({ hardware: "revB", devices: 3 }), cluster({ hardware: null, from: "0.9" })]);
		expect(sharesOf(cause!, "hardware")).toEqual([
			{ name: "revB", devices: 3 },
			{ name: "revA", devices: 2 },
			{ name: "", devices: 1 },
		]);
		expect(sharesOf(cause!, "from").map((one) => one.name)).toEqual(["1.0", "0.9"]);
	});

	test("lead to all their devices, as far as a filter may be long", () => {
		const [one] = causesOf([cluster({ filter: "a==1;b==2" })]);
		expect(filterOf(one!)).toBe("a==1;b==2");
		const [two] = causesOf([cluster({ filter: "a==1;b==2" }), cluster({ hardware: "x", filter: "c==3" })]);
		expect(filterOf(two!)).toBe("(a==1;b==2),(c==3)");
		const [long] = causesOf(Array.from({ length: 40 }, (_, i) => cluster({ hardware: `h${i}`, filter: "x".repeat(200) })));
		expect(filterOf(long!)).toBeNull();
	});
});
