// SPDX-License-Identifier: Apache-2.0
/* Views that somebody keeps: a name and an address's query, in this browser, for this user of this server. */
export interface View {
	name: string;
	search: string;
}

const MOST = 50;

export class Views {
	readonly #key: string;
	#all = $state.raw<View[]>([]);

	/** user: whose they are; the server is the origin that the browser keeps them for. */
	constructor(screen: string, user: string) {
		this.#key = `views ${screen} ${user}`;
		this.#all = load(this.#key);
	}

	get all(): View[] {
		return this.#all;
	}

	/** A view of this name is replaced. */
	keep(name: string, search: string): void {
		const others = this.#all.filter((one) => one.name !== name);
		this.#store([...others, { name, search }].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST));
	}

	drop(name: string): void {
		this.#store(this.#all.filter((one) => one.name !== name));
	}

	#store(views: View[]): void {
		this.#all = views;
		try {
			localStorage.setItem(this.#key, JSON.stringify(views));
		} catch {
			/* no room or not allowed: they last as long as the page */
		}
	}
}

/** What is stored may be of another age of the console, or of nobody's making: what is no view is left out. */
function load(key: string): View[] {
	try {
		const stored: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
		if (!Array.isArray(stored)) return [];
		return stored.filter((one) => typeof one?.name === "string" && typeof one?.search === "string").slice(0, MOST);
	} catch {
		return [];
	}
}
