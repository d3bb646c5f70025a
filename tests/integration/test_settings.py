# SPDX-License-Identifier: Apache-2.0
"""What a tenant says for its own devices, over what the server's configuration says for all."""

import json
import subprocess

from .fleet import OwnServer
from .server import OTA, Device


class Settings(OwnServer):
    def setUp(self):
        super().setUp()
        self.s.options = ("--server-demo", "yes", "--device-poll-interval", "90s")
        self.s.start()

    def change(self, status=200, token=None, **what):
        answer = self.s.request("PATCH", "/api/v1/settings", what, {"Authorization": f"Bearer {token or self.s.token}"})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def sleep(self, device):
        return device.poll()["config"]["polling"]["sleep"]

    def test_one_tenants_poll_interval_is_nobody_elses_and_outlives_the_server(self):
        d = self.s.add_device("one")
        theirs = self.s.add_tenant("north")
        made = self.s.request("POST", "/api/v1/devices", {"id": "two"}, {"Authorization": f"Bearer {theirs}"}).json
        other = Device(self.s, "two", made["token"])
        other.base = "/north/controller/v1/two"
        other.request = lambda method, path, *a, **k: self.s.request(method, other.base + path, headers={"Authorization": f"TargetToken {made['token']}"})
        self.assertEqual((self.sleep(d), self.sleep(other)), ("00:01:30", "00:01:30"))
        self.assertEqual(self.change(poll_interval_ms=600_000)["own"], ["poll_interval_ms"])
        self.assertEqual((self.sleep(d), self.sleep(other)), ("00:10:00", "00:01:30"))
        self.s.stop()
        self.s.start()
        self.assertEqual((self.sleep(d), self.sleep(other)), ("00:10:00", "00:01:30"))
        self.assertEqual(self.change(poll_interval_ms=None)["own"], [])
        self.assertEqual(self.sleep(d), "00:01:30")
        audit = self.s.api("GET", "/api/v1/audit?action=settings.change").json["items"]
        self.assertEqual([e["detail"].split(",")[0] for e in audit], ["poll interval default", "poll interval 600000 ms"])
        self.assertEqual(audit[0]["object"], "tenant/default")

    def test_a_form_of_token_that_is_switched_off_lets_nobody_in_from_then_on(self):
        d = self.s.add_device("one")
        gateway = self.s.api("POST", "/api/v1/tokens", {"name": "gw", "role": "gateway"}).json["token"]
        ask = lambda: self.s.request("GET", "/default/controller/v1/one", headers={"Authorization": f"GatewayToken {gateway}"}).status
        self.assertEqual((d.request("GET", "").status, ask()), (200, 401))
        self.change(gateway_tokens=True, target_tokens=False)
        self.assertEqual((d.request("GET", "").status, ask()), (401, 200))
        self.s.stop()
        self.s.start()
        self.assertEqual((d.request("GET", "").status, ask()), (401, 200))
        self.change(gateway_tokens=None, target_tokens=None)
        self.assertEqual((d.request("GET", "").status, ask()), (200, 401))

    def test_plain_links_are_only_where_the_server_has_an_address_for_them(self):
        self.assertEqual(self.change(409, plain_links=True)["code"], "conflict")
        self.assertFalse(self.s.api("GET", "/api/v1/settings").json["plain_links"])
        self.s.stop()
        self.s.start("--device-plain-links", "http://cache.local:8080")
        self.assertTrue(self.s.api("GET", "/api/v1/settings").json["plain_links"])
        self.s.claim()
        release = self.s.push(self.s.make_bundle("1.0.0"))["id"]
        d = self.s.add_device("one")
        self.assertEqual(self.s.api("POST", "/api/v1/deployments", {"device": "one", "release": release}).status, 201)
        links = lambda: d.follow(d.poll()["_links"]["deploymentBase"]["href"]).json["deployment"]["chunks"][0]["artifacts"][0]["_links"]
        self.assertTrue(links()["download-http"]["href"].startswith("http://cache.local:8080/"))
        self.change(plain_links=False)
        self.assertTrue(links()["download-http"]["href"].startswith("https://"))

    def test_bad_requests_change_nothing(self):
        before = self.s.api("GET", "/api/v1/settings").json
        for wrong in ({"poll_interval_ms": 0}, {"poll_interval_ms": 999}, {"poll_interval_ms": 2_592_000_001}, {"poll_interval_ms": "1m"},
                      {"target_tokens": 1}, {"gateway_tokens": "yes"}, {"more": True}, {"poll_interval_ms": 5000, "target_tokens": "no"}):
            self.assertEqual(self.s.api("PATCH", "/api/v1/settings", wrong).status, 400, wrong)
        self.assertEqual(self.s.api("GET", "/api/v1/settings").json, before)

    def test_the_command_line_shows_and_says_them(self):
        where = ["--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file", self.s.place / "token"]
        said = self.s.ota("settings", "set", "poll-interval=10m", "gateway-tokens=yes", *where)
        self.assertIn("poll-interval   600 s\n", said)
        said = self.s.ota("settings", "show", *where)
        self.assertIn("gateway-tokens  yes\n", said)
        self.assertIn("target-tokens   yes  (the server's default)", said)
        self.assertEqual(json.loads(self.s.ota("settings", "set", "poll-interval=default", *where, "--json"))["own"], ["gateway_tokens"])
        for wrong in ("poll-interval", "poll-interval=soon", "colour=red", "target-tokens=perhaps"):
            done = subprocess.run([OTA, "settings", "set", wrong, *where], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, (wrong, done.stderr))
