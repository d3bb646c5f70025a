// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { cell, csvOf } from "./csv.ts";

test("cells are quoted where they must be, and none is computed", () => {
	expect(["plain", 'say "x"', "a,b", "a\nb", "=1+1", "-2", "@x", ""].map(cell)).toEqual([
		"plain",
		'"say ""x"""',
		'"a,b"',
		'"a\nb"',
		"'=1+1",
		"'-2",
		"'@x",
		"",
	]);
});

test("entries are rows below their names", () => {
	const entry = { entry: 3, at: 0, tenant: "default", kind: "user", who: "ann", role: "admin", action: "freeze.set", object: "freeze", detail: "=cmd", request: "r", address: "::1" } as const;
	expect(csvOf([entry])).toBe(
		"entry,at,tenant,kind,who,role,action,object,detail,request,address\r\n3,1970-01-01T00:00:00.000Z,default,user,ann,admin,freeze.set,freeze,'=cmd,r,::1\r\n",
	);
});
