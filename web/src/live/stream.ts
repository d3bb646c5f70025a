// SPDX-License-Identifier: Apache-2.0
/*
 * The one connection to GET /api/v1/events, kept alive. It runs in the shared worker, or in the tab that
 * holds the lock, and knows nothing of either.
 *
 *	           200                       ended, broken, silent
 *	connecting ────> live ──────────────────────────> lost ──┐
 *	    ^  └──────────────────────────────────────────> │    │ after a growing pause, or retry()
 *	    └────────────────────────────────────────────────────┘
 *	any ── 401, 403 ──> signed-out (rests until retry())
 *
 * It reads the stream with fetch, not EventSource: only so can it resume by Last-Event-ID after *any*
 * failure (EventSource gives up for good on a 503) and tell "signed out" from "gone".
 * A break before the first numbered event leaves nothing to resume from; then `reset` is said, as the
 * server says it when the number is too long ago: load anew.
 */
import { SseParser, type SseEvent } from "./sse.ts";

export type LiveState = "connecting" | "live" | "lost" | "signed-out";

export type LiveMessage =
	| { type: "state"; state: LiveState; at: number }
	| { type: "event"; event: string; id: string; data: unknown }
	| { type: "reset" };

export interface StreamHost {
	fetch(url: string, init: RequestInit): Promise<Response>;
	after(ms: number, call: () => void): () => void; /* returns how to call it off */
	now(): number;
	random(): number; /* 0..1 */
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/* A server that sends comments promises one at least this often. */
export const SILENCE_MS = 60_000;

export function browserHost(): StreamHost {
	return {
		fetch: (url, init) => fetch(url, init),
		after: (ms, call) => {
			const timer = setTimeout(call, ms);
			return () => clearTimeout(timer);
		},
		now: () => Date.now(),
		random: () => Math.random(),
	};
}

/** Grows from half a second to fifteen; half of it is chance, so that a fleet of browsers does not come
 *  back in one moment after a restart of the server. */
export function pause(attempt: number, first: number, random: number): number {
	const whole = Math.min(LONGEST_PAUSE_MS, first * 2 ** Math.min(attempt, 10));
	return whole * (0.5 + random / 2);
}

export class LiveStream {
	readonly #url: string;
	readonly #emit: (message: LiveMessage) => void;
	readonly #host: StreamHost;
	#state: LiveMessage & { type: "state" };
	#lastId: string;
	#attempt = 0;
	#firstPause = FIRST_PAUSE_MS;
	#wasLive = false;
	#running = false;
	#abort: AbortController | null = null;
	#callOff: (() => void) | null = null;
	#silence: (() => void) | null = null;

	constructor(url: string, emit: (message: LiveMessage) => void, host: StreamHost, lastId = "") {
		this.#url = url;
		this.#emit = emit;
		this.#host = host;
		this.#lastId = lastId;
		this.#state = { type: "state", state: "connecting", at: host.now() };
	}

	get state(): LiveMessage & { type: "state" } {
		return this.#state;
	}

	start(): void {
		if (this.#running) return;
		this.#running = true;
		void this.#connect();
	}

	/** Now, not after the pause. Does nothing while the stream is live or being opened. */
	retry(): void {
		if (this.#running && (this.#state.state === "live" || this.#abort)) return;
		this.#running = true;
		this.#attempt = 0;
		this.#callOff?.();
		this.#callOff = null;
		void this.#connect();
	}

	/** Lets go of the connection and comes back: is this session still one? */
	recheck(): void {
		this.#abort?.abort();
	}

	stop(): void {
		this.#running = false;
		this.#callOff?.();
		this.#silence?.();
		this.#abort?.abort();
	}

	async #connect(): Promise<void> {
		this.#callOff = null;
		const abort = new AbortController();
		this.#abort = abort;
		if (this.#state.state !== "lost") this.#move("connecting");
		let refused = false;
		try {
			const headers: Record<string, string> = { Accept: "text/event-stream" };
			if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
			const answer = await this.#host.fetch(this.#url, {
				headers,
				credentials: "same-origin",
				cache: "no-store",
				signal: abort.signal,
			});
			refused = answer.status === 401 || answer.status === 403;
			if (isStream(answer)) await this.#read(answer.body);
		} catch {
			/* whatever broke it, the answer is to come back */
		}
		abort.abort();
		this.#abort = null;
		this.#silence?.();
		if (this.#running) this.#ended(refused);
	}

	async #read(body: ReadableStream<Uint8Array>): Promise<void> {
		this.#attempt = 0;
		if (this.#wasLive && !this.#lastId) this.#emit({ type: "reset" });
		this.#wasLive = true;
		this.#move("live");
		const parser = new SseParser(
			{
				onEvent: (event) => this.#take(event),
				onComment: () => this.#listenForSilence(),
				onRetry: (ms) => (this.#firstPause = Math.max(100, ms)),
			},
			this.#lastId,
		);
		const reader = body.getReader();
		const decoder = new TextDecoder();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			if (this.#silence) this.#listenForSilence();
			parser.push(decoder.decode(value, { stream: true }));
		}
	}

	#take(event: SseEvent): void {
		this.#lastId = event.id;
		if (event.event === "reset") return this.#emit({ type: "reset" });
		let data: unknown;
		try {
			data = JSON.parse(event.data);
		} catch {
			return; /* not ours; the next one may be */
		}
		this.#emit({ type: "event", event: event.event, id: event.id, data });
	}

	#listenForSilence(): void {
		this.#silence?.();
		this.#silence = this.#host.after(SILENCE_MS, () => this.#abort?.abort());
	}

	#ended(refused: boolean): void {
		this.#silence = null;
		if (refused) {
			this.#running = false;
			this.#lastId = "";
			this.#wasLive = false;
			return this.#move("signed-out");
		}
		this.#move("lost");
		const ms = pause(this.#attempt++, this.#firstPause, this.#host.random());
		this.#callOff = this.#host.after(ms, () => void this.#connect());
	}

	#move(state: LiveState): void {
		if (state === this.#state.state) return;
		this.#state = { type: "state", state, at: this.#host.now() };
		this.#emit(this.#state);
	}
}

function isStream(answer: Response): answer is Response & { body: ReadableStream<Uint8Array> } {
	const type = answer.headers.get("content-type") ?? "";
	return answer.status === 200 && answer.body !== null && type.startsWith("text/event-stream");
}
