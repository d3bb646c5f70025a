// SPDX-License-Identifier: Apache-2.0
/* Where the console is. History addresses, no fragments: every view and filter is a link. */
import { href, isPlainClick, parse, type Route } from "./router.ts";

let route = $state.raw<Route>(parse(location.pathname, location.search));

export function here(): Route {
	return route;
}

export function go(to: Route): void {
	const url = href(to);
	if (url !== location.pathname + location.search) history.pushState(null, "", url);
	route = to;
	scrollTo(0, 0);
}

/** The same page with another filter: no new entry in the history for each key typed. */
export function replace(to: Route): void {
	history.replaceState(null, "", href(to));
	route = to;
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
		go(parse(link.pathname, link.search));
	};
	addEventListener("popstate", moved);
	document.addEventListener("click", clicked);
	return () => {
		removeEventListener("popstate", moved);
		document.removeEventListener("click", clicked);
	};
}
