// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { VersionPoint } from "../../lib/types.ts";
import { seriesOf, stacked } from "./series.ts";

const point = (at: number, version: string, devices: number, product = "gateway"): VersionPoint => ({
	at,
	product,
	version,
	grade: "proven",
	state: "idle",
	devices,
});

describe("versions over time", () => {
	test("are bands by version, in the order of versions, and the present is their end", () => {
		const series = seriesOf([point(1000, "2.10", 1), point(1000, "2.9", 4), point(2000, "2.9", 3)], [point(0, "2.10", 7)], 3000, "gateway");
		expect(series).toEqual({ times: [1, 2, 3], names: ["2.9", "2.10"], counts: [[4, 3, 0], [1, 0, 7]] });
	});

	test("of grades and states of one version are added up", () => {
		const series = seriesOf([point(1000, "1.0", 4), { ...point(1000, "1.0", 2), grade: "reported" }], [], 1000, "gateway");
		expect(series.counts).toEqual([[6]]);
	});

	test("have the rare versions in one band on top, and lose nobody", () => {
		const many = Array.from({ length: 12 }, (_, i) => point(1000, `1.${i}`, 100 - i));
		const series = seriesOf(many, [], 1000, "gateway");
		expect(series.names).toEqual(["1.0", "1.1", "1.2", "1.3", "1.4", "other"]);
		expect(series.counts.flat().reduce((a, b) => a + b)).toBe(many.reduce((sum, one) => sum + one.devices, 0));
	});

	test("of several products are named with them; what is not known is not left out", () => {
		const series = seriesOf([point(1000, "", 2), point(1000, "1.0", 1, "meter")], [], 1000);
		expect(series.names).toEqual(["gateway ?", "meter 1.0"]);
	});

	test("are stacked one upon the other", () => {
		expect(stacked([[1, 2], [3, 4], [5, 6]])).toEqual([[1, 2], [4, 6], [9, 12]]);
		expect(stacked([])).toEqual([]);
	});
});
