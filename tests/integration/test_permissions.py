# SPDX-License-Identifier: Apache-2.0
"""Every route as every role, as somebody whose role holds for a group, as nobody, and as another tenant.

The routes are those of the server's own OpenAPI document, which tests/unit/test_openapi.c holds to the table of routes in both
directions: a new route is walked here without a word about it.
"""

import json
import re
import sqlite3
import unittest

from .fleet import shared_server
from .server import BUILD, PATIENCE, Device, Stream

ROLES = ("viewer", "operator", "release-manager", "admin")
NEEDS = {"MAY_VIEW": 0, "MAY_OPERATE": 1, "MAY_RELEASE": 2, "MAY_ADMINISTER": 3}
MARK = "zebra"  # in the name of everything that others must not see
SAMPLES = {"tenant": "default", "action": "100001", "file": "payload", "sha256": "00" * 32, "path": "release/x/y"}


def routes():
    """(method, path, {words of x-permission}) of each."""
    document = json.loads((BUILD / "server/api/openapi.json").read_text())
    return [(method.upper(), path, set(operation["x-permission"].split(" | ")))
            for path, item in document["paths"].items() for method, operation in item.items()]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = s = shared_server(cls, "--server-demo", "yes", "--limits-caller-rate", "0", "--limits-stranger-rate", "0",
                                  "--limits-device-rate", "0")
        s.claim()
        cls.release = s.push(s.make_bundle("1.0.0", product=MARK))["id"]
        cls.devices = {name: s.add_device(f"{MARK}-{name}") for name in ("outside", "inside")}
        for device in cls.devices.values():
            answer = s.api("POST", "/api/v1/deployments", {"device": device.name, "release": cls.release})
            assert answer.status == 201, answer.body
            device.request("PUT", "/configData", {"data": {"owner": device.name}})
        s.api("POST", "/api/v1/users", {"name": f"{MARK}-user", "password": "correct horse battery", "role": "viewer"})
        s.api("POST", "/api/v1/uploads", {"size": 7, "sha256": "ab" * 32})
        cls.make_group("ours", cls.devices["inside"].name)
        cls.tokens = {role: cls.token(role) for role in ROLES}
        cls.scoped = {role: cls.token(role, groups=["ours"]) for role in ROLES}
        cls.other = s.add_tenant("other")

    @classmethod
    def token(cls, role, **more):
        return cls.s.api("POST", "/api/v1/tokens", {"name": f"{MARK}-{role}", "role": role, **more}).json["token"]

    @classmethod
    def make_group(cls, name, *devices):
        db = sqlite3.connect(cls.s.data / "ota.db", timeout=PATIENCE)
        db.execute("INSERT INTO fleet_group (tenant, name, about, is_rule, rule, created_at, updated_at) "
                   "VALUES ('default', ?, '', 0, '', 0, 0)", (name,))
        db.executemany("INSERT INTO group_member (tenant, group_name, device) VALUES ('default', ?, ?)",
                       [(name, device) for device in devices])
        db.commit()
        db.close()

    def ask(self, method, path, fields, body=b"{}"):
        """(status, code, body); of a stream what was said when it began."""
        if path.endswith("/events"):
            stream = Stream(self.s, path, fields)
            stream.close()
            return stream.status, "", b""
        has_body = method in ("POST", "PUT", "PATCH")
        headers = {**fields, **({"Content-Type": "application/json"} if has_body else {})}
        answer = self.s.request(method, path, body if has_body else None, headers)
        code = answer.json.get("code", "") if answer.status >= 400 and answer.body else ""
        return answer.status, code, answer.body

    def fill(self, path, ident):
        return re.sub(r"\{(\w+)\}", lambda m: SAMPLES.get(m[1], ident), path)

    def real_ids(self, path):
        """Ids of what our tenant has below this path's collection."""
        collection = path.partition("/{")[0]
        if not collection.startswith("/api/v1/"):
            return [d.name for d in self.devices.values()]
        status, _, body = self.ask("GET", collection, bearer(self.s.token))
        items = json.loads(body).get("items", []) if status == 200 and body[:1] == b"{" else []
        found = [str(item["id"] if "id" in item else item["name"]) for item in items if "id" in item or "name" in item]
        if collection == "/api/v1/uploads":
            found = [self.s.api("POST", "/api/v1/uploads", {"size": 7, "sha256": "ab" * 32}).json["id"]]
        return found or ["nobody"]

    # ---- who is let in ----

    def expected(self, asked, role, scoped=False, tenant="default"):
        """401, 403 or None: let in."""
        needed = asked & NEEDS.keys()
        if "ANYBODY" in asked:
            return None
        if "A_DEVICE" in asked or role is None:
            return 401
        if ROLES.index(role) < NEEDS[needed.pop()] or (scoped and "SCOPED" not in asked):
            return 403
        return 403 if "SUPER" in asked and tenant != "default" else None

    def check(self, want, method, path, fields, who):
        status, code, body = self.ask(method, self.fill(path, "nobody"), fields)
        got = status if status == 401 or (status == 403 and code in ("forbidden", "")) else None
        self.assertEqual(got, want, f"{who}: {method} {path}: {status} {body[:200]}")
        self.assertLess(status, 500, f"{who}: {method} {path}: {body[:200]}")

    def test_there_is_something_to_walk(self):
        self.assertGreater(len(routes()), 50)
        self.assertTrue(all(asked & (NEEDS.keys() | {"ANYBODY", "A_DEVICE"}) for _, _, asked in routes()))

    def test_each_role_is_let_in_where_its_row_says_so_and_nowhere_else(self):
        for role in ROLES:
            for method, path, asked in routes():
                if (method, path) != ("POST", "/api/v1/session"):  # whose 401 is an answer
                    self.check(self.expected(asked, role), method, path, bearer(self.tokens[role]), role)

    def test_a_role_for_groups_is_let_in_where_the_row_says_scoped_and_nowhere_else(self):
        for role in ROLES:
            for method, path, asked in routes():
                if (method, path) != ("POST", "/api/v1/session"):
                    self.check(self.expected(asked, role, scoped=True), method, path, bearer(self.scoped[role]), f"scoped {role}")

    def test_a_group_of_the_same_name_gives_a_role_of_old_nothing(self):
        device = self.devices["inside"].name
        put = lambda: self.s.api("PUT", "/api/v1/groups/fleeting", {"about": ""})
        fill = lambda: self.s.api("POST", "/api/v1/groups/fleeting/members", {"add": [device]})
        self.assertLess(put().status, 300)
        self.assertLess(fill().status, 300)
        old = bearer(self.token("operator", groups=["fleeting"]))
        self.assertEqual(self.ask("GET", f"/api/v1/devices/{device}", old)[0], 200)
        self.assertEqual(self.s.api("DELETE", "/api/v1/groups/fleeting").status, 204)
        self.assertLess(put().status, 300)
        self.assertLess(fill().status, 300)
        self.assertEqual(self.ask("GET", f"/api/v1/devices/{device}", old)[0], 404)
        self.assertEqual(json.loads(self.ask("GET", "/api/v1/devices", old)[2])["items"], [])
        self.assertEqual(self.ask("GET", "/api/v1/rollouts", old)[:2], (403, "forbidden"))
        groups = [t["groups"] for t in self.s.api("GET", "/api/v1/tokens").json["items"]]
        self.assertIn(["!"], groups)

    def test_nobody_is_let_in_but_where_anybody_is(self):
        for fields in ({}, bearer("ota_" + "A" * 43), bearer(self.devices["inside"].token), {"Authorization": "Basic YTpi"},
                       {"Cookie": "__Host-ota=ots_" + "A" * 43, "Sec-Fetch-Site": "same-origin"}):
            for method, path, asked in routes():
                if (method, path) != ("POST", "/api/v1/session"):
                    self.check(self.expected(asked, None), method, path, fields, f"nobody with {list(fields)}")

    def test_another_tenants_administrator_is_let_in_to_their_own_and_not_to_what_is_above_tenants(self):
        for method, path, asked in routes():
            if (method, path) != ("POST", "/api/v1/session"):
                self.check(self.expected(asked, "admin", tenant="other"), method, path, bearer(self.other), "other tenant")

    def test_another_site_can_do_nothing_in_a_session_on_any_route(self):
        link = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        cookie = self.s.request("POST", "/api/v1/session", {"token": link}).headers["Set-Cookie"].split(";")[0]
        for method, path, asked in routes():
            if method == "GET" or not asked & NEEDS.keys():
                continue
            for fields in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
                status, code, body = self.ask(method, self.fill(path, "nobody"), {"Cookie": cookie, **fields})
                self.assertEqual((status, code), (403, "forbidden"), (method, path, fields, body))
        self.assertEqual(self.ask("GET", "/api/v1/session", {"Cookie": cookie})[0], 200)

    # ---- what is seen ----

    def see(self, fields):
        """All that GET routes say to this caller of our tenant's real things: (path, status, body)."""
        for method, path, asked in routes():
            if method != "GET" or "ANYBODY" in asked or path.endswith("/events"):
                continue
            for ident in self.real_ids(path):
                real = self.fill(path, ident)
                for tenant in ("default", "other"):
                    if "{tenant}" in path or tenant == "default":
                        at = real.replace("/default/", f"/{tenant}/", 1)
                        status, _, body = self.ask("GET", at, fields)
                        yield at, status, body.replace(f"there is no".encode(), b"") if status == 404 else body

    def test_our_own_administrator_sees_what_is_looked_for(self):
        """Or the tests below would find nothing to hide."""
        seen = [at for at, status, body in self.see(bearer(self.s.token)) if status == 200 and MARK.encode() in body]
        for at in ("/api/v1/devices", "/api/v1/releases", "/api/v1/deployments", "/api/v1/users", "/api/v1/tokens",
                   f"/api/v1/devices/{self.devices['outside'].name}", f"/api/v1/releases/{self.release}"):
            self.assertIn(at, seen)

    def test_another_tenant_sees_nothing_of_ours_on_any_route(self):
        for at, status, body in self.see(bearer(self.other)):
            self.assertTrue(status in (401, 403, 404) or (status in (200, 204, 400) and MARK.encode() not in body), (at, status, body[:300]))

    def test_a_role_for_a_group_sees_nothing_of_a_device_outside_on_any_route(self):
        outside = self.devices["outside"].name
        actions = self.s.api("GET", f"/api/v1/devices/{outside}/history").json["items"]
        hidden = [outside.encode()] + [a["id"].encode() for a in actions]
        inside = 0
        for at, status, body in self.see(bearer(self.scoped["admin"])):
            inside += status == 200 and self.devices["inside"].name.encode() in body
            if status == 200:
                for secret in hidden:
                    self.assertNotIn(secret, body, at)
            elif any(s.decode() in at for s in hidden):
                self.assertIn(status, (401, 403, 404), (at, body))
        self.assertGreater(inside, 3)

    # ---- what is changed ----

    def everything(self):
        return {(at, status): re.sub(rb'"(seen_at|now_at|address)":[^,}]+', b"", body) for at, status, body in self.see(bearer(self.s.token))
                if "/audit" not in at and "/sessions" not in at and at not in ("/metrics", "/api/v1/info")}

    def attack(self, fields, idents):
        """Each route that changes something, on real things, with bodies that would."""
        bodies = (b"{}", json.dumps({"force": True}).encode(), json.dumps({"disabled": True}).encode(),
                  json.dumps({"device": self.devices["outside"].name, "release": self.release}).encode(),
                  json.dumps({"name": "taken"}).encode(), json.dumps({"max_devices": 1}).encode())
        for method, path, asked in routes():
            if method == "GET" or "ANYBODY" in asked or path in ("/api/v1/session", "/api/v1/tenants"):
                continue
            for ident in idents(path):
                for body in bodies if method in ("POST", "PUT", "PATCH") else (b"",):
                    yield method, path, self.ask(method, self.fill(path, ident), fields, body)

    def test_another_tenant_changes_nothing_of_ours_on_any_route(self):
        before = self.everything()
        for method, path, (status, _, body) in self.attack(bearer(self.other), self.real_ids):
            self.assertLess(status, 500, (method, path, body))  # 2xx: something of their own that has the same name
        self.assertEqual(self.everything(), before)

    def test_a_role_for_a_group_changes_nothing_of_a_device_outside_on_any_route(self):
        outside = self.devices["outside"].name
        action = self.s.api("GET", f"/api/v1/devices/{outside}/history").json["items"][0]["id"]
        look = lambda: [re.sub(rb'"(seen_at|address)":[^,]+', b"", self.s.api("GET", f"/api/v1/devices/{outside}{tail}").body)
                        for tail in ("", "/history")]
        before = look()
        for method, path, (status, _, body) in self.attack(bearer(self.scoped["admin"]), lambda path: [outside, action]):
            if "{id}" in path or path == "/api/v1/deployments":
                self.assertIn(status, (400, 401, 403, 404, 409, 428), (method, path, body))
        self.assertEqual(look(), before)

    def test_a_role_for_a_group_works_within_it(self):
        name = self.devices["inside"].name
        self.assertEqual([d["id"] for d in json.loads(self.ask("GET", "/api/v1/devices", bearer(self.scoped["viewer"]))[2])["items"]], [name])
        body = json.dumps({"device": name, "release": self.release}).encode()
        self.assertIn(self.ask("POST", "/api/v1/deployments", bearer(self.scoped["operator"]), body)[0], (201, 409))
        self.assertEqual(self.ask("POST", "/api/v1/deployments", bearer(self.scoped["viewer"]), body)[0], 403)
        body = json.dumps({"device": self.devices["outside"].name, "release": self.release}).encode()
        self.assertEqual(self.ask("POST", "/api/v1/deployments", bearer(self.scoped["operator"]), body)[0], 404)

    def test_a_role_for_a_group_learns_why_and_may_send_a_request_twice(self):
        inside, outside = (self.devices[name].name for name in ("inside", "outside"))
        why = self.ask("GET", f"/api/v1/devices/{inside}/why", bearer(self.scoped["viewer"]))
        self.assertEqual((why[0], "reasons" in json.loads(why[2])), (200, True), why)
        self.assertEqual(self.ask("GET", f"/api/v1/devices/{outside}/why", bearer(self.scoped["viewer"]))[0], 404)
        fields = {**bearer(self.scoped["operator"]), "Idempotency-Key": "scoped"}
        first, again = (self.ask("POST", f"/api/v1/devices/{inside}/token", fields) for _ in range(2))
        self.assertEqual((first[0], again), (200, first))
        self.devices["inside"].token = json.loads(first[2])["token"]

    def test_a_group_that_is_gone_leaves_its_role_with_nothing(self):
        token = self.token("viewer", groups=["never-was"])
        self.assertEqual(json.loads(self.ask("GET", "/api/v1/devices", bearer(token))[2])["items"], [])
        self.assertEqual(self.ask("GET", f"/api/v1/devices/{self.devices['inside'].name}", bearer(token))[0], 404)

    # ---- devices ----

    def test_a_devices_token_opens_nothing_of_another_device_or_tenant(self):
        third = self.s.add_tenant("third")
        theirs = self.s.request("POST", "/api/v1/devices", {"id": self.devices["inside"].name}, bearer(third)).json["token"]
        for method, path, asked in routes():
            if "A_DEVICE" not in asked:
                continue
            at = self.fill(path, self.devices["inside"].name)
            for token in (self.devices["outside"].token, theirs):
                status, _, body = self.ask(method, at, {"Authorization": f"TargetToken {token}"})
                self.assertEqual(status, 401, (method, at, body))
            own = self.ask(method, at, {"Authorization": f"TargetToken {self.devices['inside'].token}"})
            self.assertNotIn(own[0], (401, 403), (method, at))
        for tenant in ("third", "THIRD", "Third"):
            device = Device(self.s, self.devices["inside"].name, theirs)
            at = f"/{tenant}/controller/v1/{device.name}"
            self.assertEqual(self.s.request("GET", at, None, {"Authorization": f"TargetToken {theirs}"}).status, 200)

    # ---- events ----

    def test_events_stay_within_tenant_and_scope(self):
        streams = {who: Stream(self.s, "/api/v1/events", bearer(token))
                   for who, token in (("ours", self.s.token), ("scoped", self.scoped["viewer"]), ("other", self.other))}
        for stream in streams.values():
            self.addCleanup(stream.close)
            self.assertEqual(stream.status, 200)
        for name in ("outside", "inside"):
            self.devices[name].request("PUT", "/configData", {"data": {"n": "1"}})
        self.s.request("POST", "/api/v1/devices", {"id": "of-the-other"}, bearer(self.other))
        shown = {}
        for who, last in (("ours", self.devices["inside"].name), ("scoped", self.devices["inside"].name), ("other", "of-the-other")):
            seen = shown[who] = []
            streams[who].expect(lambda i, event, data: seen.append(json.dumps(data)) or (event == "device" and data["id"] == last))
        self.assertTrue(any(self.devices["outside"].name in text for text in shown["ours"]))
        self.assertFalse(any(self.devices["outside"].name in text for text in shown["scoped"]))
        self.assertFalse(any(MARK in text for text in shown["other"]))


if __name__ == "__main__":
    unittest.main()
