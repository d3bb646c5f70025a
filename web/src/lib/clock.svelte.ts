// SPDX-License-Identifier: Apache-2.0
/* The server's clock as this page knows it, advanced every few seconds so that "5 s ago" stays true. */
const TICK_MS = 5_000;

let skew = 0;
let time = $state(Date.now());
setInterval(() => (time = Date.now() + skew), TICK_MS);

/** Reactive: what shows a relative time is redrawn at each tick. */
export function now(): number {
	return time;
}

/** Called with the server's now_at: a viewer's wrong clock must not make a device look silent. */
export function setServerTime(now_at: number): void {
	skew = now_at - Date.now();
	time = now_at;
}
