# SPDX-License-Identifier: Apache-2.0
"""The house on one machine: a server, offline keys, releases and devices; all real programs and files."""

import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.request

from ..device import BUILD, MIB, PATIENCE, TOP, Device, make_image

PRODUCT, HARDWARE = "gateway", "revB"
PLACES = {"ota": "tools", "ota-server": "server", "ota-client": "client", "ota-swarm": "tests/bench"}


class Failed(Exception):
    """A program did not do what was asked; the text is its own sentence."""

    def __init__(self, words, status, text):
        super().__init__(f"{' '.join(map(str, words[:3]))}: exit {status}: {text.strip()[-600:]}")
        self.status = status
        self.text = text


def program(name):
    return BUILD / PLACES[name] / name


def run(*words, timeout=2 * PATIENCE):
    """Runs a program to its end; what it printed, or Failed."""
    words = [str(w) for w in words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise Failed([pathlib.Path(words[0]).name, *words[1:]], done.returncode, done.stderr or done.stdout)
    return done.stdout


class Server:
    """ota-server in a directory of its own, on a loopback port that it keeps."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.port = None
        self.token_file = self.directory / "token"
        self.delta = {"look-every": "1s"}

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self):
        return self.data / "ca.pem"

    @property
    def config(self):
        return self.directory / "ota-server.ini"

    def start(self, bind="127.0.0.1:0"):
        if self.port and bind.endswith(":0"):
            bind = f"127.0.0.1:{self.port}"
        delta = "".join(f"{key} = {value}\n" for key, value in self.delta.items())
        self.config.write_text(
            f"[server]\ndata-dir = {self.data}\ndemo = yes\n\n[http]\nlisten = {bind}\n\n[delta]\n{delta}"
        )
        reader, writer = os.pipe()
        with open(self.directory / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [program("ota-server"), "run", "--config", self.config, "--ready-fd", str(writer)],
                pass_fds=[writer],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(writer)
        with os.fdopen(reader) as ready:
            line = ready.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {self.last_words()}")
        self.port = int(json.loads(line)["port"])

    def last_words(self):
        return "\n".join((self.directory / "server.log").read_text().strip().splitlines()[-1:])

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def admin(self, *words):
        return json.loads(run(program("ota-server"), *words, "--config", self.config, "--json"))

    def make_token(self):
        if not self.token_file.exists():
            self.token_file.touch(0o600)
            self.token_file.write_text(self.admin("admin", "reset")["token"])

    def call(self, method, path, body=None):
        """The management API; its answer, or Failed with the HTTP status."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token_file.read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        context = ssl.create_default_context(cafile=self.ca)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise Failed([method, path], refusal.code, refusal.read().decode()) from None
        return json.loads(text) if text else None

    def release_id(self, product, version):
        """None if it was not published."""
        items = self.call("GET", "/api/v1/releases?limit=200")["items"]
        return next((r["id"] for r in items if (r["product"], r["version"]) == (product, version)), None)

    def ota(self, *words, timeout=2 * PATIENCE):
        """The operator's command line against this server."""
        return run(
            program("ota"), *words, "--server-url", self.url, "--server-ca", self.ca,
            "--server-token-file", self.token_file, timeout=timeout,
        )  # fmt: skip


class Publisher:
    """The release machine: offline keys, and releases made with them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.keys = self.directory / "keys"
        self.releases = self.directory / "releases"
        self.releases.mkdir(parents=True, exist_ok=True)

    def init(self, server):
        online = self.directory / "online.json"
        online.write_text(json.dumps(server.call("GET", "/api/v1/repository/keys")))
        run(program("ota"), "keys", "init", self.keys, "--online", online, "--demo")

    def images(self, version, variant="healthy", extra=None, assets_kib=1024):
        """Image files of a version: a firmware of a variant, and what comes besides."""
        firmware = self.releases / f"firmware-{version}.img"
        if not firmware.exists():
            make_image(variant, version, firmware, assets_kib)
        return {"firmware": firmware, **(extra or {})}

    def bundle(self, version, images, notes="", product=PRODUCT, hardware=(HARDWARE,), files=()):
        """An unsigned bundle of images, or of opaque files for clients of others."""
        path = self.releases / (f"{version}.bundle" if product == PRODUCT else f"{product}-{version}.bundle")
        words = [f"--image={name}={file}" for name, file in images.items()]
        words += [f"--file={file}" for file in files] + [f"--hardware={h}" for h in hardware]
        run(
            program("ota"), "bundle", "create", path, "--keys", self.keys, "--demo", "--product", product,
            "--version", version, "--notes", notes, *words,
        )  # fmt: skip
        return path

    def publish(self, server, version, images, notes="", **more):
        """create, sign, push: the release's id."""
        path = self.bundle(version, images, notes, **more)
        run(program("ota"), "release", "sign", path, "--keys", self.keys, "--demo")
        server.ota("release", "push", path)
        return server.release_id(more.get("product", PRODUCT), version)

    def factory(self, server):
        """What the factory leaves on a device."""
        public = {p.name: p.read_text() for p in self.keys.glob("boot-key-*.pub")}
        root = (self.keys / "repository/1.root.json").read_text()
        return {
            **public,
            "root.json": root,
            "ca.pem": server.ca.read_text(),
            "hardware": f"{HARDWARE}\n",
            "product": f"{PRODUCT}\n",
            "demo": "",
        }


class Board(Device):
    """A process device whose log goes to a file, known to a server."""

    def __init__(self, directory, server, publisher, images, config=None):
        token = pathlib.Path(directory) / "state/token"
        rooms = {name: file.stat().st_size + MIB // 2 & -4096 for name, file in images.items()}
        rooms["firmware"] = max(rooms["firmware"], 12 * MIB)
        base = {
            "server": {"url": server.url, "token-file": token},
            "boot": {"watchdog": "60s"},
            "health": {"settle": "200ms", "confirm-deadline": "60s"},
            "poll": {"interval": "2s"},
        }
        for section, keys in (config or {}).items():
            base.setdefault(section, {}).update(keys)
        super().__init__(directory, publisher.factory(server), rooms, base)
        if not token.exists():
            answer = server.call("POST", "/api/v1/devices", {"id": self.path.name, "product": PRODUCT, "hardware": HARDWARE})
            token.touch(0o600)
            token.write_text(answer["token"])

    def point_at(self, url):
        self.config["server"]["url"] = url
        self.write_config()

    def agent_answers(self):
        try:
            return self.client("status", "--json")
        except Failed:
            return None

    def client(self, *words, timeout=2 * PATIENCE):
        return run(program("ota-client"), *words, "--config", self.ini, timeout=timeout)


def wipe(directory):
    shutil.rmtree(directory, ignore_errors=True)
