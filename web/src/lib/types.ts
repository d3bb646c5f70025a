// SPDX-License-Identifier: Apache-2.0
/* The management API's shapes, word for word as docs/API.md has them. Times end in _at: milliseconds UTC. */

export type Grade = "proven" | "reported" | "unknown";
export type DeviceState = "idle" | "updating" | "failed" | "rolled-back";
export type SlotState = "EMPTY" | "WRITING" | "WRITTEN" | "PENDING" | "TRYING" | "GOOD" | "BAD";
export type DeploymentState =
	| "assigned"
	| "downloading"
	| "installing"
	| "rebooting"
	| "confirmed"
	| "failed"
	| "rolled-back"
	| "cancelling"
	| "cancelled";

export interface Slot {
	name: string;
	state: SlotState;
	version: string | null;
	tries: number;
	reason: string | null;
	booted: boolean;
	root_hash?: string | null;
}

export interface Proof {
	root_hash: string;
	boot_id: string;
	slot: string;
	counter: number;
}

export interface Status {
	at: number;
	execution: string | null;
	finished: string | null;
	details: string[];
}

export interface Deployment {
	id: string;
	device: string;
	release: string;
	product: string;
	version: string;
	state: DeploymentState;
	detail: string | null;
	progress: number;
	created_at: number;
	updated_at: number;
	proof: Proof | null;
	statuses?: Status[];
}

export interface Device {
	id: string;
	name: string | null;
	product: string | null;
	hardware: string | null;
	version: string | null;
	grade: Grade;
	state: DeviceState;
	agent_version: string | null;
	address: string | null;
	created_at: number;
	seen_at: number | null;
	slots?: Slot[] | null;
	attributes?: Record<string, string>;
	deployment?: Deployment | null;
}

export interface Image {
	name: string;
	size: number;
	root_hash: string;
}

export interface Release {
	id: string;
	product: string;
	version: string;
	security_version: number;
	hardware: string[];
	notes: string | null;
	size: number;
	images: Image[];
	created_at: number;
	manifest_sha256: string;
}

export interface Info {
	name: string;
	version: string;
	api: number;
	demo: boolean;
	now_at: number;
	ca_fingerprint: string;
	tuf: { root_version: number; targets_version: number; timestamp_expires_at: number | null } | null;
}

export interface Session {
	user: string;
	role: string;
	expires_at: number | null; /* null: of an API token that never does */
}

export interface Page<T> {
	items: T[];
	next?: string;
}

export interface VersionCount {
	product: string | null;
	version: string | null;
	grade: Grade;
	devices: number;
}

/* The `progress` event: volatile, at most one a second a device. */
export interface Progress {
	device: string;
	deployment: string;
	progress: number;
	detail: string | null;
}

/* The `seen` event: the device called; volatile likewise. */
export interface Seen {
	device: string;
	seen_at: number;
}

/** Whether anything is given out at all. */
export type Freeze =
	| { frozen: false }
	| { frozen: true; reason: string; by: string; since_at: number; cancel_running: boolean; cancelled?: number };

export type RolloutState =
	| "draft"
	| "awaiting-approval"
	| "scheduled"
	| "running"
	| "paused"
	| "finished"
	| "stopped";

export interface Rollout {
	id: string;
	name: string;
	release: string;
	priority: number;
	state: RolloutState;
	reason: string;
	detail: string;
	author: string;
	devices: { members: number; ended: number; succeeded: number };
	left_out: Record<string, number>;
	created_at: number;
	started_at: number | null;
	ended_at: number | null;
	plan?: { selection: string; accepts: Grade };
	waves?: Wave[];
}

export interface Wave {
	wave: number;
	state: "pending" | "running" | "soaking" | "passed" | "failed";
	approved: boolean;
	started_at: number | null;
	counts: Record<string, number>;
}

/** Why a rollout moved; `by` null: its policy. */
export interface Decision {
	id: string;
	at: number;
	kind: string;
	reason: string;
	wave: number | null;
	by: string | null;
	detail: string;
}

export interface Why {
	may_offer: boolean;
	text: string;
	reasons: { code: string; text: string; at?: number }[];
}
