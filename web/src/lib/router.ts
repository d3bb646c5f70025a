// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses and what they mean. Pure; navigation.svelte.ts applies it to the browser's history.
 *
 * SCREENS is the table: a screen is a row here, a row in ../pages.ts that loads it, and its title in texts/frame.ts.
 * What a view shows beyond its screen (filter, sort, columns, tab) is in the query, so that each view is a link.
 */
export const SCREENS = {
	overview: "/",
	login: "/login",
	devices: "/devices",
	device: "/devices/:id",
	groups: "/groups",
	group: "/groups/:id",
	enrolment: "/enrolment",
	jobs: "/jobs",
	releases: "/releases",
	"new-release": "/releases/new",
	release: "/releases/:id",
	rollouts: "/rollouts",
	"new-rollout": "/rollouts/new",
	rollout: "/rollouts/:id",
	failures: "/failures",
	audit: "/audit",
	webhooks: "/webhooks",
	webhook: "/webhooks/:id",
	people: "/people",
	keys: "/keys",
	system: "/system",
	unknown: "",
} as const;

export type Screen = keyof typeof SCREENS;
export type Query = Readonly<Record<string, string>>;

export interface Route {
	page: Screen;
	id: string; /* of what the screen shows; "" if it shows a list */
	query: Query;
	path: string; /* as it was asked for */
}

/* A name goes before a parameter: "/rollouts/new" is no rollout. */
const ROWS = (Object.entries(SCREENS) as [Screen, string][])
	.map(([page, pattern]) => ({ page, parts: split(pattern), pattern }))
	.filter((row) => row.pattern !== "")
	.sort((a, b) => Number(a.pattern.includes(":")) - Number(b.pattern.includes(":")));

export function parse(path: string, search = ""): Route {
	const query = Object.fromEntries(new URLSearchParams(search));
	const parts = split(path);
	for (const row of ROWS) {
		const id = idIn(row.parts, parts);
		if (id !== null) return { page: row.page, id, query, path };
	}
	return { page: "unknown", id: "", query, path };
}

/** The address of a screen. What is empty in the query is left out. */
export function href(page: Screen, id = "", query: Record<string, string | undefined> = {}): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
	const text = search.toString();
	return SCREENS[page].replace(":id", encodeURIComponent(id)) + (text ? `?${text}` : "");
}

/** The address of a route, as it was written. */
export function addressOf(route: Route): string {
	return route.page === "unknown" ? route.path : href(route.page, route.id, route.query);
}

/** The one-time token of a login link, or "" if the fragment carries none. */
export function loginToken(hash: string): string {
	const token = hash.replace(/^#/, "");
	return /^[\w.~+/=-]{8,512}$/.test(token) ? token : "";
}

/** A click that the console may take over: plain, same tab, same origin. */
export function isPlainClick(event: {
	button: number;
	metaKey: boolean;
	ctrlKey: boolean;
	shiftKey: boolean;
	altKey: boolean;
	defaultPrevented: boolean;
}): boolean {
	return (
		event.button === 0 &&
		!event.defaultPrevented &&
		!event.metaKey &&
		!event.ctrlKey &&
		!event.shiftKey &&
		!event.altKey
	);
}

function split(path: string): string[] {
	return path.split("/").filter((part) => part !== "");
}

/* What stands where the pattern has its parameter; "" if it has none; null if the path is another one. */
function idIn(pattern: string[], parts: string[]): string | null {
	if (pattern.length !== parts.length) return null;
	let id = "";
	for (const [i, part] of pattern.entries()) {
		if (part.startsWith(":")) {
			const found = decode(parts[i]!);
			if (found === null) return null;
			id = found;
		} else if (part !== parts[i]) return null;
	}
	return id;
}

function decode(part: string): string | null {
	try {
		return decodeURIComponent(part);
	} catch {
		return null;
	}
}
