// SPDX-License-Identifier: Apache-2.0
/* A small fleet in each state that the console draws. For development, screenshots and browser tests only. */
import { hex, proofOf, slotPair, World } from "./world.mjs";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export function sampleWorld() {
	const world = new World();
	const now = Date.now();
	const release = (version, age, notes, more = {}) =>
		world.addRelease({ product: "gateway", version, notes, created_at: now - age, hardware: ["gw-1", "gw-2"], ...more });
	release("1.0.0", 120 * DAY, "First release.");
	release("1.1.0", 40 * DAY, "Faster start. Less memory in the radio stack.");
	const two = release("2.0.0", 5 * DAY, "New radio stack; raises the security version.", {
		security_version: 2,
		images: [
			{ name: "firmware", size: 3_912_704, root_hash: hex("fw 2") },
			{ name: "rootfs", size: 48_234_496, root_hash: hex("rootfs 2") },
		],
	});
	const broken = release("2.0.1-rc1", 2 * DAY, "Candidate: do not ship.", { security_version: 2 });
	release("2.1.0", 3 * 60 * MINUTE, "Closes the gap in the update window.", { security_version: 2 });
	release("0.9.0", 9 * DAY, "", { product: "meter", hardware: ["mtr-3"] });

	const device = (id, name, version, more = {}) =>
		world.addDevice({
			id,
			name,
			product: "gateway",
			hardware: "gw-1",
			version,
			grade: "proven",
			agent_version: "0.1.0",
			address: "10.20.4." + (10 + world.devices.size),
			created_at: now - 100 * DAY,
			seen_at: now - world.devices.size * 4_000,
			slots: slotPair(version),
			...more,
		});

	device("gw-0001", "North gate", "1.1.0");
	device("gw-0002", "Loading dock", "2.0.0", {
		slots: slotPair("1.1.0", {
			A: { booted: false },
			B: { state: "GOOD", version: "2.0.0", booted: true, tries: 3, root_hash: hex("slot 2.0.0") },
		}),
	});
	device("gw-0003", "Cold store", "2.0.0");
	device("gw-0004", "Boiler house", "1.1.0", { hardware: "gw-2" });
	device("gw-0005", "Tower crane", "2.0.0", { grade: "reported", slots: null, agent_version: "" });
	device("gw-0006", "", "1.0.0", { seen_at: now - 4 * DAY });
	device("gw-0007", "Weighbridge", "1.1.0");
	device("mtr-0101", "Meter 101", "0.9.0", { product: "meter", hardware: "mtr-3" });
	world.addDevice({ id: "mtr-0102", name: "Meter 102", product: "meter", hardware: "mtr-3" });

	world.attributes.set("gw-0001", { "os.kernel": "6.1.0", region: "north", serial: "0420-7781", uplink: "lte" });
	world.attributes.set("gw-0004", { region: "south", serial: "0420-9001" });

	const done = world.assign("gw-0002", two.id);
	world.report(done.id, "download", "none", ["fetching 3.7 MiB in 60 chunks"]);
	world.report(done.id, "proceeding", "none", ["wrote slot B: 41 of 956 blocks were the same already"]);
	world.report(done.id, "proceeding", "none", ["restarting into slot B"]);
	world.report(done.id, "closed", "success", ["health check passed in 2.1 s", "slot B confirmed"]);
	world.move(done.id, "confirmed", { proof: proofOf("2.0.0", "B", 17), detail: "slot B confirmed" });

	const back = world.assign("gw-0004", broken.id);
	world.report(back.id, "download", "none", ["fetching 3.2 MiB"]);
	world.report(back.id, "proceeding", "none", ["restarting into slot B"]);
	world.report(back.id, "closed", "failure", ["slot B: tries exhausted after 3 of 3", "back on slot A, 1.1.0"]);
	world.move(back.id, "rolled-back", { detail: "the new firmware crashed on each of its three tries" });
	world.changeSlot("gw-0004", "B", {
		state: "BAD",
		version: "2.0.1-rc1",
		reason: "tries exhausted",
		root_hash: hex("slot 2.0.1-rc1"),
	});

	const refused = world.assign("gw-0007", two.id);
	world.report(refused.id, "closed", "failure", ["payload: chunk 17: the data is not what was signed"]);
	world.move(refused.id, "failed", { detail: "payload: chunk 17: the data is not what was signed" });
	return world;
}

/* Plays one update to its end, a step at a time; `wait` says how long a step takes. */
export async function playUpdate(world, id, version, wait) {
	const release = [...world.releases.values()].find((one) => one.version === version);
	const deployment = world.assign(id, release.id);
	return playDeployment(world, deployment.id, wait);
}

export async function playDeployment(world, deploymentId, wait) {
	const { device: id, version } = world.deployments.get(deploymentId);
	const slots = world.devices.get(id).slots ?? slotPair("");
	const target = slots.find((slot) => !slot.booted).name;
	await wait(1);
	world.report(deploymentId, "download", "none", ["fetching 3.7 MiB in 60 chunks"]);
	world.changeSlot(id, target, { state: "WRITING", version, root_hash: "", reason: "" });
	world.move(deploymentId, "downloading", { detail: "fetching the payload" });
	for (let step = 1; step <= 20; step++) {
		await wait(1);
		world.progress(deploymentId, step * 5, `chunk ${step * 3} of 60`);
	}
	world.changeSlot(id, target, { state: "PENDING", tries: 3, root_hash: hex(`slot ${version}`) });
	world.move(deploymentId, "rebooting", { progress: 100, detail: `restarting into slot ${target}` });
	await wait(3);
	const booted = world.devices.get(id).slots.map((slot) => ({ ...slot, booted: slot.name === target }));
	world.changeDevice(id, { slots: booted });
	world.changeSlot(id, target, { state: "TRYING", tries: 2 });
	await wait(3);
	world.changeSlot(id, target, { state: "GOOD", tries: 3 });
	world.report(deploymentId, "closed", "success", [`slot ${target} confirmed`]);
	world.move(deploymentId, "confirmed", { proof: proofOf(version, target, 18), detail: `slot ${target} confirmed` });
}
