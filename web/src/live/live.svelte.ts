// SPDX-License-Identifier: Apache-2.0
/* What a tab's pages see of the stream: its state, and events in batches (a burst of a thousand changes is
 * one repaint, not a thousand). */
import { connect, type Link } from "./link.ts";
import type { LiveMessage, LiveState } from "./stream.ts";

export type LiveEvent = { type: "reset" } | { type: "event"; event: string; data: unknown };
type Listener = (batch: LiveEvent[]) => void;

const BATCH_MS = 40;
/* What only volatile events tell (when a device last called) is loaded anew for a viewer who comes back after this. */
const AWAY_MS = 60_000;

let state = $state<LiveState>("connecting");
let since = $state(Date.now());
let link: Link | null = null;
let waiting: LiveEvent[] = [];
let hiddenAt = 0;
const listeners = new Set<Listener>();

export const live = {
	get state(): LiveState {
		return state;
	},
	/** When it came into this state. */
	get since(): number {
		return since;
	},
	open(onSignedOut: () => void): void {
		link ??= connect((message) => take(message, onSignedOut));
		addEventListener("online", live.retry);
		document.addEventListener("visibilitychange", looked);
	},
	retry(): void {
		link?.retry();
	},
	/** The session may have ended: every tab learns whether it has. */
	recheck(): void {
		link?.recheck();
	},
	close(): void {
		removeEventListener("online", live.retry);
		document.removeEventListener("visibilitychange", looked);
		link?.close();
		link = null;
		waiting = [];
	},
	/** Hears each batch until the returned function is called. */
	listen(listener: Listener): () => void {
		listeners.add(listener);
		return () => listeners.delete(listener);
	},
};

function take(message: LiveMessage, onSignedOut: () => void): void {
	if (message.type === "state") {
		state = message.state;
		since = message.at;
		if (message.state === "signed-out") onSignedOut();
		return;
	}
	enqueue(message);
}

function looked(): void {
	if (document.hidden) hiddenAt = Date.now();
	else if (Date.now() - hiddenAt > AWAY_MS) enqueue({ type: "reset" });
}

function enqueue(event: LiveEvent): void {
	if (waiting.length === 0) setTimeout(deliver, BATCH_MS);
	waiting.push(event);
}

function deliver(): void {
	const batch = waiting;
	waiting = [];
	for (const listener of listeners) listener(batch);
}
