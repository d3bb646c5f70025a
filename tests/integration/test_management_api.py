# SPDX-License-Identifier: Apache-2.0
"""The management API of the real server: devices, releases, deployments, uploads."""

import csv
import hashlib
import io
import json
import os
import subprocess
import time
import urllib.parse

from .fleet import FleetTest


class ManagementApi(FleetTest):
    def test_devices_are_paged_and_found(self):
        for i in range(7):
            self.device(f"-{i}")
        prefix = self.id().rsplit(".", 1)[1]
        seen, after = [], ""
        while True:
            page = self.s.api("GET", f"/api/v1/devices?q={prefix}&limit=3&after={after}").json
            seen += [d["id"] for d in page["items"]]
            if "next" not in page:
                break
            after = page["next"]
        self.assertEqual(seen, [f"{prefix}-{i}" for i in range(7)])

    def test_a_device_exists_once(self):
        d = self.device()
        answer = self.s.api("POST", "/api/v1/devices", {"id": d.name})
        self.assertEqual((answer.status, answer.json["code"]), (409, "conflict"))
        self.assertEqual(d.request("GET", "").status, 200)

    def test_bad_requests_are_told_what_is_wrong(self):
        d = self.device()
        cases = [
            ("POST", "/api/v1/devices", b"", 400, "malformed"),
            ("POST", "/api/v1/devices", b"{", 400, "malformed"),
            ("POST", "/api/v1/devices", b"[]", 400, "malformed"),
            ("POST", "/api/v1/devices", b"{}", 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":7}', 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":""}', 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":"../x"}', 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":"x","id":"y"}', 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":"x","colour":"red"}', 400, "malformed"),
            ("POST", "/api/v1/devices", b'{"id":"x","product":"No Good"}', 400, "malformed"),
            ("POST", "/api/v1/devices", json.dumps({"id": "x" * 129}).encode(), 400, "malformed"),
            ("POST", "/api/v1/devices", json.dumps({"id": "y", "name": "n" * 200}).encode(), 413, "too-large"),
            ("POST", "/api/v1/devices", b"[" * 3000, 400, "malformed"),
            ("POST", "/api/v1/devices", b" " * 10000, 413, None),
            ("GET", "/api/v1/devices?limit=0", None, 400, "malformed"),
            ("GET", "/api/v1/devices?limit=501", None, 400, "malformed"),
            ("GET", "/api/v1/devices?limit=x", None, 400, None),
            ("GET", "/api/v1/deployments?state=dancing", None, 400, "malformed"),
            ("GET", "/api/v1/deployments?after=x", None, 400, None),
            ("GET", "/api/v1/devices/nobody", None, 404, "not-found"),
            ("DELETE", "/api/v1/devices/nobody", None, 404, "not-found"),
            ("POST", "/api/v1/devices/nobody/token", None, 404, "not-found"),
            ("GET", "/api/v1/devices/nobody/history", None, 404, "not-found"),
            ("GET", "/api/v1/devices/" + "x" * 500, None, 404, "not-found"),
            ("GET", "/api/v1/releases/nothing", None, 404, "not-found"),
            ("GET", "/api/v1/releases/" + "x" * 500, None, 404, "not-found"),
            ("GET", "/api/v1/deployments/7", None, 404, "not-found"),
            ("GET", "/api/v1/deployments/x", None, 404, "not-found"),
            ("DELETE", "/api/v1/deployments/7", None, 404, "not-found"),
            ("POST", "/api/v1/deployments", b'{"device":"nobody","release":"r"}', 404, "not-found"),
            ("POST", "/api/v1/deployments", json.dumps({"device": d.name, "release": "r"}).encode(), 404, "not-found"),
            ("POST", "/api/v1/deployments", json.dumps({"device": d.name, "release": self.r1, "force": 1}).encode(), 400, "malformed"),
            ("POST", "/api/v1/uploads", b'{"size":-1,"sha256":"00"}', 400, "malformed"),
            ("POST", "/api/v1/uploads", b'{"size":1}', 400, "malformed"),
            ("GET", "/api/v1/uploads/nothing", None, 404, "not-found"),
            ("PUT", "/api/v1/uploads/nothing?offset=0", b"x", 404, "not-found"),
            ("PUT", "/api/v1/uploads/nothing", b"x", 400, "malformed"),
            ("POST", "/api/v1/uploads/nothing/commit", None, 404, "not-found"),
            ("POST", "/api/v1/releases", b"{}", 400, "malformed"),
            ("POST", "/api/v1/repository/root", b'{"root":"zz"}', 400, "malformed"),
            ("POST", "/api/v1/repository/root", json.dumps({"root": "00" * 32}).encode(), 404, "not-found"),
            ("PATCH", "/api/v1/devices", b"{}", 405, None),
            ("GET", "/api/v1/nothing", None, 404, None),
        ]
        for method, path, body, status, code in cases:
            with self.subTest(f"{method} {path[:60]} {body and body[:40]}"):
                answer = self.s.api(method, path, body)
                self.assertEqual(answer.status, status, answer.body)
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                problem = answer.json
                self.assertEqual(problem["status"], status)
                self.assertTrue(problem["detail"])
                if code:
                    self.assertEqual(problem["code"], code)

    def test_a_release_for_another_product_is_not_assigned(self):
        d = self.device()
        d.request("PUT", "/configData", {"data": {"product": "toaster", "hardware": "revA"}})
        answer = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.r1})
        self.assertEqual((answer.status, answer.json["code"]), (409, "incompatible"))

    def test_history_and_filters(self):
        d = self.device()
        first = self.assign(d, self.r1)
        second = self.assign(d, self.r2)
        history = self.s.api("GET", f"/api/v1/devices/{d.name}/history").json["items"]
        self.assertEqual([a["id"] for a in history], [second, first])
        waiting = self.s.api("GET", f"/api/v1/deployments?device={d.name}&state=assigned").json["items"]
        self.assertEqual([a["id"] for a in waiting], [second])
        answer = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.r2})
        self.assertEqual(answer.status, 409)

    def test_deployments_are_found_by_what_their_devices_are(self):
        devices = [self.device(f"-{i}") for i in range(5)]
        for i, d in enumerate(devices):
            self.assertEqual(self.s.api("PATCH", f"/api/v1/devices/{d.name}", {"site": f"hall {i % 2}", "tags": ["found"]}).status, 200)
        actions = [self.assign(d, self.r1) for d in devices]
        of = lambda query: self.s.api("GET", "/api/v1/deployments?" + query).json
        found = lambda f, more="": [a["id"] for a in of("filter=" + urllib.parse.quote(f) + more)["items"]]
        self.assertEqual(found("tag==found"), actions[::-1])
        self.assertEqual(found("tag==found;site=='hall 1'"), [actions[3], actions[1]])
        self.assertEqual(found("tag==found", "&state=confirmed"), [])
        self.assertEqual(found("tag==found", f"&device={devices[2].name}"), [actions[2]])
        self.assertEqual(found("tag==nobody"), [])
        pages, after = [], ""
        while after is not None:
            page = of(f"filter=tag==found&limit=2{after}")
            pages.append([a["id"] for a in page["items"]])
            after = f"&after={page['next']}" if "next" in page else None
        self.assertEqual(pages, [actions[:2:-1], actions[2:0:-1], actions[:1]])
        wrong = self.s.api("GET", "/api/v1/deployments?filter=" + urllib.parse.quote("site==a;state==lost"))
        self.assertEqual(wrong.status, 400)
        self.assertIn("column", wrong.json["detail"])

    def test_deployments_come_as_csv_and_compute_nothing(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.assertEqual(d.feedback(action, "closed", "failure", ["=1+1, \"x\""]).status, 200)
        answer = self.s.api("GET", f"/api/v1/deployments?format=csv&device={d.name}")
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        self.assertEqual([(r["id"], r["device"], r["version"], r["state"], r["detail"]) for r in rows],
                         [(action, d.name, "1.0.0", "failed", "'=1+1, \"x\"")])
        self.assertRegex(rows[0]["updated_at"], r"^20\d\d-\d\d-\d\dT[0-9:]{8}Z$")
        everything = self.s.request("GET", "/api/v1/deployments", None, {"Authorization": f"Bearer {self.s.token}", "Accept": "text/csv"})
        self.assertIn(action.encode(), everything.body)

    def test_an_upload_goes_on_where_it_was_cut(self):
        data = os.urandom(9_000_000)
        wish = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        upload = self.s.api("POST", "/api/v1/uploads", wish).json
        step = upload["part_max"]
        path = f"/api/v1/uploads/{upload['id']}"
        self.assertEqual(self.s.api("PUT", f"{path}?offset=0", data[:step]).json["offset"], step)
        again = self.s.api("POST", "/api/v1/uploads", wish).json
        self.assertEqual((again["id"], again["offset"]), (upload["id"], step))
        wrong = self.s.api("PUT", f"{path}?offset=0", data[:step])
        self.assertEqual((wrong.status, wrong.json["code"], wrong.json["offset"]), (409, "conflict", step))
        self.assertEqual(self.s.api("POST", path + "/commit").status, 409)
        for at in range(step, len(data), step):
            self.assertEqual(self.s.api("PUT", f"{path}?offset={at}", data[at : at + step]).status, 200)
        self.assertEqual(self.s.api("POST", path + "/commit").json["sha256"], wish["sha256"])

    def test_an_upload_that_is_not_what_it_said_is_dropped(self):
        wish = {"size": 4, "sha256": hashlib.sha256(b"good").hexdigest()}
        upload = self.s.api("POST", "/api/v1/uploads", wish).json
        self.s.api("PUT", f"/api/v1/uploads/{upload['id']}?offset=0", b"evil")
        answer = self.s.api("POST", f"/api/v1/uploads/{upload['id']}/commit")
        self.assertEqual((answer.status, answer.json["code"]), (422, "digest-mismatch"))

    def test_an_upload_that_is_given_up_is_gone(self):
        wish = {"size": 4, "sha256": hashlib.sha256(b"half").hexdigest()}
        path = f"/api/v1/uploads/{self.s.api('POST', '/api/v1/uploads', wish).json['id']}"
        self.assertEqual(self.s.api("PUT", path + "?offset=0", b"ha").status, 200)
        self.assertEqual(self.s.api("DELETE", path).status, 204)
        for method in ("GET", "DELETE"):
            self.assertEqual(self.s.api(method, path).status, 404)
        self.assertEqual(self.s.api("POST", "/api/v1/uploads", wish).json["offset"], 0)

    def test_what_is_refused_says_at_which_step_and_what_was_passed_before(self):
        sums = {}
        for name, data in (("targets", b"{}"), ("manifest", b"{}")):
            sums[name] = hashlib.sha256(data).hexdigest()
            path = self.s.api("POST", "/api/v1/uploads", {"size": len(data), "sha256": sums[name]}).json["id"]
            self.s.api("PUT", f"/api/v1/uploads/{path}?offset=0", data)
            self.assertIn(self.s.api("POST", f"/api/v1/uploads/{path}/commit").status, (200, 404))
        answer = self.s.api("POST", "/api/v1/releases", sums)
        self.assertEqual((answer.status, answer.json["step"], answer.json["checks"]), (400, "manifest", []))
        self.assertIn("manifest", answer.json["detail"])

    def test_a_release_is_pushed_twice_without_harm(self):
        before = len(self.s.api("GET", "/api/v1/releases").json["items"])
        try:
            self.s.push(self.bundle1)
        except subprocess.CalledProcessError as refused:
            self.assertIn(refused.returncode, (1, 3))
        self.assertEqual(len(self.s.api("GET", "/api/v1/releases").json["items"]), before)

    def test_a_stranger_is_refused_and_told_why(self):
        for fields in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {self.s.token}x"},
                       {"Authorization": "Bearer ota_" + "A" * 43}, {"Cookie": "__Host-ota=ots_" + "A" * 43},
                       {"Authorization": f"TargetToken {self.device('-' + str(time.monotonic_ns())).token}"}):
            answer = self.s.request("GET", "/api/v1/devices", headers=fields)
            self.assertEqual((answer.status, answer.json["code"]), (401, "unauthenticated"), fields)
