// SPDX-License-Identifier: Apache-2.0
/*
 * The event stream format of the HTML standard, section 9.2, read in pieces as they come off the network.
 *
 *	id: 17			remembered; sent again with each later event until it changes
 *	event: device		"message" if absent
 *	data: {...}		several lines are joined by a line feed
 *	: anything		a comment: the server's sign of life
 *	(empty line)		the event is complete
 *
 * A line ends in LF, CR LF or CR; a piece may end anywhere, even between CR and LF. An event whose data
 * outgrows the cap is dropped whole, never cut. What was not ended by an empty line is not an event.
 */
export interface SseEvent {
	id: string;
	event: string;
	data: string;
}

export interface SseSink {
	onEvent(event: SseEvent): void;
	onComment?(): void;
	onRetry?(ms: number): void;
}

export const MAX_EVENT_CHARS = 1 << 20;

export class SseParser {
	readonly #sink: SseSink;
	#line = "";
	#skipLf = false;
	#id: string;
	#event = "";
	#data: string[] = [];
	#size = 0;
	#first = true;

	constructor(sink: SseSink, lastId = "") {
		this.#sink = sink;
		this.#id = lastId;
	}

	push(piece: string): void {
		if (this.#first && piece !== "") {
			this.#first = false;
			if (piece.startsWith("\uFEFF")) piece = piece.slice(1);
		}
		let start = 0;
		for (let i = 0; i < piece.length; i++) {
			const c = piece[i];
			const lfOfCrLf = this.#skipLf && c === "\n";
			this.#skipLf = c === "\r";
			if (lfOfCrLf) {
				start = i + 1;
			} else if (c === "\n" || c === "\r") {
				this.#take(this.#line + piece.slice(start, i));
				this.#line = "";
				start = i + 1;
			}
		}
		this.#line += piece.slice(start);
		if (this.#line.length > MAX_EVENT_CHARS) {
			this.#size = Infinity;
			this.#line = "data:";
		}
	}

	#take(line: string): void {
		if (line === "") return this.#dispatch();
		const colon = line.indexOf(":");
		if (colon === 0) return this.#sink.onComment?.();
		const field = colon < 0 ? line : line.slice(0, colon);
		let value = colon < 0 ? "" : line.slice(colon + 1);
		if (value.startsWith(" ")) value = value.slice(1);
		if (field === "event") this.#event = value;
		else if (field === "id" && !value.includes("\0")) this.#id = value;
		else if (field === "retry" && /^\d{1,9}$/.test(value)) this.#sink.onRetry?.(Number(value));
		else if (field === "data") {
			this.#size += value.length;
			if (this.#size <= MAX_EVENT_CHARS) this.#data.push(value);
		}
	}

	#dispatch(): void {
		const whole = this.#data.length > 0 && this.#size <= MAX_EVENT_CHARS;
		const event = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
		this.#event = "";
		this.#data = [];
		this.#size = 0;
		if (whole) this.#sink.onEvent(event);
	}
}
