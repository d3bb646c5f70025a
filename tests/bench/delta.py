# SPDX-License-Identifier: Apache-2.0
"""What our deltas cost beside those of others: bytes, CPU and memory, each from a round trip compared byte by byte.

    ./check bench-delta DIR
    python3 -B -m tests.bench.delta DIR [--pairs NAME,..] [--timeout SECONDS]

DIR holds pairs NAME.v1, NAME.v2, or a program `unpack` that writes them into the directory it is given. Peers that are
installed are run on the same pair, each command for at most --timeout seconds; figures of others are read from
DIR/README.md (or $OTA_CORPUS_README), from the first table whose first column is called "pair".
"""

import argparse
import filecmp
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("OTA_BUILD", "build")).absolute()
OTA = BUILD / "tools/ota"
TIMEOUT = 900  # seconds for one command; the slowest on the pairs known takes a quarter

# name: (program it needs, make, apply); {old} {new} {patch} {out} are paths
OURS = {
    "ota": (str(OTA), "{ota} delta make {old} {new} {patch}", "{ota} delta apply {old} {patch} {out}"),
    "ota --unwrap all": (str(OTA), "{ota} delta make --unwrap all {old} {new} {patch}",
                         "{ota} delta apply {old} {patch} {out}"),
}
PEERS = {
    "xdelta3": ("xdelta3", "xdelta3 -D -9 -S lzma -B {window} -W 16777216 -f -e -s {old} {new} {patch}",
                "xdelta3 -D -B {window} -f -d -s {old} {patch} {out}"),
    "bsdiff": ("bsdiff", "bsdiff {old} {new} {patch}", "bspatch {old} {out} {patch}"),
    "zstd": ("zstd", "zstd -q -f --ultra -22 --long=31 --patch-from={old} {new} -o {patch}",
             "zstd -q -f -d --long=31 --patch-from={old} {patch} -o {out}"),
    "rdiff": ("rdiff", "sh -c 'rdiff -b 1024 signature {old} {patch}.sig && rdiff -f delta {patch}.sig {new} {patch}.raw"
              " && zstd -q -f -19 {patch}.raw -o {patch}'",
              "sh -c 'zstd -q -f -d {patch} -o {patch}.raw && rdiff -f patch {old} {patch}.raw {out}'"),
}


class Fault(Exception):
    """A round trip that gives no figure, in the words of its row."""


def words_of(line, paths):
    """The command's words; what stands in sh -c '..' is one, and paths are never split."""
    if line.startswith("sh -c '"):
        return ["sh", "-c", line[7:-1].format(**paths)]
    return [word.format(**paths) for word in line.split()]


def run(line, limit, **paths):
    """Runs a command: (CPU seconds, peak MiB) of the largest of its processes.

    By GNU time, which is small: what Python starts itself would be counted with Python's own peak. At the limit the
    whole process group goes."""
    with tempfile.NamedTemporaryFile(prefix="ota-bench-time-") as usage:
        words = ["time", "-q", "-f", "%U %S %M", "-o", usage.name, *words_of(line, {"ota": OTA, **paths})]
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            status = child.wait(limit)
        except BaseException as why:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if isinstance(why, subprocess.TimeoutExpired):
                raise Fault(f"not done in {limit} s") from None
            raise
        if status != 0:
            raise Fault(f"failed with {status}")
        user, system, peak = pathlib.Path(usage.name).read_text().split()[-3:]
        return float(user) + float(system), int(peak) / 1024


def same(new, out):
    if not filecmp.cmp(new, out, shallow=False):
        raise Fault("wrong bytes")


def round_trip(row, old, new, place, limit):
    """Makes, applies and compares: (bytes, make CPU, make MiB, apply CPU, apply MiB)."""
    paths = {"old": old, "new": new, "patch": place / "patch", "out": place / "out",
             "window": max(old.stat().st_size, 1 << 20)}
    made = run(row[1], limit, **paths)
    applied = run(row[2], limit, **paths)
    same(new, paths["out"])
    return (paths["patch"].stat().st_size, *made, *applied)


def casync(row, old, new, place, limit):
    """Chunks of new that old has not, and the index: what a device fetches."""
    store_old, store_new = place / "old.castr", place / "new.castr"
    line = "casync make --chunk-size=65536 --store={store} {index} {file}"
    run(line, limit, store=store_old, index=place / "old.caibx", file=old)
    made = run(line, limit, store=store_new, index=place / "new.caibx", file=new)
    line = "casync extract --store={store} --seed={old} {index} {out}"
    seeded = run(line, limit, store=store_new, old=old, index=place / "new.caibx", out=place / "out")
    same(new, place / "out")
    have = {p.name for p in store_old.rglob("*.cacnk")}
    size = sum(p.stat().st_size for p in store_new.rglob("*.cacnk") if p.name not in have)
    return (size + (place / "new.caibx").stat().st_size, *made, *seeded)


def figures(readme):
    """{pair: {peer: bytes}} of the table in the corpus' README, but what is no delta."""
    found, titles = {}, []
    for line in readme.read_text().splitlines() if readme.is_file() else []:
        cells = [c.strip(" *") for c in line.strip().strip("|").split("|")]
        if cells[0] == "pair" and not found and "old" in cells:
            titles = cells
        elif titles and not line.startswith("|"):
            break
        elif titles and re.fullmatch(r"[\w-]+", cells[0]) and re.search(r"\w", cells[0]):
            row = dict(zip(titles[3:], cells[3:]))
            found[cells[0]] = {k: int(v.replace(",", "")) for k, v in row.items()
                               if v.replace(",", "").isdigit() and not k.startswith("full")}
    return found


def runners():
    """Everything that is installed: (name, its row, the function that makes its round trip)."""
    rows = [(name, row, round_trip) for name, row in {**OURS, **PEERS}.items()]
    rows.append(("casync", ("casync",), casync))
    return [r for r in rows if shutil.which(r[1][0])], [r[0] for r in rows if not shutil.which(r[1][0])]


class Pair:
    """What was measured on one pair."""

    def __init__(self, name, directory, known):
        self.name, self.known, self.rows = name, known, {}
        self.old, self.new = directory / f"{name}.v1", directory / f"{name}.v2"
        self.size = self.new.stat().st_size

    def measure(self, all_runners, limit):
        print(f"\n{self.name}: {self.size:,} bytes")
        print(f"  {'':22}{'bytes':>12}{'make s':>9}{'MiB':>7}{'apply s':>9}{'MiB':>7}", flush=True)
        for name, row, trip in all_runners:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="ota-bench-delta-") as place:
                try:
                    got = self.rows[name] = trip(row, self.old, self.new, pathlib.Path(place), limit)
                except Fault as fault:
                    if name in OURS:
                        raise SystemExit(f"bench-delta: {self.name}: {name}: {fault}") from None
                    print(f"  {name:22}{fault!s:>16}", flush=True)
                    continue
            print(f"  {name:22}{got[0]:12,}{got[1]:9.2f}{got[2]:7.0f}{got[3]:9.2f}{got[4]:7.1f}"
                  f"   ({time.monotonic() - began:.0f} s)", flush=True)
        for peer, figure in self.known.items():
            print(f"  {peer:22}{figure:12,}   (from the corpus)", flush=True)

    def best(self):
        """(bytes, peer) of the smallest that is not ours, or None."""
        sizes = [(row[0], peer) for peer, row in self.rows.items() if peer not in OURS]
        return min(sizes + [(size, peer) for peer, size in self.known.items()], default=None)

    def kind(self):
        """A pair that no peer makes smaller than 40 % of the image is compressed: its change is hidden."""
        return "compressed" if self.best()[0] > 0.4 * self.size else "plain"

    def ratio(self, ours):
        return self.rows[ours][0] / self.best()[0]


def mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def table(pairs):
    print("\n| pair | image | best peer | | `ota` | ratio | `--unwrap all` | ratio | make s | apply s | apply MiB |")
    print("|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for p in pairs:
        plain, unwrapped = (p.rows[name] for name in OURS)
        print(f"| {p.name} | {p.size:,} | {p.best()[0]:,} | {p.best()[1]} | {plain[0]:,} | {p.ratio('ota'):.3f} "
              f"| {unwrapped[0]:,} | {p.ratio('ota --unwrap all'):.3f} | {plain[1]:.2f}, {unwrapped[1]:.2f} "
              f"| {plain[3]:.2f}, {unwrapped[3]:.2f} | {plain[4]:.1f}, {unwrapped[4]:.1f} |")
    print()
    for kind in ("plain", "compressed"):
        for name in OURS:
            values = [p.ratio(name) for p in pairs if p.kind() == kind]
            if values:
                print(f"{kind} pairs, {name}: geometric mean {mean(values):.3f}, worst {max(values):.3f}, of {len(values)}")
    sys.stdout.flush()


def parse():
    parser = argparse.ArgumentParser(prog="bench-delta", description="Deltas beside those of others.")
    parser.add_argument("dir", nargs="?", default=os.environ.get("OTA_CORPUS", "corpus"))
    parser.add_argument("--pairs", help="only these, with commas between them", default="")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds for one command of a peer or of ours")
    return parser.parse_args()


def bench(directory, readme, options):
    names = sorted(p.name[:-3] for p in directory.glob("*.v1") if p.with_suffix(".v2").is_file())
    wanted = [n for n in options.pairs.split(",") if n]
    if unknown := [n for n in wanted if n not in names]:
        raise SystemExit(f"bench-delta: there is no pair {', '.join(unknown)}; there are {', '.join(names) or 'none'}")
    names = wanted or names
    if not names:
        print(f"bench-delta: no pairs NAME.v1, NAME.v2 in {directory}: ./check bench-delta DIR")
        return 77
    known, (here, missing) = figures(readme), runners()
    print(f"not installed: {', '.join(missing) or 'none'}; an idle process of ours: "
          f"{run('{ota} --version', options.timeout)[1]:.1f} MiB", flush=True)
    pairs = [Pair(name, directory, known.get(name, {})) for name in names]
    for pair in pairs:
        pair.measure(here, options.timeout)
    table([p for p in pairs if p.best()])
    return 0


def main():
    options = parse()
    directory = pathlib.Path(options.dir).absolute()
    readme = pathlib.Path(os.environ.get("OTA_CORPUS_README", directory / "README.md"))
    if not shutil.which("time"):
        print("bench-delta: needs GNU time, Debian's package time")
        return 77
    if any(directory.glob("*.v1")) or not os.access(directory / "unpack", os.X_OK):
        return bench(directory, readme, options)
    with tempfile.TemporaryDirectory(prefix="ota-bench-delta-pairs-") as pairs:
        subprocess.run([directory / "unpack", pairs], check=True)
        return bench(pathlib.Path(pairs), readme, options)


if __name__ == "__main__":
    sys.exit(main())
