// SPDX-License-Identifier: Apache-2.0
/* The shared worker: one connection for all tabs of a browser (HTTP/1.1 allows six a host).
 * A tab says "hello" and hears the state, "retry" to hurry, "recheck" when it has signed out (for all), "bye"
 * when it goes; the stream rests when none is left. */
import { browserHost, LiveStream, type LiveMessage } from "./stream.ts";

interface WorkerScope {
	onconnect: ((event: MessageEvent) => void) | null;
}

const ports = new Set<MessagePort>();
let stream: LiveStream | null = null;

function emit(message: LiveMessage): void {
	for (const port of ports) port.postMessage(message);
}

function hello(port: MessagePort): void {
	ports.add(port);
	if (stream) {
		/* Whoever comes has just been let in: a "signed-out" that a vanished tab left behind is over. */
		if (stream.state.state === "signed-out") stream.retry();
		return port.postMessage(stream.state);
	}
	stream = new LiveStream("/api/v1/events", emit, browserHost());
	stream.start();
}

function bye(port: MessagePort): void {
	ports.delete(port);
	if (ports.size > 0) return;
	stream?.stop();
	stream = null;
}

(self as unknown as WorkerScope).onconnect = (event) => {
	const port = event.ports[0];
	if (!port) return;
	port.onmessage = ({ data }: MessageEvent<string>) => {
		if (data === "hello") hello(port);
		else if (data === "retry") stream?.retry();
		else if (data === "recheck") stream?.recheck();
		else if (data === "bye") bye(port);
	};
};
