# SPDX-License-Identifier: Apache-2.0
"""ota delta: round trips compared byte by byte, and every refusal with its exit status."""

import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import unittest
import zlib

TOP = pathlib.Path(__file__).resolve().parents[2]
OTA = pathlib.Path(os.environ.get("OTA_BUILD", TOP / "build")) / "tools/ota"


def code(n, moved_from, gap):
    """n AArch64 calls, each in a function of its own; those from moved_from on stand gap bytes further."""
    place = lambda i: 16 * i + (gap if i >= moved_from else 0)
    data = bytearray(16 * n + gap)
    for i in range(n):
        target = i * 7919 % n
        words = (0x94000000 | ((place(target) - place(i)) // 4 & 0x3FFFFFF), 0xF9400000 | (i * 2654435761 >> 12 & 0xFFFFF),
                 0xD2800000 | (i * 40503 & 0x1FFFFF), 0xD65F03C0)
        struct.pack_into("<4I", data, place(i), *words)
    return bytes(data)


class Delta(unittest.TestCase):
    def setUp(self):
        self.stack = tempfile.TemporaryDirectory()
        self.addCleanup(self.stack.cleanup)
        self.dir = pathlib.Path(self.stack.name)
        rest = random.Random(5).randbytes(70001)
        self.old = self.write("old", code(8000, 8000, 0) + rest)
        self.new = self.write("new", code(8000, 3000, 48) + rest[:50000] + b"new" + rest[50000:])
        self.patch = self.dir / "patch"
        self.out = self.dir / "out"

    def write(self, name, data):
        (self.dir / name).write_bytes(data)
        return self.dir / name

    def ota(self, *args, expect=0):
        done = subprocess.run([OTA, "delta", *map(str, args)], capture_output=True, text=True)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def test_the_new_image_comes_back_from_a_small_patch(self):
        self.ota("make", self.old, self.new, self.patch)
        self.assertLess(self.patch.stat().st_size, 1500)
        self.ota("apply", self.old, self.patch, self.out)
        self.assertEqual(self.out.read_bytes(), self.new.read_bytes())

    def test_the_same_images_make_the_same_patch(self):
        self.ota("make", self.old, self.new, self.patch)
        before = self.patch.read_bytes()
        self.ota("make", self.old, self.new, self.patch)
        self.assertEqual(before, self.patch.read_bytes())

    def test_info_says_what_the_patch_is_made_of(self):
        self.ota("make", self.old, self.new, self.patch, "--salt", "5a" * 32)
        info = json.loads(self.ota("info", self.patch, "--json"))
        self.assertEqual(info["size"], self.patch.stat().st_size)
        self.assertEqual(info["new_size"], self.new.stat().st_size)
        self.assertEqual(info["salt"], "5a" * 32)
        self.assertLess(info["memory"], 2 << 20)
        self.assertIn("pieces", self.ota("info", self.patch))

    def compressed(self):
        """Both images in one gzip stream each, as zlib makes it: level 9, no name."""
        def pack(path):
            packer = zlib.compressobj(9, zlib.DEFLATED, 31, 8)
            return b"kernel" * 100 + packer.compress(path.read_bytes() * 8) + packer.flush() + b"end"

        return self.write("old.gz", pack(self.old)), self.write("new.gz", pack(self.new))

    def test_compressed_images_are_looked_through(self):
        old, new = self.compressed()
        self.ota("make", old, new, self.patch)
        plain = self.patch.stat().st_size
        self.ota("make", old, new, self.patch, "--unwrap", "all")
        self.assertLess(self.patch.stat().st_size, plain / 4)
        self.ota("apply", old, self.patch, self.out)
        self.assertEqual(self.out.read_bytes(), new.read_bytes())
        info = json.loads(self.ota("info", self.patch, "--json"))
        self.assertEqual(info["new_size"], new.stat().st_size)
        self.assertGreater(info["scratch"], 1 << 20)
        self.assertIn("deflate", self.ota("info", self.patch))

    def test_a_wrapped_patch_needs_what_it_says(self):
        old, new = self.compressed()
        self.ota("make", old, new, self.patch, "--unwrap", "deflate,zstd")
        for args in (("--scratch", "1KiB"), ("--unwrap-memory", "1KiB")):
            self.assertIn("unwrapping needs", self.ota("apply", old, self.patch, self.out, *args, expect=3))
        data = bytearray(old.read_bytes())
        data[-100] ^= 1
        self.ota("apply", self.write("other", bytes(data)), self.patch, self.out, expect=3)
        self.assertFalse(self.out.exists())
        good = self.patch.read_bytes()
        at = good.index(b"OTAWRAP1")
        for bad in (good[:-1], good[:70], good[:at + 40] + b"x" + good[at + 41:], good[:at + 100] + b"xyz" + good[at + 103:]):
            self.ota("apply", old, self.write("bad", bad), self.out, expect=3)
        self.assertFalse(self.out.exists())

    def test_a_device_without_the_codec_gets_a_plain_patch(self):
        old, new = self.compressed()
        self.ota("make", old, new, self.patch, "--unwrap", "zstd")
        self.assertNotIn("codec", self.ota("info", self.patch))
        self.ota("apply", old, self.patch, self.out)
        self.assertEqual(self.out.read_bytes(), new.read_bytes())
        self.assertIn("no codec", self.ota("make", old, new, self.patch, "--unwrap", "lzo", expect=2))

    def test_another_old_image_leaves_no_output(self):
        self.ota("make", self.old, self.new, self.patch)
        data = bytearray(self.old.read_bytes())
        data[100000] ^= 1
        other = self.write("other", bytes(data))
        self.assertIn("another old image", self.ota("apply", other, self.patch, self.out, expect=3))
        self.assertFalse(self.out.exists())
        self.assertEqual(list(self.dir.glob("*.part")), [])

    def test_an_old_image_of_another_size_is_refused(self):
        self.ota("make", self.old, self.new, self.patch)
        self.assertIn("old image of", self.ota("apply", self.write("short", b"x"), self.patch, self.out, expect=3))

    def test_more_memory_than_allowed_is_refused(self):
        self.ota("make", self.old, self.new, self.patch)
        self.assertIn("memory", self.ota("apply", self.old, self.patch, self.out, "--memory", "1MiB", expect=3))

    def test_a_changed_or_cut_patch_is_refused(self):
        self.ota("make", self.old, self.new, self.patch)
        good = self.patch.read_bytes()
        for bad in (good[:-1], good[:10], b"", good[:-5] + bytes([good[-5] ^ 1]) + good[-4:]):
            self.patch.write_bytes(bad)
            text = self.ota("apply", self.old, self.patch, self.out, expect=3)
            self.assertEqual(text.count("\n"), 1)
            self.assertFalse(self.out.exists())

    def test_an_empty_image_is_refused(self):
        empty = self.write("empty", b"")
        self.assertIn("empty", self.ota("make", empty, self.new, self.patch, expect=2))
        self.assertFalse(self.patch.exists())


if __name__ == "__main__":
    unittest.main()
