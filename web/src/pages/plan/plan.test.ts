// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { commandOf, emptyForm, leastTime, missingIn, planOf, PRESETS, wave, type PlanForm } from "./plan.ts";

const form = (fields: Partial<PlanForm> = {}): PlanForm => ({
	...emptyForm("Europe/Berlin"),
	name: " spring ",
	release: "0123456789abcdef",
	waves: PRESETS["quick"]!(),
	...fields,
});

describe("the wizard's plan", () => {
	test("has each thing that was asked, in the API's units", () => {
		const plan = planOf(
			form({
				selection: " product==gateway ",
				type: "time-forced",
				forceAt: "2030-01-01T00:00Z",
				startAt: "2029-12-01T00:00Z",
				daily: true,
				days: ["sat", "sun"],
				inFlight: "50",
				perSite: "2",
				deltaHours: "1.5",
				egressMib: "1.5",
				stratify: "site",
				gate: false,
				waves: [wave("filter", " tag==lab ", { approval: true, soakHours: 1.5 }), wave("count", "20"), wave("percent", "12.5")],
			}),
		);
		expect(plan).toMatchObject({
			name: "spring",
			selection: "product==gateway",
			force_at: Date.UTC(2030, 0, 1),
			start_at: Date.UTC(2029, 11, 1),
			windows: { zone: "Europe/Berlin", open: [{ days: ["sat", "sun"], from: "22:00", to: "04:00" }] },
			limits: { in_flight: 50, per_site: 2, egress_bytes_per_s: 1572864 },
			delta_wait_ms: 5_400_000,
			stratify_by: "site",
			gate: null,
		});
		expect(plan.waves?.[0]).toEqual({
			filter: "tag==lab",
			success_percent: 95,
			error_percent: 5,
			min_finished: 10,
			deadline_ms: 86_400_000,
			soak_ms: 5_400_000,
			needs_approval: true,
		});
		expect(plan.waves?.slice(1).map((one) => one.count ?? one.percent)).toEqual([20, 12.5]);
	});

	test("leaves out what was not asked", () => {
		const plan = planOf(form());
		for (const key of ["delta_wait_ms", "limits", "windows", "start_at", "force_at", "stratify_by"]) expect(plan).not.toHaveProperty(key);
		expect(plan.gate).toEqual({ alpha_percent: 1, baseline_percent: 1 });
		const window = planOf(form({ daily: true })).windows as { open: object[] };
		expect(window.open).toEqual([{ from: "22:00", to: "04:00" }]);
	});

	test("is missing what it cannot be without", () => {
		expect(missingIn(form())).toEqual([]);
		expect(missingIn(form({ name: " ", release: "", waves: [] }))).toEqual(["name", "release", "waves"]);
		expect(missingIn(form({ name: "ä".repeat(33) }))).toEqual(["name"]);
		expect(missingIn(form({ type: "time-forced" }))).toEqual(["forceAt"]);
		for (const bad of [wave("count", "1.5"), wave("percent", "101"), wave("filter", " "), wave("count", "0"), wave("count", "")])
			expect(missingIn(form({ waves: [bad] }))).toEqual(["waves"]);
	});
});

describe("the wizard's command", () => {
	test("says it with options where they suffice", () => {
		expect(commandOf(form({ selection: "site==north;version=lt=2", accepts: "reported", approvals: 1, type: "forced" }))).toBe(
			"ota rollout create --name spring --release 0123456789abcdef --filter 'site==north;version=lt=2' --waves 10%,100% --deadline 24h --accept-reported --force --approvals 1",
		);
	});

	test.each([
		{ waves: [wave("filter", "tag==lab")] },
		{ waves: PRESETS["careful"]!() },
		{ priority: 70 },
		{ daily: true },
		{ gate: false },
		{ type: "download-only" as const },
		{ inFlight: "5" },
		{ deltaHours: "2" },
	])("else puts the plan into a file, quoted for the shell: %o", (fields) => {
		const text = commandOf(form({ name: "it's", ...fields }));
		expect(text).toContain("ota rollout create plan.json");
		expect(text).toContain(`it'\\''s`);
	});
});

test("the least time is what egress and soak times ask for", () => {
	const preview = { waves: [], devices: 10, bytes: 10 * 1024 * 1024, left_out: { incompatible: 0, up_to_date: 0, pinned: 0, no_wave: 0 } };
	expect(leastTime(planOf(form()), preview)).toBe(0);
	expect(leastTime(planOf(form({ egressMib: "1" })), preview)).toBe(10_000);
	expect(leastTime(planOf(form({ waves: PRESETS["careful"]!() })), preview)).toBe(4 * 3_600_000);
});
