# SPDX-License-Identifier: Apache-2.0
"""What was once in the field: today's programs read the files, and today's server serves the agents, of every version.

tests/compat/make_fixtures.py made the fixtures with the programs of their time.
"""

import base64
import contextlib
import gzip
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from lab.demo.house import Server, program, run
from lab.device import TOP, Device

from .server import Device as Client
from .server import Server as TestServer

COMPAT = TOP / "tests/compat"


def field(value, path):
    """The value at "deployment.chunks.0.name"; KeyError if there is none. Names may hold dots."""
    while path:
        if isinstance(value, list):
            head, _, path = path.partition(".")
            value = value[int(head)]
            continue
        name = next((k for k in sorted(value, key=len, reverse=True) if path == k or path.startswith(k + ".")), None)
        if name is None:
            raise KeyError(path)
        value, path = value[name], path[len(name) + 1 :]
    return value


class Database(unittest.TestCase):
    """The database of the first schema."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ota-compat-")
        cls.addClassCleanup(cls.place.cleanup)
        cls.server = Server(cls.place.name)
        cls.server.start()
        cls.server.stop()
        for path in cls.server.data.glob("ota.db*"):
            path.unlink()
        with contextlib.closing(sqlite3.connect(cls.server.data / "ota.db")) as database:
            database.executescript((COMPAT / "schema-1.sql").read_text())
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.make_token()

    def test_its_devices_are_served(self):
        device = self.server.call("GET", "/api/v1/devices/gw-1")
        self.assertEqual((device["version"], device["grade"], device["product"]), ("1.0.0", "proven", "gateway"))
        self.assertEqual({s["name"] for s in device["slots"]}, {"A", "B"})

    def test_its_releases_are_served(self):
        releases = self.server.call("GET", "/api/v1/releases")["items"]
        self.assertEqual({r["version"] for r in releases}, {"1.0.0"})

    def test_its_deployments_their_statuses_and_proofs_are_served(self):
        deployment = self.server.call("GET", "/api/v1/deployments/100001")
        self.assertEqual((deployment["state"], deployment["proof"]["slot"]), ("confirmed", "B"))
        executions = [s["execution"] for s in deployment["statuses"]]
        self.assertEqual((executions[0], executions[-1]), ("scheduled", "closed"))

    def test_it_is_written_to(self):
        self.server.call("POST", "/api/v1/devices", {"id": "a-new-device"})
        self.assertEqual(self.server.call("GET", "/api/v1/devices/a-new-device")["id"], "a-new-device")


class Session(unittest.TestCase):
    """The first agent, as it was recorded, before today's server."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="ota-compat-")
        self.addCleanup(place.cleanup)
        self.server = TestServer(place.name, "--server-demo", "yes").start()
        self.addCleanup(self.server.stop)
        self.server.claim()
        release = self.server.push(self.server.make_bundle("2.0.0"))["id"]
        self.device = self.server.add_device("device-of-the-first-version")
        answer = self.server.api("POST", "/api/v1/deployments", {"device": self.device.name, "release": release})
        self.names = {"ACTION": answer.json["id"], "DEVICE": self.device.name, "TOKEN": self.device.token}

    def learn(self, document):
        """What the next requests of this session have in the place of names."""
        with contextlib.suppress(KeyError, TypeError, IndexError):
            links = document["deployment"]["chunks"][0]["artifacts"][0]["_links"]
            urls = {"MANIFEST": links["ota:manifest"]["href"], **{
                name.upper(): links["ota:payload"][name] for name in ("descriptor", "head", "body")}}  # fmt: skip
            self.names.update({name: url.rpartition("/")[2] for name, url in urls.items()})
        with contextlib.suppress(KeyError, TypeError):
            for name, meta in document["signed"]["meta"].items():
                self.names["VERSION." + name.partition(".")[0]] = f"{meta['version']}.{name.partition('.')[0]}"

    def fill(self, text):
        for name in sorted(self.names, key=len, reverse=True):
            text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", self.names[name], text)
        return text

    def test_a_deployment_from_offer_to_proof(self):
        steps = json.loads((COMPAT / "session-1.json").read_text())
        self.assertGreater(len(steps), 12)
        for step in steps:
            with self.subTest(f"{step['method']} {step['path']}"):
                body = self.fill(json.dumps(step["body"])).encode() if step["body"] is not None else None
                headers = {k: self.fill(v) for k, v in step["headers"].items()}
                answer = self.server.request(step["method"], self.fill(step["path"]), body, headers)
                self.assertEqual(answer.status, step["status"], answer.body)
                if step["answers"]:
                    self.learn(answer.json)
                    for path in step["answers"]:
                        self.assertIsNotNone(field(answer.json, path), path)
        done = self.server.api("GET", f"/api/v1/deployments/{self.names['ACTION']}").json
        self.assertEqual(done["state"], "confirmed", done)


class Formats(unittest.TestCase):
    """Files of the first version."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="ota-compat-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.place = pathlib.Path(cls.temporary.name)
        for name, text in json.loads((COMPAT / "formats-1.json").read_text()).items():
            path = cls.place / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.decompress(base64.b64decode(text)))

    def test_a_bundle_is_read(self):
        info = json.loads(run(program("ota"), "bundle", "info", self.place / "small.bundle", "--json"))
        self.assertEqual((info["version"], info["product"]), ("0.9.0", "gateway"))

    def test_keys_and_metadata_are_read(self):
        shown = json.loads(run(program("ota"), "keys", "show", self.place / "keys", "--json"))
        self.assertEqual([k["role"] for k in shown["keys"]], ["root", "targets", "boot"])
        self.assertEqual((shown["root"]["version"], shown["targets"]["version"]), (1, 3))

    def test_a_bundle_is_signed_with_the_keys_and_verified_with_the_root(self):
        bundle, keys = self.place / "signed.bundle", self.place / "signing-keys"
        shutil.copy(self.place / "small.bundle", bundle)
        shutil.copytree(self.place / "keys", keys)
        run(program("ota"), "release", "sign", bundle, "--keys", keys, "--demo")
        shown = json.loads(run(program("ota"), "keys", "show", keys, "--json"))
        self.assertEqual(shown["targets"]["version"], 4)
        trust = ("--boot-key", keys / "boot-key-0.pub", "--root", keys / "root.json")
        run(program("ota"), "bundle", "verify", bundle, *trust)

    def test_record_journal_and_descriptor_of_a_device_are_read(self):
        keys = self.place / "keys"
        files = {name: (keys / name).read_text() for name in ("root.json", "boot-key-0.pub")}
        files.update({"ca.pem": "none\n", "product": "gateway\n", "hardware": "revB\n", "demo": ""})
        device = Device(self.place / "device", files)
        for name in ("record", "journal"):
            (device.media / name).write_bytes((self.place / name).read_bytes())
        device.descriptor("b").write_bytes((self.place / "descriptor").read_bytes())
        done = subprocess.run([program("ota-client"), "doctor", "--config", device.ini], capture_output=True, text=True)
        self.assertRegex(done.stdout, r"ok +boot +slot A GOOD, slot B GOOD, floor 0")
        self.assertRegex(done.stdout, r"ok +journal")
        # The descriptor is the one that the record names, and signed; the image was not kept.
        self.assertIn("slot B: image firmware: its content is not what was signed", device.ota_boot()[1])


if __name__ == "__main__":
    unittest.main()
