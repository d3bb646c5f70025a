// SPDX-License-Identifier: Apache-2.0
/*
 * For development and for the browser tests that run without a server: devices, releases and deployments in
 * memory, as docs/API.md shapes them. Nothing here is verified, signed or stored; it is not part of the product.
 */
import { createHash, randomBytes } from "node:crypto";

export const hex = (text, length = 64) => createHash("sha256").update(text).digest("hex").slice(0, length);
const OPEN = ["assigned", "downloading", "installing", "rebooting", "cancelling"];
const STATE_OF = { failed: "failed", "rolled-back": "rolled-back" };
const EVENTS_KEPT = 1000;

export class World {
	devices = new Map();
	releases = new Map();
	deployments = new Map();
	statuses = new Map();
	attributes = new Map();
	events = [];
	freeze = { frozen: false };
	#lastEvent = 0;
	#lastAction = 100000;
	#listeners = new Set();

	listen(call) {
		this.#listeners.add(call);
		return () => this.#listeners.delete(call);
	}

	emit(event, data, durable = true) {
		const entry = { id: durable ? String(++this.#lastEvent) : null, event, data: structuredClone(data) };
		if (durable) this.events = [...this.events, entry].slice(-EVENTS_KEPT);
		for (const call of this.#listeners) call(entry);
	}

	/* What came after an event's number, or null if that is too long ago (or not ours). */
	since(id) {
		const number = Number(id);
		const oldest = this.events[0] ? Number(this.events[0].id) : this.#lastEvent + 1;
		if (!Number.isInteger(number) || number > this.#lastEvent || number < oldest - 1) return null;
		return this.events.filter((entry) => Number(entry.id) > number);
	}

	addRelease(fields) {
		const id = hex(`${fields.product} ${fields.version}`, 16);
		const images = fields.images ?? [{ name: "firmware", size: 3_400_000, root_hash: hex(`fw ${fields.version}`) }];
		const release = {
			security_version: 1,
			hardware: ["gw-1"],
			notes: "",
			created_at: Date.now(),
			...fields,
			id,
			images,
			size: images.reduce((sum, image) => sum + image.size, 0),
			manifest_sha256: hex(`manifest ${id}`),
		};
		this.releases.set(id, release);
		this.emit("release", release);
		return release;
	}

	addDevice(fields) {
		const device = {
			name: "",
			product: "",
			hardware: "",
			version: "",
			grade: "unknown",
			state: "idle",
			agent_version: "",
			address: "",
			created_at: Date.now(),
			seen_at: null,
			slots: null,
			deployment: null,
			...fields,
		};
		this.devices.set(device.id, device);
		this.emit("device", this.brief(device));
		return device;
	}

	deleteDevice(id) {
		this.devices.delete(id);
		this.emit("device", { id, deleted: true });
	}

	changeDevice(id, fields) {
		const device = this.devices.get(id);
		Object.assign(device, fields);
		this.emit("device", this.brief(device));
		return device;
	}

	changeSlot(id, name, fields) {
		const device = this.devices.get(id);
		const slots = device.slots.map((slot) => (slot.name === name ? { ...slot, ...fields } : slot));
		return this.changeDevice(id, { slots });
	}

	assign(id, releaseId) {
		const device = this.devices.get(id);
		const release = this.releases.get(releaseId);
		if (OPEN.includes(device.deployment?.state)) this.move(device.deployment.id, "cancelled");
		const at = Date.now();
		const deployment = {
			id: String(++this.#lastAction),
			device: id,
			release: release.id,
			product: release.product,
			version: release.version,
			state: "assigned",
			detail: "",
			progress: 0,
			created_at: at,
			updated_at: at,
			proof: null,
		};
		this.deployments.set(deployment.id, deployment);
		this.statuses.set(deployment.id, []);
		device.deployment = deployment;
		device.state = "updating";
		this.emit("deployment", deployment);
		this.emit("device", this.brief(device));
		return deployment;
	}

	report(id, execution, finished, details) {
		this.statuses.get(id).push({ at: Date.now(), execution, finished, details });
	}

	/* A durable step of a deployment; `fields` may carry detail, progress, proof, updated_at. */
	move(id, state, fields = {}) {
		const deployment = this.deployments.get(id);
		Object.assign(deployment, { state, updated_at: Date.now() }, fields);
		const device = this.devices.get(deployment.device);
		device.seen_at = Date.now();
		const open = OPEN.includes(state);
		device.state = open ? "updating" : (STATE_OF[state] ?? "idle");
		if (state === "confirmed") {
			deployment.progress = 100;
			device.version = deployment.version;
			device.grade = deployment.proof ? "proven" : "reported";
		}
		if (!open) device.deployment = null;
		this.emit("deployment", deployment);
		this.emit("device", this.brief(device));
	}

	progress(id, progress, detail = "") {
		const deployment = this.deployments.get(id);
		deployment.progress = progress;
		this.emit("progress", { device: deployment.device, deployment: id, progress, detail }, false);
	}

	/* Events carry a device without its slots' hashes. */
	brief(device) {
		const slots = device.slots?.map(({ root_hash: _, ...slot }) => slot) ?? null;
		return { ...device, slots };
	}

	history(id) {
		return [...this.deployments.values()].filter((one) => one.device === id).reverse();
	}

	setFreeze(asked) {
		this.freeze = asked
			? { frozen: true, reason: asked.reason, by: "admin", since_at: Date.now(), cancel_running: !!asked.cancel_running }
			: { frozen: false };
		this.emit("freeze", this.freeze);
		return this.freeze;
	}

	versions() {
		const counts = new Map();
		for (const { product, version, grade } of this.devices.values()) {
			const key = JSON.stringify([product, version, grade]);
			const entry = counts.get(key) ?? { product, version, grade, devices: 0 };
			entry.devices++;
			counts.set(key, entry);
		}
		return [...counts.values()];
	}
}

export function slotPair(version, extra = {}) {
	const empty = { state: "EMPTY", version: "", tries: 0, reason: "", booted: false, root_hash: "" };
	const good = { state: "GOOD", version, tries: 3, reason: "", booted: true, root_hash: hex(`slot ${version}`) };
	return [
		{ name: "A", ...good, ...extra.A },
		{ name: "B", ...empty, ...extra.B },
	];
}

export function proofOf(version, slot, counter) {
	return { root_hash: hex(`slot ${version}`), boot_id: randomBytes(16).toString("hex"), slot, counter };
}
