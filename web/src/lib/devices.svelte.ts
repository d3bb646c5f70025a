// SPDX-License-Identifier: Apache-2.0
/*
 * The list of devices as one view of it: what was asked (filter, words, sort), the pages that are here, and what
 * events do to them.
 *
 * The server's pages follow a key, not a number: they are loaded in order, the next one when somebody comes near the
 * end. What is loaded is kept, so scrolling back is free. A later question calls the earlier one off.
 *
 * Events change rows where they are. Whether a device has come to match a filter, or where it now sorts, is the
 * server's to say: then the list is asked for anew once for a burst of changes, if it is one page and looked at from
 * its top; else `stale` says so, and nothing moves under the viewer's hands.
 */
import type { LiveEvent } from "../live/live.svelte.ts";
import { api } from "./api.ts";
import { applyToWindow, isDeleted, type DeviceWindow } from "./fleet.ts";
import type { Device } from "./types.ts";

export interface Asked {
	q: string;
	filter: string;
	sort: string;
}

const PAGE = 200;
const BURST_MS = 1_500;

export class DeviceList {
	#window = $state.raw<DeviceWindow>({ items: [], next: undefined });
	#asked: Asked = { q: "", filter: "", sort: "" };
	#loading = $state(true);
	#problem = $state.raw<Error | null>(null);
	#total = $state.raw<{ n: number; exact: boolean } | null>(null);
	#stale = $state(false);
	#abort: AbortController | null = null;
	#missed: LiveEvent[] = []; /* came while a page was on its way: newer than its answer */
	#again: ReturnType<typeof setTimeout> | undefined;
	/** Whether the viewer looks at the top: the page says so. */
	atTop = true;

	get items(): Device[] {
		return this.#window.items;
	}
	get more(): boolean {
		return this.#window.next !== undefined;
	}
	get loading(): boolean {
		return this.#loading;
	}
	get problem(): Error | null {
		return this.#problem;
	}
	/** How many match; counting stops at 10,000. */
	get total(): { n: number; exact: boolean } | null {
		return this.#total;
	}
	/** It would look otherwise if it were loaded anew. */
	get stale(): boolean {
		return this.#stale;
	}

	/** Another question; the old rows stay until the answer is there. */
	async ask(asked: Asked): Promise<void> {
		this.#asked = asked;
		await this.#load(undefined);
	}

	async reload(): Promise<void> {
		await this.#load(undefined);
	}

	/** The next page, if there is one and none is on its way. */
	async loadMore(): Promise<void> {
		if (this.more && !this.#loading && !this.#problem) await this.#load(this.#window.next);
	}

	close(): void {
		this.#abort?.abort();
		clearTimeout(this.#again);
	}

	async #load(after: string | undefined): Promise<void> {
		this.#abort?.abort();
		const abort = new AbortController();
		this.#abort = abort;
		this.#loading = true;
		this.#problem = null;
		const { q, filter, sort } = this.#asked;
		try {
			const before = after ? this.#window.items : [];
			let next = after;
			/* looking for what is rare may give pages that are empty and go on */
			do {
				const page = await api.devices({ q, filter, sort, after: next, limit: PAGE, count: !next || undefined }, abort.signal);
				if (page.total !== undefined) this.#total = { n: page.total, exact: page.total_exact !== false };
				this.#window = { items: [...before, ...page.items], next: page.next };
				next = page.next;
			} while (next !== undefined && this.#window.items.length === before.length);
			if (!after) this.#stale = false;
		} catch (why) {
			if (abort.signal.aborted) return;
			this.#problem = why as Error;
		}
		if (this.#abort !== abort) return;
		this.#loading = false;
		const late = this.#missed;
		this.#missed = [];
		if (late.length > 0) this.take(late);
	}

	/** Events, in the order in which they came. */
	take(batch: LiveEvent[]): void {
		if (this.#loading) {
			this.#missed.push(...batch);
			return;
		}
		if (batch.some((one) => one.type === "reset")) return void this.reload();
		const { filter, sort, q } = this.#asked;
		const plain = filter === "" && (sort === "" || sort === "id");
		const before = this.items.length;
		this.#window = applyToWindow(this.#window, plain ? q : null, batch).window;
		const grown = this.items.length - before;
		if (this.#total && grown !== 0) this.#total = { ...this.#total, n: Math.max(0, this.#total.n + grown) };
		const matters = batch.some((one) => one.type === "event" && one.event === "device" && !isDeleted(one));
		if (!plain && matters) this.#anewSoon();
	}

	#anewSoon(): void {
		this.#again ??= setTimeout(() => {
			this.#again = undefined;
			if (this.atTop && this.items.length <= PAGE && !this.#loading) void this.reload();
			else this.#stale = true;
		}, BURST_MS);
	}
}
