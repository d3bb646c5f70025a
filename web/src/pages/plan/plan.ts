// SPDX-License-Identifier: Apache-2.0
/* What the wizard asks, and the plan that follows from it (docs/API.md, "The plan of a rollout"). Pure. */
import { command, quote } from "../../lib/command.ts";
import type { RolloutPlan, RolloutPreview } from "../../lib/types.ts";

const HOUR = 3_600_000;

export interface WaveForm {
	kind: "count" | "percent" | "filter";
	value: string;
	success: number;
	errors: number;
	minFinished: number;
	soakHours: number;
	deadlineHours: number;
	approval: boolean;
}

export interface PlanForm {
	name: string;
	release: string;
	selection: string;
	type: NonNullable<RolloutPlan["type"]>;
	forceAt: string; /* as <input type="datetime-local"> has it, in the viewer's zone */
	startAt: string;
	accepts: "proven" | "reported";
	consent: boolean;
	waves: WaveForm[];
	daily: boolean;
	days: string[];
	from: string;
	to: string;
	zone: string;
	inFlight: string;
	perSite: string;
	egressMib: string;
	deltaHours: string;
	priority: number;
	approvals: number;
	stratify: string;
	late: "stay-out" | "last-wave";
	gate: boolean;
	baseline: number;
	alpha: number;
}

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export function wave(kind: WaveForm["kind"], value: string, more: Partial<WaveForm> = {}): WaveForm {
	return { kind, value, success: 95, errors: 5, minFinished: 10, soakHours: 0, deadlineHours: 24, approval: false, ...more };
}

export const PRESETS: Record<string, () => WaveForm[]> = {
	careful: () => [
		wave("count", "5", { success: 100, errors: 0, minFinished: 1, soakHours: 2, approval: true }),
		wave("percent", "1", { soakHours: 1 }),
		wave("percent", "10", { soakHours: 1 }),
		wave("percent", "100"),
	],
	quick: () => [wave("percent", "10"), wave("percent", "100")],
	once: () => [wave("percent", "100")],
};

export function emptyForm(zone: string): PlanForm {
	return {
		name: "",
		release: "",
		selection: "",
		type: "soft",
		forceAt: "",
		startAt: "",
		accepts: "proven",
		consent: false,
		waves: PRESETS["careful"]!(),
		daily: false,
		days: [...DAYS],
		from: "22:00",
		to: "04:00",
		zone,
		inFlight: "",
		perSite: "",
		egressMib: "",
		deltaHours: "",
		priority: 50,
		approvals: 0,
		stratify: "",
		late: "stay-out",
		gate: true,
		baseline: 1,
		alpha: 1,
	};
}

export type Missing = "name" | "release" | "waves" | "forceAt";

/** What the form lacks; all else is the server's to judge. */
export function missingIn(form: PlanForm): Missing[] {
	const missing: Missing[] = [];
	const name = new TextEncoder().encode(form.name.trim()).length;
	if (name < 1 || name > 64) missing.push("name");
	if (form.release === "") missing.push("release");
	if (form.type === "time-forced" && form.forceAt === "") missing.push("forceAt");
	if (form.waves.length === 0 || form.waves.some((one) => !isWhole(one))) missing.push("waves");
	return missing;
}

function isWhole(one: WaveForm): boolean {
	const value = one.value.trim();
	if (one.kind === "filter") return value !== "";
	const n = Number(value);
	return value !== "" && Number.isFinite(n) && n > 0 && (one.kind === "percent" ? n <= 100 : Number.isInteger(n));
}

export function planOf(form: PlanForm): RolloutPlan {
	const plan: RolloutPlan = {
		name: form.name.trim(),
		release: form.release,
		selection: form.selection.trim(),
		accepts: form.accepts,
		type: form.type,
		late_joiners: form.late,
		priority: form.priority,
		approvals: form.approvals,
		needs_consent: form.consent,
		waves: form.waves.map(waveOf),
		gate: form.gate ? { alpha_percent: form.alpha, baseline_percent: form.baseline } : null,
	};
	if (form.type === "time-forced") plan.force_at = Date.parse(form.forceAt);
	if (form.startAt !== "") plan.start_at = Date.parse(form.startAt);
	if (form.stratify.trim() !== "") plan.stratify_by = form.stratify.trim();
	if (Number(form.deltaHours) > 0) plan.delta_wait_ms = Math.round(Number(form.deltaHours) * HOUR);
	const limits = limitsOf(form);
	if (Object.keys(limits).length > 0) plan.limits = limits;
	if (form.daily) plan.windows = windowsOf(form);
	return plan;
}

function waveOf(one: WaveForm): NonNullable<RolloutPlan["waves"]>[number] {
	const value = one.value.trim();
	return {
		...(one.kind === "filter" ? { filter: value } : one.kind === "count" ? { count: Number(value) } : { percent: Number(value) }),
		success_percent: one.success,
		error_percent: one.errors,
		min_finished: one.minFinished,
		deadline_ms: Math.round(one.deadlineHours * HOUR),
		soak_ms: Math.round(one.soakHours * HOUR),
		needs_approval: one.approval,
	};
}

function limitsOf(form: PlanForm): NonNullable<RolloutPlan["limits"]> {
	const limits: NonNullable<RolloutPlan["limits"]> = {};
	if (Number(form.inFlight) > 0) limits.in_flight = Number(form.inFlight);
	if (Number(form.perSite) > 0) limits.per_site = Number(form.perSite);
	if (Number(form.egressMib) > 0) limits.egress_bytes_per_s = Math.round(Number(form.egressMib) * 1024 * 1024);
	return limits;
}

function windowsOf(form: PlanForm): Record<string, unknown> {
	const days = DAYS.filter((day) => form.days.includes(day));
	const hours = { from: form.from, to: form.to };
	return { zone: form.zone, open: [days.length === 7 || days.length === 0 ? hours : { days, ...hours }] };
}

/** The `ota` command that does the same; what its options cannot say goes in a file. */
export function commandOf(form: PlanForm): string {
	const plan = planOf(form);
	const first = form.waves[0];
	const isPlain =
		form.waves.every((one) => one.kind !== "filter" && same(one, first!)) &&
		form.type !== "time-forced" &&
		form.type !== "download-only" &&
		!plan.limits &&
		!plan.windows &&
		!plan.start_at &&
		!plan.stratify_by &&
		!plan.needs_consent &&
		!plan.delta_wait_ms &&
		form.priority === 50 &&
		form.late === "stay-out" &&
		form.gate &&
		form.alpha === 1 &&
		form.baseline === 1;
	if (!isPlain) return `echo ${quote(JSON.stringify(plan))} > plan.json && ota rollout create plan.json`;
	return command("rollout", "create", {
		name: plan.name,
		release: plan.release,
		filter: plan.selection,
		waves: form.waves.map((one) => one.value.trim() + (one.kind === "percent" ? "%" : "")).join(","),
		deadline: `${first!.deadlineHours}h`,
		soak: first!.soakHours > 0 ? `${first!.soakHours}h` : "",
		"accept-reported": form.accepts === "reported",
		force: form.type === "forced",
		approvals: form.approvals > 0 ? form.approvals : "",
	});
}

/* But for how many they take. What an option of the command has no word for must be as the server has it by itself. */
function same(one: WaveForm, first: WaveForm): boolean {
	return (
		one.soakHours === first.soakHours &&
		one.deadlineHours === first.deadlineHours &&
		one.success === 95 &&
		one.errors === 5 &&
		one.minFinished === 10 &&
		!one.approval
	);
}

/** The least time until the last wave ends, in ms: what limits of egress and soak times ask for; 0: neither says. */
export function leastTime(plan: RolloutPlan, preview: RolloutPreview): number {
	const rate = plan.limits?.egress_bytes_per_s ?? 0;
	const sending = rate > 0 ? (preview.bytes / rate) * 1000 : 0;
	const soaking = (plan.waves ?? []).reduce((sum, one) => sum + (one.soak_ms ?? 0), 0);
	return sending + soaking;
}
