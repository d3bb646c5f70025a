# SPDX-License-Identifier: Apache-2.0
"""ota against the real ota-server: publication, uploads that are cut, devices, deployments, events."""

import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from lab.demo.house import Server, program
from lab.device import PATIENCE

DONE, FAILED, USAGE, REFUSED, UNREACHABLE = range(5)
MIB = 1024 * 1024


class Cutter:
    """Passes TCP on to a port, counts what clients send, and cuts everything off after so many bytes."""

    def __init__(self, port, allowance=None):
        self.port, self.left, self.sent = port, allowance, 0
        self.lock = threading.Lock()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def allow(self, data):
        with self.lock:
            self.sent += len(data)
            if self.left is None:
                return data
            data = data[: self.left]
            self.left -= len(data)
            return data

    def pump(self, source, sink, counted):
        try:
            while data := source.recv(65536):
                passed = self.allow(data) if counted else data
                sink.sendall(passed)
                if len(passed) < len(data):
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close() if counted else None

    def close(self):
        self.door.close()


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.stack.name)
        cls.server = Server(cls.base / "server")
        cls.server.start()
        cls.addClassCleanup(cls.stack.cleanup)
        cls.addClassCleanup(cls.server.stop)
        cls.server.make_token()
        config = cls.base / ".config/ota/ota.ini"
        config.parent.mkdir(parents=True)
        config.write_text(
            f"[server]\nurl = {cls.server.url}\nca = {cls.server.ca}\ntoken-file = {cls.server.token_file}\n"
        )
        (cls.base / "online.json").write_text(cls.ota("keys", "online")[0])
        cls.ota("keys", "init", "keys", "--online", "online.json", "--demo")

    @classmethod
    def ota(cls, *args, status=DONE):
        words = [str(w) for w in (program("ota"), *args)]
        done = subprocess.run(words, cwd=cls.base, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              start_new_session=True, env={**os.environ, "HOME": str(cls.base)}, timeout=120)
        if done.returncode != status:
            raise AssertionError(f"{words}: exit {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def signed(self, version, size=300_000):
        image = self.base / f"{version}.img"
        image.write_bytes(os.urandom(size))
        bundle = f"{version}.bundle"
        self.ota("bundle", "create", bundle, "--keys", "keys", "--demo", "--product", "gateway", "--hardware", "revA",
                 "--version", version, "--image", f"firmware={image}")
        self.ota("release", "sign", bundle, "--keys", "keys", "--demo")
        return bundle

    def listed(self, *words):
        return json.loads(self.ota(*words, "--json")[0])

    def release(self, version):
        return next(r["id"] for r in self.listed("release", "list") if r["version"] == version)

    def test_a_release_is_published_listed_and_exported(self):
        bundle = self.signed("1.0.0")
        _, said = self.ota("release", "export", bundle, "early.ota", status=REFUSED)
        self.assertIn("run ota release push", said)
        self.assertFalse((self.base / "early.ota").exists())
        self.assertIn("Published gateway 1.0.0", self.ota("release", "push", bundle)[0])
        self.assertIn("Published gateway 1.0.0", self.ota("release", "push", bundle)[0])
        self.assertEqual(1, sum(r["version"] == "1.0.0" for r in self.listed("release", "list")))
        told = self.listed("release", "export", bundle, "out.ota")
        self.assertEqual(told, {"file": "out.ota", "product": "gateway", "version": "1.0.0", "root_version": 1,
                                "targets_version": told["targets_version"]})
        said, _ = self.ota("bundle", "verify", "out.ota", "--root", "keys/root.json", "--boot-key",
                           "keys/boot-key-0.pub")
        self.assertIn("vouched for by targets", said)
        self.assertNotIn("not there", said)
        self.assertIn("signed and published", self.ota("bundle", "info", "out.ota")[0])

    def test_an_upload_that_was_cut_goes_on_where_it_stood(self):
        bundle = self.signed("5.0.0", 10 * MIB)
        cutter = Cutter(self.server.port, 9 * MIB)
        self.addCleanup(cutter.close)
        self.ota("release", "push", bundle, "--server", cutter.url, status=UNREACHABLE)
        self.assertNotIn("5.0.0", [r["version"] for r in self.listed("release", "list")])
        counter = Cutter(self.server.port)
        self.addCleanup(counter.close)
        self.ota("release", "push", bundle, "--server", counter.url)
        self.assertIn("5.0.0", [r["version"] for r in self.listed("release", "list")])
        self.assertLess(counter.sent, 7 * MIB, "what the server had was sent again")
        self.assertGreater(counter.sent, 1 * MIB, "the first run was not cut in the middle")

    def test_devices_are_added_one_by_one_and_by_the_list(self):
        self.assertIn("gw-0", self.ota("device", "add", "gw-0", "--name", "Hall", "--product", "gateway", "--hardware",
                                       "revA")[0])
        (self.base / "more.csv").write_text("id,hardware,product\ngw-1,revA,gateway\ngw-0,revA,gateway\ngw-2,revA,x\n")
        out, said = self.ota("device", "add", "--csv", "more.csv", "--json", status=FAILED)
        self.assertEqual(["gw-1"], [d["id"] for d in json.loads(out)], "tokens made before a failure are not lost")
        self.assertIn("more.csv: line 3: device gw-0", said)
        self.assertEqual({"gw-0", "gw-1"}, {d["id"] for d in self.listed("device", "list", "--query", "gw-")})
        self.assertIn("Hall", self.ota("device", "show", "gw-0")[0])
        self.assertNotEqual(self.ota("device", "token", "gw-0"), self.ota("device", "token", "gw-0"))
        self.ota("device", "add", status=USAGE)
        self.ota("device", "show", "nobody", status=FAILED)

    def test_a_device_is_given_a_release_and_it_is_taken_back(self):
        self.ota("release", "push", self.signed("2.0.0"))
        self.ota("device", "add", "dev-1", "--product", "gateway", "--hardware", "revA")
        self.assertIn("Assigned", self.ota("device", "assign", "dev-1", self.release("2.0.0"))[0])
        (deployment,) = self.listed("deployment", "list", "--device", "dev-1")
        self.assertEqual("assigned", deployment["state"])
        self.assertIn("2.0.0", self.ota("deployment", "show", deployment["id"])[0])
        self.ota("deployment", "cancel", deployment["id"])
        (deployment,) = self.listed("deployment", "list", "--device", "dev-1")
        self.assertIn(deployment["state"], ("cancelling", "cancelled"))
        self.ota("device", "assign", "nobody", self.release("2.0.0"), status=FAILED)

    def bulk(self, *words):
        """What the job did, as JSON."""
        return self.listed("device", *words, "--yes")

    def test_all_that_match_are_given_a_release_called_back_and_deleted_but_not_without_yes(self):
        self.ota("release", "push", self.signed("2.7.0"))
        release = self.release("2.7.0")
        for i in range(3):
            self.ota("device", "add", f"bulk-{i}", "--product", "gateway", "--hardware", "revA")
        self.ota("device", "add", "bulk-x", "--product", "gateway", "--hardware", "revZ")
        all_of_them = ("--filter", "id==bulk-*")
        for words in (("assign", release), ("cancel",), ("delete",)):
            out, said = self.ota("device", *words, *all_of_them, status=USAGE)
            self.assertIn("4 devices match, nothing was done: --yes", said)
            self.assertEqual(out, "")
        self.assertEqual([], self.listed("job", "list"))
        given = self.bulk("assign", release, *all_of_them)
        self.assertEqual(("assign", "done", 3, 1), tuple(given[k] for k in ("action", "state", "done", "skipped")))
        self.assertIn("revZ", given["detail"])
        taken = self.bulk("cancel", *all_of_them)
        self.assertEqual((3, 1), (taken["done"], taken["skipped"]))
        self.assertEqual({"cancelled"}, {self.listed("deployment", "list", "--device", f"bulk-{i}")[0]["state"] for i in range(3)})
        self.ota("device", "delete", "bulk-0")
        self.assertEqual(3, self.bulk("delete", *all_of_them)["done"])
        self.assertEqual([], self.listed("device", "list", *all_of_them))
        self.ota("device", "delete", "bulk-0", status=FAILED)

    def test_what_is_asked_of_one_device_and_of_all_that_match_is_not_mixed_up(self):
        for words in (("assign", "some-release"), ("assign", "dev", "rel", "--filter", "id==*"), ("cancel",), ("delete",),
                      ("delete", "dev", "--filter", "id==*"), ("assign", "rel", "--filter", "id==*", "--consent", "--yes")):
            self.ota("device", *words, status=USAGE)
        _, said = self.ota("device", "delete", "--filter", "id=x", status=REFUSED)
        self.assertIn("column 3", said)

    def test_what_has_a_route_has_a_verb_releases_groups_products_rollouts_sessions(self):
        self.ota("release", "push", self.signed("2.8.0"))
        release = self.release("2.8.0")
        self.assertIn("2.8.0", self.ota("release", "show", release)[0])
        self.ota("release", "show", "nothing", status=FAILED)
        self.ota("group", "create", "late", "--filter", "version=lt=2.0")
        self.ota("group", "set", "late", status=USAGE)
        self.assertEqual("version=lt=2.8", self.listed("group", "set", "late", "--filter", "version=lt=2.8")["filter"])
        self.ota("product", "set", "lamp", "--hardware", "l1", "--about", "Lamps")
        self.assertEqual(["l1"], self.listed("product", "show", "lamp")["hardware"])
        self.ota("product", "delete", "lamp")
        self.ota("product", "show", "lamp", status=FAILED)
        self.ota("device", "add", "roll-1", "--product", "gateway", "--hardware", "revA")
        made = self.listed("rollout", "create", "--name", "few", "--release", release, "--filter", "id==roll-*")["id"]
        self.ota("rollout", "delete", made)
        self.ota("rollout", "show", made, status=FAILED)
        made = self.listed("rollout", "create", "--name", "few", "--release", release, "--filter", "id==roll-*", "--start")["id"]
        self.until(lambda: [m["device"] for m in self.listed("rollout", "members", made, "--wave", "1")] == ["roll-1"])
        self.assertEqual([], self.listed("rollout", "members", made, "--state", "failed"))
        self.ota("rollout", "delete", made, status=FAILED)
        self.ota("session", "list")
        self.ota("session", "revoke", "nothing", status=FAILED)

    def until(self, holds):
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_an_assignment_has_its_terms(self):
        self.ota("release", "push", self.signed("2.5.0"))
        self.ota("device", "add", "dev-2")
        release = self.release("2.5.0")
        for words in (["--kind", "hard"], ["--not-before", "tomorrow"], ["--kind", "soft", "--force"]):
            self.ota("device", "assign", "dev-2", release, *words, status=REFUSED)
        self.ota("device", "assign", "dev-2", release, "--kind", "time-forced", "--force-at", "2036-01-01T00:00:00Z",
                 "--not-before", "2035-01-01T00:00:00Z", "--consent")
        (deployment,) = self.listed("deployment", "list", "--device", "dev-2")
        self.assertEqual(("time-forced", 2082758400000, 2051222400000, "asked"),
                         tuple(deployment[key] for key in ("kind", "force_at", "not_before", "consent")))

    def test_events_are_printed_as_they_happen(self):
        with subprocess.Popen(
            [program("ota"), "events", "--json"], cwd=self.base, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "HOME": str(self.base)},
        ) as follower:
            self.addCleanup(follower.kill)
            name = 0
            while not select.select([follower.stdout], [], [], 0.2)[0]:
                name += 1
                self.assertLess(name, 100, "no event came")
                self.ota("device", "add", f"event-{name}")
            event = json.loads(follower.stdout.readline())
            self.assertEqual("device", event["event"])
            self.assertTrue(event["data"]["id"].startswith("event-"))
            follower.kill()

    def test_a_bad_token_and_a_stranger_in_the_servers_place_are_told_apart(self):
        (self.base / "bad").write_text("nonsense\n")
        _, said = self.ota("release", "list", "--token-file", "bad", status=FAILED)
        self.assertIn("token", said)
        other = subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout",
                                "/dev/null"], check=True, capture_output=True).stdout
        (self.base / "other.pem").write_bytes(other)
        self.ota("release", "list", "--ca", "other.pem", status=REFUSED)


if __name__ == "__main__":
    unittest.main()
