# SPDX-License-Identifier: Apache-2.0
"""A device whose clock is wrong, by years, updates all the same."""

import os
import pathlib
import shutil
import subprocess
import unittest

from lab.demo.house import program

from .agent_house import DONE, PATIENCE, AgentTest

LIBRARY = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


@unittest.skipUnless(LIBRARY and shutil.which("faketime"), "faketime is not installed")
class Clock(AgentTest):
    def environment(self, when):
        return {**os.environ, "LD_PRELOAD": str(LIBRARY), "FAKETIME": when, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def installs(self, when):
        board = self.board(network=False)
        done = subprocess.run(
            [program("ota-client"), "install", self.offline, "--config", board.ini], env=self.environment(when),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE,
        )  # fmt: skip
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(board.record().state("B"), "PENDING")

    def updates(self, when):
        board = self.board()
        for name, value in self.environment(when).items():
            if os.environ.get(name) != value:
                os.environ[name] = value
                self.addCleanup(os.environ.pop, name, None)
        board.start()
        for name in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"):
            os.environ.pop(name, None)
        ident = self.assign(board, "2.0.0")
        try:
            self.assertEqual(self.settled(ident)["state"], "confirmed")
        except TimeoutError:
            self.fail("\n".join(board.log[-8:]))

    def test_a_bundle_on_a_device_that_believes_it_is_1970(self):
        self.installs("1970-01-02 00:00:00")

    def test_a_bundle_on_a_device_five_years_behind(self):
        self.installs("-1826d")

    def test_a_bundle_on_a_device_five_years_ahead(self):
        self.installs("+1826d")

    def test_the_server_on_a_device_that_believes_it_is_1970(self):
        self.updates("1970-01-02 00:00:00")

    def test_the_server_on_a_device_five_years_behind(self):
        self.updates("-1826d")

    def test_the_server_on_a_device_six_years_ahead(self):
        self.updates("+2300d")
