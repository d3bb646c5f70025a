// SPDX-License-Identifier: Apache-2.0
/* How many devices a filter takes now, and what is wrong with it: beside where one is written. A later question calls
 * the earlier one off. */
import { api } from "./api.ts";
import { count } from "./format.ts";
import { texts } from "./texts/frame.ts";

export class Preview {
	#asked: AbortController | null = null;
	/** "1,204 devices"; "" while nobody knows. */
	count = $state("");
	fault = $state.raw<Error | null>(null);

	async ask(filter: string): Promise<void> {
		this.#asked?.abort();
		this.#asked = new AbortController();
		const { signal } = this.#asked;
		this.fault = null;
		this.count = "";
		if (filter === "") return;
		try {
			const page = await api.devices({ filter, limit: 1, count: true }, signal);
			this.count = page.total_exact === false ? texts.devices.atLeast(page.total ?? 0) : count(page.total ?? 0, "device", "devices");
		} catch (why) {
			if (!signal.aborted) this.fault = why as Error;
		}
	}
}
