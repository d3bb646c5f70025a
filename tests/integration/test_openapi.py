# SPDX-License-Identifier: Apache-2.0
"""GET /api/v1/openapi.json: what it says of requests is what the handlers take; contract.py checks the answers."""

import json
import re
import unittest

from .contract import Contract
from .fleet import FleetTest
from .server import BUILD

KNOWN = re.compile(r'field "[^"]*": unknown; known are: (.*)')


class Requests(FleetTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = Contract(BUILD / "server/api/openapi.json")

    def bodies(self):
        """(method, path, schema) of each request that is a JSON object in which unknown members are refused."""
        for path, item in self.contract.document["paths"].items():
            for method, operation in item.items():
                if "requestBody" not in operation:
                    continue
                content = self.contract.resolve(operation["requestBody"])["content"].get("application/json")
                schema = content and self.contract.resolve(content["schema"])
                if schema and "additionalProperties" not in schema:
                    yield method.upper(), path, schema

    def sample(self, path):
        """The path of something that exists, so that the handler comes to reading its body."""
        d = self.device("-" + re.sub(r"\W+", "-", path))
        ids = {"devices": d.name, "releases": self.r1, "deployments": self.assign(d, self.r1)}
        kind = re.match(r"/api/v1/([^/]+)", path)[1]
        if kind == "rollouts" and "{" in path:
            plan = {"name": d.name[-60:], "release": self.r1, "selection": f"id=={d.name}", "accepts": "reported"}
            ids[kind] = self.s.api("POST", "/api/v1/rollouts", plan).json["id"]
        return re.sub(r"{[^}]+}", str(ids.get(kind, "1")), path)

    def person(self):
        """Headers of a session that was begun with a password."""
        user = {"user": "ann", "password": "a long enough sentence"}
        self.s.api("POST", "/api/v1/users", {"name": user["user"], "password": user["password"], "role": "admin"})
        cookie = self.s.request("POST", "/api/v1/session", user).headers["Set-Cookie"].split(";")[0]
        return {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}

    def known(self, method, path, described):
        """The members that a handler knows, from its own refusal of one that nobody knows."""
        body, who = {"no-such-member": 1}, {"Authorization": f"Bearer {self.s.token}"}
        if path.startswith("/api/v1/session/"):
            who = self.person()  # an API token has no password
        place = self.sample(path)
        answer = self.s.request(method, place, body, who)
        detail = answer.json.get("detail", "") if answer.body else ""
        if detail == "no-such-member: there is no such field":  # a plan's own words: each name is tried
            return {n for n in described if self.s.request(method, place, {n: None}, who).json["detail"] != f"{n}: there is no such field"}
        found = KNOWN.fullmatch(detail)
        self.assertIsNotNone(found, f"{method} {path}: an unknown member is not refused: {answer.status} {answer.body[:300]}")
        return set(found[1].split(", "))

    def test_a_request_has_the_members_that_the_handler_takes_and_no_other(self):
        checked = 0
        for method, path, schema in self.bodies():
            with self.subTest(route=f"{method} {path}"):
                described = set(schema.get("properties", {}))
                taken = self.known(method, path, described)
                self.assertEqual(sorted(described - taken), [], "docs/openapi/ describes them and the handler refuses them")
                self.assertEqual(sorted(taken - described), [], "the handler takes them and docs/openapi/ does not describe them")
                checked += 1
        self.assertGreaterEqual(checked, 6)

    def test_the_server_serves_the_document_to_anybody(self):
        answer = self.s.request("GET", "/api/v1/openapi.json")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json, json.loads((BUILD / "server/api/openapi.json").read_text()))
        self.assertTrue(answer.json["openapi"].startswith("3.1."))


class Checker(unittest.TestCase):
    """contract.py refuses what it should."""

    def setUp(self):
        self.contract = Contract(BUILD / "server/api/openapi.json")

    def wrong(self, schema, value):
        return self.contract.check(schema, value)

    def test_a_member_that_nobody_described_is_found(self):
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        self.assertEqual(self.wrong(schema, {"a": 1}), [])
        self.assertEqual(self.wrong(schema, {"a": 1, "b": 2}), ["/b: is not described"])
        self.assertEqual(self.wrong({**schema, "additionalProperties": True}, {"b": 2}), [])
        both = {"allOf": [schema, {"type": "object", "properties": {"b": {}}}]}
        self.assertEqual(self.wrong(both, {"a": 1, "b": 2}), [])
        self.assertEqual(self.wrong(both, {"c": 1}), ["/c: is not described"])

    def test_values_are_held_to_their_schemas(self):
        for schema, value in (({"type": "string"}, 1), ({"type": ["string", "null"]}, False), ({"enum": ["a"]}, "b"),
                              ({"type": "integer"}, True), ({"const": 1}, 2), ({"minimum": 3}, 2), ({"maximum": 3}, 4),
                              ({"pattern": "^a$"}, "b"), ({"minLength": 1}, ""), ({"maxLength": 1}, "ab"),
                              ({"minItems": 1}, []), ({"maxItems": 0}, [1]), ({"items": {"type": "string"}}, [1]),
                              ({"required": ["a"]}, {}), ({"oneOf": [{"type": "null"}, {"type": "string"}]}, 1),
                              ({"oneOf": [{"type": "integer"}, {"const": 1}]}, 1), ({"anyOf": [{"const": 2}]}, 1),
                              ({"additionalProperties": {"type": "string"}}, {"a": 1})):
            self.assertNotEqual(self.wrong(schema, value), [], (schema, value))

    def test_a_keyword_that_it_does_not_know_is_an_error(self):
        with self.assertRaises(AssertionError):
            self.wrong({"dependentRequired": {}}, {})

    def test_an_answer_that_nobody_described_is_found(self):
        class Teapot:
            status, headers, body = 299, {"Content-Type": "application/json"}, b"{}"
        self.assertEqual(self.contract.complaints("GET", "/api/v1/info", Teapot), ["GET /api/v1/info: answer 299: is not described"])
        self.assertEqual(self.contract.complaints("GET", "/assets/x.js", Teapot), [])


if __name__ == "__main__":
    unittest.main()
