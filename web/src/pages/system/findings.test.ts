// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { findingsOf } from "./findings.ts";

const DAY = 86_400_000;
const now = 1_800_000_000_000;
const good = { store: "ok", signer: "ok" };
const sample = (name: string, value: number) => ({ name, labels: {}, value });

describe("findings", () => {
	test("are ok where all is well, and have nothing to mend", () => {
		const all = findingsOf(good, [sample("ota_disk_free_bytes", 5e9), sample("ota_disk_size_bytes", 9e9), sample("ota_cert_expires_seconds", 60 * 86400)], [{ name: "root", expires_at: now + 90 * DAY }], now);
		expect(all.map((one) => one.grade)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
		expect(all.every((one) => one.fix === "")).toBe(true);
	});

	test("say what is wrong and what to do", () => {
		const all = findingsOf({ store: "failing", signer: "failing" }, [sample("ota_disk_free_bytes", 1e6), sample("ota_cert_expires_seconds", -5)], [{ name: "timestamp", expires_at: now - 1 }, { name: "root", expires_at: now + 59 * DAY }], now);
		expect(all.map((one) => one.grade)).toEqual(["fault", "fault", "fault", "fault", "fault", "warning"]);
		expect(all.slice(1).every((one) => one.fix !== "")).toBe(true);
	});

	test("a figure that is not there is no finding, and no repository is one", () => {
		expect(findingsOf(good, [], [], now).map((one) => one.grade)).toEqual(["ok", "ok", "warning"]);
	});
});
