// SPDX-License-Identifier: Apache-2.0
import glossary from "virtual:glossary";
import { describe, expect, test } from "vitest";
import { termsOf } from "./glossary.mjs";
import { generate, typeOf } from "./schema.mjs";

describe("the glossary", () => {
	test("comes from the document, each term by its own name", () => {
		expect(glossary["wave"]).toMatch(/^A part of a rollout/);
		expect(glossary["silent"]).toBe(glossary["absent"]);
		expect(glossary["proven"]).toBe(glossary["reported"]);
	});
	test("takes the table alone", () => {
		expect(termsOf("# T\n\ntext\n\n| term | meaning |\n|---|---|\n| a, b | `x` of y | z |\n")).toEqual({
			a: "X of y",
			b: "X of y",
		});
	});
});

describe("types from the OpenAPI document", () => {
	test("say what the schema says", () => {
		expect(typeOf({ type: ["string", "null"] })).toBe("string | null");
		expect(typeOf({ type: "array", items: { enum: ["a", "b"] } })).toBe('("a" | "b")[]');
		expect(typeOf({ type: "object", required: ["a"], properties: { a: { $ref: "#/x/A" }, "b-c": { type: "integer" } } })).toBe(
			'{\n\ta: A;\n\t"b-c"?: number;\n}',
		);
		expect(typeOf({ type: "object", additionalProperties: { type: ["string", "null"] } })).toBe(
			"Record<string, string | null>",
		);
	});
	test("refuse a word that they do not know", () => {
		expect(() => typeOf({ type: "object", patternProperties: {} })).toThrow("patternProperties");
	});
	test("name each operation's method, path and who may call it", () => {
		const text = generate({
			schemas: {},
			parameters: {},
			responses: {},
			paths: {
				"/api/v1/x/{id}": {
					put: { operationId: "x_put", summary: "S", "x-permission": "MAY_OPERATE | FRESH", responses: { 204: {} } },
				},
				"/{tenant}/controller": { get: {} },
			},
		});
		expect(text).toContain('x_put: ["PUT", "/x/{id}", "operate"]');
		expect(text).not.toContain("tenant");
	});
});
