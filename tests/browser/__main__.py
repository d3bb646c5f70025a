# SPDX-License-Identifier: Apache-2.0
"""The console in a browser, against a real server with a signed release in it: python3 -m tests.browser

Needs a build (OTA_BUILD), the console built into it, and npm with Node 18 on PATH; deploy/node18.sh finds one.
"""

import os
import subprocess
import sys

from tests.integration.server import OTA, TOP, Server, temporary


def main():
    with temporary() as place:
        server = Server(place, "--server-demo", "yes", "--delta-look-every", "1s")
        server.options += ("--webhook-ca-file", server.data / "ca.pem", "--webhook-allow", "127.0.0.0/8")
        server.start()
        try:
            server.claim()
            for version in ("1.0.0", "2.0.0"):
                server.push(server.make_bundle(version))
            # the next one, for the console to upload
            notes = ("--security-version", "1", "--notes", "Mends <img src=x onerror=alert(1)>")
            bundle = server.make_bundle("2.1.0", security=notes)
            env = {
                **os.environ,
                "OTA_SERVER_URL": server.url,
                "OTA_API_TOKEN": server.token,
                "OTA_BUNDLE": str(bundle),
                "OTA_PROGRAM": str(OTA),
                "OTA_RECEIVER": str(server.data / "server.pem"),
            }
            return subprocess.run(["npm", "run", "--silent", "e2e", "--", *sys.argv[1:]], cwd=TOP / "web", env=env, check=False).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
