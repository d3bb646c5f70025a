# SPDX-License-Identifier: Apache-2.0
"""The demo's fleet: 120 virtual devices, and two rollouts to them.

The devices are ota-swarm's: one process, a TLS connection and a token for each, the device API and nothing else. They have no
hardware, so what they install is a signed text file that says how it behaves (tests/bench/live.h), and the server believes
them as it does any client without a proof: their versions are "reported". All else is what it is for a fleet of boards.
"""

import json
import signal
import subprocess
import time

from ..device import PATIENCE
from .house import Failed, program
from .steps import BOLD, DIM, OFF, Step, wait_until

# product: how many devices, hardware ids, the versions that they come with, what it is
PRODUCTS = {
    "meter": (84, ("m1", "m2"), ("1.3.0", "1.4.0", "1.4.0"), "Electricity meters"),
    "wallbox": (36, ("c1",), ("5.0.0",), "Wall chargers for cars"),
}
SITES = ("Gdansk", "Graz", "Lyon", "Oslo", "Porto", "Turin")
GROUPS = {
    "north": ("Gdansk and Oslo", "site=in=(Gdansk,Oslo)"),
    "meters-behind": ("Meters that do not run 1.5.0 yet", "product==meter;version=lt=1.5.0"),
}
# product, version, what is in it, notes
RELEASES = (
    ("meter", "1.4.0", "fails=0\n", "Tariff tables of 2026"),
    ("meter", "1.5.0", "fails=0\n", "Reads its registers twice as often"),
    ("wallbox", "5.0.0", "fails=0\n", "From the factory"),
    ("wallbox", "5.1.0", "fails=40\nsays=self-test: the contactor did not open\n", "Faster handshake with the car"),
)
MINUTE_MS = 60_000
FOREVER_S = 365 * 86400
LOOK_S = 20  # how long the demo leaves the stopped rollout to whoever looks
GOOD = {
    "name": "meter 1.5.0",
    "selection": "product==meter",
    "accepts": "reported",
    "seed": "meters",
    "stratify_by": "site",
    "waves": [
        {"filter": "tag==canary", "min_finished": 4, "deadline_ms": 5 * MINUTE_MS, "soak_ms": 3000},
        {"percent": 25, "deadline_ms": 5 * MINUTE_MS, "soak_ms": 3000},
        {"percent": 100, "deadline_ms": 5 * MINUTE_MS},
    ],
}
# The thresholds would let it go on: at 40 % failures it is the health gate that stops it.
BAD = {
    "name": "wallbox 5.1.0",
    "selection": "product==wallbox",
    "accepts": "reported",
    "seed": "wallboxes",
    "stratify_by": "site",
    "limits": {"in_flight": 4},
    "waves": [
        {"percent": 50, "success_percent": 50, "error_percent": 60, "deadline_ms": 5 * MINUTE_MS},
        {"percent": 100, "deadline_ms": 5 * MINUTE_MS},
    ],
}


class Fleet:
    """ota-swarm and the list of its devices, in a directory."""

    def __init__(self, directory, server):
        self.directory = directory
        self.server = server
        self.list = directory / "fleet.json"
        self.process = None

    def devices(self):
        """What is made: (id, product, hardware, version, site) of each."""
        for product, (n, hardware, versions, _) in PRODUCTS.items():
            for i in range(n):
                site = SITES[i % len(SITES)]
                yield f"{product}-{i + 1:03}", product, hardware[i // 6 % len(hardware)], versions[i // 6 % len(versions)], site

    def register(self):
        """Makes the devices on the server, once; their tokens are kept for ota-swarm alone."""
        if self.list.exists():
            return
        rows = []
        for ident, product, hardware, version, site in self.devices():
            rows.append({"id": ident, "token": self._token(ident, product, hardware), "attributes": {
                "product": product, "hardware": hardware, "version": version, "client": "ota-swarm"}})
            tags = ["canary"] if ident.endswith("7") else []
            self.server.call("PATCH", f"/api/v1/devices/{ident}", {"site": site, "tags": tags})
        for product, (_, hardware, _, about) in PRODUCTS.items():
            self.server.call("PUT", f"/api/v1/products/{product}", {"about": about, "hardware": list(hardware)})
        for name, (about, rule) in GROUPS.items():
            self.server.call("PUT", f"/api/v1/groups/{name}", {"about": about, "filter": rule})
        self._keep(rows)

    def _token(self, ident, product, hardware):
        """A start that was cut left devices without a list: those get a new token."""
        try:
            return self.server.call("POST", "/api/v1/devices", {"id": ident, "product": product, "hardware": hardware})["token"]
        except Failed as refusal:
            if refusal.status != 409:
                raise
            return self.server.call("POST", f"/api/v1/devices/{ident}/token")["token"]

    def _keep(self, rows):
        draft = self.list.with_suffix(".new")
        draft.touch(0o600)
        draft.write_text(json.dumps(rows))
        draft.rename(self.list)

    def start(self, *options):
        with open(self.directory / "swarm.log", "a") as log:
            self.process = subprocess.Popen(
                [program("ota-swarm"), "--fleet", self.list, "--server", f"127.0.0.1:{self.server.port}", "--ca", self.server.ca, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def all_here(self):
        """True once each device has said what it runs."""
        rows = self.server.call("GET", "/api/v1/versions")["items"]
        known = sum(row["devices"] for row in rows if row["product"] in PRODUCTS and row["version"])
        return known == sum(n for n, *_ in PRODUCTS.values())


def publish_releases(publisher, server):
    for product, version, text, notes in RELEASES:
        if server.release_id(product, version) is None:
            file = publisher.releases / f"{product}-{version}.txt"
            file.write_text(f"virtual firmware\nproduct={product}\nversion={version}\n{text}")
            publisher.publish(server, version, {}, notes, product=product, hardware=PRODUCTS[product][1], files=[file])


class Rollout:
    """One of the plans above, on the server."""

    def __init__(self, server, plan):
        self.server = server
        self.plan = plan
        known = server.call("GET", "/api/v1/rollouts?limit=200")["items"]
        self.id = next((o["id"] for o in known if o["name"] == plan["name"]), None)

    def begin(self):
        """Makes and starts it; one that is there already goes on."""
        if self.id is None:
            release = self.server.release_id(*self.plan["name"].split())
            self.id = self.server.call("POST", "/api/v1/rollouts", {**self.plan, "release": release})["id"]
        if self.now()["state"] == "draft":
            self.server.call("POST", f"/api/v1/rollouts/{self.id}/start")
        return self

    def now(self):
        return self.server.call("GET", f"/api/v1/rollouts/{self.id}")

    def until(self, *states, seconds=180):
        """The rollout once it is in one of these states."""

        def there():
            found = self.now()
            return found if found["state"] in states else None

        return wait_until(there, seconds, f"the rollout of {self.plan['name']} is {' or '.join(states)}", 0.3)

    def roll_back(self):
        """Gives its devices the previous release: the rollout that does it."""
        made = self.server.call("POST", f"/api/v1/rollouts/{self.id}/rollback", {"reason": "5.1.0 fails its self-test"})
        return Rollout(self.server, {"name": made["name"]})

    @property
    def link(self):
        return f"{self.server.url}/rollouts/{self.id}"


def summary(rollout):
    devices = rollout["devices"]
    return f"{rollout['state']}, {devices['succeeded']} of {devices['members']} updated"


def watch(rollout, name, *states):
    """Says where to look, then how it came out."""
    rollout.begin()
    print(f"  {name}\n    {BOLD}{rollout.link}{OFF}", flush=True)
    found = rollout.until(*states, seconds=FOREVER_S)
    print(f"    {summary(found)}" + (f"\n    {found['detail']}" if found["state"] == "paused" else ""), flush=True)
    return found


def play_rollouts(server):
    """A rollout that goes well, then one that is stopped and rolled back; what an earlier run of the demo did is not done again."""
    good, bad = Rollout(server, GOOD), Rollout(server, BAD)
    if good.id is None or good.now()["state"] == "running":
        watch(good, "Rollout of meter 1.5.0, a good release:", "finished", "paused", "stopped")
    if bad.id is None or bad.now()["state"] in ("draft", "running", "paused"):
        found = watch(bad, "Rollout of wallbox 5.1.0, a bad one:", "paused", "stopped", "finished")
        if found["state"] != "paused":
            return
        print(f"    {DIM}rolled back in {LOOK_S} s, unless you decide otherwise{OFF}", flush=True)
        time.sleep(LOOK_S)
        if bad.now()["state"] == "paused":
            watch(bad.roll_back(), "Roll back to wallbox 5.0.0:", "finished", "paused", "stopped")


def bring_up_fleet(fleet, publisher, *options):
    n = sum(n for n, *_ in PRODUCTS.values())
    if not fleet.list.exists():
        with Step(f"register {n} virtual devices"):
            fleet.register()
    with Step("start them (ota-swarm)"):
        fleet.start(*options)
    if fleet.server.release_id(*RELEASES[-1][:2]) is None:
        with Step("sign and publish their releases"):
            publish_releases(publisher, fleet.server)
    with Step("wait until each has polled"):
        wait_until(fleet.all_here, 2 * PATIENCE, "every virtual device polls")
