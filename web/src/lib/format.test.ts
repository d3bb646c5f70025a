// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { ago, bytes, clock, count, day, exact, percent, short, span } from "./format.ts";

const noon = Date.UTC(2026, 2, 14, 12, 0, 0);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("ago", () => {
	test.each([
		[0, "now"],
		[4_999, "now"],
		[5_000, "5 s ago"],
		[59_999, "59 s ago"],
		[MINUTE, "1 min ago"],
		[HOUR - 1, "59 min ago"],
		[HOUR, "1 h ago"],
		[47 * HOUR, "47 h ago"],
		[48 * HOUR, "2 d ago"],
		[13 * DAY, "13 d ago"],
		[14 * DAY, "28 Feb 2026"],
	])("%i ms in the past reads %s", (past, text) => {
		expect(ago(noon - past, noon, "UTC")).toBe(text);
	});
	test("a device's clock a little ahead is now, not the future", () => {
		expect(ago(noon + 30 * SECOND, noon)).toBe("now");
	});
	test("a time well ahead is said to be ahead", () => {
		expect(ago(noon + 3 * HOUR, noon)).toBe("in 3 h");
	});
});

test("a span is whole units and never negative", () => {
	expect(span(-5)).toBe("0 s");
	expect(span(90 * SECOND)).toBe("1 min");
	expect(span(400 * DAY)).toBe("400 d");
});

test("times are in the zone asked for, across the change to summer time", () => {
	const beforeChange = Date.UTC(2026, 2, 29, 0, 59, 59);
	expect(exact(beforeChange, "Europe/Berlin")).toBe("29 Mar 2026, 01:59:59 CET");
	expect(exact(beforeChange + SECOND, "Europe/Berlin")).toBe("29 Mar 2026, 03:00:00 CEST");
	expect(day(Date.UTC(2026, 0, 1, 2), "America/New_York")).toBe("31 Dec 2025");
	expect(clock(noon, "Asia/Kolkata")).toBe("17:30:00");
});

test.each([
	[0, "0 B"],
	[1023, "1023 B"],
	[1024, "1.00 KiB"],
	[10 * 1024, "10.0 KiB"],
	[1024 * 1024 - 1, "1.00 MiB"],
	[3_912_704, "3.73 MiB"],
	[150 * 1024 ** 2, "150 MiB"],
	[5 * 1024 ** 4, "5.00 TiB"],
	[5000 * 1024 ** 4, "5000 TiB"],
])("%i octets read %s", (n, text) => {
	expect(bytes(n)).toBe(text);
});

test("percent is whole and inside 0..100 whatever came", () => {
	expect([-3, 0, 41.6, 100, 250, NaN, Infinity, null, undefined].map(percent)).toEqual([
		0, 0, 42, 100, 100, 0, 0, 0, 0,
	]);
});

test("a digest's head, and nothing for no digest", () => {
	expect(short("0123456789abcdef", 4)).toBe("0123");
	expect(short(null)).toBe("");
});

test("one device, two devices, thousands with a comma", () => {
	expect(count(1, "device", "devices")).toBe("1 device");
	expect(count(100_000, "device", "devices")).toBe("100,000 devices");
});
