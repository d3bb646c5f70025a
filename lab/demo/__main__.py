# SPDX-License-Identifier: Apache-2.0
"""./demo: an update server, five devices and a virtual fleet, all on this machine."""

import argparse
import base64
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from ..device import TOP
from .fleet import Fleet, bring_up_fleet, play_rollouts
from .house import PRODUCT, Board, Failed, Publisher, Server, program, wipe
from .steps import BOLD, DIM, OFF, Step

N_DEVICES = 5
# Slow enough to watch: a few seconds for each update.
ASSETS_KIB = 6144
CONFIG = {"limit": {"rate": "1MiB"}}


def parse(words):
    p = argparse.ArgumentParser(prog="./demo", description="An update server and five devices on this machine, until Ctrl-C.")
    p.add_argument("--story", action="store_true", help="play what can happen to a fleet, print the table, end")
    p.add_argument("--reset", action="store_true", help="wipe what earlier runs left, then start")
    p.add_argument("--yes", action="store_true", help="do not ask before installing packages")
    p.add_argument("--no-browser", action="store_true", help="do not open a browser")
    p.add_argument("--bind", default="127.0.0.1:0", metavar="ADDRESS:PORT", help="where the server listens (default: loopback, any free port)")
    p.add_argument("--dir", type=pathlib.Path, default=TOP / "demo.d", help="where the demo keeps its files (default: demo.d)")
    return p.parse_args(words)


def corpus():
    """A folder with real firmware pairs beside the repository, if there is one."""
    place = TOP.parent / "shared/corpus"
    return place if (place / "unpack").exists() and shutil.which("zstd") else None


def bring_up(directory, bind, server, publisher, boards):
    """Starts the server, makes releases, adds devices to boards; what is there already is used again."""
    with Step("start the server"):
        server.start(bind)
        server.make_token()
    published = directory / "published"
    if not published.exists():
        with Step("make offline keys"):
            publisher.init(server)
        for version in ("1.0.0", "2.0.0"):
            with Step(f"build, sign and publish {version}"):
                publisher.publish(server, version, publisher.images(version, assets_kib=ASSETS_KIB), "first light" if version == "1.0.0" else "all is well")
        published.touch()
    images = publisher.images("1.0.0", assets_kib=ASSETS_KIB)
    with Step(f"power on {N_DEVICES} devices"):
        for n in range(1, N_DEVICES + 1):
            board = Board(directory / f"device-{n}", server, publisher, images, CONFIG)
            board.point_at(server.url)
            if not board.is_provisioned():
                board.provision(publisher.releases / "1.0.0.bundle", images)
            board.start()
            boards.append(board)


def begin(options):
    """The demo's directory, locked: two demos do not share one, and a first start that was cut begins anew."""
    options.dir.mkdir(parents=True, exist_ok=True)
    lock = open(f"{options.dir}.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"demo: another one runs in {options.dir}; end it first, or name another --dir")
    if options.reset or not (options.dir / "published").exists():
        with Step("begin with nothing"):
            wipe(options.dir)
            options.dir.mkdir(parents=True)
    return lock


def write_ota_config(directory, server):
    """So that `ota --config demo.d/ota.ini ..` reaches this server."""
    path = directory / "ota.ini"
    path.write_text(f"[server]\nurl = {server.url}\nca = {server.ca}\ntoken-file = {server.token_file}\n")
    return path


def fingerprint(server):
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", server.data / "server.pem"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return text.strip().partition("=")[2]


def spki_hash(server):
    """What a browser can be told to trust: exactly this certificate's key."""
    key = subprocess.run(["openssl", "x509", "-pubkey", "-noout", "-in", server.data / "server.pem"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def open_browser(server, link):
    """A browser with a throw-away profile that trusts exactly this certificate; None if there is none."""
    browser = next((b for b in ("chromium", "google-chrome", "chrome") if shutil.which(b)), None)
    if browser is None or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or os.geteuid() == 0:
        return None
    profile = tempfile.mkdtemp(prefix="ota-demo-browser-")
    return subprocess.Popen(
        [browser, f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={spki_hash(server)}",
         "--no-first-run", "--new-window", link],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def tell(server, link, opened, config):
    print(f"\n{BOLD}{link}{OFF}\n{DIM}works once, for ten minutes; a new one: {program('ota-server')} admin login-link --config {server.config}{OFF}")
    if not opened:
        print(
            "\nYour browser will warn that the certificate is not from an authority it knows: this server made it."
            f"\nIt is the right one if its SHA-256 fingerprint is\n  {fingerprint(server)}"
        )
    if os.environ.get("SSH_CONNECTION"):
        print(f"\nYou are logged in from elsewhere. There, first:\n  ssh -L {server.port}:127.0.0.1:{server.port} THIS-MACHINE")
    newest = server.release_id(PRODUCT, "2.0.0")
    print(
        "\nAssign release 2.0.0 to a device and watch it; or from another terminal:"
        f"\n  {program('ota')} device assign device-1 {newest} --config {config}"
        "\nCtrl-C ends the demo. Meanwhile a fleet comes up and gets two rollouts:",
        flush=True,
    )


def show_fleet(fleet, publisher):
    """What goes wrong with the fleet is said, and the rest of the demo goes on."""
    try:
        bring_up_fleet(fleet, publisher)
        play_rollouts(fleet.server)
    except (Failed, OSError) as fault:
        print(f"./demo: {fault}", file=sys.stderr)


def demo(options):
    server, publisher, boards = Server(options.dir / "server"), Publisher(options.dir / "publisher"), []
    fleet = Fleet(options.dir, server)
    try:
        bring_up(options.dir, options.bind, server, publisher, boards)
        link = server.admin("admin", "login-link")["link"]
        browser = None if options.no_browser else open_browser(server, link)
        tell(server, link, browser is not None, write_ota_config(options.dir, server))
        show_fleet(fleet, publisher)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        print()
        with Step("power everything off"):
            fleet.stop()
            for board in boards:
                board.stop()
            server.stop()
    return 0


def main():
    options = parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's `./demo &` starts with it ignored
        signal.signal(number, signal.default_int_handler)
    if options.story:
        from .story import run_story

        place = pathlib.Path(tempfile.mkdtemp(prefix="ota-story-"))
        try:
            return 0 if run_story(place, corpus()) else 1
        finally:
            wipe(place)
    try:
        with begin(options):
            return demo(options)
    except (Failed, RuntimeError, OSError) as fault:
        print(f"./demo: {fault}", file=sys.stderr)
        return 1


sys.exit(main())
