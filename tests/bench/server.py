# SPDX-License-Identifier: Apache-2.0
"""What the server costs: CPU a poll beside nginx, durable feedback, memory, lists. Prints a table of what it measured.

Both servers run with as many threads, the same certificate, TLS 1.3, X25519 and AES-128-GCM, and are asked in turn by the same
ota-swarm for answers of the same size; CPU is what the kernel charged to their processes. The figures of a pair are taken one
after the other, so that what else the machine does weighs on both; the ratio is the median of the pairs' ratios.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

from tests.integration.postgres import Postgres
from tests.integration.server import BUILD, Server

SWARM = BUILD / "tests/bench/ota-swarm"
WAVES = BUILD / "tests/bench/ota-bench-waves"
THREADS = 2
TICK = os.sysconf("SC_CLK_TCK")
MODES = [
    # name, options of the swarm, callers at once
    ("new", ["--resume", "0"]),
    ("resumed", ["--resume", "100"]),
    ("kept alive", ["--kept"]),
]
NGINX = """
worker_processes {threads};
daemon off;
error_log {place}/nginx-error.log;
pid {place}/nginx.pid;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
    uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
    keepalive_requests 100000000;
    keepalive_timeout 75s;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} ssl reuseport backlog=4096;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_ecdh_curve X25519:prime256v1;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;
        ssl_session_tickets on;
        ssl_conf_command NumTickets 1;
        ssl_buffer_size 16k;
        {more}
        root {place}/www;
    }}
}}
"""


def token_hash(number):
    digest = hashlib.sha256(f"swarm-{number}".encode()).digest()
    token = "otd_" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hashlib.sha256(token.encode()).digest()


def seed(database, first, n, release=None):
    """Devices as an import would leave them, each with a deployment of the release if one is given."""
    now = int(time.time() * 1000)
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous = OFF")
    rows = ((f"swarm-{i}", token_hash(i), now) for i in range(first, first + n))
    db.executemany(
        "INSERT INTO device (tenant, id, token_hash, created_at, wants_attributes, product, hardware)"
        " VALUES ('default', ?, ?, ?, 0, 'gateway', 'revA')", rows)
    if release:
        db.executemany(
            "INSERT INTO deployment (tenant, device, release, kind, created_at, updated_at) VALUES ('default', ?, ?, 1, ?, ?)",
            ((f"swarm-{i}", release, now, now) for i in range(first, first + n)))
    db.commit()
    db.close()


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Nginx:
    def __init__(self, place, server, answer, more=""):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="nginx-", dir=place))
        self.place.chmod(0o755)
        (self.place / "www").mkdir()
        (self.place / "www/poll.json").write_bytes(answer)
        self.port = free_port()
        pem = server.data / "server.pem"
        text = NGINX.format(threads=THREADS, place=self.place, port=self.port, cert=pem, key=pem, more=more)
        if os.geteuid() == 0:
            text = "user root;\n" + text
        (self.place / "nginx.conf").write_text(text)
        self.process = subprocess.Popen(["nginx", "-p", self.place, "-c", self.place / "nginx.conf"], stderr=subprocess.DEVNULL)
        while not (self.place / "nginx.pid").exists() or len(children(self.process.pid)) < THREADS:
            if self.process.poll() is not None:
                raise RuntimeError((self.place / "nginx-error.log").read_text())
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    @property
    def pids(self):
        return [self.process.pid, *children(self.process.pid)]


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def swarm(server, port, *words):
    done = subprocess.run([SWARM, "--server", f"127.0.0.1:{port}", "--ca", server.data / "ca.pem", "--json", *map(str, words)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def measured(pids, run, n):
    """CPU microseconds a cycle, and what the swarm said."""
    before = cpu_seconds(pids)
    answer = run()
    return (cpu_seconds(pids) - before) * 1e6 / n, answer


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


class Certificates:
    """A CA of devices and one device of it, and what either server is told about it."""

    def __init__(self, place):
        self.ca, self.cert, self.key = place / "devices.pem", place / "device.pem", place / "device.key"

        def openssl(*words):
            subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

        p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        openssl("req", "-x509", *p256, "-keyout", place / "devices.key", "-out", self.ca, "-subj", "/CN=devices")
        openssl("req", *p256[:-2], "-keyout", self.key, "-out", place / "device.csr", "-subj", "/CN=swarm-0")
        openssl("x509", "-req", "-in", place / "device.csr", "-CA", self.ca, "-CAkey", place / "devices.key",
                "-CAcreateserial", "-days", "2", "-out", self.cert)

    @property
    def ours(self):
        return ["--http-client-ca", str(self.ca)]

    @property
    def theirs(self):
        return f"ssl_client_certificate {self.ca}; ssl_verify_client optional;"

    @property
    def caller(self):
        return ["--cert", self.cert, "--key", self.key]


def with_certificates(place, server, answer, o):
    """The same polls by callers that show a certificate, which both servers check."""
    certificates = Certificates(place)
    server.stop()
    server.start(*certificates.ours)
    nginx = Nginx(place, server, answer, certificates.theirs)
    try:
        print("\nwith a client certificate:")
        polls(server, nginx, o.devices, o.cycles, o.rounds, certificates.caller)
    finally:
        nginx.stop()


def polls(server, nginx, devices, cycles, rounds, caller=()):
    # The first poll of a device after the server's start reads it; of all that follow none does. whole_fleet() measures first ones.
    swarm(server, server.port, "--connections", 64, "--cycles", 4 * cycles, "--devices", devices, "--kept", *caller)
    row("a poll", "server us", "nginx us", "ratio", "p50 ms", "p99 ms", "a second")
    row(*["---"] * 7)
    for name, words in MODES:
        n = cycles * (4 if "--kept" in words else 1)
        pairs = []
        for _ in range(rounds):
            common = ["--connections", 64, "--cycles", n, "--devices", devices, *words, *caller]
            ours = measured([server.process.pid], lambda: swarm(server, server.port, *common), n)
            theirs = measured(nginx.pids, lambda: swarm(server, nginx.port, "--script", "get", "--path", "/poll.json", *common), n)
            for who, said in (("ota-server", ours[1]), ("nginx", theirs[1])):
                share = said["resumed"] / max(1, said["resumed"] + said["full"])
                assert name != "resumed" or share > 0.95, f"only {share:.0%} of the handshakes with {who} were resumed"
            pairs.append((ours[0], theirs[0], ours[1]))
        ratio = statistics.median(a / b for a, b, _ in pairs)
        said = pairs[-1][2]
        row(name, f"{statistics.median(p[0] for p in pairs):.0f}", f"{statistics.median(p[1] for p in pairs):.0f}", f"{ratio:.2f}",
            f"{said['p50_ms']:.2f}", f"{said['p99_ms']:.2f}", f"{said['per_second']:.0f}")


TOKEN_HASH = ("sha256(convert_to('otd_' || rtrim(translate(encode(sha256(convert_to('swarm-' || i, 'UTF8')), 'base64'), "
              "'+/', '-_'), '='), 'UTF8'))")


def seed_postgres(run, n, release):
    """As seed(), in the database itself."""
    now = int(time.time() * 1000)
    run("INSERT INTO device (tenant, id, token_hash, created_at, wants_attributes, product, hardware) "
        f"SELECT 'default', 'swarm-' || i, {TOKEN_HASH}, {now}, 0, 'gateway', 'revA' FROM generate_series(0, {n - 1}) i")
    run("INSERT INTO deployment (tenant, device, release, kind, created_at, updated_at) "
        f"SELECT 'default', 'swarm-' || i, '{release}', 1, {now}, {now} FROM generate_series(0, {n - 1}) i")


def updates_on_postgres(place, n):
    """Whole deployments once more, on a PostgreSQL that flushes its log as one in use does."""
    try:
        postgres = Postgres("-c", "fsync=on", "-c", "synchronous_commit=on")
    except unittest.SkipTest as why:
        print(f"\nno PostgreSQL to measure: {why}")
        return
    try:
        class OnPostgres(Server):
            new_store = staticmethod(postgres.new_database)

        own = place / "on-postgres"
        own.mkdir()
        server = OnPostgres(own, "--server-demo", "yes", "--http-threads", str(THREADS), "--log-level", "warn")
        server.start().claim()
        release = server.push(server.make_bundle("1.0.0"))["id"]
        server.stop()
        seed_postgres(lambda sql: postgres.run(sql, f"t{postgres.count}"), n, release)
        server.start()
        try:
            print("\non PostgreSQL, flushed:", end="")
            updates(server, 0, n)
        finally:
            server.stop()
    finally:
        postgres.end()


def updates(server, first, n):
    before = resident_mib(server.process.pid)
    said = swarm(server, server.port, "--script", "update", "--kept", "--connections", 256, "--cycles", n, "--first", first,
                 "--devices", n, "--reports", 3)
    print(f"\nwhole deployments with 4 durable reports each: {n} in {said['seconds']:.1f} s, "
          f"{4 * n / said['seconds']:.0f} durable feedbacks a second, p99 of a deployment {said['p99_ms']:.0f} ms; "
          f"memory {before:.0f} -> {resident_mib(server.process.pid):.0f} MiB", flush=True)


def storm(server, n):
    said = swarm(server, server.port, "--storm", "--kept", "--connections", n, "--devices", n)
    print(f"reconnect storm: {n} connections cut at once were all served again in {said['seconds']:.1f} s "
          f"({said['resumed']} resumed of {said['resumed'] + said['full']}), p99 {said['p99_ms']:.0f} ms", flush=True)


def whole_fleet(server, devices):
    before = resident_mib(server.process.pid)
    n = devices
    us, said = measured([server.process.pid], lambda: swarm(
        server, server.port, "--connections", 64, "--cycles", n, "--devices", n, "--resume", 90), n)
    print(f"{n} devices polled once, a connection each, 90 % resumed: {us:.0f} us a poll (x 3,334/s = {us * 3334 / 1e6:.2f} cores), "
          f"memory {before:.0f} -> {resident_mib(server.process.pid):.0f} MiB, p99 {said['p99_ms']:.1f} ms", flush=True)


def lists(server):
    filters = ["hardware==revA;lastseen=ge=-24h", "version=lt=2.0", "name==*nowhere*", "tag==none,site==nowhere"]
    questions = ["/api/v1/devices?limit=50", "/api/v1/devices?q=swarm-77&limit=50", "/api/v1/devices?sort=-lastseen&limit=50",
                 *(f"/api/v1/devices?limit=50&filter={f}" for f in filters),
                 "/api/v1/versions", "/api/v1/deployments?limit=50", "/api/v1/failures"]
    row("list", "first ms", "again ms")
    row(*["---"] * 3)
    for q in questions:
        took = []
        for _ in range(2):
            begun = time.monotonic()
            status = server.api("GET", q).status
            took.append((time.monotonic() - begun) * 1000)
            assert status == 200, (q, status)
        row(q, *(f"{t:.0f}" for t in took))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--cycles", type=int, default=10_000, help="polls a mode and round; four times as many when kept alive")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=10_000)
    parser.add_argument("--storm", type=int, default=5_000)
    parser.add_argument("--fleet", action="store_true", help="every device polls once")
    o = parser.parse_args()
    if shutil.which("nginx") is None:
        print("skipped: nginx is not installed")
        return 77
    with tempfile.TemporaryDirectory(prefix="ota-bench-") as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        server = Server(place, "--server-demo", "yes", "--http-threads", str(THREADS), "--log-level", "warn")
        server.start().claim()
        release = server.push(server.make_bundle("1.0.0"))["id"]
        server.stop()
        print(f"{o.devices} devices, {THREADS} threads, {os.cpu_count()} cores shared with the load", flush=True)
        seed(server.data / "ota.db", 0, o.devices)
        seed(server.data / "ota.db", o.devices, o.updates, release)
        server.start()
        print(f"memory after start: {resident_mib(server.process.pid):.0f} MiB; "
              f"database {(server.data / 'ota.db').stat().st_size / 2**20:.0f} MiB\n", flush=True)
        token = "otd_" + base64.urlsafe_b64encode(hashlib.sha256(b"swarm-0").digest()).decode().rstrip("=")
        answer = server.request("GET", "/default/controller/v1/swarm-0", None, {"Authorization": f"TargetToken {token}"}).body
        nginx = Nginx(place, server, answer)
        try:
            polls(server, nginx, o.devices, o.cycles, o.rounds)
            updates(server, o.devices, o.updates)
            storm(server, o.storm)
            if o.fleet:
                whole_fleet(server, o.devices)
            print()
            lists(server)
            with_certificates(place, server, answer, o)
            server.stop()
            print("\na rollout over all devices:", flush=True)
            subprocess.run([WAVES, server.data / "ota.db"], check=True)
            updates_on_postgres(place, o.updates)
        finally:
            nginx.stop()
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
