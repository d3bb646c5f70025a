# SPDX-License-Identifier: Apache-2.0
"""./check: runs suites, prints what each took and found, and ends with `N passed, N failed`."""

import os
import sys

from .run import Result, Stopwatch
from .suites import SUITES

BOLD, RED, GREEN, DIM, OFF = ("\033[1m", "\033[31m", "\033[32m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("",) * 5


def usage():
    print("usage: ./check [quick | SUITE..] [DIR]\n\nsuites (* in quick, + in ./check, - by name only):")
    for name, function, quick, full in SUITES:
        mark = "*" if quick else "+" if full else "-"
        print(f"  {mark} {name:20} {(function.__doc__ or '').strip().splitlines()[0]}")


def choose(words):
    names = {row[0] for row in SUITES}
    for word in words:
        if word not in names | {"quick"}:
            print(f"check: there is no suite \"{word}\"; ./check --list shows them", file=sys.stderr)
            sys.exit(2)
    if not words:
        return [row for row in SUITES if row[3]]
    return [row for row in SUITES if row[0] in words or ("quick" in words and row[2])]


def run(row):
    name, function = row[0], row[1]
    result = Result()
    print(f"{DIM}{name} ..{OFF}", flush=True)
    with Stopwatch() as watch:
        try:
            function(result)
        except Exception as fault:  # a suite that breaks is a failure, not the end
            result.expect(False, f"suite {name} runs: {fault!r}")
    for note in result.notes:
        colour = RED if note.startswith("FAILED") else DIM
        print(f"  {colour}{note}{OFF}", flush=True)
    return name, result, watch.seconds


def main():
    words = sys.argv[1:]
    if "--list" in words or "--help" in words:
        usage()
        return 0
    for directory in [w for w in words if "/" in w and os.path.isdir(w)]:
        words.remove(directory)
        os.environ["OTA_CORPUS"] = os.path.abspath(directory)
    rows = [run(row) for row in choose(words)]
    total = Result()
    print(f"\n{BOLD}{'suite':22}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}{OFF}")
    for name, result, seconds in rows:
        colour = RED if result.failed else GREEN
        print(f"{colour}{name:22}{result.passed:8}{result.failed:8}{result.skipped:8}{seconds:9.1f}{OFF}")
        result.notes = []
        total.add(result)
    print(f"\n{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


sys.exit(main())
