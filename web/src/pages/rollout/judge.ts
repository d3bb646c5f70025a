// SPDX-License-Identifier: Apache-2.0
/* Where a rollout stands against its thresholds, in numbers to be drawn. Pure. The server decides by the same
 * counters (docs/ROLLOUTS.md); what it forgave at a resume only it knows. */
import type { Rollout, RolloutPlan, RolloutState, Session, Wave } from "../../lib/types.ts";

export type Action = "start" | "approve" | "pause" | "resume" | "stop" | "rollback";

/** What a person may do in each state; the server has the last word. */
export const ACTIONS: Record<RolloutState, Action[]> = {
	draft: ["start"],
	"awaiting-approval": ["approve", "stop"],
	scheduled: ["pause", "stop"],
	running: ["pause", "stop", "rollback"],
	paused: ["resume", "stop", "rollback"],
	finished: ["rollback"],
	stopped: ["rollback"],
};

export interface Standing {
	members: number;
	offered: number;
	ended: number;
	good: number;
	bad: number;
	success_percent: number; /* of those that did not leave */
	error_percent: number; /* of those that ended */
}

const of = (wave: Wave, ...states: (keyof Wave["counts"])[]) =>
	states.reduce((sum, state) => sum + (wave.counts[state] ?? 0), 0);

export function standingOf(wave: Wave, plan?: RolloutPlan): Standing {
	const good =
		plan?.type === "download-only"
			? of(wave, "proven", "reported", "downloaded")
			: plan?.accepts === "reported"
				? of(wave, "proven", "reported")
				: of(wave, "proven");
	const bad = of(wave, "failed", "rolled-back", "silent", "absent");
	const ended = of(wave, "proven", "reported", "downloaded") + bad;
	const members = of(wave, "members") - of(wave, "cancelled");
	return {
		members,
		good,
		bad,
		ended,
		offered: members - of(wave, "waiting", "absent"),
		success_percent: share(good, members),
		error_percent: share(bad, ended),
	};
}

export function sumOf(waves: Wave[], plan?: RolloutPlan): Standing {
	const all = waves.map((wave) => standingOf(wave, plan));
	const add = (key: keyof Standing) => all.reduce((sum, one) => sum + one[key], 0);
	const [members, offered, ended, good, bad] = [add("members"), add("offered"), add("ended"), add("good"), add("bad")];
	return { members, offered, ended, good, bad, success_percent: share(good, members), error_percent: share(bad, ended) };
}

/** The wave that is judged now: the first that has not passed; the last if all have. */
export function currentWave(waves: Wave[]): Wave | undefined {
	return waves.find((wave) => wave.state !== "passed") ?? waves[waves.length - 1];
}

/** Waves that a person must let begin now. */
export function awaiting(rollout: Rollout): number[] {
	const plan = rollout.plan?.waves ?? [];
	if (rollout.state !== "running" && rollout.state !== "paused" && rollout.state !== "scheduled") return [];
	return (rollout.waves ?? [])
		.filter((wave) => wave.state === "pending" && plan[wave.wave - 1]?.needs_approval && !wave.approved)
		.map((wave) => wave.wave);
}

/** The author may not approve his own rollout, whichever way he came. */
export function isOwn(rollout: Rollout, session: Pick<Session, "user"> | null): boolean {
	return session !== null && rollout.author === session.user;
}

/** 3.14159 -> "3.1 %", 100 -> "100 %". */
export function percentText(n: number): string {
	return `${Number(n.toFixed(n >= 10 || Number.isInteger(n) ? 0 : 1))} %`;
}

/** 10^log10 as people read it: 0.31, 6.2, 624, 4.1e9. */
export function power(log10: number): string {
	if (log10 >= 6 || log10 <= -4) {
		const whole = Math.floor(log10);
		return `${(10 ** (log10 - whole)).toFixed(1)}e${whole}`;
	}
	const value = 10 ** log10;
	return value >= 99.5 ? Math.round(value).toLocaleString("en-GB") : value.toPrecision(2);
}

function share(part: number, whole: number): number {
	return whole > 0 ? (part * 100) / whole : 0;
}
