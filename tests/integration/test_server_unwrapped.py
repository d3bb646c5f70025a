# SPDX-License-Identifier: Apache-2.0
"""Deltas through compression: made for devices that can compress again, and taken by these alone."""

import random
import zlib

from .agent_house import PATIENCE, AgentTest, wait_until


class Unwrapped(AgentTest):
    @classmethod
    def images_of(cls, version):
        """A firmware, and an image that is one gzip stream, whose bytes differ far beyond where its text does."""
        noise = random.Random(7)
        text = [f"{noise.getrandbits(64):x} asset {i}\n" for i in range(60_000)]
        new = random.Random(version)
        text[::40] = [f"{new.getrandbits(new.randrange(8, 160)):x}\n" for _ in text[::40]]
        packer = zlib.compressobj(9, zlib.DEFLATED, 31, 8)
        path = cls.place / f"assets-{version}.gz"
        path.write_bytes(packer.compress("".join(text).encode()) + packer.flush())
        return cls.publisher.images(version, extra={"assets": path})

    def deltas(self):
        return {d["unwraps"]: d for d in self.server.call("GET", "/api/v1/deltas")["items"] if (d["from_version"], d["to_version"]) == ("2.0.0", "3.0.0")}

    def both_made(self):
        def are_made():
            states = [d["state"] for d in self.deltas().values()]
            return len(states) == 2 and not {"wanted", "making", "made"} & set(states)

        wait_until(are_made, PATIENCE, "a plain and an unwrapped delta")
        return self.deltas()

    def confirmed(self, board, version):
        done = self.settled(self.assign(board, version))
        self.assertEqual(done["state"], "confirmed", done)
        return done

    def proven(self, **delta):
        board = self.board({"delta": delta})
        board.start()
        self.confirmed(board, "2.0.0")
        return board

    def test_a_device_that_unwraps_comes_by_a_small_delta(self):
        board = self.proven(unwrap="all")
        place = f"/api/v1/devices/{board.path.name}"
        wait_until(lambda: "unwrap-zstd-" in str(self.server.call("GET", place)), PATIENCE, "the device to say so")
        self.images["3.0.0"] = self.images_of("3.0.0")
        self.releases["3.0.0"] = self.publisher.publish(self.server, "3.0.0", self.images["3.0.0"])
        deltas = self.both_made()
        self.assertEqual(deltas[True]["state"], "ready", deltas)
        self.assertRegex(deltas[True]["needs"], r"^unwrap-deflate-rules-1 unwrap-memory-\d+ unwrap-scratch-[1-9]\d+$")
        self.assertLess(deltas[True]["size"], deltas[False]["size"] / 3, deltas)
        since = board.mark()
        done = self.confirmed(board, "3.0.0")
        board.expect("a delta is offered, and taken name=delta/gateway/2.0.0:3.0.0:unwrapped", since=since)
        self.assertFalse([s for s in done["statuses"] if any("full payload is taken" in line for line in s["details"])], done)
        used = self.deltas()
        self.assertEqual((used[True]["devices"], used[True]["saved"]), (1, used[True]["full_size"] - used[True]["size"]), used)
        self.assertEqual(used[False]["devices"], 0, used)
        self.assertFalse(list((board.path / "state").glob("*scratch*")), "nothing is left of what was unwrapped")
        self.the_rest_of_the_fleet_does_without()

    def the_rest_of_the_fleet_does_without(self):
        for name, delta in (("plain", {}), ("no room", {"unwrap": "all", "unwrap-scratch": "4KiB"})):
            with self.subTest(name):
                board = self.board({"delta": delta}, name=name.replace(" ", "-"))
                board.start()
                self.confirmed(board, "2.0.0")
                done = self.confirmed(board, "3.0.0")
                self.assertNotIn("failed", str(done["statuses"]))
                self.assertEqual(self.deltas()[True]["devices"], 1)
