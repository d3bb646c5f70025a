# SPDX-License-Identifier: Apache-2.0
"""An adversary's place on the line: a TLS proxy between a device and the server.

It terminates TLS with the server's own certificate (the worst case: an adversary who has even
that) and passes HTTP through, so that the story can count what a device fetches, slow it
down, alter bytes, or cut the line. What it sees of a payload it cannot make a device take.
A worse one overrides meddle_connection() and meddle_request().
"""

import contextlib
import re
import socket
import ssl
import threading
import time

HEAD_END = b"\r\n\r\n"
SEND_BUFFER = 65536


class Proxy:
    """Listens on a free loopback port; `url` is what a device is configured with."""

    def __init__(self, upstream_port, cert_file, ca_file):
        self.upstream_port = upstream_port
        self.body_bytes = 0  # of payload bodies, sent on to devices
        self.ranges = []  # the start of each request for a payload body
        self.alter_at = None  # offset of the one byte of a body to flip
        self.altered = 0
        self.rate = None  # bytes a second for each connection
        self.down = False
        self._lock = threading.Lock()
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(cert_file)
        self._client = ssl.create_default_context(cafile=ca_file)
        self._open = set()
        self.port = 0
        self.listen()
        self.url = f"https://127.0.0.1:{self.port}"

    def listen(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self):
        """Nobody listens any more, and every connection ends; listen() takes the same port again."""
        with self._lock:
            listener, self._listener = self._listener, None
            connections = list(self._open)
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def meddle_connection(self, raw):
        """True: this connection was dealt with before TLS began."""
        return False

    def meddle_request(self, device, server, request):
        """None: pass it on; else it was answered here, and the connection lives on (True) or ends."""
        return None

    def reset_counts(self):
        with self._lock:
            self.body_bytes, self.ranges, self.altered = 0, [], 0

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, listener), daemon=True).start()

    @contextlib.contextmanager
    def _tracked(self, connection, listener):
        """Until its end close() finds it. One in its handshake when close() came is told here."""
        with self._lock:
            if self._listener is not listener:
                connection.close()
                raise ConnectionAbortedError("the listener was closed")
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _serve(self, raw, listener):
        # What is counted as passed on must not lie in the kernel: no more than this does.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), self._tracked(raw, listener):
            if self.down or self.meddle_connection(raw):
                raw.close()
                return
            with self._server.wrap_socket(raw, server_side=True) as device, self._tracked(device, listener):
                plain = socket.create_connection(("127.0.0.1", self.upstream_port))
                with self._client.wrap_socket(plain, server_hostname="127.0.0.1") as server:
                    while self._exchange(device, server):
                        pass

    def _exchange(self, device, server):
        """One request and its answer; False when the connection is over."""
        head, rest = read_head(device)
        if head is None or self.down:
            return False
        request = head + rest + read_exactly(device, length_of(head) - len(rest))
        lives_on = self.meddle_request(device, server, request)
        if lives_on is not None:
            return lives_on
        server.sendall(request)
        is_body = b"/ota/content/" in head.split(b"\r\n")[0] and b"GET" in head[:4]
        wants_stream = b"/events" in head.split(b"\r\n")[0]
        answer, rest = read_head(server)
        if answer is None:
            return False
        device.sendall(answer)
        left = length_of(answer) if not head.startswith(b"HEAD") else 0
        if wants_stream and not re.search(rb"(?i)content-length:", answer):
            return self._stream(device, server, rest)
        offset = start_of(answer)
        if is_body and left > 65536:
            with self._lock:
                self.ranges.append(offset)
        return self._pass_body(device, server, rest, left, offset, is_body and left > 65536)

    def _stream(self, device, server, rest):
        rest = rest or server.recv(65536)
        while rest and not self.down:
            device.sendall(rest)
            rest = server.recv(65536)
        return False

    def _pass_body(self, device, server, rest, left, offset, counted):
        while left > 0:
            data = rest or server.recv(min(left, 16384))
            rest = b""
            if not data or self.down:
                return False
            if counted:
                data = self._alter(data, offset)
                with self._lock:
                    self.body_bytes += len(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
            device.sendall(data)
            left -= len(data)
            offset += len(data)
        return True

    def _alter(self, data, offset):
        at = self.alter_at
        if at is None or not offset <= at < offset + len(data):
            return data
        changed = bytearray(data)
        changed[at - offset] ^= 1
        with self._lock:
            self.altered += 1
        return bytes(changed)


def read_head(connection):
    """(head with its end, what came after it), or (None, b"") when the peer is done."""
    data = b""
    while HEAD_END not in data:
        piece = connection.recv(16384)
        if not piece or len(data) > 65536:
            return None, b""
        data += piece
    head, _, rest = data.partition(HEAD_END)
    return head + HEAD_END, rest


def read_exactly(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise OSError("peer closed")
        data += piece
    return data


def length_of(head):
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found.group(1)) if found else 0


def start_of(head):
    found = re.search(rb"(?i)\r\ncontent-range: *bytes (\d+)-", head)
    return int(found.group(1)) if found else 0
