// SPDX-License-Identifier: Apache-2.0
/* Short news of what was done, at the edge of the window and to screen readers. What went wrong is not news: it
 * is said where it was asked for (Problem.svelte). */
const SHOWN_MS = 6_000;
const MOST = 4;

export interface Toast {
	id: number;
	text: string;
	href?: string; /* where the result is */
	link?: string;
}

let last = 0;
let all = $state.raw<Toast[]>([]);

export function toasts(): Toast[] {
	return all;
}

export function dismiss(id: number): void {
	all = all.filter((one) => one.id !== id);
}

/** toast("Job 17 was started", {href: "/jobs/17", link: "Follow it"}) */
export function toast(text: string, to: { href?: string; link?: string } = {}): void {
	const id = ++last;
	all = [...all, { id, text, ...to }].slice(-MOST);
	setTimeout(() => dismiss(id), SHOWN_MS);
}
