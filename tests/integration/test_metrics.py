# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: what is counted, who may see it, and that Prometheus' own tool finds nothing to mend."""

import http.client
import re
import shutil
import subprocess
import time
import unittest

from .fleet import FleetTest, shared_server
from .server import OTA_SERVER, PATIENCE, Stream, temporary

from lab.demo.steps import wait_until

SAMPLE = re.compile(r'([a-z_]+)(?:{(.*)})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def scrape(server):
    """{(name, ((label, value), ..)): number} of everything that the server counts."""
    answer = server.api("GET", "/metrics")
    assert answer.status == 200, answer.body
    found = {}
    for line in answer.body.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            found[name, tuple(sorted(LABEL.findall(labels or "")))] = float(value)
    return found


def value(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


class OwnListener(unittest.TestCase):
    """[metrics] listen: the metrics to whoever gets through, and nothing else."""

    def test_it_serves_the_metrics_without_credentials_and_nothing_else(self):
        s = shared_server(type(self), "--server-demo", "yes", "--metrics-listen", "127.0.0.1:0")

        def ask(port, path, method="GET"):
            c = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=s.trust)
            c.request(method, path)
            answer = c.getresponse()
            body = answer.read().decode()
            c.close()
            return answer.status, body

        own = s.ready["metrics_port"]
        status, text = ask(own, "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("\nota_http_requests_total{", text)
        for path in ("/", "/api/v1/info", "/api/v1/devices", "/healthz", "/default/controller/v1/x"):
            self.assertEqual(ask(own, path)[0], 404, path)
        self.assertEqual(ask(own, "/metrics", "POST")[0], 405)
        self.assertEqual(ask(s.port, "/metrics")[0], 401)

    def test_without_it_there_is_none(self):
        self.assertNotIn("metrics_port", shared_server(type(self), "--server-demo", "yes").ready)

    def test_an_address_that_is_none_stops_the_start(self):
        with temporary() as place:
            done = subprocess.run([OTA_SERVER, "run", "--server-data-dir", place, "--http-listen", "127.0.0.1:0", "--metrics-listen",
                                   "everywhere"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("[metrics] listen: listen on everywhere: not an address and port", done.stderr)


class Metrics(FleetTest):
    def grown(self, act, name, **labels):
        """By how much a series grows while act() runs."""
        before = value(scrape(self.s), name, **labels)
        act()
        return value(scrape(self.s), name, **labels) - before

    def test_requests_are_counted_by_route_and_class(self):
        d = self.device()
        poll = "GET /{tenant}/controller/v1/{id}"
        self.assertEqual(self.grown(lambda: [d.poll() for _ in range(3)], "ota_http_requests_total", route=poll, status="2xx"), 3)
        self.assertEqual(self.grown(d.poll, "ota_http_request_duration_seconds_count", route=poll), 1)
        self.assertEqual(self.grown(d.poll, "ota_http_request_duration_seconds_bucket", route=poll, le="+Inf"), 1)
        self.assertEqual(self.grown(lambda: self.s.request("GET", d.base), "ota_http_requests_total", route=poll, status="4xx"), 1)
        self.assertEqual(self.grown(lambda: self.s.api("PATCH", "/nothing/here"), "ota_http_requests_total", route="other", status="4xx"), 1)

    def test_connections_handshakes_and_bytes_are_counted(self):
        self.assertGreaterEqual(self.grown(lambda: self.s.request("GET", "/healthz"), "ota_tls_handshakes_total", kind="full"), 1)
        self.assertGreaterEqual(self.grown(lambda: self.s.request("GET", "/api/v1/openapi.json"), "ota_http_sent_bytes_total"), 10000)
        self.assertGreaterEqual(self.grown(lambda: self.s.request("GET", "/healthz"), "ota_http_received_bytes_total"), 50)
        self.assertGreaterEqual(value(scrape(self.s), "ota_http_connections"), 1)

    def test_a_part_is_had_by_its_names(self):
        text = self.s.api("GET", "/metrics?names=ota_http_sent_bytes_total,ota_tls_").body.decode()
        names = {line.split()[2] if line.startswith("#") else line.split("{")[0].split()[0] for line in text.splitlines()}
        self.assertIn("ota_http_sent_bytes_total", names)
        self.assertTrue(all(name.startswith(("ota_http_sent_bytes_total", "ota_tls_")) for name in names), names)
        self.assertEqual(self.s.api("GET", "/metrics?names=no_such_thing").body, b"")
        self.assertLess(len(text), len(self.s.api("GET", "/metrics").body) // 4)

    def test_open_streams_are_counted_and_no_longer_when_they_end(self):
        before = value(scrape(self.s), "ota_http_event_streams")
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        self.addCleanup(stream.close)
        self.assertEqual(value(scrape(self.s), "ota_http_event_streams"), before + 1)
        stream.close()
        wait_until(lambda: value(scrape(self.s), "ota_http_event_streams") == before, PATIENCE, "its end is noticed")

    def test_the_process_is_counted(self):
        found = scrape(self.s)
        self.assertGreater(value(found, "process_resident_memory_bytes"), 1_000_000)
        self.assertGreater(value(found, "process_open_fds"), 5)

    def test_a_stranger_sees_nothing(self):
        self.assertEqual(self.s.request("GET", "/metrics").status, 401)
        d = self.device()
        self.assertEqual(d.request("GET", "/default/../metrics").status in (400, 404), True)
        self.assertEqual(self.s.request("GET", "/metrics", headers={"Authorization": f"TargetToken {d.token}"}).status, 401)

    def test_promtool_has_nothing_to_say(self):
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not installed (Debian's package prometheus)")
        text = self.s.api("GET", "/metrics").body
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))


class Looked(FleetTest):
    """What is looked up now and then: here, five times a second."""

    OPTIONS = ("--metrics-every", "200ms")

    def eventually(self, name, want, **labels):
        """The value of a series, as soon as it is what it should be."""
        end = time.monotonic() + PATIENCE
        while True:
            found = scrape(self.s).get((name, tuple(sorted(labels.items()))))
            if found is not None and want(found):
                return found
            self.assertLess(time.monotonic(), end, (name, labels, found))

    def test_the_fleet_is_counted_by_what_it_runs(self):
        d = self.device()
        action = self.assign(d, self.r1)
        d.prove(action, self.root_hash(d, self.offer(d)))
        product = {"product": "", "grade": "proven", "state": "idle"}
        self.eventually("ota_fleet_devices", lambda n: n >= 1, tenant="default", version="1.0.0", **product)
        self.eventually("ota_fleet_seen_devices", lambda n: n >= 1, tenant="default")
        self.assign(d, self.r2)
        self.eventually("ota_fleet_open_deployments", lambda n: n >= 1, tenant="default")

    def test_what_expires_says_when(self):
        day = 24 * 3600
        self.eventually("ota_cert_expires_seconds", lambda s: 80 * day < s <= 90 * day)
        for role, longest in (("root", 3650), ("targets", 1095), ("snapshot", 30), ("timestamp", 7)):
            self.eventually("ota_role_expires_seconds", lambda s, longest=longest: 0 < s <= longest * day, tenant="default", role=role)
        self.eventually("ota_signer_up", lambda up: up == 1, tenant="default")

    def test_artifacts_and_the_disk_are_counted(self):
        self.eventually("ota_artifacts", lambda n: n >= 6, tenant="default")
        for state in ("wanted", "making", "made", "ready", "useless", "failed"):
            self.eventually("ota_deltas", lambda n: n == 0, tenant="default", state=state)
        self.eventually("ota_artifacts_bytes", lambda n: n >= 50_000, tenant="default")
        free = self.eventually("ota_disk_free_bytes", lambda n: n > 0)
        self.assertGreaterEqual(value(scrape(self.s), "ota_disk_size_bytes"), free)

    def test_rollouts_have_a_number_for_each_state(self):
        for state in ("draft", "running", "paused", "stopped"):
            self.eventually("ota_rollouts", lambda n: n >= 0, tenant="default", state=state)

    def test_the_gate_of_a_rollout_that_runs_says_its_evidence(self):
        plan = {"name": "gated", "release": self.r1, "selection": "id==nobody", "late_joiners": "last-wave",
                "waves": [{"percent": 100, "needs_approval": True}]}
        gated = self.s.api("POST", "/api/v1/rollouts", plan).json["id"]
        self.assertEqual(self.s.api("POST", f"/api/v1/rollouts/{gated}/start").status, 200)
        self.eventually("ota_rollout_gate_e", lambda e: e == 1, tenant="default", rollout=str(gated))  # no evidence yet
        self.assertEqual(self.s.api("POST", f"/api/v1/rollouts/{gated}/stop").status, 200)

    def test_the_store_counts_its_calls(self):
        before = scrape(self.s)
        self.device()
        after = scrape(self.s)
        created = dict(verb="DEVICE_CREATE", outcome="ok")
        self.assertEqual(value(after, "ota_store_calls_total", **created) - value(before, "ota_store_calls_total", **created), 1)
        self.s.api("POST", "/api/v1/devices", {"id": self.id().rsplit(".", 1)[1]})
        refused = value(scrape(self.s), "ota_store_calls_total", verb="DEVICE_CREATE", outcome="refused")
        self.assertGreaterEqual(refused, 1)
        for kind in ("read", "write", "scan"):
            self.assertGreaterEqual(value(after, "ota_store_call_duration_seconds_count", kind=kind), 1, kind)
        self.assertGreaterEqual(value(after, "ota_store_group_calls_count"), 1)
        self.eventually("ota_store_calls_waiting", lambda n: n == 0, kind="write")
