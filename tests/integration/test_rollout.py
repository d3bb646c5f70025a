# SPDX-License-Identifier: Apache-2.0
"""Rollouts on a real server with many simulated devices that speak the device API."""

import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from .fleet import FleetTest
from .server import PATIENCE, Device, Server, temporary

END = ("finished", "stopped", "paused")


class RolloutTest(FleetTest):
    """Each test has a product of its own, and so a fleet of its own."""

    OPTIONS = ("--rollout-settle", "20ms", "--rollout-join-interval", "100ms", "--rollout-retry-interval", "100ms",
               "--limits-device-rate", "1000", "--limits-report-rate", "1000", "--limits-caller-rate", "10000")

    @classmethod
    def setUpClass(cls):
        place = temporary()
        cls.addClassCleanup(place.cleanup)
        cls.s = Server(place.name, "--server-demo", "yes", *cls.OPTIONS)
        cls.s.start()
        cls.addClassCleanup(cls.s.stop)
        cls.s.claim()
        cls.r1 = cls.s.push(cls.s.make_bundle("1.0.0"))["id"]
        cls.r2 = cls.s.push(cls.s.make_bundle("2.0.0"))["id"]

    def fleet(self, n, site=None, tail=""):
        """Devices named after the test, of a group by id, seen once."""
        name = self.id().rsplit(".", 1)[1][:60] + tail
        devices = [self.s.add_device(f"{name}-{i:03d}") for i in range(n)]
        for i, d in enumerate(devices):
            data = {"product": "gateway", "hardware": "revA"}
            if site:
                data["rack"] = site(i)
            self.assertEqual(d.request("PUT", "/configData", {"data": data}).status, 200)
        self.selection = f"id=={name}-*"
        return devices

    def make(self, waves=None, **more):
        plan = {"name": self.id().rsplit(".", 1)[1][:60], "release": self.r1, "selection": self.selection,
                "accepts": "reported", **more}
        if waves:
            plan["waves"] = waves
        answer = self.s.api("POST", "/api/v1/rollouts", plan)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def do(self, rollout, action, status=200, **body):
        answer = self.s.api("POST", f"/api/v1/rollouts/{rollout}/{action}", body or None)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def get(self, rollout):
        return self.s.api("GET", f"/api/v1/rollouts/{rollout}").json

    def until(self, rollout, want, what=""):
        """The rollout once want(it) holds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            o = self.get(rollout)
            if want(o):
                return o
            time.sleep(0.02)
        self.fail(f"{what}: {o['state']}: {o['detail']}; {[(w['state'], w['counts']) for w in o['waves']]}")

    def waves(self, rollout):
        return [w["state"] for w in self.get(rollout)["waves"]]

    def count(self, o, state):
        return sum(w["counts"][state] for w in o["waves"])

    def offered(self, device):
        link = device.poll()["_links"].get("deploymentBase")
        answer = None if link is None else device.follow(link["href"])
        return answer.json if answer and answer.status == 200 else None  # else it was paused in between

    def update(self, devices, finished="success"):
        """Each device polls once, and updates if it is offered something; returns those that were."""
        done = []
        for d in devices:
            offer = self.offered(d)
            if offer is not None:
                self.assertEqual(d.feedback(offer["id"], "closed", finished, ["done"]).status, 200)
                done.append(d)
        return done

    def serve(self, rollout, devices, want, finished="success"):
        """The fleet goes on polling until want(rollout) holds."""
        end = time.monotonic() + PATIENCE
        updated = []
        while time.monotonic() < end:
            updated += self.update(devices, finished)
            o = self.get(rollout)
            if want(o):
                return o, updated
            time.sleep(0.02)
        self.fail(f"{o['state']}: {o['detail']}; {[(w['state'], w['counts']) for w in o['waves']]}")

    def assigned(self, r, n):
        """Until n of its members have a deployment."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            items = self.s.api("GET", f"/api/v1/rollouts/{r}/members?limit=500").json["items"]
            if sum(m["deployment"] is not None for m in items) == n:
                return items
            time.sleep(0.02)
        self.fail(f"{items}")

    def decisions(self, rollout):
        return [d["detail"] for d in self.s.api("GET", f"/api/v1/rollouts/{rollout}/decisions").json["items"]]


class Course(RolloutTest):
    def test_three_waves_go_one_after_the_other_to_the_end(self):
        devices = self.fleet(20)
        r = self.make([{"percent": 10, "min_finished": 1}, {"percent": 50}, {"percent": 100}])
        self.assertEqual(self.get(r)["state"], "draft")
        self.do(r, "start")
        o = self.until(r, lambda o: o["waves"][0]["state"] == "running", "the first wave runs")
        self.assertEqual([w["state"] for w in o["waves"]], ["running", "pending", "pending"])
        self.assertEqual([w["counts"]["members"] for w in o["waves"]], [2, 9, 9])
        self.assigned(r, 2)
        self.assertEqual(len(self.update(devices)), 2)  # nobody of another wave
        o, _ = self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertEqual(o["devices"], {"members": 20, "ended": 20, "succeeded": 20})
        self.assertEqual(self.count(o, "reported"), 20)
        self.assertGreater(len(self.decisions(r)), 6)
        self.assertEqual(self.update(devices), [])

    def test_a_wave_that_fails_pauses_the_rollout_with_its_reason(self):
        devices = self.fleet(10)
        r = self.make([{"count": 4, "min_finished": 2, "error_percent": 10}, {"percent": 100}])
        self.do(r, "start")
        o, failed = self.serve(r, devices, lambda o: o["state"] == "paused", finished="failure")
        self.assertLessEqual(len(failed), 4)
        self.assertEqual((o["reason"], o["waves"][1]["state"]), ("error-threshold", "pending"))
        self.assertIn("%", o["detail"])
        self.assertEqual(self.update(devices), [])
        why = self.s.api("GET", f"/api/v1/devices/{devices[0].name}/why").json
        self.assertFalse(why["may_offer"])

    def test_resume_goes_on_after_a_pause_of_its_own(self):
        devices = self.fleet(8)
        r = self.make([{"count": 4, "min_finished": 4, "error_percent": 10, "success_percent": 10}, {"percent": 100}])
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        self.assigned(r, 4)
        offers = [(d, self.offered(d)) for d in devices]
        offers = [(d, o) for d, o in offers if o]
        self.assertEqual(len(offers), 4)
        for i, (d, offer) in enumerate(offers):
            d.feedback(offer["id"], "closed", "failure" if i < 2 else "success")
        self.until(r, lambda o: o["state"] == "paused")
        self.do(r, "resume", reason="the two had a bad cable")
        o, _ = self.serve(r, devices, lambda o: o["state"] in ("finished", "paused"))
        self.assertEqual(o["state"], "finished", o["detail"])
        self.assertIn("bad cable", " ".join(self.decisions(r)))

    def test_silent_devices_count_as_failed_after_the_deadline(self):
        for deadline_ms in (1000, 8000, 30_000):  # on a slow machine one may pass before all of them were shown theirs
            devices = self.fleet(6, tail=f"-{deadline_ms}")
            wave = {"count": 4, "min_finished": 4, "deadline_ms": deadline_ms, "error_percent": 10}
            r = self.make([wave, {"percent": 100}], name=f"within {deadline_ms}")
            begun = time.monotonic()
            self.do(r, "start")
            self.assigned(r, 4)
            shown = [d for d in devices if self.offered(d)]
            in_flight = self.count(self.get(r), "in-flight")
            if time.monotonic() - begun < deadline_ms / 1000:
                break
        self.assertEqual((len(shown), in_flight), (4, 4))
        self.until(r, lambda o: o["state"] == "paused" and self.count(o, "silent") == 4, "it pauses")
        offer = self.offered(shown[0])  # it comes back, and counts as what it becomes
        self.assertEqual(shown[0].feedback(offer["id"], "closed", "success").status, 200)
        self.assertEqual((self.count(self.get(r), "silent"), self.count(self.get(r), "reported")), (3, 1))

    def ask_all(self, devices):
        """Those whose users are asked: device -> action."""
        links = [(d, d.poll()["_links"].get("confirmationBase")) for d in devices]
        return {d: d.follow(link["href"]).json["id"] for d, link in links if link}

    def test_a_user_who_never_answers_does_not_keep_the_wave_open(self):
        devices = self.fleet(4)
        r = self.make([{"percent": 100, "min_finished": 4, "deadline_ms": 1000, "error_percent": 10}], needs_consent=True)
        self.do(r, "start")
        self.assigned(r, 4)
        end = time.monotonic() + PATIENCE
        while self.get(r)["state"] == "running" and time.monotonic() < end:
            self.ask_all(devices)  # they poll, and nobody answers
            time.sleep(0.05)
        o = self.get(r)
        self.assertEqual(o["state"], "paused", o["detail"])
        self.assertGreater(self.count(o, "silent"), 0)

    def test_a_question_takes_a_place_in_flight(self):
        devices = self.fleet(4)
        r = self.make([{"percent": 100}], needs_consent=True, limits={"in_flight": 3})
        self.do(r, "start")
        self.assigned(r, 4)
        self.assertEqual(len(self.ask_all(devices)), 3)
        self.assertEqual(len(self.ask_all(devices)), 3)  # the same
        self.assertEqual(self.count(self.get(r), "in-flight"), 3)

    def test_who_refuses_has_left_and_who_consents_is_offered_it(self):
        devices = self.fleet(3)
        r = self.make([{"percent": 100}], needs_consent=True)
        self.do(r, "start")
        self.assigned(r, 3)
        asked = self.ask_all(devices)
        self.assertEqual(len(asked), 3)
        for d, action in asked.items():
            word = "denied" if d is devices[0] else "confirmed"
            self.assertEqual(d.request("POST", f"/confirmationBase/{action}/feedback", {"confirmation": word}).status, 200)
        o, updated = self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertEqual((self.count(o, "cancelled"), self.count(o, "reported")), (1, 2))
        self.assertNotIn(devices[0], updated)

    def test_a_pinned_member_leaves_and_the_wave_ends(self):
        devices = self.fleet(3)
        r = self.make([{"percent": 100}])
        self.do(r, "start")
        self.assigned(r, 3)
        self.s.api("PATCH", f"/api/v1/devices/{devices[0].name}", {"pin": {"reason": "on loan"}})
        o, updated = self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertEqual((self.count(o, "cancelled"), len(updated)), (1, 2))

    def test_the_health_gate_stops_before_the_threshold_is_judged(self):
        devices = self.fleet(30)
        r = self.make([{"percent": 100, "min_finished": 30, "error_percent": 90, "success_percent": 1}],
                      gate={"alpha_percent": 1, "baseline_percent": 1})
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        end = time.monotonic() + PATIENCE
        while self.get(r)["state"] == "running" and time.monotonic() < end:
            for d in devices:
                if self.update([d], "failure"):
                    break
        o = self.get(r)
        self.assertEqual((o["state"], o["reason"]), ("paused", "health-gate"), o["detail"])
        self.assertLess(self.count(o, "failed"), 30)
        curve = self.s.api("GET", f"/api/v1/rollouts/{r}/evidence").json
        last = curve["points"][-1]
        self.assertTrue(curve["gate"])
        self.assertEqual(curve["log10_limit"], 2)
        self.assertGreaterEqual(last["log10_e"], 2)  # that is why it stopped
        self.assertEqual(last["failed"], self.count(o, "failed"))
        self.assertGreaterEqual(last["offered"], last["failed"])
        self.assertEqual([p["at"] for p in curve["points"]], sorted(p["at"] for p in curve["points"]))

    def test_a_rollout_without_a_gate_or_a_start_has_no_evidence(self):
        self.fleet(1)
        r = self.make(gate=None)
        curve = self.s.api("GET", f"/api/v1/rollouts/{r}/evidence").json
        self.assertEqual(curve, {"gate": False, "log10_limit": None, "points": []})
        self.assertEqual(self.s.api("GET", "/api/v1/rollouts/0/evidence").status, 404)

    def test_failures_stand_in_clusters_that_lead_to_their_devices(self):
        devices = self.fleet(4)
        for i, d in enumerate(devices):
            made = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.r1})
            self.assertEqual(made.status, 201, made.body)
            offer = self.offered(d)
            words = f"block {100 + i}: it's <b>bad</b>" if i < 3 else "no power"
            self.assertEqual(d.feedback(offer["id"], "closed", "failure", [words]).status, 200)
        mine = [x for x in self.s.api("GET", f"/api/v1/failures?release={self.r1}").json["items"]
                if x["device"].startswith(devices[0].name[:-4])]
        self.assertEqual([(x["words"], x["devices"]) for x in mine],
                         [("block *: it's <b>bad</b>", 3), ("no power", 1)])
        found = self.s.api("GET", "/api/v1/devices?" + urllib.parse.urlencode({"filter": mine[0]["filter"]})).json["items"]
        self.assertEqual([d["id"] for d in found], [d.name for d in devices[:3]])
        later = self.s.api("GET", f"/api/v1/failures?from_at={mine[0]['last_at'] + 10**9}").json
        self.assertEqual((later["items"], later["complete"]), ([], True))
        self.assertEqual(self.s.api("GET", "/api/v1/failures?from_at=yesterday").status, 400)

    def test_what_is_not_proven_does_not_count_where_proof_is_asked_for(self):
        devices = self.fleet(2)
        r = self.make([{"percent": 100, "min_finished": 1}], accepts="proven")
        self.do(r, "start")
        o, _ = self.serve(r, devices, lambda o: o["state"] in END)
        self.assertEqual((o["state"], o["reason"]), ("paused", "success-out-of-reach"), o["detail"])
        self.assertGreater(self.count(o, "reported"), 0)


class Acts(RolloutTest):
    def running(self, devices, **more):
        r = self.make([{"percent": 100, "min_finished": 1}], **more)
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        return r

    def test_paused_nothing_new_is_offered_and_what_runs_goes_on(self):
        devices = self.fleet(3)
        r = self.running(devices)
        self.assigned(r, 3)
        offer = self.offered(devices[0])
        self.do(r, "pause", reason="a look at the first")
        self.assertIsNone(self.offered(devices[1]))
        self.assertEqual(devices[0].feedback(offer["id"], "closed", "success").status, 200)
        self.assertIn("a look at the first", self.get(r)["detail"])
        why = self.s.api("GET", f"/api/v1/devices/{devices[1].name}/why").json
        self.assertEqual(why["reasons"][0]["code"], "paused")
        self.do(r, "resume")
        o, _ = self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertEqual(self.count(o, "reported"), 3)

    def test_a_stop_is_for_good_and_takes_back_what_nobody_saw(self):
        devices = self.fleet(3)
        r = self.running(devices)
        self.assigned(r, 3)
        offer = self.offered(devices[0])
        self.do(r, "stop", reason="wrong release")
        o = self.until(r, lambda o: self.count(o, "cancelled") == 2)
        self.assertEqual((o["state"], self.count(o, "in-flight")), ("stopped", 1))
        self.assertEqual(self.deployment(offer["id"])["state"], "assigned")
        self.do(r, "stop", cancel_running=True)
        self.assertEqual(self.deployment(offer["id"])["state"], "cancelling")
        for action in ("start", "pause", "resume", "approve"):
            answer = self.do(r, action, 409)
            self.assertTrue(answer["detail"])

    def test_roll_back_gives_the_previous_release_to_those_that_run_the_bad_one(self):
        devices = self.fleet(4)
        r = self.make([{"percent": 100, "min_finished": 1}], release=self.r2)
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        self.assigned(r, 4)
        done = self.update(devices[:2])
        self.assertEqual(len(done), 2)
        back = self.do(r, "rollback", reason="it drains the battery")
        self.assertEqual((back["rollback_of"], back["release"]), (r, self.r1))
        self.assertEqual(self.get(r)["state"], "stopped")
        o, updated = self.serve(back["id"], devices, lambda o: o["state"] == "finished")
        self.assertEqual(o["devices"]["members"], 2)
        self.assertEqual(sorted(d.name for d in updated), sorted(d.name for d in done))
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{done[0].name}").json["version"], "1.0.0")

    def test_roll_back_below_the_floor_that_the_bad_one_raises_is_refused(self):
        devices = self.fleet(2)
        bad = self.s.push(self.s.make_bundle("7.0.0", security=("--security-version", "3", "--raise-floor-to", "2")))
        self.assertEqual(bad["raise_floor_to"], 2)
        r = self.make(release=bad["id"])
        self.do(r, "start")
        self.serve(r, devices, lambda o: o["state"] == "finished")
        refused = self.do(r, "rollback", 409, release=self.r1, below_security_version=True)
        self.assertEqual(refused["code"], "rollback")
        self.assertIn("release 1.0.0 has security version 1, and every device that runs 7.0.0 refuses what is below 2",
                      refused["detail"])
        self.assertEqual(self.get(r)["state"], "finished")  # nothing was stopped for it

    def test_a_device_is_assigned_nothing_below_its_floor(self):
        device = self.fleet(1)[0]
        device.request("PUT", "/configData", {"data": {"product": "gateway", "hardware": "revA", "security.floor": "2"}})
        answer = self.s.api("POST", "/api/v1/deployments", {"device": device.name, "release": self.r1})
        self.assertEqual((answer.status, answer.json["code"]), (409, "rollback"))
        self.assertIn("accepts none below 2", answer.json["detail"])

    def test_roll_back_asks_those_that_are_at_it_to_stop(self):
        devices = self.fleet(2)
        r = self.make([{"percent": 100, "min_finished": 1}], release=self.r2)
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        self.assigned(r, 2)
        offer = self.offered(devices[0])
        self.do(r, "rollback", reason="it drains the battery")
        self.assertEqual(self.deployment(offer["id"])["state"], "cancelling")

    def test_whoever_ends_at_the_bad_release_after_the_roll_back_began_is_rolled_back_too(self):
        devices = self.fleet(3)
        r = self.make([{"percent": 100, "min_finished": 1}], release=self.r2)
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        self.assigned(r, 3)
        late = self.offered(devices[0])
        self.update(devices[1:2])
        back = self.do(r, "rollback", reason="it drains the battery")["id"]
        self.serve(back, devices[1:], lambda o: o["waves"][0]["state"] == "passed")
        self.assertEqual(self.get(back)["state"], "running")
        self.assertEqual(devices[0].feedback(late["id"], "closed", "success", ["I was at it"]).status, 200)
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{devices[0].name}").json["version"], "2.0.0")
        o, updated = self.serve(back, devices, lambda o: o["state"] == "finished")
        self.assertEqual([d.name for d in updated], [devices[0].name])
        self.assertEqual(o["devices"], {"members": 2, "ended": 2, "succeeded": 2})
        self.assertIn(f"1 devices arrived at the release of rollout {r}, which is rolled back: they join wave 1",
                      self.decisions(back))

    def test_who_is_silent_on_what_was_not_shown_cannot_report_it(self):
        devices = self.fleet(1)
        r = self.make([{"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        self.until(r, lambda o: o["waves"][0]["state"] == "running")
        self.assigned(r, 1)
        action = self.s.api("GET", f"/api/v1/devices/{devices[0].name}/history").json["items"][0]["id"]
        self.do(r, "pause")
        self.assertEqual(devices[0].feedback(action, "closed", "success").status, 404)
        self.assertEqual(self.count(self.get(r), "waiting"), 1)

    def test_nothing_is_offered_while_the_fleet_is_frozen(self):
        devices = self.fleet(2)
        r = self.make([{"percent": 100, "min_finished": 1}])
        self.addCleanup(self.s.api, "DELETE", "/api/v1/freeze")
        self.s.api("PUT", "/api/v1/freeze", {"reason": "brown-out"})
        self.do(r, "start")
        self.assertEqual(self.update(devices), [])
        why = self.s.api("GET", f"/api/v1/devices/{devices[0].name}/why").json
        self.assertEqual(why["reasons"][0]["code"], "frozen")
        self.s.api("DELETE", "/api/v1/freeze")
        self.serve(r, devices, lambda o: o["state"] == "finished")

    def test_somebody_else_must_approve(self):
        devices = self.fleet(2)
        r = self.make([{"percent": 100, "min_finished": 1}], approvals=1)
        self.do(r, "start")
        self.until(r, lambda o: o["state"] == "awaiting-approval")
        self.assertEqual(self.do(r, "approve", 403)["code"], "forbidden")
        token = self.s.api("POST", "/api/v1/tokens", {"name": "bob", "role": "operator"}).json["token"]
        answer = self.s.request("POST", f"/api/v1/rollouts/{r}/approve", None, {"Authorization": f"Bearer {token}"})
        self.assertEqual(answer.status, 200, answer.body)
        self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertIn("approved by bob", self.decisions(r))

    def test_a_wave_waits_for_its_approval(self):
        devices = self.fleet(4)
        r = self.make([{"count": 1, "min_finished": 1}, {"percent": 100, "min_finished": 1, "needs_approval": True}])
        self.do(r, "start")
        o, _ = self.serve(r, devices, lambda o: o["waves"][0]["state"] == "passed")
        self.assertEqual(o["waves"][1]["state"], "pending")
        self.do(r, "approve", 404, wave=3)
        self.do(r, "approve", wave=2)
        self.serve(r, devices, lambda o: o["state"] == "finished")

    def test_drafts_are_changed_and_deleted_and_bad_plans_refused_by_name(self):
        self.fleet(1)
        r = self.make()
        plan = self.get(r)["plan"]
        tag = self.s.api("GET", f"/api/v1/rollouts/{r}").headers["ETag"]
        headers = {"Authorization": f"Bearer {self.s.token}", "If-Match": tag}
        answer = self.s.request("PUT", f"/api/v1/rollouts/{r}", {**plan, "priority": 7}, headers)
        self.assertEqual((answer.status, answer.json["priority"]), (200, 7), answer.body)
        answer = self.s.request("PUT", f"/api/v1/rollouts/{r}", {**plan, "priority": 9}, headers)
        self.assertEqual(answer.status, 412, answer.body)
        for wrong, name in (({"release": "00" * 8}, "release"), ({"selection": "colour==red"}, "selection"),
                            ({"waves": []}, "waves"), ({"waves": [{"percent": 101}]}, "waves[0].percent"), ({"more": 1}, "more"),
                            ({"windows": {"zone": "Mars/Olympus", "windows": [{"days": ["mon"], "from": "02:00", "to": "04:00"}]}},
                             "")):
            answer = self.s.api("POST", "/api/v1/rollouts", {**plan, **wrong})
            self.assertIn(answer.status, (400, 404, 413), (wrong, answer.body))
            self.assertIn(name, answer.json["detail"])
        self.assertEqual(self.s.api("DELETE", f"/api/v1/rollouts/{r}").status, 204)
        self.assertEqual(self.s.api("GET", f"/api/v1/rollouts/{r}").status, 404)
        self.assertEqual(self.s.api("GET", "/api/v1/rollouts/nonsense").status, 404)

    def test_a_preview_counts_waves_bytes_and_those_left_out(self):
        devices = self.fleet(10)
        devices[0].request("PUT", "/configData", {"data": {"product": "other"}})
        action = self.assign(devices[1], self.r1)
        devices[1].feedback(action, "closed", "success")
        r = self.make([{"percent": 25}, {"percent": 100}])
        p = self.s.api("GET", f"/api/v1/rollouts/{r}/preview").json
        self.assertEqual([w["devices"] for w in p["waves"]], [2, 6])
        self.assertEqual(p["left_out"], {"incompatible": 1, "up_to_date": 1, "pinned": 0, "no_wave": 0})
        self.assertGreater(p["bytes"], 8 * 10_000)
        self.assertEqual(p["bytes"], sum(w["bytes"] for w in p["waves"]))
        self.assertEqual(self.get(r)["state"], "draft")
        for _ in range(5):  # each turn is given back
            self.assertEqual(self.s.api("GET", f"/api/v1/rollouts/{r}/preview").status, 200)

    def test_a_caller_who_asks_for_many_previews_at_once_is_told_to_come_again(self):
        self.fleet(4)
        r, answers = self.make(), []
        ask = lambda: answers.append(self.s.api("GET", f"/api/v1/rollouts/{r}/preview"))
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertIn(200, [a.status for a in answers])
        for a in answers:
            if a.status != 200:
                self.assertEqual((a.status, a.json["code"]), (429, "rate-limited"), a.body)
                self.assertGreater(int(a.headers["Retry-After"]), 0)

    def test_what_an_operator_assigns_goes_before_a_rollout(self):
        devices = self.fleet(2)
        direct = self.assign(devices[0], self.r2)
        r = self.running(devices)
        self.assigned(r, 1)
        self.assertEqual(self.offered(devices[0])["id"], direct)
        devices[0].feedback(direct, "closed", "failure")
        self.serve(r, devices, lambda o: o["state"] == "finished")  # then it is its turn


class CommandLine(RolloutTest):
    def words(self, *words):
        return self.s.ota(*words, "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file", self.s.place / "token")

    def test_ota_makes_starts_shows_and_ends_a_rollout(self):
        devices = self.fleet(4)
        r = self.s.remote("rollout", "create", "--name", "by hand", "--release", self.r1, "--filter", self.selection,
                          "--waves", "1,50%,100%", "--deadline", "1h", "--accept-reported")
        self.assertEqual([w.get("percent", w.get("count")) for w in r["plan"]["waves"]], [1, 50, 100])
        self.assertEqual(r["plan"]["waves"][2]["deadline_ms"], 3600000)
        self.assertIn("Left out: 0", self.words("rollout", "preview", r["id"]))
        self.assertIn("ota rollout start " + r["id"], self.words("rollout", "show", r["id"]))
        self.assertIn("draft", self.words("rollout", "list", "--state", "draft"))
        self.s.remote("rollout", "start", r["id"], "--reason", "it is time")
        self.until(r["id"], lambda o: o["state"] == "running")
        self.assertIn("wave", self.words("device", "why", devices[0].name))
        self.assertTrue(self.words("device", "why", devices[0].name).startswith("WHY\n"))
        self.s.remote("rollout", "pause", r["id"], "--reason", "lunch")
        shown = self.words("rollout", "show", r["id"], "--watch")
        self.assertIn("is paused", shown)
        self.assertIn("lunch", shown)
        self.s.remote("rollout", "resume", r["id"])
        self.serve(r["id"], devices, lambda o: o["state"] == "finished")
        self.assertIn("4 of 4 devices have ended, 4 of them well", self.words("rollout", "show", r["id"]))
        why = self.words("rollout", "why", r["id"])
        self.assertIn("it is time", why)
        self.assertIn("admin", why)

    def test_ota_says_what_is_wrong_with_its_words(self):
        for words, sentence in ((("rollout", "create"), "--release and --filter"),
                                (("rollout", "create", "--release", self.r1, "--filter", "", "--waves", "10%,x"), '"x" is neither')):
            with self.assertRaises(subprocess.CalledProcessError) as caught:
                self.words(*words)
            self.assertEqual(caught.exception.returncode, 2)
            self.assertIn(sentence, caught.exception.stderr)


class Members(RolloutTest):
    def test_late_joiners_go_to_the_last_wave_if_the_plan_says_so(self):
        devices = self.fleet(2)
        r = self.make([{"count": 1, "min_finished": 1}, {"percent": 100, "min_finished": 1, "soak_ms": 1500}],
                      late_joiners="last-wave")
        self.do(r, "start")
        self.until(r, lambda o: o["state"] == "running")
        late = self.s.add_device(devices[0].name[:-3] + "999")
        late.request("PUT", "/configData", {"data": {"product": "gateway", "hardware": "revA"}})
        o, updated = self.serve(r, [*devices, late], lambda o: o["state"] == "finished")
        self.assertEqual(o["devices"]["members"], 3)
        self.assertIn(late, updated)

    def test_or_they_stay_out(self):
        devices = self.fleet(2)
        r = self.make([{"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        self.until(r, lambda o: o["state"] == "running")
        late = self.s.add_device(devices[0].name[:-3] + "999")
        o, _ = self.serve(r, [*devices, late], lambda o: o["state"] == "finished")
        self.assertEqual(o["devices"]["members"], 2)
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{late.name}/why").json["reasons"][0]["code"], "no-rollout")

    def test_each_stratum_has_its_share_of_each_wave(self):
        devices = self.fleet(40, site=lambda i: f"site-{i % 4}")
        r = self.make([{"percent": 20, "min_finished": 1}, {"percent": 100}], stratify_by="attribute.rack", seed="x")
        self.do(r, "start")
        self.until(r, lambda o: o["membership"] == "complete")
        items = self.s.api("GET", f"/api/v1/rollouts/{r}/members?wave=1").json["items"]
        sites = [int(m["device"][-3:]) % 4 for m in items]
        self.assertEqual(len(items), 8)
        self.assertEqual(sorted(set(sites)), [0, 1, 2, 3])
        self.assertLessEqual(max(sites.count(s) for s in range(4)), 3)
        del devices

    def test_limits_hold_for_the_devices_in_flight(self):
        devices = self.fleet(6)
        r = self.make([{"percent": 100, "min_finished": 1}], limits={"in_flight": 2})
        self.do(r, "start")
        self.assigned(r, 6)
        shown, end = [], time.monotonic() + PATIENCE
        while len(shown) < 2 and time.monotonic() < end:
            shown += [(d, o) for d in devices if d not in [s[0] for s in shown] and (o := self.offered(d))]
        self.assertEqual(len(shown), 2)
        rest = [d for d in devices if d not in [s[0] for s in shown]]
        self.assertEqual([d for d in rest if self.offered(d)], [])
        why = self.s.api("GET", f"/api/v1/devices/{rest[0].name}/why").json
        self.assertIn("in-flight-limit", [reason["code"] for reason in why["reasons"]])
        shown[0][0].feedback(shown[0][1]["id"], "closed", "success")
        self.assertEqual(len([d for d in rest if self.offered(d)]), 1)


class Crash(RolloutTest):
    def test_after_a_kill_at_any_moment_every_device_has_exactly_one_deployment(self):
        devices = self.fleet(60)
        r = self.make([{"count": 5, "min_finished": 1}, {"percent": 100, "min_finished": 1}])
        self.do(r, "start")
        killed, pause = 0, 0.0
        while killed < 8:  # while members are chosen, waves assigned, moves stored
            time.sleep(pause)
            pause += 0.006
            self.s.stop(signal.SIGKILL)
            killed += 1
            self.s.start()
            for d in devices:
                d.server = self.s
        o, _ = self.serve(r, devices, lambda o: o["state"] == "finished")
        self.assertEqual(o["devices"], {"members": 60, "ended": 60, "succeeded": 60})
        for d in devices:
            history = self.s.api("GET", f"/api/v1/devices/{d.name}/history").json["items"]
            self.assertEqual([h["state"] for h in history], ["confirmed"], d.name)


if __name__ == "__main__":
    unittest.main()
