# SPDX-License-Identifier: Apache-2.0
"""A fleet in the middle of things, for the console to show: devices that speak the device API, two products, a rollout that
goes well, one that the health gate stopped, one that waits for approval, and people."""

import hashlib
import random
import time

from tests.integration.server import PATIENCE

SITES = ("north", "south", "harbour", "airport")
FAULTS = (("block 4711: digest mismatch", "failed"), ("health check failed: no network after 120 s", "rolled-back"),
          ("health check failed: no network after 90 s", "rolled-back"), ("no space on the medium: 12 MiB of 80 are free", "failed"))


class Fleet:
    def __init__(self, server, n=60, seed=7):
        self.s = server
        self.random = random.Random(seed)
        self.roots = {}
        self.n = n

    def release(self, version, notes=""):
        return self.s.push(self.s.make_bundle(version))["id"]

    def post(self, path, body, status=201):
        answer = self.s.api("POST", path, body)
        assert answer.status == status, (path, answer.body)
        return answer.json

    def begin(self):
        """Two releases, and devices that run the first."""
        self.r1, self.r2, self.r3 = (self.release(v) for v in ("2.0.0", "2.1.0", "2.2.0"))
        self.devices = []
        for i in range(self.n):
            d = self.s.add_device(f"gw-{i + 1:04d}")
            version = "1.9.0" if i % 9 == 0 else "2.0.0"
            hardware = "revA"
            root = hashlib.sha256(version.encode()).hexdigest()
            data = {"product": "gateway", "hardware": hardware, "version": version, "agent.version": "0.1.0", "slot.booted": "A",
                    "slot.a.state": "GOOD", "slot.a.version": version, "slot.a.tries": "3", "slot.a.root_hash": root, "slot.b.state": "EMPTY",
                    "modem": ("EC25", "SIM7600")[i % 2], "uptime": f"{self.random.randrange(1, 400)} h"}
            d.poll()
            assert d.request("PUT", "/configData", {"mode": "merge", "data": data}).status == 200
            answer = self.s.api("PATCH", f"/api/v1/devices/{d.name}", {"site": SITES[i % 4], "tags": ["lab"] if i < 6 else ["field"]})
            assert answer.status == 200, answer.body
            d.version = version
            self.devices.append(d)
        for i in range(3):
            self.s.add_device(f"meter-{i + 1:02d}")

    def rollout(self, name, release, selection, waves, start=True, **more):
        made = self.post("/api/v1/rollouts", {"name": name, "release": release, "selection": selection, "waves": waves, **more})["id"]
        if start:
            self.post(f"/api/v1/rollouts/{made}/start", {}, 200)
        return made

    def root_of(self, device, offer):
        links = offer["deployment"]["chunks"][0]["artifacts"][0]["_links"]
        version = offer["deployment"]["chunks"][0]["version"]
        if version not in self.roots:
            self.roots[version] = hashlib.sha256(device.follow(links["ota:payload"]["descriptor"]).body).hexdigest()
        return self.roots[version], version

    def take(self, device, how):
        """Once what waits for the device is shown to it: how(device, id, root hash, version); whether there was something."""
        link = device.poll()["_links"].get("deploymentBase")
        answer = None if link is None else device.follow(link["href"])
        if answer is None or answer.status != 200:
            return False
        offer = answer.json
        how(device, offer["id"], *self.root_of(device, offer))
        return True

    def succeed(self, device, action, root, version):
        device.feedback(action, "download", details=["downloading"])
        device.feedback(action, "proceeding", details=["installing"])
        device.feedback(action, "scheduled", details=["rebooting"])
        slots = {"slot.booted": "B", "slot.b.state": "GOOD", "slot.b.version": version, "slot.b.tries": "3", "slot.b.root_hash": root}
        device.request("PUT", "/configData", {"mode": "merge", "data": slots})
        assert device.prove(action, root).status == 200

    def fail(self, device, action, _root, version):
        words, state = FAULTS[self.random.randrange(len(FAULTS))]
        device.feedback(action, "download", details=["downloading"])
        if state == "rolled-back":
            device.feedback(action, "scheduled", details=["rebooting"])
            device.request("PUT", "/configData", {"mode": "merge", "data": {
                "slot.b.state": "BAD", "slot.b.version": version, "slot.b.tries": "0", "slot.b.reason": "health check failed"}})
        device.feedback(action, "closed", "failure", [words])

    def halfway(self, device, action, _root, _version):
        half = {"result": {"finished": "none", "progress": {"cnt": 56, "of": 100}}}
        device.feedback(action, "proceeding", details=["writing slot B"], **half)

    def play(self, until, how):
        """All devices poll, in turns, until until() holds."""
        end = time.monotonic() + PATIENCE
        while not until() and time.monotonic() < end:
            for i, d in enumerate(self.devices):
                self.take(d, lambda *a, i=i: how(i, *a))
        assert until(), self.s.log()

    def state(self, rollout):
        return self.s.api("GET", f"/api/v1/rollouts/{rollout}").json

    def live(self):
        """A rollout to its end, one that the gate stops, one half way, a draft and one that waits."""
        self.begin()
        wave = {"min_finished": 1, "success_percent": 90, "error_percent": 50}
        lab = self.rollout("lab 2.1", self.r2, "tag==lab", [{**wave, "percent": 100}])
        self.play(lambda: self.state(lab)["state"] == "finished", lambda _, *a: self.succeed(*a))
        bad = self.rollout("harbour 2.1", self.r2, "site==harbour;tag==field",
                           [{**wave, "count": 10, "error_percent": 60, "success_percent": 1, "min_finished": 10}, {**wave, "percent": 100}])
        self.play(lambda: self.state(bad)["state"] == "paused", lambda i, *a: (self.fail if i % 4 else self.succeed)(*a))
        field = self.rollout("spring 2.2", self.r3, "product==gateway;site=in=(north,south)",
                             [{**wave, "count": 4}, {**wave, "percent": 40, "error_percent": 30}, {**wave, "percent": 100, "needs_approval": True}],
                             priority=70)
        self.play(lambda: self.state(field)["waves"][0]["state"] == "passed", lambda _, *a: self.succeed(*a))
        shown = []

        def some(i, *a):
            shown.append(a[0].name)
            (self.halfway if len(shown) % 3 == 2 else self.fail if len(shown) == 4 else self.succeed)(*a)

        self.play(lambda: self.state(field)["waves"][1]["counts"]["in-flight"] == 0 or len(shown) >= 9, some)
        waits = self.rollout("airport 2.2", self.r3, "site==airport", [{**wave, "percent": 100}], approvals=1)
        draft = self.rollout("all 2.2", self.r3, "product==gateway", [{**wave, "count": 5}, {**wave, "percent": 100}], start=False)
        updating = next(d.name for d in self.devices if self.s.api("GET", f"/api/v1/devices/{d.name}").json["deployment"]["state"]
                        in ("downloading", "installing")) if shown else self.devices[0].name
        self.post("/api/v1/users", {"name": "ann", "password": "correct horse battery", "role": "release-manager"})
        self.post("/api/v1/users", {"name": "bob", "password": "correct horse battery", "role": "operator"})
        self.post("/api/v1/tokens", {"name": "ci-pipeline", "role": "release-manager"})
        return {"lab": lab, "bad": bad, "field": field, "waits": waits, "draft": draft, "updating": updating}
