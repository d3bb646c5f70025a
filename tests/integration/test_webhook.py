# SPDX-License-Identifier: Apache-2.0
"""Webhooks of the real server, and a receiver that checks what it gets."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import queue
import signal
import ssl
import subprocess
import threading
import unittest
import unittest.mock

from .server import BUILD, PATIENCE, Server, temporary, Stream
from .test_metrics import scrape, value

from lab.demo.steps import wait_until


class Receiver:
    """An HTTPS server with the certificate of the server under test; answers what `answers` says, then 200."""

    def __init__(self, cert, address=("127.0.0.1", 0)):
        self.got = queue.Queue()  # (headers, body)
        self.answers = queue.Queue()  # (status, body, headers), or an Event to wait for before hanging up
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.put((self.headers, body))
                try:
                    answer = receiver.answers.get_nowait()
                except queue.Empty:
                    answer = (200, b"thanks", {})
                if isinstance(answer, threading.Event):
                    answer.wait(PATIENCE)
                    self.close_connection = True
                    return
                status, text, headers = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(text)
                except OSError:
                    pass  # the server had enough

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(address, Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def next(self):
        return self.got.get(timeout=PATIENCE)


def verify(secret, headers, body):
    """As a receiver does that knows Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    want = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(want, headers["webhook-signature"])


class WebhookTest(unittest.TestCase):
    def setUp(self):
        place = temporary()
        self.addCleanup(place.cleanup)
        self.s = Server(place.name)
        self.s.options = ("--webhook-ca-file", self.s.data / "ca.pem", *self.options)
        os.environ["https_proxy"] = os.environ["ALL_PROXY"] = "http://127.0.0.1:9"  # nobody may ask it
        self.addCleanup(lambda: [os.environ.pop(n) for n in ("https_proxy", "ALL_PROXY")])
        self.s.start()
        self.addCleanup(self.s.stop)
        self.r = Receiver(self.s.data / "server.pem")
        self.addCleanup(self.r.close)

    def hook(self, *events, host="127.0.0.1", path="/hook"):
        answer = self.s.api("POST", "/api/v1/webhooks",
                            {"url": f"https://{host}:{self.r.port}{path}", "events": list(events or ["device"])})
        self.assertEqual(answer.status, 201, answer.body)
        self.secret = answer.json["secret"]
        return answer.json["id"]

    def show(self, hook):
        return self.s.api("GET", f"/api/v1/webhooks/{hook}").json

    def deliveries(self, hook):
        return self.s.api("GET", f"/api/v1/webhooks/{hook}/deliveries").json["items"]

    def await_delivery(self, hook, want):
        found = []
        wait_until(lambda: found.extend(d for d in self.deliveries(hook) if want(d)) or found, PATIENCE, "a delivery")
        return found[0]


class Webhooks(WebhookTest):
    options = ("--webhook-allow", "127.0.0.0/8")

    def test_each_attempt_is_told_to_who_watches_the_log(self):
        hook = self.hook("group")
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        try:
            self.assertEqual(self.s.api("POST", "/api/v1/groups", {"name": "told"}).status, 201)
            told = stream.expect(lambda _, event, data: event == "delivery" and data["webhook"] == hook)
            self.assertIsNone(told[0])  # volatile: no number
            first = self.deliveries(hook)
            self.assertEqual([d["replay"] for d in first], [False])
            self.assertEqual(self.s.api("POST", f"/api/v1/webhooks/{hook}/deliveries/{first[0]['id']}/replay").status, 202)
            stream.expect(lambda _, event, data: event == "delivery" and data["webhook"] == hook)
            self.assertEqual([d["replay"] for d in self.deliveries(hook)], [True, False])
        finally:
            stream.close()

    def test_events_arrive_in_order_signed_and_only_those_asked_for(self):
        hook = self.hook("device")
        for i in range(5):
            self.s.add_device(f"dev-{i}")
        self.s.api("PUT", "/api/v1/freeze", {"reason": "not asked for"})
        self.s.api("DELETE", "/api/v1/devices/dev-0")
        seen = []
        for _ in range(6):
            headers, body = self.r.next()
            self.assertTrue(verify(self.secret, headers, body))
            message = json.loads(body)
            self.assertEqual((message["type"], headers["Content-Type"]), ("device", "application/json"))
            self.assertEqual(headers["webhook-id"], f"evt_default_{message['id']}")
            seen.append(message)
        self.assertEqual([m["id"] for m in seen], sorted({m["id"] for m in seen}))
        self.assertEqual([m["data"]["id"] for m in seen], [*(f"dev-{i}" for i in range(5)), "dev-0"])
        self.assertEqual(seen[5]["data"], {"id": "dev-0", "deleted": True})
        d = self.await_delivery(hook, lambda d: d["event"] == seen[5]["id"])
        self.assertEqual((d["status"], d["delivered"], d["excerpt"], d["attempt"]), (200, True, "thanks", 1))
        self.assertEqual(self.show(hook)["attempts"], 0)

    def test_a_refusal_holds_back_what_follows_and_is_told(self):
        hook = self.hook("device")
        self.r.answers.put((500, b"out of \x00 order\n", {}))
        self.s.add_device("first")
        self.s.add_device("second")
        failed = self.r.next()
        d = self.await_delivery(hook, lambda d: not d["delivered"])
        self.assertEqual((d["status"], d["error"], d["excerpt"]), (500, "the answer was 500", "out of   order "))
        shown = self.show(hook)
        self.assertEqual(shown["attempts"], 1)
        self.assertGreater(shown["next_at"], d["at"])
        self.s.api("PATCH", f"/api/v1/webhooks/{hook}", {"active": True})  # do not wait for it
        again = self.r.next()
        self.assertEqual(again[0]["webhook-id"], failed[0]["webhook-id"])
        self.assertEqual(json.loads(self.r.next()[1])["data"]["id"], "second")

    def test_a_redirect_is_not_followed(self):
        hook = self.hook("device")
        self.r.answers.put((307, b"", {"Location": f"https://127.0.0.1:{self.r.port}/elsewhere"}))
        self.s.add_device("dev")
        self.r.next()
        self.assertEqual(self.await_delivery(hook, lambda d: True)["status"], 307)
        self.assertTrue(self.r.got.empty())

    def test_an_endless_answer_is_cut_and_counts_by_its_status(self):
        hook = self.hook("device")
        self.r.answers.put((200, b"x" * 1_000_000, {}))
        self.s.add_device("dev")
        d = self.await_delivery(hook, lambda d: True)
        self.assertEqual((d["delivered"], d["status"]), (True, 200))

    def test_gone_is_given_up_at_once_and_audited(self):
        hook = self.hook("device")
        self.r.answers.put((410, b"", {}))
        self.s.add_device("dev")
        wait_until(lambda: not self.show(hook)["active"], PATIENCE, "the webhook is given up")
        self.assertEqual(self.show(hook)["reason"], "after 1 attempt: the answer was 410")
        self.s.api("PATCH", f"/api/v1/webhooks/{hook}", {"active": True})
        self.r.next()
        self.assertEqual(json.loads(self.r.next()[1])["data"]["id"], "dev")  # at its place
        self.assertEqual(self.show(hook)["reason"], "")

    def test_deliveries_are_counted_by_what_came_of_them(self):
        def counted(outcome):
            return value(scrape(self.s), "ota_webhook_deliveries_total", outcome=outcome)

        hook = self.hook("device")
        self.r.answers.put((410, b"", {}))
        self.s.add_device("dev")
        wait_until(lambda: counted("given-up") == 1, PATIENCE, "it is counted as given up")
        self.assertEqual(counted("delivered"), 0)
        self.s.api("PATCH", f"/api/v1/webhooks/{hook}", {"active": True})
        wait_until(lambda: counted("delivered") == 1, PATIENCE, "it is counted as delivered")

    def test_after_a_crash_it_goes_on_where_it_was(self):
        hook = self.hook("device")
        self.s.add_device("before")
        self.r.next()
        self.await_delivery(hook, lambda d: d["delivered"])
        held = threading.Event()
        self.addCleanup(held.set)
        self.r.answers.put(held)
        self.s.add_device("during")
        lost = self.r.next()
        self.s.stop(signal.SIGKILL)
        held.set()
        self.s.start()
        again = self.r.next()
        self.assertEqual(again[0]["webhook-id"], lost[0]["webhook-id"])
        self.assertTrue(verify(self.secret, *again))

    def test_a_delivery_is_sent_again_on_request(self):
        hook = self.hook("device")
        self.s.add_device("dev")
        first = self.r.next()
        d = self.await_delivery(hook, lambda d: d["delivered"])
        answer = self.s.api("POST", f"/api/v1/webhooks/{hook}/deliveries/{d['id']}/replay", {})
        self.assertEqual(answer.status, 202)
        again = self.r.next()
        self.assertEqual(again[0]["webhook-id"], first[0]["webhook-id"])
        self.assertTrue(self.await_delivery(hook, lambda d: d["replay"])["delivered"])
        self.assertEqual(self.s.api("POST", f"/api/v1/webhooks/{hook}/deliveries/999/replay", {}).status, 404)

    def test_the_secret_is_shown_once_and_is_not_in_the_database(self):
        hook = self.hook("device")
        self.assertNotIn("secret", self.show(hook))
        self.assertNotIn(b"whsec", self.s.api("GET", "/api/v1/webhooks").body)
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        for name in ("ota.db", "ota.db-wal"):
            content = (self.s.data / name).read_bytes()
            self.assertNotIn(key, content)
            self.assertNotIn(self.secret.encode(), content)

    def test_bad_webhooks_are_told_what_is_wrong(self):
        for body, says in [
                ({"url": "http://example.org/", "events": ["device"]}, "https://"),
                ({"url": "https://u:p@example.org/", "events": ["device"]}, "password"),
                ({"url": "https://example.org/", "events": []}, "at least one"),
                ({"url": "https://example.org/", "events": ["dev"]}, "there are device, deployment"),
                ({"url": "https://example.org/"}, "events"),
                ({"events": ["device"]}, "url"),
                ({"url": "https://example.org/", "events": ["device"], "secret": "x"}, "secret")]:
            answer = self.s.api("POST", "/api/v1/webhooks", body)
            self.assertEqual(answer.status, 400, body)
            self.assertIn(says, answer.json["detail"])
        for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/deliveries")]:
            self.assertEqual(self.s.api(method, "/api/v1/webhooks/nobody" + path).status, 404)

    def test_there_is_a_limit(self):
        for i in range(50):
            self.hook("device", path=f"/{i}")
        answer = self.s.api("POST", "/api/v1/webhooks", {"url": "https://example.org/", "events": ["device"]})
        self.assertEqual(answer.status, 413)


class InnerNetwork(WebhookTest):
    options = ()

    def test_what_is_not_public_is_not_called(self):
        for host in ("127.0.0.1", "localhost"):
            hook = self.hook("device", host=host)
            self.s.add_device(f"dev-{host}")
            d = self.await_delivery(hook, lambda d: True)
            self.assertEqual((d["status"], d["delivered"]), (None, False))
            self.assertIn("loopback address", d["error"])
        self.assertTrue(self.r.got.empty())


class Rebinding(unittest.TestCase):
    """A receiver's name that leads outside when the webhook is made and inside later: the resolver is the attacker's."""

    NAME = "hooks.example"
    OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"  # the first is allowed, as if it were public

    def setUp(self):
        place = temporary()
        self.addCleanup(place.cleanup)
        self.s = Server(place.name)
        cert, self.answer = self.s.place / "receiver.pem", self.s.place / "address"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={self.NAME}", "-addext", f"subjectAltName=DNS:{self.NAME}", "-keyout", cert, "-out",
                        self.s.place / "ca.pem"], check=True, capture_output=True)
        with open(cert, "ab") as both:
            both.write((self.s.place / "ca.pem").read_bytes())
        self.s.options = ("--webhook-ca-file", self.s.place / "ca.pem", "--webhook-allow", f"{self.OUTSIDE}/32")
        self.receivers = {self.OUTSIDE: Receiver(cert, (self.OUTSIDE, 0))}
        self.port = self.receivers[self.OUTSIDE].port
        self.receivers[self.INSIDE] = Receiver(cert, (self.INSIDE, self.port))
        for receiver in self.receivers.values():
            self.addCleanup(receiver.close)
        lies = {"LD_PRELOAD": str(BUILD / "tests/integration/resolver.so"), "RESOLVER_NAME": self.NAME,
                "RESOLVER_FILE": str(self.answer), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        patch = unittest.mock.patch.dict(os.environ, lies)
        patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(self.s.stop)

    def begin(self, address):
        """A life of the server in which the name has this address; in one it is asked for once a minute at most."""
        self.answer.write_text(address)
        self.s.stop()
        self.s.start()

    def test_a_name_that_leads_inside_the_second_time_is_not_followed_there(self):
        self.begin(self.OUTSIDE)
        answer = self.s.api("POST", "/api/v1/webhooks", {"url": f"https://{self.NAME}:{self.port}/hook", "events": ["device"]})
        self.assertEqual(answer.status, 201, answer.body)
        look = lambda: self.s.api("GET", f"/api/v1/webhooks/{answer.json['id']}/deliveries").json["items"]
        self.s.add_device("first")
        self.assertEqual(json.loads(self.receivers[self.OUTSIDE].next()[1])["data"]["id"], "first")
        wait_until(lambda: [d for d in look() if d["delivered"]], PATIENCE, "the delivery")

        self.begin(self.INSIDE)
        self.s.add_device("second")
        wait_until(lambda: [d for d in look() if not d["delivered"]], PATIENCE, "the refusal")
        self.assertIn("loopback address", look()[0]["error"])
        self.assertTrue(self.receivers[self.INSIDE].got.empty())

        self.begin(self.OUTSIDE)  # and where it may go it goes on
        self.s.api("PATCH", f"/api/v1/webhooks/{answer.json['id']}", {"active": True})
        self.assertEqual(json.loads(self.receivers[self.OUTSIDE].next()[1])["data"]["id"], "second")
        self.assertTrue(self.receivers[self.INSIDE].got.empty())


if __name__ == "__main__":
    unittest.main()
