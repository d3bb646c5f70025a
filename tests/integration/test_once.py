# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a request that is sent again is answered again, and takes place once."""

import json
import signal
import sqlite3
import threading

from .fleet import FleetTest, OwnServer


class Keys(FleetTest):
    def post(self, path, body, key, token=None):
        return self.s.request("POST", path, body, {"Authorization": f"Bearer {token or self.s.token}", "Idempotency-Key": key})

    def name(self):
        return self.id().rsplit(".", 1)[1]

    def test_the_first_answer_comes_again_with_its_secret_and_nothing_is_done_twice(self):
        body = {"id": self.name()}
        first = self.post("/api/v1/devices", body, "k-1")
        again = self.post("/api/v1/devices", body, '"k-1"')
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(again.body, first.body)
        self.assertEqual(again.headers["Content-Type"], first.headers["Content-Type"])
        self.assertEqual((first.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]), (None, "true"))
        self.assertEqual(self.s.api("POST", "/api/v1/devices", body).status, 409)  # it is there, once

    def test_what_was_refused_is_refused_again_in_the_same_words(self):
        first = self.post("/api/v1/deployments", {"device": "nobody", "release": self.r1}, "k-2")
        self.s.add_device("nobody")
        again = self.post("/api/v1/deployments", {"device": "nobody", "release": self.r1}, "k-2")
        self.assertEqual((first.status, again.status, again.body), (404, 404, first.body))
        self.assertEqual(self.post("/api/v1/deployments", {"device": "nobody", "release": self.r1}, "k-3").status, 201)

    def test_another_request_under_the_same_key_is_refused(self):
        self.assertEqual(self.post("/api/v1/devices", {"id": self.name()}, "k-4").status, 201)
        for path, body in (("/api/v1/devices", {"id": "other"}), (f"/api/v1/devices/{self.name()}/token", {}),
                           ("/api/v1/devices?x=1", {"id": self.name()})):
            answer = self.post(path, body, "k-4")
            self.assertEqual((answer.status, answer.json["code"]), (422, "key-reused"), (path, answer.body))

    def test_a_key_is_its_callers_own(self):
        self.assertEqual(self.post("/api/v1/devices", {"id": self.name()}, "k-5").status, 201)
        other = json.loads(self.s.admin("reset"))["token"]
        self.assertEqual(self.post("/api/v1/devices", {"id": self.name() + "-2"}, "k-5", other).status, 201)
        type(self).s.token = other

    def test_many_at_once_take_place_once(self):
        d, answers = self.device(), []
        ask = lambda: answers.append(self.post(f"/api/v1/devices/{d.name}/token", {}, "k-6"))
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue({a.status for a in answers} <= {200, 409}, [a.body for a in answers])
        tokens = {a.json["token"] for a in answers if a.status == 200}
        self.assertEqual(len(tokens), 1)
        d.token = tokens.pop()
        self.assertEqual(d.request("GET", "").status, 200)

    def test_keys_that_are_none_are_refused_and_nothing_is_done(self):
        for key in ("", '""', "a b", "a\"b", "x" * 129, "\x7f"):
            answer = self.post("/api/v1/devices", {"id": self.name()}, key)
            self.assertEqual((answer.status, answer.json["code"]), (400, "malformed"), key)
        answer = self.s.request("POST", "/api/v1/session", {"token": "x"}, {"Idempotency-Key": "k"})
        self.assertEqual((answer.status, answer.json["code"]), (400, "unsupported"))
        self.assertEqual(self.s.api("GET", f"/api/v1/devices/{self.name()}").status, 404)


class OverARestart(OwnServer):
    def post(self, body, key):
        return self.s.request("POST", "/api/v1/devices", body, {"Authorization": f"Bearer {self.s.token}", "Idempotency-Key": key})

    def test_an_answer_outlives_the_server_and_the_database_alone_does_not_tell_it(self):
        self.s.start()
        first = self.post({"id": "one"}, "k")
        self.s.stop(signal.SIGKILL)
        stored = b"".join((self.s.data / name).read_bytes() for name in ("ota.db", "ota.db-wal") if (self.s.data / name).exists())
        self.assertIn(b"application/json", stored)
        self.assertNotIn(first.json["token"].encode(), stored)
        self.s.start()
        again = self.post({"id": "one"}, "k")
        self.assertEqual((again.status, again.body, again.headers["Idempotent-Replayed"]), (201, first.body, "true"))

    def test_of_a_request_that_was_cut_it_is_said_that_nobody_knows(self):
        self.s.start()
        self.assertEqual(self.post({"id": "one"}, "k").status, 201)
        self.s.stop()
        db = sqlite3.connect(self.s.data / "ota.db")
        db.execute("UPDATE once SET status = 0, answer = NULL, at = at - 3600000")
        db.commit()
        db.close()
        self.s.start()
        answer = self.post({"id": "one"}, "k")
        self.assertEqual((answer.status, answer.json["code"]), (409, "conflict"))
        self.assertIn("not known", answer.json["detail"])
