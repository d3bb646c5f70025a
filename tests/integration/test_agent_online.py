# SPDX-License-Identifier: Apache-2.0
"""The agent and the server, both real: how fast, how it stops, who it trusts."""

import json
import signal
import subprocess
import time

from .agent_house import AgentTest, wait_until

REACTION_SECONDS = 2


class Online(AgentTest):
    def online(self, config=None):
        board = self.board(config)
        board.start()
        wait_until(board.agent_answers, 20, "the agent")
        wait_until(lambda: json.loads(board.agent_answers())["event_stream"], 20, "the event stream")
        return board

    def first_status(self, ident):
        return self.server.call("GET", f"/api/v1/deployments/{ident}")["statuses"]

    def test_an_assignment_is_noticed_in_under_two_seconds(self):
        board = self.online({"poll": {"interval": "1h"}})
        begin = time.monotonic()
        ident = self.assign(board, "2.0.0")
        wait_until(lambda: self.first_status(ident), 20, "the first report")
        self.assertLess(time.monotonic() - begin, REACTION_SECONDS)
        done = self.settled(ident)
        self.assertEqual(done["state"], "confirmed", done)
        proof = done["proof"]
        self.assertEqual(proof["slot"], "B")
        self.assertEqual(proof["root_hash"], board.record().slots[1]["root_hash"])

    def test_the_server_knows_the_slots_as_they_are(self):
        board = self.online()
        known = lambda: self.server.call("GET", f"/api/v1/devices/{board.path.name}")
        wait_until(lambda: known()["slots"], 20, "the slots")
        slots = {s["name"]: s for s in known()["slots"]}
        self.assertEqual((slots["A"]["state"], slots["A"]["version"], slots["A"]["booted"]), ("GOOD", "1.0.0", True))
        self.assertEqual(slots["B"]["state"], "EMPTY")

    def test_a_cancel_stops_a_download(self):
        board = self.online({"limit": {"rate": "100KiB"}})
        ident = self.assign(board, "2.0.0")
        wait_until(lambda: self.first_status(ident), 20, "the first report")
        wait_until(lambda: board.record().state("B") == "WRITING", 20, "the download")
        self.server.call("DELETE", f"/api/v1/deployments/{ident}")
        done = self.settled(ident)
        self.assertEqual(done["state"], "cancelled", done)
        self.assertEqual(board.record().state("B"), "WRITING")
        self.assertEqual(json.loads(board.agent_answers())["slots"][0]["state"], "GOOD")

    def test_a_device_with_a_wrong_token_changes_nothing_and_goes_on_asking(self):
        board = self.board({"poll": {"retry-first": "100ms"}})
        (board.state / "token").write_text("wrong")
        board.start()
        board.expect(r"the server answered 401")
        board.expect(r"the server answered 401", since=board.mark())
        self.assertEqual(board.record().state("A"), "GOOD")

    def test_a_server_of_another_ca_is_not_trusted(self):
        board = self.board()
        stranger = self.place / "stranger"
        stranger.mkdir(exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=stranger", "-keyout", stranger / "key.pem", "-out", board.factory / "ca.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        board.start()
        board.expect(r"code=untrusted")

    def test_a_server_that_was_away_is_found_again(self):
        board = self.online({"poll": {"retry-first": "100ms", "retry-max": "500ms"}})
        self.server.stop(signal.SIGKILL)
        try:
            self.client(board, "poll-now")
            board.expect(r"code=unreachable")
        finally:
            self.server.start()
        wait_until(lambda: json.loads(board.agent_answers())["event_stream"], 20, "the event stream")
        ident = self.assign(board, "2.0.0")
        self.assertEqual(self.settled(ident)["state"], "confirmed")

    def test_a_device_stops_cleanly(self):
        board = self.online()
        self.assertEqual(board.stop(signal.SIGTERM), 0)
