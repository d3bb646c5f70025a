// SPDX-License-Identifier: Apache-2.0
/* Which colour and sign a state has, the same on every screen: ok (check), busy (ring), warn (arrow back or
 * exclamation), bad (cross), off (dash). */
export type Tone = "ok" | "busy" | "warn" | "bad" | "off";

const TONES: Record<Tone, readonly string[]> = {
	ok: ["idle", "confirmed", "downloaded", "finished", "passed", "done", "proven", "reported", "active"],
	busy: ["updating", "assigned", "downloading", "installing", "rebooting", "running", "soaking", "scheduled", "in-flight"],
	warn: ["rolled-back", "awaiting-approval", "paused", "silent", "absent"],
	bad: ["failed", "stopped", "expired"],
	off: ["cancelling", "cancelled", "draft", "pending", "waiting", "new", "disabled"],
};

const BY_STATE = new Map(Object.entries(TONES).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone])));

/** What is not known is neither good nor bad. */
export function toneOf(state: string): Tone {
	return BY_STATE.get(state) ?? "off";
}
