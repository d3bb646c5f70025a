# SPDX-License-Identifier: Apache-2.0
"""Slot descriptors made by hand from docs/formats/descriptor.md and dm-verity's own rules, signed by
the openssl program: an oracle that shares no line with the code it tests."""

import hashlib
import os
import struct
import subprocess
import tempfile

BLOCK = 4096
FANOUT = 128
LEN = 1024


class BootKey:
    """An Ed25519 key of openssl's making."""

    def __init__(self):
        self.pem = subprocess.run(
            ["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True
        ).stdout
        der = subprocess.run(
            ["openssl", "pkey", "-pubout", "-outform", "DER"], input=self.pem, check=True, capture_output=True
        ).stdout
        self.public_hex = der[-32:].hex()

    def sign(self, data):
        with tempfile.TemporaryDirectory() as place:
            key, message = os.path.join(place, "key"), os.path.join(place, "message")
            for path, content in ((key, self.pem), (message, data)):
                with open(path, "wb") as f:
                    f.write(content)
            return subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", message],
                check=True,
                capture_output=True,
            ).stdout


def verity_root(data, salt):
    """The root hash of dm-verity, version 1, SHA-256, 4 KiB blocks."""
    data += b"\0" * (-len(data) % BLOCK)
    level = [hashlib.sha256(salt + data[i : i + BLOCK]).digest() for i in range(0, len(data), BLOCK)]
    while len(level) > 1:
        blocks = (b"".join(level[i : i + FANOUT]).ljust(BLOCK, b"\0") for i in range(0, len(level), FANOUT))
        level = [hashlib.sha256(salt + block).digest() for block in blocks]
    return level[0]


def padded(text, size):
    return text.encode().ljust(size, b"\0")


def descriptor(key, images, product="gateway", hardware=("revA",), version="1.0.0", security_version=1, key_index=0):
    """The 1,024 bytes for images {name: content}."""
    salt = hashlib.sha256(b"salt").digest()
    head = struct.pack("<8sHBBIII", b"OTASLOT1", 1, len(images), key_index, 0, security_version, 0)
    body = head + padded(product, 64) + padded(version, 64)
    body += b"".join(padded(name, 32) for name in hardware).ljust(128, b"\0")
    for name, content in images.items():
        body += padded(name, 32) + struct.pack("<Q", len(content)) + salt + verity_root(content, salt)
    body = body.ljust(960, b"\0")
    return body + key.sign(body)
