# SPDX-License-Identifier: Apache-2.0
"""ota-client install FILE.ota: with an agent that runs, without one, and with files that are not what they should be."""

import json
import os
import struct

from lab.demo.house import program, run

from .agent_house import DONE, FAILED, PATIENCE, REFUSED, UNREACHABLE, USAGE, AgentTest, wait_until

ROOT, TIMESTAMP, SNAPSHOT, TARGETS, MANIFEST, DESCRIPTOR, HEAD, BODY = range(1, 9)


def part_offset(data, kind):
    """Where a part of a bundle is, by docs/formats/bundle.md."""
    (n,) = struct.unpack_from("<H", data, 10)
    for i in range(n):
        found, _, offset, length = struct.unpack_from("<IIQQ", data, 16 + 24 * i)
        if found == kind:
            return offset, length
    raise AssertionError(f"no part {kind}")


class Install(AgentTest):
    def confirmed(self, board, slot):
        return board.record().state(slot) == "GOOD" and board.record().slots["AB".index(slot)]["version"] == "2.0.0"

    def test_a_device_without_a_network_installs_boots_and_confirms(self):
        board = self.board(network=False)
        board.start()
        wait_until(board.agent_answers, PATIENCE, "the agent")
        status, out, err = self.client(board, "install", self.offline)
        self.assertEqual(status, DONE, err)
        self.assertIn("reboots", out)
        wait_until(lambda: self.confirmed(board, "B"), PATIENCE, "the confirmation")
        board.expect(r"confirmed: this firmware stays")
        self.assertEqual(board.image("b").read_bytes()[:4096], self.images["2.0.0"]["firmware"].read_bytes()[:4096])
        # Nobody will ever acknowledge: the record's events do not pile up.
        wait_until(lambda: not board.record().events or board.record().events[-1]["state"] == "GOOD", PATIENCE, "events")

    def test_a_device_that_is_off_installs_and_boots_the_new_slot_when_it_starts(self):
        board = self.board(network=False)
        status, out, err = self.client(board, "install", self.offline)
        self.assertEqual(status, DONE, err)
        self.assertIn("when it next boots", out)
        self.assertEqual(board.record().state("B"), "PENDING")
        board.start()
        wait_until(lambda: self.confirmed(board, "B"), PATIENCE, "the confirmation")

    def test_the_same_bundle_twice_is_no_fault(self):
        board = self.board(network=False)
        self.assertEqual(self.client(board, "install", self.offline)[0], DONE)
        sequence = board.record().sequence
        status, _, err = self.client(board, "install", self.offline)
        self.assertEqual(status, DONE, err)
        self.assertGreaterEqual(board.record().sequence, sequence)
        self.assertEqual(board.record().state("B"), "PENDING")

    def test_a_bundle_of_what_runs_already_is_no_fault_for_the_agent_that_runs(self):
        board = self.board(network=False)
        self.assertEqual(self.client(board, "install", self.offline)[0], DONE)
        board.start()
        self.addCleanup(board.kill)
        board.expect("confirmed")
        status, out, err = self.client(board, "install", self.offline)
        self.assertEqual(status, DONE, err)
        self.assertIn("nothing to do", out)

    def test_doctor_makes_nothing(self):
        board = self.board(network=False)
        board.config["state"]["dir"] = board.path / "not/there"
        board.write_config()
        status, out, err = self.client(board, "doctor")
        self.assertNotEqual(status, DONE)
        self.assertIn("make the directory", out + err)
        self.assertFalse((board.path / "not").exists())

    def altered(self, name, change):
        data = bytearray(self.offline.read_bytes())
        path = self.place / f"{name}.ota"
        path.write_bytes(change(data) or data)
        return path

    def refused(self, board, path, *words):
        before = board.record().state("B")
        status, _, err = self.client(board, "install", path)
        self.assertEqual(status, REFUSED, err)
        for word in words:
            self.assertIn(word, err)
        self.assertEqual(len(err.strip().splitlines()[-1:]), 1)
        self.assertIn(board.record().state("B"), (before, "WRITING"))
        self.assertEqual(board.record().state("A"), "GOOD")

    def test_each_part_altered_is_refused_and_nothing_is_armed(self):
        board = self.board(network=False)
        for kind in (TIMESTAMP, SNAPSHOT, TARGETS, MANIFEST, DESCRIPTOR, HEAD, BODY):
            with self.subTest(part=kind):

                def flip(data, kind=kind):
                    offset, length = part_offset(data, kind)
                    data[offset + length // 2] ^= 1

                self.refused(board, self.altered(f"part-{kind}", flip))

    def test_a_bundle_cut_off_is_refused(self):
        board = self.board(network=False)
        size = self.offline.stat().st_size
        for length in (0, 10, 200, size // 2, size - 1):
            with self.subTest(length=length):
                self.refused(board, self.altered(f"cut-{length}", lambda data, n=length: data[:n] or b"x"))

    def test_what_is_no_bundle_is_refused(self):
        board = self.board(network=False)
        path = self.place / "noise.ota"
        path.write_bytes(os.urandom(100_000))
        self.refused(board, path, "bundle")

    def test_an_unsigned_bundle_is_refused_by_name(self):
        board = self.board(network=False)
        unsigned = self.publisher.bundle("3.0.0", self.publisher.images("3.0.0"))
        self.refused(board, unsigned, "run ota release")

    def test_a_release_for_other_hardware_is_refused_by_both_names(self):
        board = self.board(network=False)
        (board.factory / "hardware").write_text("revZ\n")
        self.refused(board, self.offline, "revZ")

    def test_a_file_that_is_not_there_fails_with_one_sentence(self):
        board = self.board(network=False)
        status, _, err = self.client(board, "install", self.place / "nothing.ota")
        self.assertEqual(status, FAILED)
        self.assertIn("nothing.ota", err)
        self.assertEqual(len(err.strip().splitlines()), 1)

    def test_a_read_only_state_directory_changes_no_slot(self):
        board = self.board(network=False)
        board.config["state"]["dir"] = "/proc/nothing"
        board.write_config()
        status, _, err = self.client(board, "install", self.offline)
        self.assertEqual(status, FAILED, err)
        self.assertIn("state directory", err)
        self.assertEqual(board.record().state("B"), "EMPTY")


class Others(AgentTest):
    def test_status_and_doctor_and_poll_now(self):
        board = self.board()
        status, _, err = self.client(board, "status")
        self.assertEqual(status, UNREACHABLE, err)
        board.start()
        wait_until(board.agent_answers, PATIENCE, "the agent")
        wait_until(lambda: json.loads(self.client(board, "status", "--json")[1])["server_reached"], PATIENCE, "the server")
        told = json.loads(self.client(board, "status", "--json")[1])
        self.assertEqual(told["version"], "1.0.0")
        self.assertEqual([s["state"] for s in told["slots"]], ["GOOD", "EMPTY"])
        self.assertIn("slot A * GOOD", self.client(board, "status")[1])
        self.assertEqual(self.client(board, "poll-now")[0], DONE)
        status, out, err = self.client(board, "doctor")
        self.assertEqual(status, DONE, out + err)
        self.assertEqual({line[:5].strip() for line in out.splitlines()}, {"ok"})

    def test_doctor_names_what_is_wrong_and_the_fix(self):
        board = self.board({"server": {"url": "https://127.0.0.1:1"}})
        board.descriptor("b").unlink()
        (board.state / "token").write_text("wrong")
        status, out, _ = self.client(board, "doctor")
        self.assertEqual(status, FAILED)
        for name in ("slots", "agent", "server"):
            self.assertRegex(out, rf"FAIL  {name} ")
        self.assertIn("-> ", out)
        for name in ("factory", "journal", "boot", "clock", "ca"):
            self.assertRegex(out, rf"ok    {name} ")

    def test_the_socket_is_for_the_agents_own_user(self):
        board = self.board(network=False)
        board.start()
        wait_until(board.agent_answers, PATIENCE, "the agent")
        self.assertEqual((board.path / "control").stat().st_mode & 0o777, 0o600)

    def test_bad_usage_and_bad_configuration_exit_with_2(self):
        board = self.board(network=False)
        self.assertEqual(self.client(board, "frobnicate")[0], USAGE)
        self.assertEqual(self.client(board, "install")[0], USAGE)
        board.config["device"]["nonsense"] = "1"
        board.write_config()
        status, _, err = self.client(board, "status")
        self.assertEqual(status, USAGE)
        self.assertIn("nonsense", err)

    def test_two_agents_do_not_share_a_device(self):
        board = self.board(network=False)
        board.start()
        wait_until(board.agent_answers, PATIENCE, "the agent")
        status, _, err = self.client(board, "run")
        self.assertNotEqual(status, DONE)
        self.assertTrue(err.strip())

    def test_help_and_version(self):
        self.assertIn("install FILE.ota", run(program("ota-client"), "--help"))
        self.assertIn("ota-client", run(program("ota-client"), "--version"))
