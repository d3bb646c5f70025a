# SPDX-License-Identifier: Apache-2.0
"""The freeze: nothing new is shown to any device, whoever says it and however."""

import subprocess

from .fleet import FleetTest
from .server import OTA_SERVER


class Freeze(FleetTest):
    def setUp(self):
        self.addCleanup(self.s.api, "DELETE", "/api/v1/freeze")

    def freeze(self, **more):
        answer = self.s.api("PUT", "/api/v1/freeze", {"reason": "a bad batch of flash", **more})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_it_tells_who_why_and_since_when(self):
        self.assertEqual(self.s.api("GET", "/api/v1/freeze").json, {"frozen": False})
        self.freeze()
        f = self.s.api("GET", "/api/v1/freeze").json
        self.assertEqual((f["frozen"], f["reason"], f["by"], f["cancel_running"]),
                         (True, "a bad batch of flash", "admin", False))
        self.assertGreater(f["since_at"], 1_600_000_000_000)

    def test_a_reason_must_be_given(self):
        for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": 5}, {"reason": "x" * 600}, {"reason": "x", "why": "y"}):
            self.assertIn(self.s.api("PUT", "/api/v1/freeze", body).status, (400, 413), body)
        self.assertFalse(self.s.api("GET", "/api/v1/freeze").json["frozen"])

    def test_what_was_not_shown_is_not_shown_until_the_thaw(self):
        d = self.device()
        action = self.assign(d, self.r1)
        link = d.poll()["_links"]["deploymentBase"]["href"]  # polled, not looked at yet
        self.freeze()
        self.assertNotIn("deploymentBase", d.poll()["_links"])
        refused = d.follow(link)
        self.assertEqual(refused.status, 404)
        self.assertEqual(self.deployment(action)["state"], "assigned")
        self.assertEqual(self.s.api("DELETE", "/api/v1/freeze").status, 204)
        self.assertEqual(self.offer(d)["id"], action)

    def test_a_report_on_what_was_never_shown_does_not_count_as_its_offer(self):
        d = self.device()
        action = self.assign(d, self.r1)
        digest = self.s.api("GET", f"/api/v1/releases/{self.r1}").json["manifest_sha256"]
        self.freeze()
        self.assertEqual(d.feedback(action, "download").status, 404)
        self.assertEqual(d.request("GET", f"/ota/content/{digest}").status, 404)
        self.assertEqual(d.request("GET", f"/softwaremodules/{action}/artifacts").status, 404)
        self.assertEqual(self.deployment(action)["state"], "assigned")
        self.assertEqual(d.request("GET", f"/deploymentBase/{action}").status, 404)

    def test_what_was_shown_goes_on(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        self.freeze()
        self.assertEqual(self.offer(d)["id"], action)
        self.assertEqual(d.feedback(action, "closed", "success").status, 200)
        self.assertEqual(self.deployment(action)["state"], "confirmed")

    def test_or_it_is_cancelled_by_choice(self):
        shown, unseen = self.device("-1"), self.device("-2")
        action, other = self.assign(shown, self.r1), self.assign(unseen, self.r1)
        self.offer(shown)
        self.assertEqual(self.freeze(cancel_running=True)["cancelled"], 1)
        self.assertEqual(self.freeze(cancel_running=True)["cancelled"], 0)
        links = shown.poll()["_links"]
        self.assertNotIn("deploymentBase", links)
        self.assertTrue(links["cancelAction"]["href"].endswith(f"/cancelAction/{action}"))
        self.assertIn("a bad batch of flash", self.deployment(action)["detail"])
        shown.feedback(action, "closed", "success", kind="cancelAction")
        self.assertEqual(self.deployment(action)["state"], "cancelled")
        self.assertEqual(self.deployment(other)["state"], "assigned")

    def test_nothing_new_is_assigned(self):
        d = self.device()
        self.freeze()
        answer = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.r1})
        self.assertEqual((answer.status, answer.json["code"]), (409, "frozen"))
        self.assertIn("a bad batch of flash", answer.json["detail"])

    def test_it_works_from_the_data_directory_beside_and_without_a_running_server(self):
        d = self.device()
        self.assign(d, self.r1)

        def admin(*words):
            return subprocess.run([OTA_SERVER, "admin", *words, *self.s.where],
                                  capture_output=True, text=True)

        self.assertEqual(admin("freeze").returncode, 2)
        self.assertEqual(admin("freeze", "--reason", "the API is down").returncode, 0)
        self.assertNotIn("deploymentBase", d.poll()["_links"])
        self.s.stop()
        self.s.start()
        self.assertNotIn("deploymentBase", d.poll()["_links"])
        self.s.stop()
        thawed, again = admin("thaw"), admin("thaw")
        self.s.start()
        self.assertEqual((thawed.returncode, again.returncode), (0, 1))
        self.assertIn("nothing is frozen", again.stderr)
        self.assertIn("deploymentBase", d.poll()["_links"])

    def test_ota_freezes_and_thaws(self):
        self.assertTrue(self.s.remote("freeze", "--reason", "wait")["frozen"])
        self.assertEqual(self.s.remote("freeze")["reason"], "wait")
        where = ("--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file", self.s.place / "token")
        self.assertIn("Thawed", self.s.ota("thaw", *where))
        self.assertIn("Nothing is frozen", self.s.ota("freeze", *where))
