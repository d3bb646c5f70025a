// SPDX-License-Identifier: Apache-2.0
/* node bench.mjs: what an operator waits for in a large fleet, as tests/bench/console.py has set it up and tells of in
 * OTA_STAGE. Prints one JSON object: arrays of milliseconds, a value a round.
 *
 * Times begin with the input and end with the frame in which what was asked for is drawn. Beside them stand, from the
 * same browser in the same run: a bare fetch() of the same rows (what no console could be faster than), and the frames
 * of an empty page that scrolls (what no list could be smoother than). */
import { launch, newUser } from "./browser.mjs";

const stage = JSON.parse(process.env.OTA_STAGE);
const NOTCHES = 120; /* of the wheel, 400 px each */
const ROWS = "table tbody tr[data-at]";
const EMPTY = `<body style="margin:0"><div style="height:200000px;background:linear-gradient(#fff,#888)"></div></body>`;

const found = { first: [], fetch: [], open: [], sort: [], filter: [], choose: [], back: [], frames: [], empty: [], blank: [], heap: [], rows: [] };

/* Resolves with the time of the frame in which `test` holds. */
const drawn = (page, test, argument) =>
	page.evaluate(
		([text, value]) => {
			const holds = new Function("value", `return (${text})(value)`);
			return new Promise((done) => {
				const look = (now) => (holds(value) ? done(performance.timeOrigin + now) : requestAnimationFrame(look));
				requestAnimationFrame(look);
			});
		},
		[test.toString(), argument],
	);
const ready = () => document.querySelector(".scroller")?.getAttribute("aria-busy") === "false" && document.querySelectorAll("table tbody tr[data-at]").length > 5;
const began = (value) => document.querySelector("table tbody tr[data-at='0'] a")?.textContent !== value && document.querySelector(".scroller")?.getAttribute("aria-busy") === "false";

async function signIn(context) {
	const headers = { Origin: stage.url, "Sec-Fetch-Site": "same-origin" };
	const answer = await context.request.post(`${stage.url}/api/v1/session`, { headers, data: { user: stage.user, password: stage.password } });
	if (!answer.ok()) throw new Error(`sign in: ${answer.status()} ${await answer.text()}`);
}

/* Intervals between frames, in ms, while the wheel is turned; and how many of those had no row in the middle. */
async function scroll(page, notches) {
	await page.evaluate(() => {
		const seen = { frames: [], blank: 0, last: 0, on: true };
		window.seen = seen;
		const look = (now) => {
			if (seen.last > 0) seen.frames.push(now - seen.last);
			seen.last = now;
			const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
			if (document.querySelector(".scroller") && !middle?.closest("tr[data-at]")) seen.blank++;
			if (seen.on) requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	});
	const { width, height } = page.viewportSize();
	await page.mouse.move(width / 2, height / 2);
	for (let i = 0; i < notches; i++) await page.mouse.wheel(0, 400);
	return page.evaluate(() => {
		window.seen.on = false;
		return { frames: window.seen.frames, blank: window.seen.blank };
	});
}

async function round(browser) {
	const { context, complaints } = await newUser(browser);
	await signIn(context);
	const page = await context.newPage();

	/* The first visit: nothing is in the browser's cache. */
	await page.goto(`${stage.url}/devices`, { waitUntil: "commit" });
	await drawn(page, ready);
	found.first.push(await page.evaluate(() => performance.now()));
	found.fetch.push(
		await page.evaluate(async () => {
			const at = performance.now();
			await (await fetch("/api/v1/devices?limit=100", { cache: "no-store" })).json();
			return performance.now() - at;
		}),
	);

	const timed = async (into, act, test, argument) => {
		const at = Date.now();
		await act();
		into.push((await drawn(page, test, argument)) - at);
	};
	const top = () => page.locator(`${ROWS} a`).first().textContent();
	await page.goto(`${stage.url}/`);
	await page.locator("header .link.live").waitFor();
	await timed(found.open, () => page.locator("nav a[href='/devices']").first().click(), ready);
	let before = await top();
	await timed(found.sort, () => page.locator("th button", { hasText: stage.column }).click(), began, before);
	before = await top();
	await page.locator("[role=combobox], input[type=search]").first().fill(stage.filter);
	await timed(found.filter, () => page.keyboard.press("Enter"), began, before);
	before = await top();
	await timed(found.back, () => page.goBack(), began, before);
	const { frames, blank } = await scroll(page, NOTCHES);
	found.frames.push(...frames);
	found.blank.push(blank / frames.length);
	found.rows.push(Number(await page.locator(ROWS).last().getAttribute("data-at")) + 1);
	found.heap.push((await page.evaluate(() => performance.memory.usedJSHeapSize)) / 2 ** 20);
	await page.locator("th input[type=checkbox]").click();
	await timed(
		found.choose,
		() => page.getByRole("button", { name: /all .* match/i }).click(),
		() => new URLSearchParams(location.search).get("chosen") === "all",
	);
	const plain = await context.newPage();
	await plain.setContent(EMPTY);
	found.empty.push(...(await scroll(plain, NOTCHES)).frames);
	await context.close();
	const bad = complaints.filter((text) => !text.startsWith("Failed to load resource"));
	if (bad.length > 0) throw new Error(bad.join("\n"));
}

const browser = await launch();
for (let i = 0; i < stage.rounds; i++) await round(browser);
await browser.close();
console.log(JSON.stringify(found));
