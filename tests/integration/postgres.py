# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of its own for a test module (tests/postgres.sh), and databases in it."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
NOT_INSTALLED = 77


class Postgres:
    """Raises unittest.SkipTest where PostgreSQL is not installed."""

    def __init__(self, *options):
        self.options = options  # of the server
        self.place = tempfile.TemporaryDirectory(prefix="ota-pg-")
        os.chmod(self.place.name, 0o755)  # its server may run as another user
        self.process = None
        self.count = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(["sh", TOP / "tests/postgres.sh", self.place.name, *self.options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = ""
        for line in self.process.stderr:
            said += line
            if "ready to accept connections" in line:
                return
        self.process.stderr.close()
        if self.process.wait() == NOT_INSTALLED:
            raise unittest.SkipTest(said.strip())
        raise RuntimeError(said)

    def stop(self):
        """At once, as a crash would; what was committed stays."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        self.process.stderr.close()

    def end(self):
        if self.process.returncode is None:
            self.stop()
        self.place.cleanup()

    def run(self, sql, database="postgres"):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.place.name, "-U", "ota",
                               "-c", sql, database], check=True, capture_output=True, text=True).stdout.strip()

    def new_database(self):
        """The URL of one that is empty."""
        self.count += 1
        self.run(f"CREATE DATABASE t{self.count}")
        return f"postgresql://ota@/t{self.count}?host={self.place.name}"
