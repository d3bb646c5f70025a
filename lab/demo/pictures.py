# SPDX-License-Identifier: Apache-2.0
"""python3 -m lab.demo.pictures DIRECTORY: the README's pictures, of a real fleet in the middle of things."""

import pathlib
import subprocess
import sys
import tempfile

from ..device import MIB, PATIENCE, TOP
from .house import wipe
from .steps import Step, wait_until
from .story import Story


def stage(story):
    """Five devices: one in mid-download, two confirmed, one that rolled back, one not updated."""
    story.server.start()
    story.server.make_token()
    story.publisher.init(story.server)
    images = story.publisher.images("1.0.0")
    story.releases["1.0.0"] = story.publisher.publish(story.server, "1.0.0", images)
    for version, variant in (("2.0.0", "healthy"), ("2.1.0", "unhealthy")):
        story.release(version, variant, assets_kib=8192)
    boards = [story.board(f"gw-{n:04}", images) for n in range(1, 6)]
    proxy = story.proxy()
    boards[0].point_at(proxy.url)
    for board in boards:
        board.start()
    idents = [story.assign(board, "2.0.0") for board in boards[1:3]] + [story.assign(boards[3], "2.1.0")]
    for ident in idents:
        story.settle(ident)
    proxy.rate = 3 * MIB
    story.assign(boards[0], "2.0.0")
    wait_until(lambda: proxy.body_bytes > 2 * MIB, PATIENCE, "the download is under way")
    proxy.rate = MIB // 8
    return boards[0].path.name


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="ota-pictures-"))
    story = Story(place, None)
    try:
        with Step("set the stage"):
            device = stage(story)
        link = story.server.admin("admin", "login-link")["link"]
        with Step("take the pictures"):
            subprocess.run(["node", TOP / "web/e2e/pictures.mjs", link, device, sys.argv[1]], check=True, cwd=TOP / "web")
    finally:
        story.stop()
        wipe(place)


if __name__ == "__main__":
    main()
