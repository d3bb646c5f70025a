# SPDX-License-Identifier: Apache-2.0
"""A process device: a directory with media, factory, state and one INI file, run by the real ota-boot.

    d = Device(path)                        # makes everything
    d.provision(descriptor, {"firmware": file})
    d.start()
    d.expect("jump slot=A")
    d.stop()

Used by the tests and by the demo. Nothing here knows how to sign; whoever makes a device brings the
factory's files.
"""

import os
import pathlib
import re
import signal
import struct
import subprocess
import threading
import time
import zlib

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("OTA_BUILD", TOP / "build"))
OTA_BOOT = BUILD / "client/bootloader/ota-boot"
MAKE_IMAGE = TOP / "lab/firmware/make_image"
ERASE_SIZE = 128 * 1024
MIB = 1024 * 1024
# Seconds until something that should happen counts as not happening: a guard, not a measure. A machine that
# is ten times slower than the one a test was written on fails nothing.
PATIENCE = 60

STATES = ["EMPTY", "WRITING", "WRITTEN", "PENDING", "TRYING", "GOOD", "BAD"]
REASONS = ["none", "exhausted", "health", "deadline", "unverified", "verity", "floor", "operator"]


def firmware_program(variant):
    return BUILD / "lab/firmware" / f"firmware-{variant}"


def factory_files(keys, ca_pem, product, hardware, demo=False):
    """What the factory puts on a device, from a directory of `ota keys init`."""
    keys = pathlib.Path(keys)
    files = {p.name: p.read_text() for p in [keys / "root.json", *sorted(keys.glob("boot-key-*.pub"))]}
    files.update({"ca.pem": ca_pem, "product": product + "\n", "hardware": hardware + "\n"})
    if demo:
        files["demo"] = ""
    return files


def make_image(variant, version, out, assets_kib=256):
    """A firmware image in `out`; its path."""
    subprocess.run([MAKE_IMAGE, firmware_program(variant), version, out, "--assets", str(assets_kib)], check=True)
    return out


class Record:
    """A copy of the slot record, read by docs/formats/record.md; no C of ours decodes it."""

    def __init__(self, data):
        if data[:8] != b"OTARECD1" or struct.unpack_from("<I", data, 508)[0] != zlib.crc32(data[:508]):
            raise ValueError("not a slot record")
        (self.sequence, self.transaction, self.floor, self.next_event, self.boot_count, self.min_key) = (
            struct.unpack_from("<QIIIIB", data, 16)
        )
        self.slots = [self._slot(data[48 + i * 112 :][:112]) for i in range(2)]
        self.events = [self._event(data[272 + i * 16 :][:16]) for i in range(6) if any(data[272 + i * 16 :][:4])]

    @staticmethod
    def _slot(data):
        return {
            "state": STATES[data[0]],
            "tries": data[1],
            "priority": data[2],
            "reason": REASONS[data[4]],
            "security_version": struct.unpack_from("<I", data, 8)[0],
            "root_hash": data[16:48].hex(),
            "version": data[48:].rstrip(b"\0").decode(),
        }

    @staticmethod
    def _event(data):
        number, transaction, slot, state, reason, tries = struct.unpack_from("<IIBBBB", data)
        return {
            "id": number,
            "transaction": transaction,
            "slot": "AB"[slot],
            "state": STATES[state],
            "reason": REASONS[reason],
            "tries": tries,
        }

    def state(self, slot):
        """"GOOD", or "BAD(health)"."""
        s = self.slots["AB".index(slot)]
        return s["state"] + (f"({s['reason']})" if s["state"] == "BAD" else "")


class Device:
    """factory: {file name: text}; images: {image name: bytes of room in each slot}; config: {section: {key:
    value or list}}, laid over what every device has (None removes a key)."""

    def __init__(self, path, factory=None, images=None, config=None):
        self.path = pathlib.Path(path)
        self.factory = self.path / "factory"
        self.media = self.path / "media"
        self.state = self.path / "state"
        self.ini = self.path / "device.ini"
        self.image_room = images or {"firmware": 4 * MIB}
        self.process = None
        self.log = []
        self._changed = threading.Condition()
        self._reader = None
        self.config = self._defaults()
        for section, keys in (config or {}).items():
            self.config.setdefault(section, {}).update(keys)
        self._make_directories(factory or {})
        self.write_config()

    def _defaults(self):
        slots = {
            f"slot-{s}": {
                "image": [f"{name}:{self.image(s, name)}" for name in self.image_room],
                "descriptor": self.descriptor(s),
            }
            for s in "ab"
        }
        return {
            "device": {"id": self.path.name},
            "factory": {"dir": self.factory},
            **slots,
            "boot": {"record": self.media / "record", "erase-size": "128KiB"},
            "journal": {"path": self.media / "journal"},
            "state": {"dir": self.state},
            "control": {"socket": self.path / "control"},
        }

    def _make_directories(self, factory):
        for directory in (self.factory, self.media, self.state):
            directory.mkdir(parents=True, exist_ok=True)
        for name, text in factory.items():
            (self.factory / name).write_text(text)
        sizes = {self.media / "record": 2 * ERASE_SIZE, self.media / "journal": 2 * ERASE_SIZE}
        for s in "ab":
            sizes[self.descriptor(s)] = 4096
            for name, room in self.image_room.items():
                sizes[self.image(s, name)] = room
        for path, size in sizes.items():
            if not path.exists():
                with open(path, "wb") as f:
                    f.truncate(size)

    def image(self, slot, name="firmware"):
        return self.media / f"{slot.lower()}.{name}"

    def descriptor(self, slot):
        return self.media / f"{slot.lower()}.descriptor"

    def write_config(self):
        lines = []
        for section, keys in self.config.items():
            lines.append(f"[{section}]")
            for key, value in keys.items():
                for item in value if isinstance(value, list) else [value]:
                    if item is not None:
                        lines.append(f"{key} = {item}")
        self.ini.write_text("\n".join(lines) + "\n")

    # --- running it

    def ota_boot(self, *words, timeout=2 * PATIENCE):
        """Runs ota-boot to its end: (exit status, output)."""
        done = subprocess.run(
            [OTA_BOOT, "--config", self.ini, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            text=True,
        )
        return done.returncode, done.stdout

    def provision(self, descriptor, images):
        """Factory flash: descriptor is a bundle or descriptor file, images {name: file}."""
        words = [f"{name}={path}" for name, path in images.items()]
        status, text = self.ota_boot("--provision", descriptor, *words)
        if status != 0:
            raise RuntimeError(f"provision: exit status {status}: {text}")

    def start(self, *words):
        """Powers the board on; the log begins anew."""
        self.log = []
        self.process = subprocess.Popen(
            [OTA_BOOT, "--config", self.ini, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                self._changed.notify_all()
        stream.close()
        with self._changed:
            self._changed.notify_all()

    def expect(self, pattern, seconds=PATIENCE, since=0):
        """Waits for a line of the log that matches; its match. `since` skips lines."""
        wanted = re.compile(pattern)
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.log[since:]:
                    found = wanted.search(line)
                    if found:
                        return found
                alive = self._reader is not None and self._reader.is_alive()
                left = end - time.monotonic()
                if left <= 0 or not alive:
                    tail = "\n".join(self.log[-30:])
                    raise AssertionError(f"{pattern!r} not in the log of {self.path.name}:\n{tail}")
                self._changed.wait(min(left, 0.2))

    def mark(self):
        """For expect(since=): what comes from now on."""
        with self._changed:
            return len(self.log)

    def stop(self, number=signal.SIGTERM, seconds=PATIENCE):
        """Powers it off (or kills it); the exit status, None if it did not run."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        self.process = None
        return status

    def kill(self):
        """The plug is pulled."""
        return self.stop(signal.SIGKILL)

    def wait(self, seconds=PATIENCE):
        """Until it ends by itself; the exit status."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        self.process = None
        return status

    # --- what is on the media

    def is_provisioned(self):
        return any(r is not None for r in self.records())

    def records(self):
        """Both copies, None where there is no valid one."""
        found = []
        data = (self.media / "record").read_bytes()
        for offset in (0, ERASE_SIZE):
            try:
                found.append(Record(data[offset : offset + 512]))
            except ValueError:
                found.append(None)
        return found

    def record(self):
        """The one that counts."""
        valid = [r for r in self.records() if r is not None]
        if not valid:
            raise AssertionError(f"{self.path.name}: both copies of the slot record are lost")
        return max(valid, key=lambda r: r.sequence)

    def put_record(self, data, copy):
        with open(self.media / "record", "r+b") as f:
            f.seek(copy * ERASE_SIZE)
            f.write(data)

    def alter(self, path, offset, by=1):
        """Flips bits of one byte of a medium."""
        with open(path, "r+b") as f:
            f.seek(offset)
            old = f.read(1)[0]
            f.seek(offset)
            f.write(bytes([old ^ by]))
