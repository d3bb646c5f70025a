// SPDX-License-Identifier: Apache-2.0
/* Generated from docs/openapi by `npm run schema`: do not edit. */

export interface AuditProof {
	hashes: string[];
}

export interface AuditEntry {
	/** Its place in the log. */
	entry: number;
	at: Time;
	tenant: string;
	kind: "user" | "token" | "device" | "system" | "command";
	who: string;
	role: string;
	action: string;
	object: string;
	detail: string;
	request: string;
	address: string;
}

/** Milliseconds since 1970 UTC. */
export type Time = number;

/** Milliseconds since 1970 UTC; null: never, or not known. */
export type MaybeTime = number | null;

/** null: not known. */
export type MaybeText = string | null;

export type Sha256 = string;

/** ?after= of the next page; absent on the last one. */
export type Next = string;

export interface Problem {
	type: "about:blank";
	/** The kind of trouble, in words. */
	title: string;
	status: number;
	/** Stable, for programs. */
	code: string;
	/** One sentence for people. */
	detail: string;
}

export interface DeviceError {
	exceptionClass: "ota.Error";
	/** Stable, for programs. */
	errorCode: string;
	/** One sentence for people. */
	message: string;
}

export interface DeviceLink {
	href?: string;
	targets?: string;
	name?: string;
}

export interface DeviceArtifact {
	filename: string;
	size: number;
	hashes: Record<string, string>;
	_links: Record<string, Record<string, string>>;
}

export interface DeviceDeployment {
	id: string;
	deployment: DeviceWork;
	actionHistory?: DeviceHistory;
}

export interface DeviceConfirmation {
	id: string;
	confirmation: DeviceWork;
	actionHistory?: DeviceHistory;
}

export interface DeviceHistory {
	status: string;
	messages: string[];
}

export interface DeviceWork {
	download: "skip" | "attempt" | "forced";
	update: "skip" | "attempt" | "forced";
	maintenanceWindow?: "available" | "unavailable";
	chunks: {
		part: string;
		version: string;
		name: string;
		artifacts: DeviceArtifact[];
	}[];
}

export interface Delta {
	id: number;
	product: string;
	/** The release that devices run. */
	from: string;
	from_version: string;
	/** The release that they are to get. */
	to: string;
	to_version: string;
	/** `made`: not yet in the metadata that devices look at. `useless`: there is none that is worth it. */
	state: "wanted" | "making" | "made" | "ready" | "useless" | "failed";
	/** Of `useless` and `failed`: why. */
	detail: string | null;
	/** The release it leads to was withdrawn: it is not offered. */
	withdrawn: boolean;
	/** It is made between what the images are unwrapped, for devices that can compress again what is compressed in them. */
	unwraps: boolean;
	/** What a device must have for it, as words of its capabilities. */
	needs: string | null;
	/** Bytes that a device fetches, hashes included. */
	size: number | null;
	/** The same of the full payload. */
	full_size: number;
	/** What it took to make. */
	cpu_ms: number | null;
	created_at: Time;
	made_at: Time | null;
	/** So many came by it, and proved that they run what it leads to. */
	devices: number;
	/** Bytes that these did not fetch: for each of them the full payload's less the delta's. */
	saved: number;
}

export interface DeploymentPage {
	items: Deployment[];
	next?: Next;
}

export interface Deployment {
	id: string;
	device: string;
	release: string;
	product: string;
	version: string;
	state: "assigned" | "downloading" | "installing" | "rebooting" | "confirmed" | "failed" | "rolled-back" | "cancelling" | "cancelled" | "downloaded";
	kind: "soft" | "forced" | "time-forced" | "download-only";
	force_at: MaybeTime;
	not_before: MaybeTime;
	consent: "none" | "asked" | "given" | "denied";
	detail: MaybeText;
	progress: number;
	created_at: Time;
	updated_at: Time;
	/** What the bootloader says it started; null: nothing was proven. */
	proof: null | {
		root_hash: Sha256;
		boot_id: string;
		slot: "A" | "B";
		counter: number;
	};
	/** What the device said, oldest first; only where one deployment is asked for. */
	statuses?: {
		at: Time;
		execution: string;
		finished: string;
		details: string[];
	}[];
}

export interface Device {
	id: string;
	name: MaybeText;
	product: MaybeText;
	hardware: MaybeText;
	version: MaybeText;
	grade: Grade;
	state: "idle" | "updating" | "failed" | "rolled-back";
	agent_version: MaybeText;
	address: MaybeText;
	site: MaybeText;
	tags: string[];
	/** Whether it keeps what it has, or goes to one release only. */
	pin: null | {
		release: MaybeText;
		reason: string;
	};
	created_at: Time;
	seen_at: MaybeTime;
	slots: null | Slot[];
	/** The newest one, open or not. */
	deployment: null | Deployment;
	/** The sentence of /why; only in a list that was asked for it. */
	why?: string;
	/** Its parts that have a version of their own, by name; only where one device is asked for. */
	components?: Component[];
	/** What the device says of itself; only where one device is asked for. */
	attributes?: Record<string, string>;
}

/** Who says which version runs: nobody, the device's software, or its bootloader. */
export type Grade = "unknown" | "reported" | "proven";

/** An image of the slot, proven with it, or what the device names in an attribute component.NAME.version. */
export interface Component {
	name: string;
	version: string;
	grade: Grade;
}

export interface Slot {
	name: "A" | "B";
	state: string;
	version: MaybeText;
	tries: number;
	reason: MaybeText;
	booted: boolean;
	root_hash?: MaybeText;
}

export interface FailureCluster {
	/** What they said, with `*` for what varies. */
	words: string | null;
	/** What one of them said. */
	detail: string | null;
	state: "failed" | "rolled-back";
	product: string | null;
	hardware: string | null;
	/** The version that they run. */
	from: string | null;
	release: string;
	/** Of the release. */
	version: string;
	devices: number;
	/** One of them. */
	device: string;
	first_at: Time;
	last_at: Time;
	/** All of them, as `?filter=` of the devices. */
	filter: string;
}

export interface RolloutEvidence {
	/** Whether the plan has one. */
	gate: boolean;
	/** It stops from this on: 1/alpha. */
	log10_limit: number | null;
	points: {
		at: Time;
		log10_e: number;
		/** Were offered it and did not leave, since the last resume that forgives. */
		offered: number;
		/** And failed, were rolled back or fell silent. */
		failed: number;
	}[];
}

export interface Group {
	name: string;
	about: MaybeText;
	filter: MaybeText;
	created_at: Time;
	updated_at: Time;
	/** Where one group is asked for; counting stops at 10,000. */
	devices?: number;
	/** False: there are at least so many. */
	devices_exact?: boolean;
}

export interface Product {
	name: string;
	about: MaybeText;
	hardware: string[];
	support_ends_at: MaybeTime;
	created_at: Time;
	updated_at: Time;
}

export interface VersionCount {
	product: string;
	version: string;
	grade: Grade;
	state: "idle" | "updating" | "failed" | "rolled-back";
	devices: number;
}

export interface VersionPoint {
	at: number;
	product: string;
	version: string;
	grade: Grade;
	state: "idle" | "updating" | "failed" | "rolled-back";
	devices: number;
}

export interface Newest {
	product: string;
	/** The highest that was released. */
	version: string;
	release: string;
	/** Devices whose version is known and below. */
	behind: number;
	/** Shows them, as ?filter of /api/v1/devices. */
	behind_filter: string;
}

export interface Job {
	id: string;
	action: "tag" | "untag" | "assign" | "cancel" | "pin" | "unpin" | "delete" | "join" | "leave";
	state: "running" | "done" | "failed" | "cancelled";
	filter: string;
	tag: MaybeText;
	release: MaybeText;
	reason: MaybeText;
	group: MaybeText;
	force: boolean;
	by: MaybeText;
	/** Devices that were changed. */
	done: number;
	/** Devices that match and were left as they were. */
	skipped: number;
	last_device: MaybeText;
	detail: MaybeText;
	created_at: Time;
	updated_at: Time;
}

export interface Freeze {
	frozen: boolean;
	reason?: string;
	by?: string;
	since_at?: Time;
	cancel_running?: boolean;
	/** How many deployments this call cancels. */
	cancelled?: number;
}

export interface Settings {
	poll_interval_ms: number;
	/** A device's own token lets it in. */
	target_tokens: boolean;
	/** An API token of role gateway speaks for any device. */
	gateway_tokens: boolean;
	/** download-http links lead to the server's address without TLS. */
	plain_links: boolean;
	/** What this tenant says itself; the rest is the server's default. */
	own: ("poll_interval_ms" | "target_tokens" | "gateway_tokens" | "plain_links")[];
}

export type Role = "viewer" | "operator" | "release-manager" | "admin";

/** A gateway's token speaks for the tenant's devices, and opens nothing else. */
export type TokenRole = "viewer" | "operator" | "release-manager" | "admin" | "gateway";

/** The role holds for devices in these groups; null: for the whole tenant. `!` stands where a group was that is deleted: nothing is in it, also if another one of that name is made. */
export type Groups = string[] | null;

export interface User {
	name: string;
	role: Role;
	groups: Groups;
	disabled: boolean;
	created_at: Time;
	password_at: Time;
	login_at: MaybeTime;
}

export interface Session {
	id: string;
	user: string;
	/** Where it was begun. */
	address: string;
	/** It is the one that asks. */
	current: boolean;
	created_at: Time;
	seen_at: Time;
	expires_at: Time;
}

export interface Token {
	id: string;
	name: string;
	/** How it begins. */
	prefix: string;
	role: TokenRole;
	groups: Groups;
	/** null: by `ota-server admin`. */
	made_by: string | null;
	created_at: Time;
	expires_at: MaybeTime;
}

export interface NewToken {
	id: string;
	name: string;
	/** How it begins. */
	prefix: string;
	role: TokenRole;
	groups: Groups;
	/** null: by `ota-server admin`. */
	made_by: string | null;
	created_at: Time;
	expires_at: MaybeTime;
	token: string;
}

export interface Tenant {
	name: string;
	created_at: MaybeTime;
	/** How many it has. */
	devices: number;
	/** null: no limit. */
	max_devices: number | null;
	/** null: no limit. */
	max_bytes: number | null;
	/** null: no limit. */
	max_uploads: number | null;
	/** null: no limit. */
	max_streams: number | null;
}

export interface NewTenant {
	name: string;
	created_at: MaybeTime;
	/** How many it has. */
	devices: number;
	/** null: no limit. */
	max_devices: number | null;
	/** null: no limit. */
	max_bytes: number | null;
	/** null: no limit. */
	max_uploads: number | null;
	/** null: no limit. */
	max_streams: number | null;
	login: string;
}

export interface Release {
	id: string;
	product: string;
	version: string;
	security_version: number;
	hardware: string[];
	notes: MaybeText;
	/** Bytes that a device fetches. */
	size: number;
	images: {
		name: string;
		size: number;
		root_hash: Sha256;
	}[];
	/** Devices that run it accept no security version below this; 0: as before. */
	raise_floor_to: number;
	/** Its maker says that it mends security and nothing else. */
	security_only: boolean;
	/** For clients of others. */
	files: {
		name: string;
		part: "os" | "bApp" | "jvm";
		size: number;
		sha256: Sha256;
	}[];
	created_at: Time;
	state: "published" | "withdrawn";
	/** null while it is published. */
	withdrawn: null | {
		at: Time;
		by: string;
		reason: string;
		unlisted_at: MaybeTime;
	};
	/** How many deployments this call cancels. */
	cancelled?: number;
	/** What publishing it went through, in order; in the answer that publishes it alone. */
	checks?: PublishCheck[];
	manifest_sha256: Sha256;
}

export type PublishStep = "manifest" | "payload" | "files" | "root" | "signatures" | "list" | "sign" | "device" | "store";

export interface PublishCheck {
	step: PublishStep;
	/** What was found, for people. */
	text: string;
}

export interface Upload {
	id: string;
	size: number;
	/** Bytes that are on the disk. */
	offset: number;
	/** A part has at most so many bytes. */
	part_max?: number;
}

export interface PublicKey {
	keytype: "ed25519" | "ecdsa";
	scheme: string;
	public: string;
}

export interface Rollout {
	id: string;
	name: string;
	release: string;
	priority: number;
	state: "draft" | "awaiting-approval" | "scheduled" | "running" | "paused" | "finished" | "stopped";
	/** Of its last move: a stable word. */
	reason?: string;
	/** The same in a sentence. */
	detail?: string | null;
	author?: string | null;
	approvals?: number;
	/** The rollout whose members these are. */
	rollback_of?: string | null;
	membership?: "none" | "filling" | "complete";
	devices: {
		members: number;
		ended: number;
		succeeded: number;
	};
	left_out?: {
		incompatible: number;
		up_to_date: number;
		pinned: number;
		no_wave: number;
	};
	created_at?: Time;
	submitted_at?: MaybeTime;
	started_at?: MaybeTime;
	ended_at?: MaybeTime;
	updated_at?: MaybeTime;
	waves?: RolloutWave[];
	plan?: RolloutPlan;
}

export interface RolloutWave {
	wave: number;
	state: "pending" | "running" | "soaking" | "passed" | "failed";
	approved?: boolean;
	started_at?: MaybeTime;
	soaking_at?: MaybeTime;
	passed_at?: MaybeTime;
	counts: {
		waiting?: number;
		"in-flight"?: number;
		proven?: number;
		reported?: number;
		downloaded?: number;
		failed?: number;
		"rolled-back"?: number;
		silent?: number;
		absent?: number;
		cancelled?: number;
		members?: number;
	};
}

export interface RolloutMember {
	device: string;
	wave: number;
	state: "waiting" | "in-flight" | "proven" | "reported" | "downloaded" | "failed" | "rolled-back" | "silent" | "absent" | "cancelled";
	site?: string | null;
	deployment?: string | null;
	offered_at?: MaybeTime;
}

export interface RolloutDecision {
	id: string;
	at: Time;
	/** What the policy decided; null: a person did it. */
	kind?: string | null;
	reason?: string;
	wave?: number | null;
	/** Null: the policy. */
	by?: string | null;
	detail: string | null;
}

export interface RolloutPreview {
	waves: {
		wave: number;
		devices: number;
		bytes: number;
	}[];
	devices: number;
	bytes: number;
	left_out: {
		incompatible: number;
		up_to_date: number;
		pinned: number;
		no_wave: number;
	};
}

export interface Why {
	may_offer: boolean;
	text: string;
	reasons: {
		code: string;
		text: string;
		at?: Time;
	}[];
}

export interface RolloutPlan {
	name: string;
	release: string;
	/** A filter; empty: all devices. */
	selection: string;
	waves?: {
		count?: number;
		/** A percentage with at most two decimals. */
		percent?: number;
		filter?: string;
		/** A percentage with at most two decimals. */
		success_percent?: number;
		/** A percentage with at most two decimals. */
		error_percent?: number;
		min_finished?: number;
		deadline_ms?: number;
		soak_ms?: number;
		needs_approval?: boolean;
	}[];
	accepts?: "proven" | "reported";
	type?: "soft" | "forced" | "time-forced" | "download-only";
	force_at?: Time;
	start_at?: Time;
	seed?: string;
	stratify_by?: string;
	late_joiners?: "stay-out" | "last-wave";
	limits?: {
		in_flight?: number;
		per_site?: number;
		egress_bytes_per_s?: number;
	};
	priority?: number;
	windows?: Record<string, unknown> | null;
	needs_consent?: boolean;
	/** So long after its wave began a device waits for a delta that is being made; then it is offered the full payload. */
	delta_wait_ms?: number;
	gate?: Record<string, unknown> | null;
	approvals?: number;
}

export interface Info {
	/** Of this server, for people. */
	name: string;
	/** Of the program. */
	version: string;
	api: 1;
	/** Keys that anybody has are accepted. */
	demo: boolean;
	now_at: Time;
	ca_fingerprint: Sha256;
	/** The published repository; null until a root was published. */
	tuf: null | {
		root_version?: number;
		targets_version?: number;
		timestamp_expires_at?: Time;
	};
}

export interface Readiness {
	status: "ready" | "not ready";
	store: "ok" | "failing";
	signer: "ok" | "failing";
	repository: "ok" | "no root yet";
}

export type WebhookEvents = ("device" | "deployment" | "release" | "rollout" | "freeze" | "group" | "audit" | "webhook" | "job")[];

export interface Webhook {
	id: string;
	url: string;
	events: WebhookEvents;
	active: boolean;
	/** Why the server gave it up, or empty. */
	reason: string;
	/** At the next event, so far. */
	attempts: number;
	next_at: Time | null;
	delivered_at: Time | null;
	created_at: Time;
	/** Only in the answer that makes it. */
	secret?: string;
}

export interface WebhookDelivery {
	id: number;
	event: number;
	type: string;
	at: Time;
	attempt: number;
	replay: boolean;
	/** Of the answer; null: none came. */
	status: number | null;
	duration_ms: number;
	delivered: boolean;
	error: string;
	/** The beginning of the answer's body. */
	excerpt: string;
}

/** Method, path below /api/v1, and who may call it. */
export const operations = {
	audit_list: ["GET", "/audit", "view"],
	audit_checkpoint: ["GET", "/audit/checkpoint", "view"],
	audit_key: ["GET", "/audit/key", "view"],
	audit_tile: ["GET", "/audit/tile/{path}", "view"],
	audit_inclusion: ["GET", "/audit/proof/inclusion", "view"],
	audit_consistency: ["GET", "/audit/proof/consistency", "view"],
	deltas_list: ["GET", "/deltas", "view"],
	deployments_list: ["GET", "/deployments", "view"],
	deployments_create: ["POST", "/deployments", "operate"],
	deployments_get: ["GET", "/deployments/{id}", "view"],
	deployments_delete: ["DELETE", "/deployments/{id}", "operate"],
	devices_list: ["GET", "/devices", "view"],
	devices_create: ["POST", "/devices", "operate"],
	devices_get: ["GET", "/devices/{id}", "view"],
	devices_delete: ["DELETE", "/devices/{id}", "operate"],
	devices_patch: ["PATCH", "/devices/{id}", "operate"],
	devices_token: ["POST", "/devices/{id}/token", "operate"],
	devices_history: ["GET", "/devices/{id}/history", "view"],
	events_stream: ["GET", "/events", "view"],
	failures_list: ["GET", "/failures", "view"],
	rollouts_evidence: ["GET", "/rollouts/{id}/evidence", "view"],
	groups_list: ["GET", "/groups", "view"],
	groups_create: ["POST", "/groups", "operate"],
	groups_get: ["GET", "/groups/{id}", "view"],
	groups_put: ["PUT", "/groups/{id}", "operate"],
	groups_delete: ["DELETE", "/groups/{id}", "operate"],
	groups_members: ["POST", "/groups/{id}/members", "operate"],
	products_list: ["GET", "/products", "view"],
	products_get: ["GET", "/products/{id}", "view"],
	products_put: ["PUT", "/products/{id}", "release"],
	products_delete: ["DELETE", "/products/{id}", "release"],
	versions_list: ["GET", "/versions", "view"],
	versions_history: ["GET", "/versions/history", "view"],
	jobs_list: ["GET", "/jobs", "view"],
	jobs_create: ["POST", "/jobs", "operate"],
	jobs_get: ["GET", "/jobs/{id}", "view"],
	jobs_cancel: ["DELETE", "/jobs/{id}", "operate"],
	freeze_get: ["GET", "/freeze", "view"],
	freeze_put: ["PUT", "/freeze", "operate"],
	freeze_delete: ["DELETE", "/freeze", "operate"],
	session_confirm: ["POST", "/session/confirm", "view"],
	session_password: ["PUT", "/session/password", "view"],
	sessions_list: ["GET", "/sessions", "view"],
	sessions_delete: ["DELETE", "/sessions/{id}", "view"],
	users_list: ["GET", "/users", "administer"],
	users_create: ["POST", "/users", "administer"],
	users_get: ["GET", "/users/{id}", "administer"],
	users_set: ["PUT", "/users/{id}", "administer"],
	users_delete: ["DELETE", "/users/{id}", "administer"],
	tokens_list: ["GET", "/tokens", "administer"],
	tokens_create: ["POST", "/tokens", "administer"],
	tokens_delete: ["DELETE", "/tokens/{id}", "administer"],
	settings_get: ["GET", "/settings", "view"],
	settings_set: ["PATCH", "/settings", "administer"],
	tenants_list: ["GET", "/tenants", "administer"],
	tenants_create: ["POST", "/tenants", "administer"],
	tenants_set: ["PUT", "/tenants/{id}", "administer"],
	releases_list: ["GET", "/releases", "view"],
	releases_create: ["POST", "/releases", "release"],
	releases_get: ["GET", "/releases/{id}", "view"],
	releases_withdraw: ["POST", "/releases/{id}/withdraw", "release"],
	uploads_create: ["POST", "/uploads", "release"],
	uploads_get: ["GET", "/uploads/{id}", "release"],
	uploads_put: ["PUT", "/uploads/{id}", "release"],
	uploads_delete: ["DELETE", "/uploads/{id}", "release"],
	uploads_commit: ["POST", "/uploads/{id}/commit", "release"],
	repository_root: ["POST", "/repository/root", "release"],
	repository_targets: ["POST", "/repository/targets", "release"],
	repository_keys: ["GET", "/repository/keys", "view"],
	rollouts_list: ["GET", "/rollouts", "view"],
	rollouts_create: ["POST", "/rollouts", "operate"],
	rollouts_get: ["GET", "/rollouts/{id}", "view"],
	rollouts_change: ["PUT", "/rollouts/{id}", "operate"],
	rollouts_delete: ["DELETE", "/rollouts/{id}", "operate"],
	rollouts_preview: ["GET", "/rollouts/{id}/preview", "view"],
	rollouts_members: ["GET", "/rollouts/{id}/members", "view"],
	rollouts_decisions: ["GET", "/rollouts/{id}/decisions", "view"],
	rollouts_start: ["POST", "/rollouts/{id}/start", "operate"],
	rollouts_approve: ["POST", "/rollouts/{id}/approve", "operate"],
	rollouts_pause: ["POST", "/rollouts/{id}/pause", "operate"],
	rollouts_resume: ["POST", "/rollouts/{id}/resume", "operate"],
	rollouts_stop: ["POST", "/rollouts/{id}/stop", "operate"],
	rollouts_rollback: ["POST", "/rollouts/{id}/rollback", "operate"],
	devices_why: ["GET", "/devices/{id}/why", "view"],
	info_get: ["GET", "/info", "anybody"],
	openapi_get: ["GET", "/openapi.json", "anybody"],
	session_get: ["GET", "/session", "view"],
	session_create: ["POST", "/session", "anybody"],
	session_delete: ["DELETE", "/session", "view"],
	webhooks_list: ["GET", "/webhooks", "administer"],
	webhooks_create: ["POST", "/webhooks", "administer"],
	webhooks_get: ["GET", "/webhooks/{id}", "administer"],
	webhooks_delete: ["DELETE", "/webhooks/{id}", "administer"],
	webhooks_update: ["PATCH", "/webhooks/{id}", "administer"],
	webhooks_deliveries: ["GET", "/webhooks/{id}/deliveries", "administer"],
	webhooks_replay: ["POST", "/webhooks/{id}/deliveries/{delivery}/replay", "administer"],
} as const;

export interface Calls {
	/** Entries, newest first */
	audit_list: {
		query: {
			who?: string;
			action?: string;
			object?: string;
			from?: string;
			to?: string;
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: AuditEntry[];
			next?: string;
		};
	};
	/** The log's head as it is now, signed */
	audit_checkpoint: {
		query: Record<string, never>;
		body: undefined;
		answer: unknown;
	};
	/** The key that verifies the checkpoints */
	audit_key: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			key: string;
		};
	};
	/** A tile of hashes, or a bundle of entries */
	audit_tile: {
		query: Record<string, never>;
		body: undefined;
		answer: unknown;
	};
	/** Shows that an entry is in the log */
	audit_inclusion: {
		query: {
			entry?: number;
			size?: number;
		};
		body: undefined;
		answer: AuditProof;
	};
	/** Shows that the log only grew */
	audit_consistency: {
		query: {
			from?: number;
			to?: number;
		};
		body: undefined;
		answer: AuditProof;
	};
	/** Deltas, made and to be made, the newest first */
	deltas_list: {
		query: {
			product?: string;
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: Delta[];
			next?: Next;
		};
	};
	/** List deployments, newest first */
	deployments_list: {
		query: {
			limit?: number;
			after?: string;
			device?: string;
			state?: string;
			filter?: string;
			format?: "json" | "csv";
		};
		body: undefined;
		answer: DeploymentPage;
	};
	/** Assign a release to a device */
	deployments_create: {
		query: Record<string, never>;
		body: {
			device: string;
			release: string;
			/** The same as kind forced. */
			force?: boolean;
			/** How much the device may choose. */
			kind?: "soft" | "forced" | "time-forced" | "download-only";
			/** When a time-forced one stops being soft. */
			force_at?: number;
			/** When the device's maintenance window opens: nothing is installed before. */
			not_before?: number;
			/** The device's user must consent first. */
			consent?: boolean;
		};
		answer: Deployment;
	};
	/** One deployment with what the device said */
	deployments_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Deployment;
	};
	/** Ask the device to cancel */
	deployments_delete: {
		query: {
			force?: "true" | "false";
		};
		body: undefined;
		answer: Deployment;
	};
	/** List devices */
	devices_list: {
		query: {
			limit?: number;
			after?: string;
			q?: string;
			filter?: string;
			sort?: string;
			count?: boolean;
			why?: boolean;
			format?: "json" | "csv";
		};
		body: undefined;
		answer: {
			items: Device[];
			next?: Next;
			/** How many match, where `count` was asked for; counting stops at 10,000. */
			total?: number;
			/** False: there are at least so many. */
			total_exact?: boolean;
		};
	};
	/** Register a device */
	devices_create: {
		query: Record<string, never>;
		body: {
			id: string;
			name?: string;
			product?: string;
			hardware?: string;
		};
		answer: {
			device: Device;
			token: string;
		};
	};
	/** One device with its attributes */
	devices_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Device;
	};
	/** Remove a device, its deployments with it */
	devices_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** Say something of a device */
	devices_patch: {
		query: Record<string, never>;
		body: {
			name?: string | null;
			site?: string | null;
			tags?: string[];
			pin?: null | {
				/** Absent: it keeps what it runs. */
				release?: string | null;
				reason: string;
			};
			attributes?: Record<string, string | null>;
		};
		answer: Device;
	};
	/** Give the device a new token; the old one ends */
	devices_token: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			token: string;
		};
	};
	/** The device's deployments, newest first */
	devices_history: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: DeploymentPage;
	};
	/** Server-Sent Events: devices, deployments, progress, releases */
	events_stream: {
		query: Record<string, never>;
		body: undefined;
		answer: unknown;
	};
	/** Devices whose last update failed or was rolled back, in clusters */
	failures_list: {
		query: {
			from_at?: number;
			release?: string;
		};
		body: undefined;
		answer: {
			items: FailureCluster[];
			/** False: there are more kinds than are shown. */
			complete: boolean;
		};
	};
	/** How the evidence of its health gate grew */
	rollouts_evidence: {
		query: Record<string, never>;
		body: undefined;
		answer: RolloutEvidence;
	};
	/** List groups */
	groups_list: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: Group[];
			next?: Next;
		};
	};
	/** Make a group */
	groups_create: {
		query: Record<string, never>;
		body: {
			name: string;
			about?: string | null;
			/** A filter: its members follow from it. Absent: members are listed. */
			filter?: string | null;
		};
		answer: Group;
	};
	/** One group, and how many devices are in it */
	groups_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Group;
	};
	/** Make or change a group */
	groups_put: {
		query: Record<string, never>;
		body: {
			about?: string | null;
			/** A filter: its members follow from it. Absent: members are listed. */
			filter?: string | null;
		};
		answer: Group;
	};
	/** Remove a group */
	groups_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** Change a group's listed members */
	groups_members: {
		query: Record<string, never>;
		body: {
			add?: string[];
			remove?: string[];
			/** These are all. */
			set?: string[];
		};
		answer: Group;
	};
	/** List products */
	products_list: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: Product[];
			next?: Next;
		};
	};
	/** One product */
	products_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Product;
	};
	/** Describe a product */
	products_put: {
		query: Record<string, never>;
		body: {
			about?: string | null;
			/** Ids of compatible hardware; none: any. */
			hardware?: string[];
			support_ends_at?: number | null;
		};
		answer: Product;
	};
	/** Forget what was said of a product */
	products_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** How many devices run which version, and who is behind */
	versions_list: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			items: VersionCount[];
			newest: Newest[];
		};
	};
	/** The same over time */
	versions_history: {
		query: {
			product?: string;
			from_at?: number;
		};
		body: undefined;
		answer: {
			items: VersionPoint[];
			next?: Next;
		};
	};
	/** List jobs, newest first */
	jobs_list: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: Job[];
			next?: Next;
		};
	};
	/** Change all devices that match */
	jobs_create: {
		query: Record<string, never>;
		body: {
			action: "tag" | "untag" | "assign" | "cancel" | "pin" | "unpin" | "delete" | "join" | "leave";
			filter: string;
			/** Of tag and untag. */
			tag?: string | null;
			/** Of assign; of pin: absent keeps each at what it runs. */
			release?: string | null;
			/** Of pin. */
			reason?: string | null;
			/** Of join and leave: one whose members are listed. */
			group?: string | null;
			/** Of assign. */
			force?: boolean;
		};
		answer: Job;
	};
	/** How far a job is */
	jobs_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Job;
	};
	/** Stop a job */
	jobs_cancel: {
		query: Record<string, never>;
		body: undefined;
		answer: Job;
	};
	/** Is the fleet frozen, by whom and why? */
	freeze_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Freeze;
	};
	/** Show no device anything new */
	freeze_put: {
		query: Record<string, never>;
		body: {
			reason: string;
			/** Also cancel what devices have been shown. */
			cancel_running?: boolean;
		};
		answer: Freeze;
	};
	/** End the freeze */
	freeze_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** Give the password once more, for what asks for it */
	session_confirm: {
		query: Record<string, never>;
		body: {
			password: string;
		};
		answer: undefined;
	};
	/** Change one's own password; all of one's other sessions end */
	session_password: {
		query: Record<string, never>;
		body: {
			password: string;
			new: string;
		};
		answer: undefined;
	};
	/** Sessions of a user */
	sessions_list: {
		query: {
			user?: string;
		};
		body: undefined;
		answer: {
			items: Session[];
		};
	};
	/** End a session, its event streams with it */
	sessions_delete: {
		query: {
			user?: string;
		};
		body: undefined;
		answer: undefined;
	};
	/** List users */
	users_list: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: User[];
			next?: Next;
		};
	};
	/** Add a user */
	users_create: {
		query: Record<string, never>;
		body: {
			name: string;
			password: string;
			role: Role;
			groups?: Groups;
		};
		answer: User;
	};
	/** One user */
	users_get: {
		query: Record<string, never>;
		body: undefined;
		answer: User;
	};
	/** Change a user's role, password or whether they may log in; their sessions end */
	users_set: {
		query: Record<string, never>;
		body: {
			role?: Role;
			groups?: Groups;
			password?: string;
			disabled?: boolean;
		};
		answer: User;
	};
	/** Remove a user; their sessions end */
	users_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** List API tokens */
	tokens_list: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			items: Token[];
		};
	};
	/** Make an API token */
	tokens_create: {
		query: Record<string, never>;
		body: {
			name: string;
			role: TokenRole;
			groups?: Groups;
			/** Without it, in 90 days; null: never. */
			expires_at?: number | null;
		};
		answer: NewToken;
	};
	/** Revoke an API token, its event streams with it */
	tokens_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** What holds for the devices of this tenant */
	settings_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Settings;
	};
	/** Say something for this tenant; what is not named stays */
	settings_set: {
		query: Record<string, never>;
		body: {
			poll_interval_ms?: number | null;
			target_tokens?: boolean | null;
			gateway_tokens?: boolean | null;
			/** true: 409 where the server has no address for them. */
			plain_links?: boolean | null;
		};
		answer: Settings;
	};
	/** List tenants */
	tenants_list: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			items: Tenant[];
		};
	};
	/** Add a tenant */
	tenants_create: {
		query: Record<string, never>;
		body: {
			name: string;
			/** null: no limit. */
			max_devices?: number | null;
			/** null: no limit. */
			max_bytes?: number | null;
			/** null: no limit. */
			max_uploads?: number | null;
			/** null: no limit. */
			max_streams?: number | null;
		};
		answer: NewTenant;
	};
	/** Change a tenant's limits; what is not named stays */
	tenants_set: {
		query: Record<string, never>;
		body: {
			/** null: no limit. */
			max_devices?: number | null;
			/** null: no limit. */
			max_bytes?: number | null;
			/** null: no limit. */
			max_uploads?: number | null;
			/** null: no limit. */
			max_streams?: number | null;
		};
		answer: Tenant;
	};
	/** List releases, newest first */
	releases_list: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: Release[];
			next?: Next;
		};
	};
	/** Publish a signed release */
	releases_create: {
		query: Record<string, never>;
		body: {
			targets: Sha256;
			root?: Sha256;
			manifest: Sha256;
			descriptor?: Sha256;
			head?: Sha256;
			body?: Sha256;
		};
		answer: Release;
	};
	/** One release */
	releases_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Release;
	};
	/** Take a release back */
	releases_withdraw: {
		query: Record<string, never>;
		body: {
			reason: string;
			/** Also cancel what devices have been shown. */
			cancel_running?: boolean;
		};
		answer: Release;
	};
	/** Begin an upload, or find the one that was cut */
	uploads_create: {
		query: Record<string, never>;
		body: {
			size: number;
			sha256: Sha256;
		};
		answer: Upload;
	};
	/** Where an upload stands */
	uploads_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Upload;
	};
	/** Send the next part */
	uploads_put: {
		query: {
			offset?: number;
		};
		body: undefined;
		answer: Upload;
	};
	/** Give an upload up: what came of it goes */
	uploads_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** End an upload: what came is checked and kept */
	uploads_commit: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			sha256: Sha256;
		};
	};
	/** Publish a new root; the first one claims the repository */
	repository_root: {
		query: Record<string, never>;
		body: {
			root: Sha256;
		};
		answer: undefined;
	};
	/** Publish a new list of releases without a new release */
	repository_targets: {
		query: Record<string, never>;
		body: {
			targets: Sha256;
		};
		answer: undefined;
	};
	/** Public halves of the server's own keys, for the next root */
	repository_keys: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			snapshot: PublicKey;
			timestamp: PublicKey;
		};
	};
	/** List rollouts, newest first */
	rollouts_list: {
		query: {
			limit?: number;
			after?: string;
			state?: "draft" | "awaiting-approval" | "scheduled" | "running" | "paused" | "finished" | "stopped";
		};
		body: undefined;
		answer: {
			items: Rollout[];
			next?: Next;
		};
	};
	/** Make a draft */
	rollouts_create: {
		query: Record<string, never>;
		body: RolloutPlan;
		answer: Rollout;
	};
	/** One rollout: its plan, its waves and their counters */
	rollouts_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Rollout;
	};
	/** Change a draft */
	rollouts_change: {
		query: Record<string, never>;
		body: RolloutPlan;
		answer: Rollout;
	};
	/** Delete a draft */
	rollouts_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** What it would do */
	rollouts_preview: {
		query: Record<string, never>;
		body: undefined;
		answer: RolloutPreview;
	};
	/** Its devices, by id */
	rollouts_members: {
		query: {
			limit?: number;
			after?: string;
			wave?: number;
			state?: "waiting" | "in-flight" | "proven" | "reported" | "downloaded" | "failed" | "rolled-back" | "silent" | "absent" | "cancelled";
		};
		body: undefined;
		answer: {
			items: RolloutMember[];
			next?: Next;
		};
	};
	/** What was decided and why, newest first */
	rollouts_decisions: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: RolloutDecision[];
			next?: Next;
		};
	};
	/** Submit a draft: it starts as soon as it is approved and its time has come */
	rollouts_start: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
		};
		answer: Rollout;
	};
	/** Approve it, or one of its waves */
	rollouts_approve: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
			/** This wave, which its plan says needs approval. */
			wave?: number;
		};
		answer: Rollout;
	};
	/** Offer it to no further device; what runs goes on */
	rollouts_pause: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
		};
		answer: Rollout;
	};
	/** Go on; who failed until now leaves the reckoning if the policy paused it */
	rollouts_resume: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
		};
		answer: Rollout;
	};
	/** End it for good */
	rollouts_stop: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
			/** Also cancel what devices were shown; can be said later as well. */
			cancel_running?: boolean;
		};
		answer: Rollout;
	};
	/** Stop it, and give its members that run its release the previous one */
	rollouts_rollback: {
		query: Record<string, never>;
		body: {
			/** For the people who read the decisions. */
			reason?: string;
			/** Give them this one instead of the next lower version. */
			release?: string;
			/** Try it also where the release has a lower security version: devices whose floor was raised refuse it. */
			below_security_version?: boolean;
		};
		answer: Rollout;
	};
	/** Why is this device not updating? */
	devices_why: {
		query: Record<string, never>;
		body: undefined;
		answer: Why;
	};
	/** What this server is */
	info_get: {
		query: {
			tenant?: string;
		};
		body: undefined;
		answer: Info;
	};
	/** This document */
	openapi_get: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			openapi: string;
			paths: Record<string, unknown>;
		};
	};
	/** Who am I? */
	session_get: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			user: string;
			tenant: string;
			role: Role;
			groups: Groups;
			/** The session of a user who logged in with one. */
			has_password: boolean;
			expires_at: MaybeTime;
		};
	};
	/** Log in: with user and password, or a one-time token from a login link */
	session_create: {
		query: Record<string, never>;
		body: {
			/** From a login link; it works once, for ten minutes. */
			token?: string;
			user?: string;
			password?: string;
			/** Of the user; without it, the default one. */
			tenant?: string;
		};
		answer: undefined;
	};
	/** Log out */
	session_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** All webhooks, oldest first */
	webhooks_list: {
		query: Record<string, never>;
		body: undefined;
		answer: {
			items: Webhook[];
		};
	};
	/** Tell a URL of events from now on */
	webhooks_create: {
		query: Record<string, never>;
		body: {
			/** https only, without a user or a fragment. */
			url: string;
			events: WebhookEvents;
		};
		answer: Webhook;
	};
	/** One webhook */
	webhooks_get: {
		query: Record<string, never>;
		body: undefined;
		answer: Webhook;
	};
	/** Delete it and its deliveries */
	webhooks_delete: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
	/** Change its URL, its events, or whether it is active */
	webhooks_update: {
		query: Record<string, never>;
		body: {
			url?: string;
			events?: WebhookEvents;
			active?: boolean;
		};
		answer: Webhook;
	};
	/** Its last 200 attempts, newest first */
	webhooks_deliveries: {
		query: {
			limit?: number;
			after?: string;
		};
		body: undefined;
		answer: {
			items: WebhookDelivery[];
			next?: string;
		};
	};
	/** Send the event of a delivery once more */
	webhooks_replay: {
		query: Record<string, never>;
		body: undefined;
		answer: undefined;
	};
}
