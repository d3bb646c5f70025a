// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { addressOf, href, isPlainClick, loginToken, parse, SCREENS, type Screen } from "./router.ts";

describe("addresses", () => {
	test.each(Object.keys(SCREENS).filter((page) => page !== "unknown") as Screen[])(
		"%s is found by its own address",
		(page) => {
			const id = SCREENS[page].includes(":id") ? "a b/ü" : "";
			const query = { filter: "tag==x;version=lt=2", sort: "-seen" };
			const [path, search] = href(page, id, query).split("?");
			expect(parse(path!, search)).toMatchObject({ page, id, query });
		},
	);

	test("a name goes before a parameter", () => {
		expect(parse("/rollouts/new").page).toBe("new-rollout");
		expect(parse("/rollouts/newer")).toMatchObject({ page: "rollout", id: "newer" });
	});

	test("what is no screen keeps its address", () => {
		for (const path of ["/devices/a/b", "/nope", "/devices/%E0%A4%A"]) {
			expect(parse(path)).toMatchObject({ page: "unknown", path });
			expect(addressOf(parse(path))).toBe(path);
		}
	});

	test("empty parts of a query are left out", () => {
		expect(href("devices", "", { filter: "", sort: undefined, q: "x y" })).toBe("/devices?q=x+y");
	});
});

test("a login token is what a one-time link carries, and nothing else is", () => {
	expect(loginToken("#abcdefgh_-12")).toBe("abcdefgh_-12");
	expect(loginToken("#short")).toBe("");
	expect(loginToken("#<script>alert(1)</script>")).toBe("");
	expect(loginToken("")).toBe("");
});

test("only a plain click is taken over", () => {
	const plain = { button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false, defaultPrevented: false };
	expect(isPlainClick(plain)).toBe(true);
	for (const other of [{ button: 1 }, { metaKey: true }, { ctrlKey: true }, { shiftKey: true }, { altKey: true }, { defaultPrevented: true }])
		expect(isPlainClick({ ...plain, ...other })).toBe(false);
});
