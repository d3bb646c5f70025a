// SPDX-License-Identifier: Apache-2.0
/* The management API, typed. One function a call; every failure is an ApiError that reads as a sentence. */
import type {
	Decision,
	Deployment,
	Device,
	Freeze,
	Info,
	Page,
	Release,
	Rollout,
	Session,
	VersionCount,
	Why,
} from "./types.ts";
import { texts } from "./texts.ts";

export class ApiError extends Error {
	readonly status: number; /* 0: the server did not answer */
	readonly code: string;
	constructor(status: number, code: string, detail: string) {
		super(detail);
		this.status = status;
		this.code = code;
	}
}

type Fetch = typeof fetch;
type Query = Record<string, string | number | undefined>;

let onSignedOut = () => {};

/** Called when the server no longer knows who we are. */
export function whenSignedOut(call: () => void): void {
	onSignedOut = call;
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
			if (detail) return new ApiError(answer.status, String(body.code ?? ""), detail as string);
		} catch {
			/* not a problem document after all */
		}
	}
	return new ApiError(answer.status, "", texts.problem.status(answer.status));
}

async function call<T>(method: string, path: string, body?: unknown, fetcher: Fetch = fetch): Promise<T> {
	const headers: Record<string, string> = { Accept: "application/json" };
	const init: RequestInit = { method, headers, credentials: "same-origin" };
	if (body !== undefined || method !== "GET") {
		headers["Content-Type"] = "application/json";
		if (body !== undefined) init.body = JSON.stringify(body);
	}
	let answer: Response;
	try {
		answer = await fetcher(path, init);
	} catch {
		throw new ApiError(0, "unreachable", texts.problem.unreachable);
	}
	if (!answer.ok) {
		if (answer.status === 401 && !path.endsWith("/session")) onSignedOut();
		throw await problemOf(answer);
	}
	if (answer.status === 204) return undefined as T;
	try {
		return (await answer.json()) as T;
	} catch {
		throw new ApiError(answer.status, "", texts.problem.notOurs);
	}
}

const one = (id: string) => encodeURIComponent(id);

export const api = {
	info: () => call<Info>("GET", apiPath("/info")),
	session: () => call<Session>("GET", apiPath("/session")),
	loginAs: (user: string, password: string, tenant: string) =>
		call<void>("POST", apiPath("/session"), tenant ? { user, password, tenant } : { user, password }),
	login: (token: string) => call<void>("POST", apiPath("/session"), { token }),
	logout: () => call<void>("DELETE", apiPath("/session")),
	devices: (q: string, after?: string, limit = 100) =>
		call<Page<Device>>("GET", apiPath("/devices", { q, after, limit })),
	device: (id: string) => call<Device>("GET", apiPath(`/devices/${one(id)}`)),
	addDevice: (device: { id: string; name?: string; product?: string; hardware?: string }) =>
		call<{ device: Device; token: string }>("POST", apiPath("/devices"), device),
	history: (id: string, after?: string) =>
		call<Page<Deployment>>("GET", apiPath(`/devices/${one(id)}/history`, { after, limit: 20 })),
	releases: (after?: string, limit = 100) =>
		call<Page<Release>>("GET", apiPath("/releases", { after, limit })),
	assign: (device: string, release: string, force: boolean) =>
		call<Deployment>("POST", apiPath("/deployments"), force ? { device, release, force } : { device, release }),
	deployment: (id: string) => call<Deployment>("GET", apiPath(`/deployments/${one(id)}`)),
	cancel: (id: string) => call<Deployment>("DELETE", apiPath(`/deployments/${one(id)}`)),
	rollouts: (after?: string) => call<Page<Rollout>>("GET", apiPath("/rollouts", { after, limit: 50 })),
	rollout: (id: string) => call<Rollout>("GET", apiPath(`/rollouts/${one(id)}`)),
	decisions: (id: string) => call<Page<Decision>>("GET", apiPath(`/rollouts/${one(id)}/decisions`, { limit: 30 })),
	rolloutAction: (id: string, action: string, body: object = {}) =>
		call<Rollout>("POST", apiPath(`/rollouts/${one(id)}/${action}`), body),
	why: (id: string) => call<Why>("GET", apiPath(`/devices/${one(id)}/why`)),
	freeze: () => call<Freeze>("GET", apiPath("/freeze")),
	setFreeze: (reason: string, cancelRunning: boolean) =>
		call<Freeze>("PUT", apiPath("/freeze"), { reason, cancel_running: cancelRunning }),
	thaw: () => call<void>("DELETE", apiPath("/freeze")),
	versions: () => call<{ items: VersionCount[] }>("GET", apiPath("/versions")),
};
