# SPDX-License-Identifier: Apache-2.0
"""A release that is taken back: offered to nobody, its rollouts halted, off the signed list, and still to be seen."""

import subprocess

from .server import OTA
from .test_rollout import RolloutTest


class Withdrawal(RolloutTest):
    n = 10

    def setUp(self):
        """A release of its own for each test."""
        type(self).n += 1
        self.version = f"{self.n}.0.0"
        self.bundle = self.s.make_bundle(self.version)
        self.release = self.s.push(self.bundle)["id"]
        self.addCleanup(self.end)

    def end(self):
        """The next test signs from a list that names nothing withdrawn."""
        taken_back = self.s.api("GET", f"/api/v1/releases/{self.release}").json["withdrawn"]
        if taken_back and taken_back["unlisted_at"] is None:
            self.s.remote("release", "withdraw", self.release, "--reason", "it eats flash", "--targets", self.unlist().split()[0])

    def withdraw(self, status=200, release=None, **more):
        answer = self.s.api("POST", f"/api/v1/releases/{release or self.release}/withdraw", {"reason": "it eats flash", **more})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def assign_to(self, device, status=201):
        answer = self.s.api("POST", "/api/v1/deployments", {"device": device.name, "release": self.release})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def metadata(self, version):
        return self.s.request("GET", f"/default/repository/metadata/{version}.targets.json").json["signed"]["targets"]

    def newest(self):
        """What a device's timestamp leads to."""
        repository = "/default/repository/metadata/"
        stamp = self.s.request("GET", repository + "timestamp.json").json["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = self.s.request("GET", f"{repository}{stamp}.snapshot.json").json["signed"]["meta"]["targets.json"]["version"]
        return self.metadata(snapshot)

    def unlist(self, *more):
        return self.s.ota("release", "unlist", "gateway", self.version, "--keys", self.s.keys, "--demo", *more)

    def test_it_is_offered_and_assigned_to_nobody_and_can_still_be_seen(self):
        shown, assigned, other = self.fleet(3)
        running, waiting = self.assign_to(shown)["id"], self.assign_to(assigned)["id"]
        self.assertIsNotNone(self.offered(shown))
        link = assigned.poll()["_links"]["deploymentBase"]["href"]
        answer = self.withdraw()
        self.assertEqual((answer["state"], answer["cancelled"]), ("withdrawn", 1))
        self.assertEqual(self.s.api("GET", f"/api/v1/deployments/{waiting}").json["state"], "cancelled")
        self.assertIn("it eats flash", self.s.api("GET", f"/api/v1/deployments/{waiting}").json["detail"])
        self.assertEqual(assigned.follow(link).status, 404)
        self.assertEqual(self.assign_to(other, 409)["code"], "conflict")
        # what was shown goes on, and ends
        self.assertEqual(shown.feedback(running, "closed", "success", ["done"]).status, 200)
        seen = self.s.api("GET", f"/api/v1/releases/{self.release}").json
        self.assertEqual((seen["withdrawn"]["by"], seen["withdrawn"]["reason"], seen["withdrawn"]["unlisted_at"]), ("admin", "it eats flash", None))
        self.assertIn(self.release, [r["id"] for r in self.s.api("GET", "/api/v1/releases?limit=500").json["items"] if r["state"] == "withdrawn"])
        listed = self.s.api("GET", f"/api/v1/devices?filter=product==gateway;version=={self.version}").json["items"]
        self.assertEqual([d["id"] for d in listed], [shown.name])
        audit = self.s.api("GET", "/api/v1/audit?action=release.withdraw").json["items"][0]
        self.assertEqual((audit["object"], audit["detail"]), (f"release/{self.release}", "it eats flash"))

    def test_with_cancel_running_those_that_are_at_it_are_asked_to_stop(self):
        (d,) = self.fleet(1)
        action = self.assign_to(d)["id"]
        self.assertIsNotNone(self.offered(d))
        self.assertEqual(self.withdraw()["cancelled"], 0)
        self.assertEqual(self.withdraw(cancel_running=True)["cancelled"], 1)
        self.assertEqual(self.s.api("GET", f"/api/v1/deployments/{action}").json["state"], "cancelling")
        self.assertIn("cancelAction", d.poll()["_links"])

    def test_its_rollouts_pause_with_the_reason_and_do_not_go_on(self):
        devices = self.fleet(6)
        running = self.make([{"count": 2}, {"percent": 100}], release=self.release)
        later = self.make(release=self.release, start_at=4_000_000_000_000)
        draft = self.make(release=self.release)
        self.do(running, "start")
        self.do(later, "start")
        self.assigned(running, 2)
        self.withdraw()
        o = self.get(running)
        self.assertEqual((o["state"], o["reason"]), ("paused", "withdrawn"))
        self.assertIn("it eats flash", o["detail"])
        self.assertIn(o["detail"], self.decisions(running))
        self.assertEqual(self.get(later)["state"], "stopped")
        for d in devices:
            self.assertIsNone(self.offered(d))
        self.do(running, "resume", 409)
        self.do(draft, "start", 409)
        plan = {**self.get(draft)["plan"], "name": "another"}
        self.assertEqual(self.s.api("POST", "/api/v1/rollouts", plan).status, 409)
        self.assertEqual(self.do(running, "stop")["state"], "stopped")

    def test_targets_that_list_it_are_refused_and_those_without_it_published(self):
        target = f"release/gateway/{self.version}.json"
        self.assertIn(target, self.newest())
        self.withdraw()
        after = self.s.make_bundle(f"{self.version}-after")  # drafted from a list that has it
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            self.s.push(after)
        self.assertIn("which was withdrawn: ota release unlist gateway", refused.exception.stderr)
        said = self.unlist()
        path = said.split()[0]
        self.s.remote("release", "withdraw", self.release, "--reason", "it eats flash", "--targets", path)
        self.assertNotIn(target, self.newest())
        self.assertIsNotNone(self.s.api("GET", f"/api/v1/releases/{self.release}").json["withdrawn"]["unlisted_at"])
        audit = self.s.api("GET", "/api/v1/audit?action=targets.publish").json["items"]
        self.assertEqual(audit[0]["object"], "targets/" + path.rsplit("/", 1)[1].split(".")[0])
        # the same again is fine; a list without another release is not
        self.s.remote("release", "withdraw", self.release, "--reason", "it eats flash", "--targets", path)
        self.unlisted_by_mistake()

    def unlisted_by_mistake(self):
        self.s.ota("release", "unlist", "gateway", "1.0.0", "--keys", self.s.keys, "--demo")
        newest = max(self.s.keys.glob("repository/*.targets.json"), key=lambda p: int(p.name.split(".")[0]))
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            self.s.remote("release", "withdraw", self.release, "--reason", "x", "--targets", newest)
        self.assertIn("release/gateway/1.0.0.json is missing, and was not withdrawn", refused.exception.stderr)
        self.assertIn("release/gateway/1.0.0.json", self.newest())
        newest.unlink()

    def test_a_withdrawn_release_is_not_what_others_are_behind(self):
        (d,) = self.fleet(1)
        d.request("PUT", "/configData", {"data": {"product": "gateway", "version": "9.0.0"}})
        newest = lambda: [n["version"] for n in self.s.api("GET", "/api/v1/versions").json["newest"] if n["product"] == "gateway"]
        self.assertEqual(newest(), [self.version])
        self.withdraw()
        self.assertNotEqual(newest(), [self.version])

    def test_bad_requests_change_nothing(self):
        for body in ({}, {"reason": ""}, {"reason": " \t"}, {"reason": 5}, {"reason": "x" * 300}, {"reason": "x", "why": "y"}):
            answer = self.s.api("POST", f"/api/v1/releases/{self.release}/withdraw", body)
            self.assertIn(answer.status, (400, 413), body)
        self.withdraw(404, "00" * 8)
        self.withdraw(404, "nonsense" * 9)
        self.assertEqual(self.s.api("GET", f"/api/v1/releases/{self.release}").json["state"], "published")
        for body in ({}, {"targets": "00" * 32}, {"targets": "xy"}):
            self.assertIn(self.s.api("POST", "/api/v1/repository/targets", body).status, (400, 404))

    def test_the_command_line_names_the_devices_that_run_it(self):
        (d,) = self.fleet(1)
        action = self.assign_to(d)["id"]
        self.assertIsNotNone(self.offered(d))
        d.feedback(action, "closed", "success", ["done"])
        said = self.s.ota("release", "withdraw", self.release, "--reason", "it eats flash", "--server", self.s.url, "--ca",
                          self.s.data / "ca.pem", "--token-file", self.s.place / "token")
        self.assertIn("no device is offered it any more", said)
        self.assertIn("The signed list still names it", said)
        self.assertIn(d.name, said)
        for wrong in (["release", "withdraw", self.release], ["release", "unlist", "gateway", self.version]):
            done = subprocess.run([OTA, *wrong], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("is missing", done.stderr)
