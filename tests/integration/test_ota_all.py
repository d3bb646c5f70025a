# SPDX-License-Identifier: Apache-2.0
"""ota covers the management API: it is run against a real server, whose metrics count which routes it asked for."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from .fleet import shared_server
from .server import BUILD, OTA, PATIENCE

PASSWORD = "correct horse battery"

# Routes that ota never asks for, and why it need not.
ELSEWHERE = {
    "GET /api/v1/openapi.json": "for generators of clients",
    "GET /api/v1/session": "who the console's cookie is; ota login keeps that itself",
    "GET /api/v1/uploads/{id}": "POST of the same upload says as well where it stands",
    "DELETE /api/v1/uploads/{id}": "a push that was cut goes on with its upload; what nobody goes on with ends by itself",
    "GET /api/v1/audit/proof/inclusion": "ota audit verify hashes the whole log, which proves more",
    "GET /api/v1/audit/proof/consistency": "likewise",
    "DELETE /api/v1/devices/{id}": "ota device delete makes a job, also of one device",
}


class Coverage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls, "--server-demo", "yes")
        cls.home = cls.s.place
        cls.env = {**os.environ, "HOME": str(cls.home)}

    def counted(self):
        """How often each route was answered."""
        lines = self.s.request("GET", "/metrics?names=ota_http_requests_total", None,
                               {"Authorization": f"Bearer {self.s.token}"}).body.decode().splitlines()
        counts = {}
        for line in lines:
            if found := re.match(r'ota_http_requests_total\{route="([^"]*)",status="\dxx"\} (\d+)', line):
                route = found[1].replace("*}", "}")
                counts[route] = counts.get(route, 0) + int(found[2])
        return counts

    def ota(self, *words, secrets=(), session=False, fails=False):
        where = [] if session else ["--server", self.s.url, "--ca", str(self.s.data / "ca.pem"), "--token-file",
                                    str(self.home / "token")]
        reader, writer = os.pipe()
        os.write(writer, "".join(s + "\n" for s in secrets).encode())
        os.close(writer)
        fd = ["--passphrase-fd", str(reader)] if secrets else []
        done = subprocess.run([OTA, *map(str, words), *where, *fd], env=self.env, cwd=self.home, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, pass_fds=[reader])
        os.close(reader)
        self.assertEqual(done.returncode != 0, fails, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words, **more):
        return json.loads(self.ota(*words, "--json", **more))

    def exported(self, *words):
        """CSV as it is, with the ends of its lines."""
        return subprocess.run([OTA, *words, "--csv", "--server", self.s.url, "--ca", str(self.s.data / "ca.pem"), "--token-file",
                               str(self.home / "token")], env=self.env, check=True, capture_output=True).stdout.decode()

    def publish(self):
        (self.home / "online.json").write_text(self.ota("keys", "online"))
        self.s.keys = self.home / "keys"
        self.s.ota("keys", "init", self.s.keys, "--online", self.home / "online.json", "--demo")
        self.release = self.json("release", "push", self.s.make_bundle("1.0.0"))["id"]
        self.ota("release", "list")
        self.ota("release", "show", self.release)
        self.ota("delta", "list", "--product", "gateway")

    def look_after_devices(self):
        self.ota("device", "add", "gw-1", "--product", "gateway")
        self.ota("device", "list")
        self.ota("device", "show", "gw-1")
        self.ota("device", "set", "gw-1", "--site", "north")
        self.ota("device", "token", "gw-1")
        self.ota("device", "tag", "field", "gw-1")
        action = self.json("device", "assign", "gw-1", self.release)["id"]
        self.ota("device", "history", "gw-1")
        self.ota("device", "why", "gw-1")
        self.ota("deployment", "list")
        self.assertEqual([d["id"] for d in self.json("deployment", "list", "--filter", "site==north")], [action])
        self.assertEqual(self.json("deployment", "list", "--filter", "site==south"), [])
        self.assertIn(f"\r\n{action},gw-1,gateway,1.0.0,assigned,", self.exported("deployment", "list"))
        self.ota("deployment", "show", action)
        self.ota("deployment", "cancel", action)
        job = self.json("job", "list")[0]["id"]
        self.ota("job", "show", job)
        self.ota("job", "cancel", job, fails=True)  # it has ended
        self.ota("device", "delete", "gw-1", "--yes")

    def look_after_the_fleet(self):
        for words in (["versions"], ["versions", "--behind"], ["history"], ["failures"]):
            self.ota("fleet", *words)
        self.ota("product", "set", "gateway", "--about", "x")
        self.ota("product", "list")
        self.ota("product", "show", "gateway")
        self.ota("product", "delete", "gateway")
        self.ota("group", "create", "north")
        self.ota("group", "list")
        self.ota("group", "show", "north")
        self.ota("group", "set", "north", "--about", "x")
        self.ota("group", "remove", "north", "gw-1")
        self.ota("group", "delete", "north")
        self.ota("freeze", "--reason", "x")
        self.ota("freeze")
        self.ota("thaw")
        self.ota("settings", "show")
        self.ota("settings", "set", "poll-interval=10m")
        self.ota("audit", "list")
        self.ota("audit", "verify")

    def roll_out(self):
        plan = self.home / "plan.json"
        plan.write_text(json.dumps({"name": "changed", "release": self.release, "selection": ""}))
        made = self.json("rollout", "create", "--release", self.release, "--filter", "")["id"]
        self.assertEqual(self.json("rollout", "change", made, plan)["name"], "changed")
        self.ota("rollout", "list")
        for verb in ("show", "preview", "members", "evidence", "why"):
            self.ota("rollout", verb, made)
        self.ota("rollout", "delete", made)
        for verb in ("start", "approve", "pause", "resume", "stop", "rollback"):
            self.ota("rollout", verb, made, fails=True)  # it is gone

    def look_after_people(self):
        self.ota("user", "add", "ann", "--role", "admin", secrets=[PASSWORD])
        self.ota("user", "list")
        self.ota("user", "show", "ann")
        self.ota("login", "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--user", "ann", secrets=[PASSWORD],
                 session=True)
        self.ota("session", "confirm", secrets=[PASSWORD], session=True)
        self.ota("session", "password", secrets=[PASSWORD, PASSWORD + "2"], session=True)
        own = self.json("session", "list", session=True)
        self.assertEqual([s["current"] for s in own], [True])
        self.ota("session", "confirm", secrets=[PASSWORD], session=True, fails=True)
        self.ota("session", "confirm", secrets=[PASSWORD + "2"], session=True)
        self.ota("session", "password", secrets=[PASSWORD, PASSWORD], fails=True)  # a token has none
        self.ota("session", "revoke", "1", session=True, fails=True)
        self.ota("logout", session=True)
        self.ota("user", "set", "ann", "--role", "viewer")
        self.ota("user", "remove", "ann")
        token = self.json("token", "create", "t")["id"]
        self.ota("token", "list")
        self.ota("token", "revoke", token)
        self.assertIn("(once, for ten minutes)  otl_", self.ota("tenant", "add", "other"))
        self.ota("tenant", "list")
        self.assertEqual(self.json("tenant", "limits", "other", "devices=5", "bytes=1000")["max_devices"], 5)
        limits = self.json("tenant", "limits", "other", "devices=none")
        self.assertEqual((limits["max_devices"], limits["max_bytes"]), (None, 1000))
        for wrong in ("devices", "devices=0", "devices=x", "rooms=1", "=1"):
            self.ota("tenant", "limits", "other", wrong, fails=True)

    def tell_others(self):
        hook = self.json("webhook", "add", "https://example.com/a", "--event", "device")["id"]
        self.assertEqual(self.json("webhook", "set", hook, "--url", "https://example.com/b")["url"],
                         "https://example.com/b")
        self.ota("webhook", "list")
        self.ota("webhook", "show", hook)
        self.ota("webhook", "deliveries", hook)
        self.ota("webhook", "replay", hook, "1", fails=True)  # nothing was sent
        self.ota("webhook", "delete", hook)
        with subprocess.Popen([OTA, "events", "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file",
                               self.home / "token", "--json"], stdout=subprocess.PIPE, text=True) as events:
            try:
                while self.counted().get("GET /api/v1/events", 0) == 0:
                    self.assertIsNone(events.poll())
            finally:
                events.terminate()

    def withdraw(self):
        targets = self.s.ota("release", "unlist", "gateway", "1.0.0", "--keys", self.s.keys, "--demo").split()[0]
        self.ota("release", "withdraw", self.release, "--reason", "x", "--targets", targets)
        self.assertRegex(self.ota("release", "show", self.release), r"state +withdrawn\nwithdrawn by +\w+\nbecause +x\n")

    def test_each_route_is_asked_for_by_some_verb(self):
        document = json.loads(pathlib.Path(BUILD / "server/api/openapi.json").read_text())
        routes = {f"{method.upper()} {path}" for path, operations in document["paths"].items()
                  for method in operations if path.startswith("/api/v1/") and method != "parameters"}
        before = self.counted()
        for part in (self.publish, self.look_after_devices, self.look_after_the_fleet, self.roll_out,
                     self.look_after_people, self.tell_others, self.withdraw):
            part()
        asked = {route for route, n in self.counted().items() if n > before.get(route, 0)}
        self.assertEqual(sorted(routes - asked - set(ELSEWHERE)), [], "no verb of ota asks for these")
        self.assertEqual(sorted(asked & set(ELSEWHERE)), [], "ota asks for these: they need no excuse")
