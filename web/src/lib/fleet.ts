// SPDX-License-Identifier: Apache-2.0
/* What an event does to what is on the screen. Pure: old state and events in, new state out. */
import type { LiveEvent } from "../live/live.svelte.ts";
import type { Deployment, DeploymentState, Device, Progress, Seen, Slot } from "./types.ts";

export interface DeviceWindow {
	items: Device[]; /* ascending by id: the order of the list's cursor */
	next: string | undefined; /* there is more behind the last item */
}

export interface BatchResult {
	window: DeviceWindow;
	reset: boolean;
}

const CLOSED: ReadonlySet<DeploymentState> = new Set(["confirmed", "failed", "rolled-back", "cancelled", "downloaded"]);

export function isOpen(deployment: Deployment | null | undefined): deployment is Deployment {
	return !!deployment && !CLOSED.has(deployment.state);
}

/** A device that was deleted is said in a device event of its own: {"id", "deleted": true}. */
export function isDeleted(event: LiveEvent): boolean {
	return event.type === "event" && event.event === "device" && (event.data as { deleted?: boolean }).deleted === true;
}

/** Do the words that are searched for take this device? As the server's ?q= does: id or name begins with it. */
export function matches(device: Device, q: string): boolean {
	const wanted = q.toLowerCase();
	return [device.id, device.name].some((text) => (text ?? "").toLowerCase().startsWith(wanted));
}

/** One batch of events applied to the loaded part of the list. The old window is left as it is. `q` null: what is
 *  new may not be put in, only the server knows where it belongs. */
export function applyToWindow(old: DeviceWindow, q: string | null, batch: LiveEvent[]): BatchResult {
	let items = [...old.items];
	const at = new Map(items.map((device, index) => [device.id, index]));
	const gone = new Set<string>();
	let fresh: Device[] = [];
	for (const event of batch) {
		if (event.type === "reset") return { window: old, reset: true };
		if (event.event === "device") {
			const device = event.data as Device;
			const index = at.get(device.id);
			if (isDeleted(event)) gone.add(device.id);
			else gone.delete(device.id);
			if (isDeleted(event)) continue;
			if (index !== undefined) items[index] = mergeDevice(items[index]!, device);
			else fresh.push(device);
		} else if (event.event === "deployment" || event.event === "progress" || event.event === "seen") {
			const id = (event.data as { device: string }).device;
			const index = at.get(id);
			if (index !== undefined) items[index] = applyToDevice(items[index]!, event);
		}
	}
	if (gone.size > 0) {
		items = items.filter((device) => !gone.has(device.id));
		fresh = fresh.filter((device) => !gone.has(device.id));
	}
	const inserted = insert(items, fresh, q, old.next !== undefined);
	return { window: { items: inserted, next: old.next }, reset: false };
}

function insert(items: Device[], fresh: Device[], q: string | null, more: boolean): Device[] {
	if (q === null) return items;
	const last = items[items.length - 1];
	const wanted = new Map<string, Device>();
	for (const device of fresh) {
		const inside = !more || (last !== undefined && device.id < last.id);
		if (inside && matches(device, q)) wanted.set(device.id, device);
	}
	if (wanted.size === 0) return items;
	return [...items, ...wanted.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** A device event carries no hashes and perhaps no details: what it does not say stays, as long as the slot
 *  still holds the same version. */
export function mergeDevice(old: Device, news: Device): Device {
	const merged: Device = { ...old, ...news, seen_at: later(old.seen_at, news.seen_at) };
	if (news.slots && old.slots) merged.slots = news.slots.map((slot) => mergeSlot(old.slots!, slot));
	if (isOpen(merged.deployment) && isOpen(old.deployment) && merged.deployment.id === old.deployment.id) {
		merged.deployment = mergeDeployment(old.deployment, merged.deployment);
	}
	return merged;
}

/** A call is told before it is stored: a device event right behind it may carry the time before. */
function later(old: number | null, news: number | null | undefined): number | null {
	return old && news ? Math.max(old, news) : (news ?? old);
}

function mergeSlot(old: Slot[], news: Slot): Slot {
	const before = old.find((slot) => slot.name === news.name);
	if (news.root_hash || !before?.root_hash || before.version !== news.version) return news;
	return { ...news, root_hash: before.root_hash };
}

/** Durable and volatile progress race: within one state the higher is the later. */
export function mergeDeployment(old: Deployment, news: Deployment): Deployment {
	const merged = { ...old, ...news };
	if (old.state === news.state) merged.progress = Math.max(old.progress, news.progress);
	return merged;
}

export function applyToDevice(device: Device, event: LiveEvent): Device {
	if (event.type !== "event") return device;
	if (event.event === "device") {
		const news = event.data as Device;
		return news.id === device.id && !isDeleted(event) ? mergeDevice(device, news) : device;
	}
	if (event.event === "deployment") {
		const news = event.data as Deployment;
		if (news.device !== device.id) return device;
		const old = device.deployment;
		if (old && old.id !== news.id && old.created_at > news.created_at) return device;
		return { ...device, deployment: old?.id === news.id ? mergeDeployment(old, news) : news };
	}
	if (event.event === "progress") {
		const news = event.data as Progress;
		if (news.device !== device.id || !isOpen(device.deployment)) return device;
		if (device.deployment.id !== news.deployment) return device;
		const detail = news.detail || device.deployment.detail;
		return { ...device, deployment: { ...device.deployment, progress: news.progress, detail } };
	}
	if (event.event === "seen") {
		const news = event.data as Seen;
		return news.device === device.id ? { ...device, seen_at: later(device.seen_at, news.seen_at) } : device;
	}
	return device;
}

/** The history, newest first, after one event. */
export function applyToHistory(history: Deployment[], device: string, event: LiveEvent): Deployment[] {
	if (event.type !== "event") return history;
	if (event.event === "deployment") {
		const news = event.data as Deployment;
		if (news.device !== device) return history;
		const known = history.some((old) => old.id === news.id);
		if (!known) return [news, ...history];
		return history.map((old) => (old.id === news.id ? mergeDeployment(old, news) : old));
	}
	if (event.event === "progress") {
		const news = event.data as Progress;
		if (news.device !== device) return history;
		return history.map((old) =>
			old.id === news.deployment && isOpen(old)
				? { ...old, progress: news.progress, detail: news.detail || old.detail }
				: old,
		);
	}
	return history;
}

/** Does a batch change something about this device that only the server knows whole? */
export function concerns(batch: LiveEvent[], device: string): boolean {
	return batch.some((event) => {
		if (event.type === "reset") return true;
		if (event.event === "device") return (event.data as Device).id === device;
		return event.event === "deployment" && (event.data as Deployment).device === device;
	});
}
