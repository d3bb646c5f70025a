// SPDX-License-Identifier: Apache-2.0
/* node pictures.mjs DIRECTORY [--readme]: pictures of a real server, which lab/demo/pictures.py has set up and tells of
 * in OTA_STAGE. A row of SCREENS is a picture in each LOOK; what it waits for is there in the middle of things. */
import { launch, newUser } from "./browser.mjs";

const [to, how] = process.argv.slice(2);
const stage = JSON.parse(process.env.OTA_STAGE);
const only = process.env.OTA_PICTURES?.split(","); /* names of screens, while one works at them */

/* name, path, what must be there, what to do before */
const SCREENS = [
	["overview", "/", ".tiles"],
	["rollout-live", `/rollouts/${stage.good}`, "h1 >> text=meter"],
	["rollout-stopped", `/rollouts/${stage.bad}`, "text=Health gate"],
	["rollout-waits", `/rollouts/${stage.waits}`, "h1 >> text=meter"],
	["device-updating", `/devices/${stage.updating}`, "text=being written"],
	["device-back", `/devices/${stage.back}`, "h1"],
	["device-virtual", `/devices/${stage.virtual}`, "h1"],
	["devices", "/devices", "text=gw-0002"],
	["devices-filter", "/devices?filter=product%3D%3Dwallbox%3Bstate%3Din%3D(failed%2Crolled-back)", "[role=row] >> nth=3"],
	["devices-none", "/devices?filter=product%3D%3Dtoaster", ".empty"],
	["enrolment", "/enrolment", "h1"],
	["groups", "/groups", "text=pilot-homes"],
	["group", `/groups/${stage.group}`, "h1"],
	["jobs", "/jobs", "h1"],
	["releases", "/releases", "text=Tariff"],
	["release", `/releases/${stage.release}`, "h1"],
	["rollouts", "/rollouts", "text=wallbox 5.1.0"],
	["new-rollout", "/rollouts/new", "h1"],
	["failures", "/failures", "text=contactor"],
	["audit", "/audit", "tbody tr >> nth=3"],
	["webhooks", "/webhooks", "h1"],
	["people", "/people", "text=lucia"],
	["keys", "/keys", "text=timestamp"],
	["system", "/system", "h1"],
	["login", "/login", "form"],
	["unknown", "/nowhere", "h1"],
	["palette", "/devices", "text=gw-0002", (page) => page.keyboard.press("Control+k")],
	["shortcuts", "/devices", "text=gw-0002", (page) => page.keyboard.press("?")],
];
const LOOKS = [
	["light", { colorScheme: "light", viewport: { width: 1360, height: 860 } }],
	["dark", { colorScheme: "dark", viewport: { width: 1360, height: 860 } }],
	["narrow", { colorScheme: "light", viewport: { width: 400, height: 860 } }],
];
const README = [
	["overview", { viewport: { width: 1240, height: 800 } }],
	["rollout-stopped", { viewport: { width: 1240, height: 900 } }, "rollout.png"],
	["device-updating", { viewport: { width: 1240, height: 820 } }, "device.png"],
];

async function signIn(context) {
	const { url, user, password } = stage;
	const headers = { Origin: url, "Sec-Fetch-Site": "same-origin" };
	const answer = await context.request.post(`${url}/api/v1/session`, { headers, data: { user, password } });
	if (!answer.ok()) throw new Error(`sign in: ${answer.status()} ${await answer.text()}`);
}

/* Stylesheets, fonts and what is loaded late are there, and nothing waits for an answer. */
async function settled(page) {
	await page.evaluate(() => document.fonts.ready);
	await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

async function take([, path, wanted, act], page, file, fullPage) {
	await page.goto(stage.url + path);
	if (path !== "/login") await page.locator("header .link.live").waitFor();
	await page.locator(wanted).first().waitFor();
	if (act) {
		await act(page);
		await page.locator("dialog[open]").waitFor();
	}
	await settled(page);
	await page.screenshot({ path: file, fullPage: fullPage && !act });
}

async function look(browser, options, screens) {
	const { context, complaints } = await newUser(browser, { reducedMotion: "reduce", ...options });
	await signIn(context);
	const page = await context.newPage();
	for (const [screen, file, full] of screens) {
		try {
			await take(screen, page, file, full);
		} catch (why) {
			process.exitCode = 1;
			console.error(`${file}: ${String(why.message).split("\n")[0]}`);
		}
	}
	await context.close();
	const bad = complaints.filter((text) => !text.startsWith("Failed to load resource"));
	if (bad.length > 0) throw new Error(bad.join("\n"));
}

const browser = await launch();
if (how === "--readme") {
	for (const [name, options, file] of README) {
		const screen = SCREENS.find((one) => one[0] === name);
		await look(browser, { colorScheme: "light", deviceScaleFactor: 1.5, ...options }, [[screen, `${to}/${file ?? `${name}.png`}`, false]]);
	}
} else {
	const wanted = SCREENS.filter(([name]) => !only || only.includes(name));
	for (const [name, options] of LOOKS)
		await look(browser, options, wanted.map((screen) => [screen, `${to}/${screen[0]}-${name}.png`, true]));
}
await browser.close();
