# SPDX-License-Identifier: Apache-2.0
"""Pictures of the console, of a real server with a fleet in the middle of things.

`npm run pictures -- DIRECTORY` in web/ takes every screen in both themes and on a narrow window; with --readme it takes the
three of README.md (`npm run pictures -- --readme ../docs/pictures`). The fleet is that of ./demo: five boards that boot from
slots, and 120 virtual devices in two rollouts, of which one stops itself. --hold leaves it running, to look around.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import threading

from ..device import MIB, PATIENCE, TOP
from .fleet import BAD, GOOD, Rollout, publish_releases
from .house import wipe
from .steps import Step, wait_until
from .story import Story

PEOPLE = (("ann", "admin"), ("marek", "release-manager"), ("lucia", "operator"))
PASSWORD = "pictures of a demo fleet"
# Slow enough that a rollout is in the middle of things while its pictures are taken.
PACE = ("--every", "1s", "--pace", "3s")
SLOW = {"limits": {"in_flight": 9}}


def boards_on_stage(story):
    """Two boards confirmed, one that rolled back, one that does nothing; the last hangs on a slow line."""
    images = story.publisher.images("1.0.0")
    story.releases["1.0.0"] = story.publisher.publish(story.server, "1.0.0", images, "first light")
    for version, variant, notes in (("2.0.0", "healthy", "Remembers its uplink"), ("2.1.0", "unhealthy", "Another modem firmware")):
        story.releases[version] = story.publisher.publish(
            story.server, version, story.publisher.images(version, variant, assets_kib=8192), notes)  # fmt: skip
    boards = [story.board(f"gw-{n:04}", images) for n in range(1, 6)]
    proxy = story.proxy()
    boards[0].point_at(proxy.url)
    for n, board in enumerate(boards):
        board.start()
        story.server.call("PATCH", f"/api/v1/devices/{board.path.name}", {"site": ("Graz", "Turin")[n % 2], "tags": ["lab"]})
    idents = [story.assign(board, "2.0.0") for board in boards[1:3]] + [story.assign(boards[3], "2.1.0")]
    return boards, proxy, idents


def people(server):
    for name, role in PEOPLE:
        server.call("POST", "/api/v1/users", {"name": name, "password": PASSWORD, "role": role})
    server.call("POST", "/api/v1/tokens", {"name": "ci-pipeline", "role": "release-manager"})
    server.call("PUT", "/api/v1/groups/pilot-homes", {"about": "Households that agreed to try first"})
    server.call("POST", "/api/v1/groups/pilot-homes/members", {"add": [f"wallbox-{n:03}" for n in (3, 7, 12, 20, 31)]})


def rollouts(server):
    """One half way, one that the health gate stops, one that waits for a second person, and a draft."""
    good = Rollout(server, {**GOOD, **SLOW}).begin()
    bad = Rollout(server, BAD).begin()
    waits = Rollout(server, {"name": "meter 1.4.0", "selection": "product==meter;version=lt=1.4.0;tag!=canary", "approvals": 1,
                             "accepts": "reported", "waves": [{"percent": 100}]}).begin()  # fmt: skip
    made = server.call("POST", "/api/v1/rollouts", {
        "name": "gateway 2.0.0", "release": server.release_id("gateway", "2.0.0"), "selection": "product==gateway;tag==lab",
        "waves": [{"count": 1, "soak_ms": 600_000}, {"percent": 100}]})  # fmt: skip
    bad.until("paused", seconds=4 * PATIENCE)
    wait_until(lambda: bad.now()["waves"][0]["counts"]["in-flight"] == 0, 2 * PATIENCE, "nobody is at the bad release any more")
    wait_until(lambda: good.now()["waves"][1]["state"] == "passed", 4 * PATIENCE, "the second wave of the good one has passed")
    wait_until(lambda: good.now()["waves"][2]["counts"]["reported"] >= 14, 4 * PATIENCE, "the third is under way")
    return {"good": good.id, "bad": bad.id, "waits": waits.id, "draft": made["id"]}


def set_stage(story):
    """Brings everything to the middle of things; what the pictures are of."""
    server = story.server
    server.start()
    server.make_token()
    story.publisher.init(server)
    publish_releases(story.publisher, server)
    story.fleet.register()
    story.fleet.start(*PACE)
    people(server)
    boards, proxy, idents = boards_on_stage(story)
    wait_until(story.fleet.all_here, 2 * PATIENCE, "every virtual device polls")
    ids = rollouts(server)
    for ident in idents:
        story.settle(ident)
    proxy.rate = 3 * MIB
    story.assign(boards[0], "2.0.0")
    wait_until(lambda: proxy.body_bytes > 3 * MIB, PATIENCE, "the download is under way")
    proxy.rate = MIB // 64
    return {"url": server.url, "user": PEOPLE[0][0], "password": PASSWORD, **ids, "updating": boards[0].path.name,
            "back": boards[3].path.name, "virtual": "meter-007", "release": server.release_id("gateway", "2.0.0"),
            "group": "pilot-homes"}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="npm run pictures --", description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--readme", action="store_true", help="only those of README.md")
    parser.add_argument("--hold", action="store_true", help="leave it running until Ctrl-C")
    options = parser.parse_args()
    to = pathlib.Path(os.environ.get("INIT_CWD", ".")) / options.directory
    to.mkdir(parents=True, exist_ok=True)
    place = pathlib.Path(tempfile.mkdtemp(prefix="ota-pictures-"))
    story = Story(place, None)
    try:
        with Step("set the stage"):
            stage = set_stage(story)
        with Step("take the pictures"):
            words = ["node", "e2e/pictures.mjs", to, *(["--readme"] if options.readme else [])]
            subprocess.run(words, check=True, cwd=TOP / "web", env={**os.environ, "OTA_STAGE": json.dumps(stage)})
        if options.hold:
            print(json.dumps(stage), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        story.stop()
        wipe(place)


if __name__ == "__main__":
    main()
