#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small TLS server with good and bad manners, for test_net.

usage: net_server.py DIRECTORY. Makes a CA and a leaf for 127.0.0.1 in DIRECTORY, listens on a free
port and prints it. Lives until its standard input ends, that is, as long as the test.
"""
import email.utils
import http.server
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time


def openssl(*args):
    subprocess.run(("openssl",) + args, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(directory):
    """ca.pem vouches for leaf.pem; other.pem is a CA that does not."""
    at = lambda name: os.path.join(directory, name)
    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=test " + name, "-keyout", at(name + ".key"),
                "-out", at(name + ".pem"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=leaf", "-keyout", at("leaf.key"), "-out", at("leaf.csr"))
    with open(at("leaf.ext"), "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", at("leaf.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", at("leaf.ext"), "-out", at("leaf.pem"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def query(self):
        return int(self.path.partition("?")[2] or 0)

    def hello(self):
        self.answer(200, b"hello", Content_Type="text/plain", ETag='"abc"')

    def echo(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = "%s %s %s %s|" % (self.command, self.headers.get("Content-Type"),
                                 self.headers.get("X-Token"), self.headers.get("Expect"))
        self.answer(200, said.encode() + body)

    def big(self):
        self.answer(200, bytes(i % 251 for i in range(self.query())))

    def part(self):
        start, _, end = self.headers["Range"].partition("=")[2].partition("-")
        whole = bytes(range(100))
        end = int(end) if end else len(whole) - 1
        self.answer(206, whole[int(start):end + 1],
                    Content_Range="bytes %s-%d/100" % (start, end))

    def busy(self):
        self.answer(503, b"later", Retry_After=str(self.query()))

    def busy_until(self):
        self.answer(503, Retry_After=email.utils.formatdate(time.time() + 1000, usegmt=True))

    def redirect(self):
        self.answer(302, b"away", Location="/hello")

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def silent(self):
        self.server.until_end.wait()
        self.close_connection = True

    def drip(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.until_end.wait(0.1):
            self.wfile.write(b".")

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"event: poll\ndata:\n\n")
        self.server.until_end.wait()
        self.close_connection = True

    def endless_head(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(5000):
            self.wfile.write(b"X-Filler-%d: " % i + b"a" * 200 + b"\r\n")
        self.close_connection = True

    def stats(self):
        self.answer(200, ("connections=%d resumed=%d" % (self.server.n_connections,
                                                         self.server.n_resumed)).encode())

    def hang_up(self):
        self.answer(200, b"bye", Connection="close")
        self.close_connection = True

    def do_GET(self):
        name = self.path.partition("?")[0].strip("/").replace("-", "_")
        if name not in ("hello", "echo", "big", "part", "busy", "busy_until", "redirect", "cut",
                        "silent", "drip", "stream", "endless_head", "stats", "hang_up"):
            self.answer(404, b"not here")
            return
        try:
            getattr(self, name)()
        except OSError:
            self.close_connection = True

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    n_connections = 0
    n_resumed = 0

    def finish_request(self, request, client_address):
        try:
            request.do_handshake()
        except OSError:
            return
        self.n_connections += 1
        self.n_resumed += bool(request.session_reused)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass


def main():
    directory = sys.argv[1]
    make_certificates(directory)
    server = Server(("127.0.0.1", 0), Handler)
    server.until_end = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "leaf.pem"),
                            os.path.join(directory, "leaf.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.until_end.set()


main()
