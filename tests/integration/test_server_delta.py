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

    def proven(self, version="2.0.0"):
        board = self.board()
        board.start()
        self.confirmed(board, version)
        return board

    def why(self, board):
        return self.server.call("GET", f"/api/v1/devices/{board.path.name}/why")["reasons"][0]

    def set_deltas(self, **options):
        self.server.stop()
        self.server.delta = {key: value for key, value in {**self.server.delta, **options}.items() if value is not None}
        self.server.start()

    def polls(self, board):
        place = f"/api/v1/devices/{board.path.name}"
        seen = self.server.call("GET", place)["seen_at"]
        board.client("poll-now")
        wait_until(lambda: self.server.call("GET", place)["seen_at"] > seen, PATIENCE, "a poll")

    def test_a_rollout_that_waits_for_deltas_hands_out_no_full_payload(self):
        board = self.proven()
        slow = self.place / "slow-maker"
        slow.write_text("#!/bin/sh\nexec sleep 3600\n")
        slow.chmod(0o755)
        self.addCleanup(self.set_deltas, maker=None)
        self.set_deltas(maker=slow)
        self.publish("3.1.0")
        wait_until(lambda: ("2.0.0", "3.1.0") in self.deltas(), PATIENCE, "the delta to be wanted")
        plan = {"name": "by delta", "release": self.releases["3.1.0"], "selection": f"id=={board.path.name}", "delta_wait_ms": 3_600_000}
        rollout = self.server.call("POST", "/api/v1/rollouts", plan)["id"]
        since = board.mark()
        self.server.call("POST", f"/api/v1/rollouts/{rollout}/start")
        wait_until(lambda: self.why(board)["code"] == "awaiting-delta", PATIENCE, f"the wait for the delta: {self.why(board)}")
        self.polls(board)
        self.assertIn("its delta is being made; from ", self.why(board)["text"])
        self.set_deltas(maker=None)  # now somebody makes it
        self.await_delta(("2.0.0", "3.1.0"), "ready")
        self.polls(board)
        board.expect("a delta is offered, and taken name=delta/gateway/2.0.0:3.1.0", since=since)
        wait_until(lambda: self.deltas()[("2.0.0", "3.1.0")]["devices"] == 1, PATIENCE, "the device to have come by the delta")

    def test_a_device_on_a_thin_link_gets_its_delta_or_nothing(self):
        board = self.proven()
        board.stop()
        board.config["delta"] = {"only": "yes"}
        board.write_config()
        board.start()
        place = f"/api/v1/devices/{board.path.name}"
        wait_until(lambda: "delta-only" in str(self.server.call("GET", place)["attributes"]), PATIENCE, "the device to say so")
        self.addCleanup(self.set_deltas, **{"max-percent": 80})
        self.set_deltas(**{"max-percent": 1})
        self.publish("3.2.0")
        self.await_delta(("2.0.0", "3.2.0"), "useless")
        ident = self.assign(board, "3.2.0")
        self.polls(board)
        reason = self.why(board)
        self.assertEqual(reason["code"], "awaiting-delta", reason)
        self.assertRegex(reason["text"], "no full payload over its link, and no delta leads there from 2.0.0: .* instead of ")
        # Its device is not asked: it was never shown it.
        self.assertEqual(self.server.call("DELETE", f"/api/v1/deployments/{ident}")["state"], "cancelled")
        self.set_deltas(**{"max-percent": 80})
        self.publish("3.3.0")
        self.await_delta(("2.0.0", "3.3.0"), "ready")
        done = self.confirmed(board, "3.3.0")
        self.assertEqual(self.deltas()[("2.0.0", "3.3.0")]["devices"], 1, done)
