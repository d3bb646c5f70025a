# SPDX-License-Identifier: Apache-2.0
"""A server that lost its disk and came back from a backup, and a real device that saw more than the backup holds."""

import json
import shutil
import subprocess

from lab.demo.house import program

from .agent_house import PATIENCE, AgentTest, wait_until


class Restored(AgentTest):
    def backup(self, *words):
        done = subprocess.run([program("ota-server"), "backup", *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def restore(self, file):
        """The data directory is gone but for the artifacts, which are copied by other means."""
        lost = self.place / "lost"
        self.server.data.rename(lost)
        self.backup("restore", file, "--server-data-dir", self.server.data)
        shutil.copytree(lost / "artifacts", self.server.data / "artifacts", dirs_exist_ok=True)

    def seen(self, board):
        return self.server.call("GET", f"/api/v1/devices/{board.path.name}")

    def version_of(self, role, board):
        return json.loads((board.state / "tuf" / f"{role}.json").read_text())["signed"]["version"]

    def test_a_device_goes_on_with_a_server_that_was_restored(self):
        board = self.board({"poll": {"interval": "1s", "retry-first": "100ms", "retry-max": "500ms"}})
        board.start()
        self.assertEqual(self.settled(self.assign(board, "2.0.0"))["state"], "confirmed")
        file = self.place / "backup"
        self.backup("create", file, "--with-keys", "--server-data-dir", self.server.data)

        # life goes on: a release, an update, a device of which the backup knows nothing
        images = self.publisher.images("3.0.0")
        self.releases["3.0.0"] = self.publisher.publish(self.server, "3.0.0", images)
        self.assertEqual(self.settled(self.assign(board, "3.0.0"))["state"], "confirmed")
        saw = {role: self.version_of(role, board) for role in ("timestamp", "snapshot", "targets")}
        self.server.stop()
        self.restore(file)
        self.server.start()

        # the same CA, token and device; what it runs is told by itself, not by the backup
        self.assertEqual(self.seen(board)["version"], "2.0.0")
        board.stop()
        board.start()
        wait_until(lambda: self.seen(board)["attributes"]["version"] == "3.0.0", PATIENCE, "the device says what it runs")

        # what was published since is published again, and the device that saw it is given the next one
        self.server.ota("release", "push", self.bundle("3.0.0"))
        self.releases["4.0.0"] = self.publisher.publish(self.server, "4.0.0", self.publisher.images("4.0.0"))
        done = self.settled(self.assign(board, "4.0.0"))
        self.assertEqual(done["state"], "confirmed", done)
        for role, version in saw.items():
            self.assertGreater(self.version_of(role, board), version, role)
