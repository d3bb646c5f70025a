# SPDX-License-Identifier: Apache-2.0
"""ota-server doctor: finds nothing where nothing is wrong, and what is."""

import json
import sqlite3
import subprocess

from .fleet import OwnServer
from .server import OTA_SERVER


class Doctor(OwnServer):
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
