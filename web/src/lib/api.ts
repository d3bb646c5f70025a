// SPDX-License-Identifier: Apache-2.0
/* The management API, typed. One function a call; every failure is an ApiError that reads as a sentence. */
import { operations, type Calls } from "./schema.ts";
import type { Device, Page } from "./types.ts";
import { texts } from "./texts/frame.ts";

export class ApiError extends Error {
	readonly status: number; /* 0: the server did not answer */
	readonly code: string;
	readonly more: Readonly<Record<string, unknown>>; /* the whole problem document, if it was one */
	constructor(status: number, code: string, detail: string, more = {}) {
		super(detail);
		this.status = status;
		this.code = code;
		this.more = more;
	}
}

type Fetch = typeof fetch;
type Query = Record<string, string | number | boolean | undefined>;

let onSignedOut = () => {};

/** Called when the server no longer knows who we are. */
export function whenSignedOut(call: () => void): void {
	onSignedOut = call;
}

let askForProof = async (_why: string): Promise<boolean> => false;

/** Called when the server wants to be sure who sits here before it does what was asked (403 "prove-yourself").
 *  True: it is now, try again. */
export function whenProofAsked(call: (why: string) => Promise<boolean>): void {
	askForProof = call;
}

export function apiPath(path: string, query: Query = {}): string {
	const search = new URLSearchParams();
	for (const [key, value] of Object.entries(query)) {
		if (value !== undefined && value !== "") search.set(key, String(value));
	}
	const text = search.toString();
	return `/api/v1${path}${text ? `?${text}` : ""}`;
}

/** A problem document (RFC 9457) as an error; anything else that is not ours is named by its status. */
export async function problemOf(answer: Response): Promise<ApiError> {
	const isProblem = (answer.headers.get("content-type") ?? "").includes("json");
	if (isProblem) {
		try {
			const body = (await answer.json()) as { code?: unknown; detail?: unknown; title?: unknown };
			const detail = [body.detail, body.title].find((text) => typeof text === "string" && text !== "");
			if (detail) return new ApiError(answer.status, String(body.code ?? ""), detail as string, body);
		} catch {
			/* not a problem document after all */
		}
	}
	return new ApiError(answer.status, "", texts.problem.status(answer.status));
}

interface Sent {
	method: string;
	path: string;
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal | undefined;
}

async function send(sent: Sent, fetcher: Fetch): Promise<Response> {
	const { method, body } = sent;
	const headers: Record<string, string> = { Accept: "application/json", ...sent.headers };
	const init: RequestInit = { method, headers, credentials: "same-origin" };
	if (sent.signal) init.signal = sent.signal;
	if (body !== undefined || method !== "GET") headers["Content-Type"] ??= "application/json";
	if (body instanceof Blob) init.body = body;
	else if (body !== undefined) init.body = JSON.stringify(body);
	try {
		return await fetcher(sent.path, init);
	} catch (why) {
		if (sent.signal?.aborted) throw why;
		throw new ApiError(0, "unreachable", texts.problem.unreachable);
	}
}

/** GET of what is no part of the API, and may answer with any status. */
export const get = (path: string): Promise<Response> => send({ method: "GET", path }, fetch);

async function call<T>(sent: Sent, fetcher: Fetch = fetch): Promise<T> {
	let answer = await send(sent, fetcher);
	if (!answer.ok) {
		if (answer.status === 401 && !sent.path.endsWith("/session")) onSignedOut();
		const problem = await problemOf(answer);
		if (problem.code !== "prove-yourself" || !(await askForProof(problem.message))) throw problem;
		answer = await send(sent, fetcher);
		if (!answer.ok) throw await problemOf(answer);
	}
	if (answer.status === 204) return undefined as T;
	try {
		return (await answer.json()) as T;
	} catch {
		throw new ApiError(answer.status, "", texts.problem.notOurs);
	}
}

type Name = keyof Calls;

/** What a call takes: what stands for {id} (or {path}, {delivery}) in its path, its query, its body. */
export interface Asked<K extends Name> {
	id?: string;
	delivery?: string;
	query?: { [Q in keyof Calls[K]["query"]]?: Calls[K]["query"][Q] | undefined };
	body?: Calls[K]["body"];
	headers?: Record<string, string>;
	signal?: AbortSignal;
}

function addressOf<K extends Name>(name: K, asked: Asked<K>): string {
	const path = operations[name][1].replace(/\{(id|delivery)\}/g, (_, key: "id" | "delivery") =>
		encodeURIComponent(asked[key] ?? ""),
	);
	return apiPath(path, asked.query as Query);
}

/** One call of the management API by the name it has in the OpenAPI document, with the types from there. */
export function request<K extends Name>(name: K, asked: Asked<K> = {}, fetcher?: Fetch): Promise<Calls[K]["answer"]> {
	const sent: Sent = { method: operations[name][0], path: addressOf(name, asked), signal: asked.signal };
	if (asked.body !== undefined) sent.body = asked.body;
	if (asked.headers) sent.headers = asked.headers;
	return call(sent, fetcher);
}

/** The same call in words, to be shown: "POST /api/v1/groups {...}". */
export function describe<K extends Name>(name: K, asked: Asked<K> = {}): string {
	const body = asked.body === undefined ? "" : ` ${JSON.stringify(asked.body)}`;
	return `${operations[name][0]} ${addressOf(name, asked)}${body}`;
}

const RANKS = ["viewer", "operator", "release-manager", "admin"];
const NEEDS = { anybody: 0, view: 0, operate: 1, release: 2, administer: 3 };

/** May somebody of this role call it? The server has the last word; this is for what not to offer. */
export function may(role: string | undefined, name: Name): boolean {
	return RANKS.indexOf(role ?? "") >= NEEDS[operations[name][2]];
}

/* The calls that several screens make, by short names. */
export const api = {
	info: () => request("info_get"),
	session: () => request("session_get"),
	loginAs: (user: string, password: string, tenant: string) =>
		request("session_create", { body: tenant ? { user, password, tenant } : { user, password } }),
	login: (token: string) => request("session_create", { body: { token } }),
	logout: () => request("session_delete"),
	devices: (query: Asked<"devices_list">["query"] & object, signal?: AbortSignal) =>
		request("devices_list", signal ? { query, signal } : { query }) as Promise<
			Page<Device> & { total?: number; total_exact?: boolean }
		>,
	device: (id: string) => request("devices_get", { id }) as Promise<Device>,
	history: (id: string, after?: string) => request("devices_history", { id, query: { after, limit: 20 } }),
	releases: (after?: string, limit = 100) => request("releases_list", { query: { after, limit } }),
	deployment: (id: string) => request("deployments_get", { id }),
	rollouts: (after?: string) => request("rollouts_list", { query: { after, limit: 50 } }),
	rollout: (id: string) => request("rollouts_get", { id }),
	decisions: (id: string) => request("rollouts_decisions", { id, query: { limit: 30 } }),
	why: (id: string) => request("devices_why", { id }),
	freeze: () => request("freeze_get"),
	versions: () => request("versions_list"),
};
