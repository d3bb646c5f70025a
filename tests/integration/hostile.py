# SPDX-License-Identifier: Apache-2.0
"""A line on which things go wrong, and the ways in which they do.

A fault is a function. Those of CONNECTION get a connection before TLS: (line, raw socket). Those of
REQUEST get a request that the line's `at` matches: (line, device, server, request, all bytes); they return
whether the connection lives on, or None to pass the request on.
"""

import contextlib
import fcntl
import re
import socket
import ssl
import struct
import termios
import threading
import time

from lab.demo.proxy import Proxy, length_of, read_exactly, read_head
from lab.demo.steps import wait_until
from lab.device import PATIENCE

PORTAL = b"<html><title>Welcome to the guest network</title>Accept the conditions to go on.</html>\n"
ENDLESS_BYTES = 64 * 1024 * 1024  # what an endless answer ends at, if nobody hangs up


def ioctl_int(connection, request):
    return struct.unpack("i", fcntl.ioctl(connection, request, bytes(4)))[0]


def answer(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(connection):
    """The peer gets RST, not an orderly end; but first what was sent."""
    wait_until(lambda: ioctl_int(connection, termios.TIOCOUTQ) == 0, PATIENCE, "the peer has what was sent")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Line(Proxy):
    """fault: what goes wrong now, or None; at: a regular expression of "METHOD PATH" for what it hits."""

    def __init__(self, upstream_port, cert_file, ca_file):
        self.fault = None
        self.at = "."
        self.hits = []  # when a fault struck
        self.requests = []  # "METHOD PATH" of all that arrived
        self.sent = 0  # bytes of what the fault made up
        self.healed = threading.Event()
        super().__init__(upstream_port, cert_file, ca_file)

    def strike(self, fault, at="."):
        self.healed.clear()
        self.at, self.fault = at, fault
        return self

    def heal(self):
        self.fault = None
        self.healed.set()

    def meddle_connection(self, raw):
        fault = self.fault
        if fault not in CONNECTION:
            return False
        self.hits.append(time.monotonic())
        with contextlib.suppress(OSError, ssl.SSLError):
            fault(self, raw)
        return True

    def meddle_request(self, device, server, request):
        name = " ".join(request.split(b"\r\n")[0].decode().split(" ")[:2])
        self.requests.append(name)
        fault = self.fault
        if fault is None or fault in CONNECTION or not re.search(self.at, name):
            return None
        self.hits.append(time.monotonic())
        return fault(self, device, server, request)


# --- before TLS


def plain_portal(line, raw):
    """Whatever comes is answered with a page, in plain text."""
    raw.recv(4096)
    raw.sendall(answer("200 OK", PORTAL, "Content-Type: text/html"))


def refused_handshake(line, raw):
    reset(raw)


def silent_handshake(line, raw):
    """The connection is made, and then nothing is said."""
    line.healed.wait(2 * PATIENCE)


class Stranger:
    """TLS with a certificate of somebody else's CA, and a page behind it."""

    def __init__(self, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.heard = b""

    def __call__(self, line, raw):
        with self.context.wrap_socket(raw, server_side=True) as device:
            self.heard += device.recv(4096)
            device.sendall(answer("200 OK", PORTAL, "Content-Type: text/html"))


# --- after TLS


def portal(line, device, server, request):
    device.sendall(answer("200 OK", PORTAL, "Content-Type: text/html; charset=utf-8"))
    return True


def ask_server(server, request):
    """(head, body) of the real answer."""
    server.sendall(request)
    head, rest = read_head(server)
    return head, rest + read_exactly(server, length_of(head) - len(rest))


def cut_in_the_middle(line, device, server, request):
    head, body = ask_server(server, request)
    device.sendall(head + body[: len(body) // 2])
    reset(device)
    return False


def ended_too_soon(line, device, server, request):
    """As a crashed server does: an orderly end, but too few bytes. Nobody waits for the other side's goodbye."""
    head, body = ask_server(server, request)
    device.sendall(head + body[: len(body) // 2])
    device.setblocking(False)
    with contextlib.suppress(ssl.SSLWantReadError):
        device.unwrap()
    return False


def silence(line, device, server, request):
    line.healed.wait(2 * PATIENCE)
    return False


def drip(line, device, server, request):
    """Ten bytes a second: alive, but of no use."""
    head, body = ask_server(server, request)
    device.sendall(head)
    for i in range(len(body)):
        device.sendall(body[i : i + 1])
        if line.healed.wait(0.1):
            return False
    return True


def endless(line, device, server, request):
    """An answer that never stops coming."""
    piece = b" " * 16384
    device.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while line.sent < ENDLESS_BYTES:
        device.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        line.sent += len(piece)
    return False


def larger_than_said(line, device, server, request):
    """A Content-Length beyond all reason."""
    device.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n")
    line.healed.wait(2 * PATIENCE)
    return False


def noise(line, device, server, request):
    device.sendall(b"\x15\x03SSH-2.0-dropbear\r\n" * 8)
    return False


def garbled_json(line, device, server, request):
    device.sendall(answer("200 OK", b'{"_links":{"deploymentBase":', "Content-Type: application/json"))
    return True


def whole_for_range(line, device, server, request):
    """The answer is the whole body, whatever range was asked for; the first one is cut."""
    if len(line.hits) == 1:
        return ended_too_soon(line, device, server, request)
    head, body = ask_server(server, re.sub(rb"(?i)\r\nrange:[^\r]*", b"", request))
    device.sendall(head + body)
    return True


def status(code, *headers):
    def fault(line, device, server, request):
        device.sendall(answer(code, b"", *headers))
        return True

    return fault


CONNECTION = {plain_portal, refused_handshake, silent_handshake}
