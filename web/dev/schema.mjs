// SPDX-License-Identifier: Apache-2.0
/*
 * npm run schema: docs/openapi/*.json as TypeScript, src/lib/schema.ts: an interface for each schema, and for
 * each operation of the management API its method, path, who may call it, and the types of its query, body and
 * answer. `node dev/schema.mjs --check` fails if the file is not what the documents say.
 *
 * It takes the part of JSON Schema that the documents use, and refuses what it does not know: a type that is
 * silently wider than the document would be worse than none.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const METHODS = ["get", "put", "post", "delete", "patch"];
const WORDS = new Set([
	"type", "enum", "const", "oneOf", "anyOf", "allOf", "$ref", "properties", "required", "items", "additionalProperties",
	"description", "minimum", "maximum", "minLength", "maxLength", "pattern", "default", "minItems", "maxItems", "format",
	"examples", "title", "exclusiveMinimum", "propertyNames", "maxProperties", "minProperties", "uniqueItems", "prefixItems",
	"contentEncoding", "contentMediaType", "deprecated", "example", "not", "multipleOf", "exclusiveMaximum", "if", "then",
]);
const SIMPLE = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

/** All files as one document: {paths, schemas, parameters, responses}. */
export function read(directory) {
	const whole = { paths: {}, schemas: {}, parameters: {}, responses: {}, requestBodies: {} };
	for (const name of readdirSync(directory).filter((one) => one.endsWith(".json")).sort()) {
		const part = JSON.parse(readFileSync(directory + name, "utf8"));
		Object.assign(whole.paths, part.paths);
		for (const kind of Object.keys(whole)) if (kind !== "paths") Object.assign(whole[kind], part.components?.[kind]);
	}
	return whole;
}

const last = (ref) => ref.slice(ref.lastIndexOf("/") + 1);
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** One schema as a TypeScript type. */
export function typeOf(schema, pad = "") {
	const unknown = Object.keys(schema).filter((word) => !WORDS.has(word));
	if (unknown.length) throw new Error(`dev/schema.mjs does not know "${unknown[0]}" in ${JSON.stringify(schema)}`);
	if (schema.$ref) return last(schema.$ref);
	if ("const" in schema) return JSON.stringify(schema.const);
	if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
	const choices = schema.oneOf ?? schema.anyOf;
	if (choices) {
		const { oneOf: _, anyOf: __, ...base } = schema;
		const types = [...new Set(choices.map((one) => typeOf({ ...inherited(base, one), ...one }, pad)))];
		return types.join(" | ");
	}
	if (schema.allOf) return schema.allOf.map((one) => typeOf(one, pad)).join(" & ");
	if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, pad)).join(" | ");
	if (schema.type === "array") return `${wrapped(typeOf(schema.items ?? {}, pad))}[]`;
	if (schema.type === "object" || schema.properties) return objectOf(schema, pad);
	return SIMPLE[schema.type] ?? "unknown";
}

/* A choice of an object's members ("one of these is required") is a choice of the whole object. */
function inherited(base, choice) {
	return base.properties && !choice.$ref && choice.type !== "null" ? base : {};
}

const wrapped = (type) => (/^[\w."]+$/.test(type) || type.startsWith("{") ? type : `(${type})`);

function objectOf(schema, pad) {
	const required = new Set(schema.required ?? []);
	const inner = `${pad}\t`;
	const members = Object.entries(schema.properties ?? {}).map(([name, one]) => {
		const said = one.description && !one.$ref ? `${inner}/** ${one.description.replace(/\*\//g, "* /")} */\n` : "";
		return `${said}${inner}${key(name)}${required.has(name) ? "" : "?"}: ${typeOf(one, inner)};\n`;
	});
	const more = schema.additionalProperties;
	if (more && typeof more === "object" && members.length === 0) return `Record<string, ${typeOf(more, pad)}>`;
	if (members.length === 0) return "Record<string, unknown>";
	return `{\n${members.join("")}${pad}}`;
}

const jsonOf = (content) => content?.["application/json"]?.schema;

function queryOf(whole, operation) {
	const all = (operation.parameters ?? []).map((one) => (one.$ref ? whole.parameters[last(one.$ref)] : one));
	const query = all.filter((one) => one.in === "query");
	const properties = Object.fromEntries(query.map((one) => [one.name, one.schema]));
	return query.length ? objectOf({ properties }, "\t\t") : "Record<string, never>";
}

function answerOf(whole, operation) {
	const [, answer] = Object.entries(operation.responses).find(([status]) => status.startsWith("2")) ?? [];
	const found = answer?.$ref ? whole.responses[last(answer.$ref)] : answer;
	const schema = jsonOf(found?.content);
	return schema ? typeOf(schema, "\t\t") : found?.content ? "unknown" : "undefined";
}

function mayOf(permission) {
	const [role] = permission.split(" | ");
	return { ANYBODY: "anybody" }[role] ?? role.replace("MAY_", "").toLowerCase();
}

/** The whole file. */
export function generate(whole) {
	const schemas = Object.entries(whole.schemas).map(([name, one]) => {
		const said = one.description ? `/** ${one.description} */\n` : "";
		const type = typeOf(one);
		return `${said}${type.startsWith("{") ? `export interface ${name} ${type}` : `export type ${name} = ${type};`}\n`;
	});
	const rows = [];
	const calls = [];
	for (const [path, item] of Object.entries(whole.paths)) {
		if (!path.startsWith("/api/v1/")) continue;
		for (const method of METHODS.filter((one) => item[one])) {
			const operation = item[method];
			const at = path.slice("/api/v1".length);
			rows.push(`\t${operation.operationId}: ["${method.toUpperCase()}", "${at}", "${mayOf(operation["x-permission"])}"],\n`);
			const asked = operation.requestBody && jsonOf(operation.requestBody.content);
			calls.push(
				`\t/** ${operation.summary} */\n\t${operation.operationId}: {\n` +
					`\t\tquery: ${queryOf(whole, operation)};\n` +
					`\t\tbody: ${asked ? typeOf(asked, "\t\t") : "undefined"};\n` +
					`\t\tanswer: ${answerOf(whole, operation)};\n\t};\n`,
			);
		}
	}
	return (
		"// SPDX-License-Identifier: Apache-2.0\n" +
		"/* Generated from docs/openapi by `npm run schema`: do not edit. */\n\n" +
		`${schemas.join("\n")}\n` +
		"/** Method, path below /api/v1, and who may call it. */\n" +
		`export const operations = {\n${rows.join("")}} as const;\n\n` +
		`export interface Calls {\n${calls.join("")}}\n`
	);
}

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const file = here("../src/lib/schema.ts");
	const text = generate(read(here("../../docs/openapi/")));
	if (process.argv.includes("--check")) {
		if (readFileSync(file, "utf8") !== text) {
			console.error("src/lib/schema.ts is not what docs/openapi says: npm run schema");
			process.exit(1);
		}
	} else writeFileSync(file, text);
}
