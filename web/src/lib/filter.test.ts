// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { around, beginning, fault, isFilter, ofIds, pattern, read, text, write, type Flat } from "./filter.ts";

describe("a value in a filter", () => {
	test.each([
		["plain-1.0", "plain-1.0"],
		["two words", "'two words'"],
		["it's", "'it\\'s'"],
		["a*b", "'a\\*b'"],
		["a\\b", "'a\\\\b'"],
		["a;b", "'a;b'"],
		["", "''"],
		["and", "'and'"],
		["<img src=x>", "'<img src=x>'"],
	])("%s is written %s and means itself", (value, written) => {
		expect(text(value)).toBe(written);
		if (!value.includes("*")) expect(read(`name==${written}`)?.tests[0]?.value).toBe(value);
	});

	test("may be a pattern where it is meant to be one", () => {
		expect(pattern("EC25*")).toBe("EC25*");
		expect(pattern("EC 25*")).toBe("'EC 25\\*'");
	});

	test("is what words begin with", () => {
		expect(beginning("gw-1")).toBe("id==gw-1*,name==gw-1*");
		expect(beginning("north gate")).toBe("id=='north gate*',name=='north gate*'");
	});
});

describe("the builder", () => {
	const flats: Flat[] = [
		{ any: false, tests: [{ field: "tag", operator: "==", value: "pilot" }, { field: "version", operator: "=lt=", value: "2.1.0" }] },
		{ any: true, tests: [{ field: "lastseen", operator: "=lt=", value: "-7d" }, { field: "lastseen", operator: "==", value: "never" }] },
		{ any: false, tests: [{ field: "attribute.modem", operator: "==", value: "EC25*" }] },
		{ any: false, tests: [{ field: "component.modem", operator: "=lt=", value: "1.10" }] },
		{ any: false, tests: [{ field: "site", operator: "!=", value: "" }] },
		{ any: false, tests: [] },
	];
	test.each(flats)("reads what it wrote: $tests.length tests", (flat) => expect(read(write(flat))).toEqual(flat));

	test("reads signs as operators", () => {
		expect(read("version<2 ; version >= 1")).toBeNull();
		expect(read("version<2 ; version>=1")?.tests.map((one) => one.operator)).toEqual(["=lt=", "=ge="]);
	});

	test.each(["(a==b)", "a==b;c==d,e==f", "a=in=(b,c)", "a==b;", "a==", "a", "name=='a*'", "a==b or c==d"])(
		"leaves %s to who wrote it",
		(filter) => expect(read(filter)).toBeNull(),
	);

	test("leaves out a test whose field is not chosen yet", () => {
		expect(write({ any: false, tests: [{ field: "attribute.", operator: "==", value: "x" }] })).toBe("");
	});
});

describe("a fault", () => {
	test("is at the server's column", () => {
		expect(fault('filter: column 14: "lost" is no state')).toEqual({ column: 14, sentence: '"lost" is no state' });
		expect(fault("the server is busy")).toBeNull();
	});
	test("is shown with the word that is there", () => {
		expect(around("tag==a;state==lost;x", 15)).toEqual(["tag==a;state==", "lost", ";x"]);
		expect(around("ü==a", 3)).toEqual(["ü=", "=", "a"]);
		expect(around("abc", 9)).toEqual(["abc", "", ""]);
		expect(around("", 1)).toEqual(["", "", ""]);
	});
});

test("words are searched for, filters filter", () => {
	for (const words of ["gw-1", "North gate", "1.0.0", "*", ""]) expect(isFilter(words)).toBe(false);
	for (const filter of ["tag==x", "version<2", "id!=a", "state="]) expect(isFilter(filter)).toBe(true);
});

test("many chosen devices are named by filters that the server takes", () => {
	const ids = Array.from({ length: 450 }, (_, i) => `device-with-a-longer-name-${i}`);
	const filters = ofIds(ids);
	expect(filters.every((one) => one.length < 4096 && one.split(",").length <= 256)).toBe(true);
	const named = filters.flatMap((one) => one.slice("id=in=(".length, -1).split(","));
	expect(named).toEqual(ids);
	expect(ofIds([])).toEqual([]);
});
