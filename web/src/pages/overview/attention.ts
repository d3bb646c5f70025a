// SPDX-License-Identifier: Apache-2.0
/* What needs a person now, the most urgent first, each with where to go. Pure. */
import { href } from "../../lib/router.ts";
import type { Freeze, Newest, Rollout } from "../../lib/types.ts";
import { words } from "../../lib/texts/screens.ts";

export interface Call {
	tone: "bad" | "warn" | "busy";
	title: string;
	text: string;
	href: string;
	at: number | null;
}

export interface Facts {
	now: number;
	freeze: Freeze;
	rollouts: Rollout[];
	failed: number; /* devices whose last update failed or was rolled back */
	silent: number | null; /* devices not seen for a week */
	newest: Newest[];
	roles: { name: string; expires_at: number }[];
	webhooks: { id: string; url: string; active: boolean; reason: string }[];
	notReady: string[]; /* parts of the server that are failing */
}

const DAY = 86_400_000;
/* When a signature's end becomes a person's business: the server renews the last two by itself. */
const SOON: Record<string, number> = { root: 60 * DAY, targets: 30 * DAY, snapshot: DAY, timestamp: DAY };
const ORDER = { bad: 0, warn: 1, busy: 2 };

export function attention(facts: Facts): Call[] {
	const calls = [...ofServer(facts), ...ofRollouts(facts), ...ofKeys(facts), ...ofFleet(facts), ...ofWebhooks(facts)];
	return calls.sort((a, b) => ORDER[a.tone] - ORDER[b.tone]);
}

function ofServer({ freeze, notReady }: Facts): Call[] {
	const t = words.attention;
	const calls: Call[] = notReady.map((part) => ({ tone: "bad", title: t.part(part), text: t.partText, href: href("system"), at: null }));
	if (freeze.frozen)
		calls.push({ tone: "bad", title: t.frozen, text: freeze.reason ?? "", href: href("audit", "", { action: "freeze.set" }), at: freeze.since_at ?? null });
	return calls;
}

function ofRollouts({ rollouts }: Facts): Call[] {
	const t = words.attention;
	const calls: Call[] = [];
	for (const one of rollouts) {
		const to = { href: href("rollout", one.id), at: one.updated_at ?? null, text: one.detail ?? "" };
		if (one.state === "paused") calls.push({ tone: one.reason === "operator" ? "warn" : "bad", title: t.paused(one.name), ...to });
		else if (one.state === "awaiting-approval") calls.push({ tone: "warn", title: t.approve(one.name), ...to });
		else if (one.state === "running" && one.reason === "wave-approval") calls.push({ tone: "warn", title: t.approveWave(one.name), ...to });
		else if (one.state === "draft") calls.push({ tone: "busy", title: t.draft(one.name), ...to });
	}
	return calls;
}

function ofKeys({ now, roles }: Facts): Call[] {
	return roles
		.filter((role) => role.expires_at - now < (SOON[role.name] ?? 0))
		.map((role) => ({
			tone: role.expires_at <= now ? "bad" : "warn",
			title: words.attention.expires(role.name, role.expires_at <= now),
			text: words.keys.why[role.name] ?? "",
			href: href("keys"),
			at: role.expires_at,
		}));
}

function ofFleet({ failed, silent, newest }: Facts): Call[] {
	const t = words.attention;
	const calls: Call[] = [];
	if (failed > 0) calls.push({ tone: "warn", title: t.failed(failed), text: t.failedText, href: href("failures"), at: null });
	if (silent !== null && silent > 0)
		calls.push({ tone: "warn", title: t.silent(silent), text: t.silentText, href: href("devices", "", { filter: SILENT }), at: null });
	for (const one of newest)
		if (one.behind > 0)
			calls.push({
				tone: "busy",
				title: t.behind(one.behind, one.product, one.version),
				text: t.behindText,
				href: href("devices", "", { filter: one.behind_filter }),
				at: null,
			});
	return calls;
}

function ofWebhooks({ webhooks }: Facts): Call[] {
	return webhooks
		.filter((one) => !one.active)
		.map((one) => ({ tone: "warn", title: words.attention.webhook(one.url), text: one.reason, href: href("webhook", one.id), at: null }));
}

/** Devices that have called once, and not for a week. */
export const SILENT = "lastseen=lt=-7d";
