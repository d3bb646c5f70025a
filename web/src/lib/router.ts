// SPDX-License-Identifier: Apache-2.0
/* Addresses and what they mean. Pure; navigation.svelte.ts applies it to the browser's history. */

export type Route =
	| { page: "login" }
	| { page: "devices"; q: string }
	| { page: "device"; id: string }
	| { page: "releases" }
	| { page: "rollouts" }
	| { page: "rollout"; id: string }
	| { page: "unknown"; path: string };

export function parse(path: string, search = ""): Route {
	const parts = path.split("/").filter((part) => part !== "");
	if (parts.length === 0) return { page: "devices", q: query(search) };
	if (parts.length === 1) {
		if (parts[0] === "login") return { page: "login" };
		if (parts[0] === "devices") return { page: "devices", q: query(search) };
		if (parts[0] === "releases") return { page: "releases" };
		if (parts[0] === "rollouts") return { page: "rollouts" };
	}
	if (parts.length === 2) {
		const id = decode(parts[1] ?? "");
		if (id !== null && parts[0] === "devices") return { page: "device", id };
		if (id !== null && parts[0] === "rollouts") return { page: "rollout", id };
	}
	return { page: "unknown", path };
}

export function href(route: Route): string {
	switch (route.page) {
		case "login":
			return "/login";
		case "devices":
			return route.q ? `/devices?${new URLSearchParams({ q: route.q })}` : "/devices";
		case "device":
			return `/devices/${encodeURIComponent(route.id)}`;
		case "releases":
			return "/releases";
		case "rollouts":
			return "/rollouts";
		case "rollout":
			return `/rollouts/${encodeURIComponent(route.id)}`;
		case "unknown":
			return route.path;
	}
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

function query(search: string): string {
	return new URLSearchParams(search).get("q") ?? "";
}

function decode(part: string): string | null {
	try {
		return decodeURIComponent(part);
	} catch {
		return null;
	}
}
