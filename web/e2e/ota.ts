// SPDX-License-Identifier: Apache-2.0
/*
 * Holds the commands that the console shows against `ota` itself (OTA_PROGRAM): each is run, by a shell, against a
 * server that is not there. So nothing is changed, and yet all is read: words, options, values, how many operands, and
 * what the command itself checks before it asks. A call that is wrong ends with status 2; so does what only a person
 * who has logged in may do, which nobody has here.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BrowserContext } from "playwright-core";

const program = process.env["OTA_PROGRAM"] ?? "";
const ca = process.env["OTA_RECEIVER"] ?? "";
const USAGE = 2;
const AT_ONCE = 4;
/* What would ask the terminal for a password, and has none here. */
const ASKS = /^ota (user add|user set .*--password|session (password|confirm)|login)/;

/** From now on each command that a page of this browser shows is kept. */
export async function collectCommands(context: BrowserContext, into: Set<string>): Promise<void> {
	await context.exposeFunction("otaCommandShown", (text: string) => void into.add(text));
	await context.addInitScript(() => {
		const seen = new Set<string>();
		const look = () => {
			for (const one of document.querySelectorAll("code")) {
				const text = one.textContent ?? "";
				if (!/^(ota|echo) /.test(text) || seen.has(text)) continue;
				seen.add(text);
				(window as unknown as { otaCommandShown: (text: string) => void }).otaCommandShown(text);
			}
		};
		new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
	});
}

/** Those that `ota` does not take, each with what it says. */
export async function refusals(commands: readonly string[]): Promise<string[]> {
	if (program === "" || commands.length === 0) return [];
	const home = mkdtempSync(join(tmpdir(), "ota-commands-"));
	mkdirSync(join(home, ".config/ota"), { recursive: true });
	writeFileSync(join(home, "token"), "ota_none\n");
	writeFileSync(join(home, ".config/ota/ota.ini"), `[server]\nurl = https://127.0.0.1:1\nca = ${ca}\ntoken-file = ${join(home, "token")}\n`);
	const rest = [...commands];
	const refused: string[] = [];
	const next = async () => {
		for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
			const { status, said } = await run(one, home);
			if (status === USAGE && !said.includes("see ota login")) refused.push(`${one}\n\t${said.trim()}`);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, next));
	rmSync(home, { recursive: true });
	return refused;
}

function run(command: string, home: string): Promise<{ status: number | null; said: string }> {
	const line = ASKS.test(command) ? `${command} --passphrase-fd 0` : command;
	const env = { PATH: `${dirname(program)}:/usr/bin:/bin`, HOME: home };
	return new Promise((done, fail) => {
		const child = spawn("/bin/sh", ["-c", line], { cwd: home, env, detached: true, stdio: ["pipe", "ignore", "pipe"] });
		let said = "";
		child.stderr.on("data", (part) => (said += part));
		child.on("error", fail);
		child.on("close", (status) => done({ status, said }));
		child.stdin.on("error", () => {}); /* it need not be read */
		child.stdin.end("a password of some length\n");
	});
}
