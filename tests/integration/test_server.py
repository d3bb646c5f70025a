# SPDX-License-Identifier: Apache-2.0
"""The life of the real server: what survives a kill, a full disk, a restart; what it refuses to start on."""

import hashlib
import http.client
import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest.mock

from .fleet import OwnServer
from .server import PATIENCE, Server, Stream


class Life(OwnServer):
    """Starting, stopping, dying."""

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

    def test_a_database_that_another_process_locks_sheds_writes_and_the_server_goes_on_by_itself(self):
        self.s.start().claim()
        other = sqlite3.connect(self.s.data / "ota.db", timeout=PATIENCE, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        for name in ("locked-1", "locked-2"):  # each waits for longer than the database's busy timeout
            answer = self.s.api("POST", "/api/v1/devices", {"id": name})
            self.assertEqual(answer.status, 503, answer.body)
            self.assertIsNotNone(answer.headers["Retry-After"])
        self.assertEqual(self.s.api("GET", "/api/v1/devices").status, 200)
        other.execute("ROLLBACK")
        self.assertEqual(self.s.api("POST", "/api/v1/devices", {"id": "free"}).status, 201)
        self.assertEqual([d["id"] for d in self.s.api("GET", "/api/v1/devices").json["items"]], ["free"])

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
            answer = d.feedback(action, "proceeding", details=[f"step {i}"])
            if answer.status != 200:
                break
            answered.append(f"step {i}")
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIsNotNone(answer.headers["Retry-After"])
        self.assertEqual(d.request("GET", "").status, 200)
        resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE, no_limit)
        self.assertEqual(d.feedback(action, "proceeding", details=["after"]).status, 200)
        self.s.stop(signal.SIGKILL)
        self.s.start()
        a = self.s.api("GET", f"/api/v1/deployments/{action}").json
        self.assertEqual([line for s in a["statuses"] for line in s["details"]], [*answered, "after"])

    def test_a_flood_of_connections_is_told_to_come_back_and_when_it_ends_all_is_served(self):
        self.s.start("--http-max-connections", "4")
        self.until_served()
        held = [self.s.connect() for _ in range(4)]
        for c in held:
            self.assertEqual(self.s.request("GET", "/api/v1/info", connection=c).status, 200)
        answer = self.s.request("GET", "/api/v1/info")
        self.assertEqual(answer.status, 503)
        self.assertEqual(len(answer.headers.get_all("Retry-After")), 1)
        self.assertEqual([self.s.request("GET", "/api/v1/info", connection=c).status for c in held], [200] * 4)  # who was there first stays
        for c in held:
            c.close()
        self.until_served()

    def until_served(self):
        """Until the server has seen that the connections of before were closed."""
        end = time.monotonic() + PATIENCE
        while self.s.request("GET", "/api/v1/info").status != 200:
            self.assertLess(time.monotonic(), end)

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

    def test_the_service_manager_hears_that_every_thread_lives(self):
        path = str(self.s.place / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            with unittest.mock.patch.dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="100000"):
                self.s.start()
            words = []
            while words.count(b"WATCHDOG=1") < 3:
                words.append(manager.recv(100))
            self.assertIn(b"READY=1", words)
            self.s.stop()
            while manager.recv(100) != b"STOPPING=1":
                pass

    def test_what_is_not_ready_is_named_and_why_is_not_told(self):
        self.s.start()
        answer = self.s.request("GET", "/readyz")
        self.assertEqual((answer.status, answer.json), (503, {"status": "not ready", "store": "ok", "signer": "ok", "repository": "no root yet"}))
        # the signer's program is gone: it answers no more, and the sentence that says so is the log's
        children = pathlib.Path(f"/proc/{self.s.process.pid}/task/{self.s.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGSTOP)
        self.addCleanup(lambda: [os.kill(int(c), signal.SIGKILL) for c in children if os.path.exists(f"/proc/{c}")])
        answer = self.s.request("GET", "/readyz")
        self.assertEqual((answer.status, answer.json["signer"]), (503, "failing"))
        self.assertIn("not ready: the signer", self.s.log())

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
