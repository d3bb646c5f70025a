// SPDX-License-Identifier: Apache-2.0
/* The brake of the whole fleet: whether it is on, and who asks to pull or release it. */
import { live } from "../live/live.svelte.ts";
import { api, request } from "./api.ts";
import type { Freeze } from "./types.ts";

let state = $state.raw<Freeze>({ frozen: false });
let asking = $state<"" | "freeze" | "thaw">("");

async function load(): Promise<void> {
	try {
		state = await api.freeze();
	} catch {
		/* the connection's banner says so; the next event asks again */
	}
}

export const freeze = {
	get state(): Freeze {
		return state;
	},
	/** Which dialog is open. */
	get asking(): "" | "freeze" | "thaw" {
		return asking;
	},
	ask(): void {
		asking = "freeze";
	},
	askThaw(): void {
		asking = "thaw";
	},
	close(): void {
		asking = "";
	},
	async set(reason: string, cancelRunning: boolean): Promise<void> {
		state = await request("freeze_put", { body: { reason, cancel_running: cancelRunning } });
	},
	async thaw(): Promise<void> {
		await request("freeze_delete");
		state = { frozen: false };
	},
	/** Follows the server until the returned function is called. */
	follow(): () => void {
		void load();
		return live.listen((batch) => {
			if (batch.some((one) => one.type === "reset" || one.event === "freeze")) void load();
		});
	},
};
