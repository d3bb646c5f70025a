# SPDX-License-Identifier: Apache-2.0
"""Clients by other people read a repository that publish/repo made.

usage: tuf_readers.py REPOSITORY_PROGRAM NODE_MODULES

Each starts with root 1, follows the rotation to root 2 and downloads the target; then one byte of the
snapshot is altered and it has to refuse: so it did verify.
"""

import functools
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading

import tuf.ngclient

NAME = "release/gateway/1.0.0.json"
TUF_JS = """
const { Updater } = require(process.argv[1] + '/tuf-js');
const [, , metadataDir, targetDir, base, name] = process.argv;
(async () => {
  const updater = new Updater({ metadataDir, targetDir,
    metadataBaseUrl: base + '/metadata', targetBaseUrl: base + '/targets' });
  await updater.refresh();
  const info = await updater.getTargetInfo(name);
  if (!info) throw new Error('not listed');
  console.log(await updater.downloadTarget(info));
})().catch((e) => { console.error(String(e)); process.exit(1); });
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def read_python_tuf(url, root, work, _):
    updater = tuf.ngclient.Updater(
        f"{work}/metadata", f"{url}/metadata/", f"{work}/targets", f"{url}/targets/", bootstrap=root
    )
    updater.refresh()
    return pathlib.Path(updater.download_target(updater.get_targetinfo(NAME))).read_bytes()


def read_tuf_js(url, root, work, modules):
    (work / "metadata/root.json").write_bytes(root)
    done = subprocess.run(
        ["node", "-e", TUF_JS, modules, f"{work}/metadata", f"{work}/targets", url, NAME],
        capture_output=True, text=True, check=False, timeout=60,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return pathlib.Path(done.stdout.strip()).read_bytes()


def attempt(reader, url, root, modules):
    with tempfile.TemporaryDirectory() as work:
        for name in ("metadata", "targets"):
            (pathlib.Path(work) / name).mkdir()
        return reader(url, root, pathlib.Path(work), modules)


def main():
    program, modules = sys.argv[1:3]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program, directory], check=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        metadata = pathlib.Path(directory) / "metadata"
        root = (metadata / "1.root.json").read_bytes()
        snapshot = (metadata / "7.snapshot.json").read_bytes()
        altered = snapshot.replace(b'"version":7', b'"version":8')
        assert altered != snapshot
        for name, reader in (("python-tuf", read_python_tuf), ("tuf-js", read_tuf_js)):
            (metadata / "7.snapshot.json").write_bytes(snapshot)
            try:
                good = attempt(reader, url, root, modules) == b"hello\n"
                why = "other bytes"
            except Exception as error:
                good, why = False, repr(error)
            (metadata / "7.snapshot.json").write_bytes(altered)
            try:
                attempt(reader, url, root, modules)
                refused = False
            except Exception:
                refused = True
            for ok, what in ((good, f"reads our repository{'' if good else ': ' + why}"), (refused, "refuses it altered")):
                print(f"{'ok    ' if ok else 'FAILED'} {name} {what}")
                passed, failed = passed + ok, failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
