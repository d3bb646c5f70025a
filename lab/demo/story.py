# SPDX-License-Identifier: Apache-2.0
"""The story: what can happen to a fleet, played on this machine to its end.

Each scene is a function that makes something happen to real devices and checks what became of
them, on the device's own media and on the server. A rollback scene first proves that the update
took place. The table at the end says what was expected and what happened.
"""

import concurrent.futures
import pathlib
import re
import shutil
import signal
import subprocess
import time

from ..device import MIB, PATIENCE
from .fleet import Fleet
from .house import Board, Failed, Publisher, Server
from .proxy import Proxy
from .steps import GREEN, OFF, RED, Step, expect, table, wait_until
from .story_fleet import bring_up_virtual, scene_bad_rollout, scene_rollout

OPEN = ("assigned", "downloading", "installing", "rebooting", "cancelling")
SEGMENT, CHUNK = 1024 * 1024, 64 * 1024
N_DEVICES = 5


class Story:
    """The stage: a server, a publisher and the devices, as the scenes leave them."""

    def __init__(self, directory, corpus):
        self.directory = pathlib.Path(directory)
        self.corpus = corpus
        self.server = Server(self.directory / "server")
        self.publisher = Publisher(self.directory / "publisher")
        self.fleet = Fleet(self.directory, self.server)
        self.boards = []
        self.releases = {}
        self.proxies = []
        self.rows = []

    def board(self, name, images, config=None, descriptor="1.0.0"):
        board = Board(self.directory / name, self.server, self.publisher, images, config)
        board.provision(self.publisher.releases / f"{descriptor}.bundle", images)
        self.boards.append(board)
        return board

    def proxy(self):
        proxy = Proxy(self.server.port, self.server.data / "server.pem", self.server.ca)
        self.proxies.append(proxy)
        return proxy

    def release(self, version, variant="healthy", **more):
        images = self.publisher.images(version, variant, **more)
        self.releases[version] = self.publisher.publish(self.server, version, images, f"{variant} firmware")

    def assign(self, board, version):
        body = {"device": board.path.name, "release": self.releases[version]}
        return self.server.call("POST", "/api/v1/deployments", body)["id"]

    def deployment(self, ident):
        return self.server.call("GET", f"/api/v1/deployments/{ident}")

    def device(self, board):
        return self.server.call("GET", f"/api/v1/devices/{board.path.name}")

    def settle(self, ident, seconds=4 * PATIENCE):
        """The deployment when it is closed."""

        def closed():
            found = self.deployment(ident)
            return found if found["state"] not in OPEN else None

        return wait_until(closed, seconds, f"deployment {ident} closes")

    def stop(self):
        for board in self.boards:
            board.kill()
        for proxy in self.proxies:
            proxy.close()
        self.fleet.stop()
        self.server.stop()


def good_versions(board):
    """What the device can boot without a trial."""
    record = board.record()
    return [record.slots["AB".index(s)]["version"] for s in "AB" if record.state(s) == "GOOD"]


def together(*calls):
    """Runs scenes side by side; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(*call) for call in calls]]


def prepare(story):
    with Step("start the server"):
        story.server.start()
        story.server.make_token()
    with Step("make offline keys and release 1.0.0"):
        story.publisher.init(story.server)
        images = story.publisher.images("1.0.0")
        story.releases["1.0.0"] = story.publisher.publish(story.server, "1.0.0", images, "from the factory")
    with Step(f"make and power on {N_DEVICES} devices"):
        for n in range(1, N_DEVICES + 1):
            story.board(f"device-{n}", images).start()
    with Step("sign and publish the releases of the story"):
        for version, variant in (
            ("2.0.0", "healthy"),
            ("3.0.0", "crash"),
            ("3.1.0", "hang"),
            ("3.2.0", "unhealthy"),
            ("3.3.0", "mute"),
            ("4.0.0", "healthy"),
        ):
            story.release(version, variant, assets_kib=8192 if version == "4.0.0" else 1024)
    bring_up_virtual(story)


def scene_update(story):
    idents = [story.assign(board, "2.0.0") for board in story.boards[:N_DEVICES]]
    for board, ident in zip(story.boards, idents):
        done = story.settle(ident)
        expect(done["state"] == "confirmed", f"{board.path.name} is {done['state']}: {done['detail']}")
        seen = story.device(board)
        expect(seen["version"] == "2.0.0" and seen["grade"] == "proven", f"{board.path.name}: {seen['version']} {seen['grade']}")
        good = board.record().slots["AB".index(done["proof"]["slot"])]
        expect(done["proof"]["root_hash"] == good["root_hash"], "the proof is not of what is in the slot")
    return f"2.0.0 proven on {len(idents)} of {len(idents)}"


def comes_back(story, board, version, tries, reason, words):
    """Updates a device to a release that is bad in some way; it must be back on 2.0.0 and the server know why."""
    since = board.mark()
    slot = next(s for s in "AB" if board.record().slots["AB".index(s)]["version"] != "2.0.0")
    done = story.settle(story.assign(board, version))
    jumps = sum(1 for line in board.log[since:] if re.search(rf"jump.*slot={slot}", line))
    expect(jumps >= 1, f"{version} never ran: {done['state']} {done['detail']}")
    expect(jumps == tries, f"{version} ran {jumps} times, not {tries}")
    record = board.record()
    expect(record.state(slot) == f"BAD({reason})", f"slot {slot} is {record.state(slot)}")
    expect(done["state"] == "rolled-back", f"the server says {done['state']}: {done['detail']}")
    expect(words in done["detail"], f"the server's reason is \"{done['detail']}\"")
    seen = story.device(board)
    expect(seen["version"] == "2.0.0", f"the server believes {seen['version']}")
    return f"ran {jumps}x, back on 2.0.0: {done['detail']}"


def bitten(story, board, *words):
    """The same on a device whose watchdog bites soon: only for firmware that does not feed it, for on a busy machine it
    might bite any other too, once more than the scene expects."""
    board.stop()
    board.config["boot"]["watchdog"] = "2s"
    board.config["health"]["confirm-deadline"] = "6s"
    board.write_config()
    board.start()
    return comes_back(story, board, *words)


def reasons(story, ident):
    """What the device said of bytes that are not what was signed."""
    details = [text for s in story.deployment(ident)["statuses"] for text in s["details"]]
    return [text.rpartition("body: ")[2] for text in details if "digest" in text or "not what was signed" in text]


def scene_altered(story, board):
    proxy = story.proxy()
    proxy.alter_at = 300000
    board.stop()
    board.point_at(proxy.url)
    board.start()
    ident = story.assign(board, "4.0.0")
    wait_until(lambda: proxy.altered, PATIENCE, "the altered byte is on its way")
    board.expect(r"digest|not what was signed")
    armed = [s for s in "AB" if board.record().state(s) in ("PENDING", "TRYING", "WRITTEN")]
    expect(not armed, f"slot {armed} is armed")
    told = wait_until(lambda: reasons(story, ident), PATIENCE, "the server hears why")
    story.server.call("DELETE", f"/api/v1/deployments/{ident}")
    done = story.settle(ident)
    board.stop()
    board.point_at(story.server.url)
    board.start()
    expect(good_versions(board) == ["2.0.0"], f"the device can boot {good_versions(board)}")
    return f"{told[0]} ({done['state']}), nothing armed"


def scene_stranger(story, board):
    stranger = Publisher(story.directory / "stranger")
    theirs = Server(story.directory / "stranger-server")
    theirs.start()
    try:
        theirs.make_token()
        stranger.init(theirs)
        images = stranger.images("9.0.0")
        stranger.publish(theirs, "9.0.0", images, "made by a stranger")
        offline = stranger.directory / "9.0.0.ota"
        theirs.ota("release", "export", stranger.releases / "9.0.0.bundle", offline)
    finally:
        theirs.stop()
    before = board.record().sequence
    for refused_by, action in (
        ("device", lambda: board.client("install", offline)),
        ("server", lambda: story.server.ota("release", "push", stranger.releases / "9.0.0.bundle")),
    ):
        try:
            action()
        except Failed as refusal:
            expect(refusal.status == 3, f"the {refused_by} says: {refusal}")
        else:
            raise AssertionError(f"the {refused_by} took it")
    expect(board.record().sequence == before, "the slot record changed")
    return "device and server: exit 3, slot record untouched"


def scene_killed_device(story, board):
    proxy = story.proxy()
    proxy.rate = 4 * MIB
    board.stop()
    board.point_at(proxy.url)
    board.start()
    ident = story.assign(board, "4.0.0")
    kills = 3
    for n in range(1, kills + 1):
        wait_until(lambda n=n: proxy.body_bytes > n * 1.4 * MIB, PATIENCE, "the download goes on")
        board.kill()
        board.start()
    done = story.settle(ident)
    expect(done["state"] == "confirmed", f"{done['state']}: {done['detail']}")
    body = next(r for r in story.server.call("GET", "/api/v1/releases?limit=200")["items"] if r["version"] == "4.0.0")["size"]
    again = max(0, proxy.body_bytes - body)
    expect(again <= kills * (SEGMENT + 2 * CHUNK), f"{again} bytes were fetched again")
    expect(len(proxy.ranges) >= kills + 1 and max(proxy.ranges) > SEGMENT, f"no resume: {proxy.ranges}")
    return f"{kills} kills, {again // 1024} KiB fetched again, confirmed"


def scene_killed_server(story, board):
    proxy = story.proxy()
    proxy.rate = 3 * MIB
    board.stop()
    board.point_at(proxy.url)
    board.start()
    ident = story.assign(board, "4.0.0")
    wait_until(lambda: proxy.body_bytes > MIB, PATIENCE, "the download goes on")
    before = story.deployment(ident)["statuses"]
    story.server.stop(signal.SIGKILL)
    story.server.start()
    after = story.deployment(ident)["statuses"]
    expect(all(s in after for s in before), "an acknowledged status is lost")
    done = story.settle(ident)
    expect(done["state"] == "confirmed", f"{done['state']}: {done['detail']}")
    return f"{len(before)} statuses kept, confirmed"


def rootfs_pair(story):
    """Two versions of a real root file system."""
    place = story.directory / "rootfs"
    place.mkdir(exist_ok=True)
    if story.corpus is not None:
        subprocess.run([story.corpus / "unpack", place], check=True, capture_output=True)
        return place / "rootfs-sqzstd.v1", place / "rootfs-sqzstd.v2", "rootfs-sqzstd"
    pair = []
    for version in ("v1", "v2"):
        tree = place / version
        (tree / "bin").mkdir(parents=True, exist_ok=True)
        (tree / "etc").mkdir(exist_ok=True)
        shutil.copy("/usr/bin/busybox" if pathlib.Path("/usr/bin/busybox").exists() else "/bin/busybox", tree / "bin/busybox")
        (tree / "etc/release").write_text(f"{version}\n" * 4096)
        out = place / f"busybox.{version}"
        subprocess.run(["mksquashfs", tree, out, "-noappend", "-all-root", "-quiet", "-no-progress"], check=True)
        pair.append(out)
    return pair[0], pair[1], "busybox squashfs"


def scene_two_images(story):
    old, new, name = rootfs_pair(story)
    first = {**story.publisher.images("1.0.0"), "rootfs": old}
    second = {**story.publisher.images("2.0.0"), "rootfs": new}
    story.releases["5.0.0"] = story.publisher.publish(story.server, "5.0.0", first)
    story.releases["5.1.0"] = story.publisher.publish(story.server, "5.1.0", second)
    board = story.board("device-two-images", first, descriptor="5.0.0")
    board.start()
    done = story.settle(story.assign(board, "5.1.0"))
    expect(done["state"] == "confirmed", f"{done['state']}: {done['detail']}")
    slot = done["proof"]["slot"]
    for image, file in second.items():
        wanted = file.read_bytes()
        with open(board.image(slot, image), "rb") as medium:
            expect(medium.read(len(wanted)) == wanted, f"{image} in slot {slot} differs")
    board.stop()
    return f"{name}: both images byte-identical in slot {slot}"


def scene_offline(story):
    offline = story.directory / "2.0.0.ota"
    story.server.ota("release", "export", story.publisher.releases / "2.0.0.bundle", offline)
    board = story.board("device-offline", story.publisher.images("1.0.0"), {"server": {"url": None, "token-file": None}})
    board.start()
    wait_until(board.agent_answers, PATIENCE, "the agent answers on its socket")
    board.client("install", offline)
    wait_until(lambda: board.record().state("B") == "GOOD", PATIENCE, "slot B is confirmed")
    expect(board.record().slots[1]["version"] == "2.0.0", "slot B is not 2.0.0")
    board.stop()
    return "installed from a file, booted, confirmed"


SCENES = (
    ("a", "2.0.0 confirmed on all five", scene_update, None),
    ("b", "crashes: three tries, back on 2.0.0, reason known", comes_back, (0, "3.0.0", 3, "exhausted", "tries exhausted")),
    ("c", "hangs: watchdog, back on 2.0.0", bitten, (1, "3.1.0", 3, "exhausted", "tries exhausted")),
    ("d", "fails its health check: rejected, back on 2.0.0", comes_back, (2, "3.2.0", 1, "health", "health")),
    ("e", "a byte altered on the way: refused, nothing armed", scene_altered, (4,)),
    ("f", "signed by a stranger: refused", scene_stranger, (4,)),
    ("g", "kill -9 in mid-install: resumes, confirms", scene_killed_device, (4,)),
    ("h", "server killed -9: nothing acknowledged is lost", scene_killed_server, (0,)),
    ("i", "firmware and root file system: byte-identical", scene_two_images, None),
    ("j", "its agent never polls: comes back by itself", bitten, (3, "3.3.0", 3, "exhausted", "tries exhausted")),
    ("k", "offline .ota installs without a network", scene_offline, None),
    ("l", "84 devices in three waves: each when the last has passed", scene_rollout, None),
    ("m", "a bad release to 36: the health gate stops it; rolled back", scene_bad_rollout, None),
)

# Scenes in one act run side by side, on devices of their own.
ACTS = (("a", ["a"]), ("b c d e f i j k l m", list("bcdj") + ["ef", "i", "k", "lm"]), ("g", ["g"]), ("h", ["h"]))


def play(story, letter):
    """One scene: (letter, what was expected, what happened, whether it holds)."""
    _, expected, scene, detail = next(row for row in SCENES if row[0] == letter)
    start = time.monotonic()
    try:
        words = () if detail is None else (story.boards[detail[0]], *detail[1:])
        happened, holds = scene(story, *words), True
    except (AssertionError, Failed, RuntimeError, OSError, TimeoutError, subprocess.SubprocessError) as fault:
        happened, holds = f"{type(fault).__name__}: {fault}".splitlines()[0][:160], False
    return letter, expected, happened, holds, time.monotonic() - start


def play_in_turn(story, letters):
    return [play(story, letter) for letter in letters]


def run_story(directory, corpus):
    """True if every scene holds."""
    story = Story(directory, corpus)
    begin = time.monotonic()
    rows = []
    try:
        prepare(story)
        for name, threads in ACTS:
            with Step(f"play scene {name}" if len(name) == 1 else f"play scenes {name}"):
                for done in together(*[(play_in_turn, story, letters) for letters in threads]):
                    rows += done
    finally:
        story.stop()
    rows.sort()
    marks = [(f"{GREEN}holds{OFF}" if ok else f"{RED}FAILS{OFF}") for *_, ok, _ in rows]
    table(
        [(r[0], r[1], r[2], f"{r[4]:.1f} s", mark) for r, mark in zip(rows, marks)],
        ("", "expected", "what happened", "took", ""),
    )
    held = sum(1 for row in rows if row[3])
    print(f"\n{held} of {len(SCENES)} hold, {time.monotonic() - begin:.0f} s")
    return held == len(SCENES)


