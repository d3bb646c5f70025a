#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""server/http against raw sockets: what well-behaved clients rely on and what others try."""
import contextlib
import gzip
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from lab.demo.steps import wait_until
from lab.device import BUILD, PATIENCE

PROBE = BUILD / "tests/integration/http_probe"
# What the server gives a client, in milliseconds: for a head, between two requests, and when it is to stop. Only a
# test of such a time has a short one: nowhere else may it pass because the machine has other things to do.
PATIENT, IMPATIENT, STRICT_STOP = (60_000, 60_000, 60_000), (1000, 1500, 1500), (60_000, 60_000, 1500)


def make_cert(directory, name, days=1, ca=None, usage=None):
    """A certificate for localhost, self-signed or by ca; returns (cert, key)."""
    cert, key = os.path.join(directory, name + ".pem"), os.path.join(directory, name + ".key")
    args = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", cert, "-subj", "/CN=" + name, "-days", str(days),
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    if ca:
        args = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-out", cert + ".csr", "-subj", "/CN=" + name]
    subprocess.run(args, check=True, capture_output=True)
    if ca:
        subprocess.run(["openssl", "x509", "-req", "-in", cert + ".csr", "-CA", ca[0], "-CAkey", ca[1], "-days", "1",
                        "-CAcreateserial", "-out", cert], check=True, capture_output=True)
    return cert, key


class Probe:
    """The server under test, its lines of output in a queue."""

    def __init__(self, directory, cert, file="/dev/null", client_ca="-", max_connections=1000, times=PATIENT):
        env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1", HTTP_PROBE_TIMES=" ".join(map(str, times)))
        self.process = subprocess.Popen([PROBE, *cert, os.path.join(directory, "tickets"), file, client_ca,
                                         str(max_connections)], stdout=subprocess.PIPE, text=True, env=env)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.expect(r"port (\d+)").group(1))
        self.expect("ready")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            match = re.search(pattern, line)
            if match:
                return match

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.process.stdout.close()
        return self.process.returncode


def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


class Client:
    """One TLS connection and a strict reader of answers."""

    def __init__(self, port, ctx=None, session=None, rcvbuf=None):
        raw = socket.socket()
        raw.settimeout(PATIENCE)
        if rcvbuf:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        raw.connect(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = (ctx or context()).wrap_socket(
            raw, server_hostname="localhost", session=session, suppress_ragged_eofs=False)
        self.data = b""

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def fill(self):
        """False at a clean end; an unclean one raises."""
        piece = self.sock.recv(65536)
        self.data += piece
        return bool(piece)

    def until(self, mark):
        while mark not in self.data:
            if not self.fill():
                raise EOFError(self.data)
        head, self.data = self.data.split(mark, 1)
        return head

    def take(self, n):
        pieces, have = [self.data], len(self.data)
        while have < n:
            piece = self.sock.recv(262144)
            if not piece:
                raise EOFError("%d of %d bytes" % (have, n))
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        body, self.data = data[:n], data[n:]
        return body

    def answer(self, head_only=False):
        lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        status = int(lines[0].split()[1])
        fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in fields, "twice: " + name
            fields[name.lower()] = value
        body = b""
        if not head_only and status not in (100, 204, 304):
            body = self.take(int(fields["content-length"]))
        return status, fields, body

    def ask(self, method, path, fields="", body=b""):
        length = "Content-Length: %d\r\n" % len(body) if method in ("POST", "PUT") else ""
        self.send(("%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n" % (method, path, length, fields)).encode() + body)
        return self.answer(method == "HEAD")

    def at_end(self):
        """True if the server closes cleanly without a further byte."""
        return not self.fill() and not self.data

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ProbeTest(unittest.TestCase):
    """One server for a class of tests."""

    TIMES = PATIENT

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.dir = cls.tmp.name
        cls.cert = make_cert(cls.dir, "server")
        cls.file = os.path.join(cls.dir, "file")
        cls.content = os.urandom(3 * 1024 * 1024 + 17)
        with open(cls.file, "wb") as f:
            f.write(cls.content)
        cls.probe = Probe(cls.dir, cls.cert, cls.file, times=cls.TIMES)
        cls.port = cls.probe.port

    @classmethod
    def tearDownClass(cls):
        status = cls.probe.stop()
        cls.tmp.cleanup()
        assert status == 0, status

    def client(self, **kw):
        c = Client(self.port, **kw)
        self.addCleanup(c.close)
        return c


class HttpTest(ProbeTest):
    # Plain requests

    def test_a_connection_is_kept_for_many_requests(self):
        c = self.client()
        for _ in range(100):
            status, fields, body = c.ask("GET", "/hello")
            self.assertEqual((status, body), (200, b"hello\n"))
            self.assertEqual(fields["x-content-type-options"], "nosniff")
            self.assertEqual(fields["cache-control"], "no-store")
            self.assertIn("date", fields)

    def test_connection_close_ends_with_close_notify(self):
        c = self.client()
        status, fields, _ = c.ask("GET", "/hello", "Connection: close\r\n")
        self.assertEqual((status, fields["connection"]), (200, "close"))
        self.assertTrue(c.at_end())

    def test_http_1_0_ends_with_close_notify_unless_it_asks_to_go_on(self):
        c = self.client()
        c.send("GET /hello HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        self.assertEqual(c.answer()[2], b"hello\n")
        c.send("GET /hello HTTP/1.0\r\nHost: a\r\n\r\n")
        self.assertEqual(c.answer()[2], b"hello\n")
        self.assertTrue(c.at_end())
        c = self.client()
        c.send("GET /file HTTP/1.0\r\nHost: a\r\n\r\n")
        self.assertEqual(c.answer()[2], self.content)
        self.assertTrue(c.at_end())

    def test_head_has_the_length_but_no_body(self):
        c = self.client()
        status, fields, _ = c.ask("HEAD", "/hello")
        self.assertEqual((status, fields["content-length"]), (200, "6"))
        self.assertEqual(c.ask("GET", "/hello")[2], b"hello\n")

    def test_parameters_and_queries_come_decoded(self):
        c = self.client()
        self.assertEqual(c.ask("GET", "/echo/a%20b?q=c+d")[2], b"GET|a b|c d")
        self.assertEqual(c.ask("GET", "/rest/a/b%20c/d")[2], b"GET|a/b c/d|-")

    def test_what_would_become_another_path_is_refused(self):
        c = self.client()
        for path in ("/echo/a%2fb", "/echo/..", "/echo/%2e%2e", "/echo/a%00", "/rest/a/../b", "/rest/a//b", "/rest/a/",
                     "/echo/%", "/echo/%ff", "/echo/a?q=1&q=2", "/echo/a?q=%zz"):
            self.assertIn(c.ask("GET", path)[0], (400, 404), path)
        self.assertEqual(c.ask("GET", "/hello")[0], 200)

    def test_unknown_paths_and_methods_have_their_answers(self):
        c = self.client()
        status, fields, body = c.ask("GET", "/assets/nothing")
        self.assertEqual((status, fields["content-type"]), (404, "application/problem+json"))
        self.assertIn(b'"code":"not-found"', body)
        status, fields, _ = c.ask("DELETE", "/hello")
        self.assertEqual((status, fields["allow"]), (405, "GET"))
        self.assertEqual(c.ask("POST", "/nothing", body=b"x" * 1000)[0], 404)
        self.assertEqual(c.ask("GET", "/hello")[0], 200)

    def test_pipelined_requests_are_answered_in_order(self):
        c = self.client()
        c.send("".join("GET /echo/%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(50)))
        for i in range(50):
            self.assertEqual(c.answer()[2], b"GET|%d|-" % i)

    def test_pipelining_behind_a_slow_answer_waits(self):
        c = self.client()
        c.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        self.probe.expect("later: asked")
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /hel")
        self.assertEqual(c.answer()[2], b"later\n")
        self.assertEqual(c.answer()[2], b"abc")
        c.send("lo HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(c.answer()[2], b"hello\n")

    def test_endless_pipelining_is_cut(self):
        c = self.client()
        c.send("GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
        with self.assertRaises((ConnectionError, ssl.SSLError)):
            for _ in range(10000):
                c.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        self.probe.expect("quiet: closed")

    def test_a_request_may_come_in_any_pieces(self):
        c = self.client()
        for byte in b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody":
            c.send(bytes([byte]))
        self.assertEqual(c.answer()[2], b"body")

    def test_a_client_that_leaves_does_not_disturb_a_late_answer(self):
        c = self.client()
        c.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
        self.probe.expect("held: asked")
        c.close()
        self.probe.expect("held: gone")

    # Bodies

    def test_a_body_as_large_as_allowed_arrives(self):
        c = self.client()
        body = os.urandom(4 << 20)
        self.assertEqual(c.ask("PUT", "/upload", body=body)[2], body)

    def test_a_body_too_large_is_refused_before_it_is_sent(self):
        c = self.client()
        c.send("PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % ((4 << 20) + 1))
        status, fields, body = c.answer()
        self.assertEqual((status, fields["connection"]), (413, "close"))
        self.assertIn(b'"code":"too-large"', body)

    def test_each_route_has_its_own_limit(self):
        self.assertEqual(self.client().ask("POST", "/echo", body=b"x" * 1024)[0], 200)
        self.assertEqual(self.client().ask("POST", "/echo", body=b"x" * 1025)[0], 413)

    def test_the_refusal_reaches_a_client_that_sends_everything_first(self):
        c = self.client()
        self.assertEqual(c.ask("PUT", "/upload", body=b"x" * (5 << 20))[0], 413)

    def test_bodies_under_way_have_a_limit_all_together_and_small_ones_pass(self):
        end = time.monotonic() + PATIENCE
        while not self.bodies_fill_up() and time.monotonic() < end:
            pass  # they took their time and made room, as the next test wants it
        self.assertLess(time.monotonic(), end)
        self.assertEqual(self.client_after(lambda c: c.ask("PUT", "/upload", body=b"x" * (4 << 20))[0], 200), 200)

    def bodies_fill_up(self):
        """Whether all room was taken by bodies, and one more was refused."""
        head = "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (4 << 20)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(Client(self.probe.port)) for _ in range(74)]
            for c in clients[:64]:
                c.send(head + "x")
            for c in clients[64:]:  # those before arrive in threads of their own
                c.send(head)
                c.sock.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    status, fields, _ = c.answer()
                    self.assertEqual((status, fields["retry-after"], fields["connection"]), (503, "30", "close"))
                    self.assertEqual(self.client().ask("POST", "/echo", body=b"x")[0], 200)
                    return True
        return False

    def test_who_drips_large_bodies_makes_room_for_who_sends_them(self):
        with contextlib.ExitStack() as stack:
            head = "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (4 << 20)
            for _ in range(64):
                stack.enter_context(Client(self.probe.port)).send(head + "x")
            body = os.urandom(4 << 20)
            self.assertEqual(self.client_after(lambda c: c.ask("PUT", "/upload", body=body)[0], 200), 200)

    def client_after(self, ask, want):
        """Asks until the server has noticed that others went away."""
        end, got = time.monotonic() + PATIENCE, None
        while got != want and time.monotonic() < end:
            got = ask(self.client())
        return got

    def test_100_continue_is_said_at_once(self):
        c = self.client()
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        self.assertEqual(c.answer()[0], 100)
        c.send("body")
        self.assertEqual(c.answer()[2], b"body")

    def test_100_continue_is_not_said_to_what_is_refused(self):
        c = self.client()
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n")
        self.assertEqual(c.answer()[0], 413)

    # Heads that are wrong

    def refused(self, head, status):
        c = self.client()
        c.send(head)
        got, fields, body = c.answer()
        self.assertEqual(got, status, head)
        self.assertEqual(fields["connection"], "close")
        self.assertIn(b'"detail":"', body)
        return c

    def test_after_a_refusal_the_connection_is_closed_cleanly(self):
        self.assertTrue(self.refused("GET / HTTP/1.1\r\n\r\n", 400).at_end())

    def test_ambiguous_requests_are_refused(self):
        for head, status in (
                ("GET / HTTP/1.1\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
                ("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n", 400),
                ("nonsense\r\n\r\n", 400),
                ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
                ("GET / HTTP/3\r\nHost: a\r\n\r\n", 505)):
            self.refused(head, status)

    def test_oversized_heads_are_refused(self):
        self.refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * 17000 + "\r\n\r\n", 431)
        self.refused("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 64 + "\r\n", 431)
        self.refused("GET /" + "x" * 5000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414)

    def test_plain_http_gets_no_answer(self):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as raw:
            raw.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                self.assertNotIn(b"hello", raw.recv(1000))

    # Files

    def test_a_file_is_sent_whole(self):
        status, fields, body = self.client().ask("GET", "/file")
        self.assertEqual((status, fields["etag"], fields["accept-ranges"]), (200, '"tag"', "bytes"))
        self.assertTrue(body == self.content)

    def test_the_connection_is_kept_after_a_file(self):
        c = self.client()
        for _ in range(3):
            self.assertTrue(c.ask("GET", "/file")[2] == self.content)
        self.assertEqual(c.ask("GET", "/hello")[0], 200)

    def test_ranges_of_a_file(self):
        c = self.client()
        size = len(self.content)
        for text, first, last in (("0-0", 0, 0), ("5-", 5, size - 1), ("-7", size - 7, size - 1),
                                  ("262143-262145", 262143, 262145), ("1000000-2000000", 1000000, 2000000)):
            status, fields, body = c.ask("GET", "/file", "Range: bytes=%s\r\n" % text)
            self.assertEqual(status, 206)
            self.assertEqual(fields["content-range"], "bytes %d-%d/%d" % (first, last, size))
            self.assertTrue(body == self.content[first:last + 1])
        status, fields, _ = c.ask("GET", "/file", "Range: bytes=%d-\r\n" % size)
        self.assertEqual((status, fields["content-range"]), (416, "bytes */%d" % size))

    def test_conditions_on_a_file(self):
        c = self.client()
        self.assertEqual(c.ask("GET", "/file", 'If-None-Match: "tag"\r\n')[0], 304)
        self.assertEqual(c.ask("GET", "/file", 'If-Match: "other"\r\n')[0], 412)
        self.assertEqual(c.ask("GET", "/file", 'Range: bytes=0-3\r\nIf-Range: "tag"\r\n')[0], 206)
        status, fields, _ = c.ask("GET", "/file", 'Range: bytes=0-3\r\nIf-Range: "other"\r\n')
        self.assertEqual((status, int(fields["content-length"])), (200, len(self.content)))
        self.assertEqual(c.ask("HEAD", "/file")[1]["content-length"], str(len(self.content)))

    def test_a_file_that_ends_too_soon_is_not_taken_for_whole(self):
        with self.assertRaises((EOFError, OSError)):
            self.client().ask("GET", "/cut")
        self.assertEqual(self.client().ask("GET", "/hello")[0], 200)

    # The console

    def test_the_console_comes_with_its_policy_and_is_cached_by_its_tag(self):
        c = self.client()
        status, fields, body = c.ask("GET", "/")
        self.assertEqual((status, fields["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", fields["content-security-policy"])
        self.assertEqual(fields["cache-control"], "no-cache")
        etag = fields["etag"]
        status, fields, _ = c.ask("GET", "/", "If-None-Match: %s\r\n" % etag)
        self.assertEqual((status, fields["etag"]), (304, etag))
        status, fields, packed = c.ask("GET", "/", "Accept-Encoding: br, gzip\r\n")
        self.assertEqual((fields["content-encoding"], fields["vary"]), ("gzip", "Accept-Encoding"))
        self.assertNotEqual(fields["etag"], etag)
        self.assertEqual(gzip.decompress(packed), body)

    def test_a_link_into_the_console_finds_it_but_a_device_does_not(self):
        c = self.client()
        self.assertEqual(c.ask("GET", "/devices/gateway-7", "Accept: text/html,*/*;q=0.8\r\n")[0], 200)
        self.assertEqual(c.ask("GET", "/devices/gateway-7")[0], 404)
        self.assertEqual(c.ask("GET", "/api/nothing", "Accept: text/html\r\n")[0], 404)

    # Event streams

    def test_events_come_as_they_are_sent(self):
        c = self.client()
        c.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        head = c.until(b"\r\n\r\n")
        self.assertIn(b"Content-Type: text/event-stream", head)
        self.assertIn(b"Transfer-Encoding: chunked", head)
        event = c.until(b"\n\n")
        self.assertIn(b"id: 1\nevent: flood\ndata: one\ndata: two", event)
        c.close()
        self.probe.expect("events: closed")

    def test_a_slow_reader_of_events_is_told_apart(self):
        c = self.client(rcvbuf=4096)
        c.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        self.probe.expect("events: too slow")
        self.probe.expect("events: closed")


class Times(ProbeTest):
    TIMES = IMPATIENT

    def test_a_dripped_head_ends_at_its_deadline(self):
        c = self.client()
        start = time.monotonic()
        with self.assertRaises(OSError):
            for _ in range(1000):
                c.send("X")
                c.sock.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    if not c.sock.recv(100):
                        raise OSError("closed")
        self.assertLess(time.monotonic() - start, PATIENCE / 2)

    def test_a_connection_that_says_nothing_is_closed(self):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as raw:
            self.assertEqual(raw.recv(1), b"")

    def test_an_idle_connection_is_closed_cleanly(self):
        c = self.client()
        c.ask("GET", "/hello")
        self.assertTrue(c.at_end())

    def test_half_a_body_is_given_up(self):
        c = self.client()
        c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        with self.assertRaises((OSError, EOFError)):
            c.answer()

    def test_a_quiet_stream_outlives_the_idle_timeout_and_its_end_is_noticed(self):
        c = self.client()
        c.send("GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
        c.until(b"data: x")
        c.until(b"\n\n")
        for _ in range(5):
            c.until(b":\n\n")  # each heartbeat comes an idle timeout after the one before
        c.close()
        self.probe.expect("quiet: closed")


class ServerTest(unittest.TestCase):
    """Each with a server of its own."""

    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        self.cert = make_cert(self.dir, "server")

    def start(self, **kw):
        probe = Probe(self.dir, kw.pop("cert", self.cert), **kw)
        self.addCleanup(lambda: self.assertEqual(probe.stop(), 0))
        return probe

    def session(self, probe, ctx, session=None):
        """One request; returns (resumed, session for the next)."""
        with Client(probe.port, ctx, session) as c:
            self.assertEqual(c.ask("GET", "/hello")[0], 200)
            return c.sock.session_reused, c.sock.session

    def test_sessions_resume_also_after_a_restart(self):
        ctx = context()
        probe = self.start()
        resumed, session = self.session(probe, ctx)
        self.assertFalse(resumed)
        resumed, session = self.session(probe, ctx, session)
        self.assertTrue(resumed)
        self.assertEqual(probe.stop(), 0)
        resumed, session = self.session(self.start(), ctx, session)
        self.assertTrue(resumed)

    def test_each_resumed_session_brings_the_ticket_for_the_next(self):
        """A TLS 1.3 ticket serves once: without a new one each second connection would pay for a whole handshake."""
        ctx, probe = context(), self.start()
        _, session = self.session(probe, ctx)
        tickets = {session.id}
        for n in range(2, 5):
            resumed, session = self.session(probe, ctx, session)
            self.assertTrue(resumed)
            tickets.add(session.id)  # a client derives it from the ticket
            self.assertEqual(len(tickets), n)

    def test_sessions_with_client_certificates_resume(self):
        ca = make_cert(self.dir, "ca")
        device = make_cert(self.dir, "device-7", ca=ca)
        probe = self.start(client_ca=ca[0])
        ctx = context()
        ctx.load_cert_chain(*device)
        session = None
        for expected in (False, True, True):
            with Client(probe.port, ctx, session) as c:
                self.assertEqual(c.ask("GET", "/whoami")[2], b"device-7")
                self.assertEqual(c.sock.session_reused, expected)
                session = c.sock.session
        with Client(probe.port) as c:
            self.assertEqual(c.ask("GET", "/whoami")[2], b"-")
        stranger = context()
        stranger.load_cert_chain(*make_cert(self.dir, "device-8"))
        with self.assertRaises((OSError, EOFError)):
            with Client(probe.port, stranger) as c:
                c.ask("GET", "/whoami")

    def peer_cert(self, probe):
        with Client(probe.port) as c:
            return ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(True))

    def test_the_certificate_is_exchanged_on_sighup(self):
        probe = self.start()
        old = self.peer_cert(probe)
        standing = Client(probe.port)
        self.addCleanup(standing.close)
        new = make_cert(self.dir, "new")
        os.replace(new[0], self.cert[0])
        probe.process.send_signal(signal.SIGHUP)
        probe.expect("the old certificate stays in use: .*key")
        self.assertEqual(self.peer_cert(probe), old)
        os.replace(new[1], self.cert[1])
        probe.process.send_signal(signal.SIGHUP)
        probe.expect("^reloaded$")
        self.assertNotEqual(self.peer_cert(probe), old)
        self.assertEqual(standing.ask("GET", "/hello")[0], 200)

    def beat(self, probe):
        probe.process.send_signal(signal.SIGUSR1)
        return probe.expect("^beat: (all|not all)$")[1]

    def beat_until(self, probe, want):
        end = time.monotonic() + PATIENCE
        while self.beat(probe) != want:
            self.assertLess(time.monotonic(), end)

    def test_a_thread_that_is_stuck_gives_no_sign_of_life_until_it_goes_on(self):
        obstacle = os.path.join(self.dir, "obstacle")
        probe = self.start(file=obstacle)
        self.beat_until(probe, "all")
        with open(obstacle, "w"):
            pass
        with Client(probe.port) as c:
            c.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
            probe.expect("^stuck: here$")
            self.beat_until(probe, "not all")
            for _ in range(5):
                self.assertEqual(self.beat(probe), "not all")
            os.unlink(obstacle)
            self.assertEqual(c.answer()[2], b"free\n")
            self.beat_until(probe, "all")

    def test_an_expired_certificate_is_not_taken(self):
        probe = self.start()
        expired = os.path.join(self.dir, "expired.pem")
        subprocess.run(["faketime", "-f", "-10d", "openssl", "req", "-x509", "-key", self.cert[1], "-days", "1",
                        "-subj", "/CN=old", "-out", expired], check=True, capture_output=True)
        old = self.peer_cert(probe)
        os.replace(expired, self.cert[0])
        probe.process.send_signal(signal.SIGHUP)
        probe.expect("stays in use: the one in .* has expired")
        self.assertEqual(self.peer_cert(probe), old)

    def test_old_tls_is_refused(self):
        probe = self.start()
        old = context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertWarns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            Client(probe.port, old)
        new = context()
        new.minimum_version = new.maximum_version = ssl.TLSVersion.TLSv1_2
        with Client(probe.port, new) as c:
            self.assertEqual(c.sock.version(), "TLSv1.2")
            self.assertEqual(c.ask("GET", "/hello")[0], 200)

    def test_a_port_in_use_is_an_error(self):
        probe = self.start()
        second = subprocess.run([PROBE, *self.cert, os.path.join(self.dir, "t2"), "/dev/null", "-", "10"],
                                capture_output=True, text=True, timeout=PATIENCE,
                                env=dict(os.environ, HTTP_PROBE_TIMES="1000 1000 1000", HTTP_PROBE_LISTEN="127.0.0.1:%d" % probe.port))
        self.assertNotEqual(second.returncode, 0)
        self.assertEqual(second.stderr.strip(),
                         "http_probe: listen on 127.0.0.1:%d: bind: Address already in use" % probe.port)

    def test_too_many_connections_are_told_to_come_back(self):
        probe = self.start(max_connections=3)
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                c = stack.enter_context(Client(probe.port))
                self.assertEqual(c.ask("GET", "/hello")[0], 200)
            c = stack.enter_context(Client(probe.port))
            status, fields, _ = c.ask("GET", "/hello")
            self.assertEqual((status, fields["retry-after"], fields["connection"]), (503, "30", "close"))

    def sockets(self, probe):
        directory = "/proc/%d/fd" % probe.process.pid
        count = 0
        for fd in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(os.path.join(directory, fd)).startswith("socket:")
        return count

    def wait_sockets(self, probe, expected):
        end = time.monotonic() + PATIENCE
        while self.sockets(probe) > expected and time.monotonic() < end:
            threading.Event().wait(0.01)
        self.assertEqual(self.sockets(probe), expected)

    def test_a_reader_that_stalls_is_cut_and_others_go_on(self):
        file = os.path.join(self.dir, "large")
        with open(file, "wb") as f:
            f.truncate(16 << 20)
        probe = self.start(file=file, times=(60_000, 5000, 60_000))
        before = self.sockets(probe)
        with Client(probe.port, rcvbuf=4096) as stalled:
            stalled.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            stalled.until(b"\r\n\r\n")
            with Client(probe.port) as other:
                self.assertEqual(len(other.ask("GET", "/file")[2]), 16 << 20)
            self.wait_sockets(probe, before + 1)  # the stalled one is still there
            self.wait_sockets(probe, before)

    def test_memory_does_not_grow_with_what_a_reader_does_not_take(self):
        file = os.path.join(self.dir, "large")
        with open(file, "wb") as f:
            f.truncate(256 << 20)
        probe = self.start(file=file)
        clients = [Client(probe.port, rcvbuf=4096) for _ in range(20)]
        for c in clients:
            self.addCleanup(c.close)
            c.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            c.take(100000)
        with open("/proc/%d/status" % probe.process.pid) as f:
            peak_kib = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        self.assertLess(peak_kib, 64 << 10)

    @staticmethod
    def refuses(port):
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return True
        return False

    def test_a_stop_ends_streams_and_lets_requests_finish(self):
        obstacle = os.path.join(self.dir, "obstacle")
        with open(obstacle, "w"):
            pass
        probe = self.start(file=obstacle)
        with Client(probe.port) as stream, Client(probe.port) as slow, Client(probe.port) as idle:
            idle.ask("GET", "/hello")
            stream.send("GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
            stream.until(b"data: x")
            slow.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
            probe.expect("held: asked")
            probe.process.terminate()
            wait_until(lambda: self.refuses(probe.port), PATIENCE, "every thread of the server stops")
            os.unlink(obstacle)
            status, fields, body = slow.answer()
            self.assertEqual((status, body, fields["connection"]), (200, b"held\n", "close"))
            stream.until(b"\r\n0\r\n\r\n")
            self.assertTrue(stream.at_end())
            self.assertTrue(idle.at_end())
        self.assertEqual(probe.process.wait(PATIENCE), 0)

    def test_a_stop_does_not_wait_for_a_reader_that_stalls(self):
        file = os.path.join(self.dir, "large")
        with open(file, "wb") as f:
            f.truncate(64 << 20)
        probe = self.start(file=file, times=STRICT_STOP)
        with Client(probe.port, rcvbuf=4096) as c:
            c.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            c.until(b"\r\n\r\n")
            probe.process.terminate()
            self.assertEqual(probe.process.wait(PATIENCE), 0)

    def test_a_damaged_ticket_file_is_replaced(self):
        with open(os.path.join(self.dir, "tickets"), "wb") as f:
            f.write(b"OTATKEY1 and rubbish")
        probe = self.start()
        with Client(probe.port) as c:
            self.assertEqual(c.ask("GET", "/hello")[0], 200)
        self.assertEqual(os.path.getsize(os.path.join(self.dir, "tickets")), 96)
        self.assertEqual(os.stat(os.path.join(self.dir, "tickets")).st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
