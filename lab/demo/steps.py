# SPDX-License-Identifier: Apache-2.0
"""What the demo says while it works: named steps, each with the time it took."""

import sys
import time

TTY = sys.stdout.isatty()
BOLD, DIM, RED, GREEN, OFF = ("\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m") if TTY else ("",) * 5


class Step:
    """with Step("start the server"): .. prints the name, then how long it took."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.monotonic()
        print(f"  {self.name:<42}", end="", flush=True)
        return self

    def __exit__(self, kind, fault, trace):
        took = time.monotonic() - self.start
        print(f"{DIM}{took:5.1f} s{OFF}" if kind is None else f"{RED}failed{OFF}", flush=True)
        return False


def wait_until(ask, seconds, what, pause=0.05):
    """Asks until the answer is true; TimeoutError names what was waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def expect(holds, sentence):
    if not holds:
        raise AssertionError(sentence)


def table(rows, head):
    """Rows of text, aligned."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows + [list(head)]) for i in range(len(head))]
    line = "  ".join(f"{cell:<{width}}" for cell, width in zip(head, widths))
    print(f"\n{BOLD}{line}{OFF}")
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)))
