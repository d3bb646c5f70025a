# SPDX-License-Identifier: Apache-2.0
"""The audit log of the real server: what is in it, and that tampering with it is found.

The Merkle tree is computed here once more, straight from RFC 6962, by code that shares nothing with the server.
"""

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import unittest

from .fleet import OwnServer
from .server import OTA, OTA_SERVER, PATIENCE
from .test_webhook import Receiver

from lab.demo.steps import wait_until


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha256(b"\x00" + entry)


def tree_head(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + tree_head(leaves[:k]) + tree_head(leaves[k:]))


class AuditTest(OwnServer):
    def setUp(self):
        super().setUp()
        self.s.options = ("--audit-interval", "1h", "--audit-push-file", self.s.place / "pushed")
        self.s.start()

    def get(self, path):
        answer = self.s.api("GET", f"/api/v1/audit{path}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def checkpoint(self):
        origin, size, root = self.get("/checkpoint").body.decode().split("\n")[:3]
        return origin, int(size), base64.b64decode(root)

    def entries(self, n):
        """All of them, out of bundles."""
        found = []
        while len(found) < n:
            width = min(256, n - len(found))
            path = f"/tile/entries/{len(found) // 256:03}" + ("" if width == 256 else f".p/{width}")
            bundle = self.get(path).body
            while bundle:
                size = int.from_bytes(bundle[:2], "big")
                found.append(bundle[2:2 + size])
                bundle = bundle[2 + size:]
        return found

    def verify(self, *words):
        """`ota audit verify`: (exit status, what it says)."""
        done = subprocess.run(
            [OTA, "audit", "verify", "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--token-file",
             self.s.place / "token", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def doctor(self):
        done = subprocess.run([OTA_SERVER, "doctor", "--json", "--server-data-dir", self.s.data], capture_output=True,
                              text=True)
        return next(f for f in json.loads(done.stdout) if f["what"] == "audit log")

    def add(self, n, prefix="dev"):
        for i in range(n):
            self.s.add_device(f"{prefix}-{i}")

    def rewrite(self, *statements):
        """Behind the server's back, as somebody with the database could."""
        self.s.stop()
        db = sqlite3.connect(self.s.data / "ota.db")
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
        self.s.start()


class Audit(AuditTest):
    def test_who_did_what_is_in_it(self):
        answer = self.s.request("POST", "/api/v1/devices", {"id": "dev-1"}, {
            "Authorization": f"Bearer {self.s.token}", "X-Request-Id": "ticket-4711"})
        self.assertEqual(answer.headers["X-Request-Id"], "ticket-4711")
        self.s.api("DELETE", "/api/v1/devices/dev-1")
        self.assertEqual(self.s.api("POST", "/api/v1/devices", {"id": "not/allowed"}).status, 400)
        newest, before = self.get("?object=device/dev-1").json["items"]
        self.assertEqual([newest["action"], before["action"]], ["device.delete", "device.create"])
        self.assertEqual({k: before[k] for k in ("kind", "who", "role", "request", "address", "tenant")},
                         {"kind": "token", "who": "admin", "role": "admin", "request": "ticket-4711",
                          "address": "127.0.0.1", "tenant": "default"})
        self.assertEqual(self.get("?action=device.create&limit=1").json["items"][0]["entry"], before["entry"])
        self.assertEqual(self.get("?who=nobody").json["items"], [])
        self.assertEqual(self.get(f"?from={newest['at'] + 1}").json["items"], [])
        self.assertEqual(self.s.api("GET", "/api/v1/audit?from=yesterday").status, 400)

    def test_a_list_has_pages(self):
        self.add(7)
        seen, after = [], ""
        while after is not None:
            page = self.get(f"?action=device.create&limit=3&after={after}").json
            seen += [e["object"] for e in page["items"]]
            after = page.get("next")
        self.assertEqual(seen, [f"device/dev-{i}" for i in reversed(range(7))])

    def test_the_checkpoint_is_the_root_of_all_entries_and_tiles_are_their_hashes(self):
        self.add(300)
        origin, size, root = self.checkpoint()
        self.assertEqual(origin, "ota-audit/default")
        self.assertGreaterEqual(size, 300)
        entries = self.entries(size)
        leaves = [leaf(e) for e in entries]
        self.assertEqual(tree_head(leaves), root)
        self.assertEqual(self.get("/tile/0/000").body, b"".join(leaves[:256]))
        self.assertEqual(self.get("/tile/1/000.p/1").body, tree_head(leaves[:256]))
        self.assertEqual(self.s.api("GET", "/api/v1/audit/tile/0/009").status, 404)
        self.assertEqual(self.s.api("GET", "/api/v1/audit/tile/entries/000.p/0").status, 404)
        for entry in entries:
            parsed = json.loads(entry)
            self.assertEqual(json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), entry)

    def test_proofs_prove(self):
        self.add(9)
        _, size, root = self.checkpoint()
        leaves = [leaf(e) for e in self.entries(size)]
        proof = self.get(f"/proof/inclusion?entry=0&size={size}").json["hashes"]
        node = leaves[0]
        for sibling in proof:  # the first leaf is at the left all the way up
            node = sha256(b"\x01" + node + base64.b64decode(sibling))
        self.assertEqual(node, root)
        proof = [base64.b64decode(h) for h in self.get(f"/proof/consistency?from=8&to={size}").json["hashes"]]
        node = tree_head(leaves[:8])  # a power of two: the proof's first hash would be its root
        for sibling in proof:
            node = sha256(b"\x01" + node + sibling)
        self.assertEqual(node, root)
        for bad in (f"inclusion?entry={size}&size={size}", "inclusion?entry=0", "consistency?from=9&to=8"):
            self.assertEqual(self.s.api("GET", f"/api/v1/audit/proof/{bad}").status, 400, bad)
        self.assertEqual(self.s.api("GET", f"/api/v1/audit/proof/inclusion?entry=0&size={size + 1}").status, 404)

    def test_an_auditor_who_kept_nothing_and_one_who_kept_all_find_it_whole(self):
        self.add(3)
        self.assertEqual(self.verify()[0], 0)
        kept = self.s.place / "kept"
        self.assertEqual(self.verify("--keep", kept)[0], 0)
        self.add(300, "more")
        status, says = self.verify("--keep", kept)
        self.assertEqual((status, "continues 1 earlier" in says), (0, True), says)
        self.assertEqual(self.verify("--checkpoint", kept, "--checkpoint", self.s.place / "pushed")[0], 0)
        self.assertEqual(self.doctor()["state"], "ok")

    def test_a_rewritten_entry_is_named(self):
        self.add(5)
        self.assertEqual(self.verify("--keep", self.s.place / "kept")[0], 0)
        n = self.get("?object=device/dev-2").json["items"][0]["entry"]
        self.rewrite(f"UPDATE audit SET entry = replace(entry, 'dev-2', 'dev-X') WHERE n = {n}")
        status, says = self.verify("--checkpoint", self.s.place / "kept")
        self.assertEqual(status, 3, says)
        self.assertIn(f"entry {n} was altered", says)
        found = self.doctor()
        self.assertEqual((found["state"], f"entry {n} was altered" in found["text"]), ("FAULT", True))

    def test_a_truncated_log_is_not_signed_and_is_found(self):
        self.add(5)
        self.assertEqual(self.verify("--keep", self.s.place / "kept")[0], 0)
        _, size, _ = self.checkpoint()
        leaves = [leaf(e) for e in self.entries(size)]
        self.rewrite(f"DELETE FROM audit WHERE n >= {size - 2}", self.frontier(leaves[:size - 2]))
        answer = self.s.api("GET", "/api/v1/audit/checkpoint")
        self.assertEqual(answer.status, 409)
        self.assertIn(f"a checkpoint over {size} was signed", answer.json["detail"])
        self.assertEqual(self.verify()[0], 3)
        self.assertEqual(self.doctor()["state"], "FAULT")

    def frontier(self, leaves):
        """What somebody who knows the format would write: the tree of these leaves."""
        hashes, at, size = b"", 0, len(leaves)
        for bit in reversed(range(64)):
            if size >> bit & 1:
                hashes += tree_head(leaves[at:at + (1 << bit)])
                at += 1 << bit
        return f"UPDATE audit_tree SET size = {size}, frontier = x'{hashes.hex()}'"

    def test_a_fork_that_is_consistent_in_itself_is_found_by_who_kept_a_checkpoint(self):
        """Somebody with all of the server, its key too, who even makes it forget what it signed."""
        self.add(4)
        kept = self.s.place / "kept"
        self.assertEqual(self.verify("--keep", kept)[0], 0)
        _, size, _ = self.checkpoint()
        entries = self.entries(size)
        n = size - 2
        forged = entries[n].replace(b"dev-2", b"dev-X")
        entries[n] = forged
        leaves = [leaf(e) for e in entries]
        self.s.stop()
        shutil.rmtree(self.s.data / "audit")
        self.rewrite(f"UPDATE audit SET entry = '{forged.decode()}', leaf = x'{leaves[n].hex()}' WHERE n = {n}",
                     self.frontier(leaves))
        self.assertEqual(self.verify()[0], 0)  # the server alone looks whole
        status, says = self.verify("--checkpoint", kept)
        self.assertEqual(status, 3, says)
        self.assertIn(f"begins to differ between entry 0 and {size - 1}", says)

    def test_checkpoints_are_pushed_when_the_log_grew(self):
        pushed = self.s.place / "pushed"
        self.add(1)
        self.checkpoint()
        before = pushed.read_text()
        self.checkpoint()
        self.assertEqual(pushed.read_text(), before)
        self.add(1, "another")
        self.checkpoint()
        self.assertGreater(len(pushed.read_text()), len(before))
        self.assertTrue(pushed.read_text().startswith(before))

    def test_checkpoints_are_posted_to_who_keeps_them_and_one_that_did_not_arrive_is_made_up_for(self):
        keeper = Receiver(self.s.data / "server.pem")
        self.addCleanup(keeper.close)
        self.s.stop()
        self.s.options = (*self.s.options, "--audit-push-url", f"https://127.0.0.1:{keeper.port}/heads", "--audit-ca-file",
                          self.s.data / "ca.pem")
        keeper.answers.put((500, b"", {}))
        self.s.start()
        self.add(1)
        self.checkpoint()
        keeper.next()  # which it refused
        wait_until(lambda: "a checkpoint was not pushed" in self.s.log(), PATIENCE, "that is told")
        self.add(1, "another")
        head = self.get("/checkpoint").body
        while (posted := keeper.next())[1] != head:
            pass
        self.assertEqual(posted[0]["Content-Type"], "text/plain")

    def test_an_old_database_put_back_is_known_and_accepted_with_a_reason(self):
        self.add(2)
        self.checkpoint()
        self.s.stop()
        shutil.copy(self.s.data / "ota.db", self.s.place / "backup.db")
        self.s.start()
        self.add(3, "later")
        _, size, _ = self.checkpoint()
        self.s.stop()
        for tail in ("", "-wal", "-shm"):
            (self.s.data / f"ota.db{tail}").unlink(missing_ok=True)
        shutil.copy(self.s.place / "backup.db", self.s.data / "ota.db")
        self.s.start()
        self.assertEqual(self.s.api("GET", "/api/v1/audit/checkpoint").status, 409)
        done = subprocess.run([OTA_SERVER, "admin", "accept-audit", "--reason", "disk lost, backup of Monday",
                               "--server-data-dir", self.s.data], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.checkpoint()
        entry = self.get("?action=audit.accept").json["items"][0]
        self.assertEqual(entry["kind"], "command")
        self.assertIn(f"signed before: {size} entries", entry["detail"])
        self.assertIn("backup of Monday", entry["detail"])

    def test_a_viewer_may_audit_and_a_stranger_may_not(self):
        for path in ("", "/checkpoint", "/key", "/tile/0/000.p/1", "/proof/inclusion?entry=0&size=1"):
            self.assertEqual(self.s.request("GET", f"/api/v1/audit{path}").status, 401)


if __name__ == "__main__":
    unittest.main()
