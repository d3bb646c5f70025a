# SPDX-License-Identifier: Apache-2.0
"""ota login and ota logout: a person's session on the command line."""

import json
import os
import pathlib
import pty
import select
import shutil
import stat
import subprocess
import tempfile
import unittest

from lab.demo.house import Server, program
from lab.device import PATIENCE

DONE, FAILED, USAGE, REFUSED, UNREACHABLE = range(5)
PASSWORD = "correct horse battery"


class Login(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.base = pathlib.Path(place.name)
        cls.server = Server(cls.base / "server")
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.make_token()
        for name, role in (("ann", "release-manager"), ("bob", "viewer")):
            cls.server.call("POST", "/api/v1/users", {"name": name, "password": PASSWORD, "role": role})

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        self.session = self.home / ".config/ota/session"
        self.env = {**os.environ, "HOME": str(self.home)}

    def ota(self, *words, status=DONE, said=None, **more):
        done = subprocess.run([program("ota"), *map(str, words)], cwd=self.home, capture_output=True, text=True, start_new_session=True,
                              env=self.env, timeout=PATIENCE, **{"stdin": subprocess.DEVNULL, **more})
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        if said:
            self.assertIn(said, done.stdout + done.stderr)
        return done.stdout

    def login(self, user, password=PASSWORD, **more):
        reader, writer = os.pipe()
        os.write(writer, password.encode() + b"\n")
        os.close(writer)
        try:
            return self.ota("login", "--server", self.server.url + "/", "--ca", self.server.ca, "--user", user, "--passphrase-fd", str(reader),
                            pass_fds=[reader], **more)
        finally:
            os.close(reader)

    def test_who_logged_in_needs_neither_server_nor_token(self):
        self.ota("device", "list", status=USAGE)
        self.assertIn("as ann", self.login("ann"))
        self.assertEqual(stat.S_IMODE(self.session.stat().st_mode), 0o600)
        self.assertNotIn(PASSWORD, self.session.read_text())
        self.assertEqual("No devices.\n", self.ota("device", "list", "--query", "nobody"))
        self.ota("device", "list", "--server", self.server.url)
        self.assertEqual("ann", json.loads(self.ota("audit", "list", "--who", "ann", "--json"))[0]["who"])

    def test_a_session_ends_on_both_sides(self):
        self.login("ann")
        kept = self.session.read_text()
        self.ota("logout", said="Logged out")
        self.assertFalse(self.session.exists())
        self.session.write_text(kept)
        self.session.chmod(0o600)
        self.ota("device", "list", status=FAILED, said="the session has ended: see ota login")
        self.ota("logout", said="Logged out")
        self.ota("logout", status=FAILED, said="nobody is logged in")

    def test_a_wrong_password_leaves_nothing_behind(self):
        self.login("ann", "wrong horse battery", status=FAILED, said="the user or the password is wrong")
        self.assertFalse(self.session.exists())

    def test_a_session_has_the_role_of_its_user(self):
        self.login("bob")
        self.ota("device", "list")
        self.ota("device", "add", "x", status=FAILED, said="role")

    def test_a_release_is_pushed_with_a_session(self):
        self.login("ann")
        (self.home / "online.json").write_text(self.ota("keys", "online"))
        self.ota("keys", "init", "keys", "--online", "online.json", "--demo")
        (self.home / "1.img").write_bytes(os.urandom(300_000))
        self.ota("bundle", "create", "1.bundle", "--keys", "keys", "--demo", "--product", "gateway", "--hardware", "revA",
                 "--version", "1.0.0", "--image", "firmware=1.img")
        self.ota("release", "sign", "1.bundle", "--keys", "keys", "--demo")
        self.ota("release", "push", "1.bundle", said="Published gateway 1.0.0")

    def test_another_server_does_not_get_the_session(self):
        self.login("ann")
        self.ota("device", "list", "--server", "https://127.0.0.1:1", "--ca", self.server.ca, status=USAGE, said="nobody is logged in there")

    def test_a_token_that_is_named_goes_before_the_session(self):
        self.login("bob")
        self.ota("device", "add", "by-token", "--token-file", self.server.token_file, "--ca", self.server.ca, "--server", self.server.url)

    def test_a_session_that_others_can_read_or_that_is_damaged_is_not_used(self):
        self.login("ann")
        self.session.chmod(0o644)
        self.ota("device", "list", status=REFUSED, said="others may read it")
        self.session.chmod(0o600)
        for text in ("", "{}", '{"server":1}', self.session.read_text().replace('"secret":"', '"secret":"a;b')):
            self.session.write_text(text)
            self.ota("device", "list", status=REFUSED, said="session")
        self.ota("logout", said="Logged out")
        self.assertFalse(self.session.exists())

    def test_who_logs_out_without_the_server_is_out_here(self):
        self.login("ann")
        self.session.write_text(self.session.read_text().replace(self.server.url, "https://127.0.0.1:1"))
        self.ota("logout", status=UNREACHABLE, said="forgotten here")
        self.assertFalse(self.session.exists())

    def test_what_is_not_said_is_asked_on_the_terminal_and_the_password_not_shown(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(program("ota"), ["ota", "login"], self.env)
        heard = b""
        for question, answer in ((b"Server", self.server.url), (b"certificate", str(self.server.ca)), (b"User", "ann"), (b"Password", PASSWORD)):
            while question not in heard.rpartition(b"\n")[2]:
                self.assertTrue(select.select([terminal], [], [], PATIENCE)[0], heard)
                heard += os.read(terminal, 4096)
            os.write(terminal, answer.encode() + b"\n")
        try:
            while more := os.read(terminal, 4096):
                heard += more
        except OSError:  # Linux' end of a terminal
            pass
        self.assertEqual(os.waitpid(pid, 0)[1], 0, heard)
        os.close(terminal)
        self.assertIn(b"as ann", heard)
        self.assertNotIn(PASSWORD.encode(), heard)
        self.ota("device", "list")

    def test_without_a_terminal_what_is_missing_is_named(self):
        self.ota("login", status=USAGE, said="--server is missing")
        self.ota("login", "--server", self.server.url, "--ca", "nowhere.pem", "--user", "ann", status=FAILED, said="nowhere.pem")

    def tearDown(self):
        shutil.rmtree(self.home)


if __name__ == "__main__":
    unittest.main()
