# SPDX-License-Identifier: Apache-2.0
"""The device API's kinds of actions, consent, windows, opaque files and forms of authentication, on a real server."""

import hashlib
import secrets
import sqlite3
import time
import unittest

from .fleet import FleetTest, shared_server
from .server import PATIENCE, Device

OURS = {"data": {"agent.version": "0.2.0"}}


def now_ms():
    return int(time.time() * 1000)


class Gateway(Device):
    """A device that a gateway speaks for."""

    def request(self, method, path, body=None, headers=None, **more):
        return super().request(method, path, body, {"Authorization": f"GatewayToken {self.token}", **(headers or {})}, **more)


def gateway_token(server, tenant="default", role=5):
    """A token of role gateway, put where `ota-server` keeps them."""
    token = "ota_" + secrets.token_urlsafe(32)
    with sqlite3.connect(server.data / "ota.db", timeout=PATIENCE) as db:
        db.execute("INSERT INTO api_token (tenant, hash, prefix, name, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, 1, 0)",
                   (tenant, hashlib.sha256(token.encode()).digest(), token[:12], "a gateway", role))
    db.close()
    return token


class Actions(FleetTest):
    def work(self, device):
        return self.offer(device)["deployment"]

    def test_each_kind_says_how_much_the_device_may_choose(self):
        rows = [({}, "attempt", "attempt"), ({"kind": "soft"}, "attempt", "attempt"), ({"kind": "forced"}, "forced", "forced"),
                ({"force": True}, "forced", "forced"), ({"kind": "download-only"}, "forced", "skip"),
                ({"kind": "time-forced", "force_at": now_ms() - 1}, "forced", "forced"),
                ({"kind": "time-forced", "force_at": now_ms() + 10**7}, "attempt", "attempt")]
        for i, (more, download, update) in enumerate(rows):
            with self.subTest(more):
                d = self.device(f"-{i}")
                self.assign(d, self.r1, **more)
                work = self.work(d)
                self.assertEqual((work["download"], work["update"]), (download, update))
                self.assertNotIn("maintenanceWindow", work)

    def test_a_time_forced_one_turns_and_its_link_changes(self):
        for ms in (2000, 10_000, 50_000):  # on a slow machine it may have turned before it is looked at
            d = self.device(f"-{ms}")
            force_at = now_ms() + ms
            self.assign(d, self.r1, kind="time-forced", force_at=force_at)
            before = d.poll()
            if now_ms() < force_at:
                break
        sleep = before["config"]["polling"]["sleep"]
        self.assertTrue("00:00:01" <= sleep <= f"00:00:{ms // 1000:02}", sleep)  # nobody oversleeps it
        end = time.monotonic() + 2 * PATIENCE
        while self.work(d)["update"] != "forced":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.3)  # a device that asks without pause is answered 429
        after = d.poll()
        self.assertNotEqual(before["_links"]["deploymentBase"], after["_links"]["deploymentBase"])
        self.assertEqual(after["config"]["polling"]["sleep"], "00:01:30")

    def test_wrong_kinds_are_refused(self):
        d = self.device()
        for more in ({"kind": "hard"}, {"kind": "soft", "force": True}, {"kind": "time-forced"}, {"force_at": 5},
                     {"not_before": -1}, {"not_before": "soon"}, {"consent": 1}, {"not_before": 1 << 60}):
            answer = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.r1, **more})
            self.assertEqual(answer.status, 400, (more, answer.body))
        self.assertNotIn("deploymentBase", d.poll()["_links"])

    def test_downloaded_closes_a_download_only_deployment(self):
        d = self.device()
        action = self.assign(d, self.r1, kind="download-only")
        self.offer(d)
        self.assertEqual(d.feedback(action, "download").status, 200)
        self.assertEqual(d.feedback(action, "downloaded").status, 200)
        shown = self.deployment(action)
        self.assertEqual((shown["state"], shown["progress"]), ("downloaded", 100))
        self.assertEqual(d.feedback(action, "closed", "success").status, 410)
        device = self.s.api("GET", f"/api/v1/devices/{d.name}").json
        self.assertEqual((device["version"], device["state"]), (None, "idle"))
        self.assign(d, self.r1)  # and now for good

    def test_success_without_a_download_is_none(self):
        d = self.device()
        action = self.assign(d, self.r1, kind="download-only")
        self.offer(d)
        d.feedback(action, "closed", "success")
        self.assertEqual(self.deployment(action)["state"], "failed")

    def test_outside_the_window_ours_may_fetch_and_others_see_nothing(self):
        for ms in (3000, 15_000, 60_000):  # on a slow machine it may have opened before all of this was looked at
            ours, other = self.device(f"-ours-{ms}"), self.device(f"-other-{ms}")
            ours.request("PUT", "/configData", OURS)
            opens = now_ms() + ms
            action = [self.assign(d, self.r1, kind="forced", not_before=opens) for d in (ours, other)][1]
            work, poll = self.work(ours), other.poll()
            paths = (f"/deploymentBase/{action}", f"/softwaremodules/{action}/artifacts/payload")
            answers = [other.request("GET", path).status for path in paths]
            if now_ms() < opens:
                break
        self.assertEqual((work["download"], work["update"], work["maintenanceWindow"]), ("forced", "skip", "unavailable"))
        self.assertNotIn("deploymentBase", poll["_links"])
        self.assertLessEqual(poll["config"]["polling"]["sleep"], f"00:{ms // 60_000:02}:{ms // 1000 % 60:02}")
        self.assertEqual(answers, [404, 404])
        end = time.monotonic() + 2 * PATIENCE
        while "deploymentBase" not in other.poll()["_links"]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.3)
        self.assertGreaterEqual(now_ms(), opens)
        for d in (ours, other):
            work = self.work(d)
            self.assertEqual((work["update"], work["maintenanceWindow"]), ("forced", "available"))

    def test_the_history_comes_newest_first_and_only_when_asked_for(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.assertNotIn("actionHistory", self.offer(d))
        for line in ("one", "two", "three"):
            d.feedback(action, "proceeding", details=[line])
        ask = lambda n: d.request("GET", f"/deploymentBase/{action}?actionHistory={n}").json.get("actionHistory")
        self.assertIsNone(ask(0))
        self.assertIsNone(ask("many"))
        self.assertEqual(ask(2), {"status": "RUNNING", "messages": ["three", "two"]})
        self.assertEqual(ask(-1)["messages"], ["three", "two", "one"])

    def test_an_answer_that_a_client_has_is_not_sent_again(self):
        d = self.device()
        self.assign(d, self.r1)
        for path in ("", d.poll()["_links"]["deploymentBase"]["href"][len(self.s.url):]):
            first = d.request("GET", path)
            again = d.request("GET", path, headers={"If-None-Match": first.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""))
            other = d.request("GET", path, headers={"If-None-Match": '"somethingelse"'})
            self.assertEqual((other.status, other.json), (200, first.json))
        d.request("PUT", "/configData", {"data": {"a": "b"}})  # the poll has a link less now
        self.assertEqual(d.request("GET", "", headers={"If-None-Match": first.headers["ETag"]}).status, 200)

    def test_the_tenants_name_is_taken_in_any_letter_case(self):
        d = self.device()
        for tenant in ("DEFAULT", "Default"):
            answer = self.s.request("GET", f"/{tenant}/controller/v1/{d.name}", headers={"Authorization": f"TargetToken {d.token}"})
            self.assertEqual(answer.status, 200)
            self.assertIn(f"/{tenant}/controller/", answer.json["_links"]["configData"]["href"])

    def test_too_many_reports_are_429_and_the_end_is_heard_all_the_same(self):
        d = self.device()
        action = self.assign(d, self.r1)
        self.offer(d)
        c = self.s.connect()
        fields = {"Authorization": f"TargetToken {d.token}", "Content-Type": "application/json"}
        statuses = set()
        for i in range(400):
            body = {"status": {"execution": "proceeding", "result": {"finished": "none"}, "details": [f"line {i}"]}}
            answer = self.s.request("POST", f"{d.base}/deploymentBase/{action}/feedback", body, fields, connection=c)
            statuses.add(answer.status)
            if answer.status == 429:
                self.assertIn("message", answer.json)
                self.assertGreater(int(answer.headers["Retry-After"]), 0)
                break
        self.assertEqual(statuses, {200, 429})
        c.close()
        for _ in range(100):  # it was let through too often for any request at all; that passes
            last = d.feedback(action, "closed", "failure", ["the end"])
            if last.status != 429:
                break
            time.sleep(0.2)
        self.assertEqual(last.status, 200)
        self.assertEqual(self.deployment(action)["detail"], "the end")


class Consent(FleetTest):
    def answer(self, device, action, word, *details):
        return device.request("POST", f"/confirmationBase/{action}/feedback", {"confirmation": word, "details": list(details)})

    def test_nothing_is_offered_before_the_user_consents(self):
        d = self.device()
        action = self.assign(d, self.r1, consent=True)
        links = d.poll()["_links"]
        self.assertNotIn("deploymentBase", links)
        self.assertEqual(d.request("GET", f"/deploymentBase/{action}").status, 404)
        self.assertEqual(d.request("GET", f"/softwaremodules/{action}/artifacts/payload").status, 404)
        shown = d.follow(links["confirmationBase"]["href"]).json
        self.assertEqual((shown["id"], "deployment" in shown), (action, False))
        self.assertEqual(shown["confirmation"]["chunks"][0]["artifacts"][0]["filename"], "payload")
        self.assertEqual(self.answer(d, action, "confirmed", "Ada pressed the button").status, 200)
        self.assertEqual(self.offer(d)["id"], action)
        self.assertEqual(d.request("GET", f"/confirmationBase/{action}").status, 404)
        told = self.deployment(action)
        self.assertEqual(told["consent"], "given")
        self.assertEqual(told["statuses"][0]["details"], ["the device's user consented: Ada pressed the button"])
        self.assertEqual(self.answer(d, action, "confirmed").status, 410)

    def test_denied_goes_on_waiting(self):
        d = self.device()
        action = self.assign(d, self.r1, consent=True)
        self.assertEqual(self.answer(d, action, "denied").status, 200)
        self.assertEqual(self.deployment(action)["consent"], "denied")
        self.assertIn("confirmationBase", d.poll()["_links"])
        self.assertEqual(self.answer(d, action, "confirmed").status, 200)
        self.assertIn("deploymentBase", d.poll()["_links"])

    def test_bad_answers_change_nothing(self):
        d, other = self.device("-1"), self.device("-2")
        action = self.assign(d, self.r1, consent=True)
        for body in (b"", b"{}", b'{"confirmation":"yes"}', b"[1]"):
            self.assertEqual(d.request("POST", f"/confirmationBase/{action}/feedback", body).status, 400)
        self.assertEqual(self.answer(other, action, "confirmed").status, 404)
        self.assertEqual(self.deployment(action)["consent"], "asked")

    def test_a_cancel_needs_no_consent(self):
        d = self.device()
        action = self.assign(d, self.r1, consent=True)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/deployments/{action}").json["state"], "cancelled")
        self.assertEqual(self.answer(d, action, "confirmed").status, 410)

    def test_consent_for_all_that_comes_holds_until_it_is_taken_back(self):
        d = self.device()
        waiting = self.assign(d, self.r1, consent=True)
        base = d.request("GET", "/confirmationBase").json
        self.assertFalse(base["autoConfirm"]["active"])
        self.assertIn(waiting, base["_links"]["confirmationBase"]["href"])
        on = base["_links"]["activateAutoConfirm"]["href"]
        self.assertEqual(d.request("POST", on[len(self.s.url):], {"initiator": "Ada", "remark": "always"}).status, 200)
        self.assertEqual(self.deployment(waiting)["consent"], "given")  # it waited for this
        base = d.request("GET", "/confirmationBase").json
        self.assertEqual((base["autoConfirm"]["initiator"], base["autoConfirm"]["remark"]), ("Ada", "always"))
        self.assertNotIn("confirmationBase", base["_links"])
        d.feedback(waiting, "closed", "failure")
        second = self.assign(d, self.r2, consent=True)
        self.assertEqual((self.deployment(second)["consent"], self.offer(d)["id"]), ("given", second))
        off = base["_links"]["deactivateAutoConfirm"]["href"]
        self.assertEqual(d.request("POST", off[len(self.s.url):]).status, 200)
        self.assertFalse(d.request("GET", "/confirmationBase").json["autoConfirm"]["active"])
        d.feedback(second, "closed", "failure")
        self.assertEqual(self.deployment(self.assign(d, self.r1, consent=True))["consent"], "asked")


class Files(FleetTest):
    """Releases for clients of others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.swu, cls.app = b"swu" * 40_000, b"app" * 30
        (cls.s.place / "update.swu").write_bytes(cls.swu)
        (cls.s.place / "app.bin").write_bytes(cls.app)
        cls.files = cls.publish("3.0.0", "--security-only")
        image = cls.s.place / "1.0.0.img"
        cls.both = cls.publish("4.0.0", "--keys", cls.s.keys, "--image", f"firmware={image}")

    @classmethod
    def publish(cls, version, *more):
        bundle = cls.s.place / f"{version}.bundle"
        cls.s.ota("bundle", "create", bundle, "--product", "gateway", "--hardware", "revA", "--version", version, "--demo",
                  "--file", cls.s.place / "update.swu", "--file", f"bApp={cls.s.place / 'app.bin'}", *more)
        cls.s.ota("release", "sign", bundle, "--keys", cls.s.keys, "--demo")
        return cls.s.push(bundle)

    def test_a_release_tells_its_files_and_its_mark(self):
        self.assertEqual(self.files["images"], [])
        self.assertTrue(self.files["security_only"])
        self.assertEqual([(f["name"], f["part"], f["size"]) for f in self.files["files"]],
                         [("update.swu", "os", len(self.swu)), ("app.bin", "bApp", len(self.app))])
        self.assertFalse(self.both["security_only"])

    def test_a_chunk_a_part_with_every_file_whole_in_parts_and_by_digest(self):
        d = self.device()
        action = self.assign(d, self.files["id"])
        chunks = self.offer(d)["deployment"]["chunks"]
        self.assertEqual([(c["part"], [a["filename"] for a in c["artifacts"]]) for c in chunks],
                         [("os", ["update.swu"]), ("bApp", ["app.bin"])])
        for chunk, content in zip(chunks, (self.swu, self.app)):
            artifact = chunk["artifacts"][0]
            self.assertNotIn("ota:manifest", artifact["_links"])
            href = artifact["_links"]["download"]["href"]
            self.assertEqual(artifact["_links"]["download-http"]["href"], href)  # TLS unless somebody chose otherwise
            whole = d.follow(href)
            self.assertEqual((whole.body, whole.headers["Accept-Ranges"]), (content, "bytes"))
            for name, digest in artifact["hashes"].items():
                self.assertEqual(hashlib.new(name, content).hexdigest(), digest)
            self.assertEqual(whole.headers["ETag"], f'"{artifact["hashes"]["sha1"]}"')
            path = href[len(self.s.url):]
            ask = lambda method="GET", **fields: d.request(method, path, headers={k.replace("_", "-"): v for k, v in fields.items()})
            part = ask(Range=f"bytes=10-")
            self.assertEqual((part.status, part.body), (206, content[10:]))
            beyond = ask(Range=f"bytes={len(content)}-")
            self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, f"bytes */{len(content)}"))
            self.assertEqual(ask(If_Match='"another"').status, 412)
            self.assertEqual(ask(If_None_Match=whole.headers["ETag"]).status, 304)
            head = ask("HEAD")
            self.assertEqual((head.headers["Content-Length"], head.body), (str(len(content)), b""))
            md5 = d.follow(artifact["_links"]["md5sum"]["href"]).body.decode()
            self.assertEqual(md5, f"{artifact['hashes']['md5']}  {artifact['filename']}\n")
        listing = d.request("GET", f"/softwaremodules/{action}/artifacts").json
        self.assertEqual([a["filename"] for a in listing], ["update.swu", "app.bin"])
        for name in ("payload", "update.swu.MD5", "update.sw", "update.swuu"):
            self.assertEqual(d.request("GET", f"/softwaremodules/{action}/artifacts/{name}").status, 404)
        d.feedback(action, "closed", "success")
        shown = self.deployment(action)
        self.assertEqual((shown["state"], shown["proof"]), ("confirmed", None))
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{d.name}").json["grade"], "reported")
        self.assertEqual(d.follow(chunks[0]["artifacts"][0]["_links"]["download"]["href"]).status, 404)  # no open action

    def test_another_devices_files_are_not_there(self):
        d, other = self.device("-1"), self.device("-2")
        action = self.assign(d, self.files["id"])
        self.assertEqual(other.request("GET", f"/softwaremodules/{action}/artifacts/update.swu").status, 404)

    def test_the_agent_gets_the_image_and_others_the_files_of_one_release(self):
        ours, other = self.device("-ours"), self.device("-other")
        ours.request("PUT", "/configData", OURS)
        for d, names in ((ours, ["payload"]), (other, ["update.swu", "app.bin"])):
            self.assign(d, self.both["id"])
            artifacts = [a for c in self.offer(d)["deployment"]["chunks"] for a in c["artifacts"]]
            self.assertEqual([a["filename"] for a in artifacts], names)
            self.assertEqual("ota:manifest" in artifacts[0]["_links"], d is ours)

    def test_files_alone_are_not_assigned_to_the_agent(self):
        d = self.device()
        d.request("PUT", "/configData", OURS)
        answer = self.s.api("POST", "/api/v1/deployments", {"device": d.name, "release": self.files["id"]})
        self.assertEqual((answer.status, answer.json["code"]), (409, "incompatible"))

    def test_content_that_a_release_has_not_is_not_there(self):
        d = self.device()
        self.assign(d, self.files["id"])
        self.assertEqual(d.request("GET", "/ota/content/" + "00" * 32).status, 404)

    def test_a_release_of_files_needs_them_all_and_no_payload(self):
        swu = self.s.place / "other.swu"
        swu.write_bytes(b"never uploaded")
        bundle = self.s.place / "5.bundle"
        self.s.ota("bundle", "create", bundle, "--product", "gateway", "--hardware", "revA", "--version", "5", "--file", swu)
        manifest = hashlib.sha256(b"x").hexdigest()
        answer = self.s.api("POST", "/api/v1/releases", {"targets": manifest, "manifest": manifest})
        self.assertEqual(answer.status, 404)
        answer = self.s.api("POST", "/api/v1/releases", {"targets": manifest, "manifest": manifest, "head": manifest})
        self.assertEqual(answer.status, 400)


class Gateways(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls, "--server-demo", "yes", "--device-gateway-tokens", "yes", "--device-target-tokens", "no",
                              "--device-plain-links", "http://cache.local:8080")
        cls.s.claim()
        cls.r1 = cls.s.push(cls.s.make_bundle("1.0.0"))["id"]
        made = cls.s.api("POST", "/api/v1/tokens", {"name": "gateway-1", "role": "gateway"})
        assert made.status == 201, made.body
        cls.token = made.json["token"]

    def test_a_gateway_speaks_for_any_device_and_makes_those_it_names(self):
        for name in ("known", "unknown"):
            if name == "known":
                self.s.add_device(name)
            d = Gateway(self.s, name, self.token)
            self.assertEqual(d.request("GET", "").status, 200)
            self.assertEqual(d.request("PUT", "/configData", {"data": {"k": name}}).status, 200)
            self.assertEqual(self.s.api("GET", f"/api/v1/devices/{name}").json["attributes"], {"k": name})
        again = self.s.api("GET", "/api/v1/devices?q=unknown").json["items"]
        self.assertEqual(len(again), 1)
        made = self.s.api("GET", "/api/v1/audit?action=device.create&limit=1").json["items"][0]
        self.assertIn("device/unknown", str(made))
        self.assertIn("gateway-1", str(made))

    def test_plain_links_lead_where_somebody_chose(self):
        d = Gateway(self.s, "plain", self.token)
        d.poll()
        self.s.api("POST", "/api/v1/deployments", {"device": "plain", "release": self.r1})
        links = d.follow(d.poll()["_links"]["deploymentBase"]["href"]).json["deployment"]["chunks"][0]["artifacts"][0]["_links"]
        path = links["download"]["href"][len(self.s.url):]
        self.assertEqual(links["download-http"]["href"], "http://cache.local:8080" + path)
        self.assertTrue(links["download"]["href"].startswith("https://"))

    def test_a_wrong_name_makes_no_device(self):
        for name in (".hidden", "a%20b", "x" * 129, "a%0ab"):
            d = Gateway(self.s, name, self.token)
            self.assertEqual(d.request("GET", "").status, 400, name)
        self.assertEqual(self.s.api("GET", "/api/v1/devices?q=x").json["items"], [])

    def test_no_other_token_is_a_gateways(self):
        for token in (self.s.token, gateway_token(self.s, role=4), gateway_token(self.s, tenant="elsewhere"), "ota_" + "A" * 43, ""):
            answer = Gateway(self.s, "stranger", token).request("GET", "")
            self.assertEqual(answer.status, 401)
            self.assertIn("message", answer.json)
        self.assertEqual(self.s.api("GET", "/api/v1/devices/stranger").status, 404)

    def test_a_gateways_token_opens_nothing_else_and_has_no_groups(self):
        for path in ("/api/v1/devices", "/api/v1/releases", "/api/v1/tokens"):
            answer = self.s.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            self.assertEqual(answer.status, 403, answer.body)
        wrong = self.s.api("POST", "/api/v1/tokens", {"name": "g", "role": "gateway", "groups": ["lab"]})
        self.assertEqual(wrong.status, 400)
        person = self.s.api("POST", "/api/v1/users", {"name": "g", "role": "gateway", "password": "long enough a password"})
        self.assertEqual(person.status, 400)

    def test_a_form_that_is_off_lets_nobody_in(self):
        d = self.s.add_device("own-token")
        self.assertEqual(d.request("GET", "").status, 401)

    def test_a_tenants_devices_have_a_limit(self):
        with sqlite3.connect(self.s.data / "ota.db", timeout=PATIENCE) as db:
            db.execute("UPDATE tenant SET max_devices = n_devices WHERE name = 'default'")
        db.close()
        answer = Gateway(self.s, "one-too-many", self.token).request("GET", "")
        self.assertIn(answer.status, (403, 413, 429), answer.body)
        self.assertEqual(self.s.api("GET", "/api/v1/devices/one-too-many").status, 404)
        with sqlite3.connect(self.s.data / "ota.db", timeout=PATIENCE) as db:
            db.execute("UPDATE tenant SET max_devices = 100000 WHERE name = 'default'")
        db.close()


if __name__ == "__main__":
    unittest.main()
