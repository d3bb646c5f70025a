// SPDX-License-Identifier: Apache-2.0
/*
 * The management API of docs/API.md over a World, and the built console with the headers of the real server, on
 * a free port of the loopback. For development and browser tests only.
 */
import { randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript",
	".css": "text/css",
	".svg": "image/svg+xml",
	".woff2": "font/woff2",
};
export const CSP = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"connect-src 'self'",
	"font-src 'self'",
	"worker-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types svelte-trusted-html ota-live",
].join("; ");
const HEADERS = {
	"Content-Security-Policy": CSP,
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
};
const KEEP_ALIVE_MS = 15_000;

class Problem extends Error {
	constructor(status, code, detail) {
		super(detail);
		this.status = status;
		this.code = code;
	}
}
const notFound = (what) => new Problem(404, "not-found", `there is no ${what}`);

export async function startFixture(world, { port = 0 } = {}) {
	const state = { world, logins: new Set(), sessions: new Set(), streams: new Set(), refuseStreams: false };
	const server = createServer((request, response) => {
		handle(state, request, response).catch((why) => {
			const problem = why instanceof Problem ? why : new Problem(500, "internal", String(why));
			const body = { type: "about:blank", title: problem.code, status: problem.status, code: problem.code };
			send(response, problem.status, { ...body, detail: problem.message }, "application/problem+json");
		});
	});
	await new Promise((done) => server.listen(port, "localhost", done));
	const url = `http://localhost:${server.address().port}`;
	return {
		url,
		world,
		loginLink() {
			const token = randomBytes(24).toString("base64url");
			state.logins.add(token);
			return `${url}/login#${token}`;
		},
		/* How many event streams are open: one a browser. */
		streams: () => state.streams.size,
		/* Cuts all streams; while `refuse`, new ones get 503. */
		cut(refuse) {
			state.refuseStreams = refuse;
			for (const stream of state.streams) stream.destroy();
		},
		endSessions() {
			state.sessions.clear();
			for (const stream of state.streams) stream.destroy();
		},
		close() {
			for (const stream of state.streams) stream.destroy();
			server.closeAllConnections();
			return new Promise((done) => server.close(done));
		},
	};
}

async function handle(state, request, response) {
	const url = new URL(request.url, "http://localhost");
	if (!url.pathname.startsWith("/api/")) return asset(url.pathname, response);
	const match = route(request.method, url.pathname);
	if (!match) throw notFound("such path");
	const call = {
		state,
		world: state.world,
		request,
		response,
		query: url.searchParams,
		id: match.id,
		session: sessionOf(state, request),
		body: await bodyOf(request),
	};
	if (!match.open && !call.session) throw new Problem(401, "unauthenticated", "sign in first");
	if (request.method !== "GET" && !/json/.test(request.headers["content-type"] ?? ""))
		throw new Problem(403, "forbidden", "a change with a cookie must carry JSON");
	const answer = match.run(call);
	if (answer) send(response, answer[0], answer[1]);
}

const ROUTES = [
	["GET", "/info", info],
	["POST", "/session", login, { open: true }],
	["GET", "/session", () => [200, { user: "admin", role: "admin", expires_at: Date.now() + 8.64e7 }]],
	["DELETE", "/session", logout],
	["GET", "/devices", ({ world, query }) => [200, page([...world.devices.values()].sort(byId), query, prefixed)]],
	["POST", "/devices", addDevice],
	["GET", "/devices/:id", getDevice],
	["GET", "/devices/:id/history", ({ world, id, query }) => [200, page(world.history(id), query)]],
	["GET", "/releases", ({ world, query }) => [200, page([...world.releases.values()].reverse(), query)]],
	["POST", "/deployments", assign],
	["GET", "/deployments/:id", getDeployment],
	["DELETE", "/deployments/:id", cancel],
	["GET", "/rollouts", () => [200, { items: [] }]],
	["GET", "/freeze", ({ world }) => [200, world.freeze]],
	["PUT", "/freeze", ({ world, body }) => [200, world.setFreeze(body)]],
	["DELETE", "/freeze", ({ world }) => (world.setFreeze(null), [204])],
	["GET", "/versions", ({ world }) => [200, { items: world.versions() }]],
	["GET", "/events", events],
];

function route(method, path) {
	for (const [verb, pattern, run, options] of ROUTES) {
		const shape = new RegExp(`^/api/v1${pattern.replace(":id", "([^/]+)")}$`);
		const found = verb === method && shape.exec(path);
		if (found) return { run, id: found[1] && decodeURIComponent(found[1]), open: options?.open };
	}
	return null;
}

function info() {
	const tuf = { root_version: 1, targets_version: 3, timestamp_expires_at: Date.now() + 8.64e7 };
	const about = { name: "OTA console", version: "0.1.0", api: 1, demo: true, now_at: Date.now() };
	return [200, { ...about, ca_fingerprint: "00", tuf }];
}

function login({ state, body, response }) {
	if (!state.logins.delete(body?.token)) throw new Problem(401, "unauthenticated", "the token is used or too old");
	const id = randomBytes(16).toString("hex");
	state.sessions.add(id);
	response.setHeader("Set-Cookie", `__Host-ota=${id}; Path=/; Secure; HttpOnly; SameSite=Strict`);
	return [204];
}

function logout({ state, session }) {
	state.sessions.delete(session);
	return [204];
}

function addDevice({ world, body }) {
	if (!/^[A-Za-z0-9._:-]{1,128}$/.test(body?.id ?? "")) throw new Problem(400, "malformed", "the id is not well formed");
	if (world.devices.has(body.id)) throw new Problem(409, "conflict", `there is a device "${body.id}" already`);
	return [201, { device: world.addDevice(body), token: randomBytes(24).toString("base64url") }];
}

function getDevice({ world, id }) {
	const device = world.devices.get(id);
	if (!device) throw notFound(`device "${id}"`);
	return [200, { ...device, attributes: world.attributes.get(id) ?? {} }];
}

function assign({ world, body }) {
	if (!world.devices.has(body?.device)) throw notFound(`device "${body?.device}"`);
	if (!world.releases.has(body?.release)) throw notFound(`release "${body?.release}"`);
	return [201, world.assign(body.device, body.release)];
}

function getDeployment({ world, id }) {
	const deployment = world.deployments.get(id);
	if (!deployment) throw notFound(`deployment "${id}"`);
	return [200, { ...deployment, statuses: world.statuses.get(id) }];
}

function cancel({ world, id }) {
	if (!world.deployments.has(id)) throw notFound(`deployment "${id}"`);
	world.move(id, "cancelling");
	return [202, world.deployments.get(id)];
}

function events({ state, world, request, response }) {
	if (state.refuseStreams) throw new Problem(503, "busy", "the server is restarting");
	response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
	response.flushHeaders();
	const write = ({ id, event, data }) =>
		response.write(`${id ? `id: ${id}\n` : ""}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
	const last = request.headers["last-event-id"];
	const missed = last === undefined ? [] : world.since(last);
	if (missed === null) response.write("event: reset\ndata: {}\n\n");
	else missed.forEach(write);
	const stop = world.listen(write);
	const alive = setInterval(() => response.write(":\n\n"), KEEP_ALIVE_MS);
	state.streams.add(response);
	response.on("close", () => {
		stop();
		clearInterval(alive);
		state.streams.delete(response);
	});
	return null;
}

function byId(a, b) {
	return a.id < b.id ? -1 : 1;
}

function prefixed(device, q) {
	const starts = (text) => (text ?? "").toLowerCase().startsWith(q.toLowerCase());
	return starts(device.id) || starts(device.name) || starts(device.version);
}

function page(all, query, filter) {
	const limit = Number(query.get("limit") ?? 50);
	if (!(limit >= 1 && limit <= 500)) throw new Problem(400, "malformed", "limit is 1 to 500");
	const q = query.get("q");
	const items = filter && q ? all.filter((item) => filter(item, q)) : all;
	const after = query.get("after");
	const from = after ? items.findIndex((item) => item.id === after) + 1 : 0;
	const part = items.slice(from, from + limit);
	return from + limit < items.length ? { items: part, next: part[part.length - 1].id } : { items: part };
}

function sessionOf(state, request) {
	const cookie = /(?:^|; )__Host-ota=([0-9a-f]+)/.exec(request.headers.cookie ?? "");
	return cookie && state.sessions.has(cookie[1]) ? cookie[1] : null;
}

async function bodyOf(request) {
	let text = "";
	for await (const piece of request) text += piece;
	if (text === "") return undefined;
	try {
		return JSON.parse(text);
	} catch {
		throw new Problem(400, "malformed", "the body is not JSON");
	}
}

function send(response, status, body, type = "application/json") {
	const headers = { ...HEADERS, "Cache-Control": "no-store" };
	if (body === undefined) return response.writeHead(status, headers).end();
	response.writeHead(status, { ...headers, "Content-Type": type }).end(JSON.stringify(body));
}

function asset(path, response) {
	const isConsole = !path.startsWith("/assets/");
	const name = isConsole ? "index.html" : normalize(path).replace(/^(\.\.[/\\])+/, "");
	const file = join(DIST, name);
	if (!file.startsWith(DIST) || !existsSync(file)) throw notFound("such path");
	const cache = isConsole ? "no-cache" : "public, max-age=31536000, immutable";
	response.writeHead(200, {
		...HEADERS,
		"Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
		"Cache-Control": cache,
	});
	createReadStream(file).pipe(response);
}
