// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { MOST, readList, writeTokens } from "./csv.ts";

describe("a list of devices", () => {
	test("is read with its columns in any order, quotes, both kinds of line ends and a byte order mark", () => {
		expect(readList('\uFEFFname,id\r\n"Pump, ""north""",gw-1\r\n\r\n,gw-2')).toEqual([
			{ name: 'Pump, "north"', id: "gw-1" },
			{ id: "gw-2" },
		]);
		expect(readList("id,product,hardware\na,gateway,revA\n")).toEqual([{ id: "a", product: "gateway", hardware: "revA" }]);
	});

	test.each([
		["", "empty"],
		["id\n", "empty"],
		["name\nx\n", "no column id"],
		["id,colour\na,b\n", "column colour"],
		["id,id\na,b\n", "twice"],
		["id,name\na,b\nc\n", "line 3: 1 value, 2 columns"],
		['id,name\na,"b\nc\n', "line 2: a quote"],
		['id,name\na,"x\ny"\n,z\n', "line 4: no id"],
		["id\na\nb\na\n", "line 4: a stands twice"],
		[`id\n${Array.from({ length: MOST + 1 }, (_, i) => `d${i}`).join("\n")}`, "ota device add --csv"],
	])("%j is refused: %s", (text, why) => {
		expect(() => readList(text)).toThrow(why);
	});

	test("gives its tokens back as a list", () => {
		expect(writeTokens([{ id: "a", token: "t1" }])).toBe("id,token\r\na,t1\r\n");
	});
});
