# SPDX-License-Identifier: Apache-2.0
"""Our TUF client under the tests of the reference implementation (python-tuf).

usage: tuf_reference.py CLIENT TESTS_DIR

TESTS_DIR is `tests` of python-tuf's source package: it brings a repository simulator and the cases
by which the reference's own client is judged: key rotations, rollbacks, expiry, thresholds,
delegation graphs, consistent snapshots, order of requests. Here its Updater is replaced by
one that runs CLIENT (tests/interop/tuf_client.c) as a process against the same simulator over HTTP.
A case is a test method, or each of its subtests.

What our client refuses it refuses with exit status 1, whatever the reason: the exception raised here
is all of the reference's at once. For judging the figure, the same cases also run with a client that
refuses everything: a pass of that one proves nothing.
"""

import datetime
import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib import parse

import tuf.ngclient
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    UnsignedMetadataError,
)
from tuf.api.metadata import TargetFile

MODULES = (
    "test_updater_consistent_snapshot",
    "test_updater_delegation_graphs",
    "test_updater_fetch_target",
    "test_updater_key_rotations",
    "test_updater_top_level_update",
)

# Cases that are not ours to pass, each with the reason.
TAP_15 = "succinct roles are an extension (TAP 15): delegations of that form are refused whole"
ASCII = "our profile of metadata has ASCII keys only: other names are refused whole"
LIMITS = "limits are constants of ours, and hash prefixes follow the root: neither is configurable"
INSIDE = "looks at which files the reference's own client opens and keeps"
KNOWN = {
    "succinct_roles": TAP_15,
    "test_safely_encoded_rolenames": ASCII,
    "(case='non-asci case')": ASCII,
    "(case='subdirectory case')": ASCII + " (the case before it left one in the repository)",
    "(case='max number of delegations')": LIMITS,
    "without prefixed targets": LIMITS,
    "test_max_metadata_lengths": LIMITS,
    "test_max_root_rotations": LIMITS,
    "test_intermediate_root_cache": INSIDE,
    "test_load_metadata_from_cache": INSIDE,
    "test_not_loading_targets_twice": INSIDE,
}

real_seconds = time.time  # before any test freezes it


class Refused(
    ExpiredMetadataError,
    BadVersionNumberError,
    UnsignedMetadataError,
    LengthOrHashMismatchError,
    DownloadHTTPError,
    OSError,
    ValueError,
):
    def __init__(self, text):
        Exception.__init__(self, text)
        self.status_code = 404


class Server(http.server.ThreadingHTTPServer):
    """Serves whichever simulator is asked for next."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.simulator = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = b"".join(self.server.simulator.fetch("https://example.com" + self.path))
        except DownloadHTTPError as error:
            self.send_error(error.status_code)
            return
        except Exception:  # what the reference's client meets as an error of the download
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def adaptor(client, server):
    """A class in the place of tuf.ngclient.Updater that runs client."""

    class Updater:
        def __init__(
            self, metadata_dir, metadata_base_url, target_dir=None, target_base_url=None, fetcher=None, config=None, bootstrap=None
        ):
            self.dir = pathlib.Path(metadata_dir)
            self.target_dir = target_dir
            self.simulator = fetcher
            self.config = config or tuf.ngclient.UpdaterConfig()
            self.refreshed = False
            self.url = f"http://127.0.0.1:{server.server_port}"
            if bootstrap is None and not (self.dir / "root.json").exists():
                raise Refused("there is no trusted root")
            self.dir.mkdir(parents=True, exist_ok=True)
            if bootstrap is not None:
                with tempfile.NamedTemporaryFile() as root:
                    root.write(bootstrap)
                    root.flush()
                    self.run("init", root.name)

        def roles(self):
            return [role for role, _ in self.simulator.all_targets() if role != "targets"]

        def run(self, *arguments):
            """Our client keeps delegated roles under the hash of their names: translate both ways."""
            hashed = {hashlib.sha256(r.encode()).hexdigest(): parse.quote(r, "") for r in self.roles()}
            quoted = {name: digest for digest, name in hashed.items()}
            server.simulator = self.simulator
            before = len(self.simulator.fetch_tracker.metadata)
            with tempfile.TemporaryDirectory() as ours:
                for file in self.dir.glob("*.json"):
                    shutil.copyfile(file, f"{ours}/{quoted.get(file.stem, file.stem)}.json")
                command = [*self.clock(), *client, "--metadata-url", self.url + "/metadata/", "--metadata-dir", ours]
                done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
                for file in self.dir.glob("*.json"):
                    file.unlink()
                for file in pathlib.Path(ours).glob("*.json"):
                    shutil.copyfile(file, self.dir / f"{hashed.get(file.stem, file.stem)}.json")
            tracker = self.simulator.fetch_tracker
            if self.refreshed:
                # Each process refreshes; the reference's client does once in its life.
                asked = [row for row in tracker.metadata[before:] if row[0] not in ("root", "timestamp")]
                tracker.metadata[before:] = asked
            if done.returncode != 0:
                raise Refused(done.stderr.strip())
            self.refreshed = arguments[0] != "init"

        @staticmethod
        def clock():
            now = datetime.datetime.now(datetime.timezone.utc)
            if abs(now.timestamp() - real_seconds()) < 3600:
                return []
            return ["env", "TZ=UTC", "faketime", now.strftime("%Y-%m-%d %H:%M:%S")]

        def refresh(self):
            self.run("refresh")

        def fetch(self, path, directory):
            self.run(
                "--target-name", path, "--target-dir", directory, "--target-base-url", self.url + "/targets/", "download"
            )
            return pathlib.Path(directory) / parse.quote(path, "")

        def get_targetinfo(self, path):
            tracker = self.simulator.fetch_tracker
            targets = list(tracker.targets)
            with tempfile.TemporaryDirectory() as directory:
                try:
                    file = self.fetch(path, directory)
                except Refused as error:
                    if "no role lists it" not in str(error):
                        raise
                    self.refreshed = True
                    return None
                finally:
                    tracker.targets[:] = targets  # it was only to learn what is listed
                return TargetFile.from_file(path, str(file), ["sha256"])

        def find_cached_target(self, info, filepath=None):
            file = pathlib.Path(filepath or f"{self.target_dir}/{parse.quote(info.path, '')}")
            try:
                info.verify_length_and_hashes(file.read_bytes())
            except (OSError, LengthOrHashMismatchError):
                return None
            return str(file)

        def download_target(self, info, filepath=None, target_base_url=None):
            os.makedirs(self.target_dir, exist_ok=True)
            file = self.fetch(info.path, self.target_dir)
            if filepath is None:
                return str(file)
            shutil.move(file, filepath)
            return filepath

    return Updater


class Cases(unittest.TestResult):
    """Counts each subtest, and each test without any."""

    def __init__(self):
        super().__init__()
        self.passed, self.failed, self.had_subtests = [], {}, False

    def startTest(self, test):
        super().startTest(test)
        self.had_subtests = False
        self.bad = False

    def addSubTest(self, test, subtest, err):
        self.had_subtests = True
        name = f"{test.id()} {subtest._subDescription()}"
        if err is None:
            self.passed.append(name)
        else:
            self.failed[name] = err[1]

    def addSuccess(self, test):
        if not self.had_subtests:
            self.passed.append(test.id())

    def addError(self, test, err):
        self.failed[test.id()] = err[1]

    addFailure = addError

    def addSkip(self, test, reason):
        pass


def judge(client, directory, server):
    """Runs all cases in a process of their own, so that the modules meet this Updater first."""
    tuf.ngclient.Updater = adaptor(client, server)
    for name in MODULES:
        sys.modules.pop(f"tests.{name}", None)
    suite = unittest.defaultTestLoader.loadTestsFromNames([f"tests.{name}" for name in MODULES])
    cases = Cases()
    suite.run(cases)
    return cases


def main():
    client, directory = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    sys.path.insert(0, str(directory.parent))
    os.chdir(directory)
    server = Server()
    floor = judge(["false"], directory, server)
    cases = judge([client], directory, server)
    bad = 0
    for name, error in sorted(cases.failed.items()):
        reason = next((why for key, why in KNOWN.items() if key in name), None)
        bad += reason is None
        print(f"{'known ' if reason else 'FAILED'} {name}: {reason or repr(error)[:300]}")
    n = len(cases.passed) + len(cases.failed)
    print(
        f"python-tuf's cases: {len(cases.passed)} of {n} pass, {n - len(cases.passed) - bad} known not to; "
        f"a client that refuses everything passes {len(floor.passed)}"
    )
    print(f"{len(cases.passed)} passed, {bad} failed")
    return 1 if bad or len(cases.passed) <= len(floor.passed) else 0


if __name__ == "__main__":
    sys.exit(main())
