# SPDX-License-Identifier: Apache-2.0
"""The house on one machine: a server, keys, releases and devices, all real programs and files."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.request

from .steps import wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OTA_BUILD", TOP / "build"))
PRODUCT, HARDWARE = "gateway", "revB"


class Failed(Exception):
    """A program did not do what was asked; the text is its own sentence."""

    def __init__(self, words, status, text):
        super().__init__(f"{' '.join(map(str, words[:3]))}: exit {status}: {text.strip()[-600:]}")
        self.status = status
        self.text = text


def program(name):
    places = {"ota": "tools", "ota-server": "server", "ota-client": "client", "ota-boot": "client"}
    direct = BUILD / places[name] / name
    return direct if direct.exists() else next(p for p in BUILD.rglob(name) if p.is_file())


def run(*words, timeout=120):
    """Runs a program to its end; returns what it printed, or raises Failed."""
    words = [str(w) for w in words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise Failed(words, done.returncode, done.stderr or done.stdout)
    return done.stdout


class Server:
    """ota-server in its data directory, on a loopback port."""

    def __init__(self, directory, demo=True):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.demo = demo
        self.process = None
        self.port = None
        self.token = None

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self):
        return self.directory / "data" / "ca.pem"

    def config(self, bind):
        path = self.directory / "ota-server.ini"
        path.write_text(f"[server]\ndata-dir = data\ndemo = {'yes' if self.demo else 'no'}\n\n[http]\nlisten = {bind}\n")
        return path

    def start(self, bind="127.0.0.1:0"):
        if self.port and bind.endswith(":0"):
            bind = f"127.0.0.1:{self.port}"
        config = self.config(bind)
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [program("ota-server"), "run", "--config", config, "--ready-fd", str(writer)],
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "server.log", "a"),
            start_new_session=True,
        )
        os.close(writer)
        with os.fdopen(reader) as ready:
            line = ready.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {self.last_words()}")
        self.port = int(json.loads(line)["port"])

    def last_words(self):
        return (self.directory / "server.log").read_text().strip().splitlines()[-1:]

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def call(self, method, path, body=None):
        """The management API; returns the parsed answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=self.ca)
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise Failed([method, path], refusal.code, refusal.read().decode()) from None
        return json.loads(text) if text else None

    def device(self, name):
        return self.call("GET", f"/api/v1/devices/{name}")

    def deployment(self, ident):
        return self.call("GET", f"/api/v1/deployments/{ident}")


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def wipe(directory):
    shutil.rmtree(directory, ignore_errors=True)


__all__ = ["BUILD", "Failed", "HARDWARE", "PRODUCT", "Server", "TOP", "program", "run", "sha256_file", "wait_until", "wipe"]
