# SPDX-License-Identifier: Apache-2.0
"""A backup of a running server, restored elsewhere: nothing is lost, and no device is stranded."""

import json
import pathlib
import shutil
import subprocess
import time
import unittest

from .fleet import OwnServer
from .server import OTA_SERVER, PATIENCE, Server, temporary


class Backup(OwnServer):
    def command(self, *words, data=None):
        return subprocess.run([OTA_SERVER, "backup", *words, "--server-data-dir", data or self.s.data],
                              capture_output=True, text=True)

    def version(self, server, role):
        return json.loads(server.request("GET", f"/default/repository/metadata/{role}.json").body)["signed"]["version"]

    def restored(self, file):
        place = temporary()
        self.addCleanup(place.cleanup)
        other = Server(place.name, *self.s.options)
        done = self.command("restore", file, data=other.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        shutil.copytree(self.s.data / "artifacts", other.data / "artifacts", dirs_exist_ok=True)
        other.token, other.port = self.s.token, None
        self.addCleanup(other.stop)
        return other

    def test_a_device_that_saw_newer_metadata_accepts_the_restored_servers(self):
        self.s.start("--server-demo", "yes")
        self.s.claim()
        release = self.s.push(self.s.make_bundle("1.0.0"))["id"]
        device = self.s.add_device("dev-1")
        file = self.s.place / "backup"
        done = self.command("create", file, "--with-keys")
        self.assertEqual(done.returncode, 0, done.stderr)
        # its life goes on: what the device sees last is newer than anything in the backup
        backed_up = self.version(self.s, "timestamp")
        self.s.push(self.s.make_bundle("2.0.0"))
        seen = self.version(self.s, "timestamp")
        self.assertGreater(seen, backed_up)
        self.s.add_device("born-after-the-backup")
        self.s.stop()

        while time.time() < seen + 1:  # versions are seconds: a restore takes longer than this test does
            pass
        other = self.restored(file)
        other.start("--server-demo", "yes")
        end = time.monotonic() + PATIENCE
        while self.version(other, "timestamp") <= seen:
            self.assertLess(time.monotonic(), end, "timestamp is signed anew")
        device.server = other
        answer = other.api("POST", "/api/v1/deployments", {"device": "dev-1", "release": release})
        self.assertEqual(answer.status, 201, answer.body)
        self.assertIn("deploymentBase", device.poll()["_links"])  # the same token, the same CA
        self.assertEqual(other.api("GET", "/api/v1/devices/born-after-the-backup").status, 404)

    def test_without_keys_a_backup_holds_no_secret_file(self):
        self.s.start()
        file = self.s.place / "backup"
        self.assertEqual(self.command("create", file).returncode, 0)
        self.assertNotIn(b"PRIVATE KEY", file.read_bytes())
        place = temporary()
        self.addCleanup(place.cleanup)
        data = f"{place.name}/data"
        self.assertEqual(self.command("restore", file, data=data).returncode, 0)
        self.assertEqual(sorted(path.name for path in pathlib.Path(data).iterdir()), ["ota.db"])

    def test_nothing_that_is_there_is_written_over(self):
        self.s.start()
        file = self.s.place / "backup"
        self.assertEqual(self.command("create", file).returncode, 0)
        again = self.command("create", file)
        self.assertEqual(again.returncode, 1)
        self.assertIn("exists already", again.stderr)
        into = self.command("restore", file)
        self.assertEqual(into.returncode, 1)
        self.assertIn("empty directory", into.stderr)

    def test_what_is_no_backup_is_named(self):
        self.s.start()
        file = self.s.place / "text"
        file.write_text("this is not a backup\n" * 100)
        done = self.command("restore", file, data=self.s.place / "other")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(str(file), done.stderr)


if __name__ == "__main__":
    unittest.main()
