# SPDX-License-Identifier: Apache-2.0
"""Debian's own SWUpdate, in suricatta mode, updates from our server over TLS.

No root: SWUpdate keeps its sockets in TMPDIR, installs a file that is ours, and is told its hardware revision on
the command line. Debian's build takes signed images only, so each has a CMS signature, made here by openssl. What
SWUpdate remembers between its starts it would keep in the bootloader's environment; its "none" bootloader keeps it
in memory, so a restart is told with `-c` how the first boot of the new software went, as an integrator's script
would.
"""

import hashlib
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from lab.demo.steps import wait_until
from lab.device import PATIENCE
from tests.integration.fleet import shared_server
from tests.integration.hostile import Line, cut_in_the_middle, ended_too_soon
from tests.integration.server import Device

SWUPDATE = shutil.which("swupdate")
AFTER_SUCCESS, AFTER_FAILURE = ["-c", "2"], ["-c", "3"]


def cpio(files):
    """An archive in the format that SWUpdate reads: new ASCII with checksums."""
    out = b""
    for number, (name, data) in enumerate([*files, ("TRAILER!!!", b"")], 1):
        name = name.encode() + b"\0"
        fields = (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), sum(data) & 0xFFFFFFFF)
        head = b"070702" + b"".join(b"%08x" % field for field in fields) + name
        out += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return out + bytes(-len(out) % 512)


class Maker:
    """Who signs images for SWUpdate."""

    def __init__(self, place):
        self.place = place
        self.cert, self.key = place / "maker.pem", place / "maker.key"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.cert, "-subj", "/CN=maker",
                     "-days", "10", "-addext", "extendedKeyUsage=emailProtection", "-addext", "keyUsage=digitalSignature")

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def pack(self, version, image, target):
        """update.swu: a description, its signature, and one file that goes to `target`."""
        description = self.place / "sw-description"
        description.write_text(
            f'software = {{ version = "{version}"; hardware-compatibility: [ "1.0" ];\n  files: ( {{ filename = "image.bin"; '
            f'path = "{target}"; sha256 = "{hashlib.sha256(image).hexdigest()}"; }} );\n}}\n')
        signature = self.place / "sw-description.sig"
        self.openssl("cms", "-sign", "-in", description, "-out", signature, "-signer", self.cert, "-inkey", self.key,
                     "-outform", "DER", "-nosmimecap", "-binary")
        return cpio([(description.name, description.read_bytes()), (signature.name, signature.read_bytes()), ("image.bin", image)])


class Board:
    """A device with SWUpdate on it."""

    def __init__(self, case, maker, url, token, name):
        self.place = case.s.place / name
        self.place.mkdir()
        self.log = self.place / "log"
        self.config = self.place / "swupdate.cfg"
        self.config.write_text(
            f'globals : {{ verbose = true; loglevel = 5; public-key-file = "{maker.cert}"; }};\n'
            f'suricatta : {{ tenant = "default"; id = "{name}"; url = "{url}"; polldelay = 1; retry = 5; retrywait = 1;\n'
            f'  targettoken = "{token}"; cafile = "{case.s.data / "ca.pem"}"; }};\n'
            'identify : ( { name = "board"; value = "evk"; } );\n')
        self.process = None
        case.addCleanup(self.stop)

    def start(self, *suricatta):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [SWUPDATE, "-f", self.config, "-H", "evk:1.0", "-u", " ".join(suricatta)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.place, env={"TMPDIR": str(self.place), "PATH": "/usr/bin:/bin"}, start_new_session=True)
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def said(self, words):
        return words in self.log.read_text(errors="replace")


@unittest.skipUnless(SWUPDATE, "swupdate is not installed (Debian's package swupdate)")
class Swupdate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls, "--server-demo", "yes", "--device-poll-interval", "1s")
        cls.s.claim()
        cls.maker = Maker(cls.s.place)
        cls.image = random.Random(1).randbytes(2_000_000)

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", "-")
        self.installed = self.s.place / f"{self.name}.bin"
        self.token = self.s.api("POST", "/api/v1/devices", {"id": self.name}).json["token"]

    def board(self, url=None):
        return Board(self, self.maker, url or self.s.url, self.token, self.name)

    def publish(self, version, swu):
        path, bundle = self.s.place / "update.swu", self.s.place / f"{version}.bundle"
        path.write_bytes(swu)
        self.s.ota("bundle", "create", bundle, "--product", "gateway", "--hardware", "evk", "--version", version, "--file", path)
        self.s.ota("release", "sign", bundle, "--keys", self.s.keys, "--demo")
        return self.s.push(bundle)["id"]

    def assign(self, release, **more):
        answer = self.s.api("POST", "/api/v1/deployments", {"device": self.name, "release": release, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def shown(self, action):
        return self.s.api("GET", f"/api/v1/deployments/{action}").json

    def wait_for(self, board, action, *states):
        try:
            wait_until(lambda: self.shown(action)["state"] in states, PATIENCE, f"deployment is {states}")
        except Exception as e:
            raise AssertionError(f"{e}: {self.shown(action)}\n{board.log.read_text(errors='replace')[-3000:]}") from e
        return self.shown(action)

    def test_an_update_succeeds_and_is_told_after_the_restart(self):
        board = self.board()
        action = self.assign(self.publish("1.0.0", self.maker.pack("1.0.0", self.image, self.installed)), kind="forced")
        board.start()
        wait_until(lambda: board.said("pending testing"), PATIENCE, "SWUpdate wants to be restarted")
        self.assertEqual(self.installed.read_bytes(), self.image)
        self.wait_for(board, action, "installing")  # what runs is not known yet
        board.stop()
        board.start(*AFTER_SUCCESS)
        shown = self.wait_for(board, action, "confirmed")
        self.assertIsNone(shown["proof"])
        device = self.s.api("GET", f"/api/v1/devices/{self.name}").json
        self.assertEqual((device["version"], device["grade"], device["attributes"]), ("1.0.0", "reported", {"board": "evk"}))
        lines = [line for status in shown["statuses"] for line in status["details"]]
        # What its log says besides comes from a thread of its own, which may be cut off by the end.
        self.assertLessEqual({"Installed Chunk.", "All Chunks Installed.", "Update Installed."}, set(lines))

    def test_an_image_by_somebody_else_fails_and_is_not_tried_for_ever(self):
        elsewhere = self.s.place / "stranger"
        elsewhere.mkdir()
        board = self.board()
        action = self.assign(self.publish("2.0.0", Maker(elsewhere).pack("2.0.0", self.image, self.installed)))
        board.start()
        self.wait_for(board, action, "failed")
        self.assertFalse(self.installed.exists())
        device = Device(self.s, self.name, self.token)
        self.assertNotIn("deploymentBase", device.poll()["_links"])
        before = self.shown(action)["statuses"]
        seen = self.s.api("GET", f"/api/v1/devices/{self.name}").json["seen_at"]
        wait_until(lambda: self.s.api("GET", f"/api/v1/devices/{self.name}").json["seen_at"] > seen + 2000, PATIENCE, "it polls on")
        self.assertEqual(self.shown(action)["statuses"], before)

    def test_what_an_operator_cancels_is_not_installed(self):
        release = self.publish("3.0.0", self.maker.pack("3.0.0", self.image, self.installed))
        board, device = self.board(), Device(self.s, self.name, self.token)
        action = self.assign(release)
        device.follow(device.poll()["_links"]["deploymentBase"]["href"])  # it was shown: the device is asked
        self.assertEqual(self.s.api("DELETE", f"/api/v1/deployments/{action}").json["state"], "cancelling")
        board.start()
        self.wait_for(board, action, "cancelled")
        self.assertFalse(self.installed.exists())
        again = self.assign(release)  # and the next one is taken
        wait_until(self.installed.exists, PATIENCE, "the next deployment is installed")
        wait_until(lambda: board.said("pending testing"), PATIENCE, "SWUpdate wants to be restarted")
        self.wait_for(board, again, "installing")

    def test_a_download_that_was_cut_is_resumed(self):
        cert = self.s.data / "server.pem"
        line = Line(self.s.port, cert, self.s.data / "ca.pem")
        self.addCleanup(line.close)
        board = self.board(f"https://127.0.0.1:{line.port}")
        action = self.assign(self.publish("4.0.0", self.maker.pack("4.0.0", self.image, self.installed)))
        ends, starts = [cut_in_the_middle, ended_too_soon], []

        def twice(line, device, server, request):
            found = re.search(rb"(?i)\r\nrange: bytes=(\d+)-", request)
            starts.append(int(found[1]) if found else 0)
            return ends.pop(0)(line, device, server, request) if ends else None

        line.strike(twice, "^GET .*update.swu$")
        board.start()
        wait_until(lambda: board.said("pending testing"), PATIENCE, "SWUpdate wants to be restarted")
        self.assertEqual(self.installed.read_bytes(), self.image)
        self.assertEqual((len(starts), starts[0], starts == sorted(set(starts))), (3, 0, True), starts)  # each goes on from there
        board.stop()
        board.start(*AFTER_SUCCESS)
        self.wait_for(board, action, "confirmed")

    def test_nothing_is_offered_outside_the_window(self):
        board = self.board()
        opens = int(time.time() * 1000) + 4000
        action = self.assign(self.publish("5.0.0", self.maker.pack("5.0.0", self.image, self.installed)), not_before=opens)
        board.start()
        wait_until(lambda: board.said("pending testing"), PATIENCE, "the window opened and it was installed")
        self.assertGreaterEqual(self.shown(action)["statuses"][0]["at"], opens)
        self.assertTrue(self.installed.exists())

    def test_a_failed_first_boot_is_told(self):
        board = self.board()
        action = self.assign(self.publish("6.0.0", self.maker.pack("6.0.0", self.image, self.installed)))
        board.start()
        wait_until(lambda: board.said("pending testing"), PATIENCE, "SWUpdate wants to be restarted")
        board.stop()
        board.start(*AFTER_FAILURE)
        self.wait_for(board, action, "failed", "rolled-back")


if __name__ == "__main__":
    unittest.main()
