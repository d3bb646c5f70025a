// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { parseMetrics, rateOf, sumOf } from "./metrics.ts";

const TEXT = `# HELP ota_fleet_devices Devices.
# TYPE ota_fleet_devices gauge
ota_fleet_devices{tenant="default",product="gate\\"way",state="idle"} 12
ota_fleet_devices{tenant="default",product="a\\\\b\\nc",state="failed"} 3 1700000000000
ota_disk_free_bytes 1.5e+09
ota_up +Inf
not a line at all {
ota_broken abc
`;

describe("the server's counters", () => {
	test("are read with their labels; what is no line is passed over", () => {
		const samples = parseMetrics(TEXT);
		expect(samples.map((one) => one.name)).toEqual([
			"ota_fleet_devices",
			"ota_fleet_devices",
			"ota_disk_free_bytes",
			"ota_up",
		]);
		expect(samples[0]!.labels).toEqual({ tenant: "default", product: 'gate"way', state: "idle" });
		expect(samples[1]!.labels["product"]).toBe("a\\b\nc");
		expect(samples[2]!.value).toBe(1.5e9);
	});

	test("are summed by their labels; what is not there is not nothing", () => {
		const samples = parseMetrics(TEXT);
		expect(sumOf(samples, "ota_fleet_devices")).toBe(15);
		expect(sumOf(samples, "ota_fleet_devices", { state: "failed" })).toBe(3);
		expect(sumOf(samples, "ota_fleet_devices", { state: "lost" })).toBeNull();
	});

	test("become rates; a server that began anew counts from nothing", () => {
		expect(rateOf({ at: 0, total: 10 }, { at: 2000, total: 30 })?.perSecond).toBe(10);
		expect(rateOf({ at: 0, total: 1000 }, { at: 2000, total: 30 })?.perSecond).toBe(15);
		expect(rateOf({ at: 5, total: 1 }, { at: 5, total: 2 })).toBeNull();
	});
});
