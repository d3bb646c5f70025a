// SPDX-License-Identifier: Apache-2.0
/* "What is this device doing, and why isn't it updating?", answered in words. Pure. */
import { ago, percent } from "./format.ts";
import { isOpen } from "./fleet.ts";
import { texts } from "./texts/frame.ts";
import type { Deployment, Device } from "./types.ts";

export type Tone = "calm" | "busy" | "warn" | "bad";
export interface Explanation {
	tone: Tone;
	text: string;
}

/* A device that polls or streams is heard more often than this. */
const QUIET_MS = 10 * 60_000;
const words = texts.explain;

/** `asOf`: when the device was last loaded. A page that has been open for an hour does not know that a device
 *  fell silent; it may only say so of one that had been silent then. */
export function explain(device: Device, now: number, asOf = now): Explanation {
	if (isOpen(device.deployment)) return explainOpen(device, device.deployment, now, asOf);
	if (!hasCalled(device)) return { tone: "warn", text: words.neverSeen };
	const closed = explainClosed(device);
	if (!device.seen_at || asOf - device.seen_at <= QUIET_MS) return closed;
	const tone = closed.tone === "calm" ? "warn" : closed.tone;
	return { tone, text: `${closed.text} ${words.quiet(ago(device.seen_at, now))}` };
}

function explainOpen(device: Device, deployment: Deployment, now: number, asOf: number): Explanation {
	const { version } = deployment;
	switch (deployment.state) {
		case "downloading":
		case "installing":
			return { tone: "busy", text: words.downloading(version, percent(deployment.progress)) };
		case "rebooting":
			return { tone: "busy", text: words.rebooting(version) };
		case "cancelling":
			return { tone: "busy", text: words.cancelling(version) };
		default:
			if (!hasCalled(device)) return { tone: "warn", text: words.waitsNever(version) };
			if (device.seen_at && asOf - device.seen_at > QUIET_MS)
				return { tone: "warn", text: words.waits(version, ago(device.seen_at, now)) };
			return { tone: "busy", text: words.assigned(version) };
	}
}

function explainClosed(device: Device): Explanation {
	const last = device.deployment;
	const version = last?.version ?? "";
	const why = last?.detail ? words.because(trimDot(last.detail)) : "";
	if (device.state === "rolled-back" && last) {
		const now = device.version ? words.backOn(device.version) : "";
		return { tone: "warn", text: words.rolledBack(version, why, now) };
	}
	if (device.state === "failed" && last) return { tone: "bad", text: words.failed(version, why) };
	const runs = explainRunning(device);
	if (last?.state === "cancelled") return { tone: runs.tone, text: `${words.cancelled(version)} ${runs.text}` };
	return runs;
}

function explainRunning(device: Device): Explanation {
	const version = device.version ?? "";
	if (version === "") return { tone: "warn", text: words.unknown };
	if (device.grade === "unknown") return { tone: "calm", text: words.attributed(version) };
	if (device.grade === "reported") return { tone: "calm", text: words.reported(version) };
	const slot = device.slots?.find((one) => one.booted);
	return { tone: "calm", text: slot ? words.provenSlot(version, slot.name) : words.proven(version) };
}

function trimDot(text: string): string {
	return text.replace(/\.\s*$/, "");
}

/** Times of contact are written behind; what only the device can have said tells of it as well. */
export function hasCalled(device: Device): boolean {
	return !!(device.seen_at || device.version || device.agent_version || device.slots);
}

/** The state for a list: a device that has never called is not "idle". */
export function stateOf(device: Device): string {
	return hasCalled(device) || device.state !== "idle" ? device.state : "new";
}

/** A slot's reason in words. Servers and agents of other ages may send a word that is not known here: it is
 *  shown as it came. */
export function reasonText(reason: string | null | undefined): string {
	if (!reason) return "";
	return texts.reason[reason.toLowerCase()] ?? reason;
}
