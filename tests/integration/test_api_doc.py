# SPDX-License-Identifier: Apache-2.0
"""docs/API.md against the server: what is documented exists, what exists is documented, and who may call it is asked."""

import json
import re
import tempfile
import unittest

from .server import BUILD, TOP, Server

SAMPLES = {"tenant": "default", "id": "nobody", "action": "100001", "file": "payload", "sha256": "00" * 32,
           "delivery": "1", "path*": "release/x/y", "path": "release/x/y"}
NO_ROUTE = "there is nothing at this path"


def shape(path):
    """A path without the names of its parameters and without a query."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def fill(path):
    return re.sub(r"\{([^}]*)\}", lambda m: SAMPLES.get(m.group(1), "1"), path)


def server_routes():
    """What the server has: (method, path, permission, device side). tests/unit/test_openapi.c holds the document to its table."""
    document = json.loads((BUILD / "server/api/openapi.json").read_text())
    return [(method.upper(), path, operation["x-permission"], path.startswith("/{tenant}"))
            for path, item in document["paths"].items() for method, operation in item.items()]


def documented_routes():
    """(method, path) of each row of the two tables of routes, and of the health probes."""
    text, base, found = (TOP / "docs/API.md").read_text(), "", []
    for line in text.splitlines():
        if line.startswith("| method and path"):
            base = "/{tenant}" if "below" in line else ""
        first = line.split("|")[1] if line.startswith("| `") else ""
        for span in re.findall(r"`([^`]+)`", first):
            known = re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)", span)
            more = re.fullmatch(r"(GET|POST) \.\.\.(/\S+)", span)
            if known:
                found.append((known[1], base + known[2]))
            elif more:
                found.append((more[1], found[-1][1] + more[2]))
            elif span.startswith("/") and found and not span.endswith(".MD5SUM"):  # a name that the {file} before it takes
                found.append((found[-1][0], found[-1][1] + span))
    probes = re.search(r"^## Health and metrics$(.*?)^##", text, re.M | re.S)[1]
    return found + re.findall(r"`(GET) (/\w+)`", probes)


class Documented(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ota-api-doc-")
        cls.addClassCleanup(cls.place.cleanup)
        cls.s = Server(cls.place.name).start()
        cls.addClassCleanup(cls.s.stop)
        cls.device = cls.s.add_device("somebody")

    def ask(self, method, path, **fields):
        body = b"{}" if method in ("POST", "PUT") else None
        return self.s.request(method, fill(path), body, {"Content-Type": "application/json", **fields})

    def test_both_tables_are_read(self):
        self.assertGreater(len(server_routes()), 30)
        self.assertGreater(len(documented_routes()), 30)

    def test_the_two_tables_are_the_same(self):
        here = {(method, shape(path)) for method, path, _, _ in server_routes()}
        told = {(method, shape(path)) for method, path in documented_routes()}
        self.assertEqual(sorted(told - here), [], "documented, and not there")
        self.assertEqual(sorted(here - told), [], "there, and not documented")

    def test_what_is_documented_answers(self):
        for method, path in documented_routes():
            if path.endswith("/events"):
                continue  # a stream has no end; test_events.py reads it
            token = f"TargetToken {self.device.token}" if path.startswith("/{tenant}") else f"Bearer {self.s.token}"
            answer = self.ask(method, path.replace("{id}", "somebody"), Authorization=token)
            self.assertNotIn(answer.status, (405, 500, 501), (method, path, answer.body))
            self.assertNotIn(NO_ROUTE, answer.body.decode(), (method, path))

    def test_nothing_answers_a_stranger_but_what_is_for_anybody(self):
        for method, path, permission, device_side in server_routes():
            if permission == "ANYBODY":
                continue
            for fields in ({}, {"Authorization": "Bearer x"}, {"Authorization": "TargetToken x"},
                           {"Authorization": "GatewayToken " + self.s.token}):
                answer = self.ask(method, path, **fields)
                self.assertEqual(answer.status, 401, (method, path, fields, answer.body))
                self.assertIn("errorCode" if device_side else "code", answer.json)

    def test_a_devices_token_opens_no_other_device_and_no_management(self):
        for method, path, permission, _ in server_routes():
            if permission != "ANYBODY":
                answer = self.ask(method, path, Authorization=f"TargetToken {self.device.token}")
                self.assertEqual(answer.status, 401, (method, path, answer.body))

    def test_an_operators_token_speaks_for_no_device(self):
        for method, path, permission, _ in server_routes():
            if permission == "A_DEVICE":
                answer = self.ask(method, path.replace("{id}", "somebody"), Authorization=f"Bearer {self.s.token}")
                self.assertEqual(answer.status, 401, (method, path, answer.body))


if __name__ == "__main__":
    unittest.main()
