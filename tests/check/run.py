# SPDX-License-Identifier: Apache-2.0
"""Running commands and counting what they proved."""

import os
import pathlib
import re
import shutil
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"


class Result:
    """What one suite did: how many tests passed, failed and were skipped, and why."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.notes = []

    def expect(self, ok, sentence, detail=""):
        """One test: `sentence` says what should hold."""
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.notes.append(f"FAILED {sentence}" + (f"\n{indent(detail)}" if detail else ""))
        return ok

    def skip(self, sentence, count=1):
        self.skipped += count
        self.notes.append(f"skipped: {sentence}")

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes


def indent(text):
    return "\n".join("    " + line for line in text.strip().splitlines()[-60:])


def command(*words, cwd=TOP, env=None, timeout=1800):
    """Runs a command with its output kept; returns (exit status, output)."""
    try:
        done = subprocess.run(
            [str(w) for w in words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as late:
        text = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return 124, f"{text}\nstopped after {timeout} s"
    except FileNotFoundError:
        return 127, f"{words[0]}: not found"
    return done.returncode, done.stdout


def configure(directory, *options, env=None):
    """meson setup, once for each set of options."""
    stamp = directory / "check-options.txt"
    wanted = "\n".join(options)
    if stamp.exists() and stamp.read_text() == wanted and (directory / "build.ninja").exists():
        return 0, ""
    shutil.rmtree(directory, ignore_errors=True)  # --wipe would keep the old options
    status, text = command("meson", "setup", directory, *options, env=env)
    if status == 0:
        stamp.write_text(wanted)
    return status, text


def ninja(directory, *targets):
    return command("ninja", "-C", directory, *targets)


CMOCKA_OK = re.compile(r"^\[\s+OK \] ", re.M)
CMOCKA_BAD = re.compile(r"^\[  (?:FAILED|ERROR )  ?\] (\S+)", re.M)
CMOCKA_SKIP = re.compile(r"^\[  SKIPPED \] (\S+)", re.M)


def unittest_count(result, status, text, name):
    """Adds what Python's unittest says of itself."""
    ran = re.search(r"^Ran (\d+) tests? in", text, re.M)
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", text))
    skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", text))
    if not ran:
        result.expect(False, f"{name} runs", text)
        return
    result.passed += int(ran.group(1)) - bad - skipped
    result.skipped += skipped
    for reason in re.findall(r"skipped '?\"?(.*?)'?\"?$", text, re.M):
        result.notes.append(f"skipped: {reason}")
    if bad or status != 0:
        result.failed += max(bad, 1)
        # The tests that passed say nothing here; what failed must be readable where a log is cut.
        at = text.find("\n" + 70 * "=" + "\n")
        result.notes.append(f"FAILED {name}\n{indent(text[max(at, 0):].strip())}")


class Stopwatch:
    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.start
