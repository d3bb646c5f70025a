# SPDX-License-Identifier: Apache-2.0
"""ota without a server: keys, bundles, signing, and every refusal with its exit status.

The judge of signatures is the openssl program over a canonical form made here; nothing of ours
checks itself.
"""

import json
import os
import pathlib
import pty
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OTA_BUILD", TOP / "build"))
OTA = BUILD / "tools/ota"
DONE, FAILED, USAGE, REFUSED, UNREACHABLE = range(5)
PASSPHRASE = "a long passphrase"
ROOT, TIMESTAMP, SNAPSHOT, TARGETS, MANIFEST, DESCRIPTOR, HEAD, BODY, FILE = range(1, 10)


def openssl(*args, **kwargs):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **kwargs).stdout


def canonical(value):
    """OLPC canonical JSON, for the ASCII values that metadata has."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parts(path):
    """[(type, offset, length)] of a bundle, by docs/formats/bundle.md."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"OTABNDL1"
    (n,) = struct.unpack_from("<H", data, 10)
    rows = (struct.unpack_from("<IIQQ", data, 16 + 24 * i) for i in range(n))
    return [(kind, offset, length) for kind, _, offset, length in rows]


def part(path, kind):
    for found, offset, length in parts(path):
        if found == kind:
            return pathlib.Path(path).read_bytes()[offset : offset + length]
    return None


class Offline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.stack.name)
        cls.online = cls.base / "online.json"
        cls.online.write_text(json.dumps({role: cls.online_key(role) for role in ("snapshot", "timestamp")}))
        cls.firmware = cls.base / "firmware.img"
        cls.firmware.write_bytes(bytes(i * i % 251 for i in range(300_001)) * 4)
        cls.rootfs = cls.base / "rootfs.img"
        cls.rootfs.write_bytes(bytes(200_000) + b"end")
        cls.keys = cls.base / "keys"
        cls.ota(cls.keys.parent, "keys", "init", cls.keys, "--online", cls.online, passphrase=PASSPHRASE)
        cls.demo_keys = cls.base / "demo-keys"
        cls.ota(cls.keys.parent, "keys", "init", cls.demo_keys, "--online", cls.online, "--demo")

    @classmethod
    def tearDownClass(cls):
        cls.stack.cleanup()

    @classmethod
    def online_key(cls, role):
        pem = openssl("genpkey", "-algorithm", "ed25519")
        der = openssl("pkey", "-pubout", "-outform", "DER", input=pem)
        return {"keytype": "ed25519", "scheme": "ed25519", "public": der[-32:].hex()}

    @staticmethod
    def ota(cwd, *args, passphrase=None, status=DONE, fake_time=None):
        """Runs ota without a terminal; returns (stdout, stderr)."""
        command = [str(a) for a in (OTA, *args)]
        fds = ()
        if passphrase is not None:
            read, write = os.pipe()
            os.write(write, passphrase.encode() + b"\n")
            os.close(write)
            fds = (read,)
            command += ["--passphrase-fd", str(read)]
        if fake_time is not None:
            command = ["faketime", "-f", fake_time, *command]
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, pass_fds=fds, start_new_session=True,
            stdin=subprocess.DEVNULL, timeout=120,
            # faketime preloads itself, which the address sanitizer would take for a mistake
            env={**os.environ, "HOME": str(cwd), "ASAN_OPTIONS": "verify_asan_link_order=0"},
        )
        for fd in fds:
            os.close(fd)
        if done.returncode != status:
            raise AssertionError(f"{command}: exit {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
        if status != DONE:
            assert done.stderr.startswith("ota: "), done.stderr
        return done.stdout, done.stderr

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=self.base))

    def run_ota(self, *args, **kwargs):
        return self.ota(self.dir, *args, **kwargs)

    def refused(self, reason, *args, status=REFUSED, **kwargs):
        _, said = self.run_ota(*args, status=status, **kwargs)
        self.assertIn(reason, said)
        self.assertEqual([], [line for line in said.splitlines() if not line.startswith(("ota: ", "Try "))])

    def create(self, name="v.ota", version="2.0.0", keys=None, image=None):
        keys = keys or self.demo_keys
        out = self.dir / name
        args = ["--demo"] if keys == self.demo_keys else []
        self.run_ota(
            "bundle", "create", out, "--keys", keys, "--product", "gateway", "--hardware", "revA", "--hardware", "revB",
            "--version", version, "--security-version", "3", "--notes", "First words.",
            "--image", f"firmware={image or self.firmware}", "--image", f"rootfs={self.rootfs}", *args,
            passphrase=None if args else PASSPHRASE,
        )
        return out

    def own_keys(self):
        """A copy of the demo keys that this test may change."""
        keys = self.dir / "keys"
        shutil.copytree(self.demo_keys, keys)
        return keys

    def sign(self, bundle, keys):
        return self.run_ota("release", "sign", bundle, "--keys", keys, "--demo")[0]

    def assert_signed(self, envelope, public_hex):
        """openssl agrees that this key signed this envelope."""
        spki = bytes.fromhex("302a300506032b6570032100" + public_hex)
        (self.dir / "k.der").write_bytes(spki)
        (self.dir / "m").write_bytes(canonical(envelope["signed"]))
        (self.dir / "s").write_bytes(bytes.fromhex(envelope["signatures"][0]["sig"]))
        openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", self.dir / "k.der", "-rawin",
                "-in", self.dir / "m", "-sigfile", self.dir / "s")


class Keys(Offline):
    def test_keys_are_sealed_for_their_owner_and_the_first_metadata_is_signed(self):
        self.assertEqual(0o700, self.keys.stat().st_mode & 0o777)
        for name in ("root.key", "targets.key", "boot-0.key"):
            self.assertEqual(0o600, (self.keys / name).stat().st_mode & 0o777)
            self.assertFalse(json.loads((self.keys / name).read_text())["demo"])
        root = json.loads((self.keys / "root.json").read_text())
        self.assertEqual((self.keys / "root.json").read_bytes(), (self.keys / "repository/1.root.json").read_bytes())
        self.assert_signed(root, (self.keys / "root.pub").read_text().split()[0])
        targets = json.loads((self.keys / "repository/1.targets.json").read_text())
        self.assert_signed(targets, (self.keys / "targets.pub").read_text().split()[0])
        self.assertEqual({}, targets["signed"]["targets"])
        self.assertFalse((self.keys / "demo").exists())

    def test_the_roots_online_keys_are_the_servers(self):
        signed = json.loads((self.keys / "root.json").read_text())["signed"]
        theirs = json.loads(self.online.read_text())
        for role in ("snapshot", "timestamp"):
            (keyid,) = signed["roles"][role]["keyids"]
            self.assertEqual(theirs[role]["public"], signed["keys"][keyid]["keyval"]["public"])

    def test_keys_are_never_written_over_and_a_failed_attempt_leaves_nothing(self):
        before = sorted(p.name for p in self.base.iterdir())
        self.refused("never written over", "keys", "init", self.keys, "--online", self.online, status=FAILED,
                     passphrase=PASSPHRASE)
        self.refused("fewer than 8", "keys", "init", self.dir / "k", "--online", self.online, status=USAGE,
                     passphrase="short")
        self.refused("--online is missing", "keys", "init", self.dir / "k", "--demo", status=USAGE)
        self.refused("field \"snapshot\"", "keys", "init", self.dir / "k", "--online", self.demo_keys / "root.json",
                     "--demo")
        self.refused("there is no terminal", "keys", "init", self.dir / "k", "--online", self.online, status=USAGE)
        self.assertEqual(before, sorted(p.name for p in self.base.iterdir()))
        self.assertEqual([], list(self.dir.iterdir()))

    def test_demo_keys_carry_a_mark_and_are_refused_without_the_word(self):
        self.assertTrue((self.demo_keys / "demo").exists())
        self.assertTrue(json.loads((self.demo_keys / "root.key").read_text())["demo"])
        self.assertEqual("demo", (self.demo_keys / "boot-key-0.pub").read_text().split()[1])
        self.refused("demo key", "bundle", "create", "x", "--keys", self.demo_keys, "--product", "p", "--hardware", "h",
                     "--version", "1", "--image", f"firmware={self.firmware}")
        bundle = self.create()
        self.refused("demo key", "release", "sign", bundle, "--keys", self.own_keys())

    def test_show_tells_keys_and_versions(self):
        shown = json.loads(self.run_ota("keys", "show", self.keys, "--json")[0])
        self.assertEqual(["root", "targets", "boot"], [k["role"] for k in shown["keys"]])
        self.assertEqual(1, shown["targets"]["version"])
        self.assertIn("FINGERPRINT", self.run_ota("keys", "show", self.keys)[0])

    def test_a_wrong_passphrase_opens_nothing(self):
        self.refused("wrong passphrase", "bundle", "create", "x", "--keys", self.keys, "--product", "p", "--hardware",
                     "h", "--version", "1", "--image", f"firmware={self.firmware}", passphrase="not this one",
                     status=FAILED)
        self.assertEqual([], list(self.dir.iterdir()))

    def ask_on_terminal(self, *answers):
        """Runs keys init on a terminal of its own; returns (status, what the terminal showed)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(OTA, ["ota", "keys", "init", str(self.dir / "k"), "--online", str(self.online)])
        shown = b""
        waiting = list(answers)
        while True:
            ready, _, _ = select.select([fd], [], [], 60)
            self.assertTrue(ready, "the terminal is silent")
            try:
                got = os.read(fd, 4096)
            except OSError:
                got = b""
            if not got:
                break
            shown += got
            if waiting and shown.endswith(b": "):
                os.write(fd, waiting.pop(0).encode() + b"\n")
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_the_terminal_is_asked_twice_and_shows_no_passphrase(self):
        status, shown = self.ask_on_terminal(PASSPHRASE, PASSPHRASE)
        self.assertEqual(DONE, status, shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.assertTrue((self.dir / "k/root.key").exists())

    def test_an_interrupt_at_the_question_leaves_no_keys(self):
        status, shown = self.ask_on_terminal("\x03")
        self.assertNotEqual(DONE, status, shown)
        self.assertFalse((self.dir / "k").exists())

    def test_two_different_passphrases_make_no_keys(self):
        status, shown = self.ask_on_terminal(PASSPHRASE, PASSPHRASE + "!")
        self.assertEqual(USAGE, status, shown)
        self.assertIn("differ", shown)
        self.assertFalse((self.dir / "k").exists())


class Bundles(Offline):
    def test_the_same_inputs_make_the_same_bytes(self):
        first = self.create("one.ota")
        second = self.create("two.ota")
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_info_tells_what_is_in_it(self):
        info = json.loads(self.run_ota("bundle", "info", self.create(), "--json")[0])
        self.assertEqual(("gateway", "2.0.0", 3, ["revA", "revB"]),
                         (info["product"], info["version"], info["security_version"], info["hardware"]))
        self.assertEqual([("firmware", 1_200_004), ("rootfs", 200_003)],
                         [(i["name"], i["size"]) for i in info["images"]])
        self.assertFalse(info["signed"])
        self.assertIn("not signed yet", self.run_ota("bundle", "info", self.dir / "v.ota")[0])

    @unittest.skipUnless(shutil.which("veritysetup"), "veritysetup is not installed")
    def test_its_root_hash_is_the_one_veritysetup_makes(self):
        manifest = json.loads(part(self.create(), MANIFEST))
        padded = self.dir / "padded"
        data = self.firmware.read_bytes()
        padded.write_bytes(data + bytes(-len(data) % 4096))
        image = manifest["images"][0]
        out = subprocess.run(
            ["veritysetup", "format", padded, self.dir / "tree", "--salt", image["salt"]],
            check=True, capture_output=True, text=True).stdout
        self.assertIn(image["root_hash"], out)

    def test_verify_says_what_is_not_vouched_for(self):
        bundle = self.create()
        said, _ = self.run_ota("bundle", "verify", bundle)
        self.assertIn("not checked  who vouches for it", said)
        self.assertIn("not checked  the slot descriptor's signature", said)
        said, _ = self.run_ota("bundle", "verify", bundle, "--boot-key", self.demo_keys / "boot-key-0.pub")
        self.assertIn("signed by boot key 0", said)

    def test_a_strangers_boot_key_is_refused(self):
        self.refused("slot descriptor", "bundle", "verify", self.create(), "--boot-key", self.keys / "boot-key-0.pub")

    def test_one_altered_bit_anywhere_is_refused(self):
        bundle = self.create()
        good = bundle.read_bytes()
        at = [0, 10, 12, 17, 25]
        for _, offset, length in parts(bundle):
            at += [offset, offset + length // 2, offset + length - 1]
        for place in at:
            bad = bytearray(good)
            bad[place] ^= 4
            bundle.write_bytes(bad)
            self.refused(str(bundle), "bundle", "verify", bundle)

    def test_a_cut_or_foreign_file_is_refused(self):
        bundle = self.create()
        good = bundle.read_bytes()
        for size in (0, 7, 15, 100, len(good) // 2, len(good) - 1):
            bundle.write_bytes(good[:size])
            self.refused(str(bundle), "bundle", "info", bundle)
        bundle.write_bytes(good + b"x")
        self.refused(str(bundle), "bundle", "info", bundle)
        self.refused("is not a file", "bundle", "info", self.dir)
        self.refused("No such file", "bundle", "info", self.dir / "none", status=FAILED)

    def test_a_wrong_call_makes_no_bundle(self):
        good = {"--keys": self.demo_keys, "--product": "gateway", "--hardware": "revA", "--version": "1",
                "--image": f"firmware={self.firmware}"}
        rows = [({name: None}, USAGE, f"{name} is missing") for name in good]
        rows += [
            ({"--image": "firmware"}, USAGE, "is not NAME=FILE"),
            ({"--image": f"firmware={self.dir}/none"}, FAILED, "No such file"),
            ({"--security-version": "4294967296"}, USAGE, "too large"),
            ({"--boot-key-index": "1"}, FAILED, "boot-1.key"),
            ({"--version": "1 0"}, REFUSED, "version"),
            ({"--product": "Gate/way"}, REFUSED, "product"),
            ({"--security-version": "1", "--raise-floor-to": "2"}, USAGE, "cannot be raised to 2"),
        ]
        for change, status, reason in rows:
            options = {**good, **change}
            args = [a for name, value in options.items() if value is not None for a in (name, value)]
            self.refused(reason, "bundle", "create", self.dir / "x.ota", *args, "--demo", status=status)
            self.assertEqual([], list(self.dir.iterdir()))


class OpaqueFiles(Offline):
    """Releases for clients of others: files besides images, or instead of them."""

    def make(self, *more, name="files.ota", version="4.0.0"):
        swu, app = self.dir / "update.swu", self.dir / "app.bin"
        swu.write_bytes(b"swu" * 1000)
        app.write_bytes(b"app" * 70_000)
        out = self.dir / name
        self.run_ota("bundle", "create", out, "--product", "gateway", "--hardware", "revA", "--version", version,
                     "--file", f"bApp={app}", "--file", swu, "--demo", *more)
        return out

    def test_files_alone_are_signed_without_a_boot_key(self):
        keys, bundle = self.own_keys(), self.make("--security-only")
        info = json.loads(self.run_ota("bundle", "info", bundle, "--json")[0])
        self.assertEqual(([], True), (info["images"], info["security_only"]))
        self.assertEqual([("update.swu", "os", 3000), ("app.bin", "bApp", 210_000)],
                         [(f["name"], f["part"], f["size"]) for f in info["files"]])
        self.assertIn("marked as security only", self.sign(bundle, keys))
        said, _ = self.run_ota("bundle", "verify", bundle, "--root", keys / "repository" / "1.root.json")
        self.assertIn("all 2 opaque files", said)
        self.assertIn("ok           vouched for", said)
        self.assertEqual(b"swu" * 1000, part(bundle, FILE))

    def test_files_come_besides_images_too(self):
        bundle = self.make("--keys", self.demo_keys, "--image", f"firmware={self.firmware}")
        manifest = json.loads(part(bundle, MANIFEST))
        self.assertEqual((2, 1, 2), (manifest["format"], len(manifest["images"]), len(manifest["files"])))
        self.run_ota("bundle", "verify", bundle)

    def test_one_altered_bit_of_a_file_is_refused(self):
        bundle = self.make()
        good = bundle.read_bytes()
        for kind, offset, length in parts(bundle):
            bad = bytearray(good)
            bad[offset + length // 2] ^= 4
            bundle.write_bytes(bad)
            self.refused(str(bundle), "bundle", "verify", bundle)

    def test_a_wrong_file_makes_no_bundle(self):
        good = self.dir / "a.swu"
        good.write_bytes(b"x")
        (self.dir / "empty").write_bytes(b"")
        rows = [
            (["--file", self.dir / "none.swu"], FAILED, "No such file"),
            (["--file", self.dir / "empty"], USAGE, "is empty"),
            (["--file", f"kernel={good}"], REFUSED, "is not a part"),
            (["--file", good, "--file", good], REFUSED, "is there twice"),
            ([word for _ in range(9) for word in ("--file", good)], USAGE, "at most"),
        ]
        for words, status, reason in rows:
            self.refused(reason, "bundle", "create", self.dir / "x.ota", "--product", "gateway", "--hardware", "revA",
                         "--version", "1", *words, status=status)
            self.assertFalse((self.dir / "x.ota").exists())

    def test_there_is_nothing_to_export_for_a_device_of_ours(self):
        keys, bundle = self.own_keys(), self.make()
        self.sign(bundle, keys)
        self.refused("no image", "release", "export", bundle, self.dir / "out.ota", "--server", "https://127.0.0.1:1")


class Signing(Offline):
    def test_a_release_is_signed_vouched_for_and_shown(self):
        keys = self.own_keys()
        bundle = self.create()
        body = part(bundle, BODY)
        said = self.sign(bundle, keys)
        self.assertIn("version 1 -> 2, 0 releases -> 1", said)
        self.assertIn("+ release/gateway/2.0.0.json", said)
        self.assertEqual([ROOT, TARGETS, MANIFEST, DESCRIPTOR, HEAD, BODY], [kind for kind, _, _ in parts(bundle)])
        self.assertEqual(body, part(bundle, BODY))
        targets = json.loads((keys / "repository/2.targets.json").read_text())
        self.assert_signed(targets, (keys / "targets.pub").read_text().split()[0])
        self.assertEqual(part(bundle, TARGETS), (keys / "repository/2.targets.json").read_bytes())
        said, _ = self.run_ota("bundle", "verify", bundle, "--root", keys / "root.json")
        self.assertIn("vouched for by targets version 2 under root version 1", said)
        self.assertIn("not published", said)
        verdict = json.loads(self.run_ota("bundle", "verify", bundle, "--root", keys / "root.json", "--json")[0])
        self.assertEqual({"root_version": 1, "targets_version": 2, "published": False},
                         {k: v for k, v in verdict["vouched"].items() if k != "expires_at"})
        self.assertIsNone(verdict["boot_key"])

    def test_with_a_passphrase_it_is_the_same(self):
        keys = self.dir / "keys"
        shutil.copytree(self.keys, keys)
        bundle = self.create(keys=keys)
        self.run_ota("release", "sign", bundle, "--keys", keys, passphrase=PASSPHRASE)
        self.run_ota("bundle", "verify", bundle, "--root", keys / "root.json")

    def test_a_second_release_keeps_the_first_listed(self):
        keys = self.own_keys()
        self.sign(self.create("one.ota", "1.0.0"), keys)
        self.sign(self.create("two.ota", "2.0.0"), keys)
        targets = json.loads((keys / "repository/3.targets.json").read_text())["signed"]
        self.assertEqual(3, targets["version"])
        self.assertEqual(["release/gateway/1.0.0.json", "release/gateway/2.0.0.json"], sorted(targets["targets"]))

    def test_unsigned_material_is_refused_by_name(self):
        bundle = self.create()
        words = "not signed yet: run ota release sign"
        self.refused(words, "bundle", "verify", bundle, "--root", self.demo_keys / "root.json")
        self.refused(words, "release", "push", bundle, "--server", "https://127.0.0.1:1", "--ca", "x", "--token-file",
                     "y")

    def test_a_strangers_signature_is_refused(self):
        bundle = self.create()
        self.sign(bundle, self.own_keys())
        self.refused("signed by 0 of the 1 keys", "bundle", "verify", bundle, "--root", self.keys / "root.json")

    def test_a_version_is_never_reused(self):
        keys = self.own_keys()
        self.sign(self.create("one.ota"), keys)
        other = self.create("two.ota", image=self.rootfs)
        self.refused("never reused", "release", "sign", other, "--keys", keys, "--demo", status=FAILED)
        self.assertFalse((keys / "repository/3.targets.json").exists())

    def test_a_cut_before_the_bundle_was_finished_is_mended_by_the_same_command(self):
        keys = self.own_keys()
        bundle = self.create()
        unsigned = bundle.read_bytes()
        self.sign(bundle, keys)
        signed = bundle.read_bytes()
        bundle.write_bytes(unsigned)
        self.sign(bundle, keys)
        self.assertEqual(signed, bundle.read_bytes())
        self.assertFalse((keys / "repository/3.targets.json").exists())

    def test_an_altered_list_of_releases_is_not_built_upon(self):
        keys = self.own_keys()
        current = keys / "repository/1.targets.json"
        current.write_text(current.read_text().replace('"version":1', '"version":1,"x":1'))
        self.refused("signed by 0 of the 1 keys", "release", "sign", self.create(), "--keys", keys, "--demo")
        self.assertFalse((keys / "repository/2.targets.json").exists())

    def test_the_builders_own_files_are_compared(self):
        keys = self.own_keys()
        bundle = self.create()
        before = bundle.read_bytes()
        self.refused("is not what the bundle holds", "release", "sign", bundle, "--keys", keys, "--demo", "--image",
                     f"firmware={self.rootfs}")
        self.refused("no image", "release", "sign", bundle, "--keys", keys, "--demo", "--image",
                     f"kernel={self.rootfs}", status=USAGE)
        self.assertEqual(before, bundle.read_bytes())
        said, _ = self.run_ota("release", "sign", bundle, "--keys", keys, "--demo", "--image",
                               f"firmware={self.firmware}")
        self.assertIn("is the bundle's image firmware", said)

    def test_a_descriptor_of_another_boot_key_is_not_signed(self):
        keys = self.own_keys()
        shutil.copy(self.keys / "boot-key-0.pub", keys / "boot-key-0.pub")
        self.refused("slot descriptor", "release", "sign", self.create(), "--keys", keys, "--demo")

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    def test_what_has_expired_vouches_for_nothing(self):
        keys = self.own_keys()
        bundle = self.create()
        self.run_ota("release", "sign", bundle, "--keys", keys, "--demo", "--targets-lifetime", "2d")
        self.run_ota("bundle", "verify", bundle, "--root", keys / "root.json", fake_time="+1d")
        self.refused("valid until", "bundle", "verify", bundle, "--root", keys / "root.json", fake_time="+3d")


class Program(Offline):
    def test_a_server_that_is_not_there_is_status_4(self):
        bound = socket.socket()  # and not listening: the port stays its own, and nobody answers there
        self.addCleanup(bound.close)
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        ca, token = self.dir / "ca.pem", self.dir / "token"
        ca.write_bytes(openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null"))
        token.write_text("secret\n")
        options = ("--server", f"https://127.0.0.1:{port}", "--ca", ca, "--token-file", token)
        self.refused("", "release", "list", *options, status=UNREACHABLE)
        self.refused("", "device", "show", "x", *options, status=UNREACHABLE)

    def test_the_servers_place_may_stand_in_a_file(self):
        self.refused("--server is missing (or url in section [server]", "release", "list", status=USAGE)
        config = self.dir / ".config/ota/ota.ini"
        config.parent.mkdir(parents=True)
        config.write_text("[server]\nurl = http://x\nca = ca.pem\ntoken-file = token\n")
        self.refused("does not begin with https://", "release", "list", status=USAGE)
        config.write_text("[server]\nurl = https://x\ntokenfile = token\n")
        self.refused("did you mean token-file?", "release", "list", status=USAGE)

    def test_an_empty_token_is_refused_before_anything_is_sent(self):
        (self.dir / "token").write_text("\n")
        self.refused("token: empty", "release", "list", "--server", "https://127.0.0.1:1", "--ca", "x", "--token-file",
                     self.dir / "token", status=USAGE)

    def test_with_json_every_step_prints_one_value_and_nothing_else(self):
        keys, bundle = self.dir / "own", self.dir / "v.ota"
        made = json.loads(self.run_ota("keys", "init", keys, "--online", self.online, "--demo", "--json")[0])
        self.assertEqual(made, json.loads(self.run_ota("keys", "show", keys, "--json")[0]))
        self.assertEqual([k["role"] for k in made["keys"]], ["root", "targets", "boot"])
        created = json.loads(self.run_ota(
            "bundle", "create", bundle, "--keys", keys, "--demo", "--product", "gateway", "--hardware", "revA", "--version",
            "2.0.0", "--image", f"firmware={self.firmware}", "--json")[0])
        self.assertEqual(created, json.loads(self.run_ota("bundle", "info", bundle, "--json")[0]))
        sign = ("release", "sign", bundle, "--keys", keys, "--demo", "--image", f"firmware={self.firmware}", "--json")
        said, shown = self.run_ota(*sign)
        self.assertEqual(json.loads(said), {
            "product": "gateway", "version": "2.0.0", "target": "release/gateway/2.0.0.json", "targets_version": 2,
            "signed_before": False})
        self.assertIn("+ release/gateway/2.0.0.json", shown)  # what is signed is shown to whoever signs
        self.assertTrue(json.loads(self.run_ota(*sign)[0])["signed_before"])

    def test_every_command_has_help_and_the_table_makes_the_documents(self):
        words = self.run_ota("--help")[0]
        for command in ("keys init", "bundle create", "release sign", "device assign", "deployment cancel"):
            self.assertIn(command, words)
            self.assertIn("Usage: ota " + command, self.run_ota(*command.split(), "--help")[0])
        for option in ("--print-man", "--print-completion", "--print-config", "--version"):
            self.assertTrue(self.run_ota(option)[0])
        self.assertIn("[server]", self.run_ota("--print-config")[0])


if __name__ == "__main__":
    unittest.main()
