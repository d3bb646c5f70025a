# SPDX-License-Identifier: Apache-2.0
"""Rates and entity tags: who calls too often waits, others do not; what did not change is not sent again."""

import itertools
import json
import re
import time

from .fleet import FleetTest, OwnServer
from .server import PATIENCE
from .test_metrics import scrape, value


class Rates(OwnServer):
    def setUp(self):
        super().setUp()
        self.s.start("--limits-caller-rate", "1", "--limits-caller-burst", "30", "--limits-device-rate", "1",
                     "--limits-device-burst", "10", "--limits-stranger-rate", "1", "--limits-stranger-burst", "5")

    def held_back(self, ask):
        """The first answer 429 of many; all before it are 200."""
        for _ in range(100):
            answer = ask()
            if answer.status == 429:
                return answer
            self.assertEqual(answer.status, 200, answer.body)
        self.fail("nothing was held back")

    def test_a_flood_from_one_device_is_held_back_and_its_neighbours_are_not(self):
        flood, quiet = self.s.add_device("flood"), self.s.add_device("quiet")
        answer = self.held_back(lambda: flood.request("GET", ""))
        self.assertEqual(answer.json["errorCode"], "rate-limited")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertEqual(answer.headers["RateLimit-Policy"], '"device";q=10')
        again = quiet.request("GET", "")
        self.assertEqual((again.status, again.headers["RateLimit"]), (200, None))
        self.assertGreaterEqual(value(scrape(self.s), "ota_http_rate_limited_total", who="device"), 1)

    def test_a_caller_is_told_what_is_left_and_then_to_wait_and_others_go_on(self):
        first = self.s.api("GET", "/api/v1/session")
        self.assertEqual(first.headers["RateLimit-Policy"], '"caller";q=30')
        left = int(re.fullmatch(r'"caller";r=(\d+);t=\d+', first.headers["RateLimit"])[1])
        self.assertTrue(0 < left < 30)
        answer = self.held_back(lambda: self.s.api("GET", "/api/v1/session"))
        self.assertEqual((answer.json["code"], answer.headers["Content-Type"]), ("rate-limited", "application/problem+json"))
        self.assertTrue(answer.headers["RateLimit"].startswith('"caller";r=0;'))
        self.s.token = json.loads(self.s.admin("reset"))["token"]
        self.assertEqual(self.s.api("GET", "/api/v1/session").status, 200)

    def test_strangers_are_counted_by_address_and_the_health_of_devices_does_not_hang_on_it(self):
        d = self.s.add_device("one")
        self.assertEqual(self.held_back(lambda: self.s.request("GET", "/api/v1/info")).json["code"], "rate-limited")
        self.assertEqual(d.request("GET", "").status, 200)
        self.assertEqual(self.s.request("GET", "/default/repository/metadata/1.root.json").status, 404)


    def test_what_a_header_says_of_the_address_is_ignored(self):
        turn = itertools.count()
        other = lambda: {"X-Forwarded-For": f"203.0.113.{next(turn) % 250}", "Forwarded": "for=203.0.113.7"}
        self.assertEqual(self.held_back(lambda: self.s.request("GET", "/api/v1/info", headers=other())).json["code"], "rate-limited")


class Proxied(FleetTest):
    def test_what_headers_say_of_address_and_host_is_in_no_answer(self):
        proxied = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7", "Forwarded": "for=203.0.113.7;host=evil.example;proto=http",
                   "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
        d = self.device()
        self.assertTrue(d.request("GET", "", headers=proxied).json["_links"]["configData"]["href"].startswith(self.s.url + "/"))
        end = time.monotonic() + PATIENCE
        while (address := self.s.api("GET", f"/api/v1/devices/{d.name}").json["address"]) is None:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(address, "127.0.0.1")


class Tags(FleetTest):
    def fields(self, **more):
        return {"Authorization": f"Bearer {self.s.token}", **more}

    def get(self, path, **more):
        return self.s.request("GET", path, headers=self.fields(**more))

    def test_what_did_not_change_is_not_sent_again(self):
        d = self.device()
        for path in (f"/api/v1/devices/{d.name}", "/api/v1/releases", "/api/v1/info", "/api/v1/openapi.json", f"/api/v1/releases/{self.r1}"):
            tag = self.get(path).headers["ETag"]
            if path == "/api/v1/info":
                continue  # tells the time
            same = self.get(path, **{"If-None-Match": f'"x", W/{tag}'})
            self.assertEqual((same.status, same.body, same.headers["ETag"]), (304, b"", tag), path)
            self.assertEqual(self.get(path, **{"If-None-Match": '"x"'}).status, 200, path)

    def test_a_devices_tag_changes_with_it_and_not_when_it_calls(self):
        d = self.device()
        path = f"/api/v1/devices/{d.name}"
        d.poll()
        tag = self.get(path).headers["ETag"]
        d.poll()
        self.assertEqual(self.get(path).headers["ETag"], tag)
        self.assign(d, self.r1)
        self.assertNotEqual(self.get(path).headers["ETag"], tag)

    def test_a_change_of_something_that_moved_in_between_is_refused(self):
        d = self.device()
        action = self.assign(d, self.r1)
        path = f"/api/v1/deployments/{action}"
        before = self.get(path).headers["ETag"]
        d.feedback(action, "download")
        late = self.s.request("DELETE", path, headers=self.fields(**{"If-Match": before}))
        self.assertEqual((late.status, late.json["code"]), (412, "precondition"))
        self.assertEqual(self.deployment(action)["state"], "downloading")
        now = self.get(path).headers["ETag"]
        self.assertEqual(self.s.request("DELETE", path, headers=self.fields(**{"If-Match": now})).status, 202)

    def test_of_two_who_change_what_they_saw_the_second_is_told(self):
        d = self.device()
        self.s.api("PUT", "/api/v1/groups/g", {"about": "one"})
        for method, path, one, two in (("PATCH", f"/api/v1/devices/{d.name}", {"name": "one"}, {"name": "two"}),
                                       ("PUT", "/api/v1/groups/g", {"about": "two"}, {"about": "three"})):
            seen = self.get(path).headers["ETag"]
            first = self.s.request(method, path, one, self.fields(**{"If-Match": seen}))
            second = self.s.request(method, path, two, self.fields(**{"If-Match": seen}))
            self.assertEqual((first.status, second.status, second.json["code"]), (200, 412, "precondition"), (first.body, second.body))
            for never in ('"0"', '"x"', "1", f"{seen}, {seen}", f"W/{seen}", '"99999999999999999999"', '"'):
                self.assertEqual(self.s.request(method, path, two, self.fields(**{"If-Match": never})).status, 412, never)
            again = self.get(path).headers["ETag"]
            self.assertEqual(self.s.request(method, path, two, self.fields(**{"If-Match": again})).status, 200)
            self.assertEqual(self.s.request(method, path, one, self.fields(**{"If-Match": "*"})).status, 200)

    def test_a_precondition_that_a_path_cannot_honour_is_refused_and_nothing_is_done(self):
        d = self.device()
        answer = self.s.request("DELETE", f"/api/v1/devices/{d.name}", headers=self.fields(**{"If-Match": '"1"'}))
        self.assertEqual((answer.status, answer.json["code"]), (400, "unsupported"))
        self.assertEqual(self.get(f"/api/v1/devices/{d.name}").status, 200)
