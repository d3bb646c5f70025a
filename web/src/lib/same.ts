// SPDX-License-Identifier: Apache-2.0
/*
 * Each action of the console has two other ways: the call of the API that it makes, and the `ota` command that makes
 * the same call. Both follow from what is asked, so they cannot say something else than what is done:
 *
 *	const asked = { id, body: { reason } };
 *	await request("rollouts_pause", asked);
 *	<AsCommand {...same("rollouts_pause", asked)} />
 *
 * COMMANDS has a row for each operation that changes something: one that is new in the API does not compile before it
 * says which command does it. What a call does not say itself (the file that is uploaded, the tags before) is known
 * to the screen: the third argument.
 *
 * Tests: same.test.ts (each screen offers what it does), e2e/commands.e2e.ts (`ota` takes every command).
 */
import { describe, type Asked } from "./api.ts";
import { command, quote } from "./command.ts";
import type { Calls, operations } from "./schema.ts";

type Name = keyof Calls;
export type Write = { [K in Name]: (typeof operations)[K][0] extends "GET" ? never : K }[Name];

export interface Same {
	calls: string[];
	commands: string[];
}

/** What the screen knows and the call does not say. */
interface Known {
	tags?: readonly string[]; /* of the device, until now */
	file?: string; /* the bundle's name */
	plan?: string; /* the command that makes this rollout */
}

type Commands<K extends Name> = (asked: Asked<K>, known: Known) => string | readonly string[];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A word, or what stands for it until it is written. */
const word = (text: string | null | undefined, until: string) => text?.trim() || until;

const inFile = (plan: unknown, ...rest: string[]) =>
	`echo ${quote(JSON.stringify(plan))} > plan.json && ${command("rollout", ...rest, "plan.json")}`;

const time = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString().replace(/\.\d+Z$/, "Z"));
const flag = (value: boolean | null) => (value === null ? "default" : value ? "yes" : "no");
const push = (_: object, { file }: Known) => command("release", "push", word(file, "BUNDLE"));

const act = (what: "start" | "approve" | "pause" | "resume") => (asked: { id?: string; body?: object }) =>
	command("rollout", what, word(asked.id, "ROLLOUT"), (asked.body ?? {}) as Record<string, string | number>);

function setDevice({ id, body }: Asked<"devices_patch">, { tags }: Known): string[] {
	const device = word(id, "DEVICE");
	const all: string[] = [];
	if (body?.pin === null) all.push(command("device", "unpin", device));
	else if (body?.pin) all.push(command("device", "pin", device, { release: body.pin.release ?? "", reason: word(body.pin.reason, "REASON") }));
	if (body?.tags) {
		for (const tag of body.tags) if (!tags?.includes(tag)) all.push(command("device", "tag", tag, device));
		for (const tag of tags ?? []) if (!body.tags.includes(tag)) all.push(command("device", "untag", tag, device));
	}
	const attribute = Object.entries(body?.attributes ?? {}).map(([key, value]) => `${key}=${value ?? ""}`);
	if (body?.name !== undefined || body?.site !== undefined || attribute.length > 0)
		all.push(command("device", "set", device, { name: body?.name, site: body?.site, attribute }));
	return all;
}

function makeJob({ body }: Asked<"jobs_create">): string {
	const { action, tag, release, reason, group, force } = body!;
	const filter = word(body!.filter, "FILTER");
	switch (action) {
		case "assign":
			return command("device", "assign", word(release, "RELEASE"), { filter, force, yes: true });
		case "cancel":
		case "delete":
			return command("device", action, { filter, yes: true });
		case "tag":
		case "untag":
			return command("device", action, word(tag, "TAG"), { filter });
		case "pin":
			return command("device", "pin", { filter, release: release ?? "", reason: word(reason, "REASON") });
		case "unpin":
			return command("device", "unpin", { filter });
		case "join":
			return command("group", "add", word(group, "GROUP"), { filter });
		case "leave":
			return command("group", "remove", word(group, "GROUP"), { filter });
	}
}

function setUser({ id, body }: Asked<"users_set">): string[] {
	const name = word(id, "NAME");
	const all: string[] = [];
	if (body?.disabled !== undefined) all.push(command("user", body.disabled ? "disable" : "enable", name));
	if (body?.role || body?.groups) all.push(command("user", "set", name, { role: body.role, group: body.groups ?? [] }));
	if (body?.password) all.push(command("user", "set", name, { password: true }));
	return all;
}

function makeToken({ body }: Asked<"tokens_create">): string {
	const ends = body!.expires_at;
	const life = typeof ends === "number" ? `${Math.max(1, Math.round((ends - Date.now()) / DAY))}d` : "";
	return command("token", "create", word(body!.name, "NAME"), { role: body!.role, group: body!.groups ?? [], life, forever: ends === null });
}

function setSettings({ body }: Asked<"settings_set">): string {
	const all: string[] = [];
	const every = body?.poll_interval_ms;
	if (every !== undefined) all.push(`poll-interval=${every === null ? "default" : `${every / 1000}s`}`);
	for (const key of ["target_tokens", "gateway_tokens", "plain_links"] as const) {
		const value = body?.[key];
		if (value !== undefined) all.push(`${key.replace("_", "-")}=${flag(value)}`);
	}
	return command("settings", "set", ...all);
}

const limits = (body: Asked<"tenants_set">["body"]) => ({
	"max-devices": body?.max_devices ?? undefined,
	"max-bytes": body?.max_bytes ?? undefined,
	"max-uploads": body?.max_uploads ?? undefined,
	"max-streams": body?.max_streams ?? undefined,
});

const WRITES: { [K in Write]: Commands<K> } = {
	deployments_create: ({ body }) =>
		command("device", "assign", word(body?.device, "DEVICE"), word(body?.release, "RELEASE"), {
			force: body?.force,
			kind: body?.kind,
			"force-at": time(body?.force_at),
			"not-before": time(body?.not_before),
			consent: body?.consent,
		}),
	deployments_delete: ({ id, query }) => command("deployment", "cancel", word(id, "DEPLOYMENT"), { force: query?.force === "true" }),
	devices_create: ({ body }) =>
		command("device", "add", word(body?.id, "DEVICE"), { name: body?.name, product: body?.product, hardware: body?.hardware }),
	devices_delete: ({ id }) => command("device", "delete", word(id, "DEVICE")),
	devices_patch: setDevice,
	devices_token: ({ id }) => command("device", "token", word(id, "DEVICE")),
	freeze_put: ({ body }) => command("freeze", { reason: word(body?.reason, "REASON"), "cancel-running": body?.cancel_running }),
	freeze_delete: () => command("thaw"),
	groups_create: ({ body }) => command("group", "create", word(body?.name, "GROUP"), { filter: body?.filter ?? "", about: body?.about ?? "" }),
	groups_put: ({ id, body }) => command("group", "set", word(id, "GROUP"), { filter: body?.filter ?? "", about: body?.about || null }),
	groups_delete: ({ id }) => command("group", "delete", word(id, "GROUP")),
	groups_members: ({ id, body }) =>
		body?.remove
			? command("group", "remove", word(id, "GROUP"), ...body.remove)
			: command("group", "add", word(id, "GROUP"), ...(body?.add?.length ? body.add : ["DEVICE"])),
	jobs_create: makeJob,
	jobs_cancel: ({ id }) => command("job", "cancel", word(id, "JOB")),
	products_put: ({ id, body }) =>
		command("product", "set", word(id, "PRODUCT"), {
			about: body?.about ?? "",
			hardware: body?.hardware ?? [],
			"support-ends": time(body?.support_ends_at ?? undefined)?.slice(0, 10),
		}),
	products_delete: ({ id }) => command("product", "delete", word(id, "PRODUCT")),
	releases_create: push,
	releases_withdraw: ({ id, body }) =>
		command("release", "withdraw", word(id, "RELEASE"), { reason: word(body?.reason, "REASON"), "cancel-running": body?.cancel_running }),
	repository_root: (_, { file }) => (file ? push(_, { file }) : command("keys", "push", "DIR")),
	repository_targets: () => command("release", "unlist", "PRODUCT", "VERSION", { keys: "DIR" }),
	rollouts_create: ({ body }, { plan }) => plan ?? inFile(body, "create"),
	rollouts_change: ({ id, body }) => inFile(body, "change", word(id, "ROLLOUT")),
	rollouts_delete: ({ id }) => command("rollout", "delete", word(id, "ROLLOUT")),
	rollouts_start: act("start"),
	rollouts_approve: act("approve"),
	rollouts_pause: act("pause"),
	rollouts_resume: act("resume"),
	rollouts_stop: ({ id, body }) =>
		command("rollout", "stop", word(id, "ROLLOUT"), { reason: body?.reason, "cancel-running": body?.cancel_running }),
	rollouts_rollback: ({ id, body }) =>
		command("rollout", "rollback", word(id, "ROLLOUT"), {
			release: body?.release,
			reason: body?.reason,
			"below-security-version": body?.below_security_version,
		}),
	session_create: ({ body }) => command("login", { user: (body as { user?: string } | undefined)?.user }),
	session_delete: () => command("logout"),
	session_confirm: () => command("session", "confirm"),
	session_password: () => command("session", "password"),
	sessions_delete: ({ id }) => command("session", "revoke", word(id, "SESSION")),
	settings_set: setSettings,
	tenants_create: ({ body }) => command("tenant", "add", word(body?.name, "NAME"), limits(body)),
	tenants_set: () => [],
	tokens_create: makeToken,
	tokens_delete: ({ id }) => command("token", "revoke", word(id, "TOKEN")),
	uploads_create: push,
	uploads_put: push,
	uploads_commit: push,
	uploads_delete: push,
	users_create: ({ body }) => command("user", "add", word(body?.name, "NAME"), { role: body?.role, group: body?.groups ?? [] }),
	users_set: setUser,
	users_delete: ({ id }) => command("user", "remove", word(id, "NAME")),
	webhooks_create: ({ body }) => command("webhook", "add", word(body?.url, "URL"), { event: body?.events }),
	webhooks_update: ({ id, body }) => [
		...(body?.url || body?.events ? [command("webhook", "set", word(id, "WEBHOOK"), { url: body.url, event: body.events })] : []),
		...(body?.active === undefined ? [] : [command("webhook", body.active ? "resume" : "pause", word(id, "WEBHOOK"))]),
	],
	webhooks_delete: ({ id }) => command("webhook", "delete", word(id, "WEBHOOK")),
	webhooks_replay: ({ id, delivery }) => command("webhook", "replay", word(id, "WEBHOOK"), word(delivery, "DELIVERY")),
};

const READS: { [K in Exclude<Name, Write>]?: Commands<K> } = {
	audit_list: ({ query }) => command("audit", "list", { who: query?.who, action: query?.action, object: query?.object, from: query?.from, to: query?.to }),
	devices_list: ({ query }) => command("device", "list", { query: query?.q, filter: query?.filter, sort: query?.sort }),
	devices_get: ({ id }) => command("device", "show", word(id, "DEVICE")),
	devices_why: ({ id }) => command("device", "why", word(id, "DEVICE")),
	deltas_list: ({ query }) => command("delta", "list", { product: query?.product }),
	failures_list: ({ query }) => command("fleet", "failures", { release: query?.release }),
	groups_list: () => command("group", "list"),
	groups_get: ({ id }) => command("group", "show", word(id, "GROUP")),
	jobs_list: () => command("job", "list"),
	releases_list: () => command("release", "list"),
	releases_get: ({ id }) => command("release", "show", word(id, "RELEASE")),
	repository_keys: () => command("keys", "online"),
	rollouts_list: () => command("rollout", "list"),
	rollouts_get: ({ id }) => command("rollout", "show", word(id, "ROLLOUT")),
	rollouts_decisions: ({ id }) => command("rollout", "why", word(id, "ROLLOUT")),
	rollouts_preview: ({ id }) => command("rollout", "preview", word(id, "ROLLOUT")),
	sessions_list: () => command("session", "list"),
	settings_get: () => command("settings", "show"),
	tokens_list: () => command("token", "list"),
	users_list: () => command("user", "list"),
	webhooks_list: () => command("webhook", "list"),
	webhooks_deliveries: ({ id }) => command("webhook", "deliveries", word(id, "WEBHOOK")),
};

export type Shown = Write | keyof typeof READS;

export function same<K extends Shown>(name: K, asked: Asked<K> = {}, known: Known = {}): Same {
	const make = ({ ...WRITES, ...READS } as Record<string, Commands<K>>)[name]!;
	return { calls: [describe(name, asked)], commands: [make(asked, known)].flat() };
}

/** Several of them, each call and command once. */
export function together(...all: readonly Same[]): Same {
	return { calls: [...new Set(all.flatMap((one) => one.calls))], commands: [...new Set(all.flatMap((one) => one.commands))] };
}
