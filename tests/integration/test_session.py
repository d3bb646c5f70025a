# SPDX-License-Identifier: Apache-2.0
"""Sessions of people: login links, how they end, and what another site cannot do."""

import json

from .fleet import FleetTest
from .server import Stream


class Sessions(FleetTest):
    def log_in(self):
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        answer = self.s.request("POST", "/api/v1/session", {"token": token})
        self.assertEqual(answer.status, 204, answer.body)
        return token, answer.headers["Set-Cookie"]

    def test_a_login_link_works_once_and_its_session_ends(self):
        token, cookie = self.log_in()
        for word in ("__Host-ota=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        fields = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(self.s.request("POST", "/api/v1/session", {"token": token}).status, 401)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).json["role"], "admin")
        here = {**fields, "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.s.request("DELETE", "/api/v1/session", headers=here).status, 204)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=fields).status, 401)

    def test_a_stream_ends_with_its_session_and_others_go_on(self):
        mine, others = (Stream(self.s, "/api/v1/events", {"Cookie": self.log_in()[1].split(";")[0]}) for _ in range(2))
        for stream in (mine, others):
            self.addCleanup(stream.close)
        cookie = {"Cookie": mine.fields["Cookie"], "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.s.request("DELETE", "/api/v1/session", headers=cookie).status, 204)
        self.assertTrue(mine.ends())
        name = self.device().name
        others.expect(lambda i, event, data: event == "device" and data["id"] == name)

    def test_another_site_cannot_log_anybody_in(self):
        token = json.loads(self.s.admin("login-link"))["link"].split("#")[1]
        body = json.dumps({"token": token}).encode()
        for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Content-Type": "text/plain"}):
            answer = self.s.request("POST", "/api/v1/session", body, {"Content-Type": "application/json", **fields})
            self.assertEqual((answer.status, answer.json["code"]), (403, "forbidden"), fields)
        self.assertEqual(self.s.request("POST", "/api/v1/session", {"token": token}, {"Sec-Fetch-Site": "same-origin"}).status, 204)

    def test_another_site_cannot_act_in_a_session(self):
        cookie = self.log_in()[1].split(";")[0]
        body = {"id": self.id().rsplit(".", 1)[1]}
        for fields in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
                       {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}):
            answer = self.s.request("POST", "/api/v1/devices", json.dumps(body).encode(), {"Cookie": cookie, "Content-Type": "application/json", **fields})
            self.assertEqual((answer.status, answer.json["code"]), (403, "forbidden"), fields)
        answer = self.s.request("POST", "/api/v1/devices", body, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(answer.status, 201)
