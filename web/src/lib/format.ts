// SPDX-License-Identifier: Apache-2.0
/* Numbers and times as people read them. Pure: the clock and the zone come in as arguments. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "12 s ago", "5 min ago", "3 h ago", "2 d ago", then the date in the viewer's zone. A time that is
 *  ahead of `now` by no more than a minute is "now" (clocks differ); further ahead it is "in ...". */
export function ago(at: number, now: number, zone?: string): string {
	const past = now - at;
	if (past < -MINUTE) return `in ${span(-past)}`;
	if (past < 5_000) return "now";
	if (past >= 14 * DAY) return day(at, zone);
	return `${span(past)} ago`;
}

/** A length of time in its largest whole unit: "42 s", "5 min", "3 h", "12 d". */
export function span(ms: number): string {
	if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / 1000))} s`;
	if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
	if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
	return `${Math.floor(ms / DAY)} d`;
}

export function day(at: number, zone?: string): string {
	return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: zone }).format(at);
}

/** To the second, with the zone's name: what a hover shows. */
export function exact(at: number, zone?: string): string {
	return new Intl.DateTimeFormat("en-GB", {
		day: "numeric",
		month: "short",
		year: "numeric",
		hour: "2-digit",
		minute: "2-digit",
		second: "2-digit",
		timeZone: zone,
		timeZoneName: "short",
	}).format(at);
}

export function clock(at: number, zone?: string): string {
	return new Intl.DateTimeFormat("en-GB", {
		hour: "2-digit",
		minute: "2-digit",
		second: "2-digit",
		timeZone: zone,
	}).format(at);
}

/** Binary units, three significant digits: "0 B", "4.00 KiB", "12.5 MiB". */
export function bytes(n: number): string {
	if (n < 1024) return `${n} B`;
	const units = ["KiB", "MiB", "GiB", "TiB"];
	let value = n / 1024;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** The head of a digest, enough to compare by eye. */
export function short(hash: string | null | undefined, length = 12): string {
	return hash ? hash.slice(0, length) : "";
}

/** 0..100, whole, whatever came over the wire. */
export function percent(n: number | null | undefined): number {
	if (typeof n !== "number" || !Number.isFinite(n)) return 0;
	return Math.min(100, Math.max(0, Math.round(n)));
}

export function count(n: number, one: string, many: string): string {
	return `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;
}
