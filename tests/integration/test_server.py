#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real server over real TLS and a real database: both APIs, what is refused, what survives."""
import hashlib
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from .server import OTA_SERVER, PATIENCE, Device, Server, Stream, temporary


def shared_server(case, *options):
    """One server for a class of tests; each test makes devices of its own."""
    place = temporary()
    case.addClassCleanup(place.cleanup)
    server = Server(place.name, *options).start()
    case.addClassCleanup(server.stop)
    return server


class FleetTest(unittest.TestCase):
    """Releases are published once; tests use devices named after themselves."""

    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls, "--server-demo", "yes", "--device-poll-interval", "90s")
        cls.s.claim()
        cls.bundle1 = cls.s.make_bundle("1.0.0")
        cls.r1 = cls.s.push(cls.bundle1)["id"]
        cls.r2 = cls.s.push(cls.s.make_bundle("2.0.0"))["id"]

    def device(self, tail=""):
        return self.s.add_device(self.id().rsplit(".", 1)[1][:100] + tail)

    def assign(self, device, release, **more):
        answer = self.s.api("POST", "/api/v1/deployments", {"device": device.name, "release": release, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def deployment(self, action):
        return self.s.api("GET", f"/api/v1/deployments/{action}").json

    def offer(self, device):
        """deploymentBase as the poll offers it."""
        return device.follow(device.poll()["_links"]["deploymentBase"]["href"]).json

    def links(self, offer):
        return offer["deployment"]["chunks"][0]["artifacts"][0]["_links"]

    def root_hash(self, device, offer):
        """What a bootloader would have verified: the digest of the slot descriptor."""
        return hashlib.sha256(device.follow(self.links(offer)["ota:payload"]["descriptor"]).body).hexdigest()


class DeviceApi(FleetTest):
    def test_a_device_walks_from_assignment_to_proof(self):
        d = self.device()
        poll = d.poll()
        self.assertEqual(poll["config"]["polling"]["sleep"], "00:01:30")
        self.assertNotIn("deploymentBase", poll["_links"])
        action = self.assign(d, self.r1)
        self.assertGreaterEqual(int(action), 100001)
        offer = self.offer(d)
        self.assertEqual(offer["id"], action)
        for execution, state in (("download", "downloading"), ("downloaded", "installing"), ("scheduled", "rebooting")):
            self.assertEqual(d.feedback(action, execution, details=[execution]).status, 200)
            self.assertEqual(self.deployment(action)["state"], state)
        self.assertEqual(d.prove(action, self.root_hash(d, offer), 7).status, 200)
        a = self.deployment(action)
        self.assertEqual((a["state"], a["proof"]["slot"], a["proof"]["counter"]), ("confirmed", "B", 7))
        self.assertEqual([s["execution"] for s in a["statuses"]], ["download", "downloaded", "scheduled", "closed"])
        shown = self.s.api("GET", f"/api/v1/devices/{d.name}").json
        self.assertEqual((shown["version"], shown["grade"], shown["agent_version"]), ("1.0.0", "proven", "0.1.0"))
        links = d.poll()["_links"]
        self.assertNotIn("deploymentBase", links)
        self.assertEqual(d.follow(links["installedBase"]["href"]).json["id"], action)

    def test_a_proof_of_another_image_is_no_success(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        self.assertEqual(d.prove(action, "ab" * 32).status, 200)
        self.assertEqual(self.deployment(action)["state"], "failed")
        self.assertIn("abab", self.deployment(action)["detail"])
        self.assertIsNone(self.s.api("GET", f"/api/v1/devices/{d.name}").json["version"])

    def test_a_foreign_client_reports_and_proves_nothing(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        self.assertEqual(d.feedback(action, "closed", "success").status, 200)
        self.assertEqual(self.deployment(action)["state"], "confirmed")
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{d.name}").json["grade"], "reported")

    def test_our_agent_without_a_proof_is_not_believed(self):
        d = self.device()
        action = self.assign(d, self.r1)
        d.feedback(action, "closed", "success", **{"ota:agent": {"version": "0.1.0", "capabilities": []}})
        self.assertEqual(self.deployment(action)["state"], "failed")

    def test_a_way_back_is_told_from_a_failure(self):
        d = self.device()
        action = self.assign(d, self.r1)
        d.feedback(action, "scheduled")
        d.feedback(action, "closed", "failure", ["rolled back: slot B is BAD: tries exhausted"])
        a = self.deployment(action)
        self.assertEqual((a["state"], a["detail"]), ("rolled-back", "rolled back: slot B is BAD: tries exhausted"))
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{d.name}").json["state"], "rolled-back")

    def test_a_closed_action_is_gone_and_not_offered_again(self):
        d = self.device()
        action = self.assign(d, self.r1)
        d.feedback(action, "closed", "failure")
        self.assertEqual(d.feedback(action, "closed", "failure").status, 410)
        self.assertNotIn("deploymentBase", d.poll()["_links"])
        self.assertEqual(d.request("GET", f"/deploymentBase/{action}").status, 404)

    def test_answers_are_in_the_form_that_narrow_clients_can_read(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.assertTrue(100000 < int(action) < 2**31)
        polled = d.request("GET", "", headers={"Host": "updates.example:8443"})
        self.assertEqual(polled.json["config"]["polling"]["sleep"], "00:01:30")
        for name, link in polled.json["_links"].items():
            for href in link.values():
                self.assertTrue(href.startswith("https://updates.example:8443/default/"), (name, href))
        offer = d.request("GET", f"/deploymentBase/{action}?actionHistory=10")
        for answer in (polled, offer, d.request("GET", f"/deploymentBase/{int(action) + 1}"),
                       d.feedback(action, "proceeding"), d.request("PUT", "/configData", {"data": {"a": "b"}})):
            self.assertEqual(answer.headers["Content-Length"], str(len(answer.body)))
            self.assertNotIn(b"\\/", answer.body)
        chunk = offer.json["deployment"]["chunks"][0]
        self.assertEqual((offer.json["id"], chunk["part"], len(chunk["artifacts"])), (action, "os", 1))
        self.assertNotIn("maintenanceWindow", offer.json["deployment"])
        self.assertEqual(chunk["artifacts"][0]["hashes"]["sha1"], chunk["artifacts"][0]["hashes"]["sha1"].lower())
        for tenant in ("DEFAULT", "Default"):
            other = self.s.request("GET", d.base.replace("/default/", f"/{tenant}/"), headers={"Authorization": f"TargetToken {d.token}"})
            self.assertEqual(other.status, 200)
        gateway = self.s.request("GET", d.base, headers={"Authorization": f"GatewayToken {self.s.token}"})
        self.assertEqual((gateway.status, gateway.json["errorCode"]), (401, "unauthenticated"))

    def test_reports_while_cancelling_are_taken(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        self.s.api("DELETE", f"/api/v1/deployments/{action}")
        polled = d.poll()["_links"]
        self.assertNotIn("deploymentBase", polled)
        self.assertTrue(polled["cancelAction"]["href"].endswith(f"/cancelAction/{action}"))
        self.assertEqual(d.request("GET", f"/deploymentBase/{action}").status, 404)
        self.assertEqual(d.request("GET", f"/cancelAction/{action}").json,
                         {"id": action, "cancelAction": {"stopId": action}})
        self.assertEqual(d.feedback(action, "proceeding", details=["still here"]).status, 200)
        self.assertEqual(self.deployment(action)["state"], "cancelling")
        self.assertEqual(d.feedback(action, "closed", "none").status, 200)
        self.assertEqual(self.deployment(action)["state"], "confirmed")
        self.assertEqual(d.request("GET", f"/cancelAction/{action}").status, 404)
        self.assertTrue(d.poll()["_links"]["installedBase"]["href"].endswith(f"/installedBase/{action}"))
        self.assertEqual(d.request("GET", f"/installedBase/{action}").json["id"], action)

    def test_an_action_of_another_device_is_not_there(self):
        mine, other = self.device("-1"), self.device("-2")
        action = self.assign(mine, self.r1)
        for path in (f"/deploymentBase/{action}", f"/installedBase/{action}", f"/cancelAction/{action}",
                     f"/softwaremodules/{action}/artifacts"):
            self.assertEqual(other.request("GET", path).status, 404, path)
        self.assertEqual(other.feedback(action, "closed", "success").status, 404)
        self.assertEqual(self.deployment(action)["state"], "assigned")

    def test_a_new_deployment_waits_for_the_cancel_of_the_old_one(self):
        d = self.device()
        first = self.assign(d, self.r1)
        self.offer(d)
        second = self.assign(d, self.r2)
        self.assertEqual(self.deployment(first)["state"], "cancelling")
        links = d.poll()["_links"]
        self.assertNotIn("deploymentBase", links)
        cancel = d.follow(links["cancelAction"]["href"]).json
        self.assertEqual(cancel, {"id": first, "cancelAction": {"stopId": first}})
        self.assertEqual(d.request("GET", f"/deploymentBase/{first}").status, 404)
        self.assertEqual(d.feedback(first, "proceeding").status, 200)
        self.assertEqual(d.feedback(first, "closed", "success", kind="cancelAction").status, 200)
        self.assertEqual(self.deployment(first)["state"], "cancelled")
        self.assertEqual(self.offer(d)["id"], second)

    def test_what_was_never_offered_is_cancelled_without_asking(self):
        d = self.device()
        first = self.assign(d, self.r1)
        self.assign(d, self.r2)
        self.assertEqual(self.deployment(first)["state"], "cancelled")
        self.assertEqual(d.request("GET", f"/cancelAction/{first}").status, 404)

    def test_what_was_shown_is_never_cancelled_behind_the_devices_back(self):
        d, shown = self.device(), {}
        for _ in range(40):
            action = self.assign(d, self.r1)
            ask = threading.Thread(target=lambda: shown.update(
                {action: d.request("GET", f"/deploymentBase/{action}").status}))
            ask.start()
            state = self.s.api("DELETE", f"/api/v1/deployments/{action}").json["state"]
            ask.join()
            self.assertEqual((state, shown[action]),
                             ("cancelling", 200) if shown[action] == 200 else (state, 404))
            if state == "cancelling":
                d.feedback(action, "closed", "success", kind="cancelAction")

    def test_a_device_may_refuse_to_cancel(self):
        d = self.device()
        action = self.assign(d, self.r1)
        before = d.poll()["_links"]["deploymentBase"]["href"]
        self.offer(d)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/deployments/{action}").status, 202)
        d.feedback(action, "closed", "failure", ["too late"], kind="cancelAction")
        after = d.poll()["_links"]["deploymentBase"]["href"]
        self.assertNotEqual(before, after)

    def test_an_operator_may_insist_on_a_cancel(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        self.s.api("DELETE", f"/api/v1/deployments/{action}")
        self.assertEqual(self.s.api("DELETE", f"/api/v1/deployments/{action}?force=true").json["state"], "cancelled")
        self.assertEqual(self.s.api("DELETE", f"/api/v1/deployments/{action}").status, 409)

    def test_attributes_are_wanted_once_and_draw_the_slots(self):
        d = self.device()
        self.assertIn("configData", d.poll()["_links"])
        data = {"product": "gateway", "hardware": "revA", "slot.booted": "A", "slot.a.state": "GOOD",
                "slot.a.tries": "0", "slot.b.state": "EMPTY", "site": "roof"}
        self.assertEqual(d.request("PUT", "/configData", {"data": data}).status, 200)
        self.assertNotIn("configData", d.poll()["_links"])
        shown = self.s.api("GET", f"/api/v1/devices/{d.name}").json
        self.assertEqual(shown["attributes"]["site"], "roof")
        self.assertEqual([s["booted"] for s in shown["slots"]], [True, False])
        d.request("PUT", "/configData", {"mode": "merge", "data": {"slot.b.state": "WRITING", "site": None}})
        shown = self.s.api("GET", f"/api/v1/devices/{d.name}").json
        self.assertEqual([s["state"] for s in shown["slots"]], ["GOOD", "WRITING"])
        self.assertNotIn("site", shown["attributes"])
        self.assertEqual(d.request("PUT", "/configData", {"mode": "replace", "data": {"k": "v"}}).status, 200)
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{d.name}").json["attributes"], {"k": "v"})

    def test_the_payload_comes_whole_in_parts_and_with_its_digests(self):
        d = self.device()
        self.assign(d, self.r1)
        artifact = self.offer(d)["deployment"]["chunks"][0]["artifacts"][0]
        whole = d.follow(artifact["_links"]["download"]["href"])
        self.assertEqual(len(whole.body), artifact["size"])
        for name, digest in artifact["hashes"].items():
            self.assertEqual(hashlib.new(name, whole.body).hexdigest(), digest)
        self.assertEqual(whole.headers["ETag"].strip('"'), artifact["hashes"]["sha1"])
        path = artifact["_links"]["download"]["href"][len(self.s.url):]
        part = d.request("GET", path, headers={"Range": "bytes=1000-1999"})
        self.assertEqual((part.status, part.body), (206, whole.body[1000:2000]))
        beyond = d.request("GET", path, headers={"Range": f"bytes={artifact['size']}-"})
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, f"bytes */{artifact['size']}"))
        head = d.request("HEAD", path)
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, str(artifact["size"]), b""))
        md5 = d.follow(artifact["_links"]["md5sum"]["href"]).body.decode()
        self.assertEqual(md5, f"{artifact['hashes']['md5']}  payload\n")
        listing = d.request("GET", f"/softwaremodules/{self.offer(d)['id']}/artifacts").json
        self.assertEqual(listing[0]["hashes"], artifact["hashes"])

    def test_content_is_for_the_device_it_was_assigned_to_and_only_while_open(self):
        mine, other = self.device("-1"), self.device("-2")
        action = self.assign(mine, self.r1)
        links = self.links(self.offer(mine))
        hrefs = [*links["ota:payload"].values(), links["ota:manifest"]["href"]]
        for href in hrefs:
            digest = href.rsplit("/", 1)[1]
            self.assertEqual(hashlib.sha256(mine.follow(href).body).hexdigest(), digest)
            self.assertEqual(other.request("GET", f"/ota/content/{digest}").status, 404)
        self.assertEqual(mine.request("GET", "/ota/content/" + "00" * 32).status, 404)
        mine.feedback(action, "closed", "failure")
        self.assertEqual(mine.follow(hrefs[0]).status, 404)

    def test_the_repository_serves_what_was_signed(self):
        d = self.device()
        self.assign(d, self.r1)
        links = self.links(self.offer(d))
        repository = d.poll()["_links"]["ota:repository"]
        timestamp = d.follow(repository["href"] + "timestamp.json").json["signed"]
        snapshot = d.follow(f"{repository['href']}{timestamp['meta']['snapshot.json']['version']}.snapshot.json").json["signed"]
        version = snapshot["meta"]["targets.json"]["version"]
        targets = d.follow(f"{repository['href']}{version}.targets.json").json["signed"]["targets"]
        name = links["ota:manifest"]["name"]
        digest = targets[name]["hashes"]["sha256"]
        directory, base = name.rsplit("/", 1)
        manifest = d.follow(f"{repository['targets']}{directory}/{digest}.{base}")
        self.assertEqual(hashlib.sha256(manifest.body).hexdigest(), digest)
        self.assertEqual(self.s.request("GET", "/default/repository/metadata/1.root.json").status, 200)
        body_digest = links["ota:payload"]["body"].rsplit("/", 1)[1]
        for path in ("metadata/2.root.json", "metadata/root.json", "metadata/1.timestamp.json", "metadata/01.root.json",
                     "metadata/99999999999999999999.root.json", f"targets/release/gateway/{body_digest}.1.0.0.json",
                     "targets/x", "targets/"):
            self.assertEqual(self.s.request("GET", "/default/repository/" + path).status, 404, path)

    def test_a_device_that_listens_hears_of_an_assignment_within_two_seconds(self):
        d = self.device()
        href = d.poll()["_links"]["ota:events"]["href"]
        stream = Stream(self.s, href[len(self.s.url):], {"Authorization": f"TargetToken {d.token}"})
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        stream.expect(lambda i, event, data: event == "poll", 2)  # the one at the opening
        action = self.assign(d, self.r1)
        stream.expect(lambda i, event, data: event == "poll", 2)
        self.assertEqual(self.offer(d)["id"], action)

    def test_a_stream_that_opens_says_poll_for_what_was_assigned_since_the_last_one(self):
        d = self.device()
        href = d.poll()["_links"]["ota:events"]["href"]
        action = self.assign(d, self.r1)
        stream = Stream(self.s, href[len(self.s.url):], {"Authorization": f"TargetToken {d.token}"})
        self.addCleanup(stream.close)
        stream.expect(lambda i, event, data: event == "poll", 2)
        self.assertEqual(self.offer(d)["id"], action)

    def test_feedback_is_cut_and_never_refused(self):
        d = self.device()
        action = self.assign(d, self.r1)
        raw = b'{"status":{"execution":"proceeding","result":{"finished":"none"},"details":["a\nb \xff' + b"x" * 3000 + b'"]}}'
        self.assertEqual(d.request("POST", f"/deploymentBase/{action}/feedback", raw).status, 200)
        self.assertEqual(d.feedback(action, "proceeding", details=[f"line {i}" for i in range(60)]).status, 200)
        self.assertEqual(len(self.deployment(action)["statuses"]), 2)

    def test_bad_feedback_has_an_answer_and_changes_nothing(self):
        d = self.device()
        action = self.assign(d, self.r1)
        for body in (b"", b"{", b"[]", b"null", b'{"status":1}', b'{"status":{"execution":"dancing","result":{"finished":"none"}}}',
                     b'{"status":{"execution":"closed","result":{"finished":"maybe"}}}'):
            answer = d.request("POST", f"/deploymentBase/{action}/feedback", body)
            self.assertEqual(answer.status, 400, body)
            self.assertIn("message", answer.json)
        self.assertEqual(self.deployment(action)["state"], "assigned")
        for ident in ("0", "1", "999999", "-1", "x", "100001x", "99999999999999999999"):
            self.assertEqual(d.feedback(ident, "proceeding").status, 404, ident)
            self.assertEqual(d.request("GET", f"/deploymentBase/{ident}").status, 404, ident)

    def test_bad_attributes_have_an_answer(self):
        d = self.device()
        for body in (b"", b"{", b'{"data":1}', b'{"mode":"dance","data":{}}',
                     json.dumps({"data": {f"k{i}": "v" for i in range(101)}}).encode()):
            self.assertIn(d.request("PUT", "/configData", body).status, (400, 413, 429), body[:40])
        full = {f"k{i}": "v" for i in range(100)}
        self.assertEqual(d.request("PUT", "/configData", {"data": full}).status, 200)
        self.assertEqual(d.request("PUT", "/configData", {"data": {"one": "more"}}).status, 429)
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{d.name}").json["attributes"], full)

    def test_who_is_not_this_device_is_refused(self):
        d, other = self.device("-1"), self.device("-2")
        path = d.base
        for fields in ({}, {"Authorization": "TargetToken"}, {"Authorization": "TargetToken x"},
                       {"Authorization": f"TargetToken {other.token}"}, {"Authorization": f"TargetToken {d.token}x"},
                       {"Authorization": f"Bearer {self.s.token}"}, {"Authorization": f"Basic {d.token}"}):
            answer = self.s.request("GET", path, headers=fields)
            self.assertEqual((answer.status, answer.json["errorCode"]), (401, "unauthenticated"), fields)
        fields = {"Authorization": f"TargetToken {d.token}"}
        self.assertEqual(self.s.request("GET", path.replace("default", "other"), headers=fields).status, 401)
        self.assertEqual(self.s.request("GET", path.replace("default", "DEFAULT"), headers=fields).status, 200)
        renewed = self.s.api("POST", f"/api/v1/devices/{d.name}/token").json["token"]
        self.assertEqual(d.request("GET", "").status, 401)
        self.assertEqual(Device(self.s, d.name, renewed).request("GET", "").status, 200)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/devices/{d.name}").status, 204)
        self.assertEqual(Device(self.s, d.name, renewed).request("GET", "").status, 401)

    def test_a_connection_serves_a_whole_cycle(self):
        d = self.device()
        action = self.assign(d, self.r1)
        connection = self.s.connect()
        self.addCleanup(connection.close)
        for path in ("", f"/deploymentBase/{action}", ""):
            answer = d.request("GET", path, connection=connection)
            self.assertEqual((answer.status, answer.headers.get("Transfer-Encoding")), (200, None))


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

    def log_in(self):
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        answer = self.s.request("POST", "/api/v1/session", {"token": token})
        self.assertEqual(answer.status, 204, answer.body)
        return token, answer.headers["Set-Cookie"]

    def test_a_login_link_works_once_and_its_session_ends(self):
        token, cookie = self.log_in()
        for word in ("__Host-ota=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        fields = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(self.s.request("POST", "/api/v1/session", {"token": token}).status, 401)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).json["role"], "admin")
        here = {**fields, "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.s.request("DELETE", "/api/v1/session", headers=here).status, 204)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).status, 401)

    def test_a_stream_ends_with_its_session_and_others_go_on(self):
        mine, others = (Stream(self.s, "/api/v1/events", {"Cookie": self.log_in()[1].split(";")[0]}) for _ in range(2))
        for stream in (mine, others):
            self.addCleanup(stream.close)
        cookie = {"Cookie": mine.fields["Cookie"], "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.s.request("DELETE", "/api/v1/session", headers=cookie).status, 204)
        self.assertTrue(mine.ends())
        name = self.device().name
        others.expect(lambda i, event, data: event == "device" and data["id"] == name)

    def test_another_site_cannot_log_anybody_in(self):
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        body = json.dumps({"token": token}).encode()
        for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Content-Type": "text/plain"}):
            answer = self.s.request("POST", "/api/v1/session", body, {"Content-Type": "application/json", **fields})
            self.assertEqual((answer.status, answer.json["code"]), (403, "forbidden"), fields)
        self.assertEqual(self.s.request("POST", "/api/v1/session", {"token": token}, {"Sec-Fetch-Site": "same-origin"}).status, 204)

    def test_another_site_cannot_act_in_a_session(self):
        cookie = self.log_in()[1].split(";")[0]
        body = {"id": self.id().rsplit(".", 1)[1]}
        for fields in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
                       {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}):
            answer = self.s.request("POST", "/api/v1/devices", json.dumps(body).encode(), {"Cookie": cookie, "Content-Type": "application/json", **fields})
            self.assertEqual((answer.status, answer.json["code"]), (403, "forbidden"), fields)
        answer = self.s.request("POST", "/api/v1/devices", body, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(answer.status, 201)


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
        took = time.monotonic() - time_before
        d.feedback(action, "closed", "failure", ["end"])
        n = 0
        while True:
            ident, event, data = stream.expect(lambda *_: True)
            if event == "progress" and data["deployment"] == action:
                self.assertIsNone(ident)
                n += 1
            if event == "deployment" and data["id"] == action and data["state"] == "failed":
                break
        self.assertLessEqual(n, took + 2)
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
        took, n = time.monotonic() - time_before, 1
        self.assign(d, self.r1)
        while True:
            _, event, data = stream.expect(lambda *_: True)
            n += event == "seen" and data["device"] == d.name
            if event == "deployment" and data["device"] == d.name:
                break
        self.assertLessEqual(n, took + 1)

    def test_a_deleted_device_is_told(self):
        d = self.device()
        stream = self.stream()
        self.s.api("DELETE", f"/api/v1/devices/{d.name}")
        stream.expect(lambda i, event, data: event == "device" and data == {"id": d.name, "deleted": True})


class Life(unittest.TestCase):
    """Starting, stopping, dying."""

    def setUp(self):
        place = temporary()
        self.addCleanup(place.cleanup)
        self.s = Server(place.name)
        self.addCleanup(self.s.stop)

    def refused(self, *words):
        """The one sentence a start ends with."""
        process, line = self.s.spawn(*words)
        self.assertEqual(line, "")
        status = process.wait(PATIENCE)
        return status, self.s.log().strip().splitlines()[-1]

    def test_what_was_answered_survives_kill_9_in_the_middle_of_the_load(self):
        self.s.options = ("--server-demo", "yes")
        self.s.start().claim()
        release = self.s.push(self.s.make_bundle("1.0.0"))["id"]
        devices = [self.s.add_device(f"gw-{i}") for i in range(6)]
        actions = {d.name: self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": release}).json["id"] for d in devices}
        answered = {d.name: [] for d in devices}
        enough = threading.Semaphore(0)

        def load(d):
            connection = self.s.connect()
            try:
                for i in range(900):
                    body = {"status": {"execution": "proceeding", "result": {"finished": "none"}, "details": [f"step {i}"]}}
                    answer = d.request("POST", f"/deploymentBase/{actions[d.name]}/feedback", body, connection=connection)
                    if answer.status != 200:
                        return
                    answered[d.name].append(f"step {i}")
                    enough.release()
            except (OSError, http.client.HTTPException):
                pass

        threads = [threading.Thread(target=load, args=(d,)) for d in devices]
        for t in threads:
            t.start()
        for _ in range(120):
            self.assertTrue(enough.acquire(timeout=PATIENCE))
        self.s.stop(signal.SIGKILL)
        for t in threads:
            t.join()
        self.s.start()
        for d in devices:
            a = self.s.api("GET", f"/api/v1/deployments/{actions[d.name]}").json
            stored = [line for s in a["statuses"] for line in s["details"]]
            self.assertEqual(stored[: len(answered[d.name])], answered[d.name])
            self.assertLessEqual(len(stored), len(answered[d.name]) + 1)
        self.assertEqual(self.s.request("GET", "/readyz").status, 200)

    def test_a_full_disk_refuses_and_the_server_goes_on_by_itself(self):
        self.s.options = ("--server-demo", "yes")
        self.s.start().claim()
        release = self.s.push(self.s.make_bundle("1.0.0"))["id"]
        d = self.s.add_device("gw-1")
        action = self.s.api("POST", "/api/v1/deployments", {"device": "gw-1", "release": release}).json["id"]
        no_limit = resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE)
        full = (self.s.data / "ota.db-wal").stat().st_size + 20_000
        resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE, (full, no_limit[1]))
        answered = []
        for i in range(300):
            status = d.feedback(action, "proceeding", details=[f"step {i}"]).status
            if status != 200:
                break
            answered.append(f"step {i}")
        self.assertIn(status, (500, 507))
        self.assertEqual(d.request("GET", "").status, 200)
        resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE, no_limit)
        self.assertEqual(d.feedback(action, "proceeding", details=["after"]).status, 200)
        self.s.stop(signal.SIGKILL)
        self.s.start()
        a = self.s.api("GET", f"/api/v1/deployments/{action}").json
        self.assertEqual([line for s in a["statuses"] for line in s["details"]], [*answered, "after"])

    def test_an_upload_that_nobody_went_on_with_is_dropped_after_a_week(self):
        self.s.start()
        wishes = [{"size": 9, "sha256": hashlib.sha256(data).hexdigest()} for data in (b"forgotten", b"goes on..")]
        old, young = (self.s.api("POST", "/api/v1/uploads", wish).json["id"] for wish in wishes)
        for ident in (old, young):
            self.assertEqual(self.s.api("PUT", f"/api/v1/uploads/{ident}?offset=0", b"goes").status, 200)
        self.s.stop()
        week = time.time() - 7 * 86400
        parts = self.s.data / "artifacts/upload"
        os.utime(parts / old, (week - 60, week - 60))
        os.utime(parts / young, (week + 600, week + 600))
        self.s.start()
        end = time.monotonic() + PATIENCE
        while "abandoned uploads dropped" not in self.s.log():
            self.assertLess(time.monotonic(), end)
        self.assertEqual([p.name for p in parts.iterdir()], [young])
        self.assertEqual(self.s.api("GET", f"/api/v1/uploads/{old}").status, 404)
        self.assertEqual(self.s.api("PUT", f"/api/v1/uploads/{young}?offset=4", b" on..").status, 200)
        self.assertEqual(self.s.api("POST", f"/api/v1/uploads/{young}/commit").status, 200)

    def test_a_port_in_use_is_named(self):
        self.s.start()
        other = Server(self.s.place / "other")
        other.place.mkdir()
        other.port = self.s.port
        process, line = other.spawn()
        self.assertEqual((line, process.wait(PATIENCE)), ("", 1))
        self.assertIn(str(self.s.port), other.log().strip().splitlines()[-1])

    def test_two_servers_never_share_a_directory(self):
        self.s.start()
        port, self.s.port = self.s.port, None
        status, sentence = self.refused()
        self.s.port = port
        self.assertEqual(status, 1)
        self.assertIn("another server runs in", sentence)
        self.assertEqual(self.s.request("GET", "/healthz").status, 200)

    def test_a_data_directory_that_cannot_be_made_is_named(self):
        (self.s.place / "data").write_text("a file")
        status, sentence = self.refused()
        self.assertEqual(status, 1)
        self.assertIn(str(self.s.data), sentence)

    def test_a_damaged_database_is_named_and_left_alone(self):
        self.s.start()
        self.s.stop()
        path = self.s.data / "ota.db"
        path.write_bytes(b"not a database at all, but long enough" * 100)
        status, sentence = self.refused()
        self.assertEqual(status, 3)
        self.assertIn("put a backup in its place", sentence)
        self.assertEqual(path.read_bytes()[:14], b"not a database")

    def test_a_directory_is_in_demo_mode_for_ever_or_never(self):
        self.s.start()
        self.s.stop()
        self.assertIn("not begun in demo mode", self.refused("--server-demo", "yes")[1])

    def test_demo_keys_are_refused_outside_demo_mode(self):
        self.s.start().claim()
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            self.s.push(self.s.make_bundle("1.0.0"))
        self.assertIn("demo", refused.exception.stderr)
        self.assertEqual(self.s.request("GET", "/readyz").status, 503)

    def test_sigterm_ends_it_cleanly_while_streams_are_open(self):
        self.s.start()
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        self.addCleanup(stream.close)
        self.assertEqual(self.s.stop(), 0)
        self.assertFalse((self.s.data / "running.json").exists())

    def test_a_stop_does_not_wait_for_those_who_keep_their_sockets_open(self):
        self.s.options = ("--http-stop-deadline", "5m", "--http-head-deadline", "5m")
        self.s.start()
        silent = socket.create_connection(("127.0.0.1", self.s.port))
        self.addCleanup(silent.close)
        stream = self.s.connect()
        self.addCleanup(stream.close)
        stream.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {self.s.token}"})
        answer = stream.getresponse()
        kept = socket.socket(fileno=os.dup(stream.sock.fileno()))  # the client's end stays open whatever is read
        self.addCleanup(kept.close)
        self.s.process.send_signal(signal.SIGTERM)
        answer.read()
        self.assertEqual(self.s.process.wait(PATIENCE), 0)
        self.s.process = None

    def test_sessions_and_tokens_survive_a_restart(self):
        self.s.start()
        self.s.stop()
        self.s.start()
        self.assertEqual(self.s.api("GET", "/api/v1/session").json["user"], "admin")

    def test_a_device_that_listens_anew_gives_up_its_old_stream(self):
        self.s.start("--http-threads", "1", "--device-max-streams", "2")
        d, other = self.s.add_device("one"), self.s.add_device("two")
        streams = []
        for device in (d, d, d, other):
            streams.append(Stream(self.s, device.base + "/ota/events", {"Authorization": f"TargetToken {device.token}"}))
            self.addCleanup(streams[-1].close)
            self.assertEqual(streams[-1].status, 200)
        self.assertTrue(streams[0].ends() and streams[1].ends())

    def test_attributes_too_long_to_draw_slots_of_are_kept_all_the_same(self):
        self.s.start()
        d = self.s.add_device("one")
        data = {f"slot.{slot}.{field}": '"' * 128 for slot in "ab" for field in ("state", "version", "reason", "root_hash")}
        self.assertEqual(d.request("PUT", "/configData", {"data": data}).status, 200)
        self.assertNotIn("configData", d.poll()["_links"])
        shown = self.s.api("GET", "/api/v1/devices/one").json
        self.assertEqual((shown["attributes"], shown["slots"]), (data, None))

    def test_a_stream_ends_when_its_session_has_expired(self):
        self.s.start("--console-session-life", "2s")
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        cookie = self.s.request("POST", "/api/v1/session", {"token": token}).headers["Set-Cookie"].split(";")[0]
        stream = Stream(self.s, "/api/v1/events", {"Cookie": cookie})
        self.addCleanup(stream.close)
        self.assertTrue(stream.ends())

    def test_a_token_that_expires_says_when_and_its_streams_end_with_it(self):
        self.s.start()
        self.assertIsNone(self.s.api("GET", "/api/v1/session").json["expires_at"])
        end = int(time.time() * 1000) + 2500
        db = sqlite3.connect(self.s.data / "ota.db")
        db.execute("UPDATE api_token SET expires_at = ?", (end,))
        db.commit()
        db.close()
        self.assertEqual(self.s.api("GET", "/api/v1/session").json["expires_at"], end)
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        self.assertTrue(stream.ends())
        self.assertGreaterEqual(time.time() * 1000, end)
        self.assertEqual(self.s.api("GET", "/api/v1/session").status, 401)

    def test_sighup_reads_the_certificate_anew_and_serves_on(self):
        self.s.start()
        connection = self.s.connect()
        self.addCleanup(connection.close)
        self.assertEqual(self.s.request("GET", "/healthz", connection=connection).status, 200)
        self.s.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE
        while "certificate read anew" not in self.s.log():
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.s.request("GET", "/healthz", connection=connection).status, 200)

    def doctor(self):
        done = subprocess.run([OTA_SERVER, "doctor", "--server-data-dir", self.s.data, "--json"], capture_output=True, text=True)
        return done.returncode, {f["what"]: f for f in json.loads(done.stdout)}

    def test_the_doctor_finds_nothing_and_then_what_is_wrong(self):
        self.s.start()
        status, found = self.doctor()
        self.assertEqual((status, found["process"]["text"]), (0, "a server runs"))
        self.assertEqual(found["root"]["state"], "warning")
        self.s.stop()
        (self.s.data / "server.pem").write_text("nonsense")
        (self.s.data / "ota.db").write_bytes(b"nonsense" * 1000)
        status, found = self.doctor()
        self.assertEqual(status, 1)
        self.assertEqual({w for w, f in found.items() if f["state"] == "FAULT"}, {"database", "certificate"})
        self.assertTrue(found["database"]["fix"])

    def test_the_doctor_looks_at_a_database_of_an_older_server_and_leaves_it_as_it_is(self):
        self.s.start()
        self.s.stop()
        database = self.s.data / "ota.db"
        db = sqlite3.connect(database)
        db.execute("PRAGMA journal_mode = DELETE")  # as a copy that was put back has it
        db.execute("PRAGMA user_version = 0")
        db.close()
        before = database.read_bytes()
        status, found = self.doctor()
        self.assertEqual((status, found["database"]["state"]), (0, "warning"))
        self.assertIn("migrated at the next start, after a backup", found["database"]["text"])
        self.assertEqual(database.read_bytes(), before)
        self.assertEqual([p.name for p in self.s.data.glob("ota.db*")], ["ota.db"])
        db = sqlite3.connect(database)
        db.execute("PRAGMA user_version = 99")
        db.close()
        status, found = self.doctor()
        self.assertEqual((status, found["database"]["state"]), (1, "FAULT"))
        self.assertIn("newer server", found["database"]["text"])
