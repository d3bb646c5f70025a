// SPDX-License-Identifier: Apache-2.0
/* Entries as a file for spreadsheets (RFC 4180). Pure. */
import type { AuditEntry } from "../../lib/types.ts";

const COLUMNS = ["entry", "at", "tenant", "kind", "who", "role", "action", "object", "detail", "request", "address"] as const;

/** A cell that a spreadsheet would compute begins with an apostrophe, as in the server's own files. */
export function cell(value: string): string {
	const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf(entries: AuditEntry[]): string {
	const rows = entries.map((one) =>
		COLUMNS.map((name) => cell(name === "at" ? new Date(one.at).toISOString() : String(one[name] ?? ""))).join(","),
	);
	return [COLUMNS.join(","), ...rows].join("\r\n") + "\r\n";
}
