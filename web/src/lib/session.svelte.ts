// SPDX-License-Identifier: Apache-2.0
/* Who is signed in, and what server this is. */
import { api, ApiError, whenSignedOut } from "./api.ts";
import { live } from "../live/live.svelte.ts";
import { setServerTime } from "./clock.svelte.ts";
import type { Info, Session } from "./types.ts";

export type SessionState = "asking" | "in" | "out" | "unreachable";

let state = $state<SessionState>("asking");
let user = $state.raw<Session | null>(null);
let info = $state.raw<Info | null>(null);

function out(): void {
	live.close();
	user = null;
	state = "out";
}
whenSignedOut(out);

export const session = {
	get state(): SessionState {
		return state;
	},
	get user(): Session | null {
		return user;
	},
	get info(): Info | null {
		return info;
	},
	/** Asks the server who we are. */
	async resume(): Promise<void> {
		state = "asking";
		try {
			user = await api.session();
			state = "in";
			live.open(out);
			info = await api.info();
			setServerTime(info.now_at);
		} catch (problem) {
			if (state === "in") return; /* signed in all the same */
			const refused = problem instanceof ApiError && (problem.status === 401 || problem.status === 403);
			state = refused ? "out" : "unreachable";
		}
	},
	async login(token: string): Promise<void> {
		await api.login(token);
		await session.resume();
	},
	async loginAs(user: string, password: string, tenant: string): Promise<void> {
		await api.loginAs(user, password, tenant);
		await session.resume();
	},
	async logout(): Promise<void> {
		try {
			await api.logout();
		} finally {
			live.recheck();
			out();
		}
	},
};
