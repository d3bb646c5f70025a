#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Made what is in tests/compat, once for a version: tests/compat/make_fixtures.py DIRECTORY

A server, a publisher and a device, all real, take one deployment to its confirmation. What is written down:

session-1.json   each request of the device, and which fields of each answer it relies on
formats-1.json   slot record, journal, descriptor and memory of the device, the demo keys and metadata of the
                 publisher, an unsigned bundle: each gzip, then base64

Fixtures are never made again for a version that was released: they say what was once in the field.
"""

import base64
import gzip
import json
import pathlib
import re
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab.demo.house import Board, Publisher, Server, program, run  # noqa: E402
from lab.demo.proxy import Proxy, length_of, read_exactly, read_head  # noqa: E402
from lab.demo.steps import wait_until  # noqa: E402

FOR_EVER = ("--root-lifetime", "36500d", "--targets-lifetime", "36500d")
HEADERS = ("content-type", "accept", "range", "if-none-match")


class Recorder(Proxy):
    """Writes down requests and answers; event streams pass by."""

    def __init__(self, *words):
        self.session = []
        self._recording = threading.Lock()
        super().__init__(*words)

    def meddle_request(self, device, server, request):
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        if path.endswith("/ota/events"):
            return None
        server.sendall(request)
        answer, rest = read_head(server)
        content = rest + read_exactly(server, length_of(answer) - len(rest))
        device.sendall(answer + content)
        headers = dict(line.split(": ", 1) for line in lines[1:])
        kept = {k: v for k, v in headers.items() if k.lower() in HEADERS}
        kept["Authorization"] = re.sub(r" .*", " TOKEN", headers.get("Authorization", ""))
        with self._recording:  # in the order of their answers
            self.session.append({
                "request": {"method": method, "path": path, "headers": {k: v for k, v in kept.items() if v},
                            "body": json.loads(body) if body else None},
                "answer": {"status": int(answer.split(b" ")[1]), "body": json_of(answer, content)},
            })  # fmt: skip
        return True


def json_of(head, content):
    return json.loads(content) if re.search(rb"(?i)content-type: application/(hal\+)?json", head) else None


def fields(value, place=""):
    """The paths of all that an answer has: "config.polling.sleep"."""
    if isinstance(value, dict):
        return [path for k, v in value.items() for path in fields(v, f"{place}.{k}".strip("."))]
    if isinstance(value, list):
        return fields(value[0], f"{place}.0".strip(".")) if value else [place]
    return [place]


NEEDED = re.compile(r"config\.|_links\.(?!download|md5)|id$|deployment\.(download|update)|signed\.version|signatures")


def names_of(session, ident):
    """What is about this one deployment: {value: name}."""
    offer = next(s["answer"]["body"] for s in session if "/deploymentBase/" in s["request"]["path"])
    links = offer["deployment"]["chunks"][0]["artifacts"][0]["_links"]
    parts = {"MANIFEST": links["ota:manifest"]["href"], "DESCRIPTOR": links["ota:payload"]["descriptor"],
             "HEAD": links["ota:payload"]["head"], "BODY": links["ota:payload"]["body"]}  # fmt: skip
    return {ident: "ACTION", **{url.rpartition("/")[2]: name for name, url in parts.items()}}


def readable(session, device, ident):
    """What is about this one device, deployment and moment has names instead."""
    text = json.dumps([
        {**step["request"], "status": step["answer"]["status"],
         "answers": [field for field in fields(step["answer"]["body"] or {}) if NEEDED.search(field)]}
        for step in session if step["answer"]["status"] < 300
    ])  # fmt: skip
    for value, name in {**names_of(session, ident), device: "DEVICE"}.items():
        text = text.replace(value, name)
    return json.loads(re.sub(r"/metadata/\d+\.(snapshot|targets)\.", r"/metadata/VERSION.\1.", text))


def play(place):
    server = Server(place / "server")
    server.start()
    server.make_token()
    publisher = Publisher(place / "publisher")
    online = place / "online.json"
    online.write_text(json.dumps(server.call("GET", "/api/v1/repository/keys")))
    run(program("ota"), "keys", "init", publisher.keys, "--online", online, "--demo", *FOR_EVER)
    images = publisher.images("1.0.0", assets_kib=64)
    publisher.publish(server, "1.0.0", images)
    release = publisher.publish(server, "2.0.0", publisher.images("2.0.0", assets_kib=64))
    board = Board(place / "device-of-the-first-version", server, publisher, images)
    board.provision(publisher.releases / "1.0.0.bundle", images)
    line = Recorder(server.port, server.data / "server.pem", server.ca)
    board.point_at(line.url)
    board.start()
    body = {"device": board.path.name, "release": release}
    ident = server.call("POST", "/api/v1/deployments", body)["id"]

    def done():
        return server.call("GET", f"/api/v1/deployments/{ident}")["state"] == "confirmed"

    wait_until(done, 40, "the confirmation")
    board.stop()
    server.stop()
    return server, publisher, board, line, ident


def formats(publisher, board, place):
    """The files of a first device and publisher; those that are long are zeros for the most part."""
    small = place / "small.img"
    small.write_bytes(b"a small image of the first version\n" * 200)
    bundle = place / "small.bundle"
    run(program("ota"), "bundle", "create", bundle, "--keys", publisher.keys, "--demo", "--product", "gateway",
        "--hardware", "revB", "--version", "0.9.0", "--image", f"firmware={small}")  # fmt: skip
    files = {
        "record": (board.media / "record").read_bytes(),
        "journal": (board.media / "journal").read_bytes(),
        "descriptor": board.descriptor("b").read_bytes(),
        "small.bundle": bundle.read_bytes(),
        "agent.json": (board.state / "agent.json").read_bytes(),
    }
    for path in publisher.keys.rglob("*"):
        if path.is_file():
            files[f"keys/{path.relative_to(publisher.keys)}"] = path.read_bytes()
    return {name: base64.b64encode(gzip.compress(data, 9, mtime=0)).decode() for name, data in files.items()}


def main(out):
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        server, publisher, board, line, ident = play(place)
        line.close()
        session = readable(line.session, board.path.name, ident)
        text = json.dumps(session, indent=1)
        (out / "session-1.json").write_text(text + "\n")
        (out / "formats-1.json").write_text(json.dumps(formats(publisher, board, place), indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent))
