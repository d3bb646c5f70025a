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
