// SPDX-License-Identifier: Apache-2.0
/* Where the console is. History addresses, no fragments: every view and filter is a link. */
import { addressOf, isPlainClick, parse, type Route } from "./router.ts";

let route = $state.raw<Route>(parse(location.pathname, location.search));

export function here(): Route {
	return route;
}

/** To an address of this console, as href() makes them; a new entry in the history. */
export function go(address: string): void {
	const url = new URL(address, location.origin);
	if (url.pathname + url.search !== location.pathname + location.search) history.pushState(null, "", url);
	route = parse(url.pathname, url.search);
	scrollTo(0, 0);
}

/** The same screen with another query. What is empty is left out. `push`: back leads to how it was; otherwise
 *  no new entry in the history, as for each key typed. */
export function setQuery(changes: Record<string, string | undefined>, push = false): void {
	const query = { ...route.query, ...changes } as Record<string, string>;
	for (const [name, value] of Object.entries(query)) if (!value) delete query[name];
	const next = { ...route, query };
	const address = addressOf(next);
	if (address === addressOf(route)) return;
	if (push) history.pushState(null, "", address);
	else history.replaceState(history.state, "", address);
	route = next;
}

/** One listener for all links of the console. Returns how to remove it. */
export function listen(): () => void {
	const moved = () => (route = parse(location.pathname, location.search));
	const clicked = (event: MouseEvent) => {
		const link = (event.target as Element | null)?.closest?.("a[href]");
		if (!(link instanceof HTMLAnchorElement) || !isPlainClick(event)) return;
		if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
		if (link.hash && link.pathname === location.pathname) return;
		event.preventDefault();
		go(link.pathname + link.search);
	};
	addEventListener("popstate", moved);
	document.addEventListener("click", clicked);
	return () => {
		removeEventListener("popstate", moved);
		document.removeEventListener("click", clicked);
	};
}
