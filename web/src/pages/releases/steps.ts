// SPDX-License-Identifier: Apache-2.0
/* How far a bundle has come, as a list of steps: this browser's own, then what the server says that it did. */
import type { PublishCheck } from "../../lib/schema.ts";
import { words } from "../../lib/texts/releases.ts";
import type { Step } from "../../lib/ui/StepList.svelte";
import type { Bundle } from "./bundle.ts";
import type { Stage } from "./push.ts";

/** ended "": it is under way. step, checks: as the server's refusal has them, whatever they are. */
export interface Way {
	stage: Stage;
	ended: "" | "passed" | "failed";
	why?: string;
	step?: unknown;
	checks?: unknown;
}

const t = words.upload;
const ORDER: Stage[] = ["hash", "send", "keep", "root", "publish"];
const NAMES = Object.keys(words.steps) as PublishCheck["step"][];

export function stepsOf(bundle: Bundle, way: Way): Step[] {
	const total = bundle.pieces.reduce((sum, one) => sum + one.blob.size, 0);
	const texts = { hash: t.doneHash(bundle.pieces.length), send: t.doneSend(total), keep: t.doneKeep, root: t.doneRoot };
	const own = (["hash", "send", "keep", "root"] as const).filter((stage) => stage !== "root" || way.stage === "root");
	return [...own.map((stage) => ownStep(stage, texts[stage], way)), ...theirs(bundle, way)];
}

const later = (way: Way): Step["state"] => (way.ended === "failed" ? "unreached" : "waiting");

function ownStep(stage: "hash" | "send" | "keep" | "root", text: string, way: Way): Step {
	const at = ORDER.indexOf(way.stage) - ORDER.indexOf(stage);
	const state = at > 0 ? "passed" : at < 0 ? later(way) : way.ended === "failed" ? "failed" : "running";
	return { id: stage, label: t[stage], state, text: state === "passed" ? text : state === "failed" ? (way.why ?? "") : "" };
}

/* The server tells its checks when it is through: until then none is known to be passed. What does not concern this
 * release is not shown. */
function theirs(bundle: Bundle, way: Way): Step[] {
	const passed = new Map((Array.isArray(way.checks) ? (way.checks as PublishCheck[]) : []).map((one) => [one.step, one.text]));
	const concerns: Partial<Record<PublishCheck["step"], boolean>> = {
		payload: bundle.manifest.images.length > 0,
		files: bundle.manifest.files.length > 0,
		root: false,
	};
	const refusedHere = (name: PublishCheck["step"]) =>
		way.ended === "failed" && way.stage === "publish" && (way.step === name || (typeof way.step !== "string" && name === NAMES[0]));
	return NAMES.filter((name) => concerns[name] ?? true).map((name): Step => {
		const found = passed.get(name);
		const state = found !== undefined ? "passed" : refusedHere(name) ? "failed" : way.stage === "publish" && way.ended === "" ? "running" : later(way);
		return { id: name, label: words.steps[name], title: words.stepTitle[name], state, text: found ?? (state === "failed" ? (way.why ?? "") : "") };
	});
}
