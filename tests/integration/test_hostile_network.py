# SPDX-License-Identifier: Apache-2.0
"""A device on a network that lies, stalls and breaks, as many networks do.

Whatever happens: nothing is armed, the slot that runs is not touched, the agent says in one sentence
what is wrong, and goes on by itself when the network is well again.
"""

import contextlib
import hashlib
import json
import re
import subprocess

from . import hostile
from .agent_house import PATIENCE, AgentTest, Failed, side_by_side, wait_until
from .test_agent_offline import part_offset

CONFIG = {
    "poll": {"interval": "1s", "retry-first": "100ms", "retry-max": "300ms"},
}
LATER = hostile.status("503 Service Unavailable", "Retry-After: 2")
IMPATIENT = {"limit": {"stall": "1s", "connect": "1s"}}
MANIFEST, _, HEAD, BODY = range(5, 9)  # parts of a bundle
POLL = r"GET /default/controller/v1/[^/]+$"


def contents(board, slot):
    paths = [board.image(slot), board.descriptor(slot)]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


class Hostile(AgentTest):
    def device(self, **config):
        """A device that runs 1.0.0 behind a line of its own."""
        self.line = hostile.Line(self.server.port, self.server.data / "server.pem", self.server.ca)
        self.addCleanup(self.line.close)
        self.addCleanup(self.line.heal)
        self.board = self.board_behind(self.line.url, {**CONFIG, **config})
        self.before = contents(self.board, "A")
        return self.board

    def board_behind(self, url, config):
        board = self.board(config)
        board.point_at(url)
        return board

    def faults(self):
        return [text for text in self.board.log if re.search(r"\b(WARN|ERROR)\b", text, re.I)]

    def says(self, sentence, since=0):
        """sentence: what the agent wanted to do, ": ", a regular expression of why it could not."""
        what, _, why = sentence.partition(": ")
        self.board.expect(rf'agent: {what} error="[^"\n]*({why})', since=since)

    def struck(self, sentence, times=2):
        """The fault was met several times; nothing changed but the agent's mind."""
        try:
            wait_until(lambda: len(self.line.hits) >= times, PATIENCE, "the fault strikes")
        except TimeoutError as late:
            self.fail(f"{late}: {self.line.hits}\n" + "\n".join(self.board.log[-30:]))
        self.says(sentence)
        self.assertEqual(contents(self.board, "A"), self.before)
        record = self.board.record()
        self.assertEqual(record.state("A"), "GOOD")
        self.assertIn(record.state("B"), ("EMPTY", "WRITING"))
        told = json.loads(self.board.agent_answers())
        self.assertIn("last_error", told)
        self.assertNotIn("\n", told["last_error"]["text"])

    def recovers(self, ident=None):
        """The network is well again: the update goes through without anybody's help."""
        self.line.heal()
        done = self.settled(ident or self.assign(self.board, "2.0.0"))
        self.assertEqual(done["state"], "confirmed", done)
        self.assertEqual(self.board.record().state("B"), "GOOD")

    def walk(self, fault, at, sentence, times=2, **config):
        """The fault strikes while an update is wanted."""
        self.device(**config)
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(fault, at)
        self.board.start()
        self.struck(sentence, times)
        self.recovers(ident)


@side_by_side
class Connections(Hostile):
    """What goes wrong before a word of HTTP is said."""

    def test_a_captive_portal_in_plain_text(self):
        self.walk(hostile.plain_portal, ".", r"poll: .*(TLS|SSL)")

    def test_a_captive_portal_of_another_ca(self):
        place = self.place / "stranger"
        place.mkdir()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", place / "key.pem",
             "-out", place / "cert.pem"], check=True, capture_output=True)  # fmt: skip
        stranger = hostile.Stranger(place / "cert.pem", place / "key.pem")
        hostile.CONNECTION.add(stranger)
        self.walk(stranger, ".", r"poll: .*certificate")
        self.assertEqual(stranger.heard, b"")

    def test_a_connection_reset_at_once(self):
        self.walk(hostile.refused_handshake, ".", r"poll: .*(reset|SSL|TLS)")

    def test_a_connection_that_stays_half_open(self):
        self.walk(hostile.silent_handshake, ".", r"poll: .*(timed? ?out|in time)", **IMPATIENT)

    def test_a_name_that_does_not_resolve(self):
        board = self.device()
        board.point_at("https://update-server.invalid:8443")
        board.start()
        self.says(r"poll: .*(update-server\.invalid)")
        self.assertEqual(board.record().state("A"), "GOOD")
        board.stop()
        board.point_at(self.line.url)
        board.start()
        self.recovers()

    def test_a_server_that_is_away_and_comes_back(self):
        board = self.device()
        board.start()
        wait_until(lambda: self.line.requests, PATIENCE, "the first request")
        self.line.close()
        self.says(r"poll: .*(refused|connect)")
        first = board.mark()
        self.says(r"poll: .*(refused|connect)", since=first)
        self.line.listen()
        self.recovers()


@side_by_side
class Requests(Hostile):
    """What goes wrong when the server, or somebody who has its certificate, answers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images["2.0.0"] = cls.publisher.images("2.1.0", assets_kib=3072)
        cls.releases["2.0.0"] = cls.publisher.publish(cls.server, "2.1.0", cls.images["2.0.0"])
        cls.offline = cls.place / "2.1.0.ota"
        cls.server.ota("release", "export", cls.bundle("2.1.0"), cls.offline)
        data = cls.offline.read_bytes()
        cls.at = {"poll": POLL, "metadata": r"timestamp\.json"}
        for name, kind in (("manifest", MANIFEST), ("head", HEAD), ("body", BODY)):
            offset, length = part_offset(data, kind)
            cls.at[name] = f"GET .*/ota/content/{hashlib.sha256(data[offset : offset + length]).hexdigest()}"

    def test_a_captive_portal_instead_of_the_poll(self):
        self.walk(hostile.portal, self.at["poll"], "poll: poll: a web page came instead")

    def test_a_captive_portal_instead_of_metadata(self):
        self.walk(hostile.portal, self.at["metadata"], "fetch metadata: metadata: a web page came instead")

    def test_a_captive_portal_instead_of_the_payload(self):
        self.walk(hostile.portal, self.at["body"], "fetch the payload: payload: a web page came instead")

    def test_metadata_cut_by_a_reset(self):
        self.walk(hostile.cut_in_the_middle, self.at["metadata"], "fetch metadata: ")

    def test_the_manifest_cut_by_a_reset(self):
        self.walk(hostile.cut_in_the_middle, self.at["manifest"], "fetch the release: ")

    def test_the_payload_head_cut_by_a_reset(self):
        self.walk(hostile.cut_in_the_middle, self.at["head"], "fetch the release: ")

    def test_the_payload_cut_by_a_reset_goes_on_where_it_was(self):
        self.walk(hostile.cut_in_the_middle, self.at["body"], "fetch the payload: ")
        self.assertGreater(max(self.line.ranges), 0)

    def test_a_payload_that_ends_too_soon(self):
        self.walk(hostile.ended_too_soon, self.at["body"], "fetch the payload: ")

    def test_a_server_that_takes_requests_and_says_nothing(self):
        self.walk(hostile.silence, self.at["poll"], "poll: .*too slow|poll: .*tim", **IMPATIENT)

    def test_a_payload_that_comes_drop_by_drop(self):
        self.walk(hostile.drip, self.at["body"], "fetch the payload: ", **IMPATIENT)

    def test_metadata_without_end(self):
        self.walk(hostile.endless, self.at["metadata"], "fetch metadata: .*larger than|fetch metadata: .*at most")
        self.assertLess(self.line.sent / len(self.line.hits), 8 * 1024 * 1024)

    def test_a_poll_without_end(self):
        self.walk(hostile.endless, self.at["poll"], "poll: ")
        self.assertLess(self.line.sent / len(self.line.hits), 8 * 1024 * 1024)

    def test_an_answer_that_says_it_is_gigantic(self):
        self.walk(hostile.larger_than_said, self.at["metadata"], "fetch metadata: ")

    def test_what_is_no_http(self):
        self.walk(hostile.noise, self.at["poll"], "poll: ")

    def test_a_poll_that_is_half_a_document(self):
        self.walk(hostile.garbled_json, self.at["poll"], "poll: ")

    def test_a_server_that_ignores_ranges(self):
        """They cost bytes, not the update: what is there already is passed over."""
        self.device()
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(hostile.whole_for_range, self.at["body"])
        self.board.start()
        self.assertEqual(self.settled(ident)["state"], "confirmed")
        self.board.expect("goes on where it was interrupted")
        self.assertEqual(len(self.line.hits), 2)

    def test_a_redirect_is_not_followed(self):
        self.device()
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(hostile.status("302 Found", f"Location: {self.line.url}/trap"), self.at["poll"])
        self.board.start()
        self.struck("poll: .*the server answered 302")
        self.assertFalse([name for name in self.line.requests if "trap" in name])
        self.recovers(ident)

    def test_a_server_that_says_when_to_come_back_is_taken_at_its_word(self):
        self.walk(LATER, self.at["poll"], "poll: .*the server answered 503")
        gaps = [b - a for a, b in zip(self.line.hits, self.line.hits[1:])]
        self.assertGreaterEqual(min(gaps), 1.95, "Retry-After: 2")

    def test_the_repository_may_ask_for_patience_too(self):
        self.walk(LATER, self.at["metadata"], "fetch metadata: .*503")
        gaps = [b - a for a, b in zip(self.line.hits, self.line.hits[1:])]
        self.assertGreaterEqual(min(gaps), 1.95, "Retry-After: 2")

    def test_feedback_for_an_action_that_is_not_known(self):
        self.device()
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(hostile.status("404 Not Found"), r"POST .*/feedback")
        self.board.start()
        wait_until(lambda: self.board.record().state("B") == "GOOD", PATIENCE, "the update goes on without it")
        self.board.expect('agent: report error="[^"]*the server answered 404')
        self.line.heal()
        with contextlib.suppress(Failed):  # what was told again may have arrived
            self.server.call("DELETE", f"/api/v1/deployments/{ident}")
        self.assertIn(self.settled(ident)["state"], ("cancelled", "confirmed"))

    def test_feedback_for_an_action_that_is_gone_stops_it(self):
        self.device()
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(hostile.status("410 Gone"), r"POST .*/feedback")
        self.board.start()
        self.board.expect("the server closed the deployment")
        self.assertEqual(contents(self.board, "A"), self.before)
        self.line.heal()
        self.board.client("poll-now")  # it is offered still, and not gone any more
        self.recovers(ident)

    def test_feedback_that_a_captive_portal_takes_is_not_delivered(self):
        self.device()
        ident = self.assign(self.board, "2.0.0")
        self.line.strike(hostile.portal, r"POST .*/feedback")
        self.board.start()
        wait_until(lambda: self.board.record().state("B") == "GOOD", PATIENCE, "the update goes on without it")
        since = self.board.mark()
        self.board.expect('agent: report error="feedback: a web page came instead"', since=since)
        self.recovers(ident)
