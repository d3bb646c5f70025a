# SPDX-License-Identifier: Apache-2.0
"""ota-boot: a board whose firmware crashes, hangs, lies or is not what was signed."""

import hashlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
import zlib

from lab.device import BUILD, PATIENCE, Device, factory_files, make_image
from .signing import BootKey, descriptor

STATE = {"PENDING": 3, "TRYING": 4, "GOOD": 5, "BAD": 6}
# Longer than any pause that a busy machine makes: only a test of the watchdog may meet it.
CONFIG = {
    "boot": {"watchdog": "60s", "reset-delay-max": "100ms"},
    # Nobody listens there: what is not acknowledged stays in the record.
    "server": {"url": "https://127.0.0.1:1"},
    "health": {"command": "/bin/true", "settle": "100ms", "retries": 0, "confirm-deadline": "60s"},
}


def encode_record(slots, floor=0, sequence=10):
    """A record as an agent would have stored it. slots: {"A": (state, tries, priority, descriptor, version,
    security version)}."""
    data = bytearray(512)
    struct.pack_into("<8sHHIQIIII", data, 0, b"OTARECD1", 1, 0, 0, sequence, 1, floor, 1, 0)
    for letter, (state, tries, priority, made, version, security) in slots.items():
        at = 48 + 112 * "AB".index(letter)
        struct.pack_into("<BBBBB3xI", data, at, STATE[state], tries, priority, 0, 0, security)
        data[at + 16 : at + 48] = hashlib.sha256(made).digest()
        data[at + 48 : at + 48 + len(version)] = version.encode()
    struct.pack_into("<I", data, 508, zlib.crc32(bytes(data[:508])))
    return bytes(data)


def make_ca():
    words = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=nobody -keyout /dev/null"
    done = subprocess.run(["openssl", *words.split()], check=True, capture_output=True, text=True)
    return done.stdout


def run_ota(*words, text=None):
    done = subprocess.run(
        [BUILD / "tools/ota", *map(str, words)], input=text or "", capture_output=True, text=True, timeout=2 * PATIENCE
    )
    if done.returncode != 0:
        raise RuntimeError(f"ota {words}: {done.stderr}")


def make_keys(place, demo):
    """A directory of `ota keys init`; the server's two keys are strangers' here."""
    online = {"keytype": "ed25519", "scheme": "ed25519"}
    (place / "online.json").write_text(
        json.dumps({role: {**online, "public": BootKey().public_hex} for role in ("snapshot", "timestamp")})
    )
    secret = ["--demo"] if demo else ["--passphrase-fd", "0"]
    run_ota("keys", "init", *secret, "--online", place / "online.json", place / "keys", text="a long passphrase\n")
    return place / "keys"


class Boards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="ota-boot-"))
        cls.addClassCleanup(shutil.rmtree, cls.place)
        cls.key = BootKey()
        cls.ca = make_ca()
        cls.root = (make_keys(cls.place, demo=False) / "root.json").read_text()
        cls.images = {
            variant: pathlib.Path(make_image(variant, version, cls.place / f"{variant}.img")).read_bytes()
            for variant, version in (
                ("healthy", "1.0.0"),
                ("crash", "2.0.0"),
                ("hang", "2.0.0"),
                ("unhealthy", "2.0.0"),
                ("mute", "2.0.0"),
            )
        }

    def hungry(self, variant):
        """A board whose watchdog bites soon, with a release in B that does not feed it."""
        d = self.device()
        d.config["boot"]["watchdog"] = "2s"  # longer than firmware needs to say what it is
        d.config["health"]["confirm-deadline"] = "1s"
        d.write_config()
        self.arm_b(d, variant)
        d.start()
        d.expect(f"variant={variant}")
        d.expect("reset: the watchdog was not fed")
        return d

    def device(self, provisioned=True):
        """A board with healthy 1.0.0 in slot A, GOOD."""
        where = tempfile.mkdtemp(dir=self.place, prefix="device-")
        factory = {
            "root.json": self.root,
            "ca.pem": self.ca,
            "boot-key-0.pub": self.key.public_hex + "\n",
            "hardware": "revA\n",
            "product": "gateway\n",
        }
        d = Device(where, factory, config={k: dict(v) for k, v in CONFIG.items()})
        self.addCleanup(d.kill)
        d.made_a = descriptor(self.key, {"firmware": self.images["healthy"]})
        (d.path / "descriptor").write_bytes(d.made_a)
        if provisioned:
            d.provision(d.path / "descriptor", {"firmware": self.place / "healthy.img"})
        return d

    def arm_b(self, d, variant="healthy", key=None, floor=0, made=None, **fields):
        """Slot B holds a release, PENDING with three tries."""
        content = self.images[variant]
        fields = {"version": "2.0.0", "security_version": 1, **fields}
        made = made or descriptor(key or self.key, {"firmware": content}, **fields)
        with open(d.image("B"), "r+b") as f:
            f.write(content)
        with open(d.descriptor("B"), "r+b") as f:
            f.write(made)
        slots = {
            "A": ("GOOD", 0, 1, d.made_a, "1.0.0", 1),
            "B": ("PENDING", 3, 2, made, fields["version"], fields["security_version"]),
        }
        d.put_record(encode_record(slots, floor), 0)
        d.put_record(b"\0" * 512, 1)
        self.assertEqual(d.record().state("B"), "PENDING")

    def ends_on_a(self, d, b_state):
        """Slot A runs in the end, B has this state, and the server will be told."""
        d.expect(r"jump slot=A version=1\.0\.0")
        d.expect("variant=healthy")
        self.assertEqual(d.stop(), 0)
        record = d.record()
        self.assertEqual(record.state("A"), "GOOD")
        self.assertEqual(record.state("B"), b_state)
        last = record.events[-1]
        self.assertEqual((last["slot"], last["state"]), ("B", "BAD"))
        return record

    # --- the factory

    def test_a_factory_flashed_slot_boots(self):
        d = self.device()
        self.assertEqual([r.state("A") for r in d.records()], ["GOOD", "GOOD"])
        d.start()
        d.expect("jump slot=A version=1.0.0 tries_left=0 boot=1 ")
        d.expect("started variant=healthy version=1.0.0")
        self.assertEqual(d.stop(), 0)

    def test_a_device_is_provisioned_once(self):
        d = self.device()
        before = (d.media / "record").read_bytes()
        status, text = d.ota_boot("--provision", d.path / "descriptor", f"firmware={self.place}/healthy.img")
        self.assertEqual((status, text), (1, "ota-boot: this device is provisioned already\n"))
        self.assertEqual((d.media / "record").read_bytes(), before)

    def test_the_factory_flashes_nothing_that_would_not_boot(self):
        d = self.device(provisioned=False)
        words = ("--provision", d.path / "descriptor")
        image = f"firmware={self.place}/healthy.img"
        for wrong, expected in (
            ([f"firmware={self.place}/crash.img"], 3),
            ([], 2),
            ([f"rootfs={self.place}/healthy.img"], 2),
        ):
            status, text = d.ota_boot(*words, *wrong)
            self.assertEqual(status, expected, text)
        (d.path / "descriptor").write_bytes(descriptor(BootKey(), {"firmware": self.images["healthy"]}))
        status, text = d.ota_boot(*words, image)
        self.assertEqual(status, 3, text)
        self.assertEqual(d.records(), [None, None])

    # --- releases that are bad for a device

    def test_a_healthy_release_is_tried_confirmed_and_stays(self):
        d = self.device()
        self.arm_b(d)
        d.start()
        d.expect("jump slot=B version=2.0.0 tries_left=2 boot=1 ")
        d.expect("confirmed: this firmware stays")
        d.stop()
        self.assertEqual(d.record().state("B"), "GOOD")
        d.start()
        d.expect("jump slot=B version=2.0.0 tries_left=0 boot=2 ")
        d.stop()

    def test_a_release_that_crashes_is_tried_three_times_then_the_old_one_runs(self):
        d = self.device()
        self.arm_b(d, "crash")
        d.start()
        for left in (2, 1, 0):
            d.expect(f"jump slot=B version=2.0.0 tries_left={left} ")
        d.expect("reset: firmware ended how=.*signal 6")
        record = self.ends_on_a(d, "BAD(exhausted)")
        self.assertEqual([e["state"] for e in record.events], ["TRYING"] * 3 + ["BAD"])
        self.assertEqual(record.boot_count, 4)

    def test_a_release_that_hangs_is_ended_by_the_watchdog(self):
        self.ends_on_a(self.hungry("hang"), "BAD(exhausted)")

    def test_a_release_that_fails_its_health_check_is_rejected(self):
        d = self.device()
        self.arm_b(d, "unhealthy")
        d.start()
        d.expect("jump slot=B")
        self.ends_on_a(d, "BAD(health)")

    def test_a_release_whose_agent_never_polls_comes_back(self):
        self.ends_on_a(self.hungry("mute"), "BAD(exhausted)")

    # --- what is not as signed

    def refused(self, d, why):
        d.start()
        d.expect(why)
        return self.ends_on_a(d, "BAD(unverified)")

    def test_one_altered_byte_in_the_new_slot_is_refused(self):
        for offset in (0, 4096 * 17 + 5, len(self.images["healthy"]) - 1):
            with self.subTest(offset=offset):
                d = self.device()
                self.arm_b(d)
                d.alter(d.image("B"), offset)
                record = self.refused(d, "slot B: image firmware: its content is not what was signed")
                self.assertEqual(record.boot_count, 1, "it was never started")

    def test_an_altered_byte_behind_the_image_in_its_last_block_is_harmless(self):
        d = self.device()
        self.arm_b(d)
        d.alter(d.image("B"), len(self.images["healthy"]))
        d.start()
        d.expect("confirmed: this firmware stays")
        d.stop()

    def test_each_byte_of_the_descriptor_counts(self):
        d = self.device()
        for offset in (0, 8, 16, 30, 300, 959, 960, 1023):
            with self.subTest(offset=offset):
                self.arm_b(d)
                d.alter(d.descriptor("B"), offset)
                self.refused(d, "slot B: descriptor")

    def test_a_strangers_signature_is_refused(self):
        d = self.device()
        self.arm_b(d, key=BootKey())
        self.refused(d, "slot B: descriptor")

    def test_a_release_for_another_device_is_refused(self):
        for fields, why in (
            ({"product": "pump"}, "made for product pump, this is gateway"),
            ({"hardware": ("revB", "revC")}, "not made for hardware revA"),
            ({"key_index": 1}, "slot B: descriptor"),
        ):
            with self.subTest(fields=fields):
                d = self.device()
                self.arm_b(d, **fields)
                self.refused(d, why)

    def test_a_descriptor_that_was_not_installed_is_refused_though_it_is_signed(self):
        d = self.device()
        self.arm_b(d)
        older = descriptor(self.key, {"firmware": self.images["healthy"]}, version="1.9.0")
        with open(d.descriptor("B"), "r+b") as f:
            f.write(older)
        self.refused(d, "slot B: descriptor: not the one that was installed")

    def test_a_slot_below_the_floor_does_not_boot(self):
        d = self.device()
        self.arm_b(d, floor=1, security_version=0)
        d.start()
        d.expect("jump slot=A")
        d.stop()
        self.assertEqual(d.record().state("B"), "PENDING")

    def test_the_only_good_slot_altered_halts_the_board_and_keeps_the_record(self):
        d = self.device()
        d.alter(d.image("A"), 12345)
        before = (d.media / "record").read_bytes()
        d.start()
        self.assertEqual(d.wait(), 3)
        self.assertIn("no slot may boot: A is GOOD, B is EMPTY", d.log[-1])
        self.assertEqual((d.media / "record").read_bytes(), before)
        d.alter(d.image("A"), 12345)
        d.start()
        d.expect("jump slot=A")

    def test_a_good_slot_altered_gives_way_to_the_other_good_one(self):
        d = self.device()
        self.arm_b(d)
        d.start()
        d.expect("confirmed: this firmware stays")
        d.stop()
        d.alter(d.image("B"), 100)
        self.refused(d, "slot B: image firmware")

    # --- the record

    def test_one_lost_copy_of_the_record_costs_nothing(self):
        for copy in (0, 1):
            with self.subTest(copy=copy):
                d = self.device()
                d.put_record(os.urandom(512), copy)
                d.start()
                d.expect("jump slot=A")
                d.stop()
                self.assertNotIn(None, d.records())

    def test_both_copies_lost_the_slots_are_verified_and_tried(self):
        d = self.device()
        self.arm_b(d, security_version=2)
        for copy in (0, 1):
            d.put_record(b"\xff" * 512, copy)
        d.start()
        d.expect("recovery begins")
        d.expect("jump slot=B version=2.0.0 tries_left=2 ")
        d.expect("confirmed: this firmware stays")
        d.stop()
        record = d.record()
        self.assertEqual((record.floor, record.state("A"), record.state("B")), (2, "BAD(floor)", "GOOD"))

    def test_both_copies_and_one_slot_lost_the_other_one_is_tried(self):
        d = self.device()
        d.put_record(b"\xff" * 512, 0)
        d.put_record(b"\xff" * 512, 1)
        d.start()
        d.expect("jump slot=A version=1.0.0 tries_left=2 ")
        d.expect("confirmed: this firmware stays")
        d.stop()

    def test_nothing_that_verifies_halts_the_board(self):
        d = self.device(provisioned=False)
        status, text = d.ota_boot()
        self.assertEqual(status, 1, text)
        self.assertIn("no slot holds firmware that verifies", text)
        self.assertEqual(d.records(), [None, None])

    # --- the board

    def test_power_off_takes_the_firmware_with_it(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number):
                d = self.device()
                d.start()
                d.expect("started variant=healthy")
                (child,) = self.children(d.process.pid)
                handle = os.pidfd_open(child)
                self.addCleanup(os.close, handle)
                d.stop(number)
                ended, _, _ = select.select([handle], [], [], PATIENCE)
                self.assertTrue(ended, "the firmware outlived its board")

    def test_a_reset_ends_also_what_firmware_sent_into_the_background(self):
        d = self.device()
        noted, command = d.path / "pid", d.path / "command"
        command.write_text(f"#!/bin/sh\nsetsid -f sh -c 'echo $$ > {noted}.new; mv {noted}.new {noted}; exec sleep 600'\n"
                           f"while [ ! -e {noted} ]; do sleep 0.01; done\nexit 1\n")
        command.chmod(0o755)
        d.config["health"]["command"] = command
        d.write_config()
        self.arm_b(d)
        d.start()
        self.ends_on_a(d, "BAD(health)")
        self.assertFalse(pathlib.Path(f"/proc/{noted.read_text().strip()}").exists())

    def test_the_board_runs_once(self):
        d = self.device()
        self.arm_b(d, "crash")
        d.start("--once")
        self.assertEqual(d.wait(), 1)
        self.assertIn("firmware ended: killed by signal 6", d.log[-1])
        self.assertEqual(d.record().state("B"), "TRYING")

    def test_two_boards_do_not_share_their_media(self):
        d = self.device()
        d.start()
        d.expect("started variant=healthy")
        status, text = d.ota_boot()
        self.assertEqual(status, 1)
        self.assertIn("is in use by another process", text)

    def test_demo_keys_are_refused_outside_demo_mode(self):
        d = self.device()
        (d.factory / "boot-key-0.pub").write_text(self.key.public_hex + " demo\n")
        status, text = d.ota_boot()
        self.assertEqual(status, 3)
        self.assertIn("is a demo key, and this device is not in demo mode", text)
        (d.factory / "demo").touch()
        d.start()
        d.expect("demo mode: demo keys are trusted")
        d.expect("jump slot=A")

    def test_bad_configuration_is_a_usage_error_that_names_the_key(self):
        for section, key, value, words in (
            ("slot-a", "image", ["firmware"], "[slot-a]: image \"firmware\" is not NAME:PATH"),
            ("boot", "erase-size", "100", "erase-size is not a multiple of 512 bytes"),
            ("boot", "backend", "grub", "there is no boot back-end \"grub\""),
            ("boot", "watchdog", "0s", "watchdog is 0s"),
            ("boot", "wathdog", "1s", "wathdog"),
            ("factory", "dir", None, "[factory] dir is missing"),
        ):
            with self.subTest(section=section, key=key):
                d = self.device()
                d.config[section][key] = value
                d.write_config()
                status, text = d.ota_boot()
                self.assertEqual(status, 2, text)
                self.assertIn(words, text)

    @staticmethod
    def children(pid):
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def test_the_board_killed_at_random_moments_always_boots_again(self):
        seed = int.from_bytes(os.urandom(4), "little")
        moments = random.Random(seed)
        d = self.device()
        self.arm_b(d)
        for _ in range(30):
            d.start()
            try:
                d.process.wait(moments.uniform(0, 0.25))
            except subprocess.TimeoutExpired:
                pass
            d.kill()
            record = d.record()
            self.assertEqual(record.state("A"), "GOOD", f"seed {seed}")
            self.assertIn(record.state("B"), ("PENDING", "TRYING", "GOOD", "BAD(exhausted)"), f"seed {seed}")
        d.start()
        d.expect("jump slot=")
        d.expect("started variant=healthy")
        self.assertEqual(d.stop(), 0)


class Factory(unittest.TestCase):
    """From `ota keys init` and `ota bundle create` to a board that boots."""

    @classmethod
    def setUpClass(cls):
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="ota-factory-"))
        cls.addClassCleanup(shutil.rmtree, cls.place)
        cls.keys = make_keys(cls.place, demo=True)
        make_image("healthy", "1.0.0", cls.place / "firmware.img")
        (cls.place / "rootfs.img").write_bytes(os.urandom(300_001))
        cls.bundle = cls.place / "one.ota"
        cls.images = {name: cls.place / f"{name}.img" for name in ("firmware", "rootfs")}
        words = [f"--image={name}={path}" for name, path in cls.images.items()]
        run_ota(
            *("bundle", "create", "--demo", "--keys", cls.keys, "--product", "gateway", "--hardware", "revA"),
            *("--version", "1.0.0", *words, cls.bundle),
        )

    def device(self, demo):
        factory = factory_files(self.keys, "-", "gateway", "revA", demo)
        room = {"firmware": 4 << 20, "rootfs": 1 << 20}
        d = Device(tempfile.mkdtemp(dir=self.place), factory, room)
        self.addCleanup(d.kill)
        return d

    def test_a_bundle_s_descriptor_and_its_images_make_a_device(self):
        d = self.device(demo=True)
        d.provision(self.bundle, self.images)
        self.assertEqual(d.image("A", "rootfs").read_bytes()[:300_001], self.images["rootfs"].read_bytes())
        d.start()
        d.expect("started variant=healthy version=1.0.0")

    def test_every_image_of_a_slot_is_verified(self):
        d = self.device(demo=True)
        d.provision(self.bundle, self.images)
        d.alter(d.image("A", "rootfs"), 300_000)
        status, text = d.ota_boot()
        self.assertEqual(status, 3)
        self.assertIn("slot A: image rootfs: its content is not what was signed", text)

    def test_keys_and_root_of_the_demo_are_marked_and_refused_elsewhere(self):
        d = self.device(demo=False)
        status, text = d.ota_boot()
        self.assertEqual(status, 3)
        self.assertIn("boot-key-0.pub is a demo key", text)
        key = d.factory / "boot-key-0.pub"
        key.write_text(key.read_text().replace(" demo", ""))
        status, text = d.ota_boot()
        self.assertEqual(status, 3)
        self.assertIn("root.json is a demo key", text)


if __name__ == "__main__":
    unittest.main()
