// SPDX-License-Identifier: Apache-2.0
/*
 * Which component shows which screen: pages/NewRollout.svelte is the screen "new-rollout". Each is loaded when it
 * is first shown, so that a first visit loads the frame and one screen. A page gets {id, query} of its route as
 * properties and is made anew for another id. Signing in is the frame's (App.svelte). A screen without a page is not offered in the navigation.
 */
import type { Component } from "svelte";
import type { Query, Screen } from "./lib/router.ts";

export type PageComponent = Component<{ id: string; query: Query }>;
type Load = () => Promise<{ default: PageComponent }>;

const found = import.meta.glob<{ default: PageComponent }>(["./pages/*.svelte", "!./pages/Login.svelte"]);

function screenOf(path: string): Screen {
	const name = path.slice(path.lastIndexOf("/") + 1, -".svelte".length);
	return name.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase() as Screen;
}

export const pages: Partial<Record<Screen, Load>> = Object.fromEntries(
	Object.entries(found).map(([path, load]) => [screenOf(path), load]),
);
