// SPDX-License-Identifier: Apache-2.0
/*
 * A list that comes in pages and follows the events: what Releases and Rollouts show.
 *
 *	const list = new Pager((after) => api.releases(after));
 *	onMount(() => list.follow((one) => one.event === "release"));
 *	list.items, list.busy, list.problem, list.more (a function, or undefined at the end), list.again()
 */
import { follow } from "./follow.ts";
import type { Page } from "./types.ts";

export class Pager<T> {
	readonly #ask: (after?: string) => Promise<Page<T>>;
	#pages = 1; /* as many are loaded anew as were shown */
	items = $state.raw<T[]>([]);
	#next = $state<string | undefined>();
	busy = $state(true);
	problem = $state("");

	constructor(ask: (after?: string) => Promise<Page<T>>) {
		this.#ask = ask;
	}

	get more(): (() => void) | undefined {
		return this.#next === undefined ? undefined : () => void this.#turn();
	}
	readonly again = async (): Promise<void> => {
		await this.#load(async () => {
			let page = await this.#ask();
			let items = page.items;
			for (let i = 1; i < this.#pages && page.next; i++) {
				page = await this.#ask(page.next);
				items = [...items, ...page.items];
			}
			return { items, next: page.next };
		});
	};
	follow(wants: Parameters<typeof follow>[1]): () => void {
		return follow(this.again, wants);
	}

	async #turn(): Promise<void> {
		await this.#load(async () => {
			const page = await this.#ask(this.#next);
			this.#pages++;
			return { items: [...this.items, ...page.items], next: page.next };
		});
	}
	async #load(what: () => Promise<{ items: T[]; next: string | undefined }>): Promise<void> {
		this.busy = true;
		try {
			({ items: this.items, next: this.#next } = await what());
			this.problem = "";
		} catch (why) {
			this.problem = (why as Error).message;
		}
		this.busy = false;
	}
}
