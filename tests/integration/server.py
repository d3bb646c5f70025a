# SPDX-License-Identifier: Apache-2.0
"""A real ota-server in a directory of its own, and small clients of its two APIs, for the tests."""

import http.client
import json
import os
import pathlib
import queue
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from lab.device import PATIENCE

from .contract import contract

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OTA_BUILD", TOP / "build"))
OTA = BUILD / "tools/ota"
OTA_SERVER = BUILD / "server/ota-server"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """ota-server run, its data directory and an administrator's token."""

    new_store = staticmethod(lambda: None)  # a test module may put databases elsewhere: a function that gives URLs

    def __init__(self, place, *options):
        self.place = pathlib.Path(place)
        self.data = self.place / "data"
        url = self.new_store()
        self.where = ["--server-data-dir", self.data, *(["--store-url", url] if url else [])]
        self.options = options
        self.process = None
        self.port = None
        self.token = None

    def spawn(self, *words):
        """Starts the program as it is; returns (process, what it wrote when ready)."""
        reader, writer = os.pipe()
        listen = f"127.0.0.1:{self.port or 0}"
        with open(self.place / "log", "a") as log:
            process = subprocess.Popen(
                [OTA_SERVER, "run", *self.where, "--http-listen", listen, "--ready-fd", str(writer), *self.options,
                 *words],
                pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        os.close(writer)
        with os.fdopen(reader) as ready:
            return process, ready.readline()

    def start(self, *words):
        end = time.monotonic() + PATIENCE
        self.process, line = self.spawn(*words)
        while not line:
            why = self.log().strip().splitlines()[-1]
            if self.token is None or "in use" not in why or time.monotonic() > end:
                raise RuntimeError(why)
            time.sleep(0.1)  # while it was down, somebody's connection began at its port
            self.process, line = self.spawn(*words)
        self.ready = json.loads(line)
        self.port = self.ready["port"]
        self.trust = ssl.create_default_context(cafile=self.data / "ca.pem")
        if self.token is None:
            self.token = json.loads(self.admin("reset"))["token"]
            (self.place / "token").write_text(self.token)
        return self

    def admin(self, word):
        return subprocess.run([OTA_SERVER, "admin", word, *self.where, "--json"], check=True, capture_output=True,
                              text=True).stdout

    def log(self):
        return (self.place / "log").read_text()

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            status = self.process.wait(PATIENCE)
            self.process = None
            if how == signal.SIGTERM and (status != 0 or "runtime error:" in self.log()):
                raise AssertionError(f"the server ended with {status}: {self.log()[-2000:]}")
            return status
        return None

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.trust)

    def request(self, method, path, body=None, headers=None, connection=None):
        c = connection or self.connect()
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        c.request(method, path, body, headers or {})
        answer = Answer(c.getresponse())
        if connection is None:
            c.close()
        if answer.status in (429, 503) and len(answer.headers.get_all("Retry-After", [])) != 1:
            raise AssertionError(f"{method} {path}: {answer.status} with Retry-After {answer.headers.get_all('Retry-After')}")
        if method != "HEAD":
            contract(BUILD / "server/api/openapi.json").enforce(method, path, answer)
        return answer

    def api(self, method, path, body=None, **more):
        return self.request(method, path, body, {"Authorization": f"Bearer {self.token}"}, **more)

    def ota(self, *words):
        """The operator's command line against this server; returns what it printed."""
        return subprocess.run(
            [OTA, *words], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout

    def remote(self, *words):
        return json.loads(self.ota(*words, "--json", "--server", self.url, "--ca", self.data / "ca.pem",
                                   "--token-file", self.place / "token"))

    def add_tenant(self, name, **limits):
        """A tenant that is ready to work; returns its administrator's API token."""
        made = self.api("POST", "/api/v1/tenants", {"name": name, **limits}).json
        session = self.request("POST", "/api/v1/session", {"token": made["login"]}).headers["Set-Cookie"].split(";")[0]
        token = self.request("POST", "/api/v1/tokens", {"name": "theirs", "role": "admin"},
                             {"Cookie": session, "Sec-Fetch-Site": "same-origin"}).json["token"]
        end = time.monotonic() + PATIENCE
        while self.request("GET", "/api/v1/repository/keys", headers={"Authorization": f"Bearer {token}"}).status == 503:
            if time.monotonic() > end:
                raise AssertionError(f"tenant {name} was never set up")
        return token

    def claim(self):
        """Offline keys (demo ones: no passphrase) for this server's own online keys."""
        online = self.place / "online.json"
        online.write_bytes(self.api("GET", "/api/v1/repository/keys").body)
        self.keys = self.place / "keys"
        self.ota("keys", "init", self.keys, "--online", online, "--demo")

    def make_bundle(self, version, size=300_000, product="gateway", security=("--security-version", "1")):
        """A signed bundle of one image of pseudo-random bytes."""
        image, bundle = self.place / f"{version}.img", self.place / f"{version}.bundle"
        image.write_bytes(b"".join(f"{version} {i}\n".encode() for i in range(size // 8))[:size])
        self.ota("bundle", "create", bundle, "--keys", self.keys, "--product", product, "--hardware", "revA",
                 "--version", version, *security, "--image", f"firmware={image}", "--demo")
        self.ota("release", "sign", bundle, "--keys", self.keys, "--demo")
        return bundle

    def push(self, bundle):
        return self.remote("release", "push", bundle)

    def add_device(self, name):
        token = self.api("POST", "/api/v1/devices", {"id": name}).json["token"]
        return Device(self, name, token)


class Device:
    """A client of the device API: plain HTTP, no agent."""

    def __init__(self, server, name, token):
        self.server, self.name, self.token = server, name, token
        self.base = f"/default/controller/v1/{name}"

    def request(self, method, path, body=None, headers=None, **more):
        fields = {"Authorization": f"TargetToken {self.token}", **(headers or {})}
        return self.server.request(method, path if path.startswith("/default") else self.base + path, body, fields,
                                   **more)

    def poll(self):
        return self.request("GET", "").json

    def follow(self, href, **more):
        """A link's target: absolute, and of this server."""
        assert href.startswith(self.server.url + "/"), href
        return self.request("GET", href[len(self.server.url):], **more)

    def feedback(self, action, execution, finished="none", details=(), kind="deploymentBase", **status):
        body = {"status": {"execution": execution, "result": {"finished": finished}, "details": list(details), **status}}
        return self.request("POST", f"/{kind}/{action}/feedback", body)

    def prove(self, action, root_hash, counter=1):
        return self.feedback(action, "closed", "success", ["confirmed"], **{
            "ota:agent": {"version": "0.1.0", "capabilities": ["full"]},
            "ota:proof": {"rootHash": root_hash, "bootId": "00" * 16, "slot": "B", "counter": counter}})


class Stream:
    """Server-sent events, read by a thread into a queue of (id, event, data)."""

    def __init__(self, server, path, headers):
        self.fields = headers
        self.connection = server.connect()
        self.connection.request("GET", path, headers={**headers, "Accept": "text/event-stream"})
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.events = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        ident, event, data = None, None, None
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\n")
                if line.startswith("id:"):
                    ident = line[3:].strip()
                elif line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data = json.loads(line[5:])
                elif line == "" and data is not None:
                    self.events.put((ident, event, data))
                    ident, event, data = None, None, None
        except (OSError, ValueError, http.client.HTTPException):
            pass
        self.hang_up()
        self.events.put(None)

    def hang_up(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def expect(self, want, patience=PATIENCE):
        """The next event for which want(id, event, data) holds."""
        end = time.monotonic() + patience
        while True:
            item = self.events.get(timeout=max(0.01, end - time.monotonic()))
            if item is None:
                raise AssertionError("the stream ended")
            if want(*item):
                return item

    def ends(self, patience=PATIENCE):
        """Whether the server ends it in time, whatever comes before."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                if self.events.get(timeout=max(0.01, end - time.monotonic())) is None:
                    return True
            except queue.Empty:
                break
        return False

    def close(self):
        self.hang_up()  # wakes the reader
        self.thread.join(PATIENCE)
        self.connection.close()


def temporary():
    return tempfile.TemporaryDirectory(prefix="ota-server-")
