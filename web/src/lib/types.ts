// SPDX-License-Identifier: Apache-2.0
/* The management API's shapes by the names that the console uses. They are generated (schema.ts); here are only
 * shorter names, and the events, which are no answers. Times end in _at: milliseconds UTC. */
import type * as schema from "./schema.ts";

export type {
	AuditEntry,
	Grade,
	Group,
	Job,
	Newest,
	Product,
	Release,
	Role,
	Rollout,
	RolloutMember,
	RolloutPlan,
	RolloutPreview,
	Token,
	User,
	VersionPoint,
	Webhook,
	WebhookDelivery,
	Why,
} from "./schema.ts";

type Answer<K extends keyof schema.Calls> = schema.Calls[K]["answer"];

export type DeviceState = schema.Device["state"];
export type SlotState = "EMPTY" | "WRITING" | "WRITTEN" | "PENDING" | "TRYING" | "GOOD" | "BAD";
export type DeploymentState = schema.Deployment["state"];
export type RolloutState = schema.Rollout["state"];
export type Slot = Omit<schema.Slot, "state" | "name"> & { name: string; state: SlotState };
export type Deployment = schema.Deployment;
export type Device = Omit<schema.Device, "slots"> & { slots: Slot[] | null };
export type Proof = NonNullable<Deployment["proof"]>;
export type Status = NonNullable<Deployment["statuses"]>[number];
export type Image = schema.Release["images"][number];
export type Info = Answer<"info_get">;
export type Session = Answer<"session_get">;
export type VersionCount = schema.VersionCount;
export type Wave = schema.RolloutWave;
/** Why a rollout moved; `by` null: its policy. */
export type Decision = schema.RolloutDecision;
/** Whether anything is given out at all. */
export type Freeze = schema.Freeze;

export interface Page<T> {
	items: T[];
	next?: string;
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
