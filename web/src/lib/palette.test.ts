// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { fit, rank, type Found } from "./palette.ts";

const found = (label: string): Found => ({ label, hint: "", run: () => {} });
const labels = (all: Found[]) => all.map((one) => one.label);

test("what begins with the words is before what has them inside, and all words must be there", () => {
	expect(fit("rel", "Releases")).toBe(3);
	expect(fit("2.0", "gateway 2.0.0")).toBe(1);
	expect(fit("north", "The north gate")).toBe(2);
	expect(fit("gate north", "The north gate")).toBe(2);
	expect(fit("gate south", "The north gate")).toBe(0);
	expect(labels(rank("re", [found("Core"), found("Releases"), found("the rest")], []))).toEqual(["Releases", "the rest", "Core"]);
});

test("without words all that is known is shown in its order", () => {
	expect(labels(rank(" ", [found("B"), found("A")], [found("gw-1")]))).toEqual(["B", "A"]);
});

test("what the server found always has its place", () => {
	const known = Array.from({ length: 40 }, (_, i) => found(`a ${i}`));
	const all = labels(rank("a", known, [found("device a")]));
	expect(all.length).toBe(24);
	expect(all.at(-1)).toBe("device a");
});
