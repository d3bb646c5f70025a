# SPDX-License-Identifier: Apache-2.0
"""What an operator waits for in the console of a large fleet, in Debian's Chromium against the real server.

    ./check bench-console
    python3 -B -m tests.bench.console --devices 1000000 --rounds 3

Beside the console's own times stand those that nothing could beat, from the same browser in the same run: a bare fetch() of
the same rows, and the frames of an empty page that scrolls (web/e2e/bench.mjs).
"""

import argparse
import json
import os
import pathlib
import secrets
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from tests.bench.server import row, seed
from tests.integration.server import Server

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
VERSIONS = ("1.0.0", "1.4.2", "2.0.0", "2.1.0", "2.1.1")
FILTER = "site==hall-7;version==2.1.*"


def spread(database):
    """A fleet that was in use: several versions, a thousand sites, seen at all times of the last week, some failed."""
    now = int(time.time() * 1000)
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous = OFF")
    cases = " ".join(f"WHEN {i} THEN '{v}'" for i, v in enumerate(VERSIONS))
    n = "CAST(substr(id, 7) AS INTEGER)"
    db.execute(
        f"UPDATE device SET version = CASE {n} % {len(VERSIONS)} {cases} END, grade = 2, site = 'hall-' || ({n} * 7919 % 1000),"
        f" seen_at = {now} - ({n} * 104729 % 604800000), state = CASE WHEN {n} % 97 = 0 THEN 3 ELSE 0 END"
    )
    db.commit()
    db.close()


def median_ms(values):
    return f"{statistics.median(values):.0f}"


def share(part, whole):
    return f"{statistics.median(part) / statistics.median(whole):.1f}"


def frames_of(name, frames):
    ordered = sorted(frames)
    late = sum(f > 50 for f in frames) / len(frames)
    row(name, f"{statistics.median(frames):.1f}", f"{ordered[int(len(ordered) * 0.95)]:.1f}", f"{ordered[-1]:.0f}", f"{late:.1%}", len(frames))


def tell(found, devices):
    print(f"\n{devices} devices, median of {len(found['first'])} rounds\n")
    row("what", "ms", "of a bare fetch of 100 rows")
    row("---", "---:", "---:")
    names = {"first": "first visit: rows are drawn, nothing cached", "open": "from the overview to rows", "sort": "sorted by when they were seen",
             "filter": f"filter {FILTER}", "back": "back to what was there before", "choose": "all that match are chosen"}
    for key, name in names.items():
        row(name, median_ms(found[key]), share(found[key], found["fetch"]))
    row("a bare fetch", median_ms(found["fetch"]), "1")
    print()
    row("frames while the wheel turns", "median ms", "95 % ms", "worst ms", "later than 50 ms", "frames")
    row("---", "---:", "---:", "---:", "---:", "---:")
    frames_of(f"the list, to row {max(found['rows'])}", found["frames"])
    frames_of("an empty page", found["empty"])
    print(f"\nframes without a row in the middle: {statistics.median(found['blank']):.1%}; "
          f"memory of the page's scripts after that: {statistics.median(found['heap']):.0f} MiB")


def measure(server, options):
    stage = {"url": server.url, "user": "bench", "password": secrets.token_hex(12), "rounds": options.rounds, "filter": FILTER, "column": "Last seen"}
    server.api("POST", "/api/v1/users", {"name": stage["user"], "password": stage["password"], "role": "admin"})
    done = subprocess.run(["node", "e2e/bench.mjs"], cwd=WEB, env={**os.environ, "OTA_STAGE": json.dumps(stage)},
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("bench-console: the browser did not get to the end")
    tell(json.loads(done.stdout), options.devices)


def main():
    parser = argparse.ArgumentParser(prog="bench-console", description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not (WEB / "node_modules/playwright-core").is_dir() or shutil.which(os.environ.get("CHROMIUM", "chromium")) is None:
        print("bench-console: needs the console's node_modules (npm ci) and Chromium")
        return 77
    with tempfile.TemporaryDirectory(prefix="ota-bench-console-") as place:
        server = Server(pathlib.Path(place), "--server-demo", "yes", "--log-level", "warn")
        server.start()
        server.claim()
        server.stop()
        seed(server.data / "ota.db", 0, options.devices)
        spread(server.data / "ota.db")
        server.start()
        try:
            measure(server, options)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
