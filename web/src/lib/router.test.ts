// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { href, isPlainClick, loginToken, parse, type Route } from "./router.ts";

describe("addresses", () => {
	test.each<[string, string, Route]>([
		["/", "", { page: "devices", q: "" }],
		["/devices", "", { page: "devices", q: "" }],
		["/devices/", "?q=gw%201", { page: "devices", q: "gw 1" }],
		["/devices/gw-1", "", { page: "device", id: "gw-1" }],
		["/devices/a%2Fb%20c", "", { page: "device", id: "a/b c" }],
		["/releases", "", { page: "releases" }],
		["/rollouts", "", { page: "rollouts" }],
		["/rollouts/ro-1", "", { page: "rollout", id: "ro-1" }],
		["/login", "", { page: "login" }],
		["/devices/a/b", "", { page: "unknown", path: "/devices/a/b" }],
		["/devices/%zz", "", { page: "unknown", path: "/devices/%zz" }],
		["/nothing", "", { page: "unknown", path: "/nothing" }],
	])("%s%s is understood", (path, search, route) => {
		expect(parse(path, search)).toEqual(route);
	});

	test.each<Route>([
		{ page: "devices", q: "" },
		{ page: "devices", q: "a&b=c#d %" },
		{ page: "device", id: "x:1_2.3-4" },
		{ page: "device", id: "../../etc?q#f" },
		{ page: "releases" },
		{ page: "rollouts" },
		{ page: "rollout", id: "a/b" },
		{ page: "login" },
	])("a link to %o leads back to it", (route) => {
		const url = new URL(href(route), "https://ota.example");
		expect(parse(url.pathname, url.search)).toEqual(route);
	});
});

describe("a login link", () => {
	test("carries its token in the fragment", () => {
		expect(loginToken("#abc_DEF-123~.+/=")).toBe("abc_DEF-123~.+/=");
	});
	test.each(["", "#", "#short", "#<script>alert(1)</script>", `#${"x".repeat(513)}`])(
		"with the fragment %s carries none",
		(hash) => expect(loginToken(hash)).toBe(""),
	);
});

test("only a plain click is the console's; all others are the browser's", () => {
	const plain = { button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false, defaultPrevented: false };
	expect(isPlainClick(plain)).toBe(true);
	for (const other of ["metaKey", "ctrlKey", "shiftKey", "altKey", "defaultPrevented"])
		expect(isPlainClick({ ...plain, [other]: true })).toBe(false);
	expect(isPlainClick({ ...plain, button: 1 })).toBe(false);
});
