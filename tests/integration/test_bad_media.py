# SPDX-License-Identifier: Apache-2.0
"""Media that are full, too small or damaged: one sentence, nothing armed, nothing lost, and well again afterwards.

A full medium is a limit on the size of files (RLIMIT_FSIZE): it needs no root and holds for root too.
"""

import contextlib
import os
import resource
import sqlite3
import subprocess
import tempfile
import unittest

from lab.demo.house import program

from .agent_house import DONE, FAILED, AgentTest, wait_until
from .server import PATIENCE, Server

UNLIMITED = resource.RLIM_INFINITY
FULL = 8192


class Agent(AgentTest):
    def limited(self, board, bytes_):
        """ota-client install on media on which no file grows beyond this; (status, standard error)."""
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        done = subprocess.run(
            [program("ota-client"), "install", self.offline, "--config", board.ini],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE, preexec_fn=limit,
        )  # fmt: skip
        return done.returncode, done.stderr

    def unharmed(self, board):
        record = board.record()
        self.assertEqual((record.state("A"), record.slots[0]["version"]), ("GOOD", "1.0.0"))
        self.assertIn(record.state("B"), ("EMPTY", "WRITING"))

    def installs(self, board):
        status, _, err = self.client(board, "install", self.offline)
        self.assertEqual(status, DONE, err)
        self.assertEqual(board.record().state("B"), "PENDING")

    def test_full_media_fail_with_a_sentence_and_are_written_when_there_is_room(self):
        board = self.board(network=False)
        for limit in (0, 100, FULL, 200_000):
            with self.subTest(limit=limit):
                status, err = self.limited(board, limit)
                self.assertEqual(status, FAILED, err)
                self.assertRegex(err.strip().splitlines()[-1], r"File too large|No space|too large")
                self.unharmed(board)
        self.installs(board)

    def test_a_slot_that_is_too_small(self):
        board = self.board(network=False)
        os.truncate(board.image("b"), 64 * 1024)
        status, _, err = self.client(board, "install", self.offline)
        self.assertNotEqual(status, DONE)
        self.assertRegex(err.strip().splitlines()[-1], "firmware")
        self.unharmed(board)
        os.truncate(board.image("b"), board.image("a").stat().st_size)
        self.installs(board)

    def test_a_damaged_journal_costs_no_more_than_a_new_beginning(self):
        board = self.board(network=False)
        with open(board.media / "journal", "r+b") as journal:
            journal.write(bytes(range(256)) * 1024)
        self.installs(board)

    def test_damaged_metadata_in_the_state_directory(self):
        board = self.board(network=False)
        self.installs(board)
        files = sorted(path for path in (board.state / "tuf").rglob("*") if path.is_file())
        self.assertTrue(files)
        for path in files:
            with self.subTest(path.name):
                whole = path.read_bytes()
                for damaged in (b"", whole[: len(whole) // 2], b"\0" * len(whole)):
                    path.write_bytes(damaged)
                    status, _, err = self.client(board, "install", self.offline)
                    self.assertGreaterEqual(status, 0, "killed")
                    if status != DONE:
                        self.assertTrue(err.strip())
                    path.write_bytes(whole)
                self.installs(board)

    def test_a_damaged_root_is_begun_anew_from_the_factorys(self):
        board = self.board(network=False)
        self.installs(board)
        root = board.state / "tuf/root.json"
        whole = root.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"\0" * len(whole)):
            root.write_bytes(damaged)
            status, out, err = self.client(board, "install", self.offline)
            self.assertEqual(status, DONE, err)
            self.assertIn("root.json was damaged", out + err)
            self.assertEqual(root.read_bytes(), whole)

    def test_a_missing_or_empty_token_is_named(self):
        board = self.board()
        token = board.state / "token"
        for damage in (token.unlink, lambda: token.write_text("")):
            damage()
            board.start()
            board.expect(r"token")
            board.stop()
            self.unharmed(board)


class Database(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="ota-media-")
        self.addCleanup(place.cleanup)
        self.s = Server(place.name)
        self.addCleanup(self.s.stop)
        self.s.start()

    def refused(self):
        process, line = self.s.spawn()
        self.assertEqual(line, "")
        return process.wait(PATIENCE), self.s.log().strip().splitlines()[-1]

    def test_a_database_of_a_newer_schema_is_left_alone_and_both_numbers_are_named(self):
        self.s.stop()
        with contextlib.closing(sqlite3.connect(self.s.data / "ota.db")) as database:
            database.execute("PRAGMA user_version = 99")
        status, sentence = self.refused()
        self.assertEqual(status, 1, sentence)
        self.assertRegex(sentence, r"schema 99.* up to \d+")

    def test_a_database_cut_short_is_refused(self):
        self.s.stop()
        path = self.s.data / "ota.db"
        whole = path.read_bytes()
        for length in (len(whole) // 2, 5000, 50):
            with self.subTest(length=length):
                path.write_bytes(whole[:length])
                status, sentence = self.refused()
                self.assertIn(status, (1, 3), sentence)
                self.assertIn("ota.db", sentence)
                self.assertEqual(path.read_bytes(), whole[:length])
        path.write_bytes(whole)
        self.s.start()

    def test_a_page_of_noise_in_the_database_is_refused(self):
        self.s.stop()
        path = self.s.data / "ota.db"
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + os.urandom(4096) + whole[8192:])
        status, sentence = self.refused()
        self.assertIn(status, (1, 3), sentence)
        self.assertIn("ota.db", sentence)

    def test_a_full_disk_is_told_and_what_was_acknowledged_is_there(self):
        size = (self.s.data / "ota.db-wal").stat().st_size
        resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE, (size + 512 * 1024, UNLIMITED))
        taken, refusal = [], None
        for n in range(400):
            answer = self.s.api("POST", "/api/v1/devices", {"id": f"device-{n}"})
            if answer.status != 201:
                refusal = answer
                break
            taken.append(f"device-{n}")
        self.assertIsNotNone(refusal, "the disk is never full")
        self.assertGreaterEqual(refusal.status, 500, refusal.body)
        self.assertIn("code", refusal.json)
        self.assertTrue(taken)
        resource.prlimit(self.s.process.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
        wait_until(lambda: self.s.api("POST", "/api/v1/devices", {"id": "after"}).status in (201, 409), PATIENCE, "room")
        self.s.stop()
        self.s.start()
        for name in [*taken, "after"]:
            self.assertEqual(self.s.api("GET", f"/api/v1/devices/{name}").status, 200, name)
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/device-{len(taken)}").status, 404)


if __name__ == "__main__":
    unittest.main()
