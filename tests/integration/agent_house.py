# SPDX-License-Identifier: Apache-2.0
"""A server with two published releases, made once for a test class, and devices on it."""

import concurrent.futures
import pathlib
import subprocess
import tempfile
import unittest

from lab.demo.house import Board, Failed, Publisher, Server, program
from lab.demo.steps import wait_until
from lab.device import PATIENCE

DONE, FAILED, USAGE, REFUSED, UNREACHABLE = range(5)
__all__ = ["DONE", "FAILED", "PATIENCE", "USAGE", "REFUSED", "UNREACHABLE", "AgentTest", "Failed", "side_by_side", "wait_until"]


class AgentTest(unittest.TestCase):
    """cls.server serves 1.0.0 and 2.0.0; cls.bundles has them as .bundle, cls.offline is 2.0.0.ota."""

    @classmethod
    def setUpClass(cls):
        cls.stack = tempfile.TemporaryDirectory(prefix="ota-agent-")
        cls.place = pathlib.Path(cls.stack.name)
        cls.server = Server(cls.place / "server")
        cls.server.start()
        cls.server.make_token()
        cls.publisher = Publisher(cls.place / "publisher")
        cls.publisher.init(cls.server)
        cls.images, cls.releases = {}, {}
        for version in ("1.0.0", "2.0.0"):
            cls.images[version] = cls.images_of(version)
            cls.releases[version] = cls.publisher.publish(cls.server, version, cls.images[version])
        cls.offline = cls.place / "2.0.0.ota"
        cls.server.ota("release", "export", cls.bundle("2.0.0"), cls.offline)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.stack.cleanup()

    @classmethod
    def images_of(cls, version):
        return cls.publisher.images(version)

    @classmethod
    def bundle(cls, version):
        return cls.publisher.releases / f"{version}.bundle"

    def board(self, config=None, network=True, name=None):
        """A device with 1.0.0 in slot A, powered off; on the server's fleet unless it has no network."""
        name = name or self.id().rsplit(".", 1)[-1].replace("_", "-")[:40]
        images = self.images["1.0.0"]
        board = Board(self.place / name, self.server, self.publisher, images, config)
        if not network:
            board.config["server"] = {}
            board.write_config()
        board.provision(self.bundle("1.0.0"), images)
        self.addCleanup(board.stop)
        return board

    def client(self, board, *words, timeout=2 * PATIENCE):
        """ota-client on this device: (exit status, standard output, standard error)."""
        done = subprocess.run(
            [program("ota-client"), *map(str, words), "--config", board.ini],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def settled(self, ident, seconds=3 * PATIENCE):
        """The deployment once it is over."""
        open_states = ("assigned", "downloading", "installing", "rebooting", "cancelling")
        last = {}

        def look():
            last.update(self.server.call("GET", f"/api/v1/deployments/{ident}"))
            return last["state"] not in open_states

        wait_until(look, seconds, f"the deployment's end; it is {last}")
        return last

    def assign(self, board, version, **more):
        body = {"device": board.path.name, "release": self.releases[version], **more}
        return self.server.call("POST", "/api/v1/deployments", body)["id"]


def side_by_side(case, at_once=6):
    """Class decorator: the tests wait for devices most of the time, so they do it at the same time.

    setUpClass starts all of them; what a test then does is to wait for its own outcome.
    """
    bodies = {name: getattr(case, name) for name in dir(case) if name.startswith("test_")}
    set_up = case.setUpClass

    def play(name, body):
        test = case(name)
        try:
            body(test)
        finally:
            test.doCleanups()

    def begin(cls):
        set_up()
        cls.pool = concurrent.futures.ThreadPoolExecutor(at_once)
        cls.outcomes = {name: cls.pool.submit(play, name, body) for name, body in bodies.items()}

    def end(cls):
        cls.pool.shutdown(cancel_futures=True)
        super(case, cls).tearDownClass()

    def outcome_of(name):
        return lambda self: self.outcomes[name].result()

    for name in bodies:
        setattr(case, name, outcome_of(name))
    case.setUpClass, case.tearDownClass = classmethod(begin), classmethod(end)
    return case
