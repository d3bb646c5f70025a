// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import type { Release } from "../../lib/types.ts";
import { openBundle } from "./bundle.ts";
import { floorOf } from "./floor.ts";
import { pack, SIGNED } from "./sample.ts";
import { stepsOf, type Way } from "./steps.ts";

const bundle = await openBundle(new Blob([pack(SIGNED)]));
const states = (way: Way) => Object.fromEntries(stepsOf(bundle, way).map((one) => [one.id, one.state]));

describe("the steps of an upload", () => {
	test("are passed up to the one under way", () => {
		expect(states({ stage: "send", ended: "" })).toMatchObject({ hash: "passed", send: "running", keep: "waiting", manifest: "waiting", store: "waiting" });
	});

	test("leave out what does not concern the release", () => {
		const ids = Object.keys(states({ stage: "hash", ended: "" }));
		expect(ids).toEqual(["hash", "send", "keep", "manifest", "payload", "signatures", "list", "sign", "device", "store"]);
		expect(Object.keys(states({ stage: "root", ended: "" }))).toContain("root");
	});

	test("of a refusal are passed before, refused at it, and not reached behind", () => {
		const checks = [{ step: "manifest", text: "gateway 2.0.0" }, { step: "payload", text: "9 chunks" }];
		const way: Way = { stage: "publish", ended: "failed", why: "the signature is wrong", step: "signatures", checks };
		expect(states(way)).toMatchObject({ keep: "passed", manifest: "passed", payload: "passed", signatures: "failed", list: "unreached", store: "unreached" });
		const all = stepsOf(bundle, way);
		expect(all.find((one) => one.id === "payload")!.text).toBe("9 chunks");
		expect(all.find((one) => one.id === "signatures")!.text).toBe("the signature is wrong");
	});

	test("of a failure that names no step end where the server began", () => {
		expect(states({ stage: "publish", ended: "failed", why: "busy" })).toMatchObject({ keep: "passed", manifest: "failed", store: "unreached" });
		expect(states({ stage: "send", ended: "failed", why: "gone" })).toMatchObject({ hash: "passed", send: "failed", manifest: "unreached" });
	});
});

test("the floor is what the product's releases have raised it to", () => {
	const release = (product: string, version: string, raise_floor_to: number) => ({ product, version, raise_floor_to }) as Release;
	const all = [release("gateway", "2.0", 3), release("gateway", "1.0", 1), release("meter", "9", 9), release("gateway", "2.1", 0)];
	expect(floorOf(all, "gateway")).toEqual({ floor: 3, at: "2.0" });
	expect(floorOf(all, "none")).toBeNull();
	expect(floorOf([release("gateway", "1", 0)], "gateway")).toBeNull();
});
