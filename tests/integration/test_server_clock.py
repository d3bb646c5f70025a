# SPDX-License-Identifier: Apache-2.0
"""A server whose clock jumps by weeks while it runs, and back again."""

import json
import os
import pathlib
import shutil
import time
import unittest
import unittest.mock

from .server import PATIENCE, Server, temporary
from .test_rollout import RolloutTest

LIBRARY = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
DAY = 86400_000


@unittest.skipUnless(LIBRARY and shutil.which("faketime"), "faketime is not installed")
class ServerClock(RolloutTest):
    """All programs read the clock that the file says, the tests do not; the monotonic clock goes on as it does."""

    @classmethod
    def setUpClass(cls):
        cls.r1 = None

    def setUp(self):
        place = temporary()
        self.addCleanup(place.cleanup)
        self.s = Server(place.name, "--server-demo", "yes", *self.OPTIONS)
        self.clock = self.s.place / "clock"
        self.set_clock(0)
        faked = unittest.mock.patch.dict(os.environ, {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        faked.start()
        self.addCleanup(faked.stop)
        self.s.start()
        self.addCleanup(self.s.stop)
        self.s.claim()
        self.r1 = self.s.push(self.s.make_bundle("1.0.0"))["id"]

    def set_clock(self, days):
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"{days:+d}d\n")
        fresh.replace(self.clock)

    def now(self):
        return self.s.request("GET", "/api/v1/info").json["now_at"]

    def log_in(self):
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        answer = self.s.request("POST", "/api/v1/session", {"token": token})
        self.assertEqual(answer.status, 204, answer.body)
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}

    def session(self, cookie):
        return self.s.request("GET", "/api/v1/session", headers=cookie).status

    def works(self, name):
        """A device is made, gets a release and says that it has it; what is asked of the server in between is answered."""
        d = self.s.add_device(name)
        d.request("PUT", "/configData", {"data": {"product": "gateway", "hardware": "revA"}})
        action = self.s.api("POST", "/api/v1/deployments", {"device": name, "release": self.r1}).json["id"]
        self.assertEqual(self.offered(d)["id"], action)
        self.assertEqual(d.feedback(action, "closed", "success", ["done"]).status, 200)
        self.assertEqual(self.s.api("GET", f"/api/v1/deployments/{action}").json["state"], "confirmed")
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{name}").json["state"], "idle")
        self.assertEqual(self.s.request("GET", "/readyz").status, 200)

    def test_it_works_on_and_nobody_is_let_in_for_longer_than_was_said(self):
        self.works("before")
        of_now = self.log_in()
        self.set_clock(30)
        self.assertGreater(self.now(), time.time() * 1000 + 29 * DAY)
        self.assertEqual(self.session(of_now), 401)
        of_future = self.log_in()
        self.assertEqual(self.session(of_future), 200)
        self.works("ahead")
        self.set_clock(0)
        self.assertEqual(self.session(of_future), 401)  # else it would live 30 days too long
        self.works("back")
        self.set_clock(-30)
        self.works("behind")
        self.set_clock(0)
        self.works("after")
        self.assertEqual(self.session(self.log_in()), 200)

    def test_a_restart_after_the_clock_was_ahead_finds_all_and_rolls_out(self):
        devices = self.fleet(4)
        self.set_clock(30)
        r = self.make([{"count": 1, "min_finished": 1}, {"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        self.until(r, lambda o: o["state"] == "running")
        self.s.stop()
        self.set_clock(0)
        self.s.start()
        o, _ = self.serve(r, devices, lambda o: o["state"] in ("finished", "paused", "stopped"))
        self.assertEqual((o["state"], self.count(o, "reported")), ("finished", 4), o["detail"])

    def test_a_deadline_that_a_jump_passed_ends_the_wait_and_the_rollout_goes_on_when_resumed(self):
        devices = self.fleet(4)
        r = self.make([{"count": 2, "min_finished": 1, "deadline_ms": DAY}, {"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        self.assigned(r, 2)
        shown = [d for d in devices if self.offered(d)]
        self.assertEqual(len(shown), 2)
        self.set_clock(30)
        o = self.until(r, lambda o: o["state"] == "paused")
        self.assertEqual(self.count(o, "silent"), 2)
        self.set_clock(0)
        self.do(r, "resume")
        o, _ = self.serve(r, devices, lambda o: o["state"] in ("finished", "paused", "stopped"))
        self.assertEqual((o["state"], self.count(o, "reported")), ("finished", 4), o["detail"])


del RolloutTest


if __name__ == "__main__":
    unittest.main()
