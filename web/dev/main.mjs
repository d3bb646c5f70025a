// SPDX-License-Identifier: Apache-2.0
/* npm run dev: the built console over the sample fleet; what is assigned in the console plays through. */
import { setTimeout as sleep } from "node:timers/promises";
import { startFixture } from "./fixture.mjs";
import { playDeployment, sampleWorld } from "./sample.mjs";

const world = sampleWorld();
const fixture = await startFixture(world, { port: Number(process.env.PORT ?? 0) });
world.listen(({ event, data }) => {
	if (event === "deployment" && data.state === "assigned")
		void playDeployment(world, data.id, (steps) => sleep(steps * 400)).catch(console.error);
});
console.log(`development fixture, not an update server\n${fixture.loginLink()}`);
