// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { envelopeOf, factsOf, lists, versionIn } from "./roles.ts";

const root = JSON.stringify({
	signed: {
		_type: "root",
		version: 3,
		expires: "2030-01-02T03:04:05Z",
		keys: { aa: { keytype: "ed25519" }, bb: { keytype: "ed25519" } },
		"x-ota-demo": true,
		roles: { root: { keyids: ["aa", "bb"], threshold: 2 }, targets: { keyids: ["aa"], threshold: 1 } },
	},
	signatures: [{ keyid: "aa" }, { keyid: "zz" }],
});

describe("roles of the repository", () => {
	test("say who signed, how many must, and until when", () => {
		const envelope = envelopeOf(root, "root");
		expect(factsOf("root", envelope, envelope)).toEqual({
			name: "root",
			version: 3,
			expires_at: Date.UTC(2030, 0, 2, 3, 4, 5),
			signatures: 1,
			threshold: 2,
			keys: [
				{ id: "aa", type: "ed25519", signed: true },
				{ id: "bb", type: "ed25519", signed: false },
			],
			demo: true,
		});
	});

	test("what is something else is refused", () => {
		expect(() => envelopeOf(root, "targets")).toThrow("no metadata");
		expect(() => envelopeOf('{"signed":{"_type":"root","version":1,"expires":"soon"}}', "root")).toThrow("no metadata");
		expect(() => envelopeOf("<html>", "root")).toThrow();
	});

	test("a timestamp names the snapshot that it is of", () => {
		const text = '{"signed":{"_type":"timestamp","version":9,"expires":"2030-01-01T00:00:00Z","meta":{"snapshot.json":{"version":5}}},"signatures":[]}';
		const envelope = envelopeOf(text, "timestamp");
		expect(versionIn(envelope, "snapshot.json")).toBe(5);
		expect(versionIn(envelope, "targets.json")).toBeNull();
		expect(factsOf("timestamp", envelope, envelopeOf(root, "root"))).toMatchObject({ threshold: 0, keys: [] });
	});

	test("the list of releases names a manifest by its hash, or does not", () => {
		const targets = envelopeOf(
			'{"signed":{"_type":"targets","version":2,"expires":"2030-01-01T00:00:00Z","targets":{"release/gateway/1.0.json":{"hashes":{"sha256":"ab"}}}},"signatures":[]}',
			"targets",
		);
		expect([lists(targets, "ab"), lists(targets, "cd")]).toEqual([true, false]);
		expect(lists(envelopeOf(root, "root"), "ab")).toBe(false);
	});
});
