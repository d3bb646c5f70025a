// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { command, quote } from "./command.ts";

test("what a shell reads is what was meant", () => {
	for (const word of ["plain", "a b", "it's", "$(id)", "`id`", "a\\b", '"', "", "!x", "*", "~", "new\nline", "id==*;x"]) {
		expect(execFileSync("/bin/sh", ["-c", `printf %s ${quote(word)}`], { encoding: "utf8" })).toBe(word);
	}
});

test("options that say nothing are left out", () => {
	expect(command("group", "create", "north", { filter: "site==N", about: "", static: true, force: false })).toBe(
		"ota group create north --filter site==N --static",
	);
});

test("a list is its option once for each, and null empties what it names", () => {
	expect(command("user", "set", "ann", { group: ["a", "b c"] })).toBe("ota user set ann --group a --group 'b c'");
	expect(command("device", "set", "x", { name: null, site: "north" })).toBe("ota device set x --name '' --site north");
});
