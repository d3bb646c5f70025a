# SPDX-License-Identifier: Apache-2.0
"""Deltas that the server makes by itself, and a device that comes by one: all of it real."""

from .agent_house import PATIENCE, AgentTest, wait_until


class ServerDelta(AgentTest):
    def deltas(self):
        return {(d["from_version"], d["to_version"]): d for d in self.server.call("GET", "/api/v1/deltas")["items"]}

    def await_delta(self, pair, state):
        wait_until(lambda: self.deltas().get(pair, {}).get("state") == state, PATIENCE, f"{pair} to be {state}: {self.deltas()}")
        return self.deltas()[pair]

    def publish(self, version):
        self.images[version] = self.publisher.images(version)
        self.releases[version] = self.publisher.publish(self.server, version, self.images[version])

    def confirmed(self, board, version):
        done = self.settled(self.assign(board, version))
        self.assertEqual(done["state"], "confirmed", done)
        return done

    def test_a_device_that_proved_what_it_runs_gets_to_the_next_release_by_a_delta(self):
        board = self.board()
        board.start()
        self.confirmed(board, "2.0.0")  # proven from now on, by the full payload
        self.publish("3.0.0")
        delta = self.await_delta(("2.0.0", "3.0.0"), "ready")
        self.assertLess(delta["size"], delta["full_size"] * 0.8, delta)
        since = board.mark()
        done = self.confirmed(board, "3.0.0")
        self.assertTrue(done["proof"], done)
        used = self.deltas()[("2.0.0", "3.0.0")]
        self.assertEqual((used["devices"], used["saved"]), (1, delta["full_size"] - delta["size"]), used)
        board.expect("a delta is offered, and taken name=delta/gateway/2.0.0:3.0.0", since=since)
        self.assertFalse([s for s in done["statuses"] if any("full payload is taken" in line for line in s["details"])], done)
