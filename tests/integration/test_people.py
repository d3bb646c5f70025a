# SPDX-License-Identifier: Apache-2.0
"""Users and their passwords, sessions, API tokens: who comes in, what they may do, and that it ends when it should."""

import json
import os
import sqlite3
import subprocess
import time
import unittest

from .fleet import OwnServer, shared_server
from .server import OTA_SERVER, PATIENCE, Stream

PASSWORD = "correct horse battery"
HERE = {"Sec-Fetch-Site": "same-origin"}


class People(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls)

    def name(self):
        return self.id().rsplit(".", 1)[1][-60:]

    def add(self, role="viewer", password=PASSWORD, **more):
        body = {"name": self.name(), "password": password, "role": role, **more}
        answer = self.s.api("POST", "/api/v1/users", body)
        self.assertEqual(answer.status, 201, answer.body)
        return self.name()

    def login(self, user, password=PASSWORD, headers=None, **more):
        return self.s.request("POST", "/api/v1/session", {"user": user, "password": password, **more}, headers)

    def cookie(self, *words, **more):
        answer = self.login(*words, **more)
        self.assertEqual(answer.status, 204, answer.body)
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0], **HERE}

    def get(self, path, fields):
        return self.s.request("GET", path, headers=fields)


class Passwords(People):
    def test_user_and_password_begin_a_session_of_their_role(self):
        user = self.add("operator")
        answer = self.login(user)
        self.assertEqual(answer.status, 204)
        for word in ("__Host-ota=ots_", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, answer.headers["Set-Cookie"])
        me = self.get("/api/v1/session", {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}).json
        self.assertEqual((me["user"], me["role"], me["tenant"], me["groups"], me["has_password"]),
                         (user, "operator", "default", None, True))
        self.assertIsNotNone(self.s.api("GET", f"/api/v1/users/{user}").json["login_at"])

    def test_a_wrong_password_and_an_unknown_user_are_told_in_the_same_words(self):
        user = self.add()
        wrong, unknown = self.login(user, "x" * 20 + "y"), self.login(user + "-not", PASSWORD)
        self.assertEqual((wrong.status, unknown.status), (401, 401))
        self.assertEqual(wrong.json, unknown.json)

    def test_an_unknown_user_takes_as_long_as_a_wrong_password(self):
        user, slow, fast = self.add(), [], []
        for i in range(6):
            for name, times in ((user, slow), (f"{user}-{i}", fast)):
                begin = time.monotonic()
                self.login(name, "not the password")
                times.append(time.monotonic() - begin)
        # argon2id is most of it: without it this is 1/10. The quickest of each: what else the machine does only adds.
        self.assertGreater(min(fast), min(slow) / 3)

    def test_a_password_is_never_stored_or_logged(self):
        password = "never-to-be-found-again"
        user = self.add(password=password)
        self.login(user, password)
        self.login(user, password + "!")
        for file in self.s.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(password.encode(), file.read_bytes(), file)
        self.assertNotIn(password, self.s.log())
        db = sqlite3.connect(f"file:{self.s.data}/ota.db?mode=ro", uri=True)
        stored = db.execute("SELECT password FROM person WHERE name = ?", (user,)).fetchone()[0]
        db.close()
        self.assertRegex(stored, r"^\$argon2id\$v=19\$m=19456,t=2,p=1\$")

    def test_what_is_no_good_password_is_refused_in_a_sentence(self):
        for password in ("short", "x" * 40, "x" * 12, self.name(), "y" * 300):
            answer = self.s.api("POST", "/api/v1/users", {"name": self.name(), "password": password, "role": "viewer"})
            self.assertEqual((answer.status, answer.json["code"]), (400, "malformed"), password)
        self.assertEqual(self.s.api("GET", f"/api/v1/users/{self.name()}").status, 404)

    def test_too_many_wrong_passwords_are_told_to_wait_and_a_right_one_costs_nothing(self):
        user = self.add()
        for _ in range(15):
            self.assertEqual(self.login(user).status, 204)
        codes = [self.login(user, "not the password").status for _ in range(12)]
        self.assertEqual(codes[:10], [401] * 10)
        self.assertEqual(codes[10:], [429] * 2)
        answer = self.login(user)
        self.assertEqual((answer.status, answer.json["code"]), (429, "rate-limited"))
        self.assertTrue(0 < int(answer.headers["Retry-After"]) <= 30)
        self.assertEqual(self.login(user + "-other").status, 401)

    def test_ones_own_password_is_changed_with_the_old_one_and_ends_other_sessions(self):
        user = self.add()
        here, other = self.cookie(user), self.cookie(user)
        put = lambda old, new: self.s.request("PUT", "/api/v1/session/password", {"password": old, "new": new}, here)
        self.assertEqual(put("not the password", "a whole new one").status, 403)
        self.assertEqual(put(PASSWORD, "short").status, 400)
        self.assertEqual(self.get("/api/v1/session", other).status, 200)
        answer = put(PASSWORD, "a whole new one")
        self.assertEqual(answer.status, 204, answer.body)
        new = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual([self.get("/api/v1/session", f).status for f in (new, here, other)], [200, 401, 401])
        self.assertEqual((self.login(user).status, self.login(user, "a whole new one").status), (401, 204))

    def test_logging_in_ends_the_session_that_the_browser_had(self):
        user = self.add()
        planted = self.cookie(user)
        new = self.cookie(user, headers=planted)
        self.assertNotEqual(planted["Cookie"], new["Cookie"])
        self.assertEqual(self.get("/api/v1/session", planted).status, 401)

    def test_another_site_cannot_log_anybody_in_by_password(self):
        user = self.add()
        for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            self.assertEqual(self.login(user, headers=fields).status, 403)

    def test_another_site_cannot_change_a_password_or_a_user(self):
        user = self.add("admin")
        cookie = self.cookie(user)["Cookie"]
        for method, path, body in (("PUT", "/api/v1/session/password", {"password": PASSWORD, "new": "a whole new one"}),
                                   ("POST", "/api/v1/session/confirm", {"password": PASSWORD}),
                                   ("DELETE", f"/api/v1/users/{user}", None), ("POST", "/api/v1/tokens", {"name": "x", "role": "admin"})):
            for fields in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
                self.assertEqual(self.s.request(method, path, body, {"Cookie": cookie, **fields}).status, 403, path)
        self.assertEqual(self.login(user).status, 204)


class Rights(People):
    def test_a_disabled_user_is_out_at_once_streams_included(self):
        user = self.add("admin")
        cookie = self.cookie(user)
        stream = Stream(self.s, "/api/v1/events", cookie)
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        self.assertEqual(self.s.api("PUT", f"/api/v1/users/{user}", {"disabled": True}).json["disabled"], True)
        self.assertTrue(stream.ends())
        self.assertEqual(self.get("/api/v1/session", cookie).status, 401)
        self.assertEqual(self.login(user).status, 401)
        self.s.api("PUT", f"/api/v1/users/{user}", {"disabled": False})
        self.assertEqual(self.login(user).status, 204)

    def test_another_role_ends_the_sessions_that_had_the_old_one(self):
        user = self.add("admin")
        cookie = self.cookie(user)
        self.assertEqual(self.get("/api/v1/users", cookie).status, 200)
        self.s.api("PUT", f"/api/v1/users/{user}", {"role": "viewer"})
        self.assertEqual(self.get("/api/v1/users", cookie).status, 401)
        self.assertEqual(self.get("/api/v1/users", self.cookie(user)).status, 403)

    def test_a_deleted_user_is_gone_with_every_session(self):
        user = self.add()
        cookie = self.cookie(user)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/users/{user}").status, 204)
        self.assertEqual((self.get("/api/v1/session", cookie).status, self.login(user).status), (401, 401))
        self.assertEqual(self.s.api("DELETE", f"/api/v1/users/{user}").status, 404)

    def test_nobody_takes_the_right_to_administer_from_themselves(self):
        user = self.add("admin")
        cookie = self.cookie(user)
        for method, body in (("PUT", {"role": "viewer"}), ("PUT", {"disabled": True}), ("DELETE", None)):
            answer = self.s.request(method, f"/api/v1/users/{user}", body, cookie)
            self.assertEqual((answer.status, answer.json["code"]), (409, "conflict"))

    def test_ones_own_sessions_are_listed_and_ended_and_others_are_not_ones_business(self):
        user = self.add()
        here, lost = self.cookie(user), self.cookie(user)
        items = self.get("/api/v1/sessions", here).json["items"]
        self.assertEqual([s["current"] for s in items].count(True), 1)
        self.assertEqual({s["address"] for s in items}, {"127.0.0.1"})
        other = next(s["id"] for s in items if not s["current"])
        self.assertEqual(self.s.request("DELETE", f"/api/v1/sessions/{other}", headers=here).status, 204)
        self.assertEqual((self.get("/api/v1/session", lost).status, self.get("/api/v1/session", here).status), (401, 200))
        self.assertEqual(self.get("/api/v1/sessions?user=somebody", here).status, 403)
        mine = next(s["id"] for s in items if s["current"])
        self.assertEqual(self.s.api("GET", f"/api/v1/sessions?user={user}").json["items"][0]["id"], mine)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/sessions/{mine}").status, 404)  # not the token's own
        self.assertEqual(self.s.api("DELETE", f"/api/v1/sessions/{mine}?user={user}").status, 204)
        self.assertEqual(self.get("/api/v1/session", here).status, 401)

    def test_an_api_token_called_like_a_user_has_nothing_of_theirs(self):
        user = self.add()
        self.cookie(user)
        mine = self.s.api("GET", f"/api/v1/sessions?user={user}").json["items"][0]["id"]
        token = self.s.api("POST", "/api/v1/tokens", {"name": user, "role": "viewer"}).json["token"]
        namesake = {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.get("/api/v1/sessions", namesake).json["items"], [])
        self.assertEqual(self.get(f"/api/v1/sessions?user={user}", namesake).status, 403)
        self.assertEqual(self.s.request("DELETE", f"/api/v1/sessions/{mine}", headers=namesake).status, 404)

    def test_a_user_has_no_more_sessions_than_fit(self):
        user = self.add()
        first = self.cookie(user)
        for _ in range(32):
            self.cookie(user)
        self.assertEqual(len(self.s.api("GET", f"/api/v1/sessions?user={user}").json["items"]), 32)
        self.assertEqual(self.get("/api/v1/session", first).status, 401)

    def test_two_users_of_one_name_and_bad_ones_are_refused(self):
        user = self.add()
        body = {"name": user, "password": PASSWORD, "role": "viewer"}
        self.assertEqual(self.s.api("POST", "/api/v1/users", body).status, 409)
        for wrong in ({"name": "a b"}, {"name": ""}, {"role": "gateway"}, {"role": "nobody"}, {"role": "king"}, {"groups": []},
                      {"groups": ["a b"]}, {"groups": "a"}, {"groups": [f"g{i}" for i in range(9)]}):
            answer = self.s.api("POST", "/api/v1/users", {**body, **wrong})
            self.assertEqual(answer.status, 400, (wrong, answer.body))
        self.assertEqual(self.s.api("PUT", f"/api/v1/users/{user}", {}).status, 400)
        self.assertEqual(self.s.api("PUT", f"/api/v1/users/{user}", {"groups": ["a"]}).status, 400)


class Tokens(People):
    def make(self, role="viewer", **more):
        answer = self.s.api("POST", "/api/v1/tokens", {"name": self.name(), "role": role, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json

    def bearer(self, token):
        return {"Authorization": f"Bearer {token}"}

    def test_a_token_has_its_role_is_listed_without_its_secret_and_revoked_at_once(self):
        made = self.make("operator")
        fields = self.bearer(made["token"])
        self.assertEqual(self.get("/api/v1/session", fields).json["role"], "operator")
        self.assertEqual(self.get("/api/v1/tokens", fields).status, 403)
        shown = next(t for t in self.s.api("GET", "/api/v1/tokens").json["items"] if t["id"] == made["id"])
        self.assertTrue(made["token"].startswith(shown["prefix"]) and "token" not in shown)
        self.assertEqual((shown["made_by"], shown["role"]), ("admin", "operator"))
        self.assertAlmostEqual(shown["expires_at"] - shown["created_at"], 90 * 86400000, delta=5000)
        stream = Stream(self.s, "/api/v1/events", fields)
        self.addCleanup(stream.close)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/tokens/{made['id']}").status, 204)
        self.assertTrue(stream.ends())
        self.assertEqual(self.get("/api/v1/session", fields).status, 401)
        self.assertEqual(self.s.api("DELETE", f"/api/v1/tokens/{made['id']}").status, 404)

    def test_a_token_ends_when_it_was_said_to(self):
        now = self.s.request("GET", "/api/v1/info").json["now_at"]
        self.assertEqual(self.s.api("POST", "/api/v1/tokens", {"name": "x", "role": "viewer", "expires_at": now}).status, 400)
        self.assertIsNone(self.make(expires_at=None)["expires_at"])
        ends = now + 1_000_000_000  # so that it is made however slowly; then its end is drawn near
        fields = self.bearer(self.make(expires_at=ends)["token"])
        self.assertEqual(self.get("/api/v1/session", fields).json["expires_at"], ends)
        ends = int(time.time() * 1000) + 1500
        with sqlite3.connect(self.s.data / "ota.db", timeout=PATIENCE) as db:
            db.execute("UPDATE api_token SET expires_at = ? WHERE name = ?", (ends, self.name()))
        db.close()
        end = time.monotonic() + PATIENCE
        while self.get("/api/v1/session", fields).status != 401:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)  # who asks without pause is answered 429
        self.assertGreaterEqual(time.time() * 1000, ends)

    def test_a_token_is_somebodys_and_a_gateways_opens_nothing_here(self):
        self.assertEqual(self.s.api("POST", "/api/v1/tokens", {"name": "x", "role": "nobody"}).status, 400)
        for path in ("/api/v1/session", "/api/v1/devices", "/api/v1/tokens"):
            self.assertIn(self.get(path, self.bearer(self.make("gateway")["token"])).status, (401, 403))


class StepUp(OwnServer):
    def test_a_session_that_is_no_longer_fresh_is_asked_for_its_password(self):
        self.s.options = ("--console-step-up", "1s")
        self.s.start()
        self.s.api("POST", "/api/v1/users", {"name": "a", "password": PASSWORD, "role": "admin"})
        answer = self.s.request("POST", "/api/v1/session", {"user": "a", "password": PASSWORD})
        cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0], **HERE}
        ask = lambda: self.s.request("POST", "/api/v1/tokens", {"name": "x", "role": "viewer"}, cookie)
        end = time.monotonic() + PATIENCE
        while (answer := ask()).status == 201:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual((answer.status, answer.json["code"]), (403, "prove-yourself"))
        self.assertEqual(self.s.request("GET", "/api/v1/tokens", headers=cookie).status, 200)
        confirm = lambda password: self.s.request("POST", "/api/v1/session/confirm", {"password": password}, cookie).status
        self.assertEqual((confirm("not the password"), ask().status), (403, 403))
        while True:
            begun = time.monotonic()
            self.assertEqual(confirm(PASSWORD), 204)
            if ask().status == 201:
                break
            self.assertGreater(time.monotonic() - begun, 1)  # it was fresh no longer: once more
            self.assertLess(begun, end + PATIENCE)

    def test_a_session_ends_when_nobody_uses_it(self):
        for idle in (2, 10, 60):  # seconds; on a slow machine one may pass between two requests
            self.s.options = ("--console-session-idle", f"{idle}s", "--limits-caller-rate", "0")
            self.s.start()
            self.s.api("POST", "/api/v1/users", {"name": "a", "password": PASSWORD, "role": "viewer"})
            cookies = []
            for _ in range(2):
                answer = self.s.request("POST", "/api/v1/session", {"user": "a", "password": PASSWORD})
                cookies.append({"Cookie": answer.headers["Set-Cookie"].split(";")[0]})
            used, asked = self.used_for(2 * idle, cookies[0])
            self.assertEqual(self.get_session(cookies[1]), 401)
            if used:
                return
            self.assertGreater(asked, idle / 2, "it ended although it was used")
            self.s.stop()
        self.fail("this machine is too slow to use a session")

    def get_session(self, cookie):
        return self.s.request("GET", "/api/v1/session", headers=cookie).status

    def used_for(self, seconds, cookie):
        """Whether the session lived while it was used for so long, and the longest time between two requests."""
        begun = before = time.monotonic()
        lived, longest = True, 0
        while before < begun + seconds:
            lived = self.get_session(cookie) == 200 and lived
            now = time.monotonic()
            longest, before = max(longest, now - before), now
        return lived, longest


class CommandLine(OwnServer):
    def server(self, *words, password=None, check=True):
        reader, writer = os.pipe()
        os.write(writer, ((password or "") + "\n").encode())
        os.close(writer)
        more = ["--passphrase-fd", str(reader)] if password is not None else []
        done = subprocess.run([OTA_SERVER, "admin", *words, "--server-data-dir", self.s.data, *more], pass_fds=[reader],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        os.close(reader)
        self.assertEqual(done.returncode == 0, check, done.stderr)
        return done

    def login(self, user, password, **more):
        return self.s.request("POST", "/api/v1/session", {"user": user, "password": password, **more}).status

    def test_who_holds_the_data_directory_adds_a_user_and_gives_a_new_password(self):
        self.s.start()
        self.server("user-add", "root", password=PASSWORD)
        self.assertEqual(self.login("root", PASSWORD), 204)
        self.assertIn("already", self.server("user-add", "root", password=PASSWORD, check=False).stderr)
        self.assertIn("12 to 256", self.server("user-add", "weak", password="short", check=False).stderr)
        self.assertIn("--passphrase-fd", self.server("user-add", "nobody", check=False).stderr)
        self.s.api("PUT", "/api/v1/users/root", {"disabled": True})
        self.server("user-reset", "root", password="another good password")
        self.assertEqual((self.login("root", PASSWORD), self.login("root", "another good password")), (401, 204))
        self.server("user-add", "reader", "--role", "viewer", "--group", "a", "--group", "b", password=PASSWORD)
        shown = self.s.api("GET", "/api/v1/users/reader").json
        self.assertEqual((shown["role"], shown["groups"]), ("viewer", ["a", "b"]))

    def test_reset_can_end_all_that_administrators_had_before(self):
        self.s.start()
        old = self.s.token
        link = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        viewer = self.s.api("POST", "/api/v1/tokens", {"name": "v", "role": "viewer"}).json["token"]
        self.s.token = json.loads(subprocess.run(
            [OTA_SERVER, "admin", "reset", "--end-others", "--server-data-dir", self.s.data, "--json"], check=True,
            capture_output=True, text=True).stdout)["token"]
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {old}"}).status, 401)
        self.assertEqual(self.s.request("POST", "/api/v1/session", {"token": link}).status, 401)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {viewer}"}).status, 200)
        self.assertEqual(self.s.api("GET", "/api/v1/users").status, 200)

    def test_the_operators_command_line_covers_users_tokens_and_tenants(self):
        self.s.start()
        self.assertEqual(self.s.remote("user", "list"), [])
        self.s.api("POST", "/api/v1/users", {"name": "a", "password": PASSWORD, "role": "viewer"})
        self.assertEqual(self.s.remote("user", "set", "a", "--role", "operator", "--group", "g")["groups"], ["g"])
        self.assertTrue(self.s.remote("user", "disable", "a")["disabled"])
        self.assertFalse(self.s.remote("user", "enable", "a")["disabled"])
        self.assertEqual([u["name"] for u in self.s.remote("user", "list")], ["a"])
        made = self.s.remote("token", "create", "ci", "--role", "release-manager", "--life", "1h")
        self.assertLess(made["expires_at"] - made["created_at"], 3700000)
        fields = {"Authorization": f"Bearer {made['token']}"}
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).json["role"], "release-manager")
        self.assertIn(made["id"], [t["id"] for t in self.s.remote("token", "list")])
        plain = self.s.ota("token", "list", "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file", self.s.place / "token")
        self.assertIn(made["prefix"], plain)
        self.assertNotIn(made["token"], plain)
        self.s.ota("token", "revoke", made["id"], "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file",
                   self.s.place / "token")
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).status, 401)
        self.assertIn("login", self.s.remote("tenant", "add", "other", "--max-devices", "5"))
        self.assertEqual([(t["name"], t["max_devices"]) for t in self.s.remote("tenant", "list")], [("default", None), ("other", 5)])
