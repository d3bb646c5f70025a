# SPDX-License-Identifier: Apache-2.0
"""The device API of the real server: offers, reports, cancels, content, and what is refused."""

import hashlib
import json
import threading
import time

from .fleet import FleetTest, OwnServer
from .server import Device, Stream


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

    def test_a_pin_holds_back_what_was_assigned_before_it(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.s.api("PATCH", f"/api/v1/devices/{d.name}", {"pin": {"reason": "a test bench"}})
        self.assertNotIn("deploymentBase", d.poll()["_links"])
        self.assertEqual(d.request("GET", f"/deploymentBase/{action}").status, 404)
        self.s.api("PATCH", f"/api/v1/devices/{d.name}", {"pin": {"release": self.r1, "reason": "this one"}})
        self.assertEqual(self.offer(d)["id"], action)

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
        took = []
        while len(took) < 5 and min(took, default=2) >= 2:  # the quickest counts: what else the machine does only adds
            d = self.device(f"-{len(took)}")
            href = d.poll()["_links"]["ota:events"]["href"]
            stream = Stream(self.s, href[len(self.s.url):], {"Authorization": f"TargetToken {d.token}"})
            self.addCleanup(stream.close)
            self.assertEqual(stream.status, 200)
            stream.expect(lambda i, event, data: event == "poll")  # the one at the opening
            begun = time.monotonic()
            action = self.assign(d, self.r1)
            stream.expect(lambda i, event, data: event == "poll")
            took.append(time.monotonic() - begun)
            self.assertEqual(self.offer(d)["id"], action)
        self.assertLess(min(took), 2, took)

    def test_a_stream_that_opens_says_poll_for_what_was_assigned_since_the_last_one(self):
        d = self.device()
        href = d.poll()["_links"]["ota:events"]["href"]
        action = self.assign(d, self.r1)
        stream = Stream(self.s, href[len(self.s.url):], {"Authorization": f"TargetToken {d.token}"})
        self.addCleanup(stream.close)
        stream.expect(lambda i, event, data: event == "poll")
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


class OneDevice(OwnServer):
    def test_attributes_too_long_to_draw_slots_of_are_kept_all_the_same(self):
        self.s.start()
        d = self.s.add_device("one")
        data = {f"slot.{slot}.{field}": '"' * 128 for slot in "ab" for field in ("state", "version", "reason", "root_hash")}
        self.assertEqual(d.request("PUT", "/configData", {"data": data}).status, 200)
        self.assertNotIn("configData", d.poll()["_links"])
        shown = self.s.api("GET", "/api/v1/devices/one").json
        self.assertEqual((shown["attributes"], shown["slots"]), (data, None))
