// SPDX-License-Identifier: Apache-2.0
/*
 * What a screen shows is loaded when it is opened, and anew when an event says that it changed: at once, and then at
 * most every so often while events go on. One load at a time; what came in between is one more load. No polling.
 */
import { live, type LiveEvent } from "../live/live.svelte.ts";

const REST_MS = 1_000;

/** Begins at once; returns how to end it. wants: does this event change what is shown? Without a word on a `reset`
 *  (too much was missed) it is loaded too. */
export function follow(load: () => Promise<void>, wants: (event: LiveEvent & { type: "event" }) => boolean, rest_ms = REST_MS): () => void {
	const next = inTurn(load, rest_ms, (ms, call) => {
		const timer = setTimeout(call, ms);
		return () => clearTimeout(timer);
	});
	next.ask();
	const deaf = live.listen((batch) => {
		if (batch.some((one) => one.type === "reset" || wants(one))) next.ask();
	});
	return () => {
		deaf();
		next.end();
	};
}

/** The same without a browser: ask() runs `load` now, or once it and its rest are over. */
export function inTurn(
	load: () => Promise<void>,
	rest_ms: number,
	after: (ms: number, call: () => void) => () => void,
): { ask: () => void; end: () => void } {
	let busy = false;
	let again = false;
	let ended = false;
	let stop = () => {};

	async function run() {
		busy = true;
		again = false;
		await load().catch(() => {}); /* a load shows its own problem */
		if (ended) return;
		stop = after(rest_ms, () => {
			busy = false;
			if (again) void run();
		});
	}
	return {
		ask() {
			if (ended) return;
			if (busy) again = true;
			else void run();
		},
		end() {
			ended = true;
			stop();
		},
	};
}
