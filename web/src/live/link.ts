// SPDX-License-Identifier: Apache-2.0
/*
 * How a tab hears the stream. In this order, by what the browser has:
 *	1. a shared worker holds the connection;
 *	2. the tab that holds the lock "ota-live" has it and tells the others on a broadcast channel; when it
 *	   closes, the next tab takes the lock and resumes at the last number it heard;
 *	3. each tab has its own.
 */
import workerUrl from "./worker.ts?sharedworker&url";
import { browserHost, LiveStream, type LiveMessage } from "./stream.ts";

const EVENTS = "/api/v1/events";
const NAME = "ota-live";

export interface Link {
	retry(): void;
	recheck(): void;
	close(): void;
}

export function connect(emit: (message: LiveMessage) => void): Link {
	if (typeof SharedWorker === "function") return bySharedWorker(emit);
	return withoutSharedWorker(emit);
}

function withoutSharedWorker(emit: (message: LiveMessage) => void): Link {
	if (typeof BroadcastChannel === "function" && navigator.locks) return byLock(emit);
	return direct(emit);
}

function bySharedWorker(emit: (message: LiveMessage) => void): Link {
	const worker = new SharedWorker(vouched as string, { type: "module", name: NAME });
	let fallback: Link | null = null;
	worker.onerror = () => (fallback ??= withoutSharedWorker(emit));
	worker.port.onmessage = ({ data }: MessageEvent<LiveMessage>) => emit(data);
	worker.port.postMessage("hello");
	const say = (word: string) => worker.port.postMessage(word);
	const leave = () => say("bye");
	const back = (event: PageTransitionEvent) => event.persisted && say("hello");
	addEventListener("pagehide", leave);
	addEventListener("pageshow", back);
	return {
		retry: () => (fallback ? fallback.retry() : say("retry")),
		recheck: () => (fallback ? fallback.recheck() : say("recheck")),
		close: () => {
			removeEventListener("pagehide", leave);
			removeEventListener("pageshow", back);
			leave();
			fallback?.close();
		},
	};
}

interface TrustedTypes {
	createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(url: string): unknown };
}

/* Where the policy wants script addresses vouched for (trusted types), this is the only one that ever is. Made
 * once: the policy allows no second of the name. */
const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const vouched = types?.createPolicy(NAME, { createScriptURL: () => workerUrl }).createScriptURL("") ?? workerUrl;

function byLock(emit: (message: LiveMessage) => void): Link {
	const channel = new BroadcastChannel(NAME);
	const leaving = new AbortController();
	let stream: LiveStream | null = null;
	let lastId = "";
	const hear = (message: LiveMessage) => {
		if (message.type === "event") lastId = message.id;
		emit(message);
	};
	channel.onmessage = ({ data }: MessageEvent<LiveMessage | "hello" | "retry" | "recheck">) => {
		if (data === "hello") {
			if (stream) channel.postMessage(stream.state);
		} else if (data === "retry") stream?.retry();
		else if (data === "recheck") stream?.recheck();
		else if (!stream) hear(data);
	};
	const lead = () =>
		new Promise<void>((release) => {
			const tell = (message: LiveMessage) => {
				channel.postMessage(message);
				hear(message);
			};
			stream = new LiveStream(EVENTS, tell, browserHost(), lastId);
			stream.start();
			leaving.signal.addEventListener("abort", () => release());
		});
	navigator.locks.request(NAME, { signal: leaving.signal }, lead).catch(() => {});
	channel.postMessage("hello");
	return {
		retry: () => (stream ? stream.retry() : channel.postMessage("retry")),
		recheck: () => (stream ? stream.recheck() : channel.postMessage("recheck")),
		close: () => {
			stream?.stop();
			leaving.abort();
			channel.close();
		},
	};
}

function direct(emit: (message: LiveMessage) => void): Link {
	const stream = new LiveStream(EVENTS, emit, browserHost());
	stream.start();
	return { retry: () => stream.retry(), recheck: () => stream.recheck(), close: () => stream.stop() };
}
