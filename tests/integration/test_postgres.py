# SPDX-License-Identifier: Apache-2.0
"""The server with its database elsewhere: the essential tests again on PostgreSQL, and what only it can do to us."""

import subprocess
import time
import unittest

from . import test_device_api, test_events, test_freeze, test_management_api, test_rollout, test_session
from .fleet import FleetTest, OwnServer
from .postgres import Postgres
from .server import OTA_SERVER, PATIENCE, Server, Stream

shared = {}


def setUpModule():
    shared["postgres"] = Postgres()
    Server.new_store = staticmethod(shared["postgres"].new_database)


def tearDownModule():
    Server.new_store = staticmethod(lambda: None)
    shared["postgres"].end()


def again(case):
    """The same tests in this module, where each new server finds an empty database in PostgreSQL."""
    return type(f"{case.__name__}OnPostgres", (case,), {"__module__": __name__})


DeviceApiOnPostgres = again(test_device_api.DeviceApi)
ManagementApiOnPostgres = again(test_management_api.ManagementApi)
EventsOnPostgres = again(test_events.Events)
FreezeOnPostgres = again(test_freeze.Freeze)
SessionsOnPostgres = again(test_session.Sessions)


class Away(FleetTest):
    """The database goes and comes back under a server that runs."""

    def until(self, said, want):
        end = time.monotonic() + PATIENCE
        while not want():
            self.assertLess(time.monotonic(), end, said)

    def device_is_there(self, name):
        return self.s.api("GET", f"/api/v1/devices/{name}").status == 200

    def test_the_server_sheds_load_and_recovers_by_itself(self):
        postgres = shared["postgres"]
        device = self.device()
        action = self.assign(device, self.r1)
        postgres.stop()
        self.addCleanup(lambda: postgres.process.returncode is None or postgres.start())
        for _ in range(3):
            began = time.monotonic()
            answer = device.request("GET", "")
            self.assertEqual(answer.status, 503, answer.body)
            self.assertIsNotNone(answer.headers["Retry-After"])
            self.assertEqual(device.feedback(action, "proceeding").status, 503)
            self.assertLess(time.monotonic() - began, PATIENCE / 2)
        self.until("the loss is told", lambda: "the database is away" in self.s.log())
        postgres.start()
        self.until("reads come back", lambda: device.request("GET", "").status == 200)
        self.until("writes come back", lambda: device.feedback(action, "proceeding").status == 200)
        self.until("the return is told", lambda: "the database is back" in self.s.log())

    def test_what_was_answered_is_there_after_the_database_was_killed_in_the_middle_of_the_load(self):
        postgres = shared["postgres"]
        taken, n, killed = [], 0, False
        while len(taken) < 60:
            if len(taken) == 30 and not killed:
                postgres.stop()
                killed = True
            answer = self.s.api("POST", "/api/v1/devices", {"id": f"loaded-{n}"})
            n += 1
            if answer.status == 201:
                taken.append(f"loaded-{n - 1}")
            elif postgres.process.returncode is not None:
                postgres.start()
        self.until("all readers are back",
                   lambda: all(self.device_is_there(taken[0]) for _ in range(20)))
        for name in taken:
            self.assertEqual(self.s.api("GET", f"/api/v1/devices/{name}").status, 200, name)

    def test_what_another_node_writes_wakes_those_who_watch_here(self):
        url = self.s.where[-1]
        postgres = shared["postgres"]
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        self.addCleanup(stream.close)
        subprocess.run([OTA_SERVER, "admin", "freeze", "--reason", "by another process", *self.s.where], check=True,
                       capture_output=True)
        self.addCleanup(subprocess.run, [OTA_SERVER, "admin", "thaw", *self.s.where], check=True, capture_output=True)
        stream.expect(lambda _, event, data: event == "freeze")
        self.assertEqual(postgres.run("SELECT count(*) FROM event WHERE type = 4", url.split("/")[3].split("?")[0]), "1")


class AwayFromTheEngine(test_rollout.RolloutTest):
    """The same while a rollout runs."""

    def test_a_rollout_outlives_a_database_that_goes_and_comes_back_at_every_wave(self):
        postgres = shared["postgres"]
        self.addCleanup(lambda: postgres.process.returncode is None or postgres.start())
        devices = self.fleet(6)
        r = self.make([{"count": 1, "min_finished": 1}, {"count": 2, "min_finished": 1}, {"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        for finished in (1, 3):
            o, _ = self.serve(r, devices, lambda o: self.count(o, "reported") >= finished)
            postgres.stop()
            refused = devices[0].request("GET", "")
            self.assertEqual((refused.status, refused.headers["Retry-After"] is None), (503, False), refused.body)
            self.assertEqual(self.s.api("POST", f"/api/v1/rollouts/{r}/pause").status, 503)
            postgres.start()
            self.back(devices)
        o, _ = self.serve(r, devices, lambda o: o["state"] in test_rollout.END)
        self.assertEqual((o["state"], self.count(o, "reported")), ("finished", 6), o["detail"])

    def back(self, devices):
        """Every loop of the server has a connection to the database again."""
        end = time.monotonic() + PATIENCE
        good = 0
        while good < 20:
            self.assertLess(time.monotonic(), end)
            good = good + 1 if devices[good % 6].request("GET", "").status == 200 else 0


class Start(OwnServer):
    def test_a_weak_connection_is_refused_unless_it_is_asked_for(self):
        refused = subprocess.run([OTA_SERVER, "run", "--server-data-dir", self.s.data, "--store-url",
                                  "postgresql://ota@database.example/ota?sslmode=require"], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("verify-full", refused.stderr)

    def test_a_database_that_is_away_is_named_at_the_start_without_its_secret(self):
        refused = subprocess.run([OTA_SERVER, "run", "--server-data-dir", self.s.data, "--store-url",
                                  "postgresql://ota:hidden@/ota?host=/nonexistent"], capture_output=True, text=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("/nonexistent", refused.stderr)
        self.assertNotIn("hidden", refused.stderr)

    def test_everything_is_there_after_a_restart(self):
        self.s.start()
        self.s.add_device("dev-1")
        self.s.stop()
        self.s.start()
        self.assertEqual(self.s.api("GET", "/api/v1/devices/dev-1").status, 200)
        self.assertFalse((self.s.data / "ota.db").exists())


if __name__ == "__main__":
    unittest.main()
