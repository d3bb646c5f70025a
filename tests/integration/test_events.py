# SPDX-License-Identifier: Apache-2.0
"""Event streams: in order, resumed, ended with what they were opened by."""

import json
import sqlite3
import time

from .fleet import FleetTest, OwnServer
from .server import Stream


class Events(FleetTest):
    def stream(self, last=None):
        fields = {"Authorization": f"Bearer {self.s.token}", **({"Last-Event-ID": last} if last else {})}
        stream = Stream(self.s, "/api/v1/events", fields)
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        return stream

    def test_what_was_missed_comes_after_a_reconnect(self):
        d = self.device()
        first = self.stream("0")
        last, _, _ = first.expect(lambda i, event, data: event == "device" and data["id"] == d.name)
        first.close()
        action = self.assign(d, self.r1)
        d.feedback(action, "download", details=["one"])
        second = self.stream(last)
        ident, _, data = second.expect(lambda i, event, data: event == "deployment" and data["id"] == action)
        self.assertGreater(int(ident), int(last))
        d.feedback(action, "closed", "failure", ["two"])
        second.expect(lambda i, event, data: event == "deployment" and data["id"] == action and data["state"] == "failed")
        second.expect(lambda i, event, data: event == "device" and data["id"] == d.name and data["state"] == "failed")

    def test_ids_ascend_without_repetition(self):
        for i in range(3):
            self.device(f"-{i}")
        stream, seen = self.stream("0"), []
        last = self.device("-last").name
        while True:
            ident, event, data = stream.expect(lambda *_: True)
            if ident:
                seen.append(int(ident))
            if event == "device" and data["id"] == last:
                break
        self.assertEqual(seen, sorted(set(seen)))

    def test_what_is_too_long_ago_is_a_reset(self):
        for last in ("999999999", "yesterday"):
            self.stream(last).expect(lambda i, event, data: event == "reset" and i is None)

    def test_progress_is_volatile_and_not_more_than_once_a_second(self):
        d = self.device()
        action = self.assign(d, self.r1)
        d.feedback(action, "download", details=["installs"])
        stream = self.stream()
        time_before = time.monotonic()
        for percent in range(40):
            d.feedback(action, "download", details=["installs"], result={"finished": "none", "progress": {"cnt": percent, "of": 100}})
        d.feedback(action, "closed", "failure", ["end"])
        n = 0
        while True:
            ident, event, data = stream.expect(lambda *_: True)
            if event == "progress" and data["deployment"] == action:
                self.assertIsNone(ident)
                n += 1
            if event == "deployment" and data["id"] == action and data["state"] == "failed":
                break
        self.assertLessEqual(n, time.monotonic() - time_before + 2)
        self.assertEqual(len(self.deployment(action)["statuses"]), 2)

    def test_a_call_is_told_to_those_who_watch_and_not_more_than_once_a_second(self):
        d = self.device()
        stream = self.stream()
        before, time_before = time.time(), time.monotonic()
        d.poll()
        ident, _, data = stream.expect(lambda i, event, data: event == "seen" and data["device"] == d.name)
        self.assertIsNone(ident)
        self.assertEqual(set(data), {"device", "seen_at"})
        self.assertTrue(before * 1000 - 1 <= data["seen_at"] <= time.time() * 1000)
        for _ in range(40):
            d.poll()
        n = 1
        self.assign(d, self.r1)
        while True:
            _, event, data = stream.expect(lambda *_: True)
            n += event == "seen" and data["device"] == d.name
            if event == "deployment" and data["device"] == d.name:
                break
        self.assertLessEqual(n, time.monotonic() - time_before + 1)

    def test_that_somebody_changed_something_is_told_with_its_audit_entry(self):
        stream = self.stream()
        self.s.api("POST", "/api/v1/groups", {"name": "told-by-audit"})
        _, _, data = stream.expect(lambda i, event, data: event == "audit")
        entries = self.s.api("GET", "/api/v1/audit?object=group/told-by-audit").json["items"]
        self.assertEqual([str(one["entry"]) for one in entries], [data["id"]])

    def test_a_deleted_device_is_told(self):
        d = self.device()
        stream = self.stream()
        self.s.api("DELETE", f"/api/v1/devices/{d.name}")
        stream.expect(lambda i, event, data: event == "device" and data == {"id": d.name, "deleted": True})


class Ends(OwnServer):
    def test_a_device_that_listens_anew_gives_up_its_old_stream(self):
        self.s.start("--http-threads", "1", "--device-max-streams", "2")
        d, other = self.s.add_device("one"), self.s.add_device("two")
        streams = []
        for device in (d, d, d, other):
            streams.append(Stream(self.s, device.base + "/ota/events", {"Authorization": f"TargetToken {device.token}"}))
            self.addCleanup(streams[-1].close)
            self.assertEqual(streams[-1].status, 200)
        self.assertTrue(streams[0].ends() and streams[1].ends())

    def test_a_stream_ends_when_its_session_has_expired(self):
        self.s.start("--console-session-life", "2s")
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        cookie = self.s.request("POST", "/api/v1/session", {"token": token}).headers["Set-Cookie"].split(";")[0]
        begun = time.monotonic()
        stream = Stream(self.s, "/api/v1/events", {"Cookie": cookie})
        self.addCleanup(stream.close)
        self.assertTrue(stream.status == 200 or time.monotonic() - begun > 2)
        self.assertTrue(stream.ends())

    def test_a_token_that_expires_says_when_and_its_streams_end_with_it(self):
        self.s.start()
        self.assertIsNone(self.s.api("GET", "/api/v1/session").json["expires_at"])
        for life_ms in (2500, 10_000, 40_000):  # on a slow machine one may be over before its stream begins
            end = int(time.time() * 1000) + life_ms
            db = sqlite3.connect(self.s.data / "ota.db")
            db.execute("UPDATE api_token SET expires_at = ?", (end,))
            db.commit()
            db.close()
            said = self.s.api("GET", "/api/v1/session")
            stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
            self.addCleanup(stream.close)
            if stream.status == 200:
                break
            self.assertGreaterEqual(time.time() * 1000, end)
        self.assertEqual((said.json["expires_at"], stream.status), (end, 200))
        self.assertTrue(stream.ends())
        self.assertGreaterEqual(time.time() * 1000, end)
        self.assertEqual(self.s.api("GET", "/api/v1/session").status, 401)
