# SPDX-License-Identifier: Apache-2.0
"""Another root key: ota keys rotate without a network, ota keys push, and devices that follow."""

import json
import shutil
import unittest

from lab.demo.house import program, run

from .agent_house import FAILED, AgentTest, Failed
from .test_ota_offline import PASSPHRASE, Offline

FILES = ("root.key", "root.pub", "root.json")


def contents(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


class Rotation(Offline):
    def setUp(self):
        super().setUp()
        self.mine = self.own_keys()
        self.first = contents(self.mine)

    def root(self, version=None, keys=None):
        return json.loads(((keys or self.mine) / (f"repository/{version}.root.json" if version else "root.json")).read_text())

    def public(self, keys=None):
        return ((keys or self.mine) / "root.pub").read_text().split()[0]

    def rotate(self, *more, **kwargs):
        return self.run_ota("keys", "rotate", self.mine, "--demo", *more, **kwargs)

    def nothing_changed(self):
        self.assertEqual(self.first, contents(self.mine))
        self.assertEqual([self.mine], [p for p in self.mine.parent.iterdir() if p.name.startswith("keys")])

    def test_the_old_key_and_the_new_one_sign_the_next_root(self):
        said, _ = self.rotate("--root-lifetime", "100d")
        self.assertIn("version 2, signed by the old key and the new one", said)
        old = self.mine.parent / "keys.before-2"
        self.assertEqual(self.first, contents(old), "what was is kept, byte for byte")
        root = self.root()
        self.assertEqual((2, True), (root["signed"]["version"], root["signed"]["x-ota-demo"]))
        self.assertEqual(root, self.root(2))
        self.assertEqual(self.root(1, old), self.root(1))
        self.assertNotEqual(self.public(old), self.public())
        for i, public in enumerate((self.public(old), self.public())):
            self.assert_signed({**root, "signatures": root["signatures"][i:]}, public)
        before, after = self.root(1)["signed"]["roles"], root["signed"]["roles"]
        self.assertNotEqual(before.pop("root"), after.pop("root"))
        self.assertEqual(before, after, "no other role has another key")
        changed = {str(p) for p, data in contents(self.mine).items() if self.first.get(p) != data}
        self.assertEqual({*FILES, "repository/2.root.json"}, changed)
        for name in ("root.key", "targets.key", "boot-0.key"):
            self.assertEqual(0o600, (self.mine / name).stat().st_mode & 0o777)
        self.assertEqual(0o700, self.mine.stat().st_mode & 0o777)

    def test_who_trusts_the_first_root_follows_to_the_third(self):
        self.rotate()
        self.assertEqual(3, json.loads(self.rotate("--json")[0])["root"]["version"])
        bundle = self.create()
        self.sign(bundle, self.mine)
        for root in (self.mine.parent / "keys.before-2/root.json", self.mine / "root.json"):
            self.assertIn("vouched for", self.run_ota("bundle", "verify", bundle, "--root", root)[0])

    def test_a_root_that_the_old_key_did_not_sign_leads_nobody(self):
        self.rotate()
        root = self.root()
        self.assertEqual(2, len(root["signatures"]))
        root["signatures"] = [s for s in root["signatures"] if s["keyid"] in root["signed"]["roles"]["root"]["keyids"]]
        self.assertEqual(1, len(root["signatures"]))
        (self.mine / "repository/2.root.json").write_text(json.dumps(root))
        bundle = self.create()
        self.sign(bundle, self.mine)
        self.refused("root", "bundle", "verify", bundle, "--root", self.mine.parent / "keys.before-2/root.json")

    def test_sealed_keys_are_rotated_under_their_passphrase(self):
        shutil.copytree(self.keys, self.dir / "sealed")
        self.refused("", "keys", "rotate", self.dir / "sealed", passphrase="not the passphrase", status=FAILED)
        self.assertEqual(contents(self.keys), contents(self.dir / "sealed"))
        for _ in range(2):
            self.run_ota("keys", "rotate", self.dir / "sealed", passphrase=PASSPHRASE)
        self.assertEqual(3, self.root(keys=self.dir / "sealed")["signed"]["version"])

    def test_demo_keys_are_not_rotated_without_the_word(self):
        self.refused("demo", "keys", "rotate", self.mine)
        self.nothing_changed()

    def test_a_key_that_the_root_does_not_name_is_not_rotated(self):
        for name in ("root.key", "root.pub"):
            shutil.copy(self.mine / name, self.dir / name)
        self.rotate()
        for name in ("root.key", "root.pub"):
            shutil.copy(self.dir / name, self.mine / name)
        self.refused("root.key is not the key that root version 2 names", "keys", "rotate", self.mine, "--demo")

    def test_what_is_in_the_way_is_not_written_over(self):
        (self.mine.parent / "keys.before-2").mkdir()
        self.refused("exists already", "keys", "rotate", self.mine, "--demo", status=FAILED)
        (self.mine.parent / "keys.before-2").rmdir()
        self.nothing_changed()
        self.refused("", "keys", "rotate", self.dir / "nowhere", "--demo", status=FAILED)


class Followers(AgentTest):
    def test_a_device_follows_to_the_new_root_and_takes_a_release_made_after(self):
        board = self.board()
        board.start()
        self.assertEqual("confirmed", self.settled(self.assign(board, "2.0.0"))["state"])
        trusted = board.state / "tuf/root.json"
        self.assertEqual(1, json.loads(trusted.read_text())["signed"]["version"])
        keys = self.publisher.keys
        run(program("ota"), "keys", "rotate", keys, "--demo")
        self.assertIn("root version 2", self.server.ota("keys", "push", keys))
        self.assertIn("root version 2", self.server.ota("keys", "push", keys))  # again: nothing to do
        self.releases["3.0.0"] = self.publisher.publish(self.server, "3.0.0", self.publisher.images("3.0.0"))
        self.assertEqual("confirmed", self.settled(self.assign(board, "3.0.0"))["state"])
        self.assertEqual(2, json.loads(trusted.read_text())["signed"]["version"])
        self.assertNotEqual((keys / "root.pub").read_text(), (keys.parent / "keys.before-2/root.pub").read_text())

    def test_the_server_takes_no_root_of_a_key_that_nobody_named(self):
        stranger = self.place / "stranger"
        shutil.copytree(self.publisher.keys, stranger)
        version = json.loads((stranger / "root.json").read_text())["signed"]["version"]
        run(program("ota"), "keys", "rotate", stranger, "--demo")
        path = stranger / f"repository/{version + 1}.root.json"
        root = json.loads(path.read_text())
        root["signatures"] = [s for s in root["signatures"] if s["keyid"] in root["signed"]["roles"]["root"]["keyids"]]
        path.write_text(json.dumps(root))
        with self.assertRaises(Failed) as refusal:
            self.server.ota("keys", "push", stranger)
        self.assertEqual(3, refusal.exception.status)


if __name__ == "__main__":
    unittest.main()
